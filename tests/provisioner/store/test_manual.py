"""Manual steps in the store: the newest plans say what is open, and an undo's steps are its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from connectors.records import Change
from provisioner.store import manual, plans
from provisioner.store.database import reading
from provisioner.store.manual import Step
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

HOUR = timedelta(hours=1)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def step(seq: int, who: str, kind: str = "user.trash") -> Change:
    return change(seq, kind, who=who, state="manual", reason=f"trash {who}")


def record(
    engine: Engine, *changes: Change, hours: int = 0, scope: str = "full", covers: str = ""
) -> str:
    plan = a_plan(*changes, created_at=NOW + hours * HOUR, scope=scope)
    with engine.begin() as connection:
        return plans.record(connection, plan, covers.split()).id


def steps(engine: Engine) -> list[Step]:
    with reading(engine) as connection:
        return manual.open_steps(connection, ["emea"])


def test_the_newest_full_plan_says_what_is_open(engine: Engine) -> None:
    record(engine, step(1, "eva"), step(2, "jan"))
    newest = record(engine, change(1), step(2, "eva"), hours=1)

    (eva,) = steps(engine)

    assert (eva.plan, eva.change.seq, eva.since) == (newest, 2, NOW)
    assert (eva.change.reason, eva.id) == ("trash eva", f"m-{eva.content[:10]}")


def test_a_push_speaks_for_those_whom_it_covers(engine: Engine) -> None:
    record(engine, step(1, "eva"), step(2, "jan"), step(3, "zoe"))
    push = record(engine, step(1, "jan"), hours=1, scope="push", covers="eva jan")

    assert [(s.change.user, s.plan) for s in steps(engine)] == [
        ("zoe@example.org", "1"),
        ("jan@example.org", push),
    ]


def test_an_undos_steps_outlive_newer_plans_until_they_are_ticked_off(engine: Engine) -> None:
    number = record(engine, step(1, "eva", "user.restore"), scope="undo")
    record(engine, hours=1)
    (undo,) = steps(engine)
    assert undo.undo

    with engine.begin() as connection:
        plan = plans.load(connection, number)
        manual.tick_off(connection, plan, [undo], "ada", None, NOW + 2 * HOUR)

    assert steps(engine) == []
    with reading(engine) as connection:
        assert [c.state for c in plans.load(connection, number).changes] == ["done"]


def test_a_step_that_comes_back_later_is_due_since_then(engine: Engine) -> None:
    record(engine, step(1, "eva"))
    record(engine, hours=1)
    record(engine, step(1, "eva"), hours=2)

    assert [s.since for s in steps(engine)] == [NOW + 2 * HOUR]


def test_what_somebody_said_stays_with_the_step(engine: Engine) -> None:
    record(engine, step(1, "eva"))
    with engine.begin() as connection:
        found = manual.open_steps(connection, ["emea"])
        manual.note_done(connection, found, "ada", "by phone", NOW)
    record(engine, step(1, "eva"), hours=1)

    (eva,) = steps(engine)

    assert eva.noted == (NOW, "ada", "by phone")


def test_open_steps_are_walked_from_one_to_the_next(engine: Engine) -> None:
    record(engine, step(1, "eva"), step(2, "jan"))
    record(engine, step(7, "eva"), step(8, "jan"), step(9, "zoe"), hours=1)

    walked: list[Step] = []
    with reading(engine) as connection:
        while some := manual.open_steps(
            connection, ["emea"], manual.place_of(walked[-1]) if walked else None, most=1
        ):
            walked += some

    assert walked == steps(engine)
    assert [each.change.seq for each in walked] == [7, 8, 9]
