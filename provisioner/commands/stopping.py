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

_CUT_OFF = 130


def heard() -> frozenset[signal.Signals]:
    """Return the signals that ask for a stop: TERM, and INT and HUP where they aren't ignored.

    nohup ignores HUP, and a shell's script INT for what it starts with `&`: an ignored signal that is
    blocked would still be waited for.
    """
    optional = (signal.SIGINT, signal.SIGHUP)
    ignored = {each for each in optional if signal.getsignal(each) == signal.SIG_IGN}
    return frozenset((signal.SIGTERM, *optional)) - ignored


@contextmanager
def stopping(stop: Stop) -> Iterator[None]:
    """Have the signals that are `heard` ask for `stop` meanwhile.

    One thread takes them: a handler would run between any two instructions of the main thread, also
    while that holds the very lock that setting the stop needs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's business
        return
    awaited = heard()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    ended = threading.Event()

    def obey() -> None:
        while True:
            signal.sigwait(awaited)
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
