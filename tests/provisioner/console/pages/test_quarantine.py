"""The page of the quarantine: who is in it, and letting them go."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.records import Change
from provisioner.store import quarantine
from provisioner.wiring import utc_now
from tests.provisioner.console.pages.visited import Visit, elements, words
from tests.scenarios.installation import Installation, phone_users, staff


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    """Two people are parked, and their sync is slowed down."""
    emea = Installation(tmp_path)
    emea.people(staff(3))
    emea.phone(phone_users(3))
    emea.plan()
    visit = Visit(emea)
    refused = [
        (Change(seq=n, kind="license.assign", user=f"user{n}", key=key), "<i>no</i> seat")
        for n, key in ((1, "e001"), (2, "an odd\tkey & <b>"))
    ]
    with visit.desk._site().engine.begin() as connection:
        quarantine.park(connection, "emea", "r1", "1", refused, utc_now())
        quarantine.slow_down(connection, "emea", "r1", "9 of 10 calls failed", utc_now())
    return visit


def boxes(page: str, name: str) -> list[str]:
    return [str(e["value"]) for e in elements(page, "input") if e.get("name") == name]


def test_whoever_is_parked_is_told_with_why_and_nothing_in_it_is_obeyed(visit: Visit) -> None:
    page = visit.get("/quarantine")

    assert "<i>no</i> seat" in words(page)
    assert elements(page, "i") == []
    assert "9 of 10 calls failed" in words(visit.get("/"))


def test_one_person_is_let_go_by_any_key_and_the_others_stay(visit: Visit) -> None:
    page = visit.get("/quarantine")

    answer = visit.post("/quarantine", by="eva", person=boxes(page, "person")[1])

    assert "user2 (sync emea) is tried again" in words(visit.told(answer))
    _, parked = visit.desk.quarantine()
    assert [one.user for one in parked.items] == ["user1"]


def test_a_sync_is_let_go_with_everybody_in_it(visit: Visit) -> None:
    visit.post("/quarantine", by="eva", sync="emea")

    assert "Nobody is in quarantine" in words(visit.get("/quarantine"))


def test_ticking_nobody_lets_nobody_go(visit: Visit) -> None:
    assert visit.post("/quarantine", by="eva").status_code == 400
    assert len(visit.desk.quarantine()[1].items) == 2
