"""The connector against the simulated tenant, over real HTTP: change, read back; held against Graph's file."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.phone import teams
from connectors.phone.teams import TeamsPhone
from connectors.records import Change, Outcome, Outside, PhoneUser, Value
from provisioner.http import make_http
from provisioner.rates import Limiter
from provisioner.simulators.teams import Options, create_app, load_snapshot, running

DOMESTIC = "Skype for Business PSTN Domestic Calling"
E3, E5 = "Microsoft 365 E3", "Microsoft 365 E5"
FIRST, FREE, OTHER = "+49891230001", "+49891230002", "+49891230003"
TEMPLATES = {
    "Office": {"TeamsCallingPolicy": "Office"},
    "Abroad": {"TeamsCallingPolicy": "Office", "OnlineVoiceRoutingPolicy": "World"},
}
LINES: list[dict[str, Any]] = [
    {
        "catalog": {
            "licenses": {"teams_phone": 10, E3: 50, E5: 50},
            "packages": {DOMESTIC: 10},
            "numbers": [FIRST, FREE, OTHER],
        }
    },
    {
        "id": "eva", "email": "eva@example.org", "license": "teams_phone", "packages": [DOMESTIC],
        "numbers": [FIRST], "usage_location": "DE",
    },
    {"id": "max", "email": "max@example.org", "vendor": {"licenses": [E5]}, "usage_location": "DE"},
    {"id": "ada", "email": "ada@example.org", "usage_location": "DE"},
]  # fmt: skip
_seq = count(1)


@dataclass
class World:
    """The connector, and the simulator's address."""

    phone: TeamsPhone
    url: str

    def portal(self, what: str, **given: Any) -> Any:
        """Do what an administrator does."""
        response = requests.post(f"{self.url}/_portal/{what}", json=given, timeout=10)
        response.raise_for_status()
        return response.json()

    def users(self) -> dict[str, PhoneUser]:
        """Read everybody, by id."""
        return {user.id: user for user in self.phone.read()}

    def fresh(self, id: str) -> PhoneUser:
        """Read one user afresh."""
        (user,) = self.phone.read_some([PhoneUser(id)])
        return user

    def do(self, kind: str, who: str, before: Value = None, after: Value = None) -> list[Outcome]:
        """Carry one change out."""
        return list(self.phone.carry_out([change(kind, who, before, after)]))


def change(kind: str, who: str, before: Value = None, after: Value = None) -> Change:
    return Change(
        seq=next(_seq),
        kind=kind,
        user=f"{who}@example.org",
        key=who,
        id=who,
        before=before,
        after=after,
    )


def done(outcomes: list[Outcome]) -> bool:
    assert [o.state for o in outcomes] == ["done"] * len(outcomes), outcomes
    return True


@pytest.fixture
def world() -> Iterator[World]:
    options = Options(throttled=False, operation_s=0, settling_s=0)
    app = create_app(options=options)
    load_snapshot(app, [json.dumps(line) for line in LINES])
    with running(app) as url:
        place = requests.post(f"{url}/_portal/location", json={"name": "Munich"}, timeout=10).json()
        for policies in TEMPLATES.values():
            for kind, name in policies.items():
                requests.post(
                    f"{url}/_portal/policy", json={"type": kind, "name": name}, timeout=10
                )
        config = {
            "tenant_id": options.tenant,
            "client_id": options.client_id,
            "client_secret": options.client_secret,
            "api_url": f"{url}/v1.0",
            "token_url": f"{url}/{options.tenant}/oauth2/v2.0/token",
            "usage_location": "DE",
            "templates": TEMPLATES,
            "locations": {"Munich": place["id"]},
            "accounts": True,
            "limits": "unlimited",
        }
        outside = Outside(
            Path(),
            lambda account, rates: make_http(None, Limiter(), _nap, account=account, rates=rates),
            functools.partial(datetime.now, UTC),
            _nap,
        )
        yield World(teams.connect(teams.Config().load(config), outside), url)


def _nap(seconds: float) -> None:
    """Wait for nothing."""


def test_a_number_comes_with_its_emergency_location(world: World) -> None:
    list(
        world.phone.carry_out(
            [
                change("license.assign", "ada", None, "teams_phone"),
                change("package.assign", "ada", None, DOMESTIC),
            ]
        )
    )
    both = [
        change("number.assign", "ada", None, FREE),
        change("emergency.set", "ada", None, "Munich"),
    ]

    assert done(list(world.phone.carry_out(both)))

    for found in (world.users()["ada"], world.fresh("ada")):
        assert (found.numbers, found.emergency_address) == ((FREE,), "Munich")


def test_a_place_is_told_of_the_number_that_is_held_and_taken_again(world: World) -> None:
    assert done(world.do("emergency.set", "eva", None, "Munich"))
    assert world.fresh("eva").emergency_address == "Munich"

    assert done(world.do("emergency.set", "eva", "Munich", None))

    assert world.fresh("eva").emergency_address is None


def test_a_place_without_a_number_waits_for_one(world: World) -> None:
    (outcome,) = world.do("emergency.set", "ada", None, "Munich")

    assert outcome.state == "planned"


def test_a_number_is_exchanged_and_the_old_one_is_free(world: World) -> None:
    assert done(world.do("number.assign", "eva", FIRST, FREE))

    assert world.fresh("eva").numbers == (FREE,)
    assert FIRST in dict(world.phone.catalog().numbers or ())


def test_a_template_is_all_of_its_policies_and_takes_those_it_leaves_alone(world: World) -> None:
    assert done(world.do("template.apply", "eva", None, "Abroad"))
    first = world.users()["eva"]

    assert done(world.do("template.apply", "eva", "Abroad", "Office"))
    second = world.users()["eva"]

    assert done(world.do("template.apply", "eva", "Office", None))
    last = world.users()["eva"]

    assert [u.template for u in (first, second, last)] == ["Abroad", "Office", None]
    assert second.vendor["policies"] == {"TeamsCallingPolicy": "Office"}


def test_a_policys_name_may_hold_signs(world: World) -> None:
    name = "Büro & Co. #1 o'clock?"
    world.portal("policy", type="TeamsCallingPolicy", name=name)

    assert done(world.do("template.apply", "eva", None, name))

    assert world.users()["eva"].template == name


def test_a_policy_that_is_not_there_fails_one_person_and_not_the_others(world: World) -> None:
    outcomes = world.phone.carry_out(
        [
            change("template.apply", "eva", None, "Nowhere"),
            change("template.apply", "max", None, "Office"),
        ]
    )

    assert sorted(o.state for o in outcomes) == ["done", "failed"]
    assert world.users()["max"].template == "Office"


def test_a_suite_stays_while_its_phone_is_switched_off_and_on(world: World) -> None:
    assert done(world.do("license.remove", "max", E5, None))
    off = world.users()["max"]

    assert done(world.do("license.assign", "max", None, "teams_phone"))
    on = world.users()["max"]

    assert off.license is None
    assert off.vendor["licenses"][0]["sku"] == E5
    assert on.license == E5
    seats = (world.phone.catalog().licenses or {})["teams_phone"]
    assert seats.used == 1  # Eva's; nothing was bought for Max


def test_a_user_goes_to_the_trash_and_comes_back_with_licenses(world: World) -> None:
    assert done(world.do("user.trash", "eva", "eva@example.org"))
    gone = world.users()["eva"]
    stale = world.fresh("eva")

    assert done(world.do("user.restore", "eva", None, "eva@example.org"))
    back = world.users()["eva"]

    assert (gone.status, stale.status, gone.license) == ("trashed", "trashed", "teams_phone")
    assert (back.status, back.license, back.packages) == ("active", "teams_phone", (DOMESTIC,))


def test_a_user_deleted_for_good_is_nowhere(world: World) -> None:
    assert done(world.do("user.delete", "ada", "ada@example.org"))
    assert done(world.do("user.delete", "ada", "ada@example.org"))

    assert "ada" not in world.users()


def test_a_group_that_gives_the_license_later_is_told_by_the_next_read(world: World) -> None:
    licenses = [E3, "Microsoft Teams Phone Standard"]  # an add-on and what it needs: one group
    world.portal("group", name="Phones", add=["ada@example.org"], licenses=licenses)
    world.portal("user", email="ada@example.org", usage_location="DE")
    world.portal("clock", advance_s=60)

    found = world.users()["ada"]

    assert found.license == "teams_phone"
    assert "group Phones" in found.by_hand["license"]
