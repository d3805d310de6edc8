"""Lists find what the compiled filter matches, in one order, page by page, whatever SQL makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.records import ENTERPRISE
from connectors.scim_filter import Compare, Filter, Node, Path, Present, parse_filter, parse_path
from provisioner.scim import scan, users
from provisioner.scim.cursors import Cursors
from provisioner.scim.errors import ScimError
from provisioner.scim.kinds import Kind
from provisioner.scim.query import Page, Query, Window, page
from provisioner.scim.references import by_id
from provisioner.scim.schemas import Registry
from provisioner.scim.tenant import Tenant
from provisioner.store.direct import Direct, Session
from tests.provisioner.scim.pushing import (
    BASE,
    Clock,
    Resource,
    group_now,
    operation,
    patch_user,
    push_group,
    push_user,
    user_now,
)

REGISTRY = Registry.make()
USERS, GROUPS = Kind.users(REGISTRY.user), Kind.groups(REGISTRY.group)

NAMES = [
    "eva",
    "Eva",
    "žluť",
    "ŽLUŤ",
    "straße",
    "Strasse",
    "e%a",
    "e_a",
    "a\ud7ff",
    "zz\U0010ffff",
    "",
]
DATES = [
    "2026-11-23T09:00:05.000000Z", "2026-11-23T10:00:05+01:00", "2026-11-23T09:00:05.0000009Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T09:00:04.9999999Z",
]  # fmt: skip


class World(NamedTuple):
    """A sync with people and groups in it, everybody as clients see them."""

    tenant: Tenant
    cursors: Cursors
    people: list[Resource]
    groups: list[Resource]

    def found(self, query: Query, size: int = 1000, **window: Any) -> Page:
        def work(session: Session) -> Page:
            given = Window(size, **window)
            return page(session, self.tenant.sync, query, given, self.cursors, BASE, related=True)

        return self.tenant.store.read(work)

    def ids(self, query: Query, size: int = 1000, **window: Any) -> list[str]:
        return [row.id for row in self.found(query, size, **window).rows]


@pytest.fixture(scope="module")
def world(store: Direct) -> World:
    tenant = Tenant("world", REGISTRY, store, Clock())
    people = []
    for n, name in enumerate([*NAMES, "jan", "ota", "ida"]):
        more: dict[str, Any] = {
            "active": (True, False, None)[n % 3],
            "title": ("Clerk", None)[n % 2],
        }
        if name:
            more |= {"displayName": f" {name} ", "externalId": name}
        if n % 4:
            more["emails"] = [
                {"value": f"{name or 'x'}@Example.org", "type": "work", "primary": True},
                {"value": "eva", "type": "home"},
            ][: n % 3]
        more[ENTERPRISE] = {"department": NAMES[n % 3]}
        people.append(push_user(tenant, f"{name}{n}", **more).id)
    inner = push_group(tenant, "Žluť", people[:5], externalId="eva")
    outer = push_group(tenant, "Outer", [people[7], inner.id])
    empty = push_group(tenant, "Straße")
    again = patch_user(tenant, people[3], operation("replace", "nickName", "n"))
    assert again.version == 2
    other = Tenant("other world", REGISTRY, store, Clock())
    push_group(other, "Outer", [push_user(other, "eva0").id])
    return World(
        tenant,
        Cursors(store),
        [user_now(tenant, id) for id in people],
        [group_now(tenant, row.id) for row in (inner, outer, empty)],
    )


USER_PATHS = [
    *("userName", "externalId", "id", "displayName", "active", "title", "emails", "emails.value"),
    *("emails.type", "groups", "groups.value", "groups.display", "meta.lastModified"),
    *(
        "meta.created",
        "meta.resourceType",
        "meta.version",
        "meta.location",
        "groups.$ref",
        f"{ENTERPRISE}:department",
    ),
    *('emails[type eq "work"].value', 'emails[not (type eq "work")].value', "nickName"),
]
GROUP_PATHS = [
    *("externalId", "id", "displayName", "members", "members.value", "members.type"),
    *(
        "members.display",
        "members.$ref",
        "meta.location",
        "meta.version",
        "meta.lastModified",
        "meta.resourceType",
    ),
]
OPERATORS = {"boolean": ["eq", "ne"], "dateTime": ["eq", "ne", "gt", "ge", "lt", "le"]}
TEXT_OPERATORS = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]


def literals(known: list[str]) -> st.SearchStrategy[str]:
    pieces = [
        *NAMES,
        *known,
        "EVA0@EXAMPLE.ORG",
        "a",
        "ss",
        " eva",
        "\x00",
        "\U0010ffff",
        "user",
        "%",
    ]
    return st.sampled_from(pieces) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)


def comparisons(path: Path, known: list[str]) -> st.SearchStrategy[Node]:
    leaf = path.leaf
    assert leaf is not None
    values: st.SearchStrategy[Any] = {
        "boolean": st.booleans(),
        "dateTime": st.sampled_from(DATES),
    }.get(leaf.type, literals(known))
    operators = st.sampled_from(OPERATORS.get(leaf.type, TEXT_OPERATORS))
    absent = st.sampled_from(["eq", "ne"]).map(lambda op: Compare(path, op, None))
    return st.just(Present(path)) | absent | st.builds(Compare, st.just(path), operators, values)


def filters(
    kind: Kind, paths: list[str], known: list[str], inside: list[str]
) -> st.SearchStrategy[str]:
    schema = kind.type.schema
    parsed = [parse_path(path, schema) for path in paths]
    leaves = st.sampled_from(parsed).flatmap(lambda path: comparisons(path, known)).map(str)
    brackets = st.lists(
        st.tuples(st.sampled_from(inside), st.sampled_from(TEXT_OPERATORS), literals(known)).map(
            lambda t: str(Compare(parse_path(t[0], schema), t[1], t[2])).partition(".")[2]
        ),
        min_size=1,
        max_size=2,
    ).map(lambda parts: f"{inside[0].partition('.')[0]}[{' and '.join(parts)}]")

    def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pairs = st.tuples(inner, inner)
        return (
            inner.map(lambda text: f"not ({text})")
            | pairs.map(lambda pair: f"({pair[0]}) and ({pair[1]})")
            | pairs.map(lambda pair: f"({pair[0]}) or ({pair[1]})")
        )

    return st.recursive(leaves | brackets, joined, max_leaves=5)


def check(world: World, kind: Kind, text: str) -> None:
    matches = Filter(by_id(parse_filter(text, kind.type.schema).tree)).matches
    everybody = world.people if kind is USERS else world.groups
    expected = [each["id"] for each in everybody if matches(each)]

    found = world.found(Query.parse(kind, text))

    assert ([row.id for row in found.rows], found.total) == (expected, len(expected)), text


def test_users_are_found_as_the_filter_matches_them_in_memory(world: World) -> None:
    known = [each["id"] for each in [*world.people[:2], *world.groups]]
    known += [world.people[2]["meta"]["version"], world.people[2]["meta"]["location"]]
    known += [world.people[2]["groups"][0]["$ref"]]
    texts = filters(USERS, USER_PATHS, known, ["emails.value", "emails.type"])

    @settings(max_examples=500, deadline=None)
    @given(texts)
    @example('emails[value eq "eva" and type eq "home"]')
    @example(f"meta.version eq {json.dumps(known[-3])}")
    @example(f'meta.location eq "{known[-2]}" and groups.$ref eq "{known[-1]}"')
    @example(f'groups[value eq "{world.groups[1]["id"]}"]')
    @example('not (emails.value sw "eva")')
    @example('meta.resourceType eq "User" and not (active eq true)')
    def checked(text: str) -> None:
        check(world, USERS, text)

    checked()


def test_groups_are_found_as_the_filter_matches_them_in_memory(world: World) -> None:
    known = [each["id"] for each in [*world.people[:2], *world.people[7:8], *world.groups]]
    known += [world.groups[0]["meta"]["location"], world.groups[0]["members"][0]["$ref"], 'W/"1"']
    texts = filters(GROUPS, GROUP_PATHS, known, ["members.value", "members.type"])

    @settings(max_examples=300, deadline=None)
    @given(texts)
    @example(f'id eq "{world.groups[0]["id"]}" and members eq "{world.people[0]["id"]}"')
    @example(f'members[value eq "{world.groups[0]["id"]}"]')
    def checked(text: str) -> None:
        check(world, GROUPS, text)

    checked()


@pytest.mark.parametrize("innermost", ["userName pr", 'groups.value eq "x"'])
def test_filters_as_wide_and_as_deep_as_may_be_are_carried_out(
    world: World, innermost: str
) -> None:
    wide = " or ".join([innermost] * 1_200)
    check(world, USERS, wide)
    check(world, USERS, f"active eq true and not ({wide})")
    for around in ("not ({})", "active eq true and (title pr or ({}))", "({}) and title pr"):
        nested = innermost
        while nested.count("(") < 60:
            nested = around.format(nested)
        check(world, USERS, nested)


SORTS = [
    "userName",
    "displayName",
    "externalId",
    "id",
    "meta.lastModified",
    "title",
    "emails",
    "active",
]


def sorted_ids(world: World, sort_by: str, descending: bool) -> list[str]:
    sort = Query.parse(USERS, None, sort_by, descending=descending).sort
    assert sort is not None
    key = sort.key
    have = [each for each in world.people if key(each) is not None]
    lack = [each for each in world.people if key(each) is None]
    have.sort(key=lambda each: (key(each),), reverse=descending)
    return [each["id"] for each in (lack + have if descending else have + lack)]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort_by", SORTS)
def test_sorting_is_total_and_the_same_on_pages_and_by_cursor(
    world: World, sort_by: str, descending: bool
) -> None:
    query = Query.parse(USERS, None, sort_by, descending=descending)
    expected = sorted_ids(world, sort_by, descending)

    assert world.ids(query) == expected
    pages = [world.ids(query, 3, start=start) for start in range(1, 20, 3)]
    assert [id for ids in pages for id in ids] == expected
    assert list(walk(world, query, 4)) == expected


def walk(
    world: World, query: Query, size: int, between: Callable[[], None] = lambda: None
) -> Iterator[str]:
    cursor: str | None = ""
    while cursor is not None:
        found = world.found(query, size, cursor=cursor)
        assert len(found.rows) <= size
        yield from (row.id for row in found.rows)
        cursor = found.next_cursor
        between()


@pytest.mark.parametrize("filter", [None, "active eq true", 'title eq "clerk"'])
def test_totals_pages_and_cursors_agree(world: World, filter: str | None) -> None:
    query = Query.parse(USERS, filter)
    matches = parse_filter(filter).matches if filter else lambda _: True
    expected = [each["id"] for each in world.people if matches(each)]

    assert list(walk(world, query, 2)) == expected
    assert [
        id for start in (1, 4, 7, 10, 13) for id in world.ids(query, 3, start=start)
    ] == expected
    for size, start in ((0, 1), (2, 1), (1000, 1), (3, 3), (5, 100)):
        found = world.found(query, size, start=start)
        assert found.total == len(expected)
        assert [row.id for row in found.rows] == expected[start - 1 :][:size]


def test_the_last_page_by_cursor_has_no_next_one(world: World) -> None:
    everybody = len(world.people)
    query = Query.parse(USERS, None)

    assert world.found(query, everybody, cursor="").next_cursor is None
    assert world.found(query, everybody - 1, cursor="").next_cursor is not None


def test_cursors_meet_everybody_who_stays_whatever_comes_and_goes(tenant: Tenant) -> None:
    ids = [push_user(tenant, f"u{n}").id for n in range(30)]
    world = World(tenant, Cursors(tenant.store), [], [])
    going = iter(ids[:30:3])
    seen: set[str] = set()

    def between() -> None:
        id = next(going, None)
        if id is not None:
            users.delete(tenant, id)
            push_user(tenant, f"new-{id}")

    walked = list(walk(world, Query.parse(USERS, None), 4, between))

    seen.update(walked)
    assert len(walked) == len(seen)
    assert {id for n, id in enumerate(ids) if n % 3} <= seen


def test_pages_by_index_meet_everybody_while_others_are_created_and_changed(tenant: Tenant) -> None:
    ids = [push_user(tenant, f"u{n}").id for n in range(20)]
    world, query = World(tenant, Cursors(tenant.store), [], []), Query.parse(USERS, None)
    walked: list[str] = []

    while len(walked) < (found := world.found(query, 4, start=len(walked) + 1)).total:
        walked += [row.id for row in found.rows]
        if found.total < 26:
            push_user(tenant, f"new{found.total}")
            patch_user(tenant, ids[0], operation("replace", "title", f"t{found.total}"))

    assert len(walked) == len(set(walked)) == 26
    assert walked[:20] == ids


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: ("A" if text[0] != "A" else "B") + text[1:],
        lambda text: text + "A",
        lambda text: text[:8],
        lambda text: "%%%",
        lambda text: "ž",
        lambda text: "A" * 100_000,
    ],
)
def test_a_cursor_that_was_tampered_with_is_refused(world: World, spoil: Any) -> None:
    query = Query.parse(USERS, None)
    cursor = world.found(query, 2, cursor="").next_cursor
    assert cursor is not None

    with pytest.raises(ScimError) as refused:
        world.found(query, 2, cursor=spoil(cursor))

    assert (refused.value.status, refused.value.scim_type) == (400, "invalidCursor")


def test_a_cursor_is_good_for_its_own_query_and_sync_alone(world: World, tenant: Tenant) -> None:
    cursor = world.found(Query.parse(USERS, None), 2, cursor="").next_cursor
    elsewhere = World(tenant, world.cursors, [], [])

    for where, query in (
        (world, Query.parse(USERS, "active eq true")),
        (world, Query.parse(USERS, None, "title")),
        (world, Query.parse(GROUPS, None)),
        (elsewhere, Query.parse(USERS, None)),
    ):
        with pytest.raises(ScimError, match="another query"):
            where.found(query, 2, cursor=cursor)


def test_another_process_goes_on_with_a_cursor(world: World) -> None:
    query = Query.parse(USERS, None)
    cursor = world.found(query, 2, cursor="").next_cursor
    process = world._replace(cursors=Cursors(world.tenant.store))

    assert process.ids(query, 2, cursor=cursor) == [each["id"] for each in world.people[2:4]]


@pytest.mark.parametrize(
    ("filter", "sort_by", "scim_type"),
    [
        ("userName eq", None, "invalidFilter"),
        ('nope eq "x"', None, "invalidFilter"),
        ("name.givenName gt 5", None, "invalidFilter"),
        ('password eq "x"', None, "invalidFilter"),
        ('userName pr or not (password eq "x")', None, "invalidFilter"),
        (None, "nope", "invalidValue"),
        (None, "name", "invalidValue"),
        (None, "password", "invalidValue"),
    ],
)
def test_what_is_not_understood_is_refused(
    filter: str | None, sort_by: str | None, scim_type: str
) -> None:
    with pytest.raises(ScimError) as refused:
        Query.parse(USERS, filter, sort_by)

    assert (refused.value.status, refused.value.scim_type) == (400, scim_type)


def test_a_search_without_an_index_is_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "MAX_SCANNED", 5)

    with pytest.raises(ScimError, match="narrow the filter") as refused:
        world.found(Query.parse(USERS, 'title eq "clerk"'))
    narrowed = world.found(Query.parse(USERS, 'title eq "clerk" and userName sw "eva"'))

    assert (refused.value.status, refused.value.scim_type) == (400, "tooMany")
    assert narrowed.total == 1


def test_a_short_filter_is_read_once_and_a_long_one_is_not_remembered() -> None:
    short, long = 'displayName eq "Sales"', f'displayName eq "{"x" * 500}"'

    assert Query.parse(USERS, short) is Query.parse(USERS, short)
    assert Query.parse(USERS, long) is not Query.parse(USERS, long)
    assert Query.parse(USERS, long).text == Query.parse(USERS, long).text


def test_the_same_filter_is_another_query_of_each_kind_and_in_each_database() -> None:
    filter = 'displayName co "sales"'
    users, groups = Query.parse(USERS, filter), Query.parse(GROUPS, filter)

    wheres = [
        each.said(postgresql=kind).where for each in (users, groups) for kind in (True, False)
    ]

    assert len(set(wheres)) == 4
    assert users.said(postgresql=True) is users.said(postgresql=True)
    assert Query.parse(USERS, filter, "userName") is not Query.parse(
        USERS, filter, "userName", descending=True
    )
