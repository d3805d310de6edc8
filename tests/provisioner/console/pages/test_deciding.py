"""Deciding on pages: what a decision means is shown first, and is just what the form then does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.provisioner.console.pages.visited import Visit, elements, words
from tests.scenarios.installation import Installation, person, phone_users, staff


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """A sync that nobody has adopted: two of thirty leave, and one comes."""
    emea = Installation(tmp_path)
    emea.people([*staff(28), person(31)])
    emea.configure(limits={"removals": "50%"})
    emea.phone(phone_users(30))
    emea.mapping(unmanaged="remove")
    emea.plan()
    return emea


@pytest.fixture
def visit(emea: Installation) -> Visit:
    return Visit(emea)


@pytest.fixture
def adopted(emea: Installation) -> Visit:
    """The same after its adoption: two more leave."""
    for command in ("approve", "apply"):
        emea.run(command, "1")
    emea.people([*staff(26), person(31)])
    emea.plan()
    return Visit(emea)


APPROVE, REJECT = (f"/plans/2/decide?decision={each}" for each in ("approved", "rejected"))


def test_the_first_approval_shows_who_was_matched_before_it_is_asked_for(visit: Visit) -> None:
    said = words(visit.get("/plans/1/decide?decision=approved"))

    assert said.index("First look at who was matched to whom") < said.index("Approve 5 changes and")
    assert "Matched: 28 by join" in said
    assert "user31@example.org" in said


def test_approving_all_adopts_the_account_and_says_what_was_decided(visit: Visit) -> None:
    answer = visit.post("/plans/1/decide?decision=approved", by="Eva Malá")

    assert "plan 1: 5 changes approved by Eva Malá" in words(visit.told(answer))
    assert visit.desk.sync("emea").adopted is not None


def test_a_page_that_asks_shows_who_would_lose_what(adopted: Visit) -> None:
    said = words(adopted.get(APPROVE))

    assert "2 people would lose a license, package, number or account" in said
    assert "user27@example.org" in said
    assert "2 calling packages (2 × basic)" in said


def test_asking_decides_nothing(adopted: Visit) -> None:
    adopted.get(APPROVE)

    assert adopted.desk.outline("2").row.reviews == ()


@pytest.mark.parametrize(
    ("only", "number"),
    [("cluster:c1", 2), ("kind:license.remove", 2), ("risk:destructive", 2), ("user:E027", 1)],
)
def test_a_part_is_decided_by_what_it_has_in_common(adopted: Visit, only: str, number: int) -> None:
    answer = adopted.post(f"{REJECT}&only={only}", by="eva")

    assert f"plan 2: {number} change" in words(adopted.told(answer))
    states = [change.state for change in adopted.desk.plan("2").changes]
    assert states.count("rejected") == number


def test_ticked_people_are_decided_by_all_that_the_plan_does_to_them(adopted: Visit) -> None:
    page = adopted.get(f"{APPROVE}&ticked=yes&person=1")
    (form,) = [each for each in elements(page, "form") if "decide" in str(each["action"])]

    adopted.post(str(form["action"]), by="eva")

    plan = adopted.desk.plan("2")
    assert [c.state for c in plan.changes] == ["approved", "planned"]


def test_ticking_nobody_never_means_everybody(adopted: Visit) -> None:
    assert "nobody was ticked" in words(adopted.get(f"{APPROVE}&ticked=yes", status=400))


@pytest.mark.parametrize(
    ("send", "status"),
    [
        (lambda v: v.post("/plans/2/decide?decision=perhaps", APPROVE, by="eva"), 400),
        (lambda v: v.post(APPROVE), 400),
        (lambda v: v.post(APPROVE, by="eva", csrf="another's"), 403),
    ],
    ids=["neither", "nobody", "not-ours"],
)
def test_a_form_that_is_not_whole_decides_nothing(
    adopted: Visit, send: Callable[[Visit], object], status: int
) -> None:
    answer = send(adopted)

    assert getattr(answer, "status_code", None) == status
    assert adopted.desk.outline("2").row.reviews == ()


def test_whoever_may_not_decide_is_told_so_and_nothing_is_decided(
    emea: Installation, adopted: Visit
) -> None:
    emea.configure(approval={"approvers": ["zoe"]})
    visit = Visit(emea)

    said = words(visit.told(visit.post(APPROVE, by="eva")))

    assert "Nothing was decided" in said
    assert "eva may not decide about plans of sync emea" in said
    assert visit.desk.outline("2").row.reviews == ()


def test_a_second_approver_is_asked_for_by_name_of_the_first(
    emea: Installation, adopted: Visit
) -> None:
    emea.configure(approval={"second": ["destructive"]})
    visit = Visit(emea)

    visit.post(APPROVE, by="eva")
    said = words(visit.get("/plans/2"))
    asked = words(visit.get(APPROVE))

    assert "2 changes are approved by one, and wait for a second approver" in said
    assert "2 of them are approved by one already" in asked


def test_the_name_is_remembered_for_the_next_decision(adopted: Visit) -> None:
    adopted.post(APPROVE, by="Eva Malá")

    fields = elements(adopted.get(REJECT), "input")
    assert [each["value"] for each in fields if each["name"] == "by"] == ["Eva Malá"]


def test_a_rejection_says_what_can_not_go_ahead_without_it(visit: Visit) -> None:
    said = words(visit.get("/plans/1/decide?decision=rejected&only=kind:user.create"))

    assert "can't be carried out either" in said


def test_what_the_chosen_ones_need_is_offered_with_them(visit: Visit) -> None:
    path = "/plans/1/decide?decision=approved&only=kind:package.assign"

    page = visit.get(path)
    assert "2 other changes must go first" in words(page)
    (box,) = [each for each in elements(page, "input") if each["name"] == "with_needs"]
    assert "checked" not in box  # more than was asked for is approved only if that is said
    visit.post(path, by="eva", with_needs="yes")
    states = {change.kind: change.state for change in visit.desk.plan("1").changes}
    assert states["user.create"] == "approved"
    assert states["license.remove"] == "planned"
