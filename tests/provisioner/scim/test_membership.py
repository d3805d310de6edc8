"""PATCH on a group: its membership as set deltas."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.scim.errors import ScimError
from provisioner.scim.membership import Add, Remove, RemoveAll, RemoveWhere, Replace
from tests.provisioner.scim.patched import of_group, op


def ids(*names: str) -> list[dict[str, Any]]:
    return [{"value": name} for name in names]


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        (op("Add", "members", ids("a", "b")), Add(("a", "b"))),
        (op("add", "members", {"value": "a"}), Add(("a",))),
        (op("add", "members", ["a", "b", "a"]), Add(("a", "b"))),
        (op("add", None, {"members": ids("a")}), Add(("a",))),
        (op("add", 'members[value eq "a"]', {}), Add(("a",))),
        (op("Remove", "members", ids("a", "b")), Remove(("a", "b"))),
        (op("Remove", "members", [{"$ref": None, "value": "a"}]), Remove(("a",))),
        (op("remove", "members.value", "a"), Remove(("a",))),
        (op("remove", "members.value", ["a", "b"]), Remove(("a", "b"))),
        (op("remove", 'members[value eq "a"]'), Remove(("a",))),
        (op("remove", 'members[value eq "a" or value eq "b"]'), Remove(("a", "b"))),
        (op("remove", "members"), RemoveAll()),
        (op("replace", "members", []), RemoveAll()),
        (op("replace", "members", None), RemoveAll()),
        (op("replace", None, {"members": []}), RemoveAll()),
        (op("replace", "members", ids("a")), Replace(("a",))),
    ],
)
def test_every_way_to_say_it_is_one_step(operation: Any, step: Any) -> None:
    made = of_group(operation)

    assert made.steps == [step]
    assert made.document_operations == []


@pytest.mark.parametrize(
    "operation",
    [
        op("remove", "members", []),
        op("remove", "members.value", []),
        op("add", "members", []),
        op("add", "members", None),
    ],
)
def test_an_empty_list_never_empties_the_group(operation: Any) -> None:
    assert of_group(operation).steps == []


def test_a_filter_on_something_else_than_ids_is_left_to_the_store() -> None:
    (step,) = of_group(op("remove", 'members[type eq "Group"]')).steps

    assert isinstance(step, RemoveWhere)
    assert str(step.path.part) == 'type eq "Group"'
    assert step.matches({"value": "a", "type": "Group"})
    assert not step.matches({"value": "a", "type": "User"})


def test_neighbouring_steps_of_one_kind_are_one_and_their_order_stays() -> None:
    made = of_group(
        op("add", "members", ids("a")),
        op("add", "members", ids("b", "a")),
        op("remove", "members", ids("a")),
        op("remove", 'members[value eq "c"]'),
        op("add", "members", ids("a")),
    )

    assert made.steps == [Add(("a", "b")), Remove(("a", "c")), Add(("a",))]


def test_what_a_later_replacement_overrules_is_left_out() -> None:
    made = of_group(
        op("add", "members", ids("a")),
        op("replace", "members", ids("b")),
        op("add", "members", ids("c")),
    )

    assert made.steps == [Replace(("b", "c"))]


def test_a_group_is_renamed_by_its_id_and_display_name() -> None:
    """Okta, "SCIM 2.0": an update of a group's name is a path-less replace that repeats the id."""
    made = of_group(op("replace", None, {"id": "g1", "displayName": "Sales"}))

    assert [(each.path.text, each.value) for each in made.document_operations] == [
        ("id", "g1"),
        ("displayName", "Sales"),
    ]
    assert made.steps == []


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        (op("replace", 'members[value eq "a"].value', "b"), "mutability"),
        (op("add", 'members[value eq "a"].display', "b"), "mutability"),
        (op("remove", "members.value"), "mutability"),
        (op("add", 'members[type eq "User"]', {"value": "b"}), "noTarget"),
        (op("add", "members", [{"type": "User", "display": "x"}, {"$ref": "y"}]), "invalidValue"),
        (op("add", "members", [7]), "invalidValue"),
    ],
)
def test_what_no_membership_can_be_is_refused(operation: Any, scim_type: str) -> None:
    with pytest.raises(ScimError) as refused:
        of_group(operation)

    assert refused.value.scim_type == scim_type
