"""Which attributes an answer has."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import ENTERPRISE
from connectors.scim_attribute import Attribute
from provisioner.scim.errors import ScimError
from provisioner.scim.projection import Projection
from provisioner.scim.schemas import Extension, Registry
from tests.provisioner.scim.patched import REGISTRY, eva

EVA = {"id": "8c", **eva(), "meta": {"resourceType": "User"}}


def projected(attributes: Any = None, excluded: Any = None) -> dict[str, Any]:
    return Projection.parse(attributes, excluded, REGISTRY.user).apply(EVA)


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


def test_five_hundred_names_are_taken_and_one_more_is_refused() -> None:
    names = ["title"] * 500

    assert projected(names) == projected(",".join(names)) == projected("title")
    for many in ([*names, "userName"], ",".join([*names, "userName"])):
        with pytest.raises(ScimError) as refused:
            projected(many)
        assert refused.value.status == 400


def test_a_part_that_is_asked_for_comes_alone() -> None:
    answer = projected(f"emails.value,name.familyName,{ENTERPRISE}:department")

    assert answer["emails"] == [{"value": "eva@example.org"}, {"value": "eva@home.example"}]
    assert answer["name"] == {"familyName": "Malá"}
    assert answer[ENTERPRISE] == {"department": "Sales"}


def test_whoever_asks_for_some_values_gets_the_attribute() -> None:
    """AzureAD/SCIMReferenceCode, its Postman collection, "ComplexAttribute tests": `attributes=emails[type eq
    "work"]`, and the value is looked for in the answer."""
    whole, part = projected("emails"), projected("emails.value")

    assert projected('emails[type eq "work"]') == whole
    assert projected(['emails[value eq "a,b"]']) == whole
    assert projected('emails[type eq "work" or value eq "a,b"].value') == part
    assert projected('emails[type eq "work"].value,title').keys() == {*part, "title"}
    assert projected(None, 'emails[type eq "work"]') == EVA


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
        return Projection.parse(attributes, excluded, REGISTRY.group).wants("members")

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
        answer = Projection.parse(attributes, None, registry.user).apply(resource)
        return answer.get("urn:example:Custom")

    assert custom(None) == {"desk": {"seen": "1"}}
    assert custom("urn:example:Custom:badge") == {"badge": "7"}
    assert custom("urn:example:Custom:pin") is None
    assert custom("urn:example:Custom:desk.asked") == {"desk": {"asked": "2"}}


def test_a_part_that_always_comes_does_so_whatever_else_is_asked_for() -> None:
    """RFC 7643 section 7: always, regardless of the contents of the attributes parameter."""
    parts = (Attribute("seen"), Attribute("key", returned="always"))
    registry = Registry.make(
        [Extension("urn:x:C", "C", (Attribute("desk", "complex", sub=parts),))]
    )
    resource = {"id": "1", "urn:x:C": {"desk": {"seen": "1", "key": "2"}}}

    for attributes, excluded in (("userName", None), (None, "urn:x:C"), (None, "urn:x:C:desk")):
        projection = Projection.parse(attributes, excluded, registry.user)
        assert projection.apply(resource)["urn:x:C"] == {"desk": {"key": "2"}}
