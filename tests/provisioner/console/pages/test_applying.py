"""Carrying out a plan from its page: what is let through is asked for, and nothing else goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provisioner.console.pages.visited import Visit, elements, words
from tests.scenarios.installation import Installation, phone_users, staff

APPLY = "/plans/2/apply"


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """An adopted sync of 40 people, of whom six leave: a limit of four holds them all."""
    emea = Installation(tmp_path)
    emea.configure(
        limits={"removals": "10%", "people_drop": "90%"},
        approval={"automatic": ["safe", "service", "destructive"]},
    )
    emea.people(staff(40))
    emea.phone(phone_users(40))
    emea.carry_out()
    emea.people(staff(34))
    emea.plan(status=3)
    return emea


@pytest.fixture
def visit(emea: Installation) -> Visit:
    return Visit(emea)


def licensed(emea: Installation) -> int:
    return sum("license" in user for user in emea.phone_users().values())


def test_a_limit_is_asked_about_with_its_reason(visit: Visit) -> None:
    page = visit.get(APPLY)

    assert "Nothing of it goes ahead as it stands" in words(page)
    assert "6 of 40 people, limit 10%, would lose a license" in words(page)
    names = [each["name"] for each in elements(page, "input")]
    assert [name for name in names if str(name).startswith("allow")] == ["allow_removals"]


@pytest.mark.parametrize(("allowed", "left"), [("", 40), ("5", 40), ("6", 34)])
def test_held_changes_go_only_if_their_people_are_at_most_as_many_as_are_allowed(
    emea: Installation, visit: Visit, allowed: str, left: int
) -> None:
    answer = visit.post(APPLY, by="eva", allow_removals=allowed)
    visit.errands.end()

    assert answer.status_code == 303
    run = answer.headers["Location"].rpartition("/")[2]
    assert visit.desk.started_by(run) == "eva"
    assert licensed(emea) == left


@pytest.mark.parametrize("allowed", ["-1", "six", "6.5", "٦"])
def test_a_number_of_people_that_is_none_begins_nothing(visit: Visit, allowed: str) -> None:
    answer = visit.post(APPLY, by="eva", allow_removals=allowed)

    assert answer.status_code == 400
    assert visit.desk.runs().items[0].plan == "1"


def test_a_plan_that_was_rejected_is_not_begun_and_that_is_told(visit: Visit) -> None:
    visit.desk.decide("2", "rejected", "zoe")

    said = words(visit.told(visit.post(APPLY, by="eva")))

    assert "Nothing was begun" in said
    assert "was rejected on" in said
