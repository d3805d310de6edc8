"""Errands: the asker waits until there is an id, and the process for the end."""

from __future__ import annotations

import threading
import time

import pytest
from structlog.testing import capture_logs

from connectors.errors import RunError
from provisioner.console.errands import MOST, Begun, Errands

PATIENCE_S = 20.0


def until_over(errands: Errands) -> None:
    """Return when nothing is at work any more; others may be begun then."""
    deadline = time.monotonic() + PATIENCE_S
    while errands.running:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_the_asker_has_the_id_while_the_work_goes_on_and_the_end_waits_for_it() -> None:
    may_end, ended = threading.Event(), threading.Event()

    def work(begun: Begun) -> None:
        begun("run-1")
        assert may_end.wait(PATIENCE_S)
        ended.set()

    errands = Errands()
    assert errands.run("plan 1", work) == "run-1"
    assert errands.running == ["plan 1"]
    may_end.set()
    errands.end()

    assert ended.is_set()
    assert errands.running == []


def test_what_fails_before_it_has_an_id_is_told_to_the_asker() -> None:
    def work(begun: Begun) -> None:
        raise RunError("another process is at it")

    with pytest.raises(RunError, match="at it"):
        Errands().run("plan 1", work)


def test_what_fails_later_is_logged() -> None:
    def work(begun: Begun) -> None:
        begun("run-1")
        raise ZeroDivisionError

    errands = Errands()
    with capture_logs() as logs:
        errands.run("plan 1", work)
        errands.end()

    assert [entry["event"] for entry in logs] == ["errand.crashed"]


def test_nothing_is_begun_at_the_end_nor_beyond_what_fits() -> None:
    may_end = threading.Event()

    def work(begun: Begun) -> None:
        begun("run")
        assert may_end.wait(PATIENCE_S)

    errands = Errands()
    for number in range(MOST):
        errands.run(f"plan {number}", work)
    with pytest.raises(RunError, match="are at work already: plan 0, plan 1"):
        errands.run("one more", work)
    may_end.set()
    errands.end()
    with pytest.raises(RunError, match="is stopping"):
        errands.run("later", work)
