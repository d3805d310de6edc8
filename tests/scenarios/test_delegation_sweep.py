"""Delegations that nobody wished: found in turn, a few people a plan, whose age every plan tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.scenarios.installation import Installation, kinds, rule, staff, zoom_account
from tests.scenarios.test_zoom_accounts import CATALOG, PRO, had, portal

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HELPED = rule("helped", 'userName eq "user1"', delegates=["user2"])
LICENSED = rule("all", license="zoom_phone", packages=[PRO])


def installation(folder: Path, system: dict[str, Any], sweep: int) -> Installation:
    here = Installation(folder)
    here.configure(
        phone_system=system | {"delegation_sweep": sweep},
        limits={"changes": "100%", "removals": "100%"},
        approval={"automatic": ["safe", "service", "destructive"]},
    )
    here.mapping(rules=[LICENSED, HELPED])
    here.people(staff(9))
    return here


def age(plan: dict[str, Any]) -> str:
    (said,) = [w for w in plan["warnings"] if w.startswith("delegations were read of")]
    return str(said).removeprefix("delegations were read of ")


def test_every_full_plan_reads_a_few_more_and_tells_how_old_the_rest_is(tmp_path: Path) -> None:
    people = [had(1, delegates=["user2@example.org"]), *(had(n) for n in range(2, 10))]
    with zoom_account([CATALOG, *people]) as (_, system):
        here = installation(tmp_path, system, sweep=3)
        here.carry_out(at=NOW)
        told = [age(here.plan(at=NOW + timedelta(hours=h))) for h in (1, 2, 3, 4)]

        assert told == [
            "4 people for this plan; those of 5 people were never read yet",
            "4 people for this plan; the oldest other read is of 2026-11-23T10:00:00Z;"
            " those of 2 people were never read yet",
            "4 people for this plan; the oldest other read is of 2026-11-23T10:00:00Z",
            "4 people for this plan; the oldest other read is of 2026-11-23T11:00:00Z",
        ]


def test_a_delegation_that_somebody_set_by_hand_is_found_and_stays_in_every_plan(
    tmp_path: Path,
) -> None:
    people = [had(1, delegates=["user2@example.org"]), *(had(n) for n in range(2, 10))]
    with zoom_account([CATALOG, *people]) as (url, system):
        here = installation(tmp_path, system, sweep=4)
        here.carry_out(at=NOW)
        for hour in (1, 2):
            assert here.plan(at=NOW + timedelta(hours=hour))["changes"] == []
        portal(url, "user", email="user7@example.org", delegates=["user3@example.org"])

        found = [kinds(here.plan(at=NOW + timedelta(hours=h))) for h in (3, 4, 5, 6)]

        drift = [("delegate.remove", "user7@example.org")]
        assert drift in found
        assert found[found.index(drift) :] == [drift] * (4 - found.index(drift))


def test_no_more_calls_are_made_than_config_allows(tmp_path: Path) -> None:
    people = [had(n) for n in range(1, 10)]
    for sweep in (0, 2):
        folder = tmp_path / str(sweep)
        folder.mkdir()
        with zoom_account([CATALOG, *people]) as (_, system):
            here = installation(folder, system, sweep)
            here.carry_out(at=NOW)
            before = age(here.plan(at=NOW + timedelta(hours=1)))
            assert before.startswith(f"{1 + sweep} people for this plan")


def test_a_plan_for_some_people_or_one_that_manages_no_delegates_sweeps_nobody(
    tmp_path: Path,
) -> None:
    with zoom_account([CATALOG, *(had(n) for n in range(1, 10))]) as (_, system):
        here = installation(tmp_path, system, sweep=5)
        here.carry_out(at=NOW)

        some = here.plan("--user", "user1@example.org", at=NOW + timedelta(hours=1))
        here.mapping(rules=[LICENSED])
        none = here.plan(at=NOW + timedelta(hours=2))

        for plan in (some, none):
            assert not [w for w in plan["warnings"] if "delegations were read" in w]
