"""The pages of plans: what they show first, and which changes a filter finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provisioner.console.pages.visited import Visit, links, words
from tests.scenarios.installation import Installation, person, phone_users, staff


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """An adopted sync of 30 people: of its second plan two leave, and one comes."""
    emea = Installation(tmp_path)
    emea.configure(limits={"removals": "90%", "changes": "100%", "people_drop": "90%"})
    emea.people(staff(30))
    emea.phone(phone_users(30))
    emea.carry_out()
    emea.people([*staff(28), person(31)])
    emea.plan()
    return emea


@pytest.fixture
def visit(emea: Installation) -> Visit:
    return Visit(emea)


def test_the_overview_leads_to_what_waits_for_approval(visit: Visit) -> None:
    page = visit.get("/")

    assert "2 changes wait for approval plan 2 of emea" in words(page)
    assert "/plans/2" in links(page)


def test_a_plan_shows_the_destructive_first_with_what_it_takes(visit: Visit) -> None:
    said = words(visit.get("/plans/2"))

    assert "2 of them would lose a license, package, number or account" in said
    leavers, joiners = (
        said.index("destructive 2 people: 2 × license.remove"),
        said.index("safe 1 person: 1 ×"),
    )
    assert leavers < joiners
    assert "Takes with it: 2 calling packages (2 × basic)" in said


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 5),
        ("kind=license.remove", 2),
        ("risk=safe", 3),
        ("state=to+approve", 2),
        ("state=planned", 5),
        ("text=USER31", 3),
        ("text=user31+basic", 1),
        ("person=1", 1),
        ("kind=site.set", 0),
    ],
)  # fmt: skip
def test_changes_are_found_by_what_they_have_in_common(
    visit: Visit, query: str, number: int
) -> None:
    page = visit.get(f"/plans/2/changes?{query}")

    assert page.count("<tr") - page.count("<thead><tr") == number


def test_changes_are_told_a_hundred_at_a_time_in_one_order(emea: Installation) -> None:
    emea.people([*staff(28), *(person(n) for n in range(100, 150))])
    emea.plan(status=0)
    visit = Visit(emea)

    first, second = visit.get("/plans/3/changes"), visit.get("/plans/3/changes?from=100")

    assert "1 to 100 of 152" in words(first)
    assert "/plans/3/changes?from=100" in links(first)
    assert "101 to 152 of 152" in words(second)
    shown = [page.count('<th scope="row"') for page in (first, second)]
    assert shown == [100, 52]


@pytest.mark.parametrize("path", ["/plans/99", "/plans/x", "/plans/99/changes", "/runs/none", "/syncs/x"])  # fmt: skip
def test_what_is_not_there_is_told_so_on_a_page(visit: Visit, path: str) -> None:
    page = visit.get(path, status=404)

    assert "Back to the overview" in words(page)


def test_a_number_that_is_none_is_refused(visit: Visit) -> None:
    assert "is none" in words(visit.get("/plans/2/changes?from=x", status=400))


def test_the_list_of_plans_says_who_reviewed_what(visit: Visit) -> None:
    said = words(visit.get("/plans"))

    assert "approved all of it" in said
    assert "by nobody" in said


def test_the_whole_report_is_there_with_its_own_policy(visit: Visit) -> None:
    answer = visit.client.get("/plans/2/report", headers={"Host": "127.0.0.1:8081"})

    assert "Plan 2 · sync emea" in answer.text
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert 'http-equiv="Content-Security-Policy"' in answer.text
