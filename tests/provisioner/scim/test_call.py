"""Which part of a list a query asks for, and what of it is not understood."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from provisioner.server_config import Intake
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import Provider, application


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
        ("sortBy=nope", "invalidValue"),
        ("sortBy=userName&sortOrder=up", "invalidValue"),
    ],
)
def test_a_query_that_is_not_understood_is_refused(
    push: Provider, query: str, scim_type: str
) -> None:
    assert push.get(f"/Users?{query}").error == (400, scim_type)


def test_a_filter_is_as_long_as_config_lets_it(store: Direct, sync: str) -> None:
    text = 'userName eq "eva"'
    for most, status in ((len(text), 200), (len(text) - 1, 400)):
        app = application(store, sync, default=sync, limits=Intake(filter=most))

        answer = Provider(app.test_client()).get(f"/Users?filter={quote(text)}")

        assert answer.status == status


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
