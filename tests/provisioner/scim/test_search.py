"""Searches by POST, of one type and of both together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.scim.http_client import SEARCH, Provider


def test_a_search_is_a_list_whose_query_is_in_the_body(push: Provider) -> None:
    ids = [push.user(f"u{n}", title="clerk")["id"] for n in range(3)]
    body = {
        "schemas": [SEARCH],
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
    return push("POST", "/.search", {"schemas": [SEARCH], **query})


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
