"""Microsoft Entra ID: its documented requests, the modes of its provisioning service, and its validator's sequence.

Sources:
  [entra]     Microsoft, "Develop and plan provisioning for a SCIM endpoint in Microsoft Entra ID"
  [flags]     Microsoft, "Known issues and resolutions with SCIM 2.0 protocol compliance of the Microsoft
              Entra user provisioning service": what `?aadOptscim062020` on the tenant URL changes
  [validator] Microsoft, "Tutorial: Validate a SCIM endpoint" (Entra SCIM Validator); Microsoft Q&A 2238842,
              "Microsoft Entra ID SCIM validator test failing", with its requests
  [gallery]   AzureAD/SCIMReferenceCode, "SCIM Validation Logic App: Test Overview"
  [reference] AzureAD/SCIMReferenceCode, Microsoft.SCIM.PlaywrightTests: Microsoft's tests of a SCIM service
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tests.scenarios.scim.provider import ENTERPRISE, GROUP, USER, Provider

ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
FLAG = "aadOptscim062020"


@pytest.fixture(params=["", FLAG], ids=["as it always was", FLAG])
def flag(request: pytest.FixtureRequest, provider: Provider) -> str:
    """What the administrator wrote behind the tenant URL, and so goes with every request."""
    provider.always = str(request.param)
    return provider.always


def joiner(name: str = "eva", **more: Any) -> dict[str, Any]:
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": f"0a21f0f2-8d2a-4f8e-bf98-{name}",
        "userName": f"{name}@example.org",
        "active": True,
        "emails": [{"primary": True, "type": "work", "value": f"{name}@example.org"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Eva Malá", "familyName": "Malá", "givenName": "Eva"},
        "roles": [],
        **more,
    }


def update(flag: str, **values: Any) -> list[dict[str, Any]]:
    """Return the operations that Entra makes of changed attributes: [flags], "SCIM 2.0 compliance"."""
    if not flag:
        return [{"op": "Replace", "path": path, "value": value} for path, value in values.items()]
    return [{"op": "replace", "value": values}]


def test_the_connection_is_tested_by_somebody_who_is_not_there(provider: Provider) -> None:
    """[entra] "Get User by query": 200 and no resources, whatever is asked for."""
    nobody = '"b7b9bd4c-9e16-4bd5-8a2a-4d1fd0cd2fb8"'
    for name in ("userName", "externalId", 'emails[type eq "work"].value'):
        assert provider.find("Users", f"{name} eq {nobody}") == []
    assert provider.find("Groups", f"displayName eq {nobody}", "excludedAttributes=members") == []


def test_from_joiner_to_leaver(provider: Provider, flag: str) -> None:
    """[entra] "User operations": match, create, update by several operations, disable, delete."""
    assert provider.find("Users", 'externalId eq "0a21f0f2-8d2a-4f8e-bf98-eva"') == []
    eva = provider.done(201, "POST", "/Users", joiner())
    path = f"/Users/{eva['id']}"
    assert eva["meta"]["resourceType"] == "User"

    changed = provider.patch(
        path,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "eva.nova@example.org"},
        {"op": "Replace", "path": "name.familyName", "value": "Nová"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+420 600 111 222"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Sales"},
    ).body
    assert changed["emails"] == [{"primary": True, "type": "work", "value": "eva.nova@example.org"}]
    assert changed["name"]["familyName"] == "Nová"
    assert changed["phoneNumbers"] == [{"type": "mobile", "value": "+420 600 111 222"}]
    assert changed[ENTERPRISE] == {"department": "Sales"}

    off = {"active": False} if flag else {"active": "False"}
    provider.patch(path, *update(flag, **off))
    (found,) = provider.find("Users", 'userName eq "EVA@example.org"')
    assert found["active"] is False

    on = {"active": True} if flag else {"active": "True"}
    assert provider.patch(path, *update(flag, **on)).body["active"] is True
    provider.done(204, "DELETE", path)
    provider.done(404, "GET", path)
    provider.done(404, "DELETE", path)
    assert provider.done(201, "POST", "/Users", joiner())["id"] != eva["id"]


def test_several_attributes_at_once(provider: Provider, flag: str) -> None:
    """[flags]: one operation without a path, or one for each attribute."""
    id = provider.done(201, "POST", "/Users", joiner())["id"]
    values = {
        "displayName": "Eva Nová",
        "name.givenName": "Evička",
        f"{ENTERPRISE}:employeeNumber": "701984",
        "title": "Head",
    }

    after = provider.patch(f"/Users/{id}", *update(flag, **values)).body

    assert (after["displayName"], after["title"]) == ("Eva Nová", "Head")
    assert after["name"]["givenName"] == "Evička"
    assert after["name"]["familyName"] == "Malá"
    assert after[ENTERPRISE]["employeeNumber"] == "701984"


@pytest.mark.parametrize(
    "value", ["manager", {"value": "manager"}, {"$ref": "x", "value": "manager"}]
)
def test_a_manager_comes_changes_and_goes(provider: Provider, value: Any) -> None:
    """[entra] and [gallery] test User_Update_Manager: the reference as text or object, removed again."""
    boss = provider.user("boss")["id"]
    id = provider.done(201, "POST", "/Users", joiner())["id"]
    given = boss if isinstance(value, str) else value | {"value": boss}
    manager = f"{ENTERPRISE}:manager"

    set_to = provider.patch(f"/Users/{id}", {"op": "Add", "path": manager, "value": given})
    assert set_to.body[ENTERPRISE]["manager"]["value"] == boss
    assert [u["id"] for u in provider.find("Users", f'{manager} eq "{boss}"')] == [id]
    gone = provider.patch(f"/Users/{id}", {"op": "Remove", "path": manager})
    assert ENTERPRISE not in gone.body


@pytest.mark.parametrize("form", ["filter", "value"])
def test_a_group_and_its_members(provider: Provider, form: str) -> None:
    """[entra] "Group operations"; [flags]: members removed by a list of values, or by a filter."""
    eva, jan = (provider.user(name)["id"] for name in ("eva", "jan"))
    body = {
        "schemas": [GROUP, ENTRA_GROUP],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "Phone Users",
        "members": [],
        "meta": {"resourceType": "Group"},
    }
    made = provider.done(201, "POST", "/Groups", body)
    path = f"/Groups/{made['id']}"
    (found,) = provider.find("Groups", 'displayName eq "phone users"', "excludedAttributes=members")
    assert found["id"] == made["id"]
    assert provider.done(200, "GET", path, query="excludedAttributes=members")["displayName"]

    for id in (eva, jan):
        add = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": id}]}
        assert provider.patch(path, add).status == 204
    inside = f'id eq "{made["id"]}" and members eq "{eva}"'
    assert [g["id"] for g in provider.find("Groups", inside, "excludedAttributes=members")]

    gone: dict[str, Any] = {"op": "Remove", "path": f'members[value eq "{eva}"]'}
    if form == "value":
        gone = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": eva}]}
    assert provider.patch(path, gone).status == 204
    assert provider.members(path) == {jan}
    assert provider.find("Groups", inside) == []

    rename = {"op": "Replace", "path": "displayName", "value": "Phones"}
    assert provider.patch(path, rename).status == 204
    provider.done(204, "DELETE", path)
    assert "groups" not in provider.done(200, "GET", f"/Users/{jan}")


def test_the_validators_sequence_for_users(provider: Provider) -> None:
    """[validator]: each of its tests, with the filter encoded as it sends it (blanks as `+`, `%40` in quotes)."""
    name, other = "dale.mohr@example.org", "aric+test@example.org"
    body = joiner() | {"userName": name, "displayName": "XKWLCONOGMVT"}
    created = provider.done(201, "POST", "/Users", body)
    path = f"/Users/{created['id']}"

    # Create a duplicate User
    assert provider("POST", "/Users", body).error == (409, "uniqueness")
    # Filter User with a different case, existing and not
    for text in (name, name.upper()):
        sought = "filter=userName+eq+%22" + quote(text) + "%22"
        (found,) = provider("GET", "/Users", query=sought).found
        assert found["active"] is True, "a GET and filter request has the attribute active"
    assert provider("GET", "/Users", query="filter=userName+eq+%22nobody%22").found == []
    # Patch User: replace and add attributes, with the User's name
    replaced = provider.patch(path, *update("", userName=other, displayName="New"))
    assert replaced.body["userName"] == other
    (found,) = provider(
        "GET", "/Users", query="filter=userName+eq+%22aric%2Btest%40example.org%22"
    ).found
    assert found["displayName"] == "New"
    # Update User: disable, then a GET and a filter request show it disabled
    provider.patch(path, {"op": "replace", "path": "active", "value": False})
    assert provider.done(200, "GET", path)["active"] is False
    (found,) = provider(
        "GET", "/Users", query="filter=userName+eq+%22aric%2Btest%40example.org%22"
    ).found
    assert found["active"] is False
    # Delete User, twice; Get a User that is not there; Patch one that is not there
    provider.done(204, "DELETE", path)
    provider.done(404, "DELETE", path)
    provider.done(404, "GET", path)
    provider.done(404, "PATCH", path, {"Operations": [{"op": "remove", "path": "title"}]})


def test_the_validators_sequence_for_groups(provider: Provider) -> None:
    """[validator]: a duplicate, a filter with excludedAttributes, PATCH of the name and of members, DELETE."""
    eva = provider.user("eva")["id"]
    body = {"schemas": [GROUP], "displayName": "BQAMQOMVQWIT", "externalId": "346656b1-6bee-4b1e"}
    made = provider.done(201, "POST", "/Groups", body)
    path = f"/Groups/{made['id']}"

    assert provider.done(409, "POST", "/Groups", body)["scimType"] == "uniqueness"
    found = provider.find("Groups", 'displayName eq "BQAMQOMVQWIT"', "excludedAttributes=members")
    assert [each["id"] for each in found] == [made["id"]]
    replace = {"op": "replace", "path": "displayName", "value": "IDJYEWBKUQSV"}
    assert provider.patch(path, replace).status == 204
    add = {"op": "add", "path": "members", "value": [{"value": eva}]}
    assert provider.patch(path, add).status == 204
    assert provider.done(200, "GET", path)["members"][0]["value"] == eva
    remove = {"op": "remove", "path": f'members[value eq "{eva}"]'}
    assert provider.patch(path, remove).status == 204
    assert provider.members(path) == set()
    provider.done(204, "DELETE", path)
    provider.done(404, "GET", path)


def test_an_empty_group_has_an_empty_list_of_members(provider: Provider) -> None:
    """[reference] GroupTests.cs: PostEmptyGroup, and GetNoUsersGroup1 after all were removed; [entra], Create Group."""
    eva = provider.user("eva")["id"]
    made = provider.done(201, "POST", "/Groups", {"schemas": [ENTRA_GROUP], "displayName": "G"})
    path = f"/Groups/{made['id']}"

    provider.patch(path, {"op": "add", "path": "members", "value": [{"value": eva}]})
    provider.patch(path, {"op": "remove", "path": "members"})

    assert made["members"] == []
    assert provider.done(200, "GET", path)["members"] == []
    assert [each["members"] for each in provider.find("Groups", "displayName pr")] == [[]]
    assert "members" not in provider("GET", path, query="excludedAttributes=members").body


def test_app_roles_as_json_texts(provider: Provider) -> None:
    """Microsoft, "Customize user provisioning attribute-mappings", AppRoleAssignmentsComplex; [flags]."""
    id = provider.done(201, "POST", "/Users", joiner())["id"]
    text = '{"id":"bc8d35af","value":"Admin","displayName":"Administrator"}'

    added = provider.patch(
        f"/Users/{id}", {"op": "Add", "path": "roles", "value": [{"value": text}]}
    ).body

    assert added["roles"] == [{"value": "Admin", "display": "Administrator"}]


def test_a_deleted_users_tombstone_is_a_name_like_any_other(provider: Provider) -> None:
    """Microsoft, "Recover from deletions in Microsoft Entra ID": 32 hex digits before the name, then DELETE."""
    id = provider.done(201, "POST", "/Users", joiner())["id"]
    buried = "0a21f0f28d2a4f8ebf987363c4aed4ef" + "eva@example.org"

    provider.patch(f"/Users/{id}", *update("", userName=buried, active="False"))
    taken = provider("POST", "/Users", joiner("eva") | {"externalId": "somebody else"})
    provider.done(204, "DELETE", f"/Users/{id}")

    assert taken.status == 201, "the name itself is free again for whoever Entra gives it to"
    assert [u["externalId"] for u in provider.find("Users", 'userName eq "eva@example.org"')] == [
        "somebody else"
    ]


def test_who_comes_back_from_the_recycle_bin_is_the_same(provider: Provider) -> None:
    """[entra]: a soft-deleted user who is restored is pushed as a creation where the match finds nobody."""
    id = provider.done(201, "POST", "/Users", joiner())["id"]
    provider.patch(f"/Users/{id}", *update("", active="False"))

    again = provider.done(201, "POST", "/Users", joiner())

    assert (again["id"], again["active"]) == (id, True)


def test_a_provisioning_that_starts_anew_changes_nothing(provider: Provider, flag: str) -> None:
    """[entra] "Provisioning cycles": everybody is looked up again, and what the directory has is sent again."""
    eva = provider.done(201, "POST", "/Users", joiner(title="Clerk"))
    body = {"schemas": [GROUP], "displayName": "Sales", "externalId": "8aa1a0c0-c4c3-4bc0"}
    sales = provider.done(201, "POST", "/Groups", body)
    member = {"op": "Add", "path": "members", "value": [{"value": eva["id"]}]}
    assert provider.patch(f"/Groups/{sales['id']}", member).status == 204
    before = [provider.done(200, "GET", f"/Groups/{sales['id']}"), provider.find("Users", "id pr")]

    assert [each["id"] for each in provider.find("Users", 'userName eq "EVA@example.org"')] == [
        eva["id"]
    ]
    again = update(
        flag, displayName=None, title="Clerk", active="True", **{"name.givenName": "Eva"}
    )
    work = {"op": "replace", "path": 'emails[type eq "work"].value', "value": "eva@example.org"}
    assert provider.patch(f"/Users/{eva['id']}", *again, work).status == 200
    [found] = provider.find("Groups", 'displayName eq "sales"', "excludedAttributes=members")
    named = update(flag, displayName="Sales", externalId="8aa1a0c0-c4c3-4bc0")
    assert provider.patch(f"/Groups/{found['id']}", *named, member).status == 204

    after = [provider.done(200, "GET", f"/Groups/{sales['id']}"), provider.find("Users", "id pr")]
    assert after == before


@pytest.mark.parametrize("nothing", ["", None])
def test_attributes_that_the_directory_lost_are_gone(
    provider: Provider, flag: str, nothing: Any
) -> None:
    """[flags]: whatever the mapping finds nothing for any more is cleared, by "" or by null."""
    phones = [{"type": "mobile", "value": "1"}, {"type": "work", "value": "2", "primary": True}]
    more: dict[str, Any] = {
        "title": "Clerk",
        "phoneNumbers": phones,
        ENTERPRISE: {"department": "D"},
    }
    path = f"/Users/{provider.done(201, 'POST', '/Users', joiner(**more))['id']}"
    lost = update(
        flag, **dict.fromkeys(("title", "name.formatted", f"{ENTERPRISE}:department"), nothing)
    )
    mobile = {"op": "replace", "path": 'phoneNumbers[type eq "mobile"].value', "value": nothing}

    for _ in range(2):
        left = provider.patch(path, *lost, mobile)
        assert left.status == 200
        assert not {"title", ENTERPRISE} & left.body.keys()
        assert left.body["name"] == {"familyName": "Malá", "givenName": "Eva"}
        assert left.body["phoneNumbers"] == [phones[1]]


@pytest.mark.parametrize(
    "name",
    ['R&D "Ops" + Söhne', "50% off # 1", "back\\slash", "O'Brien; x=1", "a/b?c", "日本 語", "a  b"],
)
def test_a_group_is_found_whatever_its_name_is(provider: Provider, name: str) -> None:
    """[entra], Get Group by displayName: a form's escapes, and JSON's for quotes and backslashes (RFC 7644 3.4.2.2)."""
    made = provider.group(name)["id"]

    for literal in (json.dumps(name), json.dumps(name, ensure_ascii=False)):
        for escaped in (quote, quote_plus):
            query = f"excludedAttributes=members&filter={escaped(f'displayName eq {literal}')}"
            assert provider("GET", "/Groups", query=query).ids == [made]


def test_mail_addresses_are_asked_for_by_their_type(provider: Provider) -> None:
    """AzureAD/SCIMReferenceCode, its Postman collection, "ComplexAttribute tests"."""
    eva = provider.done(201, "POST", "/Users", joiner())

    for asked in ('emails[type eq "work"]', 'emails[value eq "eva@example.org"]'):
        query = f"attributes={quote(asked)}"
        assert provider("GET", "/Users", query=query).found[0]["emails"] == eva["emails"]
