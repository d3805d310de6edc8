"""How a plan stands by what was decided, and who reviewed it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.records import Change, Outcome
from provisioner.plan.model import Decided, Plan
from provisioner.store import changes as change_store
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.store.reviews import SECOND, with_decisions
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

WEEK = timedelta(days=7)
TWO = {"destructive"}
RISKY: dict[str, Any] = {"risk": "destructive"}


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def record(engine: Engine, *changes: Change) -> Plan:
    with engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes), second=TWO)


def decide(engine: Engine, plan: Plan, decision: Any, by: str, *seqs: int) -> None:
    with engine.begin() as connection:
        now = plan_store.load(connection, plan.id)
        given: dict[str, Any] = {
            "seqs": set(seqs) or None,
            "second": TWO,
            "only": [f"p{n}" for n in seqs],
        }
        decision_store.decide(connection, now, decision, by, NOW, WEEK, **given)


def shown(engine: Engine, plan: Plan, after: timedelta = timedelta(0)) -> Plan:
    with reading(engine) as connection:
        return with_decisions(connection, plan_store.load(connection, plan.id), TWO, NOW + after)


def test_changes_that_were_decided_alike_stand_together(engine: Engine) -> None:
    plan = record(
        engine,
        change(1, who="a", **RISKY),
        change(2, who="b"),
        change(3, who="c", **RISKY),
        change(4, who="d"),
        change(5, who="e"),
    )
    decide(engine, plan, "approved", "eva", 1, 2, 3)
    decide(engine, plan, "rejected", "jan", 4)

    assert shown(engine, plan).decisions == (
        Decided(decision="approved", by=("eva",), until=NOW + WEEK, lacks=SECOND, seqs=(1, 3)),
        Decided(decision="approved", by=("eva",), until=NOW + WEEK, seqs=(2,)),
        Decided(decision="rejected", by=("jan",), until=NOW + WEEK, seqs=(4,)),
    )


def test_what_lacks_a_second_approver_says_so_and_is_planned(engine: Engine) -> None:
    plan = record(engine, change(1, **RISKY))
    decide(engine, plan, "approved", "eva")

    (half,) = shown(engine, plan).changes
    assert (half.state, half.reason) == ("planned", "approved by eva; waits for a second approver")
    decide(engine, plan, "approved", "jan")
    (whole,) = shown(engine, plan).changes
    assert (whole.state, whole.reason) == ("approved", None)


def test_an_approval_that_ended_says_when(engine: Engine) -> None:
    plan = record(engine, change(1))
    decide(engine, plan, "approved", "eva")

    late = shown(engine, plan, WEEK)

    assert late.changes[0].state == "planned"
    assert "approval by eva ended on 2026-11-30T09:00:00Z" in str(late.changes[0].reason)
    assert late.decisions[0].decision == "expired"


def test_an_older_plan_shows_what_was_decided_on_a_newer_one(engine: Engine) -> None:
    old, new = record(engine, change(1)), record(engine, change(4))
    decide(engine, new, "approved", "eva")

    assert shown(engine, old).changes[0].state == "approved"


def test_what_is_held_stays_held_however_it_is_decided(engine: Engine) -> None:
    plan = record(engine, change(1, state="held", reason="212 people"))
    decide(engine, plan, "approved", "eva")

    held = shown(engine, plan)
    assert (held.changes[0].state, held.changes[0].reason) == ("held", "212 people")
    assert held.decisions[0].seqs == (1,)


def test_what_is_done_needs_no_decision_any_more(engine: Engine) -> None:
    plan = record(engine, change(1))
    decide(engine, plan, "approved", "eva")
    with engine.begin() as connection:
        change_store.mark(connection, plan, [(plan.changes[0], Outcome(1, "done"))], NOW)

    done = shown(engine, plan)
    assert done.changes[0].state == "done"
    assert done.decisions == ()


def test_an_approval_that_another_plan_used_up_counts_no_more(engine: Engine) -> None:
    old, new = record(engine, change(1)), record(engine, change(4))
    decide(engine, old, "approved", "eva")
    with engine.begin() as connection:
        change_store.mark(connection, new, [(new.changes[0], Outcome(4, "done"))], NOW)

    assert shown(engine, old).changes[0].state == "planned"


def test_the_history_keeps_every_review_and_counts_what_lacks_a_second(engine: Engine) -> None:
    plan = record(engine, change(1, who="p1", **RISKY), change(2, who="p2", **RISKY), change(3))
    decide(engine, plan, "approved", "eva")
    decide(engine, plan, "approved", "jan", 1)
    decide(engine, plan, "rejected", "zoe", 3)

    with reading(engine) as connection:
        second = {"emea": TWO}
        (row,) = run_store.plans_listed(connection, second=second, now=NOW)
        (later,) = run_store.plans_listed(connection, second=second, now=NOW + WEEK)

    assert [(r.decision, r.by, r.only, r.changes) for r in row.reviews] == [
        ("approved", "eva", (), 3),
        ("approved", "jan", ("p1",), 1),
        ("rejected", "zoe", ("p3",), 1),
    ]
    assert row.reviews[0].until == NOW + WEEK
    assert (row.lacking, later.lacking) == (1, 0)


def test_where_one_is_enough_nothing_lacks_a_second(engine: Engine) -> None:
    plan = record(engine, change(1, **RISKY))
    with engine.begin() as connection:
        decision_store.decide(connection, plan, "approved", "eva", NOW, WEEK)

    with reading(engine) as connection:
        assert run_store.plans_listed(connection, second={"emea": set()}, now=NOW)[0].lacking == 0
