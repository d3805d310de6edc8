"""Okta, OneLogin, JumpCloud, Ping, SailPoint, WSO2 and home-grown clients, each in a conversation of its own.

Sources:
  [okta]     Okta Developer, "Okta and SCIM Version 2.0"; "SCIM API reference: SCIM Protocol"
  [okta-put] okta/okta-developer-docs pull request 3853: memberships by PUT for older integrations
  [okta-doc] oktadeveloper/okta-blog-archive pull request 1956: its requests with their headers
  [authentik] goauthentik/authentik issue 25686: Okta's Push Groups removes by `members[value eq "…"]`
  [onelogin] OneLogin Developers, "Implement RESTful SCIM APIs for Your App", Example API Flow;
             Keepnet, "OneLogin SCIM Integration", and scim.dev, "OneLogin": the JSON templates that
             administrators paste; goauthentik/authentik issue 11249: PATCH of `/Groups/ID?`, and PUT
             with schemas of its own, as Monoskope's "OneLogin" template has them, too
  [jumpcloud] JumpCloud Support, "Identity Management using a Custom SCIM Integration"
  [ping]     Ping Identity, "SCIM Provisioner: User and group management" and "SCIM connector settings reference"
  [sailpoint] SailPoint, "Integrating SCIM 2.0": Supported Features; "SCIM 2.0 SaaS": Prerequisites
  [wso2]     wso2/product-is issues 5333, 21040
  [cern]     indigo-iam/iam issue 934: a nightly job that replaces all members
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.scim.provider import ENTERPRISE, GROUP, PATCH, USER, Provider


@pytest.fixture
def okta(provider: Provider) -> Provider:
    """[okta-doc]: its headers."""
    provider.session.headers.update(
        {
            "User-Agent": "Okta SCIM Client 1.0.0",
            "Accept": "application/scim+json",
            "Accept-Charset": "utf-8",
            "Content-Type": "application/scim+json; charset=utf-8",
        }
    )
    return provider


def okta_user(name: str = "eva", **more: Any) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "userName": f"{name}@okta.local",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": True, "value": f"{name}@okta.local", "type": "work"}],
        "displayName": "Test User",
        "locale": "en-US",
        "externalId": f"00ujl29u0le5T6Aj10h7-{name}",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
        **more,
    }


def test_okta_creates_updates_deactivates_and_reactivates(okta: Provider) -> None:
    """[okta] "Create Users", "Update Users", "Deactivate Users", "Reactivate Users"."""
    query = "filter=userName%20eq%20%22eva%40okta.local%22&startIndex=1&count=100"
    assert okta("GET", "/Users", query=query).found == []
    eva = okta.done(201, "POST", "/Users", okta_user())
    assert "password" not in eva
    path = f"/Users/{eva['id']}"
    assert okta("GET", "/Users", query=query).ids == [eva["id"]]

    profile = okta.done(200, "GET", path) | {"displayName": "Another", "title": "Clerk"}
    updated = okta.done(200, "PUT", path, profile)
    assert (updated["displayName"], updated["title"]) == ("Another", "Clerk")

    off = okta.patch(path, {"op": "replace", "value": {"active": False}})
    assert off.body["active"] is False
    on = okta.patch(path, {"op": "replace", "value": {"active": True}})
    assert on.body["active"] is True
    again = okta_user(id=eva["id"], active=False)
    assert okta.done(200, "PUT", path, again)["active"] is False


def test_okta_imports_everybody_page_by_page(okta: Provider) -> None:
    """[okta] "Retrieve Users": startIndex and count until totalResults, also when somebody goes meanwhile."""
    ids = [okta.user(f"u{n}@okta.local")["id"] for n in range(12)]
    read, start, total = list[str](), 1, 1

    while start <= total:
        reply = okta("GET", "/Users", query=f"startIndex={start}&count=5")
        assert reply.body["startIndex"] == start
        read, total = read + reply.ids, reply.body["totalResults"]
        start += reply.body["itemsPerPage"]
        if len(read) == 5:
            okta.done(204, "DELETE", f"/Users/{ids[0]}")

    assert read == ids
    assert okta("GET", "/Users", query="startIndex=1&count=2").body["totalResults"] == 11


@pytest.mark.parametrize("way", ["PATCH", "PUT"])
def test_okta_pushes_a_group(okta: Provider, way: str) -> None:
    """[okta] "SCIM Group operations", [okta-put], [authentik]: created, filled, renamed, emptied, removed."""
    eva, jan = (okta.done(201, "POST", "/Users", okta_user(n))["id"] for n in ("eva", "jan"))
    okta("GET", "/Groups", query="startIndex=1&count=100")
    body = {"schemas": [GROUP], "displayName": "Test SCIMv2", "members": []}
    made = okta.done(201, "POST", "/Groups", body)
    path = f"/Groups/{made['id']}"

    def fill(*ids: str) -> None:
        members = [{"value": id, "display": f"{id}@okta.local"} for id in ids]
        if way == "PUT":
            whole = {"schemas": [GROUP], "id": made["id"], "displayName": "Test SCIMv2"}
            okta.done(200, "PUT", path, whole | {"members": members})
            return
        gone = [
            {"op": "remove", "path": f'members[value eq "{id}"]'}
            for id in okta.members(path) - set(ids)
        ]
        assert (
            okta.patch(path, *gone, {"op": "add", "path": "members", "value": members}).status
            == 204
        )

    fill(eva, jan)
    assert okta.members(path) == {eva, jan}
    fill(jan)
    assert okta.members(path) == {jan}

    rename = {"op": "replace", "value": {"id": made["id"], "displayName": "Renamed"}}
    assert okta.patch(path, rename).status == 204
    assert okta.members(path) == {jan}, "a new name takes nobody out"
    shown = okta.done(200, "GET", f"/Users/{jan}")["groups"]
    assert [(each["value"], each["display"]) for each in shown] == [(made["id"], "Renamed")]

    assert okta.patch(path, {"op": "replace", "path": "members", "value": []}).status == 204
    assert okta.members(path) == set()
    okta.done(204, "DELETE", path)


ONELOGIN_CORE = {
    "schemas": ["urn:scim:schemas:core:1.0"],
    "userName": "eva@example.org",
    "name": {"givenName": "Eva", "familyName": "Malá", "formatted": "Eva Malá"},
}
ONELOGIN_ENTERPRISE = {
    ENTERPRISE: {
        "department": "Sales",
        "manager": {"managerId": "42", "displayName": "Jan Novák"},
    },
    "active": "true",
    "emails": [{"value": "eva@example.org", "type": "work", "primary": True}],
    "meta": {"resourceType": "User"},
    "name": {"familyName": "Malá", "givenName": "Eva", "formatted": "Eva Malá"},
    "userName": "eva@example.org",
    "id": None,
    "schemas": [USER],
}
ONELOGIN_OWN = ONELOGIN_ENTERPRISE | {
    "schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"],
    "urn:scim:schemas:extension:enterprise:2.0": ONELOGIN_ENTERPRISE[ENTERPRISE],
}
del ONELOGIN_OWN[ENTERPRISE]


@pytest.mark.parametrize(
    "template",
    [ONELOGIN_CORE, ONELOGIN_ENTERPRISE, ONELOGIN_OWN],
    ids=["core", "enterprise", "its own URNs"],
)
def test_onelogin_from_connection_to_leaver(provider: Provider, template: dict[str, Any]) -> None:
    """[onelogin]: nobody is found, one is created, read, replaced, put into a group, disabled and deleted.

    It wants answers in plain JSON's media type.
    """
    provider.session.headers["Accept"] = "application/json"
    assert provider.find("Users", 'userName eq "this user does not exist"') == []
    eva = provider.done(201, "POST", "/Users", template, Content_Type="application/json")
    path = f"/Users/{eva['id']}"
    assert provider.done(200, "GET", path)["name"]["familyName"] == "Malá"
    if template is not ONELOGIN_CORE:
        assert eva["active"] is True
        assert eva["schemas"] == [USER, ENTERPRISE]
        assert eva[ENTERPRISE]["manager"]["value"] == "42"

    provider.done(200, "PUT", f"{path}?", template | {"title": "Head", "active": "false"})
    assert provider.done(200, "GET", path)["active"] is False
    assert provider("GET", "/Groups").found == []
    schemas = [GROUP] if USER in template["schemas"] else template["schemas"][:1]
    made = provider.done(201, "POST", "/Groups", {"schemas": schemas, "displayName": "A"})
    add = {"op": "add", "path": "members", "value": [{"value": eva["id"]}]}
    body = {"schemas": [PATCH], "Operations": [add]}
    provider.done(204, "PATCH", f"/Groups/{made['id']}?", body, User_Agent="")
    assert provider.members(f"/Groups/{made['id']}") == {eva["id"]}
    provider.done(204, "DELETE", path)
    assert provider("GET", "/Users", query="startIndex=1&count=100&").found == []


def test_jumpcloud_tries_a_test_user_and_a_test_group_first(provider: Provider) -> None:
    """[jumpcloud]: both are created, changed and deleted before the integration counts as active."""
    body = {
        "schemas": [USER, ENTERPRISE],
        "userName": "test@example.org",
        "name": {"givenName": "Test", "familyName": "User", "formatted": ""},
        "displayName": "",
        "emails": [{"type": "work", "value": "test@example.org", "primary": True}],
        "active": True,
        "phoneNumbers": [],
        "addresses": [{"type": "work", "streetAddress": "", "locality": ""}],
        ENTERPRISE: {"employeeNumber": "", "costCenter": None, "department": ""},
    }
    provider("GET", "/Users", query="filter=userName%20eq%20%22test%40example.org%22")
    made = provider.done(201, "POST", "/Users", body)
    path = f"/Users/{made['id']}"
    assert not {"displayName", "addresses", "phoneNumbers", ENTERPRISE} & made.keys()

    assert provider.done(200, "PUT", path, body | {"active": False})["active"] is False
    group = provider.group("test group")
    at = f"/Groups/{group['id']}"
    listed = [{"value": made["id"]}]
    for op, after in (("add", {made["id"]}), ("remove", set[str]())):
        assert provider.patch(at, {"op": op, "path": "members", "value": listed}).status == 204
        assert provider.members(at) == after
    provider.done(200, "PUT", at, {"schemas": [GROUP], "displayName": "renamed", "members": listed})
    assert provider.members(at) == {made["id"]}
    provider.done(204, "DELETE", at)
    provider.done(204, "DELETE", path)


@pytest.mark.parametrize("by", ['userName eq "eva"', 'emails eq "eva@example.org"'])
def test_ping_matches_by_name_or_mail_updates_and_disables(provider: Provider, by: str) -> None:
    """[ping]: the unique user identifier's two filters; update by PUT; disable; memberships by PATCH."""
    mails = [{"type": "work", "value": "eva@example.org", "primary": True}]
    body = {"schemas": [USER], "userName": "eva", "emails": mails, "active": True}
    assert provider.find("Users", by) == []
    eva = provider.done(201, "POST", "/Users", body)
    assert [each["id"] for each in provider.find("Users", by)] == [eva["id"]]

    path = f"/Users/{eva['id']}"
    assert provider.done(200, "PUT", path, body | {"title": "Head"})["title"] == "Head"
    disabled = provider.done(200, "PUT", path, body | {"active": False})
    assert (disabled["active"], "title" in disabled) == (False, False)
    group = provider.group("PingGroup")["id"]
    add = {"op": "add", "path": "members", "value": [{"value": eva["id"], "display": "eva"}]}
    assert provider.patch(f"/Groups/{group}", add).status == 204
    gone = {"op": "remove", "path": f'members[value eq "{eva["id"]}"]'}
    assert provider.patch(f"/Groups/{group}", gone).status == 204
    assert provider.members(f"/Groups/{group}") == set()


def test_sailpoint_discovers_aggregates_and_provisions(provider: Provider) -> None:
    """[sailpoint]: the five endpoints that it needs, whole and changed accounts, entitlements, disabling."""
    provider.done(200, "GET", "/ServiceProviderConfig")
    assert {each["id"] for each in provider("GET", "/ResourceTypes").found} == {"User", "Group"}
    for name in ("User", "Group"):
        type = provider.done(200, "GET", f"/ResourceTypes/{name}")
        assert type["endpoint"] == f"/{name}s"
        provider.done(200, "GET", f"/Schemas/{type['schema']}")
    assert USER in {each["id"] for each in provider("GET", "/Schemas").found}

    ids = [provider.user(f"u{n}", active=True)["id"] for n in range(5)]
    group = provider.group("Sales", *ids[:2])["id"]
    first = provider("GET", "/Users", query="startIndex=1&count=2")
    rest = provider("GET", "/Users", query="startIndex=3&count=100")
    assert (first.ids + rest.ids, first.body["totalResults"]) == (ids, 5)
    assert [g["value"] for g in first.found[0]["groups"]] == [group]
    since = provider.done(200, "GET", f"/Users/{ids[3]}")["meta"]["lastModified"]
    changed = provider.find("Users", f'meta.lastModified gt "{since}"', "sortBy=meta.lastModified")
    assert [each["id"] for each in changed] == ids[4:]

    path = f"/Users/{ids[4]}"
    after = provider.patch(
        path,
        {"op": "replace", "path": "name.familyName", "value": "Malá"},
        {"op": "add", "path": "entitlements", "value": [{"value": "phone", "display": "Phone"}]},
        {"op": "add", "path": "roles", "value": [{"value": "clerk"}]},
        {"op": "replace", "path": "password", "value": "s3cr3t"},
    ).body
    assert [each["value"] for each in after["entitlements"]] == ["phone"]
    removed = provider.patch(path, {"op": "remove", "path": 'entitlements[value eq "phone"]'})
    assert "entitlements" not in removed.body
    assert (
        provider.patch(path, {"op": "replace", "path": "active", "value": False}).body["active"]
        is False
    )


def test_wso2_sends_mails_as_texts_and_members_without_a_path(provider: Provider) -> None:
    """[wso2]: issue 21040's user with a schema of its own, and issue 5333's member who is one already."""
    body = {
        "userName": "user1",
        "name": {"familyName": "Test1", "givenName": "User"},
        "emails": ["test1@example.org", {"type": "work", "value": "work@example.org"}],
        "urn:scim:wso2:schema": {"country": "Sri Lanka"},
        ENTERPRISE: {"department": "test1", "manager": {"displayName": "john1"}},
    }
    id = provider.done(201, "POST", "/Users", body)["id"]
    assert len(provider.find("Users", 'emails.value eq "test1@example.org"')) == 1
    path = f"/Groups/{provider.group('admin', id)['id']}"
    version = provider("GET", path).headers["ETag"]
    member = {"display": "PRIMARY/admin", "value": id, "$ref": f"{provider.url}/Users/{id}"}

    assert provider.patch(path, {"op": "add", "value": {"members": [member]}}).status == 204

    assert provider("GET", path).headers["ETag"] == version, "nothing has changed"
    assert provider.members(path) == {id}


def test_a_nightly_job_replaces_all_members(provider: Provider) -> None:
    """[cern]: `operations` in lower case, bare ids in a list."""
    ids = [provider.user(f"u{n}")["id"] for n in range(300)]
    path = f"/Groups/{provider.group('cms', *ids[:150])['id']}"
    body = {
        "schemas": [PATCH],
        "operations": [{"op": "replace", "path": "members", "value": ids[100:]}],
    }

    provider.done(204, "PATCH", path, body)

    assert provider.members(path) == set(ids[100:])


def test_a_script_of_ones_own_says_as_little_as_it_can(provider: Provider) -> None:
    """No schemas, no content type worth the name, everything in any case: RFC 7643 section 2.1."""
    body = (
        b'{"USERNAME": "eva", "Active": "TRUE", "externalID": "7", "emails": {"value": "e@x.org"}}'
    )
    eva = provider.done(201, "POST", "/Users/", body, Content_Type="application/json;charset=utf8")
    assert (eva["userName"], eva["active"], eva["externalId"]) == ("eva", True, "7")

    patched = provider("PATCH", f"/Users/{eva['id']}/", {"Operations": [{"OP": "Add", "PATH": "NICKNAME", "VALUE": "E"}]})  # fmt: skip
    assert patched.body["nickName"] == "E"
    assert provider.find("Users", 'EXTERNALID Eq "7" AND NickName pr', "Attributes=NICKNAME") == [
        {"schemas": [USER], "id": eva["id"], "nickName": "E"}
    ]
