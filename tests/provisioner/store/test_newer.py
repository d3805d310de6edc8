"""Which plans know more than others: what they drop, and what stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.records import Change
from provisioner.memory import Binding
from provisioner.plan.model import Plan
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store.database import reading
from provisioner.store.newer import (
    Newer,
    covered_since,
    has_open,
    newer_than,
    newest_of,
    owners_of,
)
from tests.provisioner.store.made import KINDS, a_plan, change, store


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def record(
    engine: Engine,
    *changes: Change,
    covers: Sequence[str] = (),
    read_after: int | None = None,
    **members: Any,
) -> Plan:
    with engine.begin() as connection:
        plan = a_plan(*changes, **members)
        return plan_store.record(connection, plan, covers, read_after=read_after)


def newer(engine: Engine, plan: Plan) -> Newer:
    with reading(engine) as connection:
        return newer_than(connection, plan)


def test_a_change_that_the_newest_full_plan_lacks_is_dropped(engine: Engine) -> None:
    old = record(engine, change(1), change(2, who="jan"))
    record(engine, change(1, after="gold"), change(2, who="jan"))

    found = newer(engine, old)

    assert [c.seq for c in old.changes if found.drops(c)] == [1]


def test_only_the_newest_full_plan_counts(engine: Engine) -> None:
    old = record(engine, change(1))
    record(engine)
    record(engine, change(7))

    assert not newer(engine, old).drops(old.changes[0])


def test_a_newer_plan_for_some_people_drops_only_theirs(engine: Engine) -> None:
    old = record(engine, change(1), change(2, who="jan"))
    record(engine, change(1, after="gold"), scope="push")

    found = newer(engine, old)

    assert [c.seq for c in old.changes if found.drops(c)] == [1]


def test_a_newer_plan_that_has_nothing_for_somebody_drops_what_an_older_one_had(
    engine: Engine,
) -> None:
    old = record(engine, change(1), change(2, who="jan"), change(3, who="zoe"))
    record(engine, change(1, who="jan"), scope="push", covers=["jan"])
    record(engine, scope="users", covers=["eva", "jan"])

    found = newer(engine, old)

    assert [c.seq for c in old.changes if found.drops(c)] == [1, 2]


def test_a_plan_for_some_people_drops_nothing_that_a_later_one_has_again(engine: Engine) -> None:
    old = record(engine, change(1))
    record(engine, scope="push", covers=["eva"])
    record(engine, change(1), scope="push", covers=["eva"])

    assert not newer(engine, old).drops(old.changes[0])


def test_a_plan_for_some_people_supersedes_no_full_one_made_later(engine: Engine) -> None:
    record(engine, change(1, after="gold"), scope="push")
    full = record(engine, change(1))

    assert not newer(engine, full).drops(full.changes[0])


@pytest.mark.parametrize("members", [{"scope": "preview"}, {"sync": "apac"}])
def test_previews_and_other_syncs_drop_nothing(engine: Engine, members: dict[str, Any]) -> None:
    old = record(engine, change(1))
    record(engine, **members)

    assert not newer(engine, old).drops(old.changes[0])


def test_a_plan_that_undoes_is_overtaken_by_no_other_and_overtakes_none(engine: Engine) -> None:
    full = record(engine, change(1))
    undo = record(engine, change(1, "package.remove"), scope="undo")
    newer = record(engine, change(1, who="jan"))

    with reading(engine) as connection:
        assert not newer_than(connection, undo).drops(undo.changes[0])
        assert newer_than(connection, full).drops(full.changes[0])
        assert plan_store.newest_full(connection, "emea") == newer.id
        assert not newer_than(connection, newer).drops(newer.changes[0])


def test_a_plan_knows_less_than_a_push_that_came_while_everybody_was_read(engine: Engine) -> None:
    record(engine)
    push = record(engine, change(1, after="gold"), scope="push", covers=["eva", "zoe"])
    full = record(
        engine, change(1), change(2, who="jan"), change(3, who="zoe"), read_after=int(push.id) - 1
    )

    found = newer(engine, full)

    assert [c.seq for c in full.changes if found.drops(c)] == [1, 3]
    assert not newer(engine, push).drops(push.changes[0])


def test_a_plan_knows_of_every_push_before_its_reads_began(engine: Engine) -> None:
    push = record(engine, change(1, after="gold"), scope="push", covers=["eva"])
    full = record(engine, change(1), read_after=int(push.id))

    assert not newer(engine, full).drops(full.changes[0])
    assert newer(engine, push).drops(push.changes[0])


def test_of_two_pushes_that_came_meanwhile_the_later_one_holds(engine: Engine) -> None:
    first = record(engine, change(1, after="gold"), scope="push", covers=["eva"])
    last = record(engine, change(1), scope="push", covers=["eva"])
    full = record(engine, change(1), read_after=0)

    assert newer(engine, first).drops(first.changes[0])
    assert not newer(engine, last).drops(last.changes[0])
    assert not newer(engine, full).drops(full.changes[0])


def test_what_a_push_left_open_while_everybody_was_read_is_still_open(engine: Engine) -> None:
    old = record(engine, change(1, who="jan"), scope="push", covers=["jan"])
    record(engine, change(1), scope="push", covers=["eva"])
    record(engine, read_after=int(old.id))

    with reading(engine) as connection:
        assert has_open(connection, "emea", ["eva"])
        assert not has_open(connection, "emea", ["jan"])
        assert covered_since(connection, "emea", int(old.id)) == {"eva"}


def test_the_newest_plan_for_somebody_is_the_one_that_knows_most_of_them(engine: Engine) -> None:
    old = record(engine, scope="push", covers=["jan"])
    push = record(engine, scope="push", covers=["eva"])
    full = record(engine, read_after=int(old.id))

    with reading(engine) as connection:
        found = [newest_of(connection, "emea", key) for key in ("eva", "jan", "zoe")]

    assert found == [push.id, full.id, full.id]


def test_a_removal_from_a_phone_user_who_is_somebody_elses_by_now_is_dropped(
    engine: Engine,
) -> None:
    plan = record(
        engine,
        change(1, "license.remove", "p-7", id="7"),
        change(2, "license.remove", id="8"),
        change(3, "delegate.remove", "p-7", id="7"),
    )
    with engine.begin() as connection:
        people_store.bind(connection, "emea", Binding("jan", "7"))
        people_store.bind(connection, "emea", Binding("eva", "8"))

    with reading(engine) as connection:
        found = Newer(owners=owners_of(connection, plan))

    assert [c.seq for c in plan.changes if found.drops(c)] == [1]
