"""Server-to-server OAuth of the Zoom simulator."""

from __future__ import annotations

import pytest

from tests.provisioner.simulators.zoom.zoom_client import CREDENTIALS, TOKEN_QUERY, Zoom


def test_a_token_is_granted_for_account_credentials_in_the_query_or_the_form() -> None:
    zoom = Zoom()

    by_query = zoom.http.post("/oauth/token", query_string=TOKEN_QUERY, auth=CREDENTIALS)
    by_form = zoom.http.post("/oauth/token", data=TOKEN_QUERY, auth=CREDENTIALS)

    for answer in (by_query, by_form):
        granted = answer.get_json()
        assert granted["token_type"] == "bearer"
        assert granted["expires_in"] == 3600
        assert granted["api_url"] == "http://localhost"


@pytest.mark.parametrize(
    ("query", "auth", "status", "error"),
    [
        (TOKEN_QUERY, ("simulated-client", "wrong"), 401, "invalid_client"),
        (TOKEN_QUERY, None, 401, "invalid_client"),
        (TOKEN_QUERY | {"grant_type": "password"}, CREDENTIALS, 400, "unsupported_grant_type"),
        (TOKEN_QUERY | {"account_id": "another"}, CREDENTIALS, 400, "invalid_request"),
    ],
)
def test_no_token_is_granted_for_wrong_credentials(
    query: dict[str, str], auth: tuple[str, str] | None, status: int, error: str
) -> None:
    answer = Zoom().http.post("/oauth/token", query_string=query, auth=auth)

    assert (answer.status_code, answer.get_json()["error"]) == (status, error)


def test_an_expired_token_is_told_from_one_never_given() -> None:
    zoom = Zoom(token_life_s=60)

    zoom.clock.advance(seconds=60)
    expired = zoom.get("/users")
    zoom.token = "never-given"
    unknown = zoom.get("/users")

    assert expired.error == unknown.error == (401, 124)
    assert expired.json["message"] == "Access token is expired."
    assert unknown.json["message"] == "Invalid access token."


def test_a_new_token_leaves_the_older_ones_good() -> None:
    zoom = Zoom()

    zoom.new_token()

    assert zoom.get("/users").status == 200
