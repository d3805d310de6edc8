"""A real process is killed at one point after the other until the plan is done: once, and whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from provisioner.store.changes import open_changes
from provisioner.store.database import open_database, reading
from tests.provisioner.apply.zoom_company import Company, Request, as_if_never, company

PassOn = Callable[[], Iterable[bytes]]
ENOUGH = 40
"""More runs than it may take."""


@pytest.fixture
def zoom(tmp_path: Path) -> Iterable[Company]:
    """Eight people are there; the first leaves, the third moves, eight join."""
    with company(tmp_path) as zoom:
        rows = zoom.staff(*range(2, 17))
        rows[1]["department"] = "Sales"
        zoom.here.people(rows)
        yield zoom


def run(zoom: Company, plan: str, strike: Callable[[Request], str], number: int) -> tuple[int, str]:
    """Apply the plan in a process that gets the signal where `strike` says "before" or "after"."""
    process: list[subprocess.Popen[str]] = []

    def tamper(request: Request, pass_on: PassOn, start: Any) -> Iterable[bytes]:
        when = strike(request)
        if not when:
            return pass_on()
        if when == "after" and number == signal.SIGKILL:
            as_if_never(pass_on)
        os.kill(process[0].pid, number)
        return pass_on() if number == signal.SIGTERM else []

    first = len(zoom.network.seen)
    zoom.network.seen.clear()
    zoom.network.tamper = tamper
    process.append(zoom.starts("apply", plan))
    out, err = process[0].communicate(timeout=60)
    zoom.network.tamper = None
    assert first >= 0
    return process[0].returncode, out + err


def in_doubt(zoom: Company) -> int:
    engine = open_database(f"sqlite:///{zoom.here.folder}/store.db")
    with reading(engine) as connection:
        return len(open_changes(connection, "emea"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_run_that_is_killed_again_and_again_does_everything_once(
    zoom: Company, seed: int
) -> None:
    plan, dice = zoom.here.plan(), random.Random(seed)
    kills = 0
    for _ in range(ENOUGH):
        # the people of the plan are read afresh before the first write, and after each kill again
        at, when = dice.randint(15, 30) + 10 * kills, dice.choice(["before", "after"])

        def kill(request: Request, at: int = at, when: str = when) -> str:
            return when if request.number == at else ""

        status, said = run(zoom, plan["id"], kill, signal.SIGKILL)
        if status == 0:
            break
        assert status == -signal.SIGKILL, said
        kills += 1

    assert status == 0
    assert kills >= 1
    assert in_doubt(zoom) == 0
    assert max(zoom.effects().values()) == 1, "nothing twice"
    assert zoom.here.plan()["changes"] == [], "nothing missing"


def test_a_process_that_is_told_to_stop_finishes_the_call_and_leaves_nothing_in_doubt(
    zoom: Company,
) -> None:
    plan = zoom.here.plan()
    writes: list[Request] = []

    def third_write(request: Request) -> str:
        if request.method != "GET":
            writes.append(request)
        return "before" if len(writes) == 3 and request is writes[-1] else ""

    status, said = run(zoom, plan["id"], third_write, signal.SIGTERM)

    assert status == 1, said
    assert "stopping after the call in flight" in said
    assert "stopped between two calls" in said
    assert in_doubt(zoom) == 0
    assert zoom.here.run("apply", plan["id"]).status == 0
    assert max(zoom.effects().values()) == 1
    assert zoom.here.plan()["changes"] == []


def test_two_processes_that_apply_at_once_do_everything_once(zoom: Company) -> None:
    plan = zoom.here.plan()["id"]

    both = [zoom.starts("apply", plan) for _ in range(2)]
    ended = [(*process.communicate(timeout=60), process.returncode) for process in both]

    statuses = sorted(status for *_, status in ended)
    assert statuses in ([0, 0], [0, 1]), ended
    if statuses == [0, 1]:
        assert any("is being worked on by another process" in err for _, err, _ in ended)
    assert max(zoom.effects().values()) == 1
    assert zoom.here.plan()["changes"] == []
