"""The receiver's processes as the daemon keeps them: a child that is started, watched, and stopped.

The daemon holds the listening sockets, so that nobody is turned away while the child is replaced; the
child is a session of its own, so that a terminal's Ctrl-C reaches the daemon alone, which ends it in
order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from provisioner.logs import logger
from provisioner.serving import Served
from provisioner.web.listening import listen, url_of
from provisioner.web.metrics import FOLDER
from provisioner.web.workers import SHARED_MEMORY, Task

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

DRAIN_S = 5.0
"""Seconds that the child has to answer what is at work: a part of the daemon's own ten."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_SPARE_S = 0.5


class Receiver:
    """SCIM and health at `bind`, served by processes of their own from `start` until `stop`."""

    def __init__(self, config: Path, bind: str, health: WSGIApplication) -> None:
        """Take the address. Raises RunError if that can't be. `health` tells of the daemon's own."""
        self._sockets = listen(bind)
        self.url = url_of(self._sockets[0])
        self._folder = TemporaryDirectory(prefix="provisioner-")
        self._figures = _memory()
        self.figures = self._figures.name
        self._config = config
        self._status_at = os.path.join(self._folder.name, "status")
        self._status = Served(health, f"unix:{self._status_at}")
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        # the child is told of the end of the very thread that started it: one thread for all of them
        self._keeper = threading.Thread(target=self._keep, name="receiver", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._status.start()
        self._keeper.start()

    def reload(self) -> None:
        """Have config read again; the processes are replaced, and nobody is turned away."""
        self._tell(signal.SIGHUP)

    def begin_stop(self) -> None:
        """Take no more connections, and have what is at work answered."""
        with self._changing:
            if self._stopping.is_set():
                return
            self._stopping.set()
            for each in self._sockets:
                each.close()
        self._tell(signal.SIGTERM)

    def stop(self) -> None:
        """Return when the child has ended, which it must within DRAIN_S."""
        self.begin_stop()
        self._keeper.join(DRAIN_S + _SPARE_S)
        self.kill()
        self._status.stop()
        self._figures.cleanup()
        self._folder.cleanup()

    def kill(self) -> None:
        """End the child and its workers at once, if they are still there."""
        if self._child is not None and self._keeper.is_alive():
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def _tell(self, number: signal.Signals) -> None:
        with self._changing:
            if self._child is not None:
                self._child.send_signal(number)  # does nothing where it has ended

    def _keep(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            with self._changing:
                if self._stopping.is_set():
                    return
                self._child = child = None
                try:
                    self._child = child = self._started()
                except OSError as error:  # no memory, or no process more
                    logger().error("http.not_started", exc_info=error)
            began = time.monotonic()
            status = None if child is None else child.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > _LONGEST_PAUSE_S:  # it had been well
                pause = _FIRST_PAUSE_S
            logger().error("http.ended", status=status, again_in_s=pause)
            self._stopping.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _started(self) -> subprocess.Popen[bytes]:
        descriptors = tuple(each.fileno() for each in self._sockets)
        task = Task(
            config=str(self._config),
            sockets=descriptors,
            parent=os.getpid(),
            daemon=self._status_at,
            drain_s=DRAIN_S,
        )
        return subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "provisioner.web.workers", task.written()],
            env=os.environ | {FOLDER: self.figures},
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def _memory() -> TemporaryDirectory[str]:
    """Return a folder for figures, in memory where that can be had.

    They are written by mapping their files: on a disk that is full the system kills whoever does so.
    """
    with suppress(OSError):
        return TemporaryDirectory(prefix="provisioner-", dir=SHARED_MEMORY)
    return TemporaryDirectory(prefix="provisioner-")
