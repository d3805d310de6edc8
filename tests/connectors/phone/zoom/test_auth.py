"""The access token: asked for once, renewed in time, and never shown."""

from __future__ import annotations

import pytest
import requests

from connectors.errors import RunError, TransientError
from connectors.records import Change
from tests.connectors.phone.zoom.scripted_zoom import refusal, scripted_zoom

EXPIRED = refusal(401, 124, "Access token is expired.")


def test_one_token_serves_many_requests() -> None:
    with scripted_zoom() as zoom:
        zoom.phone.check()

        assert zoom.tokens == 1
        assert {sent.token for sent in zoom.sent} == {"Bearer token-1"}


def test_a_token_is_renewed_before_it_expires() -> None:
    with scripted_zoom() as zoom:
        zoom.phone.check()
        zoom.pass_time(minutes=59)
        zoom.phone.check()

        assert zoom.tokens == 2


def test_a_request_that_meets_an_expired_token_is_repeated_once_with_a_new_one() -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /users", EXPIRED, (200, {"users": [], "total_records": 0}))

        zoom.phone.check()

        assert [sent.token for sent in zoom.sent[:2]] == ["Bearer token-1", "Bearer token-2"]


def test_a_fresh_token_that_is_refused_too_stops_the_run() -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /users", EXPIRED)

        with pytest.raises(RunError, match="Access token is expired"):
            zoom.phone.check()

        assert zoom.tokens == 2


def test_a_token_request_that_gets_lost_is_sent_again() -> None:
    with scripted_zoom() as zoom:
        zoom.on("token", requests.ReadTimeout())

        zoom.phone.check()

        assert zoom.tokens == 1


def test_a_write_whose_token_cannot_be_had_is_not_in_doubt() -> None:
    with scripted_zoom() as zoom:
        zoom.on("token", *[requests.ReadTimeout()] * 9)
        change = Change(kind="user.deactivate", user="eva@example.org", key="eva", id="eva")

        with pytest.raises(TransientError) as caught:
            zoom.carry_out(change)

        assert not caught.value.in_doubt


def test_refused_credentials_name_the_remedy_and_not_the_secret() -> None:
    with scripted_zoom() as zoom:
        zoom.on("token", (401, {"reason": "Invalid client_id or client_secret"}))

        with pytest.raises(RunError) as caught:
            zoom.phone.check()

        assert "client_secret" in caught.value.remedy
        assert "s3cr3t" not in str(caught.value)


def test_check_says_when_zoom_phone_is_not_enabled() -> None:
    with scripted_zoom() as zoom:
        zoom.on(
            "GET /phone/users",
            refusal(403, 2031, "Zoom Phone has not been enabled for this account."),
        )

        with pytest.raises(RunError, match="has not been enabled"):
            zoom.phone.check()
