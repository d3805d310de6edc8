"""A real process that is told to stop, or meets another one at the same plan: once, and whole.

Processes that are killed: tests/scenarios/test_crash_campaigns.py.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from provisioner.store.changes import open_changes
from provisioner.store.database import open_database, reading
from tests.provisioner.apply.zoom_company import Company, Request, company


@pytest.fixture
def zoom(tmp_path: Path) -> Iterable[Company]:
    """Eight people are there; the first leaves, the third moves, eight join."""
    with company(tmp_path) as zoom:
        rows = zoom.staff(*range(2, 17))
        rows[1]["department"] = "Sales"
        zoom.here.people(rows)
        yield zoom


def run(zoom: Company, plan: str, strike: Callable[[Request], bool]) -> tuple[int, str]:
    """Apply the plan in a process that is told to stop at the request for which `strike` is true."""
    process: list[subprocess.Popen[str]] = []

    def tamper(request: Request, pass_on: Callable[[], Iterable[bytes]], _: Any) -> Iterable[bytes]:
        if strike(request):
            process[0].terminate()
        return pass_on()

    zoom.network.tamper = tamper
    process.append(zoom.starts("apply", plan))
    out, err = process[0].communicate(timeout=60)
    zoom.network.tamper = None
    return process[0].returncode, out + err


def in_doubt(zoom: Company) -> int:
    engine = open_database(f"sqlite:///{zoom.here.folder}/store.db")
    with reading(engine) as connection:
        return len(open_changes(connection, "emea"))


def test_a_process_that_is_told_to_stop_finishes_the_call_and_leaves_nothing_in_doubt(
    zoom: Company,
) -> None:
    plan = zoom.here.plan()
    writes: list[Request] = []

    def third_write(request: Request) -> bool:
        if request.method != "GET":
            writes.append(request)
        return len(writes) == 3 and request is writes[-1]

    status, said = run(zoom, plan["id"], third_write)

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
