"""Stopping a command that writes: the first signal ends it between two calls, the second at once.

What a second one cuts off is on record as sent, and the next run reads back what became of it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from provisioner.wiring import Stop

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_CUT_OFF = 130


@contextmanager
def stopping(stop: Stop) -> Iterator[None]:
    """Have TERM, INT and HUP ask for `stop` meanwhile.

    One thread takes them: a handler would run between any two instructions of the main thread, also
    while that holds the very lock that setting the stop needs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's business
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    ended = threading.Event()

    def obey() -> None:
        while True:
            signal.sigwait(_SIGNALS)
            if ended.is_set():
                return
            if stop.asked():
                os._exit(_CUT_OFF)
            _tell("stopping after the call in flight; once more ends it at once")
            stop.set()

    thread = threading.Thread(target=obey, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        assert thread.ident is not None
        signal.pthread_kill(thread.ident, signal.SIGTERM)  # it waits for one, and goes
        thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _tell(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody may be listening any more
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
