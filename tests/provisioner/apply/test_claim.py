"""The claim to work on a sync: one at a time, and a dead one is seen to be dead."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from connectors.errors import RunError
from provisioner.apply import claim as claim_module
from provisioner.apply.claim import LASTS, Claim, is_dead, process_mark
from provisioner.store import runs as run_store
from provisioner.store.database import open_database, reading
from tests.provisioner.apply.world import NOW

NAME = "sync:emea"
SCRIPT = (
    "from provisioner.apply.claim import process_mark; import os; print(process_mark(os.getpid()))"
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path}/store.db")
    yield engine
    engine.dispose()


def take(engine: Engine, minutes: float = 0) -> Claim:
    claim = Claim(engine, NAME, lambda: NOW + timedelta(minutes=minutes))
    with engine.begin() as connection:
        claim.take(connection)
    return claim


def left_behind(engine: Engine, holder: str) -> None:
    with engine.begin() as connection:
        run_store.take_lease(connection, NAME, holder, NOW, LASTS)


def dead_process() -> str:
    """Return the mark of a process of this machine that has ended."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_two_runs_of_one_process_exclude_each_other_too(engine: Engine) -> None:
    take(engine)

    with pytest.raises(RunError, match="sync:emea is being worked on by another process"):
        take(engine)


def test_who_was_killed_on_this_machine_is_followed_at_once(engine: Engine) -> None:
    left_behind(engine, f"{dead_process()}:c0ffee")

    assert take(engine).holder == _lease(engine).holder


def test_who_was_killed_elsewhere_is_waited_for_until_the_claim_lapses(engine: Engine) -> None:
    host, pid, _place, began = dead_process().split(":")
    left_behind(engine, f"{host}:{pid}:elsewhere:{began}:c0ffee")

    with pytest.raises(RunError, match=r"until 09:01:00 UTC"):
        take(engine)
    take(engine, minutes=1)


def test_a_process_that_only_has_the_number_of_a_dead_one_is_another(engine: Engine) -> None:
    host, pid, place, _began = process_mark(os.getpid()).split(":")
    left_behind(engine, f"{host}:{pid}:{place}:1:c0ffee")

    assert take(engine).holder == _lease(engine).holder


def test_the_living_and_the_unknown_are_not_taken_for_dead() -> None:
    assert not is_dead(f"{process_mark(os.getpid())}:c0ffee")
    assert not is_dead("demo:17")
    assert not is_dead("")


def test_where_the_system_tells_nothing_nobody_is_taken_for_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mark = dead_process()
    assert is_dead(f"{mark}:c0ffee")
    monkeypatch.setattr(claim_module, "_place", lambda: "")

    assert not is_dead(f"{mark}:c0ffee")


def test_a_claim_is_held_for_longer_whenever_something_is_sent(engine: Engine) -> None:
    claim = take(engine)
    claim._now = lambda: NOW + timedelta(seconds=50)
    with engine.begin() as connection:
        claim.hold(connection)

    with pytest.raises(RunError, match="until 09:01:50"):
        take(engine, minutes=1)


def test_a_claim_that_lapsed_and_was_taken_is_lost(engine: Engine) -> None:
    slow = take(engine)
    take(engine, minutes=2)

    with engine.begin() as connection, pytest.raises(RunError, match="nothing more was sent"):
        slow.hold(connection)


def test_a_claim_lives_on_while_a_call_takes_long(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_module, "_BEAT_S", 0.001)
    claim = take(engine)
    later = NOW + timedelta(seconds=45)
    claim._now = lambda: later

    with claim.kept():
        while _lease(engine).until != later + LASTS:
            pass

    with engine.begin() as connection:
        claim.give_back(connection)
    assert take(engine).holder == _lease(engine).holder


def _lease(engine: Engine) -> run_store.LeaseRow:
    with reading(engine) as connection:
        row = run_store.lease(connection, NAME)
    assert row is not None
    return row
