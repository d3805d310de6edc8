"""The page of one sync: how it stands, starting it, and declaring a pushed directory complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.scheduler import View
from provisioner.store import runs as run_store
from provisioner.wiring import utc_now
from tests.provisioner.console.pages.visited import Visit, at, words
from tests.scenarios.installation import Installation, phone_users, staff


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    emea = Installation(tmp_path)
    emea.people(staff(3))
    emea.phone(phone_users(3))
    return emea


def test_a_sync_is_started_by_whoever_asks_and_leads_to_its_run(emea: Installation) -> None:
    visit = Visit(emea)

    answer = visit.post("/syncs/emea/start", "/syncs/emea", by="eva")

    assert visit.clockwork.started == [("emea", "eva")]
    assert answer.headers["Location"] == "/runs/a-run-of-its-own"


def test_a_late_sync_is_the_first_thing_that_the_overview_says(emea: Installation) -> None:
    visit = Visit(emea)
    visit.clockwork.known["emea"] = View(None, at("08:00:00"), 0, None, late=True)

    said = words(visit.get("/"))

    assert said.index("emea is late") < said.index("Syncs")
    assert "It is late" in words(visit.get("/syncs/emea"))


def test_a_sync_that_failed_leads_to_its_runs(emea: Installation) -> None:
    visit = Visit(emea)
    with visit.desk._site().engine.begin() as connection:
        run = run_store.start(connection, "emea", "daemon", None, utc_now())
        run_store.end(connection, run, 1, {"error": "it broke off"}, utc_now())

    assert "The last run of emea failed" in words(visit.get("/"))


def test_a_pushed_directory_is_declared_complete(emea: Installation) -> None:
    emea.configure(directories=[{"kind": "pushed", "name": "entra"}])
    visit = Visit(emea)
    assert "entra of emea is warming" in words(visit.get("/"))

    answer = visit.post("/syncs/emea/ready", "/syncs/emea", by="eva", directory="entra")

    assert "directory entra of sync emea is ready" in words(visit.told(answer))
    assert "warming" not in words(visit.get("/"))


def test_another_directory_than_the_pushed_one_is_not_declared_complete(emea: Installation) -> None:
    visit = Visit(emea)

    answer = visit.post("/syncs/emea/ready", "/syncs/emea", by="eva", directory="hr")

    assert "Nothing was declared" in words(visit.told(answer))
