"""How often one client may ask: GCRA, shared by all processes that serve.

A second's worth may come at once; after that requests pass as evenly as the rate says. What is
remembered is one moment for each client: when the next request would be due if all had come evenly.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from provisioner.logs import logger

Step = Callable[[bytes, float], tuple[bytes, float]]
_BURST_S = 1.0
_MOMENT = struct.Struct("<d")


class Board(Protocol):
    """What processes share: a few bytes for each name."""

    def rewrite(self, account: str, step: Step) -> float:
        """Replace what is kept by what `step` makes of it and of the time; return its result."""


class ClientRate:
    """Lets each client ask `per_second` times a second."""

    def __init__(self, board: Board, per_second: float) -> None:
        self._board, self._interval = board, 1 / per_second
        self._burst = max(_BURST_S, self._interval)

    def wait(self, key: str) -> float:
        """Return for how many seconds a client must wait, 0 if this request may pass.

        A board that fails holds nobody up: this limit is a courtesy, the others are safety.
        """
        try:
            return self._board.rewrite(f"client {key}", self._step)
        except SQLAlchemyError as error:
            logger().warning("http.rate_not_counted", exc_info=error)
            return 0.0

    def _step(self, kept: bytes, now: float) -> tuple[bytes, float]:
        due = _MOMENT.unpack(kept)[0] if len(kept) == _MOMENT.size else now
        # a clock that was set back must not shut anybody out
        due = min(max(due, now), now + self._burst)
        wait = due + self._interval - self._burst - now
        if wait > 1e-9:
            return kept, wait
        return _MOMENT.pack(due + self._interval), 0.0
