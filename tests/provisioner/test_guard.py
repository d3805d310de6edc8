"""The guard: who is counted, over which time, what is held with a removal, and how it is let through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.records import Change
from provisioner.apply.chosen import Allowance, Grounds, choose
from provisioner.guard import hold
from provisioner.limits import Limit, Limits
from provisioner.memory import Memory
from provisioner.plan.content import REMOVALS
from provisioner.plan.model import Base, Plan, Summary

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
STRICT = Limits(removals=Limit.parse(1), changes=Limit.parse("100%"))


def change(seq: int, kind: str, key: str, **members: Any) -> Change:
    return Change(seq=seq, kind=kind, key=key, user=key, **{"cluster": "c1", **members})


def plan_of(*changes: Change, people: int = 100) -> Plan:
    return Plan(
        id="1",
        sync="emea",
        created_at=NOW,
        as_of=NOW,
        base=Base("", "", "", ""),
        summary=Summary(people=people, unchanged=0, changes={}),
        changes=changes,
    )


def removals(count: int, kind: str = "license.remove") -> list[Change]:
    return [change(n, kind, f"E{n}") for n in range(1, count + 1)]


def held(plan: Plan) -> set[int]:
    return {c.seq for c in plan.changes if c.state == "held"}


def test_a_percentage_lets_three_people_go_however_few_there_are() -> None:
    limits = Limits()

    assert held(hold(plan_of(*removals(3), people=5), limits, Memory())) == set()
    assert held(hold(plan_of(*removals(4), people=8), limits, Memory())) == {1, 2, 3, 4}


def test_somebody_who_loses_three_things_is_one_person() -> None:
    plan = plan_of(
        change(1, "number.release", "E1"),
        change(2, "package.remove", "e1"),
        change(3, "license.remove", "E1"),
    )

    guarded = hold(plan, STRICT, Memory())

    assert held(guarded) == set()
    assert guarded.summary.removals == 1


@pytest.mark.parametrize("kind", sorted(REMOVALS))
def test_every_loss_of_a_license_package_number_or_account_counts(kind: str) -> None:
    assert held(hold(plan_of(*removals(2, kind)), STRICT, Memory())) == {1, 2}


def test_swaps_are_no_removals() -> None:
    swaps = [
        change(n, "license.assign", f"E{n}", before="old", after="new", risk="service")
        for n in range(1, 9)
    ]

    guarded = hold(plan_of(*swaps), STRICT, Memory())

    assert (held(guarded), guarded.summary.removals) == (set(), 0)


def test_those_of_the_last_24_hours_count_but_nobody_twice() -> None:
    plan = plan_of(change(1, "license.remove", "E1"))

    assert held(hold(plan, STRICT, Memory(lost=frozenset({"e1"})))) == set()
    guarded = hold(plan, STRICT, Memory(lost=frozenset({"e2"})))
    assert held(guarded) == {1}
    assert "2 of 100 people (1 of them in the last 24 hours), limit 1" in str(
        guarded.changes[0].reason
    )


def test_a_plan_that_takes_nothing_is_not_held_for_what_was_lost_before() -> None:
    plan = plan_of(change(1, "license.assign", "E9", after="zoom_phone"))

    assert held(hold(plan, STRICT, Memory(lost=frozenset({"e1", "e2", "e3"})))) == set()


def test_joiners_go_ahead_while_removals_are_held() -> None:
    joiner = change(3, "license.assign", "E9", after="zoom_phone", cluster="c2")

    assert held(hold(plan_of(*removals(2), joiner), STRICT, Memory())) == {1, 2}


def test_a_joiner_who_lives_on_a_held_release_is_held_with_it() -> None:
    joiner = change(3, "license.assign", "E9", after="zoom_phone", needs=(2,))
    then = change(4, "package.assign", "E9", after="basic", needs=(3,))

    guarded = hold(plan_of(*removals(2), joiner, then), STRICT, Memory())

    assert held(guarded) == {1, 2, 3, 4}
    assert guarded.changes[3].reason == "needs change 3, which is held"


def test_a_leavers_delegations_stay_while_the_license_is_held_whoever_is_the_delegator() -> None:
    plan = plan_of(
        change(1, "delegate.remove", "E1", before="x@example.org"),
        change(2, "delegate.remove", "E9", before="e1@example.org"),
        change(3, "license.remove", "E1", needs=(1, 2)),
        change(4, "license.remove", "E2"),
    )

    assert held(hold(plan, STRICT, Memory())) == {1, 2, 3, 4}


def test_a_movers_delegation_ends_although_removals_of_others_are_held() -> None:
    mover = change(3, "delegate.remove", "E5", before="x@example.org")
    other_cause = change(4, "delegate.remove", "E1", before="x@example.org", cluster="c7")

    assert held(hold(plan_of(*removals(2), mover, other_cause), STRICT, Memory())) == {1, 2}


def test_what_only_a_person_can_carry_out_counts_and_is_held_as_well() -> None:
    manual = change(2, "license.remove", "E2", state="manual")

    assert held(hold(plan_of(*removals(1), manual), STRICT, Memory())) == {1, 2}


def test_too_many_changes_hold_everything_that_is_not_held_for_a_removal() -> None:
    limits = Limits(removals=Limit.parse("100%"), changes=Limit.parse(2))
    plan = plan_of(*(change(n, "site.set", f"E{n}", after="Brno") for n in (1, 2, 3)))

    guarded = hold(plan, limits, Memory())

    assert held(guarded) == {1, 2, 3}
    assert guarded.changes[0].reason == (
        "3 of 100 people, limit 2, would be changed; if that is right:"
        " `provisioner apply PLAN --allow-changes 3`"
    )
    assert held(hold(plan, limits, Memory(changed=frozenset({"e1", "e2"})))) == {1, 2, 3}


def test_the_reason_names_figures_limit_and_the_override() -> None:
    guarded = hold(plan_of(*removals(20), people=160), Limits(), Memory())

    assert {c.reason for c in guarded.changes} == {
        "20 of 160 people, limit 10%, would lose a license, package, number or account; if that is"
        " right: `provisioner apply PLAN --allow-removals 20`"
    }
    assert guarded.summary.held == 20


@pytest.mark.parametrize(("allowed", "going"), [(3, 6), (2, 0)])
def test_apply_counts_the_same_people_as_the_reason_for_removals(allowed: int, going: int) -> None:
    plan = hold(
        plan_of(
            change(1, "delegate.remove", "E9", before="e1@example.org"),
            change(2, "number.release", "E1"),
            change(3, "license.remove", "E1", needs=(1, 2)),
            *(change(n, "license.remove", f"E{n}") for n in (4, 5)),
            change(6, "license.assign", "E7", after="zoom_phone", needs=(5,)),
        ),
        STRICT,
        Memory(),
    )

    chosen = choose(plan, grounds(plan), Allowance(removals=allowed))

    assert "--allow-removals 3" in str(plan.changes[0].reason)
    assert len(chosen.going) == going


@pytest.mark.parametrize(("allowed", "going"), [(3, 3), (2, 0)])
def test_apply_counts_the_same_people_as_the_reason_for_changes(allowed: int, going: int) -> None:
    limits = Limits(removals=Limit.parse("100%"), changes=Limit.parse(2))
    plan = hold(
        plan_of(
            change(1, "license.remove", "E1"),
            change(2, "site.set", "E2", after="Brno"),
            change(3, "site.set", "E3", after="Brno"),
        ),
        limits,
        Memory(),
    )

    chosen = choose(plan, grounds(plan), Allowance(changes=allowed))

    assert "--allow-changes 3" in str(plan.changes[0].reason)
    assert len(chosen.going) == going


KINDS = Limits(
    removals=Limit.parse(2),
    changes=Limit.parse("100%"),
    kinds={"number.release": Limit.parse(1), "site.set": Limit.parse("50%")},
)


def test_a_kind_has_a_limit_of_its_own_and_holds_nothing_else() -> None:
    limits = replace(KINDS, removals=Limit.parse("100%"))
    plan = plan_of(
        *(change(n, "number.release", f"E{n}") for n in (1, 2)),
        change(3, "license.remove", "E3"),
        change(4, "site.set", "E4"),
    )

    guarded = hold(plan, limits, Memory())

    assert held(guarded) == {1, 2}
    assert guarded.changes[0].reason == (
        "2 of 100 people, limit 1, would be changed by number.release; if that is right:"
        " `provisioner apply PLAN --allow number.release=2`"
    )


def test_a_kinds_percentage_is_over_the_same_people_and_the_same_day() -> None:
    sites = [change(n, "site.set", f"E{n}") for n in (1, 2, 3)]

    assert held(hold(plan_of(*sites, people=6), KINDS, Memory())) == set()
    moved = Memory(by_kind={"site.set": frozenset({"e9"}), "number.release": frozenset({"e8"})})
    guarded = hold(plan_of(*sites, people=6), KINDS, moved)
    assert held(guarded) == {1, 2, 3}
    assert "4 of 6 people (1 of them in the last 24 hours), limit 50%" in str(
        guarded.changes[0].reason
    )


def test_what_several_limits_hold_names_them_all_and_one_command() -> None:
    plan = plan_of(
        *(change(n, "number.release", f"E{n}") for n in (1, 2)),
        *(change(n, "license.remove", f"E{n}") for n in (3, 4)),
    )

    guarded = hold(plan, KINDS, Memory())

    assert held(guarded) == {1, 2, 3, 4}
    assert guarded.changes[0].reason == (
        "4 of 100 people, limit 2, would lose a license, package, number or account;"
        " 2 of 100 people, limit 1, would be changed by number.release; if that is right:"
        " `provisioner apply PLAN --allow-removals 4 --allow number.release=2`"
    )
    assert "number.release" not in str(guarded.changes[2].reason)


@pytest.mark.parametrize(
    ("allowance", "going"),
    [
        (Allowance(), set()),
        (Allowance(removals=4), {3, 4}),
        (Allowance(kinds={"number.release": 2}), set()),
        (Allowance(removals=4, kinds={"number.release": 2}), {1, 2, 3, 4}),
        (Allowance(removals=4, kinds={"number.release": 1}), {3, 4}),
        (Allowance(removals=3, kinds={"number.release": 2}), set()),
        (Allowance(changes=9, kinds={"license.remove": 9}), set()),
    ],
)
def test_what_several_limits_hold_goes_when_each_of_them_is_overridden(
    allowance: Allowance, going: set[int]
) -> None:
    plan = hold(
        plan_of(
            *(change(n, "number.release", f"E{n}") for n in (1, 2)),
            *(change(n, "license.remove", f"E{n}") for n in (3, 4)),
        ),
        KINDS,
        Memory(),
    )

    assert {c.seq for c in choose(plan, grounds(plan), allowance).going} == going


def test_a_removals_allowance_is_enough_although_the_limit_on_all_changes_is_passed_too() -> None:
    limits = Limits(removals=Limit.parse(1), changes=Limit.parse(1))
    plan = hold(plan_of(*removals(2), change(3, "site.set", "E3")), limits, Memory())

    going = {c.seq for c in choose(plan, grounds(plan), Allowance(removals=2)).going}

    assert held(plan) == {1, 2, 3}
    assert going == {1, 2}


def test_of_several_limits_in_one_place_the_strictest_counts() -> None:
    limits = Limits(removals=Limit.parse(["10%", 4]))

    assert held(hold(plan_of(*removals(4)), limits, Memory())) == set()
    guarded = hold(plan_of(*removals(5)), limits, Memory())
    assert held(guarded) == {1, 2, 3, 4, 5}
    assert "5 of 100 people, limit 10% and 4," in str(guarded.changes[0].reason)


def test_phone_users_of_nobody_count_and_are_no_people() -> None:
    plan = plan_of(*removals(68), people=59)
    people = {f"e{n}" for n in range(1, 60)}

    guarded = hold(plan, Limits(), Memory(), people.__contains__)

    assert guarded.changes[0].reason == (
        "59 of 59 people and 9 phone users of nobody, limit 10%, would lose a license, package,"
        " number or account; if that is right: `provisioner apply PLAN --allow-removals 68`"
    )


def test_however_many_phone_users_of_nobody_there_are_no_more_people_may_lose_something() -> None:
    """A thousand of nobody must not make it possible to take everybody's phone."""
    people = {f"e{n}" for n in range(1, 41)}
    nobodys = [change(100 + n, "license.remove", f"x{n}") for n in range(1000)]

    guarded = hold(
        plan_of(*removals(5), *nobodys, people=40), Limits(), Memory(), people.__contains__
    )

    assert {1, 2, 3, 4, 5} <= held(guarded)


def test_phone_users_of_nobody_of_the_last_day_count_too() -> None:
    people = {"e1"}
    memory = Memory(lost=frozenset({"x1", "x2", "x3"}))

    guarded = hold(plan_of(*removals(1), people=8), Limits(), memory, people.__contains__)

    assert (
        "1 of 8 people and 3 phone users of nobody (3 of them in the last 24 hours), limit 10%,"
        in str(guarded.changes[0].reason)
    )


def grounds(plan: Plan) -> Grounds:
    return Grounds(
        automatic=frozenset({"safe", "service", "destructive"}),
        holds={c.seq: c.reason or "" for c in plan.changes if c.state == "held"},
    )
