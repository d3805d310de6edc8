"""Rate limits: how long a request must wait, so that nobody asks a vendor too often.

A limiter gives out places in time, by account and label (places.py). What has been given is written on
a board; all limiters on one board share the places, whichever thread or process they are in: the board of
a store (store/rate_board.py) serves every process of an installation. A place that nobody uses is
lost, and so a process that dies holds up nobody.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from connectors.records import Rate
from provisioner.places import Place, Places

T = TypeVar("T")
Step = Callable[[bytes, float], tuple[bytes, T]]
"""Gets what is written of an account (b"" for nothing yet) and the board's time in seconds; returns
what shall be written, and a result. It may be called again where somebody else was quicker."""


class Board(Protocol):
    """Where it is written what the accounts' requests have taken."""

    def rewrite(self, account: str, step: Step[T]) -> T:
        """Write what `step` makes of the account's present text, as one act; return its result."""

    def read(self, account: str) -> bytes:
        """Return what is written of an account, b"" for nothing."""


class Memory:
    """A board that this process alone sees. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._written: dict[str, bytes] = {}

    def rewrite(self, account: str, step: Step[T]) -> T:
        """See Board."""
        with self._lock:
            self._written[account], result = step(self.read(account), self._clock())
            return result

    def read(self, account: str) -> bytes:
        """See Board."""
        return self._written.get(account, b"")


class Limiter:
    """Gives out places; safe to call from any thread.

    `clock` is of a board in memory, where no other `board` is given. `jitter` gives a number between
    two.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        board: Board | None = None,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._board = board or Memory(clock)
        self._jitter = jitter

    def reserve(self, account: str, label: str, rate: Rate, within_s: float) -> Place:
        """Take the next free place.

        Where that is more than `within_s` seconds off no place is taken: the request must not be
        sent. Places are given in the order in which they are asked for.

        Raises ValueError for a rate that isn't above zero, StoreError where the board fails.

        >>> limiter = Limiter(clock=lambda: 0.0)
        >>> [limiter.reserve("acme", "light", Rate(20), 60).wait_s for _ in range(3)]
        [0.0, 0.05, 0.1]
        """

        def step(written: bytes, now: float) -> tuple[bytes, Place]:
            places = _places(written)
            place = places.take(label, rate, within_s, now)
            return msgspec.msgpack.encode(places), place

        return self._board.rewrite(account, step)

    def stands(self, account: str, label: str, rate: Rate, place: Place) -> bool:
        """Return whether a place may still be used: its label hasn't been paused since it was taken."""
        return _places(self._board.read(account)).pauses(label, rate) == place.pauses

    def penalise(self, account: str, label: str, rate: Rate, asked_s: float | None) -> float:
        """Keep everybody from using a label that the vendor refused; return for how many seconds.

        `asked_s` is what the vendor asked for, None for nothing (places.py says what it is then).
        """
        share = self._jitter(0.5, 1)

        def step(written: bytes, now: float) -> tuple[bytes, float]:
            places = _places(written)
            paused_s = places.pause(label, rate, asked_s, share, now)
            return msgspec.msgpack.encode(places), paused_s

        return self._board.rewrite(account, step)


def shared(rate: Rate, share: float) -> Rate:
    """Return what is ours of a rate when other apps use the account too; at least one request.

    >>> shared(Rate(40, per_day=10_000), 0.95) == Rate(38.0, per_day=9500)
    True
    """

    def whole(figure: int | None) -> int | None:
        return figure and max(1, int(figure * share))

    return msgspec.structs.replace(
        rate,
        per_second=rate.per_second and rate.per_second * share,
        per_minute=whole(rate.per_minute),
        per_day=whole(rate.per_day),
    )


def _places(written: bytes) -> Places:
    """Return what is written; nothing where another version of this program wrote it its own way."""
    try:
        return msgspec.msgpack.decode(written, type=Places) if written else Places()
    except msgspec.DecodeError:  # also what has another shape
        return Places()
