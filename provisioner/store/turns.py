"""Turns: whoever writes to a SQLite file waits in a queue, and not by asking again and again.

SQLite lets one connection write at a time. The others sleep, ask again, and sleep longer: under load half of
the time nobody writes, and somebody waits very long. The receiver's processes, which write most,
take turns by a file lock beside the store instead, whose next holder the kernel wakes at once. Others who
write to the store don't take turns; SQLite's own lock still decides.

Nobody waits for ever, and many don't wait one after the other: while somebody else keeps the store locked, who has the
turn waits for that lock, and whoever's patience ends meanwhile goes without. Once one has waited in vain,
the next ones wait a moment only, until a write succeeds: their threads have reads to answer.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from types import TracebackType

from provisioner.store.database import BUSY_MS, StoreError

ENDING = "-turn"
"""What the lock file's name has after the store's."""

PATIENCE_S = BUSY_MS / 1000
"""Seconds that a write waits for its turn and the store's lock together."""

SHORT_S = 1.0
"""The same, while the store is known to be locked."""

_forks = 0


def process() -> int:
    """Return a number that a process shares with neither its parent nor its children."""
    return _forks


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


class Turns:
    """The turns of all threads and processes that write to one file; None: nobody else writes there.

    Entering waits until it is this thread's turn, and gives the seconds that are left for the store's own lock.
    A process that dies gives its turn up; one that is stopped keeps it, and one thread of each other process
    waiting, while the rest are told that the store is locked. Raises StoreError.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._locked = False  # as far as this process knows, by somebody who takes no turns
        self._until = 0.0  # the end of this turn's patience
        self._begin()

    def _begin(self) -> None:
        self._process = process()
        self._threads = threading.Lock()
        self._file: int | None = None

    def __enter__(self) -> float:
        if self._process != process():  # parent and child would hold one lock, and both go ahead
            self._begin()
        patience_s = SHORT_S if self._locked else PATIENCE_S
        until = time.monotonic() + patience_s
        if not self._threads.acquire(timeout=patience_s):
            raise self._waited_in_vain()
        try:
            if self._path is not None:
                fcntl.flock(self._opened(self._path), fcntl.LOCK_EX)
            left_s = until - time.monotonic()
            if left_s <= 0:
                self._give_up()
                raise self._waited_in_vain()
        except BaseException as error:
            self._threads.release()
            if isinstance(error, OSError):
                raise StoreError(f"the store failed: {self._path}: {error.strerror}") from None
            raise
        self._until = until
        return left_s

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._locked = False
        elif time.monotonic() > self._until:
            self._locked = True
        self._give_up()
        self._threads.release()

    def _give_up(self) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _waited_in_vain(self) -> StoreError:
        self._locked = True
        return StoreError(
            "the store failed: others keep it locked",
            remedy="end whoever writes to it for so long, or was stopped while writing",
        )

    def _opened(self, path: str) -> int:
        if self._file is None:
            self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return self._file
