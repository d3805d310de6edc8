"""Lists of a SCIM service: read to their end, or no read at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Response, request

from connectors.errors import IncompleteRead, ReadRefused, RunError
from tests.connectors.directory.scim_services import (
    Slept,
    answering,
    directory,
    keys,
    listing,
    nothing,
    service,
    user,
    users,
)


@pytest.mark.parametrize("pages", ["index", "cursor"])
@pytest.mark.parametrize(
    ("off", "figures"), [(3, "gave 25 of 28 Users"), (-3, "promised 22 Users and gave 25")]
)
def test_a_service_that_lies_about_its_total_is_refused_with_the_figures(
    pages: str, off: int, figures: str
) -> None:
    with service(users(25), total_off=off) as (base, _), pytest.raises(ReadRefused, match=figures):
        list(directory(base, pages=pages).read())


@pytest.mark.parametrize("count", [20, 25])
def test_a_page_length_given_for_a_total_does_not_lose_everybody_else(count: int) -> None:
    with (
        service(users(count), total_is_page=True) as (base, _),
        pytest.raises(ReadRefused, match="promised 10 Users and gave 20 or more"),
    ):
        list(directory(base).read())


def test_a_total_that_fits_the_pages_but_not_the_people_is_found_out() -> None:
    with (
        service(users(30), total_off=-10) as (base, _),
        pytest.raises(ReadRefused, match="promised 20 Users and gave 30 or more"),
    ):
        list(directory(base).read())


@pytest.mark.parametrize("pages", ["index", "cursor"])
def test_a_total_that_changes_on_the_way_is_no_read(pages: str) -> None:
    with (
        service(users(25), total_from_page=3) as (base, _),
        pytest.raises(IncompleteRead, match="25 Users at first, 24 after 20"),
    ):
        list(directory(base, pages=pages).read())


@pytest.mark.parametrize("pages", ["index", "cursor"])
def test_an_empty_list_that_promises_people_is_refused(pages: str) -> None:
    with (
        service(users(7), empty=True) as (base, _),
        pytest.raises(ReadRefused, match="gave 0 of 7 Users"),
    ):
        list(directory(base, pages=pages).read())


def test_a_service_that_sends_the_same_page_for_ever_is_left_soon() -> None:
    with service(users(25), ignore_start=True) as (base, asked):
        with pytest.raises(ReadRefused, match="gave 10 of 25 Users"):
            list(directory(base).read())
        assert len(asked) < 5


def test_a_cursor_that_leads_to_itself_is_left_at_once() -> None:
    with service(users(25), same_cursor=True) as (base, asked):
        with pytest.raises(IncompleteRead, match="lead in a circle"):
            list(directory(base, pages="cursor").read())
        assert len(asked) < 5


@pytest.mark.parametrize("pages", ["index", "cursor"])
def test_a_service_that_never_ends_is_left_once_it_went_beyond_its_total(pages: str) -> None:
    def endless(path: str) -> Response:
        start = int(request.args.get("startIndex") or request.args.get("cursor") or 1)
        people = [user(number) for number in range(start, start + 10)]
        return listing(*people, totalResults=25, nextCursor=str(start + 10))

    with (
        answering(endless) as base,
        pytest.raises(ReadRefused, match="promised 25 Users and gave 30"),
    ):
        list(directory(base, pages=pages).read())


@pytest.mark.parametrize("status", [400, 404, 500])
def test_what_a_service_answers_behind_its_end_is_its_own_affair(status: int) -> None:
    def strict(path: str) -> Response:
        behind = path == "Users" and request.args["startIndex"] != "1"
        return Response("", status) if behind or path != "Users" else listing(*users(3))

    slept: Slept = []
    with answering(strict) as base:
        hr = directory(base, slept, pages="index", memberships="users")
        assert len(list(hr.read())) == 3

    assert slept == []


def test_cursors_that_lead_nowhere_new_for_ever_are_left() -> None:
    def forever(path: str) -> Response:
        cursor = int(request.args.get("cursor") or 0)
        body = {"Resources": [user(1)], "nextCursor": str(cursor + 1)}
        return Response(json.dumps(body))

    with answering(forever) as base, pytest.raises(IncompleteRead, match="circle after 1;"):
        list(directory(base, pages="cursor").read())


def test_a_cursor_that_expired_on_the_way_ends_the_read_with_its_reason() -> None:
    with (
        service(users(25), expire_cursor=True) as (base, _),
        pytest.raises(RunError, match="expiredCursor"),
    ):
        list(directory(base, pages="cursor").read())


def test_a_list_by_index_without_a_total_is_no_read_but_one_by_cursor_is() -> None:
    with service(users(25), no_total=True) as (base, _):
        with pytest.raises(IncompleteRead, match="has no totalResults"):
            list(directory(base, pages="index").read())
        assert len(list(directory(base, pages="cursor").read())) == 25


def test_a_connection_that_always_breaks_on_page_3_is_no_read() -> None:
    slept: Slept = []
    with (
        service(users(45), drop_page=3) as (base, _),
        pytest.raises(IncompleteRead, match=r"hr could not be read: GET http\S+ the connection"),
    ):
        list(directory(base, slept).read())

    assert len(slept) == 5


def test_a_connection_that_breaks_once_is_taken_up_again() -> None:
    with service(users(45), drop_page=3, drop_times=1) as (base, _):
        assert len(list(directory(base).read())) == 45


def test_a_page_that_breaks_off_unnoticed_by_the_transport_is_fetched_again() -> None:
    whole = json.dumps({"totalResults": 1, "Resources": [user(1)]})
    bodies = [whole[:-9], "", whole]

    def answer(path: str) -> Response:
        return Response(bodies.pop(0) if len(bodies) > 1 else bodies[0])

    with answering(lambda path: answer(path) if path == "Users" else nothing(path)) as base:
        assert keys(list(directory(base).read())) == ["e1"]


def test_a_busy_service_is_waited_for_as_long_as_it_asks() -> None:
    slept: Slept = []
    with service(users(5), busy=2, retry_after="7") as (base, _):
        assert len(list(directory(base, slept).read())) == 5

    assert [7 <= pause < 9 for pause in slept] == [True, True]


def test_a_service_that_asks_to_wait_too_long_is_no_read_and_the_time_is_named() -> None:
    with (
        service(users(5), busy=1, retry_after="9999") as (base, _),
        pytest.raises(IncompleteRead, match="asks to wait 9999 s"),
    ):
        list(directory(base).read())


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({"denied": frozenset({"Users"})}, "the token may not read Users: grant it that"),
        ({"absent": frozenset({"Users"})}, "`url` must be the service's SCIM 2.0 base"),
        ({"html": True}, r"no SCIM \(text/html\)"),
    ],
)
def test_an_answer_that_is_none_says_what_to_do(faults: dict[str, Any], says: str) -> None:
    with service(users(5), **faults) as (base, _):
        with pytest.raises(RunError, match=says):
            list(directory(base).read())
        with pytest.raises(RunError, match=says):
            directory(base).check()


@pytest.mark.parametrize("body", ["[]", '"x"', "null", "17", '{"error": "x"}', '{"Resources": {}}'])
def test_json_that_is_no_list_response_is_no_read(body: str) -> None:
    with answering(lambda _: Response(body)) as base, pytest.raises(IncompleteRead):
        list(directory(base).read())


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "\x00", "{\xff"])
def test_a_body_made_to_hurt_is_no_read(body: str) -> None:
    with answering(lambda _: Response(body)) as base, pytest.raises(IncompleteRead):
        list(directory(base).read())


def test_a_wrong_token_says_so_and_is_never_shown() -> None:
    wrong = "an0ther-s3cr3t"
    with service(users(5)) as (base, _):
        hr = directory(base, token=wrong)
        for ask in (hr.check, lambda: list(hr.read())):
            with pytest.raises(RunError, match="the token isn't accepted") as caught:
                ask()
            assert wrong not in str(caught.value)


def test_a_token_that_the_service_repeats_in_its_error_stays_secret() -> None:
    def answer(path: str) -> Response:
        return Response(json.dumps({"detail": f"bad {request.headers['Authorization']}"}), 403)

    with answering(answer) as base, pytest.raises(RunError, match=r"\(bad Bearer \*\*\*\)"):
        list(directory(base).read())


def test_nothing_listening_is_no_read() -> None:
    with service([]) as (base, _):
        gone = base
    for ask in (directory(gone).check, lambda: list(directory(gone).read())):
        with pytest.raises(IncompleteRead, match="no connection"):
            ask()
