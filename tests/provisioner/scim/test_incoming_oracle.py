"""Bodies against an independent implementation: the same ones are refused, and the others read alike."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models import Context, EnterpriseUser, SCIMException, ScimPolicy, User

from connectors.records import ENTERPRISE
from provisioner.scim.errors import ScimError
from provisioner.scim.incoming import read_resource
from tests.provisioner.scim.patched import REGISTRY

Model = User[EnterpriseUser]
LENIENT = ScimPolicy(unknown=ScimPolicy.Unknown.ignore)
USER = "urn:ietf:params:scim:schemas:core:2.0:User"

TEXT = st.sampled_from(["Eva", "Jan Novák", "x", "Mala\u0301"])
BOOLEAN = st.booleans()
MAIL = st.sampled_from(["a@example.org", "b@example.org", "c@example.org"])
TYPE = st.sampled_from(["work", "home", "other"])
URL = st.sampled_from(["https://example.org/a", "https://example.org/b"])

NO_TEXT = st.sampled_from([{"a": 1}, ["a", "b"], True, 1.5])
NO_BOOLEAN = st.sampled_from(["maybe", {"a": 1}, 2])
NO_OBJECT = st.sampled_from([7, True, ["a", "b"]])
NO_LIST = st.sampled_from([7, True, "text"])


def some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


def said(value: dict[str, Any]) -> str:
    return str(sorted(value.items()))


def several(value: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries({"value": value, "type": TYPE}, optional={"display": TEXT})
    return st.lists(
        one, min_size=1, max_size=3, unique_by=lambda each: (each["value"], each["type"])
    )


RIGHT: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(["displayName", "nickName", "title", "userType", "externalId"], TEXT),
    "active": BOOLEAN,
    "profileUrl": URL,
    "name": some(givenName=TEXT, familyName=TEXT, formatted=TEXT).filter(bool),
    "emails": several(MAIL),
    "phoneNumbers": several(st.just("+420555100200")),
    "photos": several(URL),
    "addresses": st.lists(some(locality=TEXT, country=st.just("CZ")).filter(bool), min_size=1, max_size=2, unique_by=said),
    "x509Certificates": st.lists(st.fixed_dictionaries({"value": st.sampled_from(["TUlJ", "U2Fs"])}), min_size=1, max_size=2, unique_by=said),
    ENTERPRISE: some(department=TEXT, employeeNumber=TEXT, manager=st.fixed_dictionaries({"value": TEXT, "$ref": URL})).filter(bool),
}  # fmt: skip
WRONG: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(["displayName", "title", "externalId"], NO_TEXT),
    "active": NO_BOOLEAN,
    "name": NO_OBJECT | st.fixed_dictionaries({"givenName": NO_TEXT}),
    "emails": NO_LIST | st.lists(st.fixed_dictionaries({"value": NO_TEXT}), min_size=1, max_size=1),
    "addresses": NO_LIST | st.lists(NO_OBJECT, min_size=1, max_size=1),
    "x509Certificates": st.just([{"value": "not base64!"}]),
    ENTERPRISE: NO_OBJECT | st.fixed_dictionaries({"department": NO_TEXT}),
}
READ_ONLY = some(id=TEXT, meta=st.just({"resourceType": "User"}), groups=st.just([{"value": "g"}]))


def bodies(wrong: bool) -> st.SearchStrategy[dict[str, Any]]:
    right = st.tuples(READ_ONLY, some(**RIGHT)).map(
        lambda drawn: {
            "schemas": [USER, *([ENTERPRISE] if ENTERPRISE in drawn[1] else [])],
            "userName": "eva",
            **drawn[0],
            **drawn[1],
        }
    )
    if not wrong:
        return right
    broken = st.sampled_from(sorted(WRONG)).flatmap(
        lambda name: WRONG[name].map(lambda value: {name: value})
    )
    listed = st.just({"schemas": [USER, ENTERPRISE]})
    return st.tuples(right, broken, listed).map(lambda drawn: {**drawn[0], **drawn[1], **drawn[2]})


def ours(body: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return read_resource(body, REGISTRY.user, REGISTRY)
    except ScimError:
        return None


def theirs(body: dict[str, Any]) -> dict[str, Any] | None:
    try:
        model = Model.model_validate(
            body, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=LENIENT
        )
    except (SCIMException, ValueError):
        return None
    return model.model_dump(scim_ctx=Context.RESOURCE_CREATION_REQUEST)


@given(bodies(wrong=False))
@settings(max_examples=200, deadline=None)
def test_a_right_body_is_read_alike(body: dict[str, Any]) -> None:
    assert normal(ours(body)) == normal(theirs(body))


@given(bodies(wrong=True))
@settings(max_examples=200, deadline=None)
def test_a_body_with_one_wrong_value_is_refused_by_both(body: dict[str, Any]) -> None:
    assert ours(body) is None
    assert theirs(body) is None


def normal(resource: Any) -> Any:
    """Leave out how a text's characters are composed: only ours says."""
    if isinstance(resource, dict):
        return {name: normal(value) for name, value in resource.items()}
    if isinstance(resource, list):
        return [normal(each) for each in resource]
    return normalize("NFC", resource) if isinstance(resource, str) else resource
