"""Call delegation in the plan: what both sides need first, limits, and common areas as delegates."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import PhoneUser
from tests.provisioner.plan.office import Office, full, only, person, told, user

HELPED = "rules: [{name: helped, when: 'title eq \"Boss\"', give: {delegates: [DELEGATE]}}]"
EVERYBODY = """\
rules:
- {name: all, when: 'not (title eq "Former")', give: {license: phone, packages: [basic]}}
- {name: helped, when: 'title eq "Boss"', give: {delegates: [jan]}}
"""


def office(*users: PhoneUser, delegate: str = "jan", **members: Any) -> Office:
    mapping = HELPED.replace("DELEGATE", delegate)
    people = [person("eva", title="Boss"), person("jan")]
    return Office(mapping=mapping, people=people, users=users).but(**members)


def test_both_sides_hold_license_and_package_before_the_delegation() -> None:
    plan = office(user("eva"), user("jan"), mapping=EVERYBODY).plan()

    add = only(plan.changes, "delegate.add")
    first = {c.seq for c in plan.changes if c.kind in ("license.assign", "package.assign")}
    assert first == set(add.needs)
    assert len(first) == 4


def test_a_side_that_has_no_license_or_no_package_is_named_in_the_reason() -> None:
    bare = user("jan", license="phone")

    for users, words in (
        ([full("eva"), user("jan")], "jan@example.org has no phone license"),
        ([full("eva"), bare], "jan@example.org has no calling package"),
        ([user("eva", license="phone"), full("jan")], "eva@example.org has no calling package"),
    ):
        blocked = only(office(*users).plan().blocked, "delegate.add")
        assert words in str(blocked.reason)


def test_a_common_area_may_be_a_delegate_by_its_name_and_a_room_may_not() -> None:
    lobby = PhoneUser("a1", kind="common_area", display_name="Lobby")
    board = PhoneUser("r1", kind="room", display_name="Board")

    plan = office(full("eva"), lobby, delegate="LOBBY").plan()
    assert only(plan.changes, "delegate.add").after == "Lobby"

    plan = office(full("eva"), board, delegate="Board").plan()
    assert "no person and no common area is called 'Board'" in str(plan.blocked[0].reason)


def test_a_name_that_several_common_areas_have_is_no_delegate() -> None:
    areas = [PhoneUser(f"a{n}", kind="common_area", display_name="Lobby") for n in (1, 2)]

    plan = office(full("eva"), *areas, delegate="Lobby").plan()

    assert "several common areas are called 'Lobby'" in str(plan.blocked[0].reason)


def test_a_delegate_who_loses_the_license_in_scope_is_taken_off_their_delegators_first() -> None:
    people = [person("eva", title="Boss"), person("jan", title="Former")]
    users = [full("eva", delegates=("jan@example.org",)), full("jan")]

    plan = office(*users, people=people, mapping=EVERYBODY).plan()

    removal, license = only(plan.changes, "delegate.remove"), only(plan.changes, "license.remove")
    assert told([removal]) == [("delegate.remove", "eva", "jan@example.org", None)]
    assert removal.seq in license.needs


def test_the_sixteenth_delegate_is_blocked() -> None:
    helpers = tuple(f"h{n}@example.org" for n in range(15))
    mapping = f"rules: [{{name: r, when: 'title pr', give: {{delegates: [{', '.join([*helpers, 'jan'])}]}}}}]"

    plan = office(full("eva", delegates=helpers), full("jan"), mapping=mapping).plan()

    assert "at most 15 delegates" in str(only(plan.blocked, "delegate.add").reason)


def test_the_delegates_of_the_rules_that_come_first_have_the_places() -> None:
    late = [f"a{n}@example.org" for n in range(8)]
    first = [f"h{n}@example.org" for n in range(10)]
    mapping = f"""\
rules:
- {{name: first, when: 'title pr', give: {{delegates: [aaa, {", ".join(first)}]}}}}
- {{name: late, when: 'title pr', give: {{delegates: [{", ".join(late)}]}}}}
"""
    users = [
        PhoneUser(each, email=each, license="phone", packages=("basic",)) for each in first + late
    ]

    plan = office(full("eva"), *users, mapping=mapping).plan()

    added = {c.after for c in plan.changes if c.kind == "delegate.add"}
    assert added == {*first, *late[:5]}, "a name that is nobody's takes no place"
    refused = [c for c in plan.blocked if c.after in late]
    assert {c.after for c in refused} == set(late[5:])
    assert {str(c.reason) for c in refused} == {
        "a delegator has at most 15 delegates there, and those of rule first (mapping.yaml:3)"
        " and rule late (mapping.yaml:4) come first: take one away"
    }


def test_whom_a_delegate_answers_for_is_decided_by_the_order_of_rules_then_by_key() -> None:
    people = [*(person(f"a{n}", title="Clerk") for n in range(10)), person("jan")]
    people += [person(f"b{n}", title="Boss") for n in range(10)]
    mapping = """\
rules:
- {name: bosses, when: 'title eq "Boss"', give: {delegates: [jan]}}
- {name: clerks, when: 'title eq "Clerk"', give: {delegates: [jan]}}
"""
    users = [full(each.key) for each in people]

    plan = Office(mapping=mapping, people=people, users=users).plan()

    added = {c.key for c in plan.changes if c.kind == "delegate.add"}
    assert added == {*(f"b{n}" for n in range(10)), *(f"a{n}" for n in range(5))}
    assert {str(c.reason) for c in plan.blocked} == {
        "jan@example.org already answers for 15 people, the most that is allowed; those of"
        " rule bosses (mapping.yaml:3) and rule clerks (mapping.yaml:4) come first"
    }


MOVED = EVERYBODY.replace(
    "{name: all, when: 'not (title eq \"Former\")', give: {license: phone, packages: [basic]}}",
    "{name: all, when: 'userName pr', give: {license: phone}}\n"
    "- {name: calls, when: 'not (userType eq \"Store\")', give: {packages: [basic]}}",
)
"""Everybody has the license, and whoever is in the store no package."""


def moved(who: str, *users: PhoneUser) -> Office:
    jobs = {"eva": "Boss", "jan": None}
    people = [
        person(key, title=title, userType="Store" if key == who else None)
        for key, title in jobs.items()
    ]
    return office(*users, people=people, mapping=MOVED)


@pytest.mark.parametrize("who", ["eva", "jan"])
def test_a_delegation_ends_before_either_side_loses_the_last_package(who: str) -> None:
    plan = moved(who, full("eva", delegates=("jan@example.org",)), full("jan")).plan()

    removal, package = only(plan.changes, "delegate.remove"), only(plan.changes, "package.remove")
    assert told([removal]) == [("delegate.remove", "eva", "jan@example.org", None)]
    assert package.key == who
    assert removal.seq in package.needs
    after = moved(who, *(full(k, packages=() if k == who else ("basic",)) for k in ("eva", "jan")))
    assert "has no calling package" in str(only(after.plan().blocked, "delegate.add").reason)


@pytest.mark.parametrize("who", ["eva", "jan"])
def test_no_delegation_is_added_to_a_side_that_loses_the_last_package(who: str) -> None:
    plan = moved(who, full("eva", delegates=()), full("jan")).plan()

    blocked = only(plan.blocked, "delegate.add")
    assert f"{who}@example.org loses the last calling package" in str(blocked.reason)


def test_privileges_are_set_for_delegators_alone() -> None:
    privileges = "{name: may, when: 'title eq \"Boss\"', give: {delegate_privileges: [Answer]}}"
    users = [
        full(key, delegates=delegates, delegate_privileges=("Dial",))
        for key, delegates in (("eva", ()), ("jan", ()), ("zoe", ("jan@example.org",)))
    ]
    people = [person("eva", title="Boss"), person("jan"), person("zoe")]

    plan = office(*users, people=people, mapping=f"{EVERYBODY}- {privileges}\n").plan()
    left = office(*users, people=people, mapping=f"rules:\n- {privileges}\n").plan()

    assert told(c for c in plan.changes if c.kind == "delegation.set") == [
        ("delegation.set", "eva", "Dial", "Answer")
    ], "eva is given a delegate, and zoe loses hers"
    assert told(left.changes) == [("delegation.set", "zoe", "Dial", None)]
