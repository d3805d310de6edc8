"""Refusals: what an undo took back stays refused, until its plan is rejected or nobody asks any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.records import Change, Outcome
from provisioner.plan.content import wishes_of
from provisioner.plan.model import Plan
from provisioner.store import changes as change_store
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store import refusals
from provisioner.store.database import reading
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

HOUR = timedelta(hours=1)
GIVEN = change(1)
"""What a run gave, and an undo takes back."""


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def record(engine: Engine, *changes: Change, **members: Any) -> Plan:
    with engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes, **members))


def undo(engine: Engine, *given: Change, at: datetime | None = None) -> Plan:
    """Record an undo's plan of changes, carried out `at` that moment if one is given."""
    given = given or (GIVEN,)
    inverse = [change(n, "package.remove") for n, _ in enumerate(given, start=1)]
    plan = record(engine, *inverse, scope="undo")
    with engine.begin() as connection:
        inverted = [(each, n) for n, each in enumerate(given, start=1)]
        refusals.refuse(connection, plan, "run-1", inverted)
        if at is not None:
            outcomes = [(c, Outcome(c.seq, "done")) for c in plan.changes]
            change_store.mark(connection, plan, outcomes, at)
    return plan


def refused(engine: Engine, *changes: Change) -> list[bool]:
    """Return whether each change is refused."""
    with reading(engine) as connection:
        found = refusals.refused(connection, "emea")
    return [any(wish in found for wish in wishes_of(each)) for each in changes or [GIVEN]]


def lapse(engine: Engine, *asked: Change, left_alone: tuple[str, ...] = (), **members: Any) -> None:
    """Make a full plan, two hours after NOW, that asks for these changes."""
    plan = record(engine, *asked, **{"created_at": NOW + 2 * HOUR, **members})
    with engine.begin() as connection:
        refusals.lapse(connection, plan, left_alone)


def test_what_an_undo_takes_back_is_refused_whatever_it_starts_from(engine: Engine) -> None:
    undo(engine)

    same = [change(2, before="gold"), change(3, consequences=("x",)), change(4, rule="other")]
    others = [change(5, after="gold"), change(6, who="jan"), change(7, "package.remove")]
    assert refused(engine, *same) == [True] * 3
    assert refused(engine, *others) == [False] * 3
    with reading(engine) as connection:
        assert refusals.refused(connection, "apac") == {}


def test_whichever_number_of_a_pool_it_is_its_rules_wish_is_refused(engine: Engine) -> None:
    number = change(1, "number.assign", after="+491", rule="brno")
    undo(engine, number)

    others = [change(1, "number.assign", after="+492", rule=name) for name in ("brno", "wien")]

    assert refused(engine, *others) == [True, False]


def test_each_attribute_of_a_profile_is_refused_by_itself(engine: Engine) -> None:
    undo(engine, change(1, "profile.update", after={"department": "IT"}))

    more = change(2, "profile.update", after={"department": "IT", "job_title": "Clerk"})
    other = change(3, "profile.update", after={"department": "HR"})

    assert refused(engine, more, other) == [True, False]


def test_a_rejected_undo_refuses_nothing_and_does_again_once_approved(engine: Engine) -> None:
    plan = undo(engine)
    for decision, expected in (("rejected", False), ("approved", True)):
        with engine.begin() as connection:
            loaded = plan_store.load(connection, plan.id)
            decision_store.decide(connection, loaded, decision, "eva", NOW, HOUR)  # type: ignore[arg-type]

        assert refused(engine) == [expected]


def test_what_two_undos_refuse_stays_refused_when_one_is_rejected(engine: Engine) -> None:
    first, _ = undo(engine), undo(engine)
    with engine.begin() as connection:
        decision_store.decide(connection, first, "rejected", "eva", NOW, HOUR)

    assert refused(engine) == [True]


def test_a_refused_change_counts_as_rejected_in_every_plan_but_an_undos(engine: Engine) -> None:
    older = record(engine, GIVEN)
    undo(engine)
    back = record(engine, GIVEN, scope="undo")

    with reading(engine) as connection:
        assert decision_store.live_decisions(connection, older, NOW) == {1: "rejected"}
        assert decision_store.live_decisions(connection, back, NOW) == {}


def test_an_approval_beats_a_refusal(engine: Engine) -> None:
    undo(engine)
    plan = record(engine, GIVEN)
    with engine.begin() as connection:
        decision_store.decide(connection, plan, "approved", "eva", NOW, HOUR)

        assert decision_store.live_decisions(connection, plan, NOW) == {1: "approved"}


def test_a_refusal_lapses_when_a_full_plan_asks_for_it_no_more(engine: Engine) -> None:
    undo(engine, at=NOW)

    lapse(engine, change(1, who="jan"))

    assert refused(engine) == [False]


@pytest.mark.parametrize(
    "members",
    [
        {"changes": (GIVEN,)},
        {"blocked": (GIVEN,)},
        {"waiting": (GIVEN,)},
        {"scope": "users"},
        {"scope": "push"},
        {"created_at": NOW + HOUR / 2},
        {"left_alone": ("eva",)},
    ],
    ids=lambda members: next(iter(members)),
)
def test_a_refusal_stays_where_not_asking_says_nothing(
    engine: Engine, members: dict[str, Any]
) -> None:
    undo(engine, at=NOW)

    lapse(engine, **members)

    assert refused(engine) == [True]


def test_the_refusal_of_an_undo_that_was_not_carried_out_never_lapses(engine: Engine) -> None:
    undo(engine)

    lapse(engine)

    assert refused(engine) == [True]


def test_a_newer_undos_refusal_outlives_an_older_ones(engine: Engine) -> None:
    undo(engine, at=NOW)
    undo(engine)

    lapse(engine)

    assert refused(engine) == [True]
