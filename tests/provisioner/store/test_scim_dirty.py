"""Marks are taken without being lost, and cleared without losing others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from provisioner.store.direct import Direct, Session
from provisioner.store.moments import written
from provisioner.store.scim_dirty import clear, mark, oldest, take
from tests.provisioner.store.made import KINDS, store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def marks(engine: Engine, *users: str, sync: str = "emea", at: datetime = NOW) -> None:
    direct = Direct(engine)
    for user in users:
        direct.write(lambda s, user=user: mark(s, sync, user, [f"x-{user}"], written(at)))  # type: ignore[misc]
    direct.close()


def test_marks_stay_until_they_are_cleared_and_later_ones_stay_then(engine: Engine) -> None:
    marks(engine, "eva", "jan", "eva")
    with engine.begin() as connection:
        first = take(connection, "emea")
        assert take(connection, "emea") == first
    assert first is not None
    assert first.people == (("eva", "x-eva"), ("jan", "x-jan"))

    marks(engine, "eva", at=NOW + SECOND)
    with engine.begin() as connection:
        clear(connection, first)

    with engine.begin() as connection:
        rest = take(connection, "emea")
    assert rest is not None
    assert (rest.people, rest.first_at) == ((("eva", "x-eva"),), NOW + SECOND)


def test_marks_younger_than_asked_for_are_left(engine: Engine) -> None:
    marks(engine, "eva")
    marks(engine, "jan", at=NOW + SECOND)

    with engine.begin() as connection:
        some = take(connection, "emea", until=NOW)
        few = take(connection, "emea", most=1)

    assert some is not None
    assert some.people == (("eva", "x-eva"),)
    assert some == few


def test_the_oldest_mark_is_that_of_the_sync(engine: Engine) -> None:
    marks(engine, "eva", at=NOW + SECOND)
    marks(engine, "jan", at=NOW + 2 * SECOND)
    marks(engine, "ota", sync="apac")

    with engine.begin() as connection:
        assert oldest(connection, "emea") == NOW + SECOND
        assert oldest(connection, "apac") == NOW
        assert oldest(connection, "none") is None
        assert take(connection, "none") is None


def test_many_marks_are_cleared(engine: Engine) -> None:
    direct = Direct(engine)

    def work(session: Session) -> None:
        for n in range(1200):
            mark(session, "emea", f"u{n}", [None], written(NOW))

    direct.write(work)
    with engine.begin() as connection:
        taken = take(connection, "emea")
        assert taken is not None
        clear(connection, taken)

    with engine.begin() as connection:
        assert take(connection, "emea") is None
    direct.close()


def test_marks_that_are_left_out_are_neither_taken_nor_the_oldest(engine: Engine) -> None:
    marks(engine, "eva", "jan", at=NOW)
    marks(engine, "ana", at=NOW + SECOND)
    with engine.begin() as connection:
        two = take(connection, "emea", most=2)
        assert two is not None
        rest = take(connection, "emea", most=1, but=two.numbers)
        first_at = oldest(connection, "emea", two.numbers)

    assert rest is not None
    assert (rest.people, first_at) == ((("ana", "x-ana"),), NOW + SECOND)


def test_scattered_marks_are_left_out_however_many_they_are(engine: Engine) -> None:
    marks(engine, *(f"u{n}" for n in range(240)))
    with engine.begin() as connection:
        every = take(connection, "emea")
        assert every is not None
        odd = every.numbers[1::2]
        rest = take(connection, "emea", most=100, but=odd)

    assert rest is not None
    assert rest.numbers == every.numbers[0:200:2]


def test_people_who_are_left_out_are_so_by_id_and_by_external_id(engine: Engine) -> None:
    marks(engine, "eva", "jan", "ana", "eva")
    with engine.begin() as connection:
        left = take(connection, "emea", without={"eva", "x-ana"})

    assert left is not None
    assert left.users == ("jan",)


def test_marks_that_stay_when_the_others_are_cleared(engine: Engine) -> None:
    marks(engine, "eva", "jan", "eva")
    with engine.begin() as connection:
        every = take(connection, "emea")
        assert every is not None
        clear(connection, every, every.of({"eva"}))
        left = take(connection, "emea")

    assert left is not None
    assert left.users == ("eva", "eva")
