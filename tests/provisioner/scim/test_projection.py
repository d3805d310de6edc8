"""Which attributes an answer has."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import ENTERPRISE
from connectors.scim_attribute import Attribute
from provisioner.scim.projection import Projection
from provisioner.scim.schemas import Extension, Registry
from tests.provisioner.scim.patched import REGISTRY, eva

EVA = {"id": "8c", **eva(), "meta": {"resourceType": "User"}}


def projected(attributes: Any = None, excluded: Any = None) -> dict[str, Any]:
    return Projection.parse(attributes, excluded, REGISTRY.user, REGISTRY).apply(EVA)


def test_by_default_everything_is_in_the_answer() -> None:
    assert projected() == EVA
    assert projected("", "") == EVA


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        ("userName", {"userName"}),
        (["USERNAME", " title "], {"userName", "title"}),
        ("meta", {"meta"}),
        ("nope,name[", set()),
        ("urn:ietf:params:scim:schemas:core:2.0:User:title", {"title"}),
        (ENTERPRISE, {ENTERPRISE}),
        (f"{ENTERPRISE}:manager.value", {ENTERPRISE}),
    ],
)
def test_asked_for_attributes_come_with_those_that_always_do(
    attributes: Any, names: set[str]
) -> None:
    assert projected(attributes).keys() == {"id", "schemas", *names}


def test_a_part_that_is_asked_for_comes_alone() -> None:
    answer = projected(f"emails.value,name.familyName,{ENTERPRISE}:department")

    assert answer["emails"] == [{"value": "eva@example.org"}, {"value": "eva@home.example"}]
    assert answer["name"] == {"familyName": "Malá"}
    assert answer[ENTERPRISE] == {"department": "Sales"}


def test_the_whole_and_a_part_are_the_whole() -> None:
    assert projected("name,name.givenName")["name"] == EVA["name"]
    assert projected("name.givenName,name")["name"] == EVA["name"]


def test_what_is_excluded_is_gone_but_for_what_always_comes() -> None:
    answer = projected(None, f"id,schemas,emails,name.givenName,{ENTERPRISE}:manager,nope")

    assert answer.keys() == EVA.keys() - {"emails"}
    assert answer["name"] == {"familyName": "Malá"}
    assert answer[ENTERPRISE] == {"department": "Sales"}


def test_what_is_excluded_is_taken_from_what_was_asked_for() -> None:
    assert projected("name,title", "name.givenName,title")["name"] == {"familyName": "Malá"}
    assert "title" not in projected("name,title", "title")


def test_whether_members_need_be_loaded_is_known_beforehand() -> None:
    def wants(attributes: Any, excluded: Any) -> bool:
        return Projection.parse(attributes, excluded, REGISTRY.group, REGISTRY).wants("members")

    assert wants(None, None)
    assert wants("members.value", None)
    assert not wants(None, "MEMBERS")
    assert not wants("displayName", None)


def test_custom_attributes_keep_to_what_their_schema_says() -> None:
    parts = (Attribute("seen"), Attribute("asked", returned="request"))
    attributes = (
        Attribute("badge", returned="request"),
        Attribute("pin", returned="never"),
        Attribute("desk", "complex", sub=parts),
    )
    registry = Registry.make([Extension("urn:example:Custom", "Custom", attributes)])
    desk = {"seen": "1", "asked": "2"}
    resource = {"id": "1", "urn:example:Custom": {"badge": "7", "pin": "9", "desk": desk}}

    def custom(attributes: Any) -> Any:
        answer = Projection.parse(attributes, None, registry.user, registry).apply(resource)
        return answer.get("urn:example:Custom")

    assert custom(None) == {"desk": {"seen": "1"}}
    assert custom("urn:example:Custom:badge") == {"badge": "7"}
    assert custom("urn:example:Custom:pin") is None
    assert custom("urn:example:Custom:desk.asked") == {"desk": {"asked": "2"}}
