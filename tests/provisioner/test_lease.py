"""The right to keep a store's schedule: one daemon has it, and a dead one loses it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from connectors.errors import RunError
from provisioner.lease import LASTS, PROLONG_S, Lease
from provisioner.store.database import StoreError, open_database


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'store.db'}")
    yield engine
    engine.dispose()


def nobody(holder: str) -> None:
    raise AssertionError(f"nobody should wait for {holder}")


def test_a_free_schedule_is_had_at_once(engine: Engine) -> None:
    clock = Clock()
    lease = Lease(engine, clock)

    assert not lease.held
    lease.acquire(clock.sleep, nobody)

    assert lease.held


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_a_daemon_that_is_seen_to_be_dead_is_not_waited_for(engine: Engine) -> None:
    clock = Clock()
    program = (
        "from datetime import UTC, datetime\n"
        "from provisioner.lease import Lease\n"
        "from provisioner.store.database import open_database\n"
        f"engine = open_database({engine.url.render_as_string()!r})\n"
        "Lease(engine, lambda: datetime(2026, 3, 1, tzinfo=UTC)).prolong()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    lease = Lease(engine, clock)

    lease.acquire(clock.sleep, nobody)

    assert lease.held
    assert clock.now == Clock().now


def test_a_killed_daemons_schedule_is_had_when_its_lease_lapses(engine: Engine) -> None:
    clock, waited = Clock(), list[str]()
    Lease(engine, clock).prolong()
    began = clock.now
    lease = Lease(engine, clock)

    lease.acquire(clock.sleep, waited.append)

    assert lease.held
    assert LASTS <= clock.now - began <= LASTS + timedelta(seconds=1)
    assert len(waited) == 1


def test_a_daemon_beside_a_living_one_is_refused_with_the_others_name(engine: Engine) -> None:
    clock = Clock()
    other, lease = Lease(engine, clock), Lease(engine, clock)
    other.prolong()
    began = clock.now

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if (clock.now - began).total_seconds() % PROLONG_S == 0:
            other.prolong()

    with pytest.raises(RunError, match=r"another daemon .* keeps the schedule"):
        lease.acquire(sleep, lambda _: None)

    assert not lease.held
    assert other.held


def test_a_daemon_that_stopped_leaves_the_schedule_to_the_next_at_once(engine: Engine) -> None:
    clock = Clock()
    first, second = Lease(engine, clock), Lease(engine, clock)
    first.prolong()
    first.give_back()

    second.acquire(clock.sleep, nobody)
    first.give_back()

    assert second.held
    with pytest.raises(RunError):
        first.prolong()


def test_a_lease_that_was_not_prolonged_in_time_is_not_held(engine: Engine) -> None:
    clock = Clock()
    lease = Lease(engine, clock)
    lease.prolong()
    clock.sleep(LASTS.total_seconds())

    assert not lease.held


def test_a_store_that_fails_is_not_taken_for_another_daemon(engine: Engine) -> None:
    clock = Clock()
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE leases RENAME COLUMN until TO ends"))

    with pytest.raises(StoreError):
        Lease(engine, clock).acquire(clock.sleep, nobody)
