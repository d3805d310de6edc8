"""A freeze: plans are made and approved, nothing goes but what is allowed, and everything goes after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.scenarios.installation import (
    Installation,
    person,
    phone_user,
    phone_users,
    staff,
    states,
)

BEFORE = datetime(2026, 12, 18, 9, tzinfo=UTC)
IN_IT = datetime(2026, 12, 24, 9, tzinfo=UTC)
AFTER = datetime(2027, 1, 7, 9, tzinfo=UTC)
CHRISTMAS = {
    "name": "Christmas",
    "from": "2026-12-20",
    "until": "2027-01-06",
    "zone": "Europe/Prague",
}
LEAVES = ("license.remove", "user20@example.org")


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Twenty people, adopted before Christmas; then one leaves, and one joins."""
    emea = Installation(tmp_path)
    emea.people(staff(20))
    emea.phone([*phone_users(20), phone_user(21, license=None, packages=[])])
    emea.configure(freeze=[CHRISTMAS])
    emea.carry_out(at=BEFORE)
    emea.people([*staff(19), person(21)])
    return emea


def licensed(emea: Installation) -> set[str]:
    users = emea.phone_users().items()
    return {mail.partition("@")[0] for mail, user in users if user.get("license")}


def test_before_a_freeze_nothing_waits(emea: Installation) -> None:
    plan = emea.plan(at=BEFORE)

    assert plan["warnings"] == []
    assert emea.run("apply", plan["id"], at=BEFORE).status == 4
    assert "user21" in licensed(emea)


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_a_plan_in_a_freeze_is_made_and_names_it(emea: Installation, form: str) -> None:
    ran = emea.run("plan", "--format", form, at=IN_IT)

    assert ran.status == 0
    assert "Christmas" in ran.out
    assert "until 2027-01-07 00:00 Europe/Prague" in ran.out
    assert f"provisioner apply {'PLAN' if form == 'json' else '2'} --despite-freeze" in ran.out


def test_what_is_approved_in_a_freeze_waits_and_goes_after_it(emea: Installation) -> None:
    emea.plan(at=IN_IT)
    approved = emea.run("approve", "2", at=IN_IT)
    assert "freeze 'Christmas' until 2027-01-07 00:00 Europe/Prague" in approved.out

    held = emea.run("apply", "2", at=IN_IT)

    assert held.status == 3
    assert (
        "3 changes wait for the end of freeze 'Christmas' until 2027-01-07 00:00 Europe/Prague; if they"
        " must now: `provisioner apply 2 --despite-freeze`"
    ) in held.out
    assert {"user20"} <= licensed(emea)
    assert "user21" not in licensed(emea)
    shown = emea.run("show", "2", "--format", "json", at=IN_IT).plan
    assert states(shown)[LEAVES] == "approved"
    assert emea.run("apply", "2", at=AFTER).status == 0
    assert "user20" not in licensed(emea)
    assert "user21" in licensed(emea)


def test_a_sync_in_a_freeze_ends_as_held_and_sends_nothing(emea: Installation) -> None:
    before = emea.phone_users()

    assert emea.run("sync", at=IN_IT).status == 3
    assert emea.phone_users() == before
    assert emea.run("sync", at=AFTER).status == 4
    assert "user21" in licensed(emea)


def test_what_nobody_approved_waits_for_that_first(emea: Installation) -> None:
    emea.people(staff(19))
    emea.plan(at=IN_IT)

    assert emea.run("apply", "2", at=IN_IT).status == 4


def test_what_a_freeze_allows_goes_ahead(emea: Installation) -> None:
    emea.configure(freeze=[CHRISTMAS | {"allow": ["safe"]}])
    emea.plan(at=IN_IT)
    emea.run("approve", "2", at=IN_IT)

    ran = emea.run("apply", "2", at=IN_IT)

    assert ran.status == 3
    assert "1 changes wait for the end of freeze" in ran.out
    assert {"user20", "user21"} <= licensed(emea)


def test_a_freeze_is_overridden_once(emea: Installation) -> None:
    emea.plan(at=IN_IT)
    emea.run("approve", "2", at=IN_IT)

    assert emea.run("apply", "2", "--despite-freeze", at=IN_IT).status == 0
    assert "user20" not in licensed(emea)
    emea.people([*staff(18), person(21)])
    emea.plan(at=IN_IT)
    emea.run("approve", "3", at=IN_IT)
    assert emea.run("apply", "3", at=IN_IT).status == 3


def test_overriding_a_freeze_approves_nothing_and_releases_no_limit(emea: Installation) -> None:
    emea.people([person(n, active="false") if n < 9 else person(n) for n in range(1, 21)])
    emea.plan(status=3, at=IN_IT)
    before = licensed(emea)

    assert emea.run("apply", "2", "--despite-freeze", at=IN_IT).status == 3
    assert licensed(emea) == before
    assert emea.run("apply", "2", "--despite-freeze", "--allow-removals", "9", at=IN_IT).status == 0
    assert len(licensed(emea)) == 12


def test_a_removal_that_was_let_through_waits_for_the_freeze_all_the_same(
    emea: Installation,
) -> None:
    emea.people([person(n, active="false") if n < 9 else person(n) for n in range(1, 21)])
    emea.plan(status=3, at=IN_IT)
    before = licensed(emea)

    assert emea.run("apply", "2", "--allow-removals", "9", at=IN_IT).status == 3
    assert licensed(emea) == before


def test_a_weekly_freeze_holds_every_week(emea: Installation) -> None:
    emea.configure(freeze=[{"weekly": "Fri 16:00 - Mon 07:00", "zone": "Europe/Prague"}])
    friday = datetime(2027, 1, 8, 15, 30, tzinfo=UTC)  # half past four in Prague

    for week in range(2):
        assert emea.run("sync", at=friday + timedelta(weeks=week)).status == 3
    assert emea.run("sync", at=friday + timedelta(days=10, hours=14, minutes=31)).status == 4


def test_an_undo_waits_for_the_freeze_too(emea: Installation) -> None:
    emea.plan(at=BEFORE)
    ran = emea.run("apply", "2", at=BEFORE)
    assert ran.status == 4
    runs = emea.run("runs", "--format", "csv", at=BEFORE).out.splitlines()
    run = next(line.split(",")[1] for line in runs if ",apply," in line and ",2," in line)
    undo = emea.run("undo", run, "--format", "json", at=IN_IT)
    assert "Christmas" in undo.plan["warnings"][0]
    emea.run("approve", undo.plan["id"], at=IN_IT)

    assert emea.run("apply", undo.plan["id"], at=IN_IT).status == 3
    assert "user21" in licensed(emea)
