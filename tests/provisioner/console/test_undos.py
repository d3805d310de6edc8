"""Undos: one at a time is planned, and what came of each is there for whoever looks later."""

from __future__ import annotations

import threading

import pytest

from connectors.errors import RunError
from provisioner.console.errands import Errands
from provisioner.console.undos import MOST, Undos
from tests.provisioner.console.test_errands import PATIENCE_S, until_over


def test_the_plan_is_there_for_whoever_waits_and_whoever_looks_later() -> None:
    errands, undos = Errands(), Undos()

    plan = undos.begin(errands, "run-1", lambda: "7")

    assert plan.result(PATIENCE_S) == "7"
    assert undos.of("run-1") is plan
    assert undos.of("run-2") is None


def test_another_undo_waits_until_the_first_is_planned() -> None:
    errands, undos, may_end = Errands(), Undos(), threading.Event()

    def work() -> str:
        assert may_end.wait(PATIENCE_S)
        return "7"

    first = undos.begin(errands, "run-1", work)
    with pytest.raises(RunError, match="another undo is being planned"):
        undos.begin(errands, "run-2", work)
    may_end.set()

    assert first.result(PATIENCE_S) == "7"
    assert undos.begin(errands, "run-2", lambda: "8").result(PATIENCE_S) == "8"


def test_what_it_fails_with_is_told_to_whoever_asks_for_the_plan() -> None:
    def work() -> str:
        raise RunError("somebody is at it")

    plan = Undos().begin(Errands(), "run-1", work)

    with pytest.raises(RunError, match="at it"):
        plan.result(PATIENCE_S)


def test_an_undo_that_can_not_be_begun_is_none() -> None:
    errands, undos = Errands(), Undos()
    errands.end()

    with pytest.raises(RunError, match="is stopping"):
        undos.begin(errands, "run-1", lambda: "7")

    assert undos.of("run-1") is None


def test_only_the_last_ones_are_remembered() -> None:
    errands, undos = Errands(), Undos()

    for number in range(MOST + 1):
        undos.begin(errands, f"run-{number}", lambda: "7").result(PATIENCE_S)
        until_over(errands)  # an errand ends a moment after its plan is there

    assert undos.of("run-0") is None
    assert undos.of(f"run-{MOST}") is not None
