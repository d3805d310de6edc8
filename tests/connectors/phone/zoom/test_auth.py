"""The access token: asked for once, renewed in time, and never shown."""

from __future__ import annotations

import pytest
import requests

from connectors.errors import RunError, TransientError
from connectors.phone.zoom.auth import RATES, TOKENS
from connectors.records import Change
from provisioner.simulators.zoom import BUSINESS_PLUS, PRO, Rates
from tests.connectors.phone.zoom.scripted_zoom import Answer, Sent, refusal, scripted_zoom

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


def test_fresh_tokens_that_are_refused_too_stop_the_run() -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /users", EXPIRED)

        with pytest.raises(RunError, match="Access token is expired"):
            zoom.phone.check()

        assert zoom.tokens == TOKENS


def test_tokens_that_ended_while_others_had_new_ones_do_not_count() -> None:
    with scripted_zoom() as zoom:
        token = zoom.phone._api._token
        refused = 0

        def answer(_: Sent) -> Answer:
            nonlocal refused
            refused += 1
            if refused > 3 * TOKENS:
                return 200, {"users": [], "total_records": 0}
            token.forget(f"token-{zoom.tokens}")  # another thread met its end before
            return EXPIRED

        zoom.on("GET /users", answer)

        zoom.phone.check()

        assert refused == 3 * TOKENS + 1


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


@pytest.mark.parametrize(("plan", "given"), [("business", BUSINESS_PLUS), ("pro", PRO)])
def test_the_rates_are_those_of_zooms_table(plan: str, given: Rates) -> None:
    rates = RATES[plan]
    ours = {"phone": "phone", "users": "general"}
    labels = {"light": "LIGHT", "medium": "MEDIUM", "heavy": "HEAVY"}
    for family, table in ours.items():
        for label, name in labels.items():
            assert rates[f"{family}.{label}"].per_second == given.labels[table, name].limit
        intensive = given.labels[table, "RESOURCE-INTENSIVE"]
        assert (rates[f"{family}.intensive"].per_minute, 60) == (intensive.limit, intensive.seconds)
        assert rates[f"{family}.heavy"].per_day == given.daily[table]
        assert rates[f"{family}.intensive"].day_with == f"{family}.heavy"
    assert rates["users.create"].per_day == given.invitations_daily
    assert rates["users.create"].pace_with == "users.light"


def test_labels_that_share_places_have_the_same_figures() -> None:
    for rates in RATES.values():
        for rate in rates.values():
            if rate.pace_with:
                assert rate.per_second == rates[rate.pace_with].per_second
            if rate.day_with:
                assert rate.per_day == rates[rate.day_with].per_day
