"""Bodies of POST and PUT, read into what is kept."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import ENTERPRISE
from connectors.scim_attribute import Attribute
from provisioner.scim.errors import ScimError
from provisioner.scim.incoming import keep_immutable, read_resource
from provisioner.scim.schemas import Extension, Registry
from tests.provisioner.scim.patched import REGISTRY, STRICT, eva

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def read(registry: Registry = REGISTRY, /, **body: Any) -> dict[str, Any]:
    return read_resource({"userName": "eva", **body}, registry.user, registry)


def test_names_are_canonical_whatever_their_case() -> None:
    body = {
        "USERNAME": "eva",
        "Name": {"GIVENNAME": "Eva"},
        "eMails": [{"VALUE": "eva@example.org", "Type": "Work"}],
        ENTERPRISE.upper(): {"Department": "Sales", "MANAGER": {"Value": "jan", "$REF": "/x"}},
    }

    assert read_resource(body, REGISTRY.user, REGISTRY) == {
        "schemas": [USER, ENTERPRISE],
        "userName": "eva",
        "name": {"givenName": "Eva"},
        "emails": [{"value": "eva@example.org", "type": "Work"}],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "jan", "$ref": "/x"}},
    }


def test_names_may_be_paths() -> None:
    resource = read(
        **{"name.givenName": "Eva", f"{USER}:title": "Clerk", f"{ENTERPRISE}:department": "Sales"}
    )

    assert resource["name"] == {"givenName": "Eva"}
    assert resource["title"] == "Clerk"
    assert resource[ENTERPRISE] == {"department": "Sales"}


@pytest.mark.parametrize(
    ("name", "unset"),
    [
        *((name, None) for name in ("title", "name", "emails", "active", ENTERPRISE)),
        *((name, "") for name in ("title", "name", "emails", "active", ENTERPRISE)),
        *((name, []) for name in ("title", "name", "emails", "active")),
        *((name, {}) for name in ("name", "emails", ENTERPRISE)),
        *((name, "  ") for name in ("title", "active")),
    ],
)
def test_what_is_unset_has_no_member(name: str, unset: Any) -> None:
    assert read(**{name: unset}) == read()


def test_a_value_that_says_only_which_one_it_would_be_is_none() -> None:
    assert read(emails=[{"type": "work", "value": ""}, {"primary": True}]) == read()
    assert read(addresses=[{"type": "work", "locality": None}]) == read()


def test_a_value_without_its_value_is_none() -> None:
    assert read(emails=[{"type": "work", "display": "Eva"}], roles=[{"display": "x"}]) == read()


def test_text_has_no_blanks_around_it() -> None:
    assert read(title="  Senior clerk\n")["title"] == "Senior clerk"


def test_text_is_in_nfc_and_equal_values_are_one() -> None:
    resource = read(
        displayName="Mala\u0301",
        emails=[{"value": "a@example.org"}, {"value": "a@example.org"}, {"value": "b@example.org"}],
    )

    assert resource["displayName"] == "Mal\u00e1"
    assert [each["value"] for each in resource["emails"]] == ["a@example.org", "b@example.org"]


def test_what_was_read_can_be_sent_back() -> None:
    shown = eva() | {
        "id": "8c",
        "meta": {"resourceType": "User", "version": 'W/"1"'},
        "groups": [{"value": "g1", "display": "Sales", "type": "direct"}],
    }

    assert read_resource(shown, REGISTRY.user, REGISTRY) == eva()


def test_an_absent_active_stays_absent() -> None:
    assert "active" not in read()


@pytest.mark.parametrize("name", ["password", "PASSWORD", f"{USER}:password"])
def test_a_password_is_checked_and_forgotten(name: str) -> None:
    assert read(**{name: "correct horse"}) == read()
    with pytest.raises(ScimError) as refused:
        read(**{name: {"correct": "horse"}})
    assert "horse" not in refused.value.detail


@pytest.mark.parametrize("body", [None, "x", 1, [], [{}]])
def test_a_body_that_is_no_object_is_invalid_syntax(body: Any) -> None:
    with pytest.raises(ScimError) as refused:
        read_resource(body, REGISTRY.user, REGISTRY)
    assert refused.value.scim_type == "invalidSyntax"


@pytest.mark.parametrize("name", [{}, {"userName": ""}, {"userName": None}, {"displayName": "x"}])
def test_a_required_attribute_must_be_there(name: Any) -> None:
    with pytest.raises(ScimError) as refused:
        read_resource(name, REGISTRY.user, REGISTRY)

    assert refused.value.scim_type == "invalidValue"
    assert "userName" in refused.value.detail
    with pytest.raises(ScimError, match="displayName"):
        read_resource({"members": []}, REGISTRY.group, REGISTRY)


def test_one_value_at_most_is_primary() -> None:
    mails = [{"value": "a", "primary": True}, {"value": "b", "primary": "true"}]

    with pytest.raises(ScimError, match="emails: more than one value is primary"):
        read(emails=mails)


@pytest.mark.parametrize(
    ("schemas", "scim_type"),
    [
        ([GROUP], "invalidValue"),
        (["urn:example:other"], "invalidValue"),
        ([7], "invalidSyntax"),
        ({"a": 1}, "invalidSyntax"),
        ([f"urn:x:{n}" for n in range(501)], "invalidValue"),
    ],
)
def test_schemas_of_something_else_are_refused(schemas: Any, scim_type: str) -> None:
    with pytest.raises(ScimError) as refused:
        read(schemas=schemas)
    with pytest.raises(ScimError):
        read(Schemas=schemas)
    assert refused.value.scim_type == scim_type


@pytest.mark.parametrize(
    "schemas", [[USER], [USER.upper()], USER, [], None, [ENTERPRISE], [USER, "urn:example:other"]]
)
def test_schemas_are_those_of_what_is_there(schemas: Any) -> None:
    assert read(schemas=schemas)["schemas"] == [USER]
    assert read(schemas=schemas, **{ENTERPRISE: {"division": "x"}})["schemas"] == [USER, ENTERPRISE]


@pytest.mark.parametrize(
    "unknown",
    [
        {"shoeSize": 43},
        {"urn:example:other:User": {"a": 1}},
        {"name": {"nope": 1}},
        {"emails": [{"value": "a", "nope": 1}]},
        {ENTERPRISE: {"nope": 1}},
        {"schemas": [USER, "urn:example:other:User"]},
        {"emails.value": "x"},
    ],
)
def test_what_no_schema_knows_is_ignored_or_refused_as_config_says(unknown: Any) -> None:
    read(**unknown)
    with pytest.raises(ScimError):
        read(STRICT, **unknown)


def test_an_object_of_too_many_members_is_refused() -> None:
    many = {f"x{n}": n for n in range(2001)}

    for body in (many, {ENTERPRISE: many}):
        with pytest.raises(ScimError) as refused:
            read(**body)
        assert refused.value.status == 400


def test_an_immutable_attribute_is_set_once() -> None:
    custom = Extension("urn:x:y", "Y", (Attribute("badge", mutability="immutable"),))
    registry = Registry.make([custom])
    before = read(registry, **{"urn:x:y": {"badge": "7"}})

    for sent in (before, read(registry)):
        after = dict(sent)
        keep_immutable(before, after, registry.user)
        assert after == before, "what a PUT leaves out is not unset"
    first = read(registry, **{"urn:x:y": {"badge": "8"}})
    keep_immutable(read(registry), first, registry.user)
    assert first["urn:x:y"] == {"badge": "8"}
    with pytest.raises(ScimError) as refused:
        keep_immutable(before, first, registry.user)
    assert refused.value.scim_type == "mutability"


@pytest.mark.parametrize(
    ("type", "sent", "kept"),
    [
        ("integer", 7, 7),
        ("integer", 7.0, 7),
        ("integer", "-7", -7),
        ("integer", "", None),
        ("integer", True, ScimError),
        ("integer", 7.5, ScimError),
        ("integer", 2**63, ScimError),
        ("integer", "9" * 5000, ScimError),
        ("decimal", 7, 7),
        ("decimal", 7.5, 7.5),
        ("decimal", float("inf"), ScimError),
        ("decimal", float("nan"), ScimError),
        ("decimal", "7.5", ScimError),
        ("decimal", 10**400, ScimError),
        ("dateTime", "2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z"),
        ("dateTime", "2026-13-23T09:00:00Z", ScimError),
        ("dateTime", "yesterday", ScimError),
        ("binary", "U2FsZXM=", "U2FsZXM="),
        ("binary", "U2Fs\nZXM_-", "U2Fs\nZXM_-"),
        ("binary", "U=2", ScimError),
        ("reference", "https://example.org", "https://example.org"),
        ("reference", 7, "7"),
        ("boolean", "maybe", ScimError),
    ],
)
def test_every_type_is_checked(type: Any, sent: Any, kept: Any) -> None:
    registry = Registry.make([Extension("urn:x:y", "Y", (Attribute("a", type),))])

    if kept is ScimError:
        with pytest.raises(ScimError, match="urn:x:y:a: expected"):
            read(registry, **{"urn:x:y": {"a": sent}})
    else:
        assert read(registry, **{"urn:x:y": {"a": sent}}).get("urn:x:y", {}).get("a") == kept
