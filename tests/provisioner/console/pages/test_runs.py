"""The pages of runs: what became of each change, and the undo."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.plan.model import Plan
from provisioner.store import runs as run_store
from provisioner.undoing import undo_run
from provisioner.wiring import utc_now
from tests.provisioner.console.pages.visited import Visit, elements, links, words
from tests.scenarios.installation import Installation, phone_users, staff


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    emea = Installation(tmp_path)
    emea.people(staff(4))
    emea.phone(phone_users(3))
    emea.carry_out()
    return emea


@pytest.fixture
def visit(emea: Installation) -> Visit:
    return Visit(emea)


def test_a_run_tells_what_became_of_each_change(visit: Visit) -> None:
    (run,) = visit.desk.runs().items

    said = words(visit.get(f"/runs/{run.id}"))

    assert "Done: 3 changes" in said
    assert "user4@example.org" in said


def test_a_run_that_goes_on_is_looked_at_again_and_can_not_be_undone(visit: Visit) -> None:
    with visit.desk._site().engine.begin() as connection:
        run = run_store.start(connection, "emea", "apply", "1", utc_now())

    page = visit.get(f"/runs/{run}")

    assert "data-live" in page
    assert f"/runs/{run}/undo" not in links(page)


def test_a_run_that_failed_says_why_also_in_the_list(visit: Visit) -> None:
    with visit.desk._site().engine.begin() as connection:
        run = run_store.start(connection, "emea", "daemon", None, utc_now())
        run_store.end(connection, run, 1, {"error": "<b>no</b> way"}, utc_now())

    assert "<b>no</b> way" in words(visit.get("/runs"))
    assert elements(visit.get(f"/runs/{run}"), "b") == []


def test_runs_are_told_newest_first_a_page_at_a_time(visit: Visit) -> None:
    now = utc_now()
    with visit.desk._site().engine.begin() as connection:
        for each in range(60):
            at = now + timedelta(seconds=each)
            run_store.start(connection, "emea", "daemon", None, at)

    first = visit.get("/runs")
    (older,) = [link for link in links(first) if "before=" in link]
    last = visit.get(older)

    assert [page.count('<th scope="row"') for page in (first, last)] == [50, 11]
    assert "/runs" in links(last)


def test_an_undo_that_can_not_be_is_told_on_the_runs_page(visit: Visit) -> None:
    (run,) = visit.desk.runs().items
    visit.errands.end()

    said = words(visit.told(visit.post(f"/runs/{run.id}/undo", by="eva")))

    assert "Nothing was planned" in said
    assert "this process is stopping" in said


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Have undos wait for this before they read anything, and nobody wait for them for long."""
    may_go_on = threading.Event()

    def waiting(*given: Any, **more: Any) -> Plan:
        assert may_go_on.wait(20)
        return undo_run(*given, **more)

    monkeypatch.setattr("provisioner.console.desk.undo_run", waiting)
    monkeypatch.setattr("provisioner.console.pages.runs._PLANNED_WITHIN_S", 0.01)
    return may_go_on


def test_an_undo_that_takes_long_is_told_on_the_runs_page_until_its_plan_is_there(
    visit: Visit, slow: threading.Event
) -> None:
    (run,) = visit.desk.runs().items

    page = visit.told(visit.post(f"/runs/{run.id}/undo", by="eva"))

    assert "An undo of this run is being planned" in words(page)
    assert "data-live" in page
    slow.set()
    visit.errands.end()
    page = visit.get(f"/runs/{run.id}")
    assert "The undo is planned" in words(page)
    assert "/plans/2" in links(page)
    assert "data-live" not in page


def test_an_undo_that_fails_when_nobody_waits_for_it_says_why_on_the_runs_page(
    visit: Visit, slow: threading.Event
) -> None:
    (run,) = visit.desk.runs().items
    visit.post(f"/runs/{run.id}/undo", by="eva")

    visit.desk._site().stop.set()
    slow.set()
    visit.errands.end()

    said = words(visit.get(f"/runs/{run.id}"))
    assert "The undo could not be planned" in said
    assert "stopped" in said
