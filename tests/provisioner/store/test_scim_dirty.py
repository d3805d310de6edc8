"""Marks are taken without being lost, and cleared without losing others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from provisioner.store.direct import Direct, Session
from provisioner.store.moments import written
from provisioner.store.scim_dirty import clear, mark, marked, take
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


def test_syncs_with_marks_are_told_with_their_oldest_and_newest(engine: Engine) -> None:
    marks(engine, "eva")
    marks(engine, "jan", at=NOW + SECOND)
    marks(engine, "ota", sync="apac", at=NOW + 2 * SECOND)

    with engine.begin() as connection:
        assert marked(connection) == {
            "emea": (NOW, NOW + SECOND),
            "apac": (NOW + 2 * SECOND, NOW + 2 * SECOND),
        }
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
