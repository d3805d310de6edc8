"""Okta: the tests by which it certifies a SCIM service, and what it does when people and groups come back.

Sources:
  [spec]  Okta, "Okta SCIM 2.0 SPEC Test" (Okta-SCIM-20-SPEC-Test.json, for Runscope and BlazeMeter)
  [crud]  Okta, "Okta SCIM 2.0 CRUD Test", published beside it
  [okta]  Okta Developer, "Okta and SCIM Version 2.0"
  [empty] Captain-P-Goldfish/SCIM-SDK issue 757: an empty group is pushed as `replace` of `members` by `[]`;
          jelhub/scimgateway issue 113: together with its id and name
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tests.provisioner.scim.pushing import at_once
from tests.scenarios.scim.provider import ENTERPRISE, ERROR, LIST, USER, Provider

JSON = "application/scim+json; charset=utf-8"


@pytest.fixture
def okta(provider: Provider) -> Provider:
    provider.session.headers.update({"User-Agent": "Okta SCIM Client 1.0.0", "Accept": JSON})
    return provider


def person(name: str = "runscope300abc", **more: Any) -> dict[str, Any]:
    mail = f"{name}@atko.com"
    return {
        "schemas": [USER],
        "userName": mail,
        "name": {"givenName": "Runscope300", "familyName": "Abc"},
        "emails": [{"primary": True, "value": mail, "type": "work"}],
        "displayName": "Runscope300 Abc",
        "externalId": f"00u-{name}",
        "active": True,
        **more,
    }


def lookup(okta: Provider, name: str) -> Any:
    filter = quote(f'userName eq "{name}"', safe="")
    return okta("GET", "/Users", query=f"filter={filter}&startIndex=1&count=100")


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"])
def test_what_is_discovered_can_be_read_and_nothing_else(okta: Provider, path: str) -> None:
    """[spec]: each with GET, and 405 for POST of a body that is no JSON."""
    told = okta.done(200, "GET", path)

    if path == "/ServiceProviderConfig":
        for feature in ("patch", "bulk", "filter", "changePassword", "sort", "etag"):
            assert isinstance(told[feature]["supported"], bool)
        assert told["authenticationSchemes"][0].keys() >= {"type", "name", "description"}
    else:
        assert told["schemas"] == [LIST]
        assert told["Resources"]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert okta(method, path, b"test\r\n\r\n").error == (405, None)


def test_the_spec_test_of_users(okta: Provider) -> None:
    """[spec]: a first user, one who is not there, a new one without a Content-Type, again, in capitals."""
    okta.done(201, "POST", "/Users", person("first"))
    listed = okta("GET", "/Users", query="count=1&startIndex=1")
    assert listed.found[0].keys() >= {"id", "name", "userName", "active", "emails"}
    assert {type(listed.body[each]) for each in ("itemsPerPage", "startIndex", "totalResults")} == {
        int
    }
    nobody = okta.done(404, "GET", "/Users/010101001010101011001010101011")
    assert (nobody["schemas"], bool(nobody["detail"])) == ([ERROR], True)
    assert lookup(okta, "abcdefgh@atko.com").body["totalResults"] == 0

    made = okta.done(201, "POST", "/Users", person(), Content_Type="")
    assert made["active"] is True
    assert okta.done(200, "GET", f"/Users/{made['id']}")["userName"] == "runscope300abc@atko.com"
    assert okta("POST", "/Users", person()).error == (409, "uniqueness")
    for no_filter in ("RUNSCOPE300ABC@ATKO.COM", "RUNSCOPE300ABC", "runscope%20300"):
        reply = okta("GET", "/Users", query=f"filter={no_filter}")
        assert reply.error == (400, "invalidFilter")
    assert lookup(okta, "RUNSCOPE300ABC@ATKO.COM").ids == [made["id"]]
    assert okta("GET", "/Groups").found == []


def test_the_crud_test_of_users(okta: Provider) -> None:
    """[crud], [okta]: what was read is put back changed; a password is pushed and shown to nobody."""
    made = okta.done(201, "POST", "/Users", person(password="1mz050nq", groups=[]))
    path = f"/Users/{made['id']}"

    assert okta.done(200, "PUT", path, made)["meta"] == made["meta"]
    name = made["name"] | {"givenName": "Another", "middleName": ""}
    changed = okta.done(200, "PUT", path, made | {"name": name})
    assert changed["name"] == {"givenName": "Another", "familyName": "Abc"}
    pushed = okta.patch(path, {"op": "replace", "value": {"password": "n3w-one"}})
    assert (pushed.status, "n3w-one" in pushed.text) == (200, False)
    assert pushed.body["meta"] == changed["meta"]
    for active in (False, False, True):
        off = okta.patch(path, {"op": "replace", "value": {"active": active}})
        assert off.body["active"] is active
        assert lookup(okta, made["userName"]).found[0]["active"] is active


@pytest.mark.parametrize(
    "name", ["o'brien", "a+b", "ü.ñ", "per%cent", "amp&er", "eq#x", "sla/sh", "sp ace", "semi;c"]
)
def test_a_login_is_found_however_it_is_escaped(okta: Provider, name: str) -> None:
    made = okta.done(201, "POST", "/Users", person(name))["id"]

    for text in (f'userName eq "{name}@atko.com"', f'userName eq "{name.upper()}@ATKO.com"'):
        for escaped in (quote(text, safe=""), quote(text), quote_plus(text)):
            assert okta("GET", "/Users", query=f"filter={escaped}").ids == [made]


def test_who_is_assigned_again_is_found_or_revived(okta: Provider) -> None:
    """[okta] "Create Users": a lookup, then PUT of whoever was found; the Okta account may be another one."""
    made = okta.done(201, "POST", "/Users", person())
    path = f"/Users/{made['id']}"
    off = {"op": "replace", "value": {"active": False}}

    okta.patch(path, off)
    found = lookup(okta, made["userName"]).found[0]
    again = okta.done(200, "PUT", path, person(id=found["id"], externalId="00u-new"))
    assert (again["externalId"], again["active"]) == ("00u-new", True)
    okta.patch(path, off)
    assert okta("POST", "/Users", person()).error == (409, "uniqueness")
    revived = okta.done(201, "POST", "/Users", person(externalId="00u-new"))
    assert (revived["id"], revived["active"]) == (made["id"], True)


def test_a_profile_is_pushed_with_blanks_and_custom_attributes(okta: Provider) -> None:
    """[okta] "Update Users", and "Create Users" with custom attributes."""
    made = okta.done(201, "POST", "/Users", person(title="Clerk", nickName="Abc"))
    more: dict[str, Any] = {
        "schemas": [USER, ENTERPRISE, "urn:okta:onprem_app:1.0:user:custom"],
        "title": None,
        "nickName": "",
        "phoneNumbers": [{"primary": True, "value": "+1 555", "type": "work"}],
        "roles": ["r1"],
        ENTERPRISE: {"employeeNumber": 123, "manager": {"value": "00uMGR", "displayName": "B"}},
        "urn:okta:onprem_app:1.0:user:custom": {"isAdmin": False},
        "loginAlias": "abc",
    }

    pushed = okta.done(200, "PUT", f"/Users/{made['id']}", person(**more))

    assert not {"title", "nickName", "loginAlias"} & pushed.keys()
    assert pushed["roles"] == [{"value": "r1"}]
    assert pushed[ENTERPRISE]["employeeNumber"] == "123"
    assert pushed[ENTERPRISE]["manager"]["value"] == "00uMGR"
    bare = okta.done(200, "PUT", f"/Users/{made['id']}", person())
    assert not {"roles", "phoneNumbers", ENTERPRISE} & bare.keys()


def test_entitlements_come_and_go_one_by_one(okta: Provider) -> None:
    """RFC 7644 sections 3.5.2.1 and 3.5.2.2, as Okta's entitlement management uses them."""
    path = f"/Users/{okta.done(201, 'POST', '/Users', person())['id']}"
    first, second = ({"value": each, "display": each, "type": "License"} for each in "56")

    for each in (first, second, first):
        reply = okta.patch(path, {"op": "add", "path": "entitlements", "value": [each]})
    assert reply.body["entitlements"] == [first, second]
    gone = okta.patch(path, {"op": "remove", "path": 'entitlements[value eq "5"]'})
    assert gone.body["entitlements"] == [second]
    typed = 'entitlements[value eq "6" and type eq "License"]'
    assert "entitlements" not in okta.patch(path, {"op": "remove", "path": typed}).body


def test_an_empty_group_is_pushed_in_both_ways(okta: Provider) -> None:
    """[empty]"""
    jan = okta.done(201, "POST", "/Users", person())["id"]
    group = okta.group("Empty", jan)
    path = f"/Groups/{group['id']}"

    whole = {"members": [], "id": group["id"], "displayName": "Empty"}
    for operation in (
        {"op": "replace", "path": "members", "value": []},
        {"op": "replace", "value": whole},
    ):
        okta.patch(path, {"op": "add", "path": "members", "value": [{"value": jan}]})
        assert okta.patch(path, operation).status == 204
        assert okta.members(path) == set()


def test_one_group_is_pushed_by_many_connections(okta: Provider) -> None:
    """[okta] "SCIM Group operations": memberships change one by one, and nothing is lost."""
    ids = [okta.done(201, "POST", "/Users", person(f"u{n}"))["id"] for n in range(12)]
    path = f"/Groups/{okta.group()['id']}"
    token = str(okta.session.headers["Authorization"]).removeprefix("Bearer ")

    def add(number: int) -> None:
        alone = Provider(okta.url, token)
        for id in ids[number * 3 : number * 3 + 3]:
            value = [{"value": id, "display": f"{id}@atko.com"}]
            assert alone.patch(path, {"op": "add", "path": "members", "value": value}).status == 204

    assert at_once(4, add) == []
    assert okta.members(path) == set(ids)


def test_a_member_who_is_not_there_yet_comes_with_the_next_push(okta: Provider) -> None:
    """A push is whole or not at all; the id that is unknown is named."""
    jan = okta.done(201, "POST", "/Users", person())["id"]
    path = f"/Groups/{okta.group()['id']}"

    def add(*ids: str) -> dict[str, Any]:
        return {"op": "add", "path": "members", "value": [{"value": id} for id in ids]}

    early = okta.patch(path, add(jan, "00u1"))
    assert early.error == (400, "invalidValue")
    assert "00u1" in early.body["detail"]
    assert okta.members(path) == set()
    assert okta.patch(path, add(jan)).status == 204
    assert okta.members(path) == {jan}
