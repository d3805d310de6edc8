"""Who asks: as config's `sign_in` has them told.

    none    whoever reaches the console, which listens on this machine alone; they give a name to decide
    token   an operator's token: in an Authorization header, or once at /sign-in for a session
    proxy   the name that a proxy writes, taken from the proxies that config names alone

A program may show an operator's token in every mode, and is then who the token says. What is wrong is
answered 401, and never says how it was wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from flask import g, request

from connectors.errors import RunError
from provisioner import who
from provisioner.console import cookies
from provisioner.console.attempts import Attempts
from provisioner.console.operators import Operator
from provisioner.console.refusals import Refusal
from provisioner.console_config import ConsoleConfig
from provisioner.store.tokens import Token, prefix_of
from provisioner.token_book import TokenBook
from provisioner.web.proxies import DIRECT, is_within

_UNKNOWN = "sign in, or show an operator's token as a bearer token"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="console"'}


class Admission:
    """Lets operators in. `now` tells the time (aware, UTC)."""

    def __init__(self, book: TokenBook, now: Callable[[], datetime], attempts: Attempts) -> None:
        self.book = book
        self._now, self._attempts = now, attempts

    def operator(self, settings: ConsoleConfig) -> Operator:
        """Return who asks. Raises Refusal: 401 for nobody we know, 429 if they try too often."""
        scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
        text = text.strip()
        # a proxy hands on what it was shown itself: only what could be ours is ours to judge
        if scheme.lower() == "bearer" and (settings.sign_in == "token" or prefix_of(text)):
            return self._by_token(self.shown(text))
        if settings.sign_in == "none":
            return Operator()
        if settings.sign_in == "proxy":
            return _by_proxy(settings)
        return self._by_session()

    def shown(self, text: str) -> Token:
        """Return the operator's token that somebody shows. Raises Refusal 401, or 429."""
        address = request.remote_addr or ""
        if not self.book.knows(text) and (wait := self._attempts.wait_s(address)) > 0:
            raise Refusal(
                429,
                "too many wrong tokens came from your address; wait as Retry-After says",
                headers={"Retry-After": str(math.ceil(wait))},
            )
        token = self._live(text, "console")
        if token is None:
            self._attempts.failed(address)
            raise Refusal(401, "this token opens nothing here", headers=CHALLENGE)
        self._attempts.passed(address)
        return token

    def _live(self, text: str, kind: Literal["console", "session"]) -> Token | None:
        token = self.book.find(text) if prefix_of(text) else None
        if token is None or token.kind != kind or not token.live(self._now()):
            return None
        return token

    def _by_token(self, token: Token) -> Operator:
        self.book.used(token)
        g.bearer = token.kind == "console"
        return Operator(token.name, token.scope == "write", token.syncs)

    def _by_session(self) -> Operator:
        text = cookies.session()
        token = text and self._live(text, "session")
        if not token:
            why = "your session has ended: sign in again" if text else _UNKNOWN
            raise Refusal(401, why, headers=CHALLENGE)
        g.session = text
        return self._by_token(token)


def _by_proxy(settings: ConsoleConfig) -> Operator:
    peer, _ = request.environ.get(DIRECT) or (request.remote_addr or "", "")
    if not is_within(peer, settings.proxies):
        raise Refusal(
            401, "ask through the proxy that signs operators in, or show a token", headers=CHALLENGE
        )
    header = settings.user_header or ""
    written = request.environ.get(f"HTTP_{header.upper().replace('-', '_')}", "")
    name = _decoded(written)
    if "," in name:  # what a client wrote and what the proxy added to it look like this
        raise Refusal(401, f"the proxy gave several names in {header}", headers=CHALLENGE)
    try:
        return Operator(who.named(name))
    except RunError:
        raise Refusal(401, f"the proxy gave no name in {header}", headers=CHALLENGE) from None


def _decoded(written: str) -> str:
    """Return a header's text: WSGI gives its bytes as Latin-1, and UTF-8 is what proxies write."""
    try:
        return written.encode("latin-1").decode()
    except UnicodeDecodeError:
        return written
