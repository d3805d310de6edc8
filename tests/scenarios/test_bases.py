"""What a plan rests on: plans that differ have differing bases, and the same situation has the same base."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import Installation, person, phone_user, rule

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
NUMBERS = [f"+4989123400{n}" for n in range(10)]
POOLS = {"munich": {"ranges": [f"{NUMBERS[0]}-{NUMBERS[9]}"]}}
CATALOG: dict[str, Any] = {
    "licenses": {"zoom_phone": 20, "other": 5},
    "packages": {"basic": 20},
    "sites": ["Munich", "Brno"],
    "numbers": NUMBERS,
}
RULES = [
    rule("all", license="zoom_phone", packages=["basic"]),
    rule("munich", 'location eq "Munich"', number={"pool": "munich"}, site="Munich"),
]
FREE = {"changes": "100%", "removals": "100%"}
DATES = {"start": "startDate"}


def people() -> list[dict[str, str]]:
    rows = [person(n, location="Munich", title="") for n in range(1, 9)]
    rows[6] |= {"active": "false"}
    rows[7] |= {"start": "2026-12-05"}
    return rows


def phones() -> list[dict[str, Any]]:
    lines = [phone_user(n, packages=[]) for n in range(3, 8)]
    return [*lines, phone_user(70), {**phone_user(71), "role": "admin"}]


def office(folder: Path) -> Installation:
    office = Installation(folder)
    configured(office)
    office.mapping(rules=RULES, dates=DATES, leavers={"do": "remove_license", "after": "7d"})
    office.people(people())
    office.phone(phones(), **CATALOG)
    return office


def configured(office: Installation, **members: Any) -> None:
    columns = {"start": "startDate"}
    csv = {"kind": "csv", "name": "hr", "path": "people.csv", "columns": columns}
    office.configure(**{"directories": [csv], "pools": POOLS, "limits": FREE} | members)


def config(**members: Any) -> Callable[[Installation], None]:
    return lambda office: configured(office, **members)


def catalog(**members: Any) -> Callable[[Installation], None]:
    return lambda office: office.phone(phones(), **CATALOG | members)


def ruled(**members: Any) -> Callable[[Installation], None]:
    return lambda office: office.mapping(**{"rules": RULES, "dates": DATES} | members)


CHANGED = {
    "a price": config(prices={"currency": "EUR", "license": {"zoom_phone": 10}}),
    "another price": config(prices={"currency": "EUR", "license": {"zoom_phone": 11}}),
    "a pool's range": config(pools={"munich": {"ranges": [f"{NUMBERS[3]}-{NUMBERS[9]}"]}}),
    "a reserved number": config(pools={"munich": POOLS["munich"] | {"reserved": [NUMBERS[0]]}}),
    "a limit of changes": config(limits={"changes": 1}),
    "another limit of changes": config(limits={"changes": 2}),
    "a freeze": config(freeze=[{"from": "2026-11-20", "until": "2026-11-30", "name": "x"}]),
    "protected people": config(protected='userName eq "user7"'),
    "who is managed": config(manages='kind eq "person" and not (id eq "p3")'),
    "the forecast": config(forecast="0d"),
    "an alias": config(aliases={"packages": {"shorter": "basic"}}),
    "the seats of a license": catalog(licenses={"zoom_phone": 6, "other": 5}),
    "the seats of a package": catalog(packages={"basic": 3}),
    "the sites": catalog(sites=["Brno"]),
    "the numbers": catalog(numbers=NUMBERS[2:]),
    "a rule": ruled(rules=RULES[:1]),
    "what becomes of leavers": ruled(leavers={"do": "trash", "after": "7d"}),
    "the directory": lambda office: office.people(people()[1:]),
    "the phone users": lambda office: office.phone(phones()[1:], **CATALOG),
}


CHANGES: dict[str, Callable[[Installation], None]] = {"nothing": configured} | CHANGED


def told(plan: dict[str, Any]) -> tuple[str, str]:
    """Return a plan without its id and moment, and its base, as text."""
    content = {k: v for k, v in plan.items() if k not in ("id", "created_at", "base")}
    return json.dumps(content), json.dumps(plan["base"])


@pytest.mark.parametrize("adopted", [False, True])
def test_whatever_changes_a_plan_changes_its_base(tmp_path: Path, *, adopted: bool) -> None:
    plans: dict[str, tuple[str, str]] = {}
    for number, (name, change) in enumerate(CHANGES.items()):
        (tmp_path / str(number)).mkdir()
        here = office(tmp_path / str(number))
        if adopted:
            here.plan(at=NOW - timedelta(hours=2))
            here.run("approve 1", at=NOW - timedelta(hours=1))
        change(here)
        plans[name] = told(here.run("plan", "--format", "json", at=NOW).plan)

    content, base = plans.pop("nothing")
    for name, (other, its_base) in plans.items():
        assert other != content, f"{name} is there to change the plan"
        assert its_base != base, f"{name} changes the plan"
    bases: dict[str, str] = {}
    for other, its_base in plans.values():
        assert bases.setdefault(its_base, other) == other


def test_the_same_situation_gives_the_same_plan_and_base(tmp_path: Path) -> None:
    here = office(tmp_path)
    here.plan(at=NOW - timedelta(hours=1))

    one, two = (told(here.plan(at=NOW)) for _ in range(2))

    assert one == two


def test_what_was_decided_between_two_plans_is_in_the_base(tmp_path: Path) -> None:
    here = office(tmp_path)
    here.plan(at=NOW)
    assert here.run("approve 1", at=NOW).status == 0
    content, base = told(here.plan(at=NOW))
    assert here.run("reject 2", at=NOW).status == 0
    rejected, its_base = told(here.plan(at=NOW))

    assert '"state": "approved"' in content
    assert '"state": "rejected"' in rejected
    assert its_base != base


def test_for_whom_a_plan_is_and_with_which_mapping_it_is_compared_are_in_its_base(
    tmp_path: Path,
) -> None:
    here = office(tmp_path)
    here.mapping("new.yaml", rules=RULES[:1], dates=DATES)
    plans = [
        told(here.plan(*asked, at=NOW)) for asked in ((), ("--user", "user1"), ("--user", "user2"))
    ]
    new = str(here.folder / "new.yaml")
    plans.append(told(here.plan("--mapping", new, at=NOW)))
    here.mapping(rules=RULES[1:], dates=DATES)
    plans.append(told(here.plan("--mapping", new, at=NOW)))

    assert len({content for content, _ in plans}) == len({base for _, base in plans}) == 5


def test_a_changed_setting_is_no_changed_rule(tmp_path: Path) -> None:
    here = office(tmp_path)
    here.plan(at=NOW)
    here.run("approve 1", at=NOW)
    configured(here, limits={"changes": 1}, prices={"currency": "EUR", "number": 1})
    plan = here.run("plan", "--format", "json", at=NOW + timedelta(hours=1)).plan
    here.mapping(rules=[*RULES, rule("new", template="Office")], dates=DATES)
    changed = here.run("plan", "--format", "json", at=NOW + timedelta(hours=2)).plan

    assert {change["cause"] for change in plan["changes"]} == {"first_run"}
    assert "mapping" in {change["cause"] for change in changed["changes"]}


def test_a_forecast_is_of_everybody_and_no_part_of_a_plan_for_some(tmp_path: Path) -> None:
    here = office(tmp_path)

    assert here.plan("--as-of", "2026-11-24", at=NOW)["forecast"]
    for arguments in (["--as-of", "2026-11-24"], []):
        assert not here.plan("--user", "user1", *arguments, at=NOW).get("forecast")
