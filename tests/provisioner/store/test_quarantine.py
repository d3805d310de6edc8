"""Quarantine in the store: it grows from run to run, ends by itself, and is forgotten after a success."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from provisioner.store import quarantine
from provisioner.store.database import reading
from provisioner.store.quarantine import Parked, Quarantined
from tests.provisioner.store.made import KINDS, NOW, change, store

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def park(engine: Engine, run: str, *who: str, at: datetime = NOW, reason: str = "no seat") -> None:
    refused = [(change(n, who=name), reason) for n, name in enumerate(who, start=1)]
    with engine.begin() as connection:
        quarantine.park(connection, "emea", run, "7", refused, at)


def parked(engine: Engine, at: datetime = NOW) -> list[Parked]:
    with reading(engine) as connection:
        return quarantine.parked_people(connection, ["emea"], at)


def test_who_was_refused_is_parked_with_the_reason_and_the_change(engine: Engine) -> None:
    park(engine, "run-1", "jan", "eva")

    eva, jan = parked(engine)
    assert eva == Parked(
        *("emea", "eva", "eva@example.org", 1, NOW, NOW + 5 * MINUTE, "no seat", "7", 2)
    )
    assert jan.key == "jan"
    with reading(engine) as connection:
        assert quarantine.parked_people(connection, ["apac"], NOW) == []


def test_the_time_doubles_with_each_run_that_fails_and_ends_at_a_day(engine: Engine) -> None:
    at, waits = NOW, list[timedelta]()
    for run in range(11):
        park(engine, f"run-{run}", "eva", at=at, reason=f"no seat, run {run}")
        (eva,) = parked(engine, at)
        waits.append(eva.until - at)
        at = eva.until

    assert [wait / MINUTE for wait in waits[:4]] == [5, 10, 20, 40]
    assert waits[-1] == timedelta(days=1)
    assert (eva.failures, eva.since, eva.reason) == (11, NOW, "no seat, run 10")


def test_one_run_counts_once_however_many_changes_fail(engine: Engine) -> None:
    park(engine, "run-1", "eva", "eva")
    park(engine, "run-1", "eva")

    assert [one.failures for one in parked(engine)] == [1]


def test_who_rested_long_enough_is_parked_no_longer_but_not_forgotten(engine: Engine) -> None:
    park(engine, "run-1", "eva")

    assert parked(engine, NOW + 5 * MINUTE) == []
    park(engine, "run-2", "eva", at=NOW + 6 * MINUTE)
    assert [one.failures for one in parked(engine, NOW + 6 * MINUTE)] == [2]


def test_after_a_success_it_begins_anew(engine: Engine) -> None:
    park(engine, "run-1", "eva", "jan")
    with engine.begin() as connection:
        quarantine.free(connection, "emea", ["eva"])
    assert [one.key for one in parked(engine)] == ["jan"]

    park(engine, "run-2", "eva")

    assert [one.failures for one in parked(engine)] == [1, 1]


def test_who_has_not_been_tried_for_a_week_is_forgotten(engine: Engine) -> None:
    park(engine, "run-1", "eva")
    later = NOW + timedelta(days=8)
    park(engine, "run-2", "jan", at=later)

    park(engine, "run-3", "eva", at=later)

    assert [one.failures for one in parked(engine, later)] == [1, 1]


def test_a_sync_is_slowed_down_for_longer_each_time(engine: Engine) -> None:
    with engine.begin() as connection:
        first = quarantine.slow_down(connection, "emea", "run-1", "7 of 10 calls failed", NOW)
        second = quarantine.slow_down(connection, "emea", "run-2", "8 of 10 calls failed", first)
    with reading(engine) as connection:
        known = quarantine.quarantined(connection, ["emea", "apac"], first)
        over = quarantine.quarantined(connection, ["emea"], second)

    assert (first - NOW, second - first) == (5 * MINUTE, 10 * MINUTE)
    assert known == [Quarantined("emea", 2, NOW, second, "8 of 10 calls failed", "run-2")]
    assert over == []


def test_a_sync_that_is_let_go_begins_anew(engine: Engine) -> None:
    with engine.begin() as connection:
        quarantine.slow_down(connection, "emea", "run-1", "7 of 10 calls failed", NOW)
        assert quarantine.let_go(connection, "emea")
        assert not quarantine.let_go(connection, "emea")
        until = quarantine.slow_down(connection, "emea", "run-2", "7 of 10 calls failed", NOW)

    assert until == NOW + 5 * MINUTE
