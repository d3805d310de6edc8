"""Locks on people: one holder at a time, a dead one is no holder, and turns tell of others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from provisioner.store import locks
from provisioner.store.database import open_database
from tests.provisioner.store.made import KINDS, database

ALL = ("one", "two")


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with database(request.param, tmp_path) as url:
        engine = open_database(url)
        yield engine
        engine.dispose()


def take(
    engine: Engine, holder: str, *keys: str, living: tuple[str, ...] = ALL, sync: str = "emea"
) -> dict[str, int]:
    others = [other for other in living if other != holder]
    with engine.begin() as connection:
        return locks.take(connection, sync, keys, holder, others)


def give_back(engine: Engine, holder: str, *keys: str) -> None:
    with engine.begin() as connection:
        locks.give_back(connection, "emea", keys, holder)


def test_whom_a_living_run_holds_no_other_gets(engine: Engine) -> None:
    assert take(engine, "one", "eva", "jan") == {"eva": 1, "jan": 1}
    assert take(engine, "two", "jan", "zoe") == {"zoe": 1}


def test_whom_a_dead_run_held_the_next_one_gets(engine: Engine) -> None:
    take(engine, "one", "eva")

    assert take(engine, "two", "eva", living=("two",)) == {"eva": 2}


def test_a_turn_is_the_same_if_nobody_else_had_the_person_and_another_if_somebody_did(
    engine: Engine,
) -> None:
    take(engine, "one", "eva", "jan")
    give_back(engine, "one", "eva", "jan")
    take(engine, "two", "jan")
    give_back(engine, "two", "jan")

    assert take(engine, "one", "eva", "jan") == {"eva": 1, "jan": 3}


def test_who_gives_back_what_is_anothers_changes_nothing(engine: Engine) -> None:
    take(engine, "one", "eva")
    give_back(engine, "two", "eva")

    assert take(engine, "two", "eva") == {}


def test_people_of_another_sync_are_other_people(engine: Engine) -> None:
    take(engine, "one", "eva")

    assert take(engine, "two", "eva", sync="apac") == {"eva": 1}


def test_many_people_are_locked_at_once(engine: Engine) -> None:
    keys = [f"p{n}" for n in range(450)]

    assert take(engine, "one", *keys).keys() == set(keys)
    assert take(engine, "two", *keys, "eva") == {"eva": 1}


def test_the_next_turn_is_ones_own_unless_somebody_was_quicker(engine: Engine) -> None:
    take(engine, "one", "eva", "jan")
    give_back(engine, "one", "eva", "jan")
    with engine.begin() as connection:
        before = locks.turns(connection, "emea", ["eva", "jan", "zoe"], ALL)
    take(engine, "two", "jan")
    give_back(engine, "two", "jan")

    now = take(engine, "three", "eva", "jan", "zoe")

    assert before == {"eva": 1, "jan": 1, "zoe": 0}
    assert {key for key, turn in now.items() if turn == before[key] + 1} == {"eva", "zoe"}


def test_whom_a_living_run_holds_has_no_next_turn(engine: Engine) -> None:
    take(engine, "one", "eva", "jan")
    give_back(engine, "one", "eva")

    with engine.begin() as connection:
        assert locks.turns(connection, "emea", ["eva", "jan"], ALL) == {"eva": 1}
        assert locks.turns(connection, "emea", ["jan"], ["two"]) == {"jan": 1}
