"""Snapshot lines that a simulator begins with: all of them, or none and the line that is wrong."""

from __future__ import annotations

import sqlite3

import pytest

from provisioner.simulators.common.database import Database
from provisioner.simulators.common.lines import Catalog, Line, Loaded, SnapshotError, load

ONCE = {"people.id": "another line has this id"}


class People:
    """Keeps the ids of lines."""

    def __init__(self, state: Database) -> None:
        self.state, self.sites, self.count = state, 0, 0

    def take_catalog(self, catalog: Catalog) -> None:
        self.sites = len(catalog.sites or ())

    def take(self, line: Line) -> None:
        self.state.run("INSERT INTO people VALUES (?)", line.id)
        self.count += 1

    def finish(self) -> Loaded:
        return Loaded(self.count, ())


@pytest.fixture
def state() -> Database:
    return Database(":memory:", "CREATE TABLE people (id TEXT PRIMARY KEY);", str)


def test_a_catalog_comes_first_and_blank_lines_say_nothing(state: Database) -> None:
    people = People(state)

    loaded = load(state, lambda: people, ['{"catalog": {"sites": ["A"]}}', "", '{"id": "1"}'], ONCE)

    assert (loaded.users, people.sites) == (1, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "1"}', "line 2: another line has this id"),
        ('{"id": "2", "colour": "red"}', "line 2: .*colour"),
        ('{"catalog": {}}', "line 2: .*catalog"),
        ("{", "line 2: "),
    ],
)
def test_a_line_that_is_wrong_is_named_and_none_is_taken(
    state: Database, line: str, said: str
) -> None:
    with pytest.raises(SnapshotError, match=said):
        load(state, lambda: People(state), ['{"id": "1"}', line], ONCE)

    with state.transaction():
        assert state.value("SELECT count(*) FROM people") == 0


def test_what_isnt_said_in_words_is_told_as_the_database_tells_it(state: Database) -> None:
    with pytest.raises(SnapshotError, match=r"people\.id") as refused:
        load(state, lambda: People(state), ['{"id": "1"}', '{"id": "1"}'], {})

    assert isinstance(refused.value.__cause__, sqlite3.IntegrityError)
