"""What the store remembers of people: reads and their figures, bindings, last applied values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from connectors.records import Value
from provisioner.memory import Binding, Learned
from provisioner.reads import Figures, Measure, Reading, Uses
from provisioner.store import people as people_store
from provisioner.store import tables
from provisioner.store.database import open_database

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Nothing:
    """A directory; what it holds doesn't matter here."""

    name = "hr"

    def read(self) -> Any:
        return iter(())

    def check(self) -> None:
        """Always there."""


@pytest.fixture
def store(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path}/store.db")


def note(
    store: Engine,
    people: int,
    at: datetime,
    *,
    accepted: bool = True,
    overruled: bool = False,
    sync: str = "emea",
) -> None:
    reading = Reading(Nothing(), Uses((), frozenset()))
    reading.figures, reading.sha256 = Figures(people, {"Sales": people}), f"sha256:{people}"
    with store.begin() as connection:
        people_store.note_read(
            connection, sync, reading, at, accepted=accepted, overruled=overruled
        )


def measures(store: Engine, now: datetime = NOW) -> tuple[list[Measure], str | None]:
    with store.begin() as connection:
        return people_store.measures(connection, "emea", "hr", now)


def learn(
    store: Engine, learned: Learned, *, at: datetime = NOW, adopted: bool = True, sync: str = "emea"
) -> None:
    with store.begin() as connection:
        people_store.learn(connection, sync, learned, at, adopted=adopted)


def bound(store: Engine, sync: str = "emea") -> list[Binding]:
    with store.begin() as connection:
        return list(people_store.bound(connection, sync))


def bindings(*keys: str) -> list[Binding]:
    return [Binding(key, f"p-{key}") for key in keys]


# Reads


def test_nothing_is_known_before_the_first_read(store: Engine) -> None:
    assert measures(store) == ([], None)


def test_a_read_is_measured_by_those_of_the_last_24_hours(store: Engine) -> None:
    for people, ago in ((10, 30), (12, 20), (11, 1)):
        note(store, people, NOW - ago * HOUR)

    found, last = measures(store)

    assert [measure.figures.people for measure in found] == [11, 12]
    assert found[0] == Measure(Figures(11, {"Sales": 11}), NOW - HOUR)
    assert last == "sha256:11"


def test_where_none_is_so_young_the_last_one_measures(store: Engine) -> None:
    for people, ago in ((10, 60), (12, 48)):
        note(store, people, NOW - ago * HOUR)

    assert [measure.figures.people for measure in measures(store)[0]] == [12]


def test_a_refused_read_measures_nothing(store: Engine) -> None:
    note(store, 10, NOW - 2 * HOUR)
    note(store, 3, NOW - HOUR, accepted=False)

    found, last = measures(store)

    assert [measure.figures.people for measure in found] == [10]
    assert last == "sha256:10"


def test_a_read_that_an_operator_accepted_is_the_new_measure(store: Engine) -> None:
    note(store, 10, NOW - 3 * HOUR)
    note(store, 5, NOW - 2 * HOUR, overruled=True)
    note(store, 6, NOW - HOUR)

    assert [measure.figures.people for measure in measures(store)[0]] == [6, 5]


def test_another_syncs_reads_measure_nothing(store: Engine) -> None:
    note(store, 10, NOW - HOUR, sync="apac")

    assert measures(store) == ([], None)


# Bindings


@pytest.mark.parametrize("count", [1, 19, 20, 21, 250])
def test_however_many_are_learnt_everybody_is_bound_in_the_order_of_keys(
    store: Engine, count: int
) -> None:
    keys = sorted(f"k{n}" for n in range(count))
    learn(store, Learned(bound=bindings(*reversed(keys))))

    assert bound(store) == bindings(*keys)


def test_a_new_binding_replaces_the_old_one(store: Engine) -> None:
    learn(store, Learned(bound=bindings("a", "b")))
    learn(store, Learned(bound=[Binding("a", "new")]))

    assert bound(store) == [Binding("a", "new"), *bindings("b")]


def test_syncs_have_their_own_bindings(store: Engine) -> None:
    learn(store, Learned(bound=bindings("a")))
    learn(store, Learned(bound=[Binding("a", "other")]), sync="apac")

    assert bound(store) == bindings("a")
    assert bound(store, "apac") == [Binding("a", "other")]


def test_whoever_leaves_is_gone_since_the_first_read_that_showed_it(store: Engine) -> None:
    learn(store, Learned(bound=bindings("a", "b")))
    learn(store, Learned(gone=["a"]))
    learn(store, Learned(gone=["a"]), at=NOW + HOUR)

    assert bound(store) == [Binding("a", "p-a", NOW), *bindings("b")]


def test_whoever_is_bound_and_gone_at_once_is_gone_since_then(store: Engine) -> None:
    learn(store, Learned(bound=bindings("a", "b"), gone=["a"]))

    assert bound(store) == [Binding("a", "p-a", NOW), *bindings("b")]


def test_whoever_returns_is_no_longer_gone(store: Engine) -> None:
    learn(store, Learned(bound=bindings("a"), gone=["a"]))
    learn(store, Learned(back=["a"]), at=NOW + HOUR)

    assert bound(store) == bindings("a")


def test_whoever_is_lost_is_forgotten(store: Engine) -> None:
    learn(store, Learned(bound=bindings("a", "b")))
    learn(store, Learned(lost=["a"]))

    assert bound(store) == bindings("b")


def provisional(store: Engine) -> list[str]:
    with store.begin() as connection:
        asked = select(tables.bindings.c.key).where(tables.bindings.c.provisional)
        return list(connection.execute(asked).scalars())


def test_bindings_are_provisional_until_somebody_confirms_them(store: Engine) -> None:
    learn(store, Learned(bound=bindings("a")), adopted=False)
    with store.begin() as connection:
        people_store.confirm(connection, "emea")
    learn(store, Learned(bound=bindings("b")), adopted=False)

    assert provisional(store) == ["b"]


def test_a_person_whose_account_was_made_is_bound_for_good(store: Engine) -> None:
    with store.begin() as connection:
        people_store.bind(connection, "emea", Binding("a", "p-a"))

    assert bound(store) == bindings("a")
    assert provisional(store) == []


# Values that can't be read back


def applied(store: Engine) -> dict[tuple[str, str], Value]:
    with store.begin() as connection:
        return people_store.last_applied(connection, "emea")


def keep(store: Engine, values: Iterable[tuple[tuple[str, str], Value]]) -> None:
    with store.begin() as connection:
        people_store.keep_applied(connection, "emea", dict(values))


def test_the_last_applied_value_is_remembered(store: Engine) -> None:
    keep(store, [(("a", "template"), "Office"), (("b", "template"), None)])
    keep(store, [(("a", "template"), "Sales")])

    assert applied(store) == {("a", "template"): "Sales", ("b", "template"): None}


def test_what_is_believed_at_adoption_counts_as_applied(store: Engine) -> None:
    learn(store, Learned(applied={("a", "template"): "Office"}))

    assert applied(store) == {("a", "template"): "Office"}
