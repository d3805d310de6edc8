"""A plan's changes a page at a time: in order, filtered, and as they stand by what is decided now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from connectors.records import Change
from provisioner.plan.model import Plan
from provisioner.store import change_pages
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store.change_pages import EVERY, ChangePage, Group, Wanted
from provisioner.store.database import reading
from provisioner.store.reviews import with_decisions
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

TWO = {"destructive"}
WEEK = timedelta(days=7)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def record(engine: Engine, *changes: Change) -> Plan:
    with engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes), second=TWO)


def decide(engine: Engine, plan: Plan, decision: Any, by: str, *seqs: int) -> None:
    with engine.begin() as connection:
        given: dict[str, Any] = {"seqs": set(seqs) or None, "second": TWO}
        decision_store.decide(connection, plan, decision, by, NOW, WEEK, **given)


def page(
    engine: Engine,
    plan: Plan,
    wanted: Wanted = EVERY,
    after: int = 0,
    most: int = 100,
    now: Any = NOW,
) -> ChangePage:
    with reading(engine) as connection:
        filed = plan_store.filed(connection, plan.id)
        return change_pages.page(connection, filed, wanted, after, most, TWO, now)


def seqs(found: ChangePage) -> list[int]:
    return [each.seq for each in found.changes]


def test_pages_follow_each_other_to_the_end(engine: Engine) -> None:
    plan = record(engine, *(change(n, who=f"p{n}") for n in range(1, 8)))

    walked: list[list[int]] = []
    after: int | None = 0
    while after is not None:
        found = page(engine, plan, after=after, most=3)
        walked.append(seqs(found))
        after = found.after

    assert walked == [[1, 2, 3], [4, 5, 6], [7]]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(cluster="c2"), [2, 3]),
        (Wanted(kind="number.release"), [3]),
        (Wanted(risk="destructive"), [3, 4]),
        (Wanted(user="ADA@example.org"), [1]),
        (Wanted(user="ada"), [1]),
        (Wanted(state="held"), [4]),
        (Wanted(cluster="c2", risk="destructive"), [3]),
        (Wanted(cluster="c9"), []),
    ],
)
def test_a_page_has_what_fits_every_word(engine: Engine, wanted: Wanted, found: list[int]) -> None:
    risky: dict[str, Any] = {"risk": "destructive"}
    plan = record(
        engine,
        change(1, who="ada", cluster="c1"),
        change(2, who="bo", cluster="c2"),
        change(3, "number.release", who="cy", cluster="c2", **risky),
        change(4, who="di", cluster="c1", state="held", **risky),
    )

    assert seqs(page(engine, plan, wanted)) == found


def test_a_page_shows_changes_as_the_whole_plan_does(engine: Engine) -> None:
    risky: dict[str, Any] = {"risk": "destructive"}
    plan = record(
        engine,
        change(1, who="a", **risky),
        change(2, who="b", **risky),
        change(3, who="c"),
        change(4, who="d"),
        change(5, who="e", state="manual"),
    )
    decide(engine, plan, "approved", "eva", 1, 2, 3)
    decide(engine, plan, "approved", "jan", 2)
    decide(engine, plan, "rejected", "jan", 4)

    for now in (NOW, NOW + 2 * WEEK):
        with reading(engine) as connection:
            whole = with_decisions(connection, plan_store.load(connection, plan.id), TWO, now)
        assert page(engine, plan, now=now).changes == whole.changes
        for state in ("planned", "approved", "rejected", "manual"):
            of_it = tuple(c for c in whole.changes if c.state == state)
            assert page(engine, plan, Wanted(state=state), now=now).changes == of_it


def test_what_was_decided_in_another_plan_is_found_by_its_state(engine: Engine) -> None:
    older, newer = record(engine, change(1, who="a")), record(engine, change(1, who="a"))

    decide(engine, newer, "approved", "eva")

    assert seqs(page(engine, older, Wanted(state="approved"))) == [1]
    assert seqs(page(engine, older, Wanted(state="planned"))) == []


def test_a_page_of_a_large_plan_takes_few_rows_out_of_the_store(engine: Engine) -> None:
    plan = record(engine, *(change(n, who=f"p{n}", cluster=f"c{n % 7}") for n in range(1, 3001)))
    fetched: list[str] = []
    event.listen(engine, "after_cursor_execute", lambda *given: fetched.append(given[2]))

    found = page(engine, plan, Wanted(cluster="c1", state="planned"), after=1000, most=20)

    assert len(found.changes) == 20
    assert all("LIMIT" in statement for statement in fetched if "document" in statement)


def test_groups_add_up_to_the_plan(engine: Engine) -> None:
    plan = record(
        engine,
        change(1, who="a", cluster="c1"),
        change(2, who="b", cluster="c1"),
        change(3, "license.assign", who="b", cluster="c1"),
        change(4, who="d", cluster="c2", state="held"),
    )

    with reading(engine) as connection:
        groups = change_pages.groups_of(connection, [int(plan.id), 99])

    assert groups == {
        1: (
            Group("c1", "license.assign", "safe", "planned", 1, 1),
            Group("c1", "package.assign", "safe", "planned", 2, 2),
            Group("c2", "package.assign", "safe", "held", 1, 1),
        ),
        99: (),
    }
