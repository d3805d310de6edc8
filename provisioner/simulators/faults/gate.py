"""Points at which a request can be held: so a test can end the client just there, and nowhere else.

arrival    it has come in, and nothing has happened yet
commit     what it asked for has happened, and no answer has left
answer     the answer is on the wire, whole
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Point = Literal["arrival", "commit", "answer"]
Counted = Literal["reads", "writes"]
POINTS: tuple[Point, ...] = get_args(Point)
COUNTED: tuple[Counted, ...] = get_args(Counted)

LONGEST_S = 60.0
"""A request that nobody releases goes on after this time."""


@dataclass(frozen=True, slots=True)
class Held:
    """A request that is being held; `number` is its number among all (from 1)."""

    at: Point
    number: int
    method: str
    path: str

    def shown(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


class Gate:
    """Holds one request at a time: the nth read or write that comes to a point from when that is asked."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted: tuple[Point, Counted] | None = None
        self._left = 0
        self._held: Held | None = None

    def hold(self, at: Point, counted: Counted, nth: int) -> None:
        """Hold the nth (from 1) from now on; whatever was wanted before isn't any longer."""
        with self._changed:
            self._wanted, self._left, self._held = (at, counted), nth, None
            self._changed.notify_all()

    def release(self) -> None:
        """Let what is held go on, and hold nothing more."""
        with self._changed:
            self._wanted, self._held = None, None
            self._changed.notify_all()

    def held(self, wait_s: float) -> Held | None:
        """Return what is held, waiting for it; None once it is released, or after `wait_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._held or not self._wanted, timeout=wait_s)
            return self._held

    def come_to(self, at: Point, counted: Counted, number: int, method: str, path: str) -> None:
        """Pass a point; wait there if this is the request to hold."""
        with self._changed:
            if self._wanted != (at, counted) or self._held is not None:
                return
            self._left -= 1
            if self._left > 0:
                return
            mine = self._held = Held(at, number, method, path)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._held is not mine, timeout=LONGEST_S)
            if self._held is mine:
                self._wanted = self._held = None
