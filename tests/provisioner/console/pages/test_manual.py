"""The page of manual steps: how each is done, and ticking it off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provisioner.console.pages.visited import Visit, elements, words
from tests.scenarios.installation import (
    Installation,
    phone_users,
    rule,
    staff,
    zoom_account,
)

CATALOG = {"catalog": {"templates": ["Office"], "sites": ["Main Site"]}}


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    """A Zoom account from whose trash only a person can tell: the fourth of four has left."""
    emea = Installation(tmp_path)
    users = phone_users(4, packages=["Zoom Phone Pro"], site="Main Site", template="Office")
    with zoom_account([CATALOG, *users]) as (_, system):
        wide = {"changes": "100%", "removals": "100%", "people_drop": "100%"}
        emea.configure(phone_system=system, limits=wide | {"group_drop": "100%"})
        emea.mapping(rules=[rule("all", license="zoom_phone")], leavers={"do": "trash"})
        emea.people(staff(4))
        plan = emea.plan()
        assert emea.run("approve", plan["id"]).status == 0
        emea.people(staff(3))
        emea.plan()
        yield Visit(emea)


def test_the_overview_leads_to_what_is_left_to_a_person(visit: Visit) -> None:
    assert "1 step is left to a person in emea" in words(visit.get("/"))


def test_a_step_says_how_it_is_done_and_is_ticked_off_with_a_note(visit: Visit) -> None:
    page = visit.get("/manual")
    assert "Move to Trash" in words(page)
    (box,) = [each for each in elements(page, "input") if each.get("name") == "step"]

    answer = visit.post("/manual", by="ada", note="did it", step=box["value"])

    assert "noted; the next plan shows whether the phone system agrees" in words(visit.told(answer))
    assert "ada said on" in words(visit.get("/manual"))


def test_ticking_nothing_off_records_nothing(visit: Visit) -> None:
    assert visit.post("/manual", by="ada").status_code == 400
    assert [due.step.noted for due in visit.desk.manual().items] == [None]


def test_a_step_that_is_over_is_told_so(visit: Visit) -> None:
    answer = visit.post("/manual", by="ada", step="emea m-0123456789")

    assert "Not everything was recorded" in words(visit.told(answer))
