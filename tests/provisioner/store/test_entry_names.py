"""Names lead to the keys of whoever may bear them, without anybody being read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from provisioner.plan.name_index import BUCKETS, NameIndex, checksum, hashed
from provisioner.store.entry_names import called, has_names, keep_names
from provisioner.store.tables import entry_names
from tests.provisioner.store import made
from tests.provisioner.store.made import KINDS


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with made.store(request.param, tmp_path) as engine:
        yield engine


def index(*people: tuple[str, str, str]) -> NameIndex:
    """Return the index of people as (directory, name, key)."""
    found = NameIndex()
    for directory, name, key in people:
        found.note(directory, (name, None), key)
    return found


def keep(store: Engine, names: NameIndex, sync: str = "emea") -> None:
    with store.begin() as connection:
        keep_names(connection, sync, names)


def sought(store: Engine, *names: str, sync: str = "emea") -> set[tuple[str, int]]:
    with store.begin() as connection:
        found = called(connection, sync, names)
    return {bearer for bearers in found.values() for bearer in bearers}


def test_a_name_leads_to_all_who_bear_it_in_any_directory(store: Engine) -> None:
    keep(store, index(("hr", "eva", "k1"), ("ldap", "eva", "k2"), ("hr", "jan", "k3")))

    assert sought(store, "eva") == {("hr", checksum("k1")), ("ldap", checksum("k2"))}


def test_each_name_has_its_own_bearers(store: Engine) -> None:
    keep(store, index(("hr", "eva", "k1"), ("hr", "jan", "k1"), ("hr", "jan", "k3")))

    with store.begin() as connection:
        found = called(connection, "emea", ["eva", "jan", "zoe"])

    one, three = ("hr", checksum("k1")), ("hr", checksum("k3"))
    assert found == {"eva": {one}, "jan": {one, three}, "zoe": set()}


def test_names_that_are_no_more_lead_nowhere(store: Engine) -> None:
    keep(store, index(*(("hr", f"user{n}", f"k{n}") for n in range(2_000))))
    keep(store, index(*(("hr", f"user{n}", f"k{n}") for n in range(1_000))))

    assert sought(store, "user999") == {("hr", checksum("k999"))}
    assert sought(store, "user1999") == set()
    keep(store, NameIndex())
    with store.begin() as connection:
        assert not has_names(connection, "emea")


def test_one_sync_doesnt_see_anothers_names(store: Engine) -> None:
    keep(store, index(("hr", "eva", "k1")))
    keep(store, index(("hr", "eva", "k2")), sync="apac")

    assert sought(store, "eva") == {("hr", checksum("k1"))}


def test_only_buckets_that_changed_are_written_again(store: Engine) -> None:
    everybody = [("hr", f"user{n}", f"k{n}") for n in range(500)]
    keep(store, index(*everybody))
    with store.begin() as connection:  # whatever is written anew is as it should be
        connection.execute(entry_names.update().values(data=b""))
    keep(store, index(*everybody, ("hr", "new", "k-new")))

    with store.begin() as connection:
        rows = connection.execute(select(entry_names.c.bucket, entry_names.c.data))
        assert [bucket for bucket, data in rows if data] == [hashed("new") % BUCKETS]
