"""What discovery tells, against the RFC as an independent library declares it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scim2_models import (
    EnterpriseUser,
    Group,
    Resource,
    ResourceType,
    Schema,
    ServiceProviderConfig,
    User,
)

from provisioner.scim.schemas import Registry

REGISTRY = Registry.make()
CHARACTERISTICS = (
    *("type", "multiValued", "required", "caseExact", "mutability", "returned", "uniqueness"),
    *("canonicalValues", "referenceTypes"),
)
DEVIATIONS = {
    # RFC 7643 section 8.7.1 where the library reads section 4, or the reverse
    ("groups.value", "caseExact"): False,
    ("groups.$ref", "referenceTypes"): ["User", "Group"],
    ("manager.value", "caseExact"): False,
    ("manager.value", "required"): False,
    ("manager.$ref", "required"): False,
    # ours: a member is nothing without its id, and its name is the user's own
    ("members.value", "required"): True,
    ("members.display", "mutability"): "readOnly",
}


def flat(attributes: list[dict[str, Any]], owner: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for each in attributes:
        path = owner + each["name"]
        yield path, each
        yield from flat(each.get("subAttributes") or [], f"{path}.")


def documents() -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in REGISTRY.schema_documents("https://example.org/scim/v2")}


@pytest.mark.parametrize("model", [User, Group, EnterpriseUser])
def test_every_characteristic_is_the_rfcs(model: Any) -> None:
    theirs = model.to_schema().model_dump()
    ours = dict(flat(documents()[theirs["id"]]["attributes"]))

    expected = dict(flat(theirs["attributes"]))
    assert ours.keys() - {"externalId"} == expected.keys()
    for path, attribute in expected.items():
        for name in CHARACTERISTICS:
            wanted = DEVIATIONS.get((path, name), attribute.get(name))
            assert (path, name, ours[path].get(name)) == (path, name, wanted)


def test_every_attribute_that_entra_maps_by_default_is_listed() -> None:
    """AzureAD/SCIMReferenceCode, SCIM-Validation-Test-Overview.md, Schema_Discoverability_Test; its
    SCIMTests_Workflow.json leaves out `id` alone. RFC 7643 section 3.1: schemas MAY list what is common."""
    user, group, enterprise = (
        documents()[str(model.to_schema().id)] for model in (User, Group, EnterpriseUser)
    )

    assert {
        *("userName", "active", "displayName", "title", "preferredLanguage", "externalId"),
        *("name.givenName", "name.familyName", "name.formatted", "emails[work].value"),
        *("addresses[work].streetAddress", "addresses[work].country"),
        *(f"phoneNumbers[{type}].value" for type in ("work", "mobile", "fax")),
    } <= set(discovered(user))
    assert {"displayName", "externalId", "members"} <= {
        each["name"] for each in group["attributes"]
    }
    assert {"employeeNumber", "department", "manager"} <= {
        each["name"] for each in enterprise["attributes"]
    }
    for document in (user, group):
        (external,) = (each for each in document["attributes"] if each["name"] == "externalId")
        assert (external["type"], external["caseExact"], external["mutability"]) == (
            *("string", True, "readWrite"),
        )


def discovered(document: dict[str, Any]) -> Iterator[str]:
    """Yield what Entra calls the attributes of a schema: of several values each canonical type's."""
    for each in document["attributes"]:
        parts = {part["name"]: part for part in each.get("subAttributes", ())}
        types = parts.get("type", {}).get("canonicalValues", ())
        if not parts:
            yield each["name"]
        elif not each["multiValued"]:
            yield from (f"{each['name']}.{part}" for part in parts)
        else:
            yield from (f"{each['name']}[{type}].{part}" for type in types for part in parts)


@pytest.mark.parametrize("model", [ServiceProviderConfig, ResourceType, Schema])
def test_what_discovery_answers_with_is_described_too(model: Any) -> None:
    theirs = model.to_schema().model_dump()
    ours = dict(flat(documents()[theirs["id"]]["attributes"]))

    expected = dict(flat(theirs["attributes"]))
    assert expected.keys() - ours.keys() <= {"id"}  # common to all resources
    for path in expected.keys() & ours.keys():
        for name in ("type", "multiValued", "mutability"):
            assert (path, ours[path][name]) == (path, expected[path][name])


def test_every_document_is_one_that_an_independent_reader_takes() -> None:
    schemas = [Schema.model_validate(each) for each in documents().values()]
    users = [each for each in schemas if each.id and each.id.endswith("2.0:User")]
    types = [ResourceType.model_validate(each) for each in REGISTRY.resource_type_documents("")]

    assert len(users) == 3
    assert all(issubclass(Resource.from_schema(each), Resource) for each in schemas[:1])
    assert [(each.id, each.endpoint, each.schema_) for each in types] == [
        ("User", "/Users", "urn:ietf:params:scim:schemas:core:2.0:User"),
        ("Group", "/Groups", "urn:ietf:params:scim:schemas:core:2.0:Group"),
    ]


def test_a_document_says_where_it_is_and_every_attribute_what_it_is() -> None:
    for uri, document in documents().items():
        assert document["meta"] == {
            "resourceType": "Schema",
            "location": f"https://example.org/scim/v2/Schemas/{uri}",
        }
        for path, attribute in flat(document["attributes"]):
            assert attribute["description"] != attribute["name"], path


def test_schemas_and_types_are_described_as_the_rfc_does() -> None:
    """RFC 7643 sections 8.6 and 8.7.1; AzureAD/SCIMReferenceCode looks for "User Account" in the answer: its Postman
    collection, and Microsoft.SCIM.PlaywrightTests."""
    described = {each["name"]: each["description"] for each in documents().values()}

    assert described.items() >= {
        ("User", "User Account"),
        ("Group", "Group"),
        ("EnterpriseUser", "Enterprise User"),
    }
    types = REGISTRY.resource_type_documents("")
    assert [each["description"] for each in types] == ["User Account", "Group"]


@pytest.mark.parametrize(
    ("spelt", "path"),
    [
        ("USERNAME", "userName"),
        ("Name.FAMILYNAME", "name.familyName"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:emails.value", "emails.value"),
        (
            "urn:us:zoom:scim:schemas:extension:1.0:ZoomUser:LOGINTYPE.sso",
            "urn:ietf:params:scim:schemas:extension:zoom:1.0:User:loginType.sso",
        ),
        ("emails[", None),
        ("urn:example:title", None),
        ("", None),
    ],
)
def test_a_name_is_found_in_any_case_after_the_longest_known_urn(
    spelt: str, path: str | None
) -> None:
    found = REGISTRY.user.schema.find(spelt)

    assert (found.text if found else None) == path
