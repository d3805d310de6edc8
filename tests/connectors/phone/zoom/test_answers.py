"""What Zoom's answers are taken for: by status and code together, never by one alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from connectors.errors import RunError, TransientError
from connectors.phone.zoom.answers import Refused, TokenExpired, check, check_about, check_token


def answer(
    status: int, body: Any = None, *, method: str = "POST", headers: dict[str, str] | None = None
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response.headers.update(headers or {})
    response.request = requests.Request(
        method, "https://zoom.test/v2/phone/users/p1?next_page_token=hidden"
    ).prepare()
    return response


def error(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "message": message}


@pytest.mark.parametrize("status", [200, 201, 204])
def test_any_2xx_is_success_whatever_the_specification_says(status: int) -> None:
    check(answer(status))


def test_a_read_that_is_no_json_is_asked_for_again() -> None:
    with pytest.raises(TransientError, match="no JSON"):
        check(answer(200, b"<html>", method="GET"))


@pytest.mark.parametrize("status", [200, 201])
def test_a_write_that_succeeded_with_half_an_answer_is_in_doubt(status: int) -> None:
    with pytest.raises(TransientError, match="no JSON") as caught:
        check(answer(status, b'{"id": "zJK'))

    assert caught.value.in_doubt


def test_a_success_without_a_body_is_a_success() -> None:
    check(answer(201, b""))


@pytest.mark.parametrize("judge", [check, check_token])
def test_half_a_refusal_is_asked_for_again_and_not_in_doubt(judge: Any) -> None:
    headers = {"Content-Type": "application/json"}

    with pytest.raises(TransientError, match="half an answer") as caught:
        judge(answer(404, b'{"code": 10', headers=headers))

    assert not caught.value.in_doubt


def test_an_answer_about_another_user_is_asked_for_again() -> None:
    other = {"id": "jan", "email": "jan@example.org"}

    with pytest.raises(TransientError, match="another user"):
        check_about("eva")(answer(200, other, method="GET"))
    with pytest.raises(TransientError, match="another user"):
        check_about("eva@example.org")(answer(200, {"type": 1}, method="GET"))
    check_about("JAN@example.org")(answer(200, other, method="GET"))
    check_about("jan")(answer(200, other, method="GET"))


def test_a_second_too_many_passes_and_a_day_too_many_stops_the_run() -> None:
    with pytest.raises(TransientError) as second:
        check(
            answer(
                429, error(429, "You have reached the maximum per-second rate limit for this API.")
            )
        )
    with pytest.raises(RunError, match="daily") as day:
        check(
            answer(
                429,
                error(429, "You have reached the maximum daily rate limit for this API."),
                headers={"Retry-After": "2026-11-24T00:00:00Z"},
            )
        )

    assert not second.value.in_doubt
    assert not second.value.alone
    assert "until 2026-11-24T00:00:00Z" in day.value.remedy


def test_two_writes_to_one_user_at_once_are_worth_another_try_and_nobody_elses_affair() -> None:
    with pytest.raises(TransientError) as caught:
        check(
            answer(429, error(429, "Too many concurrent requests. A request to change this user…"))
        )

    assert caught.value.alone


def test_a_failure_at_zooms_end_leaves_a_write_in_doubt() -> None:
    with pytest.raises(TransientError) as caught:
        check(answer(502, b"bad gateway"))

    assert caught.value.in_doubt


@pytest.mark.parametrize("status", [400, 401])
def test_an_expired_token_is_recognised_under_both_statuses(status: int) -> None:
    with pytest.raises(TokenExpired):
        check(answer(status, error(124, "Access token is expired.")))


def test_code_124_about_a_site_is_no_expired_token() -> None:
    with pytest.raises(Refused):
        check(answer(400, error(124, "You do not have permission, because the current site …")))


@pytest.mark.parametrize(
    ("status", "code", "message", "remedy"),
    [
        (403, 2031, "Zoom Phone has not been enabled for this account.", "Zoom Phone is enabled"),
        (400, 403, "You do not have permission.", "rights of the app's role"),
        (404, 2001, "Account does not exist.", "account_id"),
        (400, 4711, "Invalid access token, does not contain scopes:[phone:write]", "scope"),
        (400, 200, "Invalid access token. Does not contain permissions [User:Edit].", "scope"),
    ],
)
def test_what_concerns_the_account_or_the_app_stops_the_run(
    status: int, code: int, message: str, remedy: str
) -> None:
    with pytest.raises(RunError) as caught:
        check(answer(status, error(code, message)))

    assert not isinstance(caught.value, TokenExpired)
    assert remedy in caught.value.remedy


def test_an_answer_that_is_not_zooms_own_stops_the_run() -> None:
    with pytest.raises(RunError, match="404") as caught:
        check(answer(404, b"<h1>no such page</h1>"))

    assert "api_url" in caught.value.remedy


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [(404, 1102, "no Zoom Phone license is free"), (409, 1005, "belongs to another Zoom account")],
)
def test_what_concerns_one_person_is_refused_with_what_to_do(
    status: int, code: int, words: str
) -> None:
    with pytest.raises(Refused) as caught:
        check(answer(status, error(code, "Sorry.")))

    assert (caught.value.status, caught.value.code) == (status, code)
    assert words in caught.value.remedy


def test_a_refusal_names_the_fields_and_never_the_query() -> None:
    body = {
        **error(300, "Validation Failed."),
        "errors": [{"field": "users[0].email", "message": "no"}],
    }

    with pytest.raises(Refused) as caught:
        check(answer(400, body))

    assert caught.value.message == (
        "POST /v2/phone/users/p1 was refused (400, code 300): Validation Failed.; users[0].email: no"
    )


def test_refused_credentials_stop_the_run_with_zooms_reason() -> None:
    with pytest.raises(RunError, match="Invalid client_id or client_secret"):
        check_token(
            answer(401, {"reason": "Invalid client_id or client_secret", "error": "invalid_client"})
        )


def test_a_token_answer_without_a_token_is_no_success() -> None:
    with pytest.raises(RunError, match="without a token"):
        check_token(answer(200, {"hello": "world"}))


def test_half_a_token_answer_is_asked_for_again() -> None:
    with pytest.raises(TransientError, match="no JSON"):
        check_token(answer(200, b'{"access_to'))


def test_a_busy_token_service_is_asked_again_and_never_in_doubt() -> None:
    with pytest.raises(TransientError) as caught:
        check_token(answer(503, b""))

    assert not caught.value.in_doubt
