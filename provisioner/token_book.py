"""The tokens that this process has looked up, and when they were used.

A valid token is believed for a second (BELIEVED_S) without asking the store again, so that a client
in full flow costs a question a second and not one a request; whoever revokes a token waits that
long. What was not found is never remembered: a new token works at once. Its use is noted aside, once a
minute, so that no request waits for the store's write lock to be counted.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from provisioner.logs import logger
from provisioner.store import tokens as token_store
from provisioner.store.database import reading
from provisioner.store.tokens import BELIEVED_S, USE_IS_NOTED, Token

_MANY = 1000
"""Tokens to keep in mind; more at once are looked up anew."""


class TokenBook:
    """What the store knows of tokens. `now` tells the time (aware, UTC), `clock` seconds that never go back."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._now, self._clock = engine, now, clock
        self._believed: dict[bytes, tuple[float, Token]] = {}
        self._noted: dict[str, datetime] = {}
        self._noting = threading.Lock()
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="token use")

    def find(self, text: str) -> Token | None:
        """Return the token that a text is, None if it is none of ours; it may have ended since.

        Raises StoreError if the store doesn't answer.
        """
        began = self._clock()
        digest = hashlib.sha256(text.encode()).digest()
        known = self._believed.get(digest)
        if known is not None and began - known[0] < BELIEVED_S:
            return known[1]
        with reading(self._engine) as connection:
            token = token_store.find(connection, text)
        if token is None:
            self._believed.pop(digest, None)
            return None
        if len(self._believed) >= _MANY:
            self._believed.clear()
        self._believed[digest] = began, token  # from before the question: an end may come meanwhile
        return token

    def knows(self, text: str) -> bool:
        """Return whether a text was a token of ours when it was looked up last, and it was."""
        return hashlib.sha256(text.encode()).digest() in self._believed

    def forget(self, text: str) -> None:
        """Ask the store about a text the next time: its owner has handed it back."""
        self._believed.pop(hashlib.sha256(text.encode()).digest(), None)

    def used(self, token: Token) -> None:
        """Have it noted that a token was used; an access token's use is its client's too."""
        now = self._now()
        for prefix in filter(None, (token.prefix, token.client)):
            with self._noting:
                last = self._noted.get(prefix)
                if prefix == token.prefix and last is None:
                    last = token.last_used_at
                if last is not None and now - last < USE_IS_NOTED:
                    continue
                if len(self._noted) >= _MANY:
                    self._noted.clear()
                self._noted[prefix] = now
            self._aside.submit(self._note, prefix, now)

    def close(self) -> None:
        """Wait until every use is noted."""
        self._aside.shutdown()

    def _note(self, prefix: str, now: datetime) -> None:
        try:
            with self._engine.begin() as connection:
                token_store.note_use(connection, prefix, now)
        except SQLAlchemyError as error:  # the next minute notes it
            logger().warning("token.use_not_noted", token=prefix, exc_info=error)
