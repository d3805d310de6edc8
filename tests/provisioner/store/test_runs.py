"""Runs, their steps on record, and who may work: one holder at a time, on either database."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from connectors.errors import RunError
from provisioner import who
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.audit import rows
from provisioner.store.database import reading
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def take(engine: Engine, holder: str, minutes: float = 0) -> None:
    with engine.begin() as connection:
        run_store.take_lease(connection, "sync:emea", holder, NOW + minutes * MINUTE, MINUTE)


def test_a_lease_has_one_holder_who_may_prolong_it(engine: Engine) -> None:
    take(engine, "one")
    take(engine, "one", minutes=0.5)

    with pytest.raises(RunError, match=r"sync:emea is being worked on .*one, until 09:01:30 UTC"):
        take(engine, "two", minutes=1)


def test_a_lease_that_lapsed_is_anybodys(engine: Engine) -> None:
    take(engine, "one")
    take(engine, "two", minutes=1)

    with engine.begin() as connection:
        late = NOW + 2 * MINUTE
        assert not run_store.prolong_lease(connection, "sync:emea", "one", late, MINUTE)
        assert run_store.prolong_lease(connection, "sync:emea", "two", late, MINUTE)


def test_a_lease_is_given_back_by_its_holder_alone(engine: Engine) -> None:
    take(engine, "one")
    with engine.begin() as connection:
        run_store.give_back(connection, "sync:emea", "two")
        assert run_store.lease(connection, "sync:emea") == ("one", NOW + MINUTE)
        run_store.give_back(connection, "sync:emea", "one")
        assert run_store.lease(connection, "sync:emea") is None

    take(engine, "two")


def test_of_many_who_come_at_the_same_moment_one_gets_the_lease(engine: Engine) -> None:
    start, got, refused = threading.Barrier(8), list[int](), list[int]()

    def work(number: int) -> None:
        start.wait()
        try:
            take(engine, f"holder {number}")
            got.append(number)
        except RunError:
            refused.append(number)

    threads = [threading.Thread(target=work, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(got), len(refused)) == (1, 7)


def test_a_run_is_listed_with_its_plan_and_how_it_ended(engine: Engine) -> None:
    with engine.begin() as connection:
        plan = plan_store.record(connection, a_plan(change(1), change(2, who="jan")))
        first = run_store.start(connection, "emea", "daemon", None, NOW)
        second = run_store.start(connection, "emea", "apply", plan.id, NOW + MINUTE)
        run_store.end(connection, first, 0, {"states": {"done": 3}}, NOW + MINUTE, plan.id)

    with reading(engine) as connection:
        newest, oldest = run_store.listed(connection)
        assert (newest.id, newest.plan, newest.status) == (second, plan.id, None)
        assert (oldest.plan, oldest.status, oldest.summary) == (plan.id, 0, {"states": {"done": 3}})
        assert (oldest.started_at, oldest.ended_at) == (NOW, NOW + MINUTE)
        (row,) = run_store.plans_listed(connection)
        assert (row.id, row.states) == (plan.id, {"planned": 2})


def test_runs_of_the_same_second_have_ids_of_their_own(engine: Engine) -> None:
    with engine.begin() as connection:
        ids = {run_store.start(connection, "emea", "apply", None, NOW) for _ in range(300)}

    assert len(ids) == 300


def test_every_step_of_a_plan_is_on_record_in_order(engine: Engine) -> None:
    with engine.begin() as connection:
        run = run_store.start(connection, "emea", "apply", None, NOW)
        events = [(n, "sent", {"call": "POST /users"}) for n in range(1, 4)]
        run_store.note(connection, run, "7", events, NOW)
        run_store.note(connection, run, "7", [(2, "failed", {"reason": "no seat"})], NOW)
        run_store.note(connection, run, "7", [], NOW)

    with reading(engine) as connection:
        steps = [row for _, row in rows(connection, run=run)][1:]
    assert [(r.sync, r.plan, r.seq, r.kind) for r in steps] == [
        ("emea", 7, 1, "change.sent"),
        ("emea", 7, 2, "change.sent"),
        ("emea", 7, 3, "change.sent"),
        ("emea", 7, 2, "change.failed"),
    ]
    assert steps[3].detail == '{"reason":"no seat"}'


def test_a_run_is_on_record_with_who_ran_what_and_how_it_ended(engine: Engine) -> None:
    with engine.begin() as connection:
        run = run_store.start(connection, "emea", "apply", "7", NOW)
        run_store.end(connection, run, 5, {"states": {"failed": 1}}, NOW)

    with reading(engine) as connection:
        began, ended = (row for _, row in rows(connection, run=run))
    said = {"command": "apply", "by": who.login(), "version": who.version()}
    assert (began.kind, began.sync, began.plan, json.loads(began.detail)) == (
        *("run.started", "emea", 7),
        said,
    )
    assert (ended.kind, ended.sync, ended.plan) == ("run.ended", "emea", 7)
    assert json.loads(ended.detail) == {"status": 5, "summary": {"states": {"failed": 1}}}


@pytest.mark.parametrize("known_by", ["plan", "run", "audit"])
def test_a_clock_that_was_set_back_is_refused(engine: Engine, known_by: str) -> None:
    with engine.begin() as connection:
        if known_by == "plan":
            plan_store.record(connection, a_plan())
        elif known_by == "run":
            run_store.start(connection, "emea", "apply", None, NOW)
        else:
            run_store.note(connection, "run", "7", [(1, "sent", {})], NOW)

    with reading(engine) as connection:
        run_store.refuse_old_clock(connection, NOW - 4 * MINUTE)  # another machine's
        with pytest.raises(RunError, match="it is 2026-11-23 08:54:00 UTC by this machine's clock"):
            run_store.refuse_old_clock(connection, NOW - 6 * MINUTE)


def test_an_empty_store_minds_no_clock(engine: Engine) -> None:
    with reading(engine) as connection:
        run_store.refuse_old_clock(connection, NOW)


@pytest.mark.parametrize("id", ["run-1", "a\0b", "\ud800", "9" * 40])
def test_an_id_that_was_never_given_is_nobodys_run(engine: Engine, id: str) -> None:
    with reading(engine) as connection, pytest.raises(run_store.NoSuchRun):
        run_store.run_of(connection, id)
