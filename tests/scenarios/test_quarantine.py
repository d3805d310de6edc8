"""Quarantine as operators meet it: who rests after a refusal, how it shows, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.errors import PersonError
from connectors.phone.snapshot.account import Account
from connectors.records import ENTERPRISE
from provisioner.store import quarantine
from provisioner.wiring import utc_now
from tests.provisioner.scim.pushing import add, operation, patch_group, patch_user
from tests.scenarios.installation import (
    MAPPING,
    Installation,
    person,
    phone_users,
    rule,
    staff,
    states,
    zoom_account,
    zoom_log,
    zoom_users,
)
from tests.scenarios.test_pushes import Pushed

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
JOINER = "user4@example.org"


@pytest.fixture
def emea(tmp_path: Path) -> Iterator[tuple[Installation, str]]:
    """Three people at a Zoom account that has no phone license left, and one who joins."""
    emea = Installation(tmp_path)
    emea.mapping(rules=[rule("all", license="zoom_phone")])
    seats = {"catalog": {"licenses": {"zoom_phone": 3}}}
    with zoom_account([seats, *phone_users(3, packages=[])]) as (url, system):
        emea.configure(phone_system=system)
        emea.people(staff(3))
        emea.carry_out(at=MONDAY)
        emea.people(staff(4))
        yield emea, url


def listed(emea: Installation, at: datetime = MONDAY) -> Any:
    """Return what `quarantine list` gives as JSON."""
    ran = emea.run("quarantine list", "--format", "json", at=at)
    assert ran.status == 0, ran.said
    return json.loads(ran.out)


def test_whom_the_vendor_refused_rests_and_is_named(emea: tuple[Installation, str]) -> None:
    here, url = emea
    assert here.run("sync", at=MONDAY).status == 5
    before = zoom_log(url)

    ran = here.run("sync", at=MONDAY + MINUTE)

    assert ran.status == 5
    assert zoom_log(url) == before, "nothing is sent for whoever rests"
    assert f"planned: 1 license.assign {JOINER}: parked until 2026-01-05T09:05:00Z" in ran.out
    assert "no Zoom Phone license is free" in ran.out


def test_the_list_names_them_with_reason_and_time(emea: tuple[Installation, str]) -> None:
    here, _ = emea
    here.run("sync", at=MONDAY)

    said = here.run("quarantine list", "--sync", "emea", at=MONDAY)

    (one,) = listed(here)["people"]
    assert said.status == 0
    assert "Syncs that are slowed down: none" in said.out
    assert JOINER in said.out
    assert {name: one[name] for name in ("sync", "user", "key", "failures", "plan", "seq")} == {
        "sync": "emea",
        "user": JOINER,
        "key": "e004",
        "failures": 1,
        "plan": "2",
        "seq": 2,
    }
    assert (one["since"], one["until"]) == ("2026-01-05T09:00:00Z", "2026-01-05T09:05:00Z")
    assert "no Zoom Phone license is free" in one["reason"]


def test_the_time_grows_from_run_to_run(emea: tuple[Installation, str]) -> None:
    here, _ = emea
    here.run("sync", at=MONDAY)

    here.run("sync", at=MONDAY + 6 * MINUTE)
    (second,) = listed(here, MONDAY + 6 * MINUTE)["people"]
    here.run("sync", at=MONDAY + 15 * MINUTE)
    (still,) = listed(here, MONDAY + 15 * MINUTE)["people"]

    assert (second["failures"], second["until"]) == (2, "2026-01-05T09:16:00Z")
    assert still == second


def test_an_operators_apply_tries_again_at_once(emea: tuple[Installation, str]) -> None:
    here, url = emea
    here.run("sync", at=MONDAY)
    plan = here.plan(at=MONDAY)
    _free_a_seat(url)

    ran = here.run("apply", plan["id"], at=MONDAY + MINUTE)

    assert ran.status == 0, ran.said
    assert zoom_users(url)[JOINER]["license"] == "zoom_phone"
    assert listed(here)["people"] == []


def test_who_is_released_is_tried_by_the_next_sync(emea: tuple[Installation, str]) -> None:
    here, url = emea
    here.run("sync", at=MONDAY)
    here.people([*staff(2), person(4)])
    _free_a_seat(url)

    ran = here.run("quarantine release", JOINER.upper(), at=MONDAY)

    assert ran.status == 0
    assert f"{JOINER} (sync emea) is tried again by the next run" in ran.out
    assert '"quarantine.released"' in here.run("audit export").out
    assert here.run("sync", at=MONDAY + MINUTE).status == 0
    assert zoom_users(url)[JOINER]["license"] == "zoom_phone"


def test_who_is_not_in_quarantine_cannot_be_released(emea: tuple[Installation, str]) -> None:
    here, _ = emea
    here.run("sync", at=MONDAY)

    near = here.run("quarantine release", "user5@example.org", at=MONDAY)
    far = here.run("quarantine release", "nobody", at=MONDAY)

    assert (near.status, far.status) == (1, 1)
    assert f"did you mean {JOINER}?" in near.err
    assert "`provisioner quarantine list` names everybody who is" in far.err
    assert len(listed(here)["people"]) == 1


@pytest.mark.parametrize("arguments", [[], [JOINER, "--all"]])
def test_a_release_names_people_or_says_all(tmp_path: Path, arguments: list[str]) -> None:
    ran = Installation(tmp_path).run("quarantine release", *arguments)

    assert ran.status == 1
    assert "name users, or give --all" in ran.err


def test_a_sync_that_the_config_lacks_is_refused(tmp_path: Path) -> None:
    ran = Installation(tmp_path).run("quarantine list", "--sync", "apac")

    assert ran.status == 1
    assert "there is no sync 'apac'" in ran.err


def test_a_sync_whose_phone_system_is_down_is_slowed_down_and_said_to_be(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    with zoom_account(phone_users(3)) as (_, system):
        here.configure(phone_system=system)
        here.mapping(rules=[rule("all", license="zoom_phone")])
        here.people(staff(4))
        plan = here.plan(at=MONDAY)
        here.run("approve", plan["id"], at=MONDAY)

    ran = here.run("apply", plan["id"], at=MONDAY)

    assert ran.status == 1
    assert "most of its calls failed: the daemon waits until 2026-01-05T09:05:00Z" in ran.out
    (sync,) = listed(here)["syncs"]
    assert (sync["sync"], sync["failures"]) == ("emea", 1)
    assert listed(here)["people"] == []
    assert "in quarantine until 2026-01-05T09:05:00Z" in here.run("runs").out
    released = here.run("quarantine release", "--all", at=MONDAY)
    assert "sync emea runs again at its next moment" in released.out
    assert listed(here) == {"syncs": [], "people": []}
    assert "nobody is in quarantine" in here.run("quarantine release", "--all", at=MONDAY).out


def test_pushes_wait_while_their_sync_is_in_quarantine(tmp_path: Path) -> None:
    pushed = Pushed(Installation(tmp_path))
    pushed.begin(2)
    engine = pushed.site.engine
    with engine.begin() as connection:
        quarantine.slow_down(connection, "emea", "run-1", "3 calls in a row failed", utc_now())
    patch_group(pushed.tenant, pushed.group, add(pushed.user(9)))

    pushed.carry_out()

    assert (pushed.plans(), pushed.left() > 0) == ([], True)
    assert pushed.here.run("quarantine release", "--all").status == 0
    pushed.carry_out()
    assert pushed.here.phone_users()["user9@example.org"]["license"] == "zoom_phone"


def test_whom_the_phone_system_refused_is_tried_at_once_when_something_else_is_pushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat, broken = Account.seat, [True]

    def refuse(account: Account, family: str, name: str) -> str:
        if name == "fax" and broken:
            raise PersonError("the vendor says no")
        return seat(account, family, name)

    monkeypatch.setattr(Account, "seat", refuse)
    pushed = Pushed(Installation(tmp_path))
    pushed.begin(1)
    fax = rule("boss", 'displayName sw "User 9"', packages=["fax"])
    pushed.here.mapping(rules=[*MAPPING["rules"], fax], leavers={"do": "report"})
    nine = pushed.user(9, **{ENTERPRISE: {"department": "IT"}})
    patch_group(pushed.tenant, pushed.group, add(nine))
    pushed.carry_out()
    assert listed(pushed.here, utc_now())["people"]

    broken.clear()
    patch_user(pushed.tenant, nine, operation("replace", "displayName", "User 99"))
    pushed.carry_out()

    assert pushed.here.phone_users()["user9@example.org"]["packages"] == ["fax"]
    assert listed(pushed.here, utc_now())["people"] == []
    assert '"quarantine.released"' in pushed.here.run("audit export").out


def test_pushes_do_not_try_whom_the_phone_system_refused_over_and_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = Account.seat

    def refuse(account: Account, family: str, name: str) -> str:
        if name == "fax":
            raise PersonError("the vendor says no")
        return seat(account, family, name)

    monkeypatch.setattr(Account, "seat", refuse)
    pushed = Pushed(Installation(tmp_path))
    pushed.begin(1)
    fax = rule("boss", 'displayName eq "User 9"', packages=["fax"])
    pushed.here.mapping(rules=[*MAPPING["rules"], fax], leavers={"do": "report"})
    other = {ENTERPRISE: {"department": "IT"}}
    patch_group(pushed.tenant, pushed.group, add(pushed.user(9, **other)))

    pushed.carry_out()

    first, second = pushed.plans()
    assert [c["kind"] for c in first["changes"] if c["state"] == "failed"] == ["package.assign"]
    assert states(second) == {("package.assign", "user9@example.org"): "planned"}
    assert pushed.left() == 0
    (rests,) = listed(pushed.here, utc_now())["people"]
    assert (rests["user"], rests["failures"]) == ("user9@example.org", 1)


def _free_a_seat(url: str) -> None:
    edit = {"email": "user3@example.org", "license": None}
    requests.post(f"{url}/_portal/user", json=edit, timeout=10).raise_for_status()
