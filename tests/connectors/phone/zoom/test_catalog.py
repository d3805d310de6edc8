"""What the account has to give: sites or none, extension numbers' shapes, subscriptions, policies."""

from __future__ import annotations

from typing import Any

from connectors.records import Seats
from tests.connectors.phone.zoom.scripted_zoom import ScriptedZoom, refusal, scripted_zoom
from tests.connectors.phone.zoom.test_against_simulator import PRO, change, world
from tests.connectors.phone.zoom.test_against_simulator import person as line

OFF = refusal(400, 300, "Multiple Sites option has been disabled.")
PLANS = [
    {"name": "Zoom Phone Pro", "type": 3000, "subscribed": 9, "assigned": used, "available": 9 - used,
     "billing_subscription_id": name}
    for name, used in (("FULL", 8), ("FREE", 1))
]  # fmt: skip


def with_codes(zoom: ScriptedZoom, detail: dict[str, Any]) -> None:
    zoom.listing("/phone/sites", "sites", {"id": "s1", "name": "Munich", "site_code": 12})
    zoom.on("GET /phone/settings", (200, {"multiple_sites": {"enabled": True, "site_code": True}}))
    zoom.on("GET /phone/sites/s1", (200, {"id": "s1", "name": "Munich", **detail}))


def test_an_account_without_multiple_sites_has_no_site_to_set_and_says_so() -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /phone/sites", OFF)

        catalog = zoom.phone.catalog()

        assert (catalog.sites, list(catalog.without)) == (None, ["site"])
        assert "Multiple Sites is off" in catalog.without["site"]


def test_an_account_with_site_codes_tells_what_a_sites_extension_numbers_look_like() -> None:
    with scripted_zoom() as zoom:
        with_codes(zoom, {"site_code": 12, "short_extension": {"length": 4}})

        assert zoom.phone.catalog().extensions == {"Munich": ("12", 4)}


def test_a_site_that_does_not_tell_its_length_still_tells_its_code() -> None:
    with scripted_zoom() as zoom:
        with_codes(zoom, {"site_code": 12})

        assert zoom.phone.catalog().extensions == {"Munich": ("12", None)}


def test_an_account_without_site_codes_takes_no_request_a_site() -> None:
    with scripted_zoom() as zoom:
        zoom.listing("/phone/sites", "sites", {"id": "s1", "name": "Munich"})

        assert zoom.phone.catalog().extensions == {}
        assert "GET /phone/sites/s1" not in zoom.whats()
        assert "GET /phone/settings" not in zoom.whats()


USAGE = "GET /accounts/me/plans/usage"
BASE = {"type": "yearly", "hosts": 20, "usage": 12, "pending": 3}


def test_seats_for_accounts_are_asked_for_only_where_new_ones_take_one() -> None:
    for account_type, seats in ((1, None), (2, Seats(20, 15))):
        with scripted_zoom(create={"action": "create", "type": account_type}) as zoom:
            zoom.on(USAGE, (200, {"plan_base": BASE}))

            assert zoom.phone.catalog().accounts == seats
            assert (USAGE in zoom.whats()) == (seats is not None)


def test_an_app_that_may_not_read_the_usage_keeps_nobody_from_joining_and_says_so() -> None:
    with scripted_zoom(create={"type": 2}) as zoom:
        zoom.on(USAGE, refusal(400, 4711, "Invalid access token, does not contain scopes."))

        catalog = zoom.phone.catalog()

        assert catalog.accounts is None
        assert "seats for new accounts aren't counted" in catalog.notes[0]


def given_from(subscription: dict[str, str]) -> Any:
    with scripted_zoom(subscriptions=subscription) as zoom:
        zoom.on("GET /phone/calling_plans", (200, {"calling_plans": PLANS}))
        zoom.on("POST /phone/users/eva/calling_plans", (201, None))
        outcomes = zoom.carry_out(change("package.assign", "eva", PRO))
        writes = zoom.writes()
        return writes[0][1]["calling_plans"][0] if writes else outcomes[0].reason


def test_a_plan_is_given_from_the_subscription_that_config_names_else_from_the_freest() -> None:
    assert given_from({})["billing_subscription_id"] == "FREE"
    assert given_from({"zoom phone pro": "FULL"})["billing_subscription_id"] == "FULL"


def test_only_seats_of_the_subscription_that_config_names_are_counted() -> None:
    for chosen, seats in (({}, Seats(18, 9)), ({PRO: "FULL"}, Seats(9, 8))):
        with scripted_zoom(subscriptions=chosen) as zoom:
            zoom.on("GET /phone/calling_plans", (200, {"calling_plans": PLANS}))

            assert zoom.phone.catalog().packages == {PRO: seats}


def test_a_plan_says_that_the_account_has_not_got_a_subscription_of_configs() -> None:
    with scripted_zoom(subscriptions={PRO: "GONE"}) as zoom:
        zoom.on("GET /phone/calling_plans", (200, {"calling_plans": PLANS}))

        catalog = zoom.phone.catalog()

        assert catalog.packages == {PRO: Seats(0, 0)}
        assert f"no subscription GONE to {PRO}" in catalog.notes[0]


def test_a_subscription_that_the_account_has_not_got_is_told_before_anything_is_sent() -> None:
    assert "no subscription GONE" in given_from({PRO: "GONE"})


def test_a_delegation_policy_that_is_off_is_told_by_a_read_of_that_user() -> None:
    off = {"policy": {"delegation": False}}
    with world(
        line("eva", license="zoom_phone", vendor=off), line("jan", license="zoom_phone")
    ) as w:
        fresh = {user.id: user for user in w.phone.read_some(w.people().values())}

        assert "call delegation is off" in fresh["eva"].vendor["blocks"]["delegate.add"]
        assert "blocks" not in fresh["jan"].vendor
        tried = w.carry_out(change("delegate.add", "eva", "jan@example.org"))
        assert [outcome.state for outcome in tried] == ["failed"], "Zoom refuses it too"
