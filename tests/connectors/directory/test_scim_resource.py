"""A User resource as services really send it, and what is made of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.directory.scim_resource import canonical
from connectors.records import ENTERPRISE, clean
from connectors.scim_phone import PHONE, ZOOM, ZOOM_READ

CANONICAL = {
    "id": "u1",
    "externalId": "e1",
    "userName": "eva",
    "name": {"givenName": "Eva", "familyName": "Malá"},
    "displayName": "Eva Malá",
    "emails": [{"value": "eva@example.org", "type": "work", "primary": True}],
    "addresses": [{"type": "work", "locality": "Brno"}],
    "title": "Clerk",
    "active": True,
    "groups": [{"value": "g1", "display": "Sales"}],
    ENTERPRISE: {"department": "Sales", "manager": {"value": "u2"}},
}


def read(raw: dict[str, Any]) -> dict[str, Any]:
    resource, problem = canonical(raw)
    assert problem is None
    return resource


def shouted(value: Any) -> Any:
    """The same with every attribute name in upper case."""
    if isinstance(value, dict):
        return {name.upper(): shouted(inner) for name, inner in value.items()}
    return [shouted(each) for each in value] if isinstance(value, list) else value


def test_what_is_canonical_stays_as_it_is() -> None:
    assert read(CANONICAL) == CANONICAL


def test_names_come_in_any_case() -> None:
    assert read(shouted(CANONICAL)) == CANONICAL


@pytest.mark.parametrize("nothing", [None, "", "  ", [], {}, [None], [""], {"value": ""}])
@pytest.mark.parametrize("name", ["title", "emails", "name", "groups", ENTERPRISE, "active"])
def test_what_is_empty_is_absent(name: str, nothing: Any) -> None:
    assert read({"id": "u1", name: nothing}) == {"id": "u1"}


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"emails": {"value": "a@b"}}, {"emails": [{"value": "a@b"}]}),
        ({"emails": "a@b"}, {"emails": [{"value": "a@b"}]}),
        ({"emails": ["a@b", {"value": "c@d"}]}, {"emails": [{"value": "a@b"}, {"value": "c@d"}]}),
        ({"emails": [{"type": "work"}, {"value": "a@b"}]}, {"emails": [{"value": "a@b"}]}),
        (
            {"emails": [{"value": "a@b", "primary": "True"}]},
            {"emails": [{"value": "a@b", "primary": True}]},
        ),
        (
            {"emails": [{"value": "a@b", "primary": "perhaps"}]},
            {"emails": [{"value": "a@b"}]},
        ),
        ({"groups": ["g1"]}, {"groups": [{"value": "g1"}]}),
        ({"groups": [{"display": "Sales"}]}, {"groups": [{"display": "Sales"}]}),
        ({"groups": [{"value": 7, "$ref": "x/Groups/7"}]}, {"groups": [{"value": "7"}]}),
        ({"addresses": "Brno 1"}, {"addresses": [{"formatted": "Brno 1"}]}),
        ({"name": "Eva Malá"}, {"name": {"formatted": "Eva Malá"}}),
        ({"name.givenName": "Eva"}, {"name": {"givenName": "Eva"}}),
        ({f"{ENTERPRISE}:department": "Sales"}, {ENTERPRISE: {"department": "Sales"}}),
        ({ENTERPRISE.upper(): {"manager": "u2"}}, {ENTERPRISE: {"manager": {"value": "u2"}}}),
        ({PHONE.upper(): {"Packages": ["A", "", 7]}}, {PHONE: {"packages": ["A", "7"]}}),
        (
            {PHONE: {"packages": "A", "credits": "True"}},
            {PHONE: {"packages": ["A"], "credits": True}},
        ),
        ({ZOOM_READ: {"loginType": {"SSO": True}}}, {ZOOM: {"loginType": {"sso": True}}}),
        ({ENTERPRISE: {"employeeNumber": 4711}}, {ENTERPRISE: {"employeeNumber": "4711"}}),
        ({"title": ["Clerk", "Other"]}, {"title": "Clerk"}),
        ({"title": {"value": "Clerk"}}, {"title": "Clerk"}),
        ({"title": "  Eva Mala\u0301 "}, {"title": "Eva Malá"}),
        ({"active": "True"}, {"active": True}),
        ({"active": "no"}, {"active": False}),
        ({"active": 0}, {"active": False}),
        ({"active": [True]}, {"active": True}),
    ],
)
def test_well_known_slips_are_read_as_they_are_meant(
    sent: dict[str, Any], meant: dict[str, Any]
) -> None:
    assert read(sent) == meant


def test_what_is_no_business_of_a_phone_is_left_out() -> None:
    sent = {
        "schemas": ["urn:x"],
        "meta": {"lastModified": "2026-01-01T00:00:00Z"},
        "password": "s3cr3t",
        "x509Certificates": [{"value": "MII"}],
        "urn:example:2.0:User": {"shoeSize": 38},
        "shoeSize": 38,
    }
    assert read(sent) == {}


def test_an_active_that_is_neither_true_nor_false_is_named_and_the_rest_is_read() -> None:
    resource, problem = canonical({"active": "on leave", "id": "u1", "externalId": "e1"})

    assert resource == {"id": "u1", "externalId": "e1"}
    assert problem == "its active is neither true nor false"


def test_half_a_character_is_named_and_goes_no_further() -> None:
    resource, problem = canonical({"id": "u1", "displayName": "Eva \ud83d"})

    assert resource == {"id": "u1"}
    assert problem == "its displayName holds half a character"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
names = st.sampled_from([*CANONICAL, "EMAILS", "name.givenName", f"{ENTERPRISE}:manager.value"])
inner_names = st.sampled_from(["value", "type", "primary", "display", "department", "manager"])


@given(
    st.dictionaries(
        names | st.text(), anything | st.dictionaries(inner_names, anything) | st.lists(scalars)
    )
)
def test_whatever_is_sent_gives_a_clean_resource(raw: dict[str, Any]) -> None:
    resource, _ = canonical(raw)

    assert canonical(resource) == (resource, None)
    assert all(isinstance(resource.get(name, ""), str) for name in ("id", "userName", "title"))
    assert isinstance(resource.get("active", True), bool)
    for several in ("emails", "groups", "addresses"):
        assert all(isinstance(each, dict) for each in resource.get(several, []))
    assert all("value" in email for email in resource.get("emails", []))
    msgspec.json.encode(resource)  # what follows stores it
    for text in _texts(resource):
        assert text
        assert text == clean(text)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    assert value is not None
    return [value] if isinstance(value, str) else []
