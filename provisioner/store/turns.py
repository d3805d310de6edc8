"""Turns: whoever writes to a SQLite file waits in a queue, and not by asking again and again.

SQLite lets one connection write at a time. The others sleep, ask again, and sleep longer: under load half of
the time nobody writes, and somebody waits very long. The receiver's processes, which write most,
take turns by a file lock beside the store instead, whose next holder the kernel wakes at once. Others who
write to the store don't take turns; SQLite's own lock still decides.
"""

from __future__ import annotations

import fcntl
import os
import threading
from types import TracebackType

from provisioner.store.database import StoreError

ENDING = "-turn"
"""What the lock file's name has after the store's."""


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

    Entering waits until it is this thread's turn. A process that dies gives its turn up.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._begin()

    def _begin(self) -> None:
        self._process = process()
        self._threads = threading.Lock()
        self._file: int | None = None

    def __enter__(self) -> None:
        if self._process != process():  # parent and child would hold one lock, and both go ahead
            self._begin()
        self._threads.acquire()
        try:
            if self._path is not None:
                fcntl.flock(self._opened(self._path), fcntl.LOCK_EX)
        except BaseException as error:
            self._threads.release()
            if isinstance(error, OSError):
                raise StoreError(f"the store failed: {self._path}: {error.strerror}") from None
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def _opened(self, path: str) -> int:
        if self._file is None:
            self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return self._file
