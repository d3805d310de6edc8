"""Conversations in the shapes of RFC 7643, RFC 7644 and RFC 9865, section by section, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.scim.provider import BULK, ENTERPRISE, GROUP, PATCH, PHONE, USER, Provider

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def full(name: str = "bjensen", **more: Any) -> dict[str, Any]:
    """RFC 7643 section 8.3: a user with the enterprise extension, everything in it."""
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": "701984",
        "userName": f"{name}@example.com",
        "name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara"},
        "displayName": "Babs Jensen",
        "nickName": "Babs",
        "profileUrl": "https://login.example.com/bjensen",
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": True},
            {"value": "babs@jensen.org", "type": "home"},
        ],
        "addresses": [
            {"type": "work", "locality": "Hollywood", "country": "US", "primary": True},
            {"type": "home", "locality": "Hollywood", "country": "US"},
        ],
        "phoneNumbers": [{"value": "tel:555-555-5555", "type": "work"}],
        "ims": [{"value": "someaimhandle", "type": "aim"}],
        "photos": [{"value": "https://photos.example.com/p/F", "type": "photo"}],
        "userType": "Employee",
        "title": "Tour Guide",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "active": True,
        "password": "t1meMa$heen",
        "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAw"}],
        ENTERPRISE: {
            "employeeNumber": "701984",
            "costCenter": "4130",
            "organization": "Universal Studios",
            "division": "Theme Park",
            "department": "Tour Operations",
            "manager": {"value": "26118915", "$ref": "../Users/26118915"},
        },
        **more,
    }  # fmt: skip


def test_3_3_a_user_is_created_and_told_where_it_is(provider: Provider) -> None:
    sent = full()
    made = provider.done(201, "POST", "/Users", sent)

    assert {k: v for k, v in made.items() if k not in ("id", "meta")} == {
        k: v for k, v in sent.items() if k != "password"
    }
    assert made["meta"]["location"] == f"{provider.url}/Users/{made['id']}"
    assert provider.done(200, "GET", f"/Users/{made['id']}") == made


def test_3_4_2_2_every_kind_of_filter_in_its_examples(provider: Provider) -> None:
    """RFC 7644 section 3.4.2.2, figure 2 and the list of examples."""
    made = provider.done(201, "POST", "/Users", full())
    other = provider.user("jsmith", title="Clerk", userType="Intern")
    at = made["meta"]["lastModified"]
    for text, whom in {
        'userName Eq "BJENSEN@example.com"': [made],
        'name.familyName co "ensen"': [made],
        'userName sw "J"': [other],
        f'{USER}:userName sw "J"': [other],
        "title pr": [made, other],
        'meta.lastModified gt "2011-05-13T04:42:34Z"': [made, other],
        f'meta.lastModified ge "{at}"': [made, other],
        'meta.lastModified lt "2011-05-13T04:42:34Z"': [],
        f'meta.lastModified le "{at}"': [made],
        'title pr and userType eq "Employee"': [made],
        'title pr or userType eq "Intern"': [made, other],
        f'schemas eq "{ENTERPRISE}"': [made],
        'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")': [made],
        'userType ne "Employee" and not (emails co "example.com" or emails.value co "x")': [other],
        'userType eq "Employee" and (emails.type eq "work")': [made],
        'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]': [made],
        'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]': [made],
        f'{ENTERPRISE}:manager.value eq "26118915"': [made],
        'emails[type eq "home" and primary eq true]': [],
        "active eq true": [made],
        'x509Certificates.value eq "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAw"': [made],
    }.items():  # fmt: skip
        found = [each["id"] for each in provider.find("Users", text)]
        assert found == [each["id"] for each in whom], text


@pytest.mark.parametrize(
    "text",
    [
        *('userName', 'userName eq', 'userName eq "x', 'userName xx "x"', '(userName eq "x"', 'and'),
        *('nonsense eq "x"', 'userName eq "x" and', 'emails[type eq "x"', 'title gt true', '" eq'),
        *('active gt true', 'meta.created gt "yesterday"', 'name eq "x"', 'password eq "x"', "not title pr"),
    ],
)  # fmt: skip
def test_3_12_a_filter_that_is_not_understood_finds_neither_everybody_nor_nobody(
    provider: Provider, text: str
) -> None:
    provider.user("eva")
    body = {"schemas": [SEARCH], "filter": text}

    assert provider("POST", "/Users/.search", body).error == (400, "invalidFilter")


def test_3_4_2_4_pages_and_3_4_2_3_sorting(provider: Provider) -> None:
    for n, name in enumerate(("c", "A", "b", "d")):
        provider.user(name, **({"title": name.upper()} if n else {}))

    def names(query: str) -> list[str]:
        return [each["userName"] for each in provider("GET", "/Users", query=query).found]

    assert names("sortBy=userName") == ["A", "b", "c", "d"]
    assert names("sortBy=userName&sortOrder=descending&startIndex=2&count=2") == ["c", "b"]
    assert names("sortBy=title") == ["A", "b", "d", "c"], "who has none comes last"
    assert names("sortBy=title&sortOrder=descending") == ["c", "d", "b", "A"]
    assert names("startIndex=-7&count=1") == ["c"]
    assert names("startIndex=9") == names("count=0") == names("count=-1") == []
    assert provider("GET", "/Users", query="count=0").body["totalResults"] == 4


def test_3_9_attributes_are_chosen_and_left_out(provider: Provider) -> None:
    id = provider.done(201, "POST", "/Users", full())["id"]

    def members(query: str) -> set[str]:
        return set(provider.done(200, "GET", f"/Users/{id}", query=query))

    assert members("attributes=userName") == {"schemas", "id", "userName"}
    assert members(f"attributes={ENTERPRISE}:manager") == {"schemas", "id", ENTERPRISE}
    assert "emails" not in members("excludedAttributes=emails,NAME.familyName")
    assert {"schemas", "id"} <= members("excludedAttributes=id,schemas")
    assert "password" not in members("attributes=password")


def test_3_4_3_searches_by_post_and_over_everything(provider: Provider) -> None:
    eva = provider.user("eva", displayName="Sales")
    group = provider.group("Sales", eva["id"])
    body = {
        "schemas": [SEARCH],
        "attributes": ["displayName", "userName"],
        "filter": 'displayName sw "s"',
        "startIndex": 1,
        "count": 10,
    }

    found = provider("POST", "/.search", body).found

    assert [each["id"] for each in found] == [eva["id"], group["id"]]
    assert set(found[1]) == {"schemas", "id", "displayName"}
    assert provider("POST", "/Groups/.search", body).ids == [group["id"]]


def test_3_5_1_put_clears_what_it_leaves_out_and_keeps_what_is_not_its_own(
    provider: Provider,
) -> None:
    made = provider.done(201, "POST", "/Users", full())
    group = provider.group("Tour Guides", made["id"])["id"]
    path = f"/Users/{made['id']}"
    read = provider.done(200, "GET", path)

    assert provider.done(200, "PUT", path, read)["meta"]["version"] == read["meta"]["version"]
    short = {"schemas": [USER], "userName": read["userName"], "id": "another", "groups": []}
    put = provider.done(200, "PUT", path, short)

    assert put["id"] == made["id"]
    assert put["active"] is True, "what isn't said disables nobody"
    assert [each["value"] for each in put["groups"]] == [group]
    assert not {"name", "emails", "title", ENTERPRISE} & put.keys()
    assert put["meta"]["created"] == made["meta"]["created"]


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        ({"op": "add", "path": "nickName", "value": "B"}, {"nickName": "B"}),
        ({"op": "add", "value": {"nickName": "B", "title": "T"}}, {"nickName": "B", "title": "T"}),
        ({"op": "replace", "path": "name.familyName", "value": "J"}, {"name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "J", "givenName": "Barbara"}}),
        ({"op": "replace", "path": 'addresses[type eq "work"].locality', "value": "L"}, {"addresses": [{"type": "work", "locality": "L", "country": "US", "primary": True}, {"type": "home", "locality": "Hollywood", "country": "US"}]}),
        ({"op": "remove", "path": 'emails[type eq "home"]'}, {"emails": [{"value": "bjensen@example.com", "type": "work", "primary": True}]}),
        ({"op": "remove", "path": 'emails[type eq "work" and value ew "example.com"]'}, {"emails": [{"value": "babs@jensen.org", "type": "home"}]}),
        ({"op": "remove", "path": "emails"}, {"emails": None}),
        ({"op": "remove", "path": 'ims[type eq "nobody"]'}, {"ims": [{"value": "someaimhandle", "type": "aim"}]}),
        ({"op": "add", "path": "emails", "value": [{"value": "n@x.org", "type": "other", "primary": True}]}, {"emails": [{"value": "bjensen@example.com", "type": "work", "primary": False}, {"value": "babs@jensen.org", "type": "home"}, {"value": "n@x.org", "type": "other", "primary": True}]}),
        ({"op": "replace", "path": f"{ENTERPRISE}:department", "value": "D"}, {ENTERPRISE: full()[ENTERPRISE] | {"department": "D"}}),
        ({"op": "remove", "path": ENTERPRISE}, {ENTERPRISE: None, "schemas": [USER]}),
        ({"op": "add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "1"}, {"phoneNumbers": [{"value": "tel:555-555-5555", "type": "work"}, {"type": "mobile", "value": "1"}]}),
        ({"op": "replace", "path": "title", "value": ""}, {"title": None}),
        ({"op": "replace", "path": "title", "value": None}, {"title": None}),
        ({"op": "add", "path": f"{PHONE}:packages", "value": ["P"]}, {PHONE: {"packages": ["P"]}}),
    ],
)  # fmt: skip
def test_3_5_2_patch(provider: Provider, operation: Any, after: dict[str, Any]) -> None:
    made = provider.done(201, "POST", "/Users", full())

    patched = provider.patch(f"/Users/{made['id']}", operation).body

    assert {name: patched.get(name) for name in after} == after
    untouched = made.keys() - after.keys() - {"meta", "schemas"}
    assert {name: patched[name] for name in untouched} == {name: made[name] for name in untouched}


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": 'emails[type ne "work" and type ne "home"].value', "value": "x"}, "noTarget"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "x"}]}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "replace", "path": "urn:example:unknown:2.0:User:title", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "emails[", "value": "x"}, "invalidFilter"),
        ({"op": "replace", "path": "title[", "value": "x"}, "invalidPath"),
        ({"op": "copy", "path": "title", "value": "x"}, "invalidSyntax"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": ""}, "invalidValue"),
        ({"op": "add", "path": "title"}, "invalidValue"),
    ],
)  # fmt: skip
def test_3_5_2_a_patch_is_carried_out_whole_or_not_at_all(
    provider: Provider, operation: Any, scim_type: str
) -> None:
    path = f"/Users/{provider.done(201, 'POST', '/Users', full())['id']}"
    before = provider.done(200, "GET", path)

    refused = provider.patch(path, {"op": "replace", "path": "title", "value": "Head"}, operation)

    assert refused.error == (400, scim_type)
    assert provider.done(200, "GET", path) == before


def test_3_14_versions(provider: Provider) -> None:
    id = provider.user("eva")["id"]
    path, group = f"/Users/{id}", f"/Groups/{provider.group('Sales')['id']}"
    title = {"op": "replace", "path": "title", "value": "Head"}
    name = {"op": "replace", "path": "displayName", "value": "Sold"}
    for at, change in ((path, title), (group, name)):
        tag = provider("GET", at).headers["ETag"]
        assert tag.startswith('W/"')
        same = provider("GET", at, None, If_None_Match=tag)
        assert (same.status, same.body, same.headers["ETag"]) == (304, None, tag)
        assert provider.patch(at, change, If_Match=tag).status in (200, 204)
        assert provider.patch(at, change, If_Match=tag).error == (412, None)
        assert provider("GET", at, None, If_None_Match=tag).status == 200
        assert provider("DELETE", at, None, If_Match=tag).error == (412, None)
        whole = provider.done(200, "GET", at)
        assert provider("PUT", at, whole, If_Match=tag).error == (412, None)
        provider.done(200, "PUT", at, whole, If_Match=whole["meta"]["version"])
        provider.done(204, "DELETE", at, None, If_Match="*")


def test_3_7_bulk(provider: Provider) -> None:
    """Figures of sections 3.7.2 and 3.7.3: references forward, a failure that stops the rest, a circle."""
    user = {"schemas": [USER], "userName": "alice"}
    group = {"schemas": [GROUP], "displayName": "Tour Guides", "members": [{"value": "bulkId:u"}]}
    create = [
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group},
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": user},
        {"method": "PATCH", "path": "/Users/bulkId:u", "data": {"schemas": [PATCH], "Operations": [{"op": "add", "path": "title", "value": "T"}]}},
    ]  # fmt: skip

    told = provider.done(200, "POST", "/Bulk", {"schemas": [BULK], "Operations": create})
    assert [each["status"] for each in told["Operations"]] == ["201", "201", "200"]
    (alice,) = provider.find("Users", 'userName eq "alice"')
    assert (alice["title"], alice["groups"][0]["display"]) == ("T", "Tour Guides")

    again = [
        create[1] | {"bulkId": "a"},
        create[1] | {"bulkId": "b", "data": user | {"userName": "bob"}},
    ]
    told = provider.done(
        200, "POST", "/Bulk", {"schemas": [BULK], "failOnErrors": 1, "Operations": again}
    )
    (only,) = told["Operations"]
    assert (only["status"], only["response"]["scimType"]) == ("409", "uniqueness")
    assert provider.find("Users", 'userName eq "bob"') == []

    circle = [
        {"method": "POST", "path": "/Groups", "bulkId": one, "data": {"schemas": [GROUP], "displayName": one, "members": [{"value": f"bulkId:{other}"}]}}
        for one, other in (("x", "y"), ("y", "x"))
    ]  # fmt: skip
    told = provider.done(200, "POST", "/Bulk", {"schemas": [BULK], "Operations": circle})
    assert [each["status"] for each in told["Operations"]] == ["409", "409"]
    config = provider.done(200, "GET", "/ServiceProviderConfig")
    many = [create[1]] * (config["bulk"]["maxOperations"] + 1)
    assert provider("POST", "/Bulk", {"schemas": [BULK], "Operations": many}).status == 413


def test_4_what_the_service_tells_of_itself_needs_no_token_where_it_says_so(
    provider: Provider,
) -> None:
    nobody = Provider(provider.url, None)
    config = nobody.done(200, "GET", "/ServiceProviderConfig")

    assert {
        "patch",
        "bulk",
        "filter",
        "changePassword",
        "sort",
        "etag",
        "authenticationSchemes",
        "pagination",
    } <= config.keys()
    assert config["pagination"]["maxPageSize"] == config["filter"]["maxResults"]
    refused = nobody("GET", "/Schemas")
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    for id in (USER, GROUP, ENTERPRISE, PHONE, USER.lower()):
        assert provider.done(200, "GET", f"/Schemas/{id}")["id"].lower() == id.lower()
    assert provider("GET", "/Schemas", query='filter=id%20eq%20"x"').status == 403
    assert provider("GET", "/Schemas/urn:none").error == (404, None)
    provider.done(200, "GET", "/ResourceTypes/Group")


def test_9865_a_walk_by_cursor_while_others_come_and_go(provider: Provider) -> None:
    """RFC 9865 section 2: an empty cursor begins, no nextCursor ends, and a count may change on the way."""
    ids = [provider.user(f"u{n}")["id"] for n in range(20)]
    read, cursor, size = list[str](), "", 3
    while cursor is not None:
        page = provider("GET", "/Users", query=f"cursor={cursor}&count={size}")
        assert "startIndex" not in page.body
        read, cursor, size = read + page.ids, page.body.get("nextCursor"), 4
        gone = ids[len(read) // 3]
        provider("DELETE", f"/Users/{gone}")
        provider.user(f"new{len(read)}")

    assert len(read) == len(set(read))
    assert {id for id in ids if provider("GET", f"/Users/{id}").status == 200} <= set(read)
    assert provider("GET", "/Users", query="cursor=none").error == (400, "invalidCursor")
    assert provider("GET", "/Users", query="cursor=&count=x").error == (400, "invalidCount")


def test_a_bulk_request_is_carried_out_as_the_rfc_writes_it(provider: Provider) -> None:
    """Section 3.7.3, with the versions and ids of here: a PATCH's data is a bare list, and Alice's schema another one."""
    bob, dave, gone = (provider.user(name, nickName=name) for name in ("bob", "dav", "gone"))
    operations: list[Any] = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": "qwerty",
            "data": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:User"],
                "userName": "Alice",
            },
        },
        {
            "method": "PUT",
            "path": f"/Users/{bob['id']}",
            "version": bob["meta"]["version"],
            "data": {"schemas": [USER], "id": bob["id"], "userName": "Bob"},
        },
        {
            "method": "PATCH",
            "path": f"/Users/{dave['id']}",
            "version": dave["meta"]["version"],
            "data": [
                {"op": "remove", "path": "nickName"},
                {"op": "add", "path": "userName", "value": "Dave"},
            ],
        },
        {
            "method": "DELETE",
            "path": f"/Users/{gone['id']}",
            "version": gone["meta"]["version"],
        },
    ]

    body = {"schemas": [BULK], "failOnErrors": 1, "Operations": operations}
    done = provider.done(200, "POST", "/Bulk", body)["Operations"]

    assert [each["status"] for each in done] == ["201", "200", "200", "204"]
    found = provider("GET", "/Users", query="sortBy=userName").found
    assert [each["userName"] for each in found] == ["Alice", "Bob", "Dave"]
    assert not any("nickName" in each for each in found)
