"""Decisions are about content: they carry over, expire, and are used up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.records import Change, Outcome
from provisioner.plan.model import Plan
from provisioner.store import changes as change_store
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store.database import reading
from provisioner.store.decisions import Decision
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

WEEK = timedelta(days=7)
TWO = {"destructive"}
RISKY: dict[str, Any] = {"risk": "destructive"}
HELD: dict[str, Any] = {"state": "held", "reason": "212 people"}


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def record(engine: Engine, *changes: Change, **members: Any) -> Plan:
    with engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes, **members))


def decide(engine: Engine, plan: Plan, decision: Decision = "approved") -> int:
    with engine.begin() as connection:
        now = plan_store.load(connection, plan.id)
        return decision_store.decide(connection, now, decision, "eva", NOW, WEEK)


def states(engine: Engine, plan: Plan) -> list[str]:
    with reading(engine) as connection:
        return [change.state for change in plan_store.load(connection, plan.id).changes]


def approve(engine: Engine, plan: Plan, by: str, after: timedelta = timedelta(0)) -> None:
    """Approve by somebody, where destructive changes take two."""
    with engine.begin() as connection:
        now = plan_store.load(connection, plan.id)
        decision_store.decide(connection, now, "approved", by, NOW + after, WEEK, second=TWO)


def live(engine: Engine, plan: Plan, after: timedelta = timedelta(0)) -> dict[int, Decision]:
    with reading(engine) as connection:
        return decision_store.live_decisions(connection, plan, NOW + after)


def test_a_sync_is_adopted_once_somebody_said_so(engine: Engine) -> None:
    with engine.begin() as connection:
        assert not decision_store.is_adopted(connection, "emea")
        decision_store.adopt(connection, "emea", "eva", NOW)
        decision_store.adopt(connection, "emea", "jan", NOW)

        assert decision_store.is_adopted(connection, "emea")
        assert not decision_store.is_adopted(connection, "apac")


def test_a_decision_marks_what_is_open_and_leaves_held_changes_held(engine: Engine) -> None:
    plan = record(engine, change(1), change(2, who="jan", **HELD), change(3, who="zoe"))
    with engine.begin() as connection:
        change_store.mark(connection, plan, [(plan.changes[2], Outcome(3, "done"))], NOW)

    assert decide(engine, plan) == 2
    assert states(engine, plan) == ["approved", "held", "done"]
    assert live(engine, plan) == {1: "approved", 2: "approved"}


def test_somebody_may_change_their_mind(engine: Engine) -> None:
    plan = record(engine, change(1))

    decide(engine, plan, "rejected")
    assert states(engine, plan) == ["rejected"]
    with reading(engine) as connection:
        assert plan_store.rejected_at(connection, plan) == NOW

    decide(engine, plan, "approved")
    assert states(engine, plan) == ["approved"]
    assert live(engine, plan) == {1: "approved"}
    with reading(engine) as connection:
        assert plan_store.rejected_at(connection, plan) is None


def test_a_newer_plan_carries_decisions_over_for_what_is_the_same(engine: Engine) -> None:
    decide(engine, record(engine, change(1), change(2, who="jan")), "approved")

    newer = record(engine, change(5), change(6, who="jan", after="gold"), change(7, who="zoe"))

    assert states(engine, newer) == ["approved", "planned", "planned"]


@pytest.mark.parametrize(
    "members",
    [{"after": "gold"}, {"before": "gold"}, {"key": "JAN"}, {"consequences": ("more",)}],
)
def test_whatever_differs_asks_again(engine: Engine, members: dict[str, Any]) -> None:
    decide(engine, record(engine, change(1)))

    assert states(engine, record(engine, change(1, **members))) == ["planned"]


def test_a_decision_about_one_plan_holds_for_every_plan_with_the_same_change(
    engine: Engine,
) -> None:
    old, new = record(engine, change(1)), record(engine, change(9))

    decide(engine, old, "rejected")

    assert live(engine, new) == {9: "rejected"}


def test_a_decision_expires(engine: Engine) -> None:
    plan = record(engine, change(1))
    decide(engine, plan)

    assert live(engine, plan, WEEK - timedelta(seconds=1)) == {1: "approved"}
    assert live(engine, plan, WEEK) == {}
    assert states(engine, record(engine, change(1), created_at=NOW + WEEK)) == ["planned"]


def test_a_decision_of_another_sync_says_nothing(engine: Engine) -> None:
    decide(engine, record(engine, change(1)))

    assert states(engine, record(engine, change(1), sync="apac")) == ["planned"]


def test_a_decision_about_some_changes_says_nothing_of_the_others(engine: Engine) -> None:
    plan = record(engine, *(change(n, who=f"p{n}") for n in range(1, 4)))
    with engine.begin() as connection:
        only: dict[str, Any] = {"seqs": {1, 3}, "only": ["p1", "p3"]}
        count = decision_store.decide(connection, plan, "approved", "eva", NOW, WEEK, **only)

    assert count == 2

    assert states(engine, plan) == ["approved", "planned", "approved"]
    assert live(engine, plan) == {1: "approved", 3: "approved"}


def test_a_partial_approval_lifts_the_rejection_of_the_plan_and_of_that_part_alone(
    engine: Engine,
) -> None:
    plan = record(engine, change(1), change(2, who="jan"))
    decide(engine, plan, "rejected")
    with engine.begin() as connection:
        now = plan_store.load(connection, plan.id)
        decision_store.decide(connection, now, "approved", "eva", NOW, WEEK, seqs={1})

    assert live(engine, plan) == {1: "approved", 2: "rejected"}
    with reading(engine) as connection:
        assert plan_store.rejected_at(connection, plan) is None


def test_two_people_approve_what_takes_two(engine: Engine) -> None:
    plan = record(engine, change(1, **RISKY), change(2, who="jan"))

    approve(engine, plan, "eva")
    assert states(engine, plan) == ["planned", "approved"]
    assert strict(engine, plan) == {2: "approved"}
    approve(engine, plan, "EVA")
    assert strict(engine, plan) == {2: "approved"}, "nobody counts for two"
    approve(engine, plan, "jan")

    assert states(engine, plan) == ["approved", "approved"]
    assert strict(engine, plan) == {1: "approved", 2: "approved"}


def strict(engine: Engine, plan: Plan, after: timedelta = timedelta(0)) -> dict[int, Decision]:
    with reading(engine) as connection:
        return decision_store.live_decisions(connection, plan, NOW + after, TWO)


def test_of_two_approvals_the_earlier_end_counts(engine: Engine) -> None:
    plan = record(engine, change(1, **RISKY))
    approve(engine, plan, "eva")
    approve(engine, plan, "jan", timedelta(days=3))

    assert strict(engine, plan, WEEK - timedelta(seconds=1)) == {1: "approved"}
    assert strict(engine, plan, WEEK) == {}
    approve(engine, plan, "eva", WEEK)
    assert strict(engine, plan, WEEK) == {1: "approved"}, "jan's still holds"


def test_one_approval_carries_over_as_one(engine: Engine) -> None:
    approve(engine, record(engine, change(1, **RISKY)), "eva")
    with engine.begin() as connection:
        newer = plan_store.record(connection, a_plan(change(9, **RISKY)), second=TWO)

    assert states(engine, newer) == ["planned"]
    approve(engine, newer, "jan")
    assert strict(engine, newer) == {9: "approved"}


def test_very_many_changes_are_decided_in_part(engine: Engine) -> None:
    plan = record(engine, *(change(n, who=f"p{n}", **RISKY) for n in range(1, 1302)))
    with engine.begin() as connection:
        seqs = set(range(1, 1300))
        decision_store.decide(connection, plan, "approved", "eva", NOW, WEEK, seqs=seqs, second=TWO)
        decision_store.decide(connection, plan, "approved", "jan", NOW, WEEK, seqs=seqs, second=TWO)

    assert len(strict(engine, plan)) == 1299
    assert states(engine, plan)[-3:] == ["approved", "planned", "planned"]


def test_a_decision_is_used_up_when_its_change_is_done(engine: Engine) -> None:
    plan = record(engine, change(1), change(2, who="jan"))
    decide(engine, plan)
    with engine.begin() as connection:
        outcomes = [(plan.changes[0], Outcome(1, "done")), (plan.changes[1], Outcome(2, "failed"))]
        change_store.mark(connection, plan, outcomes, NOW)

    again = record(engine, change(1), change(2, who="jan"))

    assert states(engine, again) == ["planned", "approved"]
