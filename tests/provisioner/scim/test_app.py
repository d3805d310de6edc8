"""The receiver over HTTP: what each method answers, and what it refuses, as RFC 7644 has it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug import Request

from provisioner.scim.errors import ScimError
from provisioner.server_config import Intake
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import GROUP, USER, Provider, application

BASE = "http://localhost/scim/v2"


@pytest.fixture
def app(store: Direct, sync: str) -> Flask:
    return application(store, sync, default=sync)


@pytest.fixture
def push(app: Flask) -> Provider:
    return Provider(app.test_client())


def test_a_created_user_is_answered_whole_with_where_it_is(push: Provider) -> None:
    answer = push("POST", "/Users", {"schemas": [USER], "userName": "eva", "active": True})

    id = answer.body["id"]
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.headers["Location"] == answer.body["meta"]["location"] == f"{BASE}/Users/{id}"
    assert answer.headers["ETag"] == answer.body["meta"]["version"] == 'W/"1"'
    assert push.get(f"/Users/{id}").body == answer.body


def test_a_created_group_is_answered_with_its_members(push: Provider) -> None:
    eva = push.user()["id"]

    group = push.group("Sales", eva)

    assert [each["value"] for each in group["members"]] == [eva]
    assert push.get(f"/Groups/{group['id']}").body == group
    assert push.get(f"/Users/{eva}").body["groups"] == [
        {
            "value": group["id"],
            "$ref": f"{BASE}/Groups/{group['id']}",
            "display": "Sales",
            "type": "direct",
        }
    ]


def test_put_replaces_and_patch_changes(push: Provider) -> None:
    eva = push.user(title="clerk", nickName="evi")
    path = f"/Users/{eva['id']}"

    put = push("PUT", path, {**eva, "title": "boss", "nickName": None})
    patched = push.patch(path, {"op": "Replace", "path": "active", "value": "False"})

    assert (put.status, put.body["title"], "nickName" in put.body) == (200, "boss", False)
    assert (patched.status, patched.body["active"]) == (200, False)
    assert patched.headers["ETag"] == patched.body["meta"]["version"] == 'W/"3"'
    assert push.get(path).body == patched.body


def test_a_groups_patch_is_answered_without_a_body_unless_attributes_are_asked_for(
    push: Provider,
) -> None:
    eva, group = push.user()["id"], push.group()["id"]
    add = {"op": "add", "path": "members", "value": [{"value": eva}]}

    plain = push.patch(f"/Groups/{group}", add)
    asked = push.patch(f"/Groups/{group}?attributes=displayName", add)

    assert (plain.status, plain.text, plain.headers["ETag"]) == (204, "", 'W/"2"')
    assert "Content-Type" not in plain.headers
    assert (asked.status, sorted(asked.body)) == (200, ["displayName", "id", "schemas"])


def test_what_is_deleted_is_gone(push: Provider) -> None:
    for path in (f"/Users/{push.user()['id']}", f"/Groups/{push.group()['id']}"):
        assert push("DELETE", path).status == 204
        assert push("DELETE", path).error == (404, None)
        assert push.get(path).error == (404, None)
        assert push("PUT", path, {"userName": "x", "displayName": "x"}).error == (404, None)
        assert push.patch(path, {"op": "add", "path": "displayName", "value": "x"}).error == (
            404,
            None,
        )


@pytest.mark.parametrize("id", ["nobody", "0" * 32, "%00", "bulkId:x", "ž", "a" * 5000])
def test_what_was_never_there_is_not_found(push: Provider, id: str) -> None:
    assert push.get(f"/Users/{quote(id, safe='%')}").error == (404, None)
    assert push("DELETE", f"/Groups/{quote(id, safe='%')}").error == (404, None)


def test_attributes_are_chosen_and_left_out(push: Provider) -> None:
    eva = push.user(title="clerk", name={"givenName": "Eva", "familyName": "Malá"})
    group = push.group("Sales", eva["id"])
    path = f"/Users/{eva['id']}"

    assert push.get(f"{path}?attributes=userName,name.givenName").body == {
        "schemas": [USER],
        "id": eva["id"],
        "userName": "eva",
        "name": {"givenName": "Eva"},
    }
    assert "groups" not in push.get(f"{path}?excludedAttributes=groups,title").body
    assert push.get(f"{path}?attributes=groups.display").body["groups"] == [{"display": "Sales"}]
    listed = push.get("/Groups?excludedAttributes=members").body["Resources"][0]
    assert "members" not in listed
    assert listed["id"] == group["id"]
    assert "members" not in push.get(f"/Groups/{group['id']}?excludedAttributes=Members").body


def test_a_version_that_the_client_has_is_not_sent_again(push: Provider) -> None:
    eva = push.user()
    path, tag = f"/Users/{eva['id']}", eva["meta"]["version"]

    same = push.get(path, If_None_Match=tag)
    assert (same.status, same.text, same.headers["ETag"]) == (304, "", tag)
    push.group("Sales", eva["id"])
    assert push.get(path, If_None_Match=tag).status == 200, "the groups are new"


def test_a_write_to_another_version_is_refused(push: Provider) -> None:
    eva, group = push.user(), push.group()
    rename = {"op": "replace", "path": "displayName", "value": "x"}

    for path in (f"/Users/{eva['id']}", f"/Groups/{group['id']}"):
        assert push.patch(path, rename, If_Match='W/"7"').error == (412, None)
        assert push("DELETE", path, If_Match='W/"7"').error == (412, None)
        assert push.patch(path, rename, If_None_Match='W/"1"').error == (412, None)
        assert push.patch(path, rename, If_Match='W/"7", W/"1"').status in (200, 204)
        assert push("DELETE", path, If_Match="*").status == 204


def test_a_list_tells_its_total_and_its_place(push: Provider) -> None:
    ids = [push.user(f"u{n}")["id"] for n in range(5)]

    page = push.get("/Users?startIndex=2&count=2")

    assert {name: page.body[name] for name in ("totalResults", "startIndex", "itemsPerPage")} == {
        "totalResults": 5,
        "startIndex": 2,
        "itemsPerPage": 2,
    }
    assert page.ids == ids[1:3]
    assert push.get("/Users").ids == ids


@pytest.mark.parametrize(
    ("query", "start", "ids"),
    [
        ("startIndex=0&count=2", 1, slice(0, 2)),
        ("startIndex=-7", 1, slice(None)),
        ("count=0", 1, slice(0)),
        ("count=-3", 1, slice(0)),
        ("startIndex=4", 4, slice(3, None)),
        ("startIndex=99999999999999999999", 2**31, slice(0)),
        ("count=99999999999999999999", 1, slice(None)),
        ("startIndex=&count=", 1, slice(None)),
        ("sortOrder=descending&sortBy=userName&count=2", 1, slice(None, 2, -1)),
        ("nonsense=1&%24filter=x", 1, slice(None)),
        ("?", 1, slice(None)),
        ("&", 1, slice(None)),
        ("COUNT=1&StartIndex=2", 2, slice(1, 2)),
    ],
)
def test_pages_are_taken_as_they_are_meant(
    push: Provider, query: str, start: int, ids: Any
) -> None:
    everybody = [push.user(f"u{n}")["id"] for n in range(5)]

    page = push.get(f"/Users?{query}")

    assert (page.status, page.body["totalResults"], page.body["startIndex"]) == (200, 5, start)
    assert page.ids == everybody[ids]
    assert page.body["itemsPerPage"] == len(page.ids)


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("count=many", "invalidValue"),
        ("startIndex=1.5", "invalidValue"),
        ("cursor=&count=x", "invalidCount"),
        ("cursor=nonsense", "invalidCursor"),
        ("filter=nope", "invalidFilter"),
        ("filter=userName%20eq", "invalidFilter"),
        ("filter=" + "x" * 9000, "invalidFilter"),
        ("sortBy=nope", "invalidPath"),
        ("sortBy=userName&sortOrder=up", "invalidValue"),
    ],
)
def test_a_query_that_is_not_understood_is_refused(
    push: Provider, query: str, scim_type: str
) -> None:
    assert push.get(f"/Users?{query}").error == (400, scim_type)


def test_pages_are_no_larger_than_is_announced(store: Direct, sync: str) -> None:
    push = Provider(application(store, sync, default=sync, limits=Intake(page=2)).test_client())
    for n in range(3):
        push.user(f"u{n}")

    assert len(push.get("/Users?count=1000").ids) == 2
    assert len(push.get("/Users").ids) == 2
    told = push.get("/ServiceProviderConfig").body
    assert told["filter"]["maxResults"] == told["pagination"]["maxPageSize"] == 2


def test_a_walk_by_cursor_meets_everybody(push: Provider) -> None:
    ids = [push.user(f"u{n}")["id"] for n in range(5)]
    first = push.get("/Users?cursor&count=2")
    second = push.get(f"/Users?cursor={first.body['nextCursor']}&count=2")
    third = push.get(f"/Users?cursor={second.body['nextCursor']}&count=2")

    assert first.ids + second.ids + third.ids == ids
    assert "nextCursor" not in third.body
    assert "startIndex" not in first.body
    assert third.body["totalResults"] == 5


def test_nobody_found_is_an_empty_list(push: Provider) -> None:
    answer = push.get("/Users?filter=" + quote('userName eq "nobody"'))

    assert (answer.status, answer.body["totalResults"], answer.ids) == (200, 0, [])


@pytest.mark.parametrize(
    "charset", ["", "; charset=utf-8", "; charset=UTF-8", ';charset="utf8"', "; charset=x-nope"]
)
@pytest.mark.parametrize("kind", ["application/scim+json", "application/json", "Application/JSON"])
def test_json_is_taken_under_either_name_with_any_charset(
    push: Provider, kind: str, charset: str
) -> None:
    body = '{"userName": "žluť"}'.encode()

    answer = push("POST", "/Users", body, Content_Type=kind + charset)

    assert (answer.status, answer.body["userName"]) == (201, "žluť")


def test_other_charsets_are_read_as_what_they_say(push: Provider) -> None:
    latin = '{"userName": "Zoë"}'.encode("latin-1")

    answer = push("POST", "/Users", latin, Content_Type="application/json; charset=ISO-8859-1")

    assert answer.body["userName"] == "Zoë"
    assert push("POST", "/Users", latin, Content_Type="application/json").error == (
        400,
        "invalidSyntax",
    )


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded"]
)
def test_other_media_types_are_refused(push: Provider, kind: str) -> None:
    assert push("POST", "/Users", b"{}", Content_Type=kind).error == (415, None)


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"nonsense", b'{"userName": "a"} x', b'{"userName": NaN}', b"\xff\xff\xff",
        b'{"userName": "a", "userName": "b"}', b'{"name": {"givenName": "a", "givenName": "b"}}',
        b'{"x": ' + b"[" * 50 + b"]" * 50 + b"}", b"[" * 100_000, b'{"x": -Infinity}', b"[]", b"null",
        b'"text"', b"5", b'{"userName": "a"', b'{"n": ' + b"9" * 6000 + b"}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Bulk", "/.search", "/Users/.search"])
def test_what_is_no_json_object_is_refused(push: Provider, path: str, body: bytes) -> None:
    assert push("POST", path, body).error == (400, "invalidSyntax")


def test_a_body_may_nest_as_deep_as_config_lets_it(store: Direct, sync: str) -> None:
    app = application(store, sync, default=sync, limits=Intake(depth=4))
    push = Provider(app.test_client())

    assert push("POST", "/Users", b'{"userName": "a", "x": [[{"y": 1}]]}').status == 201
    assert push("POST", "/Users", b'{"userName": "b", "x": [[{"y": []}]]}').error == (
        400,
        "invalidSyntax",
    )


def test_a_body_may_be_as_large_as_config_lets_it(store: Direct, sync: str) -> None:
    app = application(store, sync, default=sync, limits=Intake(body=100))
    push = Provider(app.test_client())

    assert push("POST", "/Users", {"userName": "a"}).status == 201
    assert push("POST", "/Users", {"userName": "b" * 100}).error == (413, None)


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/Users"), ("POST", "/Users/x"), ("DELETE", "/Groups"), ("POST", "/Schemas"), ("GET", "/Bulk")],
)  # fmt: skip
def test_other_methods_are_refused(push: Provider, method: str, path: str) -> None:
    assert push(method, path).error == (405, None)


@pytest.mark.parametrize("path", ["/Nope", "/users", "/Users/x/y", "/../../etc/passwd"])
def test_other_routes_are_not_found(push: Provider, path: str) -> None:
    assert push.get(path).error == (404, None)


def test_a_slash_at_the_end_says_nothing(push: Provider) -> None:
    eva = push.user()

    assert push.get("/Users/").ids == [eva["id"]]
    assert push.get(f"/Users/{eva['id']}/").body == eva
    assert push("POST", "/Users/", {"userName": "jan"}).status == 201


def test_nobody_is_a_user_here(push: Provider) -> None:
    assert push.get("/Me").error == (501, None)
    assert push.patch("/Me", {"op": "remove", "path": "title"}).error == (501, None)


def test_a_taken_name_is_a_conflict(push: Provider) -> None:
    push.user("eva")

    assert push("POST", "/Users", {"userName": "EVA"}).error == (409, "uniqueness")


def test_a_password_is_taken_and_never_seen_again(push: Provider, store: Direct, sync: str) -> None:
    eva = push.user(password="hunter2!")
    path = f"/Users/{eva['id']}"
    push.patch(path, {"op": "replace", "path": "password", "value": "hunter3!"})

    assert "password" not in eva
    assert "hunter" not in push.get(f"{path}?attributes=password,userName").text
    rows = store.read(lambda s: s.rows("SELECT document FROM scim_users WHERE sync = :s", s=sync))
    assert "hunter" not in str(rows)


def test_each_sync_has_its_own_address_and_the_alias_is_one_of_them(
    store: Direct, sync: str
) -> None:
    client = application(store, sync, "other-sync", default=sync).test_client()
    alias, mine = Provider(client), Provider(client, f"/scim/{sync}/v2")
    eva = mine.user("eva")

    assert eva["meta"]["location"] == f"http://localhost/scim/{sync}/v2/Users/{eva['id']}"
    assert alias.get("/Users").ids == [eva["id"]]
    assert (
        alias.get("/Users").body["Resources"][0]["meta"]["location"] == f"{BASE}/Users/{eva['id']}"
    )
    others = Provider(client, "/scim/other-sync/v2")
    assert others.get("/Users").body["totalResults"] == 0
    assert others.get(f"/Users/{eva['id']}").status == 404


def test_without_a_default_there_is_no_alias(store: Direct, sync: str) -> None:
    push = Provider(application(store, sync).test_client())

    assert push.get("/Users").error == (404, None)


def test_the_address_is_the_one_that_clients_use(store: Direct, sync: str) -> None:
    known = application(store, sync, default=sync, base_url="https://scim.example.org/idm")
    location = Provider(known.test_client()).user("eva")["meta"]["location"]
    assert location.startswith("https://scim.example.org/idm/scim/v2/Users/")

    push = Provider(application(store, sync, default=sync).test_client())
    assert (
        push("POST", "/Users", {"userName": "jan"}, Host="scim.example.net:8443")
        .headers["Location"]
        .startswith("http://scim.example.net:8443/scim/v2/Users/")
    )
    strange = push("POST", "/Users", {"userName": "ota"}, Host='evil"\\host')
    assert strange.body["meta"]["location"] == strange.headers["Location"]
    assert "evil" not in strange.text


def test_nothing_is_told_before_the_client_is_known(store: Direct, sync: str) -> None:
    asked: list[str | None] = []

    def nobody(request: Request, sync: str | None) -> None:
        asked.append(sync)
        raise ScimError(401, "who are you?", None, {"WWW-Authenticate": "Bearer"})

    client = application(store, sync, default=sync, admit=nobody).test_client()
    real, unknown = Provider(client, f"/scim/{sync}/v2"), Provider(client, "/scim/nope/v2")
    for method, path in (
        ("GET", "/Users"), ("GET", "/Users/x"), ("POST", "/Users"), ("DELETE", "/Users/x"), ("GET", "/"),
        ("PATCH", "/Groups/x"), ("GET", "/Schemas"), ("GET", "/ResourceTypes/User"), ("GET", "/Me"),
        ("POST", "/Bulk"), ("POST", "/.search"), ("POST", "/Users/.search"), ("GET", "/Users?filter=x"),
    ):  # fmt: skip
        answers = [each(method, path) for each in (real, unknown)]
        assert [each.error for each in answers] == [(401, None)] * 2, path
        assert answers[0].headers["WWW-Authenticate"] == "Bearer"
        assert answers[0].text == answers[1].text
    assert set(asked) == {sync, None}


def test_a_service_provider_config_needs_no_token_and_tells_nothing_of_syncs(
    store: Direct, sync: str
) -> None:
    def nobody(request: Request, sync: str | None) -> None:
        raise ScimError(401, "who are you?")

    client = application(store, sync, default=sync, admit=nobody).test_client()
    real = Provider(client, f"/scim/{sync}/v2").get("/ServiceProviderConfig")
    unknown = Provider(client, "/scim/nope/v2").get("/ServiceProviderConfig")

    assert real.status == unknown.status == 200
    assert real.text.replace(sync, "nope") == unknown.text
    assert {
        name: real.body[name].get("supported", real.body[name])
        for name in ("patch", "bulk", "filter", "sort", "etag", "changePassword")
    } == {
        "patch": True,
        "bulk": True,
        "filter": True,
        "sort": True,
        "etag": True,
        "changePassword": False,
    }
    assert real.body["pagination"]["cursor"] is True
    assert [each["type"] for each in real.body["authenticationSchemes"]] == [
        "oauthbearertoken",
        "oauth2",
    ]


def test_schemas_and_resource_types_are_listed_and_found_by_id(push: Provider) -> None:
    schemas, types = push.get("/Schemas"), push.get("/ResourceTypes")

    assert {USER, GROUP} <= set(schemas.ids)
    assert types.ids == ["User", "Group"]
    for id in schemas.ids:
        found = push.get(f"/Schemas/{id}")
        assert found.status == 200
        assert found.body["meta"]["location"] == f"{BASE}/Schemas/{id}"
        assert found.body in schemas.body["Resources"]
    assert push.get("/ResourceTypes/User").body["endpoint"] == "/Users"
    assert push.get("/Schemas/urn:nope").error == (404, None)
    assert push.get("/Schemas?filter=id%20pr").error == (403, None)


def test_a_search_is_a_list_whose_query_is_in_the_body(push: Provider) -> None:
    ids = [push.user(f"u{n}", title="clerk")["id"] for n in range(3)]
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": 'title eq "clerk"',
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 2,
        "count": 1,
        "attributes": ["userName"],
    }

    found = push("POST", "/Users/.search", body)

    assert found.status == 200
    assert (found.body["totalResults"], found.ids) == (3, [ids[1]])
    assert set(found.body["Resources"][0]) == {"schemas", "id", "userName"}
    assert push("POST", "/Users/.search", {**body, "count": True}).error == (400, "invalidValue")
    assert push("POST", "/Users/.search", {**body, "schemas": []}).error == (400, "invalidValue")
    assert push("POST", "/Users/.search", {**body, "attributes": 5}).error == (400, "invalidValue")


def everything(push: Provider, **query: Any) -> Any:
    schemas = ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]
    return push("POST", "/.search", {"schemas": schemas, **query})


def test_a_search_at_the_root_finds_users_and_groups(push: Provider) -> None:
    users = [push.user(f"u{n}", displayName="Sales")["id"] for n in range(3)]
    groups = [push.group("Sales")["id"], push.group("Sales")["id"]]
    everybody = users + groups

    assert everything(push).ids == push.get("/").ids == everybody
    assert everything(push, filter='displayName eq "sales"').ids == everybody
    assert everything(push, filter="userName pr").ids == users
    assert everything(push, filter='meta.resourceType eq "Group"').ids == groups
    assert everything(push, filter="members pr").body["totalResults"] == 0
    pages = [everything(push, startIndex=start, count=2) for start in (1, 3, 5, 7)]
    assert [page.ids for page in pages] == [everybody[:2], everybody[2:4], everybody[4:], []]
    assert {page.body["totalResults"] for page in pages} == {5}
    assert everything(push, filter="nope pr").error == (400, "invalidFilter")


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_a_walk_by_cursor_at_the_root_meets_everything(push: Provider, count: int) -> None:
    everybody = [push.user(f"u{n}")["id"] for n in range(3)]
    everybody += [push.group("Sales")["id"], push.group("Board")["id"]]

    found, cursor = list[str](), ""
    while cursor is not None:
        page = everything(push, cursor=cursor, count=count)
        assert page.body["totalResults"] == 5
        found += page.ids
        cursor = page.body.get("nextCursor")

    assert found == everybody
    for spoilt in ("X", "Unonsense", "Gnonsense"):
        assert everything(push, cursor=spoilt).error == (400, "invalidCursor")


def test_members_that_nobody_knows_are_refused(push: Provider) -> None:
    body = {"displayName": "Sales", "members": [{"value": "0" * 32}]}

    assert push("POST", "/Groups", body).error == (400, "invalidValue")


def test_a_put_of_a_group_just_read_changes_nothing(push: Provider) -> None:
    eva = push.user()["id"]
    group = push.group("Sales", eva)
    path = f"/Groups/{group['id']}"

    assert push("PUT", path, push.get(path).body).body == group
    slim = push.get(f"{path}?excludedAttributes=members").body
    assert push("PUT", path, {**slim, "displayName": "Trade"}).body["members"] == group["members"]
