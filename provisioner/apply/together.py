"""Writing together: what several threads have to write down at once is one write for all of them.

Whoever comes first writes; what comes while that goes on waits, and is the next write, whole. So the
store's price of a transaction is paid once for many calls where they end faster than it takes one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _One(Generic[T]):
    """What one thread has to write, and how that ended."""

    what: T
    is_written: bool = False
    error: BaseException | None = None


class Together(Generic[T]):
    """Has `write` write, one list at a time, in the order in which things came."""

    def __init__(self, write: Callable[[Sequence[T]], None]) -> None:
        self._write = write
        self._turn = threading.Lock()  # of whoever writes
        self._adding = threading.Lock()  # of what waits
        self._waiting: list[_One[T]] = []

    def add(self, what: T) -> None:
        """Have something written, and return when it is; raises what writing it raised.

        Where that failed, it failed for everybody whose part of it it was: each thread raises an
        error of its own, of the same kind.
        """
        one = _One(what)
        with self._adding:
            self._waiting.append(one)
        with self._turn:
            if not one.is_written and one.error is None:
                self._write_what_waits()
        if one.error is not None:
            raise copy(one.error) from one.error
        if not one.is_written:
            raise RuntimeError("whoever was to write this was interrupted")

    def alone(self) -> AbstractContextManager[object]:
        """Keep everybody from writing meanwhile."""
        return self._turn

    def _write_what_waits(self) -> None:
        with self._adding:
            taken, self._waiting = self._waiting, []
        try:
            self._write([one.what for one in taken])
        except BaseException as error:  # noqa: BLE001 - whoever added it raises it
            for one in taken:
                one.error = error
        else:
            for one in taken:
                one.is_written = True
