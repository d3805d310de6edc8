"""Who is in which groups: the same whichever side of a SCIM service tells it."""

from __future__ import annotations

import pytest
from flask import Response, request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import ReadRefused, RunError
from connectors.records import Person
from provisioner.simulators.scim_service import Style
from tests.connectors.directory.scim_services import (
    Resource,
    answering,
    directory,
    group,
    groups_of,
    listing,
    nothing,
    service,
    user,
    users,
)

NAMELESS = Style(user_groups="none")

NESTED = [
    group("outer", {"value": "inner", "type": "Group"}),
    group("inner", "u1", {"value": "u2", "type": "User"}, {"value": "circle", "type": "group"}),
    group("circle", "u3", {"value": "inner", "$ref": "https://x/v2/Groups/inner"}),
    group("empty"),
]
EVERYWHERE = {"Group inner", "Group outer", "Group circle"}
MEMBERSHIPS = {"e0": set(), "e1": EVERYWHERE, "e2": EVERYWHERE, "e3": EVERYWHERE}


@pytest.mark.parametrize("how", ["full", "ids", "none"])
@pytest.mark.parametrize("pages", ["index", "cursor"])
def test_memberships_are_the_same_whichever_side_tells_them(how: str, pages: str) -> None:
    with service(users(4), NESTED, style=Style(user_groups=how)) as (base, _):
        read = list(directory(base, pages=pages).read())

    assert groups_of(read) == MEMBERSHIPS


@pytest.mark.parametrize(
    ("how", "inherited"),
    [
        ("full", {"Group inner": None, "Group circle": "", "Group outer": ""}),
        ("none", {"Group inner": None, "Group circle": "inner", "Group outer": "inner"}),
    ],
)
def test_inherited_groups_are_told_from_direct_ones(
    how: str, inherited: dict[str, str | None]
) -> None:
    """The Users say which are inherited, the Groups through which other one, too."""
    with service(users(2), NESTED, style=Style(user_groups=how)) as (base, _):
        _, person = directory(base).read()

    assert isinstance(person, Person)
    assert {
        g["display"]: g.get("via", "") if g.get("type") == "indirect" else None
        for g in person.resource["groups"]
    } == inherited


@pytest.mark.parametrize("how", ["full", "none"])
def test_without_nesting_only_direct_members_count(how: str) -> None:
    with service(users(4), NESTED, style=Style(user_groups=how)) as (base, _):
        read = list(directory(base, nested_groups=False).read())

    assert groups_of(read) == {
        "e0": set(),
        "e1": {"Group inner"},
        "e2": {"Group inner"},
        "e3": {"Group circle"},
    }


def test_groups_are_not_asked_for_where_users_show_theirs() -> None:
    with service(users(30), [group("g", "u29")]) as (base, asked):
        list(directory(base).read())

    assert not [each for each in asked if "/Groups" in each]


def test_group_names_are_asked_for_once_and_without_members() -> None:
    with service(users(4), NESTED, style=Style(user_groups="ids")) as (base, asked):
        list(directory(base).read())

    wanted = [each for each in asked if "/Groups" in each]
    assert len(wanted) == 2  # the page, and what stands behind its end
    assert all("excludedAttributes=members" in each for each in wanted)


def test_members_left_out_of_lists_are_asked_for_group_by_group() -> None:
    style = Style(user_groups="none", group_members=False)
    with service(users(4), NESTED, style=style) as (base, _):
        assert groups_of(list(directory(base).read())) == MEMBERSHIPS


def test_memberships_that_only_later_users_show_count_beside_the_groups() -> None:
    people = [*users(120), user(120, groups=[{"value": "dynamic", "display": "Dynamic"}])]
    groups = [group("g", "u0", "u120")]

    def answer(path: str) -> Response:
        if path not in ("Users", "Groups"):
            return nothing(path)
        found = people if path == "Users" else groups
        start = int(request.args["startIndex"])
        return listing(*found[start - 1 : start + 99], totalResults=len(found))

    with answering(answer) as base:
        read = groups_of(list(directory(base, page_size=100).read()))

    assert (read["e0"], read["e1"]) == ({"Group g"}, set())
    assert read["e120"] == {"Group g", "Dynamic"}


def test_a_service_without_groups_has_none() -> None:
    with service(users(4), style=NAMELESS, absent=frozenset({"Groups"})) as (base, _):
        directory(base).check()
        assert groups_of(list(directory(base).read())) == {f"e{n}": set() for n in range(4)}


def test_a_service_that_must_have_groups_and_has_none_stops_the_run() -> None:
    with service(users(4), style=NAMELESS, absent=frozenset({"Groups"})) as (base, _):
        hr = directory(base, memberships="groups")
        for ask in (hr.check, lambda: list(hr.read())):
            with pytest.raises(RunError, match="GET Groups was answered 404"):
                ask()


def test_groups_that_may_not_be_read_stop_the_run_and_are_named() -> None:
    with service(users(4), NESTED, style=NAMELESS, denied=frozenset({"Groups"})) as (base, _):
        for ask in (directory(base).check, lambda: list(directory(base).read())):
            with pytest.raises(RunError, match="the token may not read Groups"):
                ask()
        unasked = list(directory(base, memberships="none").read())

    assert groups_of(unasked) == {f"e{n}": set() for n in range(4)}


def test_groups_that_come_short_of_their_total_are_refused_before_any_person() -> None:
    def answer(path: str) -> Response:
        if path == "Groups":
            return listing(*NESTED[:2], totalResults=4)
        return listing(*users(4)) if path == "Users" else nothing(path)

    with answering(answer) as base, pytest.raises(ReadRefused, match="gave 2 of 4 Groups"):
        next(directory(base).read())


def test_a_member_listed_twice_is_in_the_group_once() -> None:
    with service(users(2), [group("g", "u1", "u1")], style=NAMELESS) as (base, _):
        _, person = directory(base, nested_groups=False).read()

    assert isinstance(person, Person)
    assert person.resource["groups"] == [{"value": "g", "display": "Group g"}]


def test_a_group_without_a_name_goes_by_its_id_and_one_without_either_is_passed_over() -> None:
    groups: list[Resource] = [
        {"id": "g1", "members": [{"value": "u1"}]},
        {"displayName": "Nameless id", "members": ["u1"]},
        {"members": [{"value": "u1"}]},
    ]

    def answer(path: str) -> Response:
        found = {"Users": users(2), "Groups": groups}.get(path)
        return listing(*found) if found else nothing(path)

    with answering(answer) as base:
        read = list(directory(base).read())

    assert groups_of(read) == {"e0": set(), "e1": {"g1", "Nameless id"}}


def test_a_user_and_a_group_with_one_id_are_not_mixed_up() -> None:
    people = [user(1, id="1"), user(2, id="2")]
    groups = [group("1", "2"), group("2", {"value": "1"})]

    def answer(path: str) -> Response:
        found = {"Users": people, "Groups": groups}.get(path)
        return listing(*found) if found else nothing(path)

    with answering(answer) as base:
        read = list(directory(base).read())

    assert groups_of(read) == {"e1": {"Group 2"}, "e2": {"Group 1"}}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.lists(st.integers(0, 9) | st.sampled_from(["g0", "g1", "g2", "g3"]), max_size=8),
        min_size=4,
        max_size=4,
    )
)
def test_both_sides_agree_on_any_nesting(members: list[list[int | str]]) -> None:
    groups = [
        group(
            f"g{number}",
            *({"value": m, "type": "Group"} if isinstance(m, str) else f"u{m}" for m in inside),
        )
        for number, inside in enumerate(members)
    ]
    with service(users(10), groups) as (base, _):
        from_users = list(directory(base, memberships="users").read())
        from_groups = list(directory(base, memberships="groups").read())

    assert groups_of(from_users) == groups_of(from_groups)
