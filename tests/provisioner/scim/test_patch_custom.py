"""PATCH on attributes that only a schema of one's own has, and at the limits."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.scim_attribute import Attribute
from connectors.scim_phone import PHONE
from provisioner.scim.errors import ScimError
from provisioner.scim.incoming import read_resource
from provisioner.scim.membership import Add, Remove, RemoveWhere
from provisioner.scim.operations import parse_operations
from provisioner.scim.schemas import Extension, Registry
from tests.provisioner.scim.patched import REGISTRY, after, of_group, op, person

DESK = "urn:example:desk:2.0:User"
ATTRIBUTES = (
    Attribute("badge", mutability="immutable"),
    Attribute("doors", multi_valued=True),
    Attribute(
        "keys",
        "complex",
        multi_valued=True,
        sub=(
            Attribute("value", mutability="immutable"),
            Attribute("room", required=True),
            Attribute("floors", multi_valued=True),
        ),
    ),
    Attribute(
        "locker",
        "complex",
        sub=(Attribute("number", required=True), Attribute("lock", mutability="immutable")),
    ),
    Attribute("pin", mutability="writeOnly", returned="never"),
    Attribute("seat", mutability="readOnly"),
)
CUSTOM = Registry.make([Extension(DESK, "Desk", ATTRIBUTES)])


def at_desk(**attributes: Any) -> dict[str, Any]:
    return read_resource({"userName": "eva", DESK: attributes}, CUSTOM.user, CUSTOM)


def patched(resource: dict[str, Any], *operations: Any) -> Any:
    return after(resource, *operations, registry=CUSTOM).get(DESK)


def test_an_immutable_attribute_is_set_once_and_stays() -> None:
    assert patched(at_desk(), op("add", f"{DESK}:badge", "7")) == {"badge": "7"}
    for same in (op("replace", f"{DESK}:badge", "7"), op("add", DESK, {"badge": "7"})):
        assert patched(at_desk(badge="7"), same) == {"badge": "7"}
    for other in (
        op("replace", f"{DESK}:badge", "8"),
        op("remove", f"{DESK}:badge"),
        op("remove", DESK),
    ):
        with pytest.raises(ScimError) as refused:
            patched(at_desk(badge="7"), other)
        assert refused.value.scim_type == "mutability"


def test_an_immutable_part_of_a_value_stays_as_long_as_the_value() -> None:
    before = at_desk(keys=[{"value": "k1", "room": "A"}, {"value": "k2", "room": "B"}])

    with pytest.raises(ScimError) as refused:
        patched(before, op("replace", f'{DESK}:keys[room eq "A"].value', "k3"))

    assert refused.value.scim_type == "mutability"
    assert patched(before, op("remove", f'{DESK}:keys[room eq "A"]')) == {
        "keys": [{"value": "k2", "room": "B"}]
    }


def test_an_immutable_part_of_the_only_value_is_set_once_and_may_be_said_again() -> None:
    lock, bare = f"{DESK}:locker.lock", at_desk(locker={"number": "1"})
    locked = at_desk(locker={"number": "1", "lock": "a"})

    assert patched(bare, op("add", lock, "a")) == patched(locked, op("replace", lock, "a"))
    with pytest.raises(ScimError) as refused:
        patched(locked, op("replace", lock, "b"))
    assert refused.value.scim_type == "mutability"


def test_a_required_part_of_the_only_value_must_be_there_in_the_end() -> None:
    with pytest.raises(ScimError, match=r"locker\.number is required"):
        patched(at_desk(), op("add", f"{DESK}:locker.lock", "a"))


def test_a_required_attribute_keeps_a_value() -> None:
    parts = (Attribute("value"), Attribute("type"))
    desks = Attribute("desks", "complex", multi_valued=True, required=True, sub=parts)
    registry = Registry.make([Extension(DESK, "Desk", (desks,))])
    held = {"userName": "eva", DESK: {"desks": [{"value": "1", "type": "own"}]}}

    with pytest.raises(ScimError, match="desks is required"):
        after(held, op("remove", f'{DESK}:desks[type eq "own"].value'), registry=registry)


def test_a_whole_extension_is_removed_but_for_what_is_not_the_clients_and_the_core_is_not() -> None:
    held = {"userName": "eva", DESK: {"doors": ["a"], "seat": "4"}}

    assert patched(held, op("remove", DESK)) == {"seat": "4"}
    with pytest.raises(ScimError) as refused:
        patched(held, op("remove", "urn:ietf:params:scim:schemas:core:2.0:User"))
    assert refused.value.scim_type == "mutability"


def test_an_extension_that_repeats_its_own_name_is_not_strange_to_whoever_refuses_the_unknown() -> (
    None
):
    strict = Registry.make([Extension(DESK, "Desk", ATTRIBUTES)], "refuse")
    said = {"schemas": [DESK], "doors": ["a"]}

    assert after(at_desk(), op("add", DESK, said), registry=strict)[DESK] == {"doors": ["a"]}


def test_a_required_part_must_be_there_in_the_end() -> None:
    key = f'{DESK}:keys[value eq "k1"]'

    made = patched(at_desk(), op("add", f"{key}.floors", ["1", "2"]), op("add", f"{key}.room", "A"))

    assert made == {"keys": [{"value": "k1", "floors": ["1", "2"], "room": "A"}]}
    with pytest.raises(ScimError, match=r"keys\.room is required"):
        patched(at_desk(), op("add", f"{key}.floors", ["1"]))


def test_equal_values_of_several_parts_are_one() -> None:
    key = {"value": "k1", "room": "A", "floors": ["1", "2"]}

    assert at_desk(keys=[key, dict(key)])[DESK] == {"keys": [key]}


def test_what_clients_may_only_write_is_checked_and_forgotten_and_what_they_may_not_is_refused() -> (
    None
):
    assert patched(at_desk(), op("add", f"{DESK}:pin", "1234")) is None
    assert at_desk(pin="1234", seat="x").get(DESK) is None
    with pytest.raises(ScimError) as refused:
        patched(at_desk(), op("add", f"{DESK}:seat", "x"))
    assert refused.value.scim_type == "mutability"


def test_plain_values_are_added_once_removed_by_value_and_named_with_or_without_value() -> None:
    doors = f"{DESK}:doors"
    before = at_desk(doors=["a", "b"])

    assert patched(before, op("add", doors, ["b", "c", "c"])) == {"doors": ["a", "b", "c"]}
    assert patched(before, op("add", doors, "c")) == {"doors": ["a", "b", "c"]}
    assert patched(before, op("remove", doors, ["a", "z"])) == {"doors": ["b"]}
    assert patched(before, op("replace", f"{doors}.value", ["c"])) == {"doors": ["c"]}
    assert patched(before, op("add", f'{doors}[value eq "c"]', "c")) == {"doors": ["a", "b", "c"]}
    assert patched(before, op("replace", f'{doors}[value eq "a"]', "")) == {"doors": ["b"]}
    assert after(before, op("replace", doors, ["b", "a"]), registry=CUSTOM) == before


def test_the_whole_extension_is_set_in_parts_and_unset_as_a_whole() -> None:
    before = at_desk(badge="7", doors=["a"])

    assert patched(before, op("add", DESK, {"doors": ["b"]})) == {"badge": "7", "doors": ["a", "b"]}
    assert patched(at_desk(doors=["a"]), op("remove", DESK)) is None
    assert patched(at_desk(doors=["a"]), op("replace", DESK, "")) is None
    assert patched(at_desk(doors=["a"]), op("replace", None, {DESK: None})) is None


def test_a_core_urn_alone_is_the_same_as_no_path() -> None:
    core = "urn:ietf:params:scim:schemas:core:2.0:User"

    assert after(person(), op("add", core, {"title": "x"})) == person(title="x")
    assert after(person(), op("add", None, [{core: {"title": "x"}}])) == person(title="x")


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        ([op("add", "title", "x")] * 1001, 413),
        ([op("remove", "addresses", [{"locality": str(n)} for n in range(500)])] * 11, 413),
        ([op("remove", f"addresses[{' or '.join(['locality pr'] * 500)}]")] * 10, 413),
        ([op("remove", "members")] * 10_001, 413),
        ([op("add", None, {f"x{n}": 1 for n in range(2001)})], 400),
        ([op("add", "emails", [{"value": str(n)} for n in range(501)])], 400),
        ([op("add", f"{PHONE}:packages", [str(n) for n in range(501)])], 400),
        ([op("add", f'emails[value eq "{n}"].type', "x") for n in range(501)], 400),
        ([op("add", "emails", {"value": str(n)}) for n in range(501)], 400),
        ([op("add", "title", "x" * 70_000)], 400),
    ],
)
def test_more_than_anybody_needs_is_refused(operations: list[Any], status: int) -> None:
    with pytest.raises(ScimError) as refused:
        after(person(), *operations)

    assert refused.value.status == status


def test_ten_thousand_members_in_as_many_operations_are_one_step() -> None:
    everybody = tuple(f"u{n}" for n in range(10_000))

    made = of_group(*(op("add", "members", [{"value": each}]) for each in everybody))

    assert made.steps == [Add(everybody)]


def test_a_limit_may_be_lower() -> None:
    with pytest.raises(ScimError) as refused:
        parse_operations(
            {"Operations": [op("remove", "title")] * 6}, REGISTRY.user, REGISTRY, most=5
        )
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("operation", "steps"),
    [
        (op("replace", 'members[value eq "a"]', {"value": "b"}), [Remove(("a",)), Add(("b",))]),
        (op("replace", 'members[value eq "a"]', {"value": "a"}), [Add(("a",))]),
        (op("replace", 'members[value eq "a"]', None), [Remove(("a",))]),
        (op("add", 'members[value eq "a"]', None), []),
        (op("add", 'members[value eq "a"].type', "User"), [Add(("a",))]),
        (op("add", 'members[value eq "a"].value', "a"), [Add(("a",))]),
        (op("add", "members.value", "a"), [Add(("a",))]),
    ],
)
def test_unusual_ways_to_name_a_member_come_to_the_same(operation: Any, steps: Any) -> None:
    assert of_group(operation).steps == steps


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", "members.type", "User"),
        op("remove", 'members[value eq "a"].type'),
        op("remove", "members.display"),
    ],
)
def test_parts_of_a_membership_cannot_be_changed(operation: Any) -> None:
    with pytest.raises(ScimError) as refused:
        of_group(operation)
    assert refused.value.scim_type == "mutability"


def test_a_filter_of_another_kind_among_ids_is_left_to_the_store() -> None:
    for brackets in ('value eq "a" and type eq "User"', "value eq null", 'value co "a"'):
        (step,) = of_group(op("remove", f"members[{brackets}]")).steps
        assert isinstance(step, RemoveWhere)
        assert str(step.path.part) == brackets
