"""Taking a run back: what comes back and what can't, who decides, and that no sync brings it back unasked."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from provisioner import who
from tests.scenarios.installation import (
    Installation,
    kinds,
    only,
    person,
    phone_user,
    phone_users,
    rule,
    staff,
    states,
    zoom_account,
    zoom_users,
)

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOVER, LEAVER, JOINER = "user19@example.org", "user20@example.org", "user21@example.org"


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Twenty people who are all as they should be; then one moves, one leaves, and one joins."""
    emea = Installation(tmp_path)
    emea.configure(approval={"automatic": ["safe", "service", "destructive"]})
    emea.people(staff(20))
    emea.phone(phone_users(20))
    emea.carry_out(at=MONDAY)
    emea.people([*staff(18), person(19, department="IT"), person(21)])
    return emea


def synced(emea: Installation, at: datetime = MONDAY) -> str:
    """Sync, which must go well, and return the id of the run."""
    return new_run(emea, "sync", at=at)


def new_run(emea: Installation, *command: str, at: datetime) -> str:
    """Run a command, which must go well, and return the id of its run."""
    before = runs(emea)
    ran = emea.run(*command, at=at)
    assert ran.status == 0, ran.said
    (made,) = runs(emea) - before
    return made


def runs(emea: Installation) -> set[str]:
    """Return the ids of all runs."""
    return {each["id"] for each in emea.run("runs", "--format", "json").plan["runs"]}


def undone(emea: Installation, *arguments: str, at: datetime = MONDAY) -> dict[str, Any]:
    """Return the plan that undoes a run."""
    ran = emea.run("undo", "--format", "json", *arguments, at=at)
    assert ran.status == 0, ran.said
    return ran.plan


def applied(emea: Installation, plan: dict[str, Any], at: datetime = MONDAY) -> str:
    """Apply a plan, which must go well, and return the id of the run."""
    return new_run(emea, "apply", plan["id"], at=at)


def in_order(users: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(users.items())


def test_a_run_is_taken_back_by_a_plan_like_any_other(emea: Installation) -> None:
    before = emea.phone_users()
    run = synced(emea)
    assert emea.phone_users() != before

    plan = undone(emea, run)

    assert kinds(plan) == [
        ("user.delete", JOINER),
        ("license.assign", LEAVER),
        ("package.assign", MOVER),
        ("package.assign", LEAVER),
    ]
    assert {change["cause"] for change in plan["changes"]} == {"undo"}
    assert only(plan, "license.assign")["because"] == f"undoes change 2 of plan 2 (run {run})"
    assert (plan["scope"], plan["sync"], plan["summary"]["removals"]) == ("undo", "emea", 1)
    audit = [json.loads(line) for line in emea.run("audit export").out.splitlines()]
    (undoes,) = [entry for entry in audit if entry["kind"] == "plan.undoes"]
    said = {"run": run, "changes": [1, 2, 3, 4, 5], "by": who.login()}
    assert (undoes["plan"], undoes["detail"]) == ("3", said)
    applied(emea, plan)
    assert in_order(emea.phone_users()) == in_order(before)


def test_what_was_undone_is_named_as_rejected_and_no_sync_brings_it_back(
    emea: Installation,
) -> None:
    before = emea.phone_users()
    applied(emea, undone(emea, synced(emea)))

    for after in (timedelta(0), HOUR * 2, timedelta(days=40)):
        ran = emea.run("sync", at=MONDAY + after)
        assert ran.status == 0, ran.said

        assert in_order(emea.phone_users()) == in_order(before)
        plan = emea.plan(at=MONDAY + after)
        assert set(states(plan).values()) == {"rejected"}
        assert {user for _, user in states(plan)} == {MOVER, LEAVER, JOINER}
        assert plan["changes"][0]["reason"].startswith("plan 3 undoes it (run ")
        assert plan["summary"]["api_calls"] == 0


def test_an_older_plan_of_the_same_brings_nothing_back_either(emea: Installation) -> None:
    emea.configure(approval={"automatic": []})
    newer, newest = emea.plan(at=MONDAY), emea.plan(at=MONDAY)
    emea.run("approve", newer["id"], at=MONDAY)
    undo = undone(emea, applied(emea, newer))
    emea.run("approve", undo["id"], at=MONDAY)
    applied(emea, undo)
    before = emea.phone_users()

    ran = emea.run("apply", newest["id"], at=MONDAY)

    assert ran.status == 0, ran.said
    assert emea.phone_users() == before


def test_an_approval_takes_what_was_undone_up_again(emea: Installation) -> None:
    run = synced(emea)
    after_run = emea.phone_users()
    applied(emea, undone(emea, run))
    plan = emea.plan(at=MONDAY)

    said = emea.run("approve", plan["id"], at=MONDAY)

    assert said.status == 0, said.said
    applied(emea, plan)
    assert in_order(emea.phone_users()) == in_order(after_run)


def test_a_rejected_undo_refuses_nothing(emea: Installation) -> None:
    run = synced(emea)
    plan = undone(emea, run)
    emea.phone(phone_users(20))  # somebody took it back by hand
    assert set(states(emea.plan(at=MONDAY)).values()) == {"rejected"}

    emea.run("reject", plan["id"], at=MONDAY)

    assert "rejected" not in states(emea.plan(at=MONDAY)).values()
    assert emea.run("apply", plan["id"], at=MONDAY).status == 1, "a rejected plan is not applied"


def test_what_was_undone_is_asked_for_anew_when_nobody_had_asked_for_it_meanwhile(
    emea: Installation,
) -> None:
    applied(emea, undone(emea, synced(emea)))
    emea.people(staff(20))  # whoever was wrong in the directory is right again
    emea.plan(at=MONDAY + 2 * HOUR)
    emea.people(staff(19))

    ran = emea.run("sync", at=MONDAY + 30 * HOUR)

    assert ran.status == 0, ran.said
    assert not emea.phone_users()[LEAVER].get("license"), "who leaves another time is a leaver"


def test_what_is_asked_for_without_a_break_stays_refused(emea: Installation) -> None:
    applied(emea, undone(emea, synced(emea)))
    for hours in (0, 2, 50):
        emea.plan(at=MONDAY + hours * HOUR)
    # the leaver's row can't be read for a while: that says nothing about them
    broken = [*staff(19), person(20, active="perhaps")]
    emea.people(broken)
    emea.plan(at=MONDAY + 60 * HOUR)
    emea.people([*staff(18), person(19, department="IT"), person(21)])

    assert states(emea.plan(at=MONDAY + 70 * HOUR))["license.remove", LEAVER] == "rejected"


def test_what_changed_since_is_a_conflict_and_left_alone(emea: Installation) -> None:
    run = synced(emea)
    users = emea.phone_users()
    users[MOVER]["packages"] = ["gold"]
    users[LEAVER]["license"] = "other"
    emea.phone(users.values())

    plan = undone(emea, run)

    assert kinds(plan) == [("user.delete", JOINER), ("package.assign", MOVER)]
    (conflict,) = plan["conflicts"]
    assert conflict["users"] == [LEAVER]
    assert "change 2 of plan 2" in conflict["reason"]
    assert "other" in conflict["reason"]


def test_an_undo_can_be_undone(emea: Installation) -> None:
    run = synced(emea)
    after_run = emea.phone_users()
    undo = applied(emea, undone(emea, run))

    again = undone(emea, undo)
    blocked = {(c["kind"], c["user"]) for c in again["blocked"]}
    applied(emea, again)

    assert blocked == {("user.restore", JOINER)}, "who was deleted for good can't be restored"
    users = emea.phone_users()
    assert users.keys() == after_run.keys() - {JOINER}
    assert users[MOVER] == after_run[MOVER]
    assert not users[LEAVER].get("license")


def test_after_an_undo_of_an_undo_the_sync_asks_for_the_rest_as_before(emea: Installation) -> None:
    run = synced(emea)
    applied(emea, undone(emea, applied(emea, undone(emea, run))))

    plan = emea.plan(at=MONDAY)

    assert {user for _, user in states(plan)} == {JOINER}


def test_a_run_that_did_nothing_is_said_to_need_no_undo(emea: Installation) -> None:
    synced(emea)
    nothing = synced(emea)

    said, plan = emea.run("undo", nothing, at=MONDAY), undone(emea, nothing)

    assert said.status == 0
    assert f"run {nothing} did nothing: there is nothing to undo" in said.out
    assert plan["changes"] == []


def test_a_plans_id_stands_for_the_only_run_that_carried_it_out(emea: Installation) -> None:
    run = synced(emea)
    emea.run("apply", "2", at=MONDAY)  # which does nothing any more

    assert undone(emea, "2")["changes"] == undone(emea, run)["changes"]


def test_a_plan_that_was_carried_out_in_two_runs_is_undone_run_by_run(emea: Installation) -> None:
    emea.configure(approval={"automatic": ["safe"]})
    emea.run("sync", at=MONDAY)
    emea.run("approve", "2", at=MONDAY)
    second = applied(emea, {"id": "2"})

    ran = emea.run("undo", "2", at=MONDAY)

    assert ran.status == 1
    assert second in ran.err
    assert kinds(undone(emea, second)) == [
        ("license.assign", LEAVER),
        ("package.assign", MOVER),
        ("package.assign", LEAVER),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nothing-such"], "there is no run 'nothing-such' in this store"),
        (["1", "--user", "x"], "changed nobody called x"),
        (["3"], "plan 3 was never applied"),
    ],
)
def test_what_cannot_be_undone_is_refused_in_words(
    emea: Installation, given: list[str], said: str
) -> None:
    synced(emea)
    emea.plan(at=MONDAY)

    ran = emea.run("undo", *given, at=MONDAY)

    assert ran.status == 1
    assert said in ran.err


def test_a_run_is_undone_for_one_person_alone(emea: Installation) -> None:
    run = synced(emea)

    by_mail, by_key = undone(emea, run, "--user", MOVER), undone(emea, run, "--user", "e019")
    wrong = emea.run("undo", run, "--user", "usr19@example.org", at=MONDAY)

    assert kinds(by_mail) == kinds(by_key) == [("package.assign", MOVER)]
    assert wrong.status == 1
    assert f"did you mean {MOVER}" in wrong.err


def test_the_limits_count_an_undo_too(emea: Installation) -> None:
    emea.people(staff(40))
    run = synced(emea)

    ran = emea.run("undo", run, at=MONDAY)

    assert ran.status == 3
    assert "20 of 40 people, limit 10%, would lose" in ran.out
    plan = ran.out.split()[1]
    assert emea.run("apply", plan, at=MONDAY).status == 3
    assert emea.run("apply", plan, "--allow-removals", "20", at=MONDAY).status == 0
    assert len(emea.phone_users()) == 20


def test_an_undo_waits_for_approval_as_the_policy_says(emea: Installation) -> None:
    run = synced(emea)
    emea.configure(approval={"automatic": ["safe"]})
    plan = undone(emea, run)

    ran = emea.run("apply", plan["id"], at=MONDAY)

    assert ran.status == 4
    assert emea.phone_users()[LEAVER]["license"] == "zoom_phone", "which is safe to give"
    assert JOINER in emea.phone_users()
    emea.run("approve", plan["id"], at=MONDAY)
    applied(emea, plan)
    assert JOINER not in emea.phone_users()


def test_newer_plans_do_not_make_an_undo_stale_nor_an_undo_them(emea: Installation) -> None:
    run = synced(emea)
    emea.people([*staff(18), person(19, department="IT"), person(21), person(22)])
    older = emea.plan(at=MONDAY)
    undo = undone(emea, run)
    emea.plan(at=MONDAY + HOUR)

    applied(emea, undo, at=MONDAY + HOUR)
    applied(emea, older, at=MONDAY + HOUR)

    assert emea.phone_users()[LEAVER]["license"] == "zoom_phone"
    assert "user22@example.org" in emea.phone_users()


def test_nothing_is_taken_from_protected_people_by_an_undo(emea: Installation) -> None:
    run = synced(emea)
    emea.configure(protected='userName eq "user21"')

    plan = undone(emea, run)

    assert [(c["kind"], c["user"]) for c in plan["blocked"]] == [("user.delete", JOINER)]
    assert "protected" in plan["blocked"][0]["reason"]


def test_what_a_sync_may_not_touch_any_more_is_left_alone(emea: Installation) -> None:
    run = synced(emea)
    users = emea.phone_users()
    users[MOVER]["role"] = "admin"
    emea.phone(users.values())

    plan = undone(emea, run)

    assert MOVER not in {user for _, user in kinds(plan)}
    assert plan["conflicts"][0]["users"] == [MOVER]


def test_a_broken_mapping_does_not_keep_a_run_from_being_undone(emea: Installation) -> None:
    run = synced(emea)
    emea.write("mapping.yaml", "version: 1\nrules: [{name: broken")

    plan = undone(emea, run)

    assert len(plan["changes"]) == 4
    applied(emea, plan)


def test_what_became_of_lost_answers_is_found_out_first(emea: Installation) -> None:
    run = synced(emea)
    with closing(sqlite3.connect(emea.folder / "store.db")) as store, store:
        store.execute("UPDATE changes SET state = 'sent' WHERE plan = 2 AND seq = 2")

    plan = undone(emea, run)

    assert LEAVER not in {user for _, user in kinds(plan)}
    assert any("1 changes of run" in text and "in doubt" in text for text in plan["warnings"])
    synced(emea)
    assert ("license.assign", LEAVER) in kinds(undone(emea, run))


POOL = {"brno": {"ranges": ["+420540000001-+420540000003"]}}
NUMBERED = [rule("all", license="zoom_phone", packages=["basic"], number={"pool": "brno"})]


def numbered(emea: Installation, *, cooling: str = "0d") -> None:
    """Let the first three have a number each of a pool of three; whoever is new waits for one."""
    pool = {"brno": {**POOL["brno"], "cooling": cooling}}
    emea.mapping(rules=NUMBERED)
    emea.configure(pools=pool, limits={"removals": "100%", "changes": "100%"})
    emea.people(staff(3))
    emea.phone([phone_user(n, numbers=[f"+42054000000{n}"]) for n in (1, 2, 3)])
    emea.carry_out(at=MONDAY)


def test_a_number_that_went_to_somebody_else_in_the_same_run_comes_back(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(approval={"automatic": ["safe", "service", "destructive"]})
    numbered(emea)
    emea.people([*staff(2), person(4)])
    before = emea.phone_users()
    run = synced(emea)
    assert emea.phone_users()["user4@example.org"]["numbers"] == ["+420540000003"]

    plan = undone(emea, run)

    claim = only(plan, "number.assign")
    assert (claim["user"], claim["after"]) == ("user3@example.org", "+420540000003")
    assert only(plan, "user.delete")["seq"] in claim["needs"]
    applied(emea, plan)
    assert in_order(emea.phone_users()) == in_order(before)


def test_a_number_that_somebody_has_got_since_is_named_with_them(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(approval={"automatic": ["safe", "service", "destructive"]})
    numbered(emea)
    emea.people(staff(2))
    run = synced(emea)
    emea.people([*staff(2), person(4)])
    synced(emea)

    plan = undone(emea, run)

    assert kinds(plan) == [
        ("license.assign", "user3@example.org"),
        ("package.assign", "user3@example.org"),
    ]
    (blocked,) = plan["blocked"]
    assert blocked["after"] == "+420540000003"
    assert blocked["reason"] == "number +420540000003 is user4@example.org's by now"


def test_a_number_that_is_no_longer_in_the_account_is_named(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(approval={"automatic": ["safe", "service", "destructive"]})
    numbered(emea)
    emea.people(staff(2))
    run = synced(emea)
    emea.phone(emea.phone_users().values(), numbers=["+420540000001", "+420540000002"])

    plan = undone(emea, run)

    (blocked,) = plan["blocked"]
    assert "the phone system has no number +420540000003" in blocked["reason"]


def test_a_number_rests_for_others_but_not_for_whom_it_was_taken_from(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(approval={"automatic": ["safe", "service", "destructive"]})
    numbered(emea, cooling="30d")
    emea.people(staff(2))
    run = synced(emea)
    at_once = undone(emea, run)
    emea.people([*staff(2), person(4)])
    later = MONDAY + timedelta(days=31)
    synced(emea, later)
    emea.people(staff(2))
    synced(emea, later)

    rests = undone(emea, run, at=later)

    assert only(at_once, "number.assign")["after"] == "+420540000003"
    (waiting,) = rests["waiting"]
    assert waiting["reason"] == (
        "number +420540000003 rests until 2026-03-07T09:00:00Z: user4@example.org had it meanwhile"
    )
    assert any(f"`provisioner undo {run}`" in text for text in rests["warnings"])


def test_seats_are_counted_for_an_undo_too(emea: Installation) -> None:
    run = synced(emea)
    taken = [*emea.phone_users().values(), phone_user(31, key="X31"), phone_user(32, key="X32")]
    emea.phone(taken, licenses={"zoom_phone": 22}, packages={"basic": None})

    plan = undone(emea, run)

    (needed,) = only(plan, "license.assign")["needs"]
    assert plan["changes"][needed - 1]["kind"] == "user.delete", "the joiner's seat comes free"
    assert (
        plan["summary"]["pools"]["license:zoom_phone"].items()
        >= {"total": 22, "used": 22, "after": 22}.items()
    )
    alone = undone(emea, run, "--user", LEAVER)
    assert [c["kind"] for c in alone["blocked"]] == ["license.assign"]
    assert [c["kind"] for c in alone["waiting"]] == ["package.assign"]


def test_a_delegation_that_somebody_made_since_keeps_the_license(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.mapping(rules=[rule("all", license="zoom_phone")])
    package = {"packages": ["US/CA Unlimited Calling Plan"]}
    with zoom_account([phone_user(1, **package), phone_user(2, license=None, packages=[])]) as (
        url,
        system,
    ):
        emea.configure(phone_system=system)
        emea.people(staff(1))
        emea.carry_out(at=MONDAY)
        emea.people(staff(2))
        run = synced(emea)
        edit = {"email": "user2@example.org", **package, "delegates": ["user1@example.org"]}
        requests.post(f"{url}/_portal/user", json=edit, timeout=10).raise_for_status()

        plan = undone(emea, run)

    assert plan["changes"] == []
    (conflict,) = plan["conflicts"]
    assert "delegate user1@example.org" in conflict["reason"]


def test_zooms_licenses_come_back_with_packages_numbers_and_delegates(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    mapping: dict[str, Any] = {
        "leavers": {"do": "remove_license"},
        "rules": [
            rule("all", license="zoom_phone", packages=["US/CA Unlimited Calling Plan"]),
            rule("first", 'userName eq "user1"', delegates=["user2@example.org"]),
        ],
    }
    emea.mapping(**mapping)
    line: dict[str, Any] = {"packages": ["US/CA Unlimited Calling Plan"]}
    lines = [
        phone_user(1, **line, delegates=["user2@example.org"], numbers=["+12025550101"]),
        phone_user(2, **line),
        phone_user(3, **line),
    ]
    with zoom_account(lines) as (url, system):
        emea.configure(
            phone_system=system, approval={"automatic": ["safe", "service", "destructive"]}
        )
        emea.people(staff(3))
        emea.carry_out(at=MONDAY)
        before = zoom_users(url)
        emea.people([person(2), person(3)])
        run = synced(emea)
        assert zoom_users(url)["user1@example.org"].get("license") is None

        plan = undone(emea, run)
        applied(emea, plan)

        after = zoom_users(url)

    assert [kind for kind, _ in kinds(plan)] == [
        "license.assign",
        "package.assign",
        "number.assign",
        "delegate.add",
    ]
    given = ("license", "packages", "numbers", "delegates", "status")
    assert {n: after["user1@example.org"].get(n) for n in given} == {
        n: before["user1@example.org"].get(n) for n in given
    }
    assert any("begins with the phone system's own site" in text for text in plan["warnings"])
