"""Lists of the Zoom simulator: their pages, tokens and awkward habits."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.provisioner.simulators.zoom.zoom_client import (
    UNLIMITED,
    Zoom,
    catalog,
    person,
    phone_user,
)


def walk(zoom: Zoom, path: str, name: str, **query: object) -> list[list[Any]]:
    """Return the pages of a list."""
    pages, token = [], ""
    while True:
        asked = {**query, "next_page_token": token} if token else query
        answer = zoom.get(path, **asked).json
        pages.append(answer[name])
        token = answer["next_page_token"]
        if not token:
            return pages


@settings(max_examples=20, deadline=None)
@given(count=st.integers(0, 25), size=st.integers(1, 12))
def test_pages_hold_everybody_once_in_one_order(count: int, size: int) -> None:
    zoom = Zoom(phone_user(f"u{n:02}") for n in range(count))

    pages = walk(zoom, "/phone/users", "users", page_size=size)

    ids = [user["id"] for page in pages for user in page]
    assert ids == [f"id-u{n:02}" for n in range(count)]
    assert all(len(page) == size for page in pages[:-1])


@settings(max_examples=20, deadline=None)
@given(count=st.integers(0, 25), size=st.integers(1, 12))
def test_pages_that_repeat_begin_with_the_last_entry_before_and_miss_nobody(
    count: int, size: int
) -> None:
    zoom = Zoom((person(f"u{n:02}") for n in range(count)), repeat_across_pages=True)

    pages = walk(zoom, "/users", "users", page_size=size)

    assert {user["id"] for page in pages for user in page} == {f"id-u{n:02}" for n in range(count)}
    if size > 1:
        assert all(later[0] == page[-1] for page, later in pairwise(pages))


@pytest.mark.parametrize(
    ("path", "code"), [("/users", 300), ("/phone/users", 400), ("/phone/numbers", 400)]
)
def test_a_page_token_lives_fifteen_minutes(path: str, code: int) -> None:
    zoom = Zoom(phone_user(f"u{n}", numbers=[f"+49{n}"]) for n in range(3))
    token = zoom.get(path, page_size=1).json["next_page_token"]

    zoom.clock.advance(minutes=14, seconds=59)
    in_time = zoom.get(path, page_size=1, next_page_token=token)
    zoom.clock.advance(seconds=1)
    late = zoom.get(path, page_size=1, next_page_token=token)

    assert in_time.status == 200
    assert late.error == (400, code)
    assert late.json["message"] == "The next page token is invalid or expired."


@pytest.mark.parametrize("token", ["x", "AAAAAAAAAAAAAAAA", "ž", "====", "a" * 5000])
def test_a_token_that_was_never_given_is_refused(token: str) -> None:
    assert Zoom().get("/users", next_page_token=token).error == (400, 300)


def test_a_token_belongs_to_one_list_with_its_filters() -> None:
    zoom = Zoom(phone_user(f"u{n}") for n in range(3))
    token = zoom.get("/phone/users", page_size=1, status="activate").json["next_page_token"]

    assert zoom.get("/phone/users", page_size=1, next_page_token=token).error == (400, 400)
    assert zoom.get("/phone/rooms", page_size=1, next_page_token=token).error == (400, 400)
    assert (
        zoom.get("/phone/users", page_size=2, status="activate", next_page_token=token).status
        == 200
    )


@pytest.mark.parametrize(
    ("path", "largest"),
    [("/users", 2000), ("/phone/users", 100), ("/phone/numbers", 100), ("/phone/sites", 300)],
)
def test_a_page_is_no_larger_than_zoom_allows(path: str, largest: int) -> None:
    zoom = Zoom()

    assert zoom.get(path, page_size=largest).status == 200
    assert zoom.get(path, page_size=largest + 1).fields == ["page_size"]
    assert zoom.get(path, page_size=0).error == (400, 300)


def test_an_added_phone_user_appears_in_lists_after_the_delay() -> None:
    zoom = Zoom([person("eva")], visible_after_s=30)

    zoom.patch("/users/id-eva", {"feature": {"zoom_phone": True}})
    zoom.clock.advance(seconds=29)
    early = zoom.get("/phone/users").json["users"]
    alone = zoom.get("/phone/users/id-eva")
    zoom.clock.advance(seconds=1)

    assert (early, alone.status) == ([], 200)
    assert len(zoom.get("/phone/users").json["users"]) == 1


def test_what_is_added_stays_out_of_the_next_reads_whole_pages_included() -> None:
    zoom = Zoom([person(f"u{n}") for n in range(5)], visible_after_reads=2)
    info = {"email": "eva@example.org", "type": 1}

    zoom.post("/users", {"action": "custCreate", "user_info": info})
    counts = [sum(map(len, walk(zoom, "/users", "users", page_size=2))) for _ in range(3)]

    assert counts == [5, 5, 6]


def test_an_added_plan_and_number_are_seen_late_in_lists_and_at_once_alone() -> None:
    zoom = Zoom(
        [catalog(numbers=["+4989120"]), phone_user("eva", packages=[])], visible_after_reads=1
    )

    zoom.post("/phone/users/id-eva/calling_plans", {"calling_plans": [{"type": 200}]})
    zoom.post("/phone/users/id-eva/phone_numbers", {"phone_numbers": [{"number": "+4989120"}]})
    [late] = zoom.get("/phone/users").json["users"]
    [seen] = zoom.get("/phone/users").json["users"]
    alone = zoom.get("/phone/users/id-eva").json

    assert (late["calling_plans"], late["phone_numbers"]) == ([], [])
    assert [plan["name"] for plan in seen["calling_plans"]] == [UNLIMITED]
    assert len(seen["phone_numbers"]) == len(alone["phone_numbers"]) == 1


def test_a_number_whose_assignment_is_not_visible_yet_is_listed_as_unassigned() -> None:
    zoom = Zoom([catalog(numbers=["+4989120"]), phone_user("eva")], visible_after_reads=1)

    zoom.post("/phone/users/id-eva/phone_numbers", {"phone_numbers": [{"number": "+4989120"}]})

    assert zoom.get("/phone/numbers", type="unassigned").json["total_records"] == 1
    assert zoom.get("/phone/numbers", type="unassigned").json["total_records"] == 0
