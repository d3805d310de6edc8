"""Walks by index: who stays is met once, whoever else comes, goes or changes between two pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from connectors.records import ENTERPRISE
from provisioner.scim import users
from provisioner.scim.cursors import Cursors
from provisioner.scim.kinds import Kind, StoredRow
from provisioner.scim.query import Page, Query, Window, page
from provisioner.scim.scan import Scan
from provisioner.scim.tenant import Tenant
from provisioner.scim.walks import REMEMBERED_S, Client, Walks, open_walks
from provisioner.store.database import open_database
from provisioner.store.direct import Direct, Session
from provisioner.store.pipeline import Row
from tests.provisioner.scim.conftest import REGISTRY
from tests.provisioner.scim.pushing import BASE, Clock, operation, patch_user, push_user

USERS = Kind.users(REGISTRY.user)
DEPARTMENT = f"{ENTERPRISE}:department"
QUERIES = [
    Query.parse(USERS, None),
    Query.parse(USERS, "active eq true"),
    Query.parse(USERS, f'{DEPARTMENT} eq "Sales"'),
    Query.parse(USERS, None, "userName", descending=True),
    Query.parse(USERS, None, "externalId"),
    Query.parse(USERS, "active eq true", "displayName"),
    Query.parse(USERS, None, "title"),
    Query.parse(USERS, f'{DEPARTMENT} eq "Sales"', "title", descending=True),
]
SAYS = [
    "all",
    "indexed",
    "scanned",
    "sorted",
    "nothing to sort by",
    "both",
    "sorted by scan",
    "scan",
]


class Lists:
    """One client's lists of a sync."""

    def __init__(self, tenant: Tenant, walks: Client | None) -> None:
        self.tenant, self.walks = tenant, walks
        self.cursors = Cursors(tenant.store)
        self.page_start = 0

    def page(self, query: Query, start: int, size: int) -> Page:
        self.page_start = start

        def work(session: Session) -> Page:
            window = Window(size, start)
            return page(
                session, self.tenant.sync, query, window, self.cursors, BASE,
                related=False, walks=self.walks,
            )  # fmt: skip

        return self.tenant.store.read(work)

    def walk(self, query: Query, size: int, between: Callable[[list[str]], None]) -> Iterator[str]:
        """Yield the ids as clients do: by itemsPerPage, until totalResults."""
        start, read = 1, list[str]()
        while True:
            found = self.page(query, start, size)
            read += [row.id for row in found.rows]
            yield from read[start - 1 :]
            start += len(found.rows)
            if start > found.total or not found.rows:
                assert start - 1 == found.total
                return
            between(read)


NOW = [0.0]


def opened(engine: Engine) -> Walks:
    walks = open_walks(engine, lambda: NOW[0])
    assert walks is not None
    return walks


@pytest.fixture
def walks(engine: Engine) -> Iterator[Walks]:
    NOW[0] = 1_800_000_000.0
    walks = opened(engine)
    yield walks
    walks.close()


@pytest.fixture
def lists(tenant: Tenant, walks: Walks) -> Lists:
    return Lists(tenant, walks.of("entra", tenant.sync))


def people(tenant: Tenant, count: int) -> list[str]:
    return [
        push_user(
            tenant, f"u{n:03}", active=True, displayName=f"D{n % 5}", title=f"t{n * 7 % count:03}",
            **{ENTERPRISE: {"department": "Sales"}},
        ).id
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES, ids=SAYS)
def test_who_stays_is_met_once_while_others_are_deleted_created_and_changed(
    lists: Lists, query: Query
) -> None:
    ids = people(lists.tenant, 30)
    leaving, numbers = set(ids[::3]), iter(range(100))
    staying = set(ids) - leaving

    def between(read: list[str]) -> None:
        n = next(numbers)
        gone = [id for id in read if id in leaving][-2:]
        for id in gone:
            users.delete(lists.tenant, id)
            leaving.discard(id)
        push_user(lists.tenant, f"u{n:03}a", active=n % 2 == 0)
        stays = next(id for id in read if id in staying)
        patch_user(lists.tenant, stays, operation("replace", "nickName", f"n{n}"))

    walked = list(lists.walk(query, 4, between))

    assert len(walked) == len(set(walked))
    assert staying <= set(walked)


def test_whoever_leaves_a_filter_takes_nobody_else_out_of_the_walk(lists: Lists) -> None:
    ids = people(lists.tenant, 12)

    def between(read: list[str]) -> None:
        patch_user(lists.tenant, read[0], operation("replace", "active", False))

    assert list(lists.walk(QUERIES[1], 4, between)) == ids


@pytest.mark.parametrize("query", QUERIES, ids=SAYS)
def test_a_page_that_is_asked_for_again_is_the_same(lists: Lists, query: Query) -> None:
    people(lists.tenant, 12)
    first = lists.page(query, 1, 4).rows
    second = lists.page(query, 5, 4)
    users.delete(lists.tenant, first[0].id)

    again = lists.page(query, 5, 4)

    assert [row.id for row in again.rows] == [row.id for row in second.rows]
    assert again.total == second.total == 12


@pytest.mark.parametrize("start", [1, 3, 6])
def test_numbers_count_where_no_walk_goes_on(lists: Lists, start: int) -> None:
    ids = people(lists.tenant, 10)
    lists.page(QUERIES[0], 1, 4)
    users.delete(lists.tenant, ids[0])

    found = lists.page(QUERIES[0], start, 2)

    assert [row.id for row in found.rows] == ids[start : start + 2]
    assert found.total == 9


def test_a_walk_that_is_over_is_forgotten(lists: Lists) -> None:
    ids = people(lists.tenant, 8)
    assert list(lists.walk(QUERIES[0], 4, lambda _: None)) == ids
    users.delete(lists.tenant, ids[0])

    found = lists.page(QUERIES[0], 5, 4)

    assert [row.id for row in found.rows] == ids[5:]
    assert found.total == 7


def test_another_client_and_another_list_have_walks_of_their_own(
    tenant: Tenant, walks: Walks
) -> None:
    ids = people(tenant, 8)
    Lists(tenant, walks.of("entra", tenant.sync)).page(QUERIES[0], 1, 4)
    users.delete(tenant, ids[0])

    okta = Lists(tenant, walks.of("okta", tenant.sync)).page(QUERIES[0], 5, 4)
    entra = Lists(tenant, walks.of("entra", tenant.sync))

    assert [row.id for row in okta.rows] == ids[5:]
    assert [row.id for row in entra.page(QUERIES[1], 5, 4).rows] == ids[5:]
    assert [row.id for row in entra.page(QUERIES[0], 5, 4).rows] == ids[4:]


@pytest.mark.parametrize(("later", "first"), [(REMEMBERED_S - 1, 4), (REMEMBERED_S, 5)])
def test_a_walk_is_remembered_for_a_while(lists: Lists, later: int, first: int) -> None:
    ids = people(lists.tenant, 8)
    lists.page(QUERIES[0], 1, 4)
    users.delete(lists.tenant, ids[0])

    NOW[0] += later

    assert [row.id for row in lists.page(QUERIES[0], 5, 4).rows] == ids[first:]


def test_another_receiver_of_the_store_goes_on_with_a_walk(
    tenant: Tenant, walks: Walks, engine: Engine
) -> None:
    ids, other = people(tenant, 8), opened(engine)
    Lists(tenant, walks.of("entra", tenant.sync)).page(QUERIES[0], 1, 4)
    users.delete(tenant, ids[0])

    found = Lists(tenant, other.of("entra", tenant.sync)).page(QUERIES[0], 5, 4)
    other.close()

    assert [row.id for row in found.rows] == ids[4:]


@pytest.mark.parametrize("query", QUERIES, ids=SAYS)
def test_of_two_walks_of_one_list_at_once_neither_passes_anybody_over(
    lists: Lists, query: Query
) -> None:
    ids = set(people(lists.tenant, 12))
    met = [row.id for row in lists.page(query, 1, 4).rows]
    users.delete(lists.tenant, met[0])
    other = [row.id for row in lists.page(query, 1, 4).rows]

    met += [row.id for row in lists.page(query, 5, 4).rows]
    gone = met[5]
    users.delete(lists.tenant, gone)
    for start in (5, 9):
        other += [row.id for row in lists.page(query, start, 4).rows]
    met += [row.id for row in lists.page(query, 9, 4).rows]

    assert set(met) == ids
    assert set(other) == ids - {met[0], gone}


def test_walks_one_after_the_other_meet_nobody_twice(lists: Lists) -> None:
    ids = people(lists.tenant, 12)
    for gone in range(3):
        walked = list(lists.walk(QUERIES[0], 4, lambda _: None))
        assert walked == ids[gone:]
        users.delete(lists.tenant, ids[gone])


def test_somebody_who_is_renamed_while_a_page_is_read_takes_nobody_out_of_the_walk(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = people(lists.tenant, 8)
    query = Query.parse(USERS, None, "userName")
    load = Kind.rows

    def rename(kind: Kind, session: Session, found: list[Row]) -> list[StoredRow]:
        rows = load(kind, session, found)
        patch_user(lists.tenant, rows[-1].id, operation("replace", "userName", "zoe@example.org"))
        return rows

    with monkeypatch.context() as patched:
        patched.setattr(Kind, "rows", rename)
        lists.page(query, 1, 4)

    assert [row.id for row in lists.page(query, 5, 4).rows][:4] == [*ids[4:]]


@pytest.mark.parametrize("deleted", [[0], [3], [0, 1, 2, 3]], ids=["first", "last", "all"])
@pytest.mark.parametrize("start", [1, 5, 9])
def test_whoever_is_deleted_while_a_page_is_sorted_takes_nobody_out_of_the_walk(
    lists: Lists, monkeypatch: pytest.MonkeyPatch, start: int, deleted: list[int]
) -> None:
    ids, query = people(lists.tenant, 12), QUERIES[SAYS.index("sorted by scan")]
    in_order = [row.id for row in lists.page(query, 1, 12).rows]
    assert set(in_order) == set(ids)
    leaving = [in_order[start - 1 + n] for n in deleted]
    load = Scan.rows

    def delete(scan: Scan, seqs: list[int]) -> list[StoredRow]:
        while lists.page_start == start and leaving:
            users.delete(lists.tenant, leaving.pop())
        return load(scan, seqs)

    gone = set(leaving)
    monkeypatch.setattr(Scan, "rows", delete)
    walked = list(lists.walk(query, 4, lambda _: None))

    assert walked == [id for id in in_order if id not in gone]


def test_what_is_remembered_of_old_walks_is_forgotten(tenant: Tenant, engine: Engine) -> None:
    NOW[0] = 1_900_000_000.0  # long after all other tests
    walks = opened(engine)
    lists = Lists(tenant, walks.of("entra", tenant.sync))
    people(tenant, 12)
    lists.page(QUERIES[0], 1, 4)
    NOW[0] += REMEMBERED_S
    lists.page(QUERIES[1], 1, 4)

    def left(session: Session) -> list[Row]:
        return session.rows("SELECT start FROM scim_walks")

    assert tenant.store.read(lambda session: walks.read(session, left)) == [(5,)]
    walks.close()


def test_a_file_beside_the_store_that_fails_holds_nobody_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    (tmp_path / "store-walks.db").write_text("a shopping list, long enough to be no database" * 9)
    engine = open_database(url)
    assert open_walks(engine) is None

    (tmp_path / "store-walks.db").unlink()
    walks = opened(engine)
    with walks._file._engine.connect() as connection:  # type: ignore[union-attr]
        connection.execute(text("DROP TABLE scim_walks"))
    tenant = Tenant("emea", REGISTRY, Direct(engine), Clock())
    ids = people(tenant, 8)
    lists = Lists(tenant, walks.of("entra", "emea"))

    assert list(lists.walk(QUERIES[0], 4, lambda _: None)) == ids


def test_a_store_in_memory_remembers_no_walks() -> None:
    assert open_walks(open_database("sqlite://")) is None
