"""What a run did: what it was the last to send, and what came of that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from connectors.errors import RunError
from connectors.records import Change, State
from provisioner.plan.model import Cluster, Plan
from provisioner.store import carried_out
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.store.tables import changes as table
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def record(engine: Engine, *changes: Change) -> Plan:
    clusters = (Cluster("c1", "joined group Sales (hr)", 1, "safe"),)
    with engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes, clusters=clusters))


def run(
    engine: Engine,
    plan: Plan | None,
    *events: tuple[int, str],
    at: datetime = NOW,
    command: str = "apply",
    lasts: timedelta | None = MINUTE,
) -> str:
    """Note a run with these events in the journal, by seq."""
    with engine.begin() as connection:
        id = None if plan is None else plan.id
        made = run_store.start(connection, "emea", command, id, at)
        if plan is not None:
            noted = [(seq, event, dict[str, str]()) for seq, event in events]
            run_store.note(connection, made, plan.id, noted, at)
        if lasts is not None:
            run_store.end(connection, made, 0, {}, at + lasts)
    return made


def now_is(engine: Engine, plan: Plan, *states: State) -> None:
    """Set what became of a plan's changes, by seq."""
    with engine.begin() as connection:
        for seq, state in enumerate(states, start=1):
            where = (table.c.plan == int(plan.id)) & (table.c.seq == seq)
            connection.execute(update(table).where(where).values(state=state, phone_id=f"id-{seq}"))


def sent_by(engine: Engine, given: str) -> list[tuple[int, str]]:
    """Return what a run sent and what it is now, by seq."""
    with reading(engine) as connection:
        found = carried_out.sent_by(connection, carried_out.run_called(connection, given))
    return [(done.change.seq, done.change.state) for done in found]


def called(engine: Engine, given: str) -> str:
    """Return the id of the run that is meant."""
    with reading(engine) as connection:
        return carried_out.run_called(connection, given).id


def test_a_run_did_what_it_sent_and_what_is_carried_out_or_in_doubt(engine: Engine) -> None:
    plan = record(engine, *(change(n, who=f"u{n}") for n in range(1, 7)))
    did = run(engine, plan, *((n, "sent") for n in range(1, 6)))
    now_is(engine, plan, "done", "settling", "sent", "failed", "stale", "done")

    assert sent_by(engine, did) == [(1, "done"), (2, "settling"), (3, "sent")]


def test_what_was_so_already_is_nobodys_doing(engine: Engine) -> None:
    plan = record(engine, change(1))
    did = run(engine, plan, (1, "done"))
    now_is(engine, plan, "done")

    assert sent_by(engine, did) == []


def test_what_a_later_run_sent_again_is_its_doing(engine: Engine) -> None:
    plan = record(engine, change(1), change(2, who="jan"))
    first = run(engine, plan, (1, "sent"), (2, "sent"), (2, "unsent"))
    second = run(engine, plan, (2, "sent"), at=NOW + MINUTE)
    now_is(engine, plan, "done", "done")

    assert (sent_by(engine, first), sent_by(engine, second)) == ([(1, "done")], [(2, "done")])


def test_what_was_read_back_as_not_done_is_nobodys_doing(engine: Engine) -> None:
    plan = record(engine, change(1))
    first = run(engine, plan, (1, "sent"))
    run(engine, plan, (1, "unsent"), (1, "done"), at=NOW + MINUTE)
    now_is(engine, plan, "done")

    assert sent_by(engine, first) == []


def test_a_manual_step_that_was_ticked_off_belongs_to_its_plans_run(engine: Engine) -> None:
    plan = record(engine, change(1, "user.trash", state="manual"))
    did = run(engine, plan)
    assert sent_by(engine, did) == []

    now_is(engine, plan, "done")

    assert sent_by(engine, did) == [(1, "done")]


def test_a_change_comes_with_its_cluster_and_the_id_that_it_made(engine: Engine) -> None:
    plan = record(engine, change(1, cluster="c1", id=None))
    did = run(engine, plan, (1, "sent"))
    now_is(engine, plan, "done")

    with reading(engine) as connection:
        (found,) = carried_out.sent_by(connection, carried_out.run_called(connection, did))

    assert (found.plan, found.title) == (plan.id, "joined group Sales (hr)")
    assert found.change.id == "id-1"


def test_a_daemons_run_means_the_part_that_carried_out_its_plan(engine: Engine) -> None:
    plan = record(engine, change(1))
    whole = run(engine, plan, command="daemon", lasts=3 * MINUTE)
    part = run(engine, plan, (1, "sent"), at=NOW + MINUTE)
    run(engine, plan, at=NOW + 10 * MINUTE)
    now_is(engine, plan, "done")

    assert called(engine, whole) == part
    assert sent_by(engine, whole) == [(1, "done")]


def test_a_daemons_run_that_came_to_no_plan_did_nothing(engine: Engine) -> None:
    assert sent_by(engine, run(engine, None, command="daemon")) == []


def test_a_plan_stands_for_the_one_run_that_did_anything(engine: Engine) -> None:
    plan = record(engine, change(1), change(2, "user.trash", who="jan", state="manual"))
    did = run(engine, plan, (1, "sent"))
    run(engine, plan, at=NOW + MINUTE)
    now_is(engine, plan, "done", "done")

    assert called(engine, plan.id) == did


def test_a_plan_that_two_runs_carried_out_stands_for_none(engine: Engine) -> None:
    plan = record(engine, change(1), change(2, who="jan"))
    first = run(engine, plan, (1, "sent"))
    second = run(engine, plan, (2, "sent"), at=NOW + MINUTE)
    now_is(engine, plan, "done", "done")

    with pytest.raises(RunError, match=f"several runs: {first}, {second}"):
        called(engine, plan.id)


def test_an_unknown_run_and_a_plan_that_was_never_applied_are_refused(engine: Engine) -> None:
    plan = record(engine, change(1))

    with pytest.raises(RunError, match="no run 'x'"):
        called(engine, "x")
    with pytest.raises(RunError, match=f"plan {plan.id} was never applied"):
        called(engine, plan.id)
