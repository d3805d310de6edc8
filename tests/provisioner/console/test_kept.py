"""Figures that are kept: counted once, and again only for a plan to which something has happened."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from connectors.records import Change, Outcome
from provisioner.console.kept import Kept
from provisioner.plan.model import Plan
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.audit import Entry, append
from provisioner.store.database import reading
from tests.provisioner.store.made import NOW, a_plan, change, store


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with store("sqlite", tmp_path) as engine:
        yield engine


class Counted:
    """Counts states, and notes of which plans."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.kept = Kept(self)

    def __call__(
        self, connection: Connection, numbers: Collection[int]
    ) -> dict[int, dict[str, int]]:
        self.asked.append(sorted(numbers))
        return run_store.states_of(connection, numbers)

    def of(self, engine: Engine, *numbers: int) -> dict[int, dict[str, int]]:
        with reading(engine) as connection:
            return self.kept.of(connection, numbers)


def record(engine: Engine, *changes: Change) -> Plan:
    with engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes))


def test_a_plan_is_counted_once(engine: Engine) -> None:
    record(engine, change(1), change(2))
    counted = Counted()

    assert [counted.of(engine, 1) for _ in range(3)] == [{1: {"planned": 2}}] * 3
    assert counted.asked == [[1]]


def test_a_plan_is_counted_again_when_something_has_happened_to_it(engine: Engine) -> None:
    first, _ = record(engine, change(1)), record(engine, change(1))
    counted = Counted()
    counted.of(engine, 1, 2)

    with engine.begin() as connection:
        decision_store.decide(connection, first, "rejected", "eva", NOW, timedelta(days=1))

    assert counted.of(engine, 1, 2) == {1: {"rejected": 1}, 2: {"planned": 1}}
    assert counted.asked == [[1, 2], [1]]


def test_who_looks_from_an_earlier_moment_neither_spoils_nor_gets_what_is_kept(
    engine: Engine,
) -> None:
    plan = record(engine, change(1))
    counted = Counted()
    with reading(engine) as early:
        assert run_store.states_of(early, [1]) == {1: {"planned": 1}}
        with engine.begin() as connection:
            from provisioner.store import changes as change_store

            change_store.mark(connection, plan, [(change(1), Outcome(1, "done"))], NOW)
            append(connection, [Entry(kind="change.done", plan="1", seq=1)], NOW)
        assert counted.of(engine, 1) == {1: {"done": 1}}

        assert counted.kept.of(early, [1]) == {1: {"planned": 1}}

    assert counted.of(engine, 1) == {1: {"done": 1}}
