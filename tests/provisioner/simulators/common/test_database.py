"""A simulator's database: whole transactions or none, parts that are taken back, ids that repeat a history."""

from __future__ import annotations

import sqlite3

import pytest

from provisioner.simulators.common.database import Database

SCHEMA = "CREATE TABLE things (name TEXT PRIMARY KEY);"


@pytest.fixture
def state() -> Database:
    return Database(":memory:", SCHEMA, lambda *parts: "-".join(map(str, parts)))


def names(state: Database) -> list[str]:
    with state.transaction():
        return [row["name"] for row in state.rows("SELECT name FROM things ORDER BY name")]


def add(state: Database, name: str) -> None:
    state.run("INSERT INTO things VALUES (?)", name)


def add_twice(state: Database, name: str) -> None:
    add(state, name)
    add(state, name)


def test_what_raises_takes_back_its_whole_transaction(state: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError), state.transaction():
        add_twice(state, "a")

    assert names(state) == []


def test_a_part_that_raises_takes_back_itself_alone(state: Database) -> None:
    with state.transaction():
        add(state, "a")
        with pytest.raises(sqlite3.IntegrityError), state.part():
            add_twice(state, "b")
        add(state, "c")

    assert names(state) == ["a", "c"]


def test_the_same_history_gives_the_same_ids(state: Database) -> None:
    other = Database(":memory:", SCHEMA, lambda *parts: "-".join(map(str, parts)))

    def made(state: Database) -> list[str]:
        with state.transaction():
            return [state.fresh_id("user"), state.fresh_id("room")]

    assert made(state) == made(other) == ["fresh-user-1", "fresh-room-2"]


def test_a_setting_is_what_it_was_set_to_last(state: Database) -> None:
    with state.transaction():
        assert state.setting("plan") is None
        state.set("plan", "pro")
        state.set("plan", "business")
        assert state.setting("plan") == "business"
