"""Figures for whoever watches: the last run that ended, the newest full plan, and what waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.store.direct import Direct
from provisioner.store.figures import LastRun, Waiting, last_runs, newest_states, waiting_pushes
from provisioner.store.moments import written
from provisioner.store.scim_dirty import mark
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def test_an_empty_store_has_no_figures(engine: Engine) -> None:
    with reading(engine) as connection:
        assert (last_runs(connection), newest_states(connection)) == ({}, {})
        assert waiting_pushes(connection) == {}


def test_the_last_run_of_a_sync_is_the_one_that_ended_last(engine: Engine) -> None:
    with engine.begin() as connection:
        for number, (sync, status) in enumerate([("emea", 0), ("apac", 4), ("emea", 3)]):
            run = run_store.start(connection, sync, "daemon", None, NOW + number * MINUTE)
            run_store.end(connection, run, status, {}, NOW + number * MINUTE)
        run_store.start(connection, "emea", "daemon", None, NOW + 9 * MINUTE)  # still at work

    with reading(engine) as connection:
        assert last_runs(connection) == {
            "emea": LastRun(NOW + 2 * MINUTE, 3),
            "apac": LastRun(NOW + MINUTE, 4),
        }


def test_states_are_those_of_the_newest_full_plan(engine: Engine) -> None:
    with engine.begin() as connection:
        plan_store.record(connection, a_plan(change(1)))
        held = change(3, state="held", reason="212 people")
        plan_store.record(connection, a_plan(change(1), change(2, who="jan"), held))
        plan_store.record(connection, a_plan(change(1), scope="users"))
        plan_store.record(connection, a_plan(sync="apac"))

    with reading(engine) as connection:
        assert newest_states(connection) == {"emea": {"planned": 2, "held": 1}, "apac": {}}


def test_whoever_changed_twice_waits_once(engine: Engine) -> None:
    direct = Direct(engine)
    for second, user in enumerate(["eva", "jan", "eva"]):
        at = written(NOW + timedelta(seconds=second))
        direct.write(lambda s, user=user, at=at: mark(s, "emea", user, ["x"], at))  # type: ignore[misc]
    direct.close()

    with reading(engine) as connection:
        assert waiting_pushes(connection) == {"emea": Waiting(2, NOW)}
