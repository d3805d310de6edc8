"""How far a change has come: sent, settled, or put back to what was decided of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.records import Change, Outcome
from provisioner.memory import Binding
from provisioner.plan.model import Plan
from provisioner.store import changes as change_store
from provisioner.store import decisions as decision_store
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store.changes import Open
from provisioner.store.database import reading
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

HELD: dict[str, Any] = {"state": "held", "reason": "212 people; `--allow-removals 212`"}


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def record(engine: Engine, *changes: Change, **members: Any) -> Plan:
    with engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes, **members))


def load(engine: Engine, plan: Plan) -> list[Change]:
    with reading(engine) as connection:
        return list(plan_store.load(connection, plan.id).changes)


def test_a_sent_change_without_an_outcome_is_open_and_the_oldest_plan_comes_first(
    engine: Engine,
) -> None:
    plans = [
        record(engine, change(1), change(2, who="jan"), change(3, who="zoe")) for _ in range(11)
    ]
    with engine.begin() as connection:
        for plan in (plans[10], plans[1]):
            change_store.mark_sent(connection, plan, [2, 1], "run 1", NOW)
        change_store.mark(
            connection, plans[1], [(plans[1].changes[0], Outcome(1, "settling"))], NOW
        )
        change_store.mark(connection, plans[1], [(plans[1].changes[2], Outcome(3, "done"))], NOW)

    with reading(engine) as connection:
        assert change_store.open_changes(connection, "emea") == [
            Open("2", 1, "eva", "settling", NOW, "run 1"),
            Open("2", 2, "jan", "sent", NOW, "run 1"),
            Open("11", 1, "eva", "sent", NOW, "run 1"),
            Open("11", 2, "jan", "sent", NOW, "run 1"),
        ]
        assert change_store.open_changes(connection, "apac") == []


def test_an_outcome_has_state_reason_and_the_id_of_a_new_account(engine: Engine) -> None:
    plan = record(engine, change(1, "user.create", id=None), change(2), change(3))
    outcomes = [
        Outcome(1, "done", None, "p-7"),
        Outcome(2, "failed", "no seat"),
        Outcome(3, "done"),
    ]
    with engine.begin() as connection:
        change_store.mark_sent(connection, plan, [1, 2, 3], "run 1", NOW)
        change_store.mark(connection, plan, list(zip(plan.changes, outcomes, strict=True)), NOW)

    assert [(c.state, c.reason, c.id) for c in load(engine, plan)] == [
        ("done", None, "p-7"),
        ("failed", "no seat", "p-eva"),
        ("done", None, "p-eva"),
    ]


def test_what_was_not_sent_after_all_waits_as_it_did_before(engine: Engine) -> None:
    plan = record(engine, change(1), change(2, who="jan"), change(3, who="zoe", **HELD))
    with engine.begin() as connection:
        one = a_plan(plan.changes[0], id=plan.id)
        decision_store.decide(connection, one, "approved", "eva", NOW, timedelta(days=1))
        change_store.mark_sent(connection, plan, [1, 2, 3], "run 1", NOW)
        change_store.mark_unsent(connection, plan, [1, 3], NOW)

    assert [(c.state, c.reason) for c in load(engine, plan)] == [
        ("approved", None),
        ("sent", None),
        ("held", HELD["reason"]),
    ]


def test_a_change_that_was_held_is_known_as_such_whatever_became_of_it(engine: Engine) -> None:
    plan = record(engine, change(1), change(2, who="jan", **HELD))
    with engine.begin() as connection:
        change_store.mark(connection, plan, [(plan.changes[1], Outcome(2, "failed", "busy"))], NOW)

    with reading(engine) as connection:
        assert change_store.held_for(connection, plan) == {2: HELD["reason"]}


def test_the_ids_of_the_bound_are_found_by_key(engine: Engine) -> None:
    with engine.begin() as connection:
        for sync, key in (("emea", "eva"), ("emea", "jan"), ("apac", "zoe")):
            people_store.bind(connection, sync, Binding(key, f"p-{key}"))

    with reading(engine) as connection:
        found = change_store.bound_ids(connection, "emea", ["eva", "zoe", "nobody"])

    assert found == {"eva": "p-eva"}
