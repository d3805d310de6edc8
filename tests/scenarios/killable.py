"""The command line in a process that waits for nothing, and may end itself by SIGKILL at a named moment.

    MOMENT=before-journal:7 python -m tests.scenarios.killable apply 1 -c config.yaml

Moments that only the process itself knows, so that nobody from outside could hit them:

    before-journal:N   it has the Nth write's answer, and is about to put down what became of it
    after-journal:N    it has just put that down, and sends the next
    before-commit:N    it is about to commit to its store for the Nth time
    after-commit:N     it has just done so
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from sqlalchemy.engine.default import DefaultDialect

from provisioner.cli import main
from provisioner.wiring import Stop

MOMENTS = ("before-journal", "after-journal", "before-commit", "after-commit")

_lock = threading.Lock()
_own = threading.local()  # .answered: this thread has the write's answer, and not committed since
_counts = {"writes": 0, "commits": 0}


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _nth(what: str, number: int) -> bool:
    with _lock:
        _counts[what] += 1
        return _counts[what] == number


def _watch(moment: str, number: int) -> None:
    """Have the process end at this moment, whichever thread comes to it."""
    before, _, of = moment.partition("-")
    send: Callable[..., Any] = HTTPAdapter.send
    commit: Callable[..., Any] = DefaultDialect.do_commit

    def sent(self: HTTPAdapter, request: Any, *rest: Any, **more: Any) -> Any:
        answer = send(self, request, *rest, **more)
        if request.method != "GET" and "/v2/" in request.url and _nth("writes", number):
            _own.answered = True
        return answer

    def committed(self: DefaultDialect, connection: Any) -> None:
        due = getattr(_own, "answered", False) if of == "journal" else _nth("commits", number)
        if due and before == "before":
            _die()
        commit(self, connection)
        if due:
            _die()

    HTTPAdapter.send = sent  # type: ignore[method-assign]
    DefaultDialect.do_commit = committed  # type: ignore[method-assign]


if __name__ == "__main__":
    hurry = float(os.environ.get("HURRY", 0))
    Stop.sleep = Stop.pause = lambda self, seconds: time.sleep(seconds * hurry)  # type: ignore[method-assign]
    if wanted := os.environ.get("MOMENT"):
        _moment, _, _number = wanted.partition(":")
        _watch(_moment, int(_number))
    main(sys.argv[1:])
