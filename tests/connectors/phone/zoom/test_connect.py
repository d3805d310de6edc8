"""What config says of a Zoom account, and what the account can then do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from marshmallow import ValidationError

from connectors.phone.zoom import Config, abilities
from connectors.phone.zoom.calls import MANUAL, group
from connectors.phone.zoom.names import batch_name, known_name, known_type
from connectors.records import Change
from tests.connectors.phone.zoom.scripted_zoom import CONFIG, scripted_zoom
from tests.vendor_specs import WHY_SKIPPED, load


class Hidden(str):
    """Text that hides itself, as a secret does."""

    def __repr__(self) -> str:
        return "***"


def test_defaults_are_zooms_own_addresses_and_an_invitation_by_mail() -> None:
    loaded = Config().load(
        {name: CONFIG[name] for name in ("account_id", "client_id", "client_secret")}
    )

    assert loaded["api_url"] == "https://api.zoom.us/v2"
    assert loaded["token_url"] == "https://zoom.us/oauth/token"
    assert loaded["create"] == {"action": "create", "type": 1}
    assert (loaded["plan"], loaded["delegators_max"], loaded["leave"]) == ("business", 15, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"plan": "gold"},
        {"create": {"action": "conjure"}},
        {"create": {"type": 99}},
        {"leave": "maybe"},
        {"delegators_max": 0},
        {"api_url": "api.zoom.us/v2"},
        {"client_secret": ""},
        {"colour": "blue"},
    ],
)
def test_a_setting_that_zoom_does_not_know_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Config().load({**CONFIG, **wrong})

    assert isinstance(caught.value.messages, dict)
    assert list(caught.value.messages) == list(wrong)


def test_a_secret_stays_hidden_in_what_is_loaded() -> None:
    loaded = Config().load({**CONFIG, "client_secret": Hidden("s3cr3t")})

    assert "s3cr3t" not in repr(loaded)


@pytest.mark.parametrize(
    ("action", "joiner"), [("create", "user.invite"), ("ssoCreate", "user.create")]
)
def test_the_way_accounts_come_about_decides_what_a_joiner_is(action: str, joiner: str) -> None:
    able = abilities(action, 15, False)

    assert able.joiner == joiner
    assert {"user.invite", "user.create"} & able.kinds == {joiner}


def test_every_kind_that_zoom_can_do_has_a_call_and_no_manual_one_has() -> None:
    able = abilities("create", 15, False)

    for kind in sorted(able.kinds):
        change = Change(kind=kind, user="eva@example.org", key="eva", before=None, after="x")
        assert len(group([change])) == 1, kind
    assert able.manual.keys() == MANUAL
    assert not able.manual.keys() & able.kinds


def test_manual_steps_name_the_user_and_the_place_in_the_portal() -> None:
    manual = abilities("create", 15, False).manual
    for steps in manual.values():
        text = steps.format(user="eva@example.org", before=None, after=None, until="2026-12-23")
        assert "eva@example.org" in text
        assert "Management > " in text
    for kind in ("user.trash", "user.restore"):
        assert "Phone System Management > Users & Rooms > Users" in manual[kind]
        assert "30 days" in manual[kind]
    assert "{until}" in manual["user.trash"]


def test_the_figure_for_delegators_comes_from_config() -> None:
    with scripted_zoom(delegators_max=32) as zoom:
        assert (zoom.phone.abilities.max_delegates, zoom.phone.abilities.max_delegators) == (15, 32)


@pytest.mark.parametrize(
    ("kind", "shown", "short"),
    [
        (100, "US/CA Metered Calling Plan", "US/CA Metered"),
        (202, "UK/Ireland Unlimited Calling Plan", "UK/Ireland Unlimited"),
        (3000, "Zoom Phone Pro", "Pro"),
        (4010, "Zoom Phone Power Pack", "Power Pack"),
    ],
)
def test_a_plans_two_spellings_lead_to_one_type(kind: int, shown: str, short: str) -> None:
    assert known_name(kind) == shown
    assert known_type(shown) == known_type(short.upper()) == kind
    assert batch_name(shown) == short


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"invite": {"resend_after": "a week"}}, "invite"),
        ({"invite": {"resend_after": "7d", "resend_max": 0}}, "invite"),
        ({"managed_domains": ["eva@example.org"]}, "managed_domains"),
        ({"existing_accounts": ["example.org"]}, "existing_accounts"),
        ({"delegation_sweep": -1}, "delegation_sweep"),
        ({"delegators_max": 33}, "delegators_max"),
        ({"subscriptions": {"Zoom Phone Pro": ""}}, "subscriptions"),
    ],
)
def test_what_stands_in_config_is_checked_where_it_stands(wrong: dict[str, Any], at: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config().load({**CONFIG, **wrong})

    assert isinstance(caught.value.messages, dict)
    assert list(caught.value.messages) == [at]


def test_reminders_and_sweeps_are_as_config_has_them() -> None:
    invite = {"resend_after": "36h", "resend_max": 5}
    with scripted_zoom(invite=invite, delegation_sweep=7) as zoom:
        able = zoom.phone.abilities

    assert (able.resend_after, able.resend_max) == (timedelta(hours=36), 5)
    assert able.delegation_sweep == 7


def test_zooms_bulk_call_for_features_has_no_value_for_the_phone() -> None:
    spec = load("zoom")
    if spec is None:
        pytest.skip(WHY_SKIPPED)
    _, operation = spec.operation("POST", "/users/features")
    body = operation["requestBody"]["content"]["application/json"]["schema"]

    kinds = body["properties"]["feature_type"]["enum"]

    assert "user_type" in kinds
    assert not [kind for kind in kinds if "phone" in kind], "licenses could go thirty a call"
