"""What a person of a sync may have."""

from __future__ import annotations

from typing import Any

from connectors.scim_filter import parse_filter
from provisioner.people_schema import added_names, people_schema
from provisioner.scim.schemas.custom import ExtensionSchema

BADGE = "urn:example:badge:2.0:User"
WRITTEN = {"id": BADGE, "attributes": [{"name": "number", "type": "integer"}]}


def test_it_is_a_user_with_the_columns_and_extensions_of_all_directories() -> None:
    loaded = ExtensionSchema().load(WRITTEN)
    columns: dict[str, Any] = {"Kst": "costCentre", "Mail": "email"}

    for extension in (loaded, WRITTEN):
        schema = people_schema([{"columns": columns}, {"extensions": [extension]}, {}])
        assert schema.resolve("COSTCENTRE") == "costCentre"
        assert schema.resolve(f"{BADGE.upper()}:NUMBER") == f"{BADGE}:number"
        holds = parse_filter(f"{BADGE}:number gt 6", schema).matches
        assert holds({BADGE: {"number": 7}})
        assert not holds({BADGE: {"number": 6}})


def test_what_is_wrong_in_options_is_left_out() -> None:
    options: dict[str, Any] = {"columns": ["x"], "extensions": [{"id": "no urn"}, 7]}

    assert people_schema([options, {"extensions": "x"}]) is people_schema([])


def test_an_extension_of_groups_is_none_of_people() -> None:
    assert people_schema([{"extensions": [WRITTEN | {"resourceType": "Group"}]}]) is people_schema(
        []
    )


def test_only_bare_new_names_are_added() -> None:
    columns = {"a": "costCentre", "b": "email", "c": "name.givenName", "d": "x.y", "e": "x y"}

    assert added_names([columns, None]) == {"costCentre"}
