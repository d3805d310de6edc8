"""Zoom's lists: each entry once, counted against the promise, and no half list taken for a whole."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from connectors.errors import IncompleteRead, ReadRefused
from connectors.records import PhoneUser
from tests.connectors.phone.zoom.scripted_zoom import (
    Answer,
    ScriptedZoom,
    Sent,
    refusal,
    scripted_zoom,
)


def page(names: str, total: int, token: str = "", **more: Any) -> Answer:
    users = [{"id": name, "email": f"{name}@example.org", "type": 1} for name in names]
    return 200, {"users": users, "total_records": total, "next_page_token": token, **more}


def active(zoom: ScriptedZoom, *answers: Answer) -> None:
    """Answer the sweep of active users with these pages, the other sweeps with nobody."""
    left = list(answers)

    def reply(sent: Sent) -> Answer:
        if sent.query["status"] != "active":
            return page("", 0)
        return left.pop(0) if len(left) > 1 else left[0]

    zoom.on("GET /users", reply)


def read(zoom: ScriptedZoom) -> list[str]:
    return [user.id for user in zoom.phone.read()]


def test_pages_follow_the_token_and_an_entry_on_two_pages_is_one_user() -> None:
    with scripted_zoom() as zoom:
        active(zoom, page("abc", 4, "t1"), page("cd", 4))

        assert read(zoom) == ["a", "b", "c", "d"]
        assert [
            s.query.get("next_page_token") for s in zoom.sent if s.query.get("status") == "active"
        ] == [None, "t1"]


def test_a_list_that_stays_short_of_its_total_is_refused_with_the_figures() -> None:
    with scripted_zoom() as zoom:
        active(zoom, page("ab", 3))

        with pytest.raises(ReadRefused, match="gave 2 of 3 entries"):
            read(zoom)


def test_a_list_that_changed_while_it_was_read_is_read_again_and_each_user_given_once() -> None:
    with scripted_zoom() as zoom:
        active(zoom, page("ab", 3, "t1"), page("c", 4), page("abc", 4, "t1"), page("d", 4))

        assert read(zoom) == ["a", "b", "c", "d"]


def test_a_list_whose_total_never_settles_is_no_read() -> None:
    with scripted_zoom() as zoom:
        active(zoom, *[page("ab", 3, "t1"), page("c", 4)] * 3)

        with pytest.raises(IncompleteRead, match="3 entries at first and 4 at last"):
            read(zoom)


def test_a_connection_that_breaks_on_the_second_page_is_no_read() -> None:
    with scripted_zoom() as zoom:
        broken = requests.ConnectionError("reset")

        def reply(sent: Sent) -> Answer:
            return broken if sent.query.get("next_page_token") else page("ab", 4, "t1")

        zoom.on("GET /users", reply)

        with pytest.raises(IncompleteRead, match="cut off"):
            read(zoom)


@pytest.mark.parametrize("code", [300, 400])
def test_a_list_whose_page_token_has_run_out_is_read_from_its_first_page_again(code: int) -> None:
    expired = refusal(400, code, "The next page token is invalid or expired.")
    with scripted_zoom() as zoom:
        active(zoom, page("ab", 3, "t1"), expired, page("ab", 3, "t2"), page("c", 3))

        assert read(zoom) == ["a", "b", "c"]


def test_page_tokens_that_run_out_every_time_are_no_read() -> None:
    expired = refusal(400, 300, "The next page token is invalid or expired.")
    with scripted_zoom() as zoom:
        active(zoom, *[page("ab", 4, "t1"), expired] * 3)

        with pytest.raises(IncompleteRead, match="page token is invalid"):
            read(zoom)


def test_tokens_that_run_in_a_circle_end_the_read() -> None:
    with scripted_zoom() as zoom:
        active(zoom, page("a", 9, "t1"), page("b", 9, "t2"), page("c", 9, "t1"))

        with pytest.raises(IncompleteRead, match="circle"):
            read(zoom)


@pytest.mark.parametrize("body", [[], {"total_records": 3}, {"users": None, "total_records": 3}])
def test_a_page_without_its_entries_is_no_read(body: Any) -> None:
    with scripted_zoom() as zoom:
        active_body: Answer = (200, body)
        zoom._check = lambda *_: None  # type: ignore[method-assign]  # no page of Zoom's, on purpose
        active(zoom, active_body)

        with pytest.raises(IncompleteRead):
            read(zoom)


def test_an_account_without_anybody_reads_as_empty() -> None:
    with scripted_zoom() as zoom:
        assert list(zoom.phone.read()) == []


def test_an_entry_without_id_or_mail_is_no_read() -> None:
    with scripted_zoom() as zoom:
        zoom._check = lambda *_: None  # type: ignore[method-assign]
        active(zoom, (200, {"users": [{"type": 1}], "total_records": 1}))

        with pytest.raises(IncompleteRead, match="neither id nor email"):
            read(zoom)


def test_a_phone_user_whose_plan_cannot_be_understood_is_no_read() -> None:
    with scripted_zoom() as zoom:
        zoom._check = lambda *_: None  # type: ignore[method-assign]
        zoom.listing("/phone/users", "users", {"id": "a", "calling_plans": [{"type": "lots"}]})

        with pytest.raises(IncompleteRead, match="about phone user a can't be read"):
            list[PhoneUser](zoom.phone.read())
