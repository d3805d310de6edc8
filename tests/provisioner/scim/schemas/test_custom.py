"""Schema extensions of an operator's own."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from provisioner.scim.incoming import read_resource
from provisioner.scim.schemas import Extension, Registry
from provisioner.scim.schemas.custom import ExtensionSchema, SchemaOptions, registry_of

BADGE = "urn:example:badge:2.0:User"


def loaded(**members: Any) -> Any:
    return ExtensionSchema().load({"id": BADGE, "attributes": [{"name": "number"}], **members})


def test_a_schema_copied_from_discovery_is_read_as_it_is() -> None:
    document = next(d for d in Registry.make().schema_documents() if "enterprise" in d["id"])

    copied = ExtensionSchema().load(document | {"id": BADGE})
    again = next(d for d in Registry.make([copied]).schema_documents() if d["id"] == BADGE)

    assert again["attributes"] == document["attributes"]


def test_its_attributes_are_read_checked_and_listed() -> None:
    attributes = [
        {"name": "number", "type": "integer", "required": True},
        {"name": "doors", "multiValued": True},
    ]
    registry = Registry.make([loaded(attributes=attributes)])
    body = {"userName": "eva", BADGE: {"NUMBER": "7", "doors": ["a", "", "b", "a"]}}

    resource = read_resource(body, registry.user, registry)

    assert resource[BADGE] == {"number": 7, "doors": ["a", "b"]}
    assert BADGE in resource["schemas"]
    assert registry.user.schema.find(f"{BADGE.upper()}:number") is not None
    listed = registry.resource_type_documents()[0]["schemaExtensions"]
    assert {"schema": BADGE, "required": False} in listed


def test_an_extension_of_groups_is_none_of_users() -> None:
    registry = Registry.make([loaded(resourceType="Group")])

    assert registry.group.schema.find(f"{BADGE}:number")
    assert registry.user.schema.find(f"{BADGE}:number") is None


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"id": "badge"}, ["id"]),
        ({"id": "urn:x:has blank"}, ["id"]),
        ({"attributes": []}, ["attributes"]),
        ({"attributes": [{"name": "a"}, {"name": "A"}]}, ["attributes"]),
        ({"attributes": [{"name": "a b", "type": "text"}]}, ["attributes", 0, "name", "type"]),
        ({"attributes": [{"name": "a", "type": "complex"}]}, ["attributes", 0, "subAttributes"]),
        (
            {"attributes": [{"name": "a", "subAttributes": [{"name": "b"}]}]},
            ["attributes", 0, "subAttributes"],
        ),
        ({"attributes": [{"name": "a", "multivalued": True}]}, ["attributes", 0, "multivalued"]),
        ({"vendor": 1}, ["vendor"]),
        ({"resourceType": "Device"}, ["resourceType"]),
    ],
)
def test_what_no_extension_can_be_is_told_by_member(members: Any, wrong: list[Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        loaded(**members)

    assert all(f"{each!r}" in repr(refused.value.messages) for each in wrong)


def test_config_gives_a_registry() -> None:
    given = {"unknown": "refuse", "extensions": [{"id": BADGE, "attributes": [{"name": "n"}]}]}

    registry = registry_of(SchemaOptions().load(given))

    assert registry.unknown == "refuse"
    assert registry.user.schema.find(f"{BADGE}:n")
    assert registry_of(SchemaOptions().load({})).unknown == "ignore"


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"unknown": "keep"}, {"unknown"}),
        ({"extensions": [{"id": BADGE, "attributes": [{"name": "n"}]}] * 2}, {"extensions"}),
        (
            {"extensions": [{"id": "urn:scim:schemas:core:1.0", "attributes": [{"name": "n"}]}]},
            {"extensions"},
        ),
    ],
)
def test_options_that_contradict_themselves_are_told(options: Any, wrong: set[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        SchemaOptions().load(options)
    assert isinstance(refused.value.messages, dict)
    assert refused.value.messages.keys() == wrong


def test_a_urn_that_is_known_already_is_refused() -> None:
    for uri in ("urn:ietf:params:scim:schemas:core:2.0:User", "urn:scim:schemas:core:1.0"):
        with pytest.raises(ValueError, match="there already"):
            Registry.make([Extension(uri, "X", ())])
    with pytest.raises(ValueError, match="there already"):
        Registry.make([loaded(), loaded(resourceType="Group")])
