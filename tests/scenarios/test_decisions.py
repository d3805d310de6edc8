"""Decisions and their life: what is carried over, what expires, what a newer plan overtakes, who goes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.scenarios.installation import (
    Installation,
    kinds,
    person,
    phone_user,
    phone_users,
    staff,
    states,
    zoom_account,
    zoom_log,
    zoom_users,
)

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LEAVER = ("license.remove", "user20@example.org")


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Twenty people who are all as they should be, adopted on Monday; then the last one leaves."""
    emea = Installation(tmp_path)
    emea.people(staff(20))
    emea.phone(phone_users(20))
    emea.carry_out(at=MONDAY)
    emea.people(staff(19))
    return emea


def test_an_approval_holds_for_the_same_change_in_a_newer_plan(emea: Installation) -> None:
    old = emea.plan(at=MONDAY)
    emea.run("approve", old["id"], at=MONDAY)
    emea.people([*staff(19), person(21)])

    new = emea.plan(at=MONDAY + DAY)

    assert states(new)[LEAVER] == "approved"
    assert states(new)["license.assign", "user21@example.org"] == "planned"
    assert emea.run("apply", new["id"], at=MONDAY + DAY).status == 0
    assert not emea.phone_users()["user20@example.org"].get("license")


def test_what_differs_asks_again(emea: Installation) -> None:
    old = emea.plan(at=MONDAY)
    emea.run("approve", old["id"], at=MONDAY)
    more = phone_user(20, packages=["basic", "gold"])  # so more goes with the license now
    emea.phone([*phone_users(19), more])

    new = emea.plan(at=MONDAY + DAY)

    assert states(new)[LEAVER] == "planned"
    assert emea.run("apply", new["id"], at=MONDAY + DAY).status == 4
    assert emea.run("apply", old["id"], at=MONDAY + DAY).status in (4, 5)
    assert emea.phone_users()["user20@example.org"]["license"] == "zoom_phone"


def test_an_approval_expires(emea: Installation) -> None:
    plan = emea.plan(at=MONDAY)
    emea.run("approve", plan["id"], at=MONDAY)

    ran = emea.run("apply", plan["id"], at=MONDAY + 15 * DAY)

    assert ran.status == 4
    assert emea.phone_users()["user20@example.org"]["license"] == "zoom_phone"
    assert states(emea.plan(at=MONDAY + 15 * DAY))[LEAVER] == "planned"


def test_a_decision_is_used_up_when_its_change_is_done(emea: Installation) -> None:
    first = emea.plan(at=MONDAY)
    emea.run("approve", first["id"], at=MONDAY)
    emea.run("apply", first["id"], at=MONDAY)
    emea.people(staff(20))
    assert emea.run("sync", at=MONDAY + DAY).status == 0
    assert emea.phone_users()["user20@example.org"]["license"] == "zoom_phone"
    emea.people(staff(19))

    again = emea.plan(at=MONDAY + 2 * DAY)

    assert states(again)[LEAVER] == "planned", "an old approval is not one of what comes back"


def test_whoever_came_back_since_the_plan_is_not_taken_from(emea: Installation) -> None:
    old = emea.plan()
    emea.run("approve", old["id"])
    emea.people(staff(20))
    emea.plan()

    ran = emea.run("apply", old["id"])

    assert ran.status == 5
    assert "user20@example.org" in ran.out
    assert emea.phone_users()["user20@example.org"]["license"] == "zoom_phone"
    assert states(emea.run("show", old["id"], "--format", "json").plan)[LEAVER] == "stale"


def test_a_plan_for_one_person_makes_no_other_stale(emea: Installation) -> None:
    full = emea.plan()
    emea.run("approve", full["id"])
    emea.plan("--user", "user1@example.org")

    assert emea.run("apply", full["id"]).status == 0
    assert not emea.phone_users()["user20@example.org"].get("license")


def test_a_rejected_change_stays_undone_while_others_go_ahead(emea: Installation) -> None:
    plan = emea.plan()
    assert emea.run("reject", plan["id"]).status == 0
    emea.people([*staff(19), person(21)])

    ran = emea.run("sync")

    assert ran.status == 0
    assert emea.phone_users()["user20@example.org"]["license"] == "zoom_phone"
    assert emea.phone_users()["user21@example.org"]["license"] == "zoom_phone"


def test_rejected_changes_are_no_planned_ones_in_detail(emea: Installation) -> None:
    plan = emea.plan()
    assert emea.run("plan", "--detailed-exitcode").status == 2
    emea.run("reject", plan["id"])

    assert emea.run("plan", "--detailed-exitcode").status == 0


def test_a_rejection_can_be_turned_into_an_approval(emea: Installation) -> None:
    plan = emea.plan()
    emea.run("reject", plan["id"])
    emea.run("approve", plan["id"])

    assert emea.run("apply", plan["id"]).status == 0
    assert not emea.phone_users()["user20@example.org"].get("license")


def test_nothing_is_automatic_where_the_policy_says_so(emea: Installation) -> None:
    emea.configure(approval={"automatic": []})
    emea.people(staff(21))

    assert emea.run("sync").status == 4
    assert "user21@example.org" not in emea.phone_users()


def test_everything_is_automatic_where_the_policy_says_so_but_for_what_is_held(
    emea: Installation,
) -> None:
    emea.configure(approval={"automatic": ["safe", "service", "destructive"]})

    assert emea.run("sync").status == 0
    assert not emea.phone_users()["user20@example.org"].get("license")
    emea.people([person(n, active="false") if n < 9 else person(n) for n in range(1, 20)])
    assert emea.run("sync").status == 3
    assert emea.phone_users()["user1@example.org"]["license"] == "zoom_phone"


def test_an_approver_is_on_record(emea: Installation) -> None:
    plan = emea.plan()
    emea.run("approve", plan["id"], "--by", "Eva Malá")

    assert "Eva Malá" in emea.run("runs").out


def test_held_changes_of_a_plan_are_no_decided_ones_of_the_next(emea: Installation) -> None:
    emea.people([person(n, active="false") if n < 6 else person(n) for n in range(1, 21)])
    plan = emea.plan(status=3)
    emea.run("approve", plan["id"])

    assert emea.run("sync").status == 3
    assert all(user["license"] for user in emea.phone_users().values())


# several syncs in one store


def test_syncs_of_one_store_know_nothing_of_each_other(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(2))
    emea.phone(phone_users(2))
    apac = emea.sync | {"phone_system": {"kind": "snapshot", "path": "apac.jsonl"}}
    emea.write("apac.jsonl", (emea.folder / "phone.jsonl").read_bytes())
    emea.yaml(
        "config.yaml",
        {"version": 1, "store": "sqlite:///store.db", "syncs": {"emea": emea.sync, "apac": apac}},
    )

    assert emea.run("plan").status == 1, "which one?"
    one = emea.plan("--sync", "emea")
    emea.run("approve", one["id"])
    two = emea.plan("--sync", "apac")

    assert (one["sync"], two["sync"]) == ("emea", "apac")
    assert one["id"] != two["id"]
    assert two["adoption"]["matched"] == {"join": 2}
    assert emea.plan("--sync", "emea").get("adoption") is None


# at Zoom: invitations, and an account that goes away while it is written to


ZOOM_RULE = {
    "name": "all",
    "when": "userName pr",
    "give": {"license": "zoom_phone", "packages": ["US/CA Unlimited Calling Plan"]},
}


def at_zoom(emea: Installation, phone_system: dict[str, object]) -> None:
    emea.mapping(rules=[ZOOM_RULE])
    emea.configure(phone_system=phone_system)


def zoom_line(number: int) -> dict[str, object]:
    return phone_user(
        number, packages=["US/CA Unlimited Calling Plan"], extension_number=str(4000 + number)
    )


CATALOG = {
    "catalog": {"licenses": {"zoom_phone": 9}, "packages": {"US/CA Unlimited Calling Plan": 9}}
}


def test_an_invited_joiner_waits_until_they_accept_and_gets_the_rest_then(
    tmp_path: Path,
) -> None:
    import requests

    emea = Installation(tmp_path)
    emea.people(staff(1))
    with zoom_account([CATALOG, zoom_line(1)]) as (url, phone_system):
        at_zoom(emea, {k: v for k, v in phone_system.items() if k != "create"})
        emea.carry_out()
        emea.people(staff(2))
        joined = emea.plan()
        assert kinds(joined) == [("user.invite", "user2@example.org")]
        assert {w["kind"] for w in joined["waiting"]} == {"license.assign", "package.assign"}
        assert emea.run("apply", joined["id"]).status == 0
        pending = emea.plan()
        assert pending["changes"] == []
        assert {w["kind"] for w in pending["waiting"]} == {"license.assign", "package.assign"}

        body = {"email": "user2@example.org"}
        assert requests.post(f"{url}/_portal/accept", json=body, timeout=9).ok

        assert emea.run("sync").status == 0
        assert zoom_users(url)["user2@example.org"]["license"] == "zoom_phone"
        assert emea.plan()["changes"] == []


def test_an_account_that_cannot_be_reached_ends_with_1_and_the_next_run_goes_on(
    tmp_path: Path,
) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(1))
    database = tmp_path / "zoom.db"
    with zoom_account([CATALOG, zoom_line(1)], database=database) as (url, phone_system):
        at_zoom(emea, phone_system)
        emea.carry_out()
        emea.people(staff(2))
        plan = emea.plan()
    assert emea.run("apply", plan["id"]).status == 1
    assert emea.run("plan").status == 1

    with zoom_account([], database=database) as (url, phone_system):
        at_zoom(emea, phone_system)
        assert emea.run("apply", plan["id"]).status == 0
        assert zoom_users(url)["user2@example.org"]["license"] == "zoom_phone"
        assert len(zoom_log(url)) == plan["summary"]["api_calls"]
