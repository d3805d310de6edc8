"""What a directory said at its last accepted read is remembered, and found again by key."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from connectors.records import Flaw, Person, fold
from provisioner.memory import Binding, Learned
from provisioner.reads import Reading, Uses
from provisioner.store import people as people_store
from provisioner.store.database import open_database
from provisioner.store.entries import keep_entries, known_entries
from provisioner.store.tables import entries

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Listed:
    """A directory of whatever it is given."""

    def __init__(self, name: str, rows: Iterable[Person]) -> None:
        self.name = name
        self._rows = list(rows)

    def read(self) -> Iterator[Person | Flaw]:
        yield from self._rows

    def check(self) -> None:
        """Always there."""


@pytest.fixture
def store(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path}/store.db")


def keep(store: Engine, rows: Iterable[Person], *, sync: str = "emea", name: str = "hr") -> None:
    reading = Reading(Listed(name, rows), Uses((), frozenset()))
    for _ in reading:
        pass
    with store.begin() as connection:
        keep_entries(connection, sync, reading)


def known(
    store: Engine, *keys: str, sync: str = "emea", gone: bool = False
) -> dict[str, list[tuple[str, Person]]]:
    with store.begin() as connection:
        return known_entries(connection, sync, keys, gone=gone)


def bind(store: Engine, *keys: str, sync: str = "emea") -> None:
    with store.begin() as connection:
        for key in keys:
            people_store.bind(connection, sync, Binding(key, f"p-{key}"))


def blocks(store: Engine) -> set[str]:
    with store.begin() as connection:
        return set(connection.execute(select(entries.c.block)).scalars())


def staff(count: int, title: str = "Clerk") -> list[Person]:
    return [Person(f"K{n}", {"userName": f"u{n}", "title": title}) for n in range(count)]


def test_whoever_was_read_is_found_by_folded_key(store: Engine) -> None:
    keep(store, staff(1000))

    assert known(store, "k7", "k999", "k1000") == {
        "k7": [("hr", Person("K7", {"userName": "u7", "title": "Clerk"}))],
        "k999": [("hr", Person("K999", {"userName": "u999", "title": "Clerk"}))],
    }


def test_nobody_is_known_of_a_store_without_entries(store: Engine) -> None:
    assert known(store, "k1") == {}


def test_each_directory_says_its_own_in_the_order_of_their_names(store: Engine) -> None:
    keep(store, [Person("1", {"title": "Clerk"})], name="hr")
    keep(store, [Person("1", {"title": "Boss"})], name="ad")

    assert known(store, "1") == {
        "1": [("ad", Person("1", {"title": "Boss"})), ("hr", Person("1", {"title": "Clerk"}))]
    }


def test_syncs_know_nothing_of_each_other(store: Engine) -> None:
    keep(store, staff(3), sync="emea")
    keep(store, staff(2, "Boss"), sync="apac")

    assert set(known(store, "k0", "k2", sync="apac")) == {"k0"}
    assert known(store, "k0")["k0"][0][1].resource["title"] == "Clerk"


def test_another_read_replaces_the_one_before(store: Engine) -> None:
    keep(store, staff(500))
    changed = staff(400)
    changed[7] = Person("K7", {"title": "Boss"})
    keep(store, changed)

    found = known(store, "k7", "k8", "k450")

    assert found["k7"] == [("hr", Person("K7", {"title": "Boss"}))]
    assert found["k8"] == [("hr", staff(9)[8])]
    assert "k450" not in found


def test_a_read_that_is_the_same_writes_nothing(store: Engine) -> None:
    keep(store, staff(500))
    before = blocks(store)
    keep(store, staff(500))

    assert blocks(store) == before


def test_somebody_new_in_the_middle_leaves_nearly_all_blocks_as_they_are(store: Engine) -> None:
    rows = staff(4000)
    keep(store, rows)
    before = blocks(store)
    keep(store, [*rows[:2000], Person("new", {"title": "Clerk"}), *rows[2000:]])

    assert len(before) > 15
    assert len(blocks(store) - before) <= 2


@pytest.mark.parametrize("key", ["Ab-1", "x" * 31, "X" * 32, "Ü1", "ß" * 40, " blank ", ""])
def test_whatever_the_key_its_person_is_found(store: Engine, key: str) -> None:
    keep(store, [Person(key, {"title": "Clerk"}), *staff(5)])

    assert set(known(store, fold(key))) == {fold(key)}


def test_of_whoever_is_bound_and_gone_the_last_entry_is_kept(store: Engine) -> None:
    rows = staff(400)
    bind(store, "k7", "k8")
    keep(store, rows)
    keep(store, [row for row in rows if row.key not in ("K7", "K9")])

    assert known(store, "k7", "k8", "k9") == {"k8": [("hr", rows[8])]}
    assert known(store, "k7", "k8", "k9", gone=True) == {
        "k7": [("hr", rows[7])],
        "k8": [("hr", rows[8])],
    }


def test_it_is_kept_over_later_reads_and_until_they_return(store: Engine) -> None:
    rows = staff(400)
    bind(store, "k7")
    keep(store, rows)
    keep(store, [row for row in rows if row.key != "K7"])
    keep(store, staff(300, "Boss")[10:])
    assert known(store, "k7", gone=True) == {"k7": [("hr", rows[7])]}

    keep(store, staff(300, "Boss"))

    assert known(store, "k7") == known(store, "k7", gone=True)
    assert known(store, "k7")["k7"][0][1].resource["title"] == "Boss"


def test_whoever_is_gone_and_no_longer_bound_is_forgotten(store: Engine) -> None:
    rows = staff(400)
    bind(store, "k7")
    keep(store, rows)
    keep(store, rows[8:])
    with store.begin() as connection:
        people_store.learn(connection, "emea", Learned(lost=["k7"]), NOW, adopted=True)
    keep(store, rows[9:])

    assert known(store, "k7", gone=True) == {}


def test_somebody_in_two_directories_is_gone_from_one_of_them_alone(store: Engine) -> None:
    bind(store, "k0")
    keep(store, staff(3), name="hr")
    keep(store, staff(3, "Boss"), name="ad")
    keep(store, staff(3)[1:], name="hr")

    assert [name for name, _ in known(store, "k0")["k0"]] == ["ad"]
    assert [name for name, _ in known(store, "k0", gone=True)["k0"]] == ["ad", "hr"]


def test_of_two_people_with_one_key_always_the_same_one_is_known(store: Engine) -> None:
    twins = [Person("k1", {"title": "Clerk"}), *staff(300)[2:], Person("K1", {"title": "Boss"})]
    keep(store, twins)
    first = known(store, "k1")
    keep(store, reversed(twins))

    assert known(store, "k1") == first
    assert len(first["k1"]) == 1


def test_equal_people_over_and_over_are_one_block(store: Engine) -> None:
    keep(store, [Person("1", {})] * 1000)

    assert known(store, "1") == {"1": [("hr", Person("1", {}))]}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), reads=st.lists(st.integers(0, 120), min_size=1, max_size=4))
def test_after_any_reads_the_store_knows_exactly_the_last(
    store: Engine, seed: int, reads: list[int]
) -> None:
    chance = random.Random(seed)
    rows: list[Person] = []
    for size in reads:
        rows = [Person(f"ß{n}", {"title": chance.choice("ABC")}) for n in range(size)]
        chance.shuffle(rows)
        keep(store, rows)

    found = known(store, *(fold(f"ß{n}") for n in range(150)))

    assert found == {fold(row.key): [("hr", row)] for row in rows}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 5))
def test_after_any_reads_everybody_bound_is_known_as_last_seen(
    store: Engine, seed: int, count: int
) -> None:
    chance, sync = random.Random(seed), f"{seed} {count}"
    bind(store, *(f"k{n}" for n in range(0, 100, 2)), sync=sync)
    last: dict[str, Person] = {}
    for _ in range(count):
        rows = [row for row in staff(100, chance.choice("ABC")) if chance.random() < 0.8]
        keep(store, rows, sync=sync)
        now = {fold(row.key): row for row in rows}
        bound = {key: row for key, row in last.items() if int(key[1:]) % 2 == 0}
        last = bound | now

    found = known(store, *(f"k{n}" for n in range(100)), sync=sync, gone=True)

    assert found == {key: [("hr", row)] for key, row in last.items()}
