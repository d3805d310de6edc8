"""Walks by index: who stays is met once, whoever else comes, goes or changes between two pages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from connectors.records import ENTERPRISE
from provisioner.scim import users
from provisioner.scim.cursors import Cursors
from provisioner.scim.kinds import Kind
from provisioner.scim.query import Page, Query, Window, page
from provisioner.scim.tenant import Tenant
from provisioner.scim.walks import REMEMBERED_S, Client, Walks
from provisioner.store.direct import Session
from tests.provisioner.scim.conftest import REGISTRY
from tests.provisioner.scim.pushing import BASE, operation, patch_user, push_user

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

    def page(self, query: Query, start: int, size: int) -> Page:
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


@pytest.fixture
def lists(tenant: Tenant) -> Lists:
    return Lists(tenant, Walks().of("entra", tenant.sync))


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


def test_another_client_and_another_list_have_walks_of_their_own(tenant: Tenant) -> None:
    walks, ids = Walks(), people(tenant, 8)
    Lists(tenant, walks.of("entra", tenant.sync)).page(QUERIES[0], 1, 4)
    users.delete(tenant, ids[0])

    okta = Lists(tenant, walks.of("okta", tenant.sync)).page(QUERIES[0], 5, 4)
    entra = Lists(tenant, walks.of("entra", tenant.sync))

    assert [row.id for row in okta.rows] == ids[5:]
    assert [row.id for row in entra.page(QUERIES[1], 5, 4).rows] == ids[5:]
    assert [row.id for row in entra.page(QUERIES[0], 5, 4).rows] == ids[4:]


def test_a_walk_is_remembered_for_a_while() -> None:
    now = [0.0]
    client = Walks(lambda: now[0]).of("entra", "emea")
    client.reached("all", 1, None, 101, [100])

    now[0] = REMEMBERED_S - 1
    assert client.place("all", 101) == [100]
    now[0] = REMEMBERED_S
    assert client.place("all", 101) is None


def test_processes_that_part_share_walks() -> None:
    walks = Walks()
    child = os.fork()
    if child == 0:
        walks.of("entra", "emea").reached("all", 1, None, 101, ["Žluť", 100])
        os._exit(0)
    os.waitpid(child, 0)

    assert walks.of("entra", "emea").place("all", 101) == ["Žluť", 100]


def test_what_is_half_written_or_too_long_is_no_place() -> None:
    walks = Walks()
    client = walks.of("entra", "emea")
    client.reached("all", 1, None, 101, ["x" * 2000, 100])
    assert client.place("all", 101) is None

    client.reached("all", 1, None, 101, ["x", 100])
    memory = walks._memory
    at = memory.find(b'"x"')
    memory[at + 1 : at + 2] = b"y"
    assert client.place("all", 101) is None
