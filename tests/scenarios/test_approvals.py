"""Who approves what: parts of a plan, policies by risk and kind, listed approvers, and a second one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import (
    Installation,
    kinds,
    person,
    phone_user,
    phone_users,
    rule,
    staff,
    states,
)

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LEAVES_19, LEAVES_20 = (("license.remove", f"user{n}@example.org") for n in (19, 20))
JOINS_21 = ("license.assign", "user21@example.org")
MOVES_1 = ("package.remove", "user1@example.org")
NOTHING: dict[str, list[str]] = {"automatic": []}
TWO = {"second": ["destructive"]}


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Twenty people, adopted on Monday; then two leave, one joins, and one leaves Sales."""
    emea = Installation(tmp_path)
    sales = rule("sales", 'department eq "Sales"', packages=["gold"])
    emea.mapping(rules=[rule("all", license="zoom_phone", packages=["basic"]), sales])
    emea.people(staff(20))
    emea.phone(phone_users(20, packages=["basic", "gold"]))
    emea.carry_out(at=MONDAY)
    emea.people([person(1, department="IT"), *staff(18)[1:], person(21)])
    return emea


def licensed(emea: Installation) -> set[str]:
    """Who has a license, by the part of their mail before the @."""
    users = emea.phone_users().items()
    return {mail.partition("@")[0] for mail, user in users if user.get("license")}


def shown(emea: Installation, plan: str = "2", at: datetime = MONDAY) -> dict[str, Any]:
    return emea.run("show", plan, "--format", "json", at=at).plan


def approved(plan: dict[str, Any]) -> set[tuple[str, str]]:
    return {change for change, state in states(plan).items() if state == "approved"}


def decide(emea: Installation, command: str, *words: str, at: datetime = MONDAY) -> str:
    ran = emea.run(command, "2", *words, at=at)
    assert ran.status == 0, ran.said
    return ran.out


def refused(emea: Installation, command: str, *words: str) -> str:
    """Run a decision that must be refused, hold that nothing was decided, and return what was said."""
    before = shown(emea)
    ran = emea.run(command, "2", *words, at=MONDAY)
    assert ran.status == 1, ran.said
    assert shown(emea) == before
    return ran.err


# parts of a plan


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("package.remove", {MOVES_1}),
        ("Package.Remove", {MOVES_1}),
        ("user20@example.org", {LEAVES_20}),
        ("USER20@example.org", {LEAVES_20}),
        ("E020", {LEAVES_20}),
        ("p20", {LEAVES_20}),
        ("user20", {LEAVES_20}),  # the userName, of somebody who has left the directory
        ("user1", {MOVES_1}),
        ("destructive", {LEAVES_19, LEAVES_20}),
        ("user:E020", {LEAVES_20}),
        ("kind:license.remove", {LEAVES_19, LEAVES_20}),
    ],
)
def test_a_part_is_meant_by_kind_risk_or_person(
    emea: Installation, word: str, expected: set[tuple[str, str]]
) -> None:
    emea.plan(at=MONDAY)

    decide(emea, "approve", "--only", word)

    assert approved(shown(emea)) == expected


def test_a_part_is_meant_by_its_cluster(emea: Installation) -> None:
    plan = emea.plan(at=MONDAY)
    leavers = next(c["id"] for c in plan["clusters"] if "no longer" in c["title"])

    decide(emea, "approve", "--only", leavers)

    assert approved(shown(emea)) == {LEAVES_19, LEAVES_20}


def test_several_words_mean_all_that_any_of_them_means(emea: Installation) -> None:
    emea.plan(at=MONDAY)

    decide(emea, "approve", "--only", "package.remove", "--only", "E019")

    assert approved(shown(emea)) == {MOVES_1, LEAVES_19}


def test_what_was_not_meant_still_waits(emea: Installation) -> None:
    plan = emea.plan(at=MONDAY)
    decide(emea, "approve", "--only", "E020")

    ran = emea.run("apply", plan["id"], at=MONDAY)

    assert ran.status == 4
    assert "user20" not in licensed(emea)
    assert "user19" in licensed(emea)


def test_a_part_can_be_rejected_and_the_rest_goes_ahead(emea: Installation) -> None:
    plan = emea.plan(at=MONDAY)
    decide(emea, "approve")
    decide(emea, "reject", "--only", "user19@example.org")

    ran = emea.run("apply", plan["id"], at=MONDAY)

    assert ran.status == 0, "a rejection is a decision: nothing waits"
    assert "1 rejected by" in ran.out
    assert "user20" not in licensed(emea)
    assert "user19" in licensed(emea)


@pytest.mark.parametrize("command", ["approve", "reject"])
@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("user200@example.org", "did you mean user20@example.org"),
        ("licence.remove", "did you mean license.remove"),
        ("number.release", "has no change of the kind number.release"),
        ("c99", "a cluster (c1 … c"),
        ("kind:E020", "nothing in plan 2 is called 'kind:E020'"),
        ("", "nothing in plan 2 is called ''"),
        ("*", "nothing in plan 2 is called '*'"),
    ],
)
def test_a_word_that_means_nothing_decides_nothing_and_names_what_is_near(
    emea: Installation, command: str, word: str, said: str
) -> None:
    emea.plan(at=MONDAY)

    assert said in refused(emea, command, "--only", "package.remove", "--only", word)


def test_all_words_that_mean_nothing_are_named_at_once(emea: Installation) -> None:
    emea.plan(at=MONDAY)

    error = refused(emea, "approve", "--only", "nobody", "--only", "nothing")

    assert "'nobody'" in error
    assert "'nothing'" in error
    assert "package.remove" in error, "what there is to choose from"


def test_a_word_that_means_two_things_is_asked_back(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.people([person(1, externalId="c1"), *staff(3)[1:]])
    emea.phone([])
    plan = emea.plan()

    ran = emea.run("approve", plan["id"], "--only", "c1")

    assert ran.status == 1
    assert "write cluster:c1 or user:c1" in ran.err
    assert emea.run("approve", plan["id"], "--only", "user:c1").status == 0
    after = emea.run("show", plan["id"], "--format", "json").plan
    assert {user for _, user in approved(after)} == {"user1@example.org"}


def test_what_is_blocked_is_said_to_be_so(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(2))
    emea.phone(
        [phone_user(n, license=None, packages=[]) for n in (1, 2)],
        licenses={"zoom_phone": 1},
        packages={"basic": 9},
    )
    plan = emea.plan()
    blocked = {change["user"] for change in plan["blocked"]}
    assert blocked == {"user2@example.org"}

    ran = emea.run("approve", plan["id"], "--only", "user2@example.org")

    assert ran.status == 1
    assert "is not to be decided: no" in ran.err


def test_a_part_that_is_done_leaves_nothing_to_decide(emea: Installation) -> None:
    plan = emea.plan(at=MONDAY)
    assert emea.run("apply", plan["id"], at=MONDAY).status == 4  # what is safe is done

    ran = emea.run("approve", plan["id"], "--only", "user21@example.org", at=MONDAY)

    assert ran.status == 1
    assert "nothing of that is left to decide in plan 2: done" in ran.err


def test_what_the_approved_changes_need_is_named_with_the_command(tmp_path: Path) -> None:
    emea = short_of_seats(tmp_path)
    plan = emea.plan(at=MONDAY)
    claim = next(c for c in plan["changes"] if c["kind"] == "license.assign")
    assert claim["needs"]

    out = decide(emea, "approve", "--only", "user3@example.org")

    assert "license.remove user1@example.org: not approved" in out
    assert "provisioner approve 2 --only user3@example.org --with-needs" in out
    assert approved(shown(emea)) == {("license.assign", "user3@example.org")}
    assert emea.run("apply", "2", at=MONDAY).status == 4
    decide(emea, "approve", "--only", "user3@example.org", "--with-needs")
    assert emea.run("apply", "2", at=MONDAY).status == 0
    assert "user3" in licensed(emea)


def test_a_rejection_names_what_cannot_go_ahead_without_it(tmp_path: Path) -> None:
    emea = short_of_seats(tmp_path)
    emea.plan(at=MONDAY)

    out = decide(emea, "reject", "--only", "user1@example.org")

    assert "license.assign user3@example.org" in out
    assert "can't be carried out either" in out


def short_of_seats(folder: Path) -> Installation:
    """One leaves and one joins, and there is no seat but the leaver's."""
    emea = Installation(folder)
    emea.mapping(rules=[rule("all", license="zoom_phone")])
    emea.configure(approval=NOTHING)
    emea.people(staff(2))
    lines = [phone_user(n, packages=[]) for n in (1, 2)]
    emea.phone([*lines, phone_user(3, license=None, packages=[])], licenses={"zoom_phone": 2})
    emea.carry_out(at=MONDAY)
    emea.people([person(1, active="false"), *staff(3)[1:]])
    return emea


def test_a_part_of_the_first_plan_adopts_nothing(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(2))
    plan = emea.plan()

    ran = emea.run("approve", plan["id"], "--only", "user1@example.org")

    assert ran.status == 0
    assert f"`provisioner approve {plan['id']}`, without --only" in ran.out
    assert emea.run("apply", plan["id"]).status == 4
    assert emea.phone_users() == {}
    assert emea.run("approve", plan["id"]).status == 0
    assert emea.run("apply", plan["id"]).status == 0


# policies


def test_kinds_can_be_automatic_beside_risks(emea: Installation) -> None:
    emea.configure(approval={"automatic": ["package.remove"]})

    ran = emea.run("sync", at=MONDAY)

    assert ran.status == 4
    assert emea.phone_users()["user1@example.org"]["packages"] == ["basic"]
    assert "user20" in licensed(emea)
    assert "user21" not in licensed(emea)


def test_only_the_listed_may_decide_whatever_the_case(emea: Installation) -> None:
    emea.configure(approval={"approvers": ["Eva", "jan"]})
    emea.plan(at=MONDAY)

    for command in ("approve", "reject"):
        error = refused(emea, command, "--by", "zoe")
        assert "zoe may not decide about plans of sync emea: approval.approvers lists Eva, jan" in error  # fmt: skip
        assert "nothing was decided" in error
    decide(emea, "approve", "--by", "EVA")
    assert LEAVES_20 in approved(shown(emea))


@pytest.mark.parametrize("name", ["", "  ", "eva\x1b[31m", "e" * 201])
def test_an_approver_has_a_name(emea: Installation, name: str) -> None:
    emea.plan(at=MONDAY)

    assert "nobody's name" in refused(emea, "approve", "--by", name)


def test_where_only_some_may_approve_letting_removals_through_is_no_approval(
    tmp_path: Path,
) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(20))
    emea.phone(phone_users(20))
    emea.carry_out(at=MONDAY)
    emea.configure(approval={"approvers": ["eva"]})
    emea.people([person(n, active="false") if n < 6 else person(n) for n in range(1, 21)])
    emea.plan(status=3, at=MONDAY)

    assert emea.run("apply", "2", "--allow-removals", "5", at=MONDAY).status == 4
    assert all(user["license"] for user in emea.phone_users().values())
    decide(emea, "approve", "--by", "eva")
    assert emea.run("apply", "2", "--allow-removals", "5", at=MONDAY).status == 0


# a second approver


def test_destructive_changes_wait_for_a_second_approver_and_the_rest_goes(
    emea: Installation,
) -> None:
    emea.configure(approval=TWO)
    emea.plan(at=MONDAY)

    out = decide(emea, "approve", "--by", "eva")
    assert "2 of them wait for a second approver, not eva: `provisioner approve 2`" in out
    ran = emea.run("apply", "2", at=MONDAY)

    assert ran.status == 4
    assert "waiting for a second approver: `provisioner approve 2`" in ran.out
    assert emea.phone_users()["user1@example.org"]["packages"] == ["basic"]
    assert "user20" in licensed(emea)
    decide(emea, "approve", "--by", "jan")
    assert emea.run("apply", "2", at=MONDAY).status == 0
    assert "user20" not in licensed(emea)


@pytest.mark.parametrize("again", ["eva", "EVA", " Eva "])
def test_nobody_is_their_own_second_approver(emea: Installation, again: str) -> None:
    emea.configure(approval=TWO)
    emea.plan(at=MONDAY)
    decide(emea, "approve", "--by", "eva")

    out = decide(emea, "approve", "--by", again)

    assert "wait for a second approver" in out
    emea.run("apply", "2", at=MONDAY)
    assert "user20" in licensed(emea)


@pytest.mark.parametrize(
    "form", ["text", "markdown", "html", "json"],
)  # fmt: skip
def test_half_an_approval_is_shown_as_such(emea: Installation, form: str) -> None:
    emea.configure(approval=TWO)
    emea.plan(at=MONDAY)
    decide(emea, "approve", "--by", "eva")

    out = emea.run("show", "2", "--format", form, at=MONDAY).out

    assert "a second approver" in out
    assert "eva" in out
    if form != "json":
        assert "approved by one" in out
    assert "; 2 wait for a second" in emea.run("runs", at=MONDAY).out


def test_json_says_who_decided_what_until_when(emea: Installation) -> None:
    emea.configure(approval=TWO)
    emea.plan(at=MONDAY)
    decide(emea, "approve", "--only", "license.remove", "--by", "eva")
    decide(emea, "reject", "--only", "package.remove", "--by", "jan")

    plan = shown(emea)

    seqs = {(c["kind"], c["user"]): c["seq"] for c in plan["changes"]}
    until = "2026-01-19T09:00:00Z"
    assert sorted(plan["decisions"], key=lambda d: d["decision"]) == [
        {
            "decision": "approved",
            "by": ["eva"],
            "until": until,
            "lacks": "a second approver",
            "seqs": sorted([seqs[LEAVES_19], seqs[LEAVES_20]]),
        },
        {"decision": "rejected", "by": ["jan"], "until": until, "seqs": [seqs[MOVES_1]]},
    ]
    assert states(plan)[LEAVES_19] == "planned"
    assert states(plan)[MOVES_1] == "rejected"


def test_one_persons_approval_carries_over_to_a_newer_plan_and_another_completes_it_there(
    emea: Installation,
) -> None:
    emea.configure(approval=TWO)
    emea.plan(at=MONDAY)
    decide(emea, "approve", "--by", "eva")
    newer = emea.plan(at=MONDAY + DAY)

    assert states(newer)[LEAVES_20] == "planned"
    (lacking,) = [d for d in newer["decisions"] if "lacks" in d]
    assert lacking["by"] == ["eva"]
    assert emea.run("approve", newer["id"], "--by", "jan", at=MONDAY + DAY).status == 0
    assert emea.run("apply", newer["id"], at=MONDAY + DAY).status == 0
    assert "user20" not in licensed(emea)


def test_a_rejection_ends_both_approvals(emea: Installation) -> None:
    emea.configure(approval=TWO)
    emea.plan(at=MONDAY)
    for name in ("eva", "jan"):
        decide(emea, "approve", "--by", name)
    decide(emea, "reject", "--only", "E020", "--by", "zoe")
    decide(emea, "approve", "--by", "eva")

    emea.run("apply", "2", at=MONDAY)

    assert "user19" not in licensed(emea)
    assert "user20" in licensed(emea)


def test_letting_removals_through_is_no_second_approval(emea: Installation) -> None:
    emea.configure(approval=TWO, limits={"removals": 0})
    emea.plan(status=3, at=MONDAY)

    ran = emea.run("apply", "2", "--allow-removals", "5", at=MONDAY)

    assert ran.status == 4
    assert "user20" in licensed(emea)


def test_a_policy_that_was_tightened_since_holds_for_old_approvals(emea: Installation) -> None:
    emea.plan(at=MONDAY)
    decide(emea, "approve", "--by", "eva")
    emea.configure(approval=TWO)

    assert emea.run("apply", "2", at=MONDAY).status == 4
    assert "user20" in licensed(emea)


def test_an_approval_that_lapsed_between_the_two_counts_no_more(emea: Installation) -> None:
    emea.configure(approval=TWO | {"expires": "1d"})
    emea.plan(at=MONDAY)
    decide(emea, "approve", "--by", "eva")

    out = decide(emea, "approve", "--by", "jan", at=MONDAY + 2 * DAY)

    assert "wait for a second approver, not jan" in out


# what expired, what was rejected


def test_an_expired_approval_is_named_with_what_to_do(emea: Installation) -> None:
    emea.plan(at=MONDAY)
    decide(emea, "approve", "--by", "eva")

    ran = emea.run("apply", "2", at=MONDAY + 15 * DAY)

    assert ran.status == 4
    assert "approved by eva until 2026-01-19 09:00 UTC, which is over" in ran.out
    assert "provisioner approve 2" in ran.out
    assert "user20" in licensed(emea)
    late = shown(emea, at=MONDAY + 15 * DAY)
    assert states(late)[LEAVES_20] == "planned"
    text = emea.run("show", "2", at=MONDAY + 15 * DAY).out
    assert "approval expired" in text


def test_a_rejected_plan_cannot_be_applied_and_says_what_to_do(emea: Installation) -> None:
    emea.plan(at=MONDAY)
    decide(emea, "reject")

    ran = emea.run("apply", "2", at=MONDAY)

    assert ran.status == 1
    assert "was rejected" in ran.err
    assert "provisioner approve 2" in ran.err
    assert "user20" in licensed(emea)


def test_the_history_says_who_approved_which_part(emea: Installation) -> None:
    emea.plan(at=MONDAY)
    decide(emea, "approve", "--only", "package.remove", "--by", "eva")
    decide(emea, "reject", "--only", "E020", "--by", "jan")

    listed = json.loads(emea.run("runs", "--format", "json", at=MONDAY).out)
    (plan,) = [p for p in listed["plans"] if p["id"] == "2"]

    assert [(r["decision"], r["by"], r["only"], r["changes"]) for r in plan["reviews"]] == [
        ("approved", "eva", ["package.remove"], 1),
        ("rejected", "jan", ["E020"], 1),
    ]
    text = emea.run("runs", at=MONDAY).out
    assert "eva (package.remove), rejected by jan (E020)" in text


def test_a_push_sized_plan_takes_no_decision_from_a_full_one(emea: Installation) -> None:
    emea.plan(at=MONDAY)
    decide(emea, "approve", "--by", "eva")
    emea.plan("--user", "user21@example.org", at=MONDAY + DAY)

    assert emea.run("apply", "2", at=MONDAY + DAY).status == 0
    assert kinds(emea.plan(at=MONDAY + DAY)) == []
