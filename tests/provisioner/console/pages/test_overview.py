"""The first page: what waits for somebody, and how it stands with each sync."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provisioner.console.pages.visited import Visit, links, words
from tests.provisioner.scim.pushing import add, operation, patch_group, patch_user, remove
from tests.scenarios.installation import Installation, phone_users, staff
from tests.scenarios.test_pushes import Pushed


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    emea = Installation(tmp_path)
    emea.people(staff(4))
    return emea


def test_a_sync_that_nobody_has_adopted_asks_for_it(emea: Installation) -> None:
    emea.phone(phone_users(3))
    emea.plan()

    said = words(Visit(emea).get("/"))

    assert "emea is not adopted yet" in said
    assert "3 changes wait for approval plan 1 of emea" in said


def test_what_is_blocked_leads_to_why(emea: Installation) -> None:
    emea.phone(phone_users(3), licenses={"zoom_phone": 3}, packages={"basic": 9})
    emea.plan()
    visit = Visit(emea)

    page = visit.get("/")

    assert "blocked: somebody has to act" in words(page)
    assert "/plans/1/changes?state=blocked" in links(page)
    assert "zoom_phone" in words(visit.get("/plans/1/changes?state=blocked"))


def test_where_nothing_waits_that_is_said(emea: Installation) -> None:
    emea.phone(phone_users(4))
    emea.carry_out()

    assert "Nothing. Every change is decided" in words(Visit(emea).get("/"))


def test_what_a_limit_holds_waits_for_somebody(emea: Installation) -> None:
    emea.configure(limits={"removals": "1%", "people_drop": "90%"})
    emea.people(staff(40))
    emea.phone(phone_users(40))
    emea.carry_out()
    emea.people(staff(34))
    emea.plan(status=3)

    said = words(Visit(emea).get("/"))

    assert "6 changes are held by a limit plan 2 of emea" in said


def test_an_installation_that_never_ran_shows_its_syncs(emea: Installation) -> None:
    said = words(Visit(emea).get("/"))

    assert "Newest plan none yet" in said
    assert "it runs when it is asked to" in said


def test_what_pushes_left_for_approval_waits_for_somebody(tmp_path: Path) -> None:
    pushed = Pushed(Installation(tmp_path))
    eva, jan = pushed.begin(2)
    patch_group(pushed.tenant, pushed.group, remove(eva))
    pushed.carry_out()
    visit = Visit(pushed.here)

    assert "1 pushed change waits for approval plan 2 of emea" in words(visit.get("/"))
    assert "/plans/2" in links(visit.get("/"))

    patch_user(pushed.tenant, jan, operation("replace", "active", False))
    pushed.carry_out()
    said = words(visit.get("/"))
    assert "2 pushed changes wait for approval 2 plans of emea, the newest is 3" in said

    patch_group(pushed.tenant, pushed.group, add(eva))
    pushed.carry_out()
    assert "1 pushed change waits for approval plan 3 of emea" in words(visit.get("/"))

    pushed.here.plan()
    said = words(visit.get("/"))
    assert "pushed change" not in said
    assert "1 change waits for approval" in said


def test_what_a_limit_holds_of_pushes_waits_for_somebody(tmp_path: Path) -> None:
    pushed = Pushed(Installation(tmp_path))
    ids = pushed.begin(4)
    pushed.configure(limits={"removals": 1, "changes": "100%"})
    patch_group(pushed.tenant, pushed.group, remove(*ids[:2]))
    pushed.carry_out()

    said = words(Visit(pushed.here).get("/"))

    assert "2 pushed changes are held by a limit plan 2 of emea" in said
