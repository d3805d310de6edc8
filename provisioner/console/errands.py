"""Errands: what is carried out in the background while whoever asked for it has their answer.

An errand says under which id it is on record as soon as it is; the asker waits for that, and for nothing more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from connectors.errors import ProvisionerError, RunError
from provisioner.logs import logger

MOST = 8
"""Errands at the same time."""

Begun = Callable[[str], None]
Work = Callable[[Begun], object]
"""What is carried out; it calls what it is given with its id as soon as it has one."""


class Errands:
    """The errands of one process."""

    def __init__(self) -> None:
        self._running: dict[threading.Thread, str] = {}
        self._lock = threading.Lock()
        self._ending = False

    def run(self, name: str, work: Work) -> str:
        """Begin to carry something out, and return its id. Raises what it raised before it had one."""
        begun: Future[str] = Future()
        thread = threading.Thread(
            target=self._carry_out, args=[name, work, begun], name=name, daemon=True
        )
        with self._lock:
            if self._ending:
                raise RunError("this process is stopping", remedy="nothing was begun")
            if len(self._running) >= MOST:
                named = ", ".join(self._running.values())
                raise RunError(
                    f"{MOST} are at work already: {named}", remedy="wait for one of them to end"
                )
            self._running[thread] = name
        thread.start()
        return begun.result()

    @property
    def running(self) -> list[str]:
        """What is being carried out now."""
        with self._lock:
            return list(self._running.values())

    def end(self) -> None:
        """Begin nothing more, and return when everything has come to its end."""
        with self._lock:
            self._ending = True
            threads = list(self._running)
        for thread in threads:
            thread.join()

    def _carry_out(self, name: str, work: Work, begun: Future[str]) -> None:
        try:
            work(begun.set_result)
            if not begun.done():
                begun.set_exception(RunError(f"{name} came to nothing"))
        except Exception as error:  # noqa: BLE001 - it is told to whoever asked, else to the log
            if not begun.done():
                begun.set_exception(error)
            elif isinstance(error, ProvisionerError):
                logger().error("errand.failed", errand=name, error=str(error))
            else:
                logger().error("errand.crashed", errand=name, exc_info=error)
        finally:
            with self._lock:
                del self._running[threading.current_thread()]
