"""Joiner, mover, leaver by the calendar: who is not here yet, no longer, not now, and back again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios import installation
from tests.scenarios.installation import (
    Installation,
    kinds,
    only,
    phone_user,
    zoom_account,
    zoom_log,
    zoom_users,
)

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY = timedelta(days=1)
COLUMNS = {"Start": "startDate", "End": "endDate", "State": "state"}
DATES = {"start": "startDate", "end": "endDate", "provision": "3d", "timezone": "Europe/Berlin"}
UNLIMITED = "US/CA Unlimited Calling Plan"
CATALOG = {
    "licenses": {"zoom_phone": 20},
    "packages": {UNLIMITED: 20},
    "sites": ["Munich"],
    "numbers": [[f"+49891234{n:03}", "Munich"] for n in range(100, 120)],
}
NUMBER = {
    "name": "numbers",
    "when": 'department eq "Sales"',
    "give": {"number": {"pool": "munich"}},
}


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """One installation whose people have dates, and whose operators let everything through."""
    emea = Installation(tmp_path)
    emea.configure(
        directories=[{"kind": "csv", "name": "hr", "path": "people.csv", "columns": COLUMNS}],
        limits={
            "changes": "100%",
            "removals": "100%",
            "people_drop": "100%",
            "column_drop": "100%",
        },
        approval={"automatic": ["safe", "service", "destructive"]},
    )
    emea.mapping(dates=DATES)
    return emea


def person(number: int, **members: str) -> dict[str, str]:
    return installation.person(number, **({"Start": "", "End": "", "State": ""} | members))


def sync(emea: Installation, at: datetime) -> dict[str, Any]:
    """Plan and apply, as the scheduler does; return the plan."""
    plan = emea.plan(at=at)
    emea.run("approve", plan["id"], at=at)
    ran = emea.run("apply", plan["id"], at=at)
    assert ran.status == 0, ran.said
    return plan


def test_a_joiner_is_nobody_until_some_days_before_the_start(emea: Installation) -> None:
    emea.people([person(1), person(2, Start="2026-12-01")])
    emea.phone([phone_user(1)])

    early = sync(emea, MONDAY)
    ready = emea.plan(at=datetime(2026, 11, 27, 23, 1, tzinfo=UTC))

    assert kinds(early) == []
    assert [(w["kind"], w["user"], w["reason"]) for w in early["waiting"]] == [
        (
            "user.create",
            "user2@example.org",
            "starts on 2026-12-01: provisioned from 2026-11-28 on",
        )
    ]
    assert early["summary"]["people"] == 1
    assert [kind for kind, _ in kinds(ready)] == ["user.create", "license.assign", "package.assign"]
    assert ready["waiting"] == []
    assert {(c["cause"], c["because"]) for c in ready["changes"]} == {
        ("directory", "starts on 2026-12-01")
    }


def test_an_inactive_account_waits_for_the_first_day_by_the_clock_of_the_person(
    emea: Installation,
) -> None:
    emea.mapping(
        dates={**DATES, "timezone": "UTC"},
        timezones={"Auckland": "Pacific/Auckland"},
        defaults={"site": "Auckland"},
    )
    emea.people([person(1), person(2, Start="20261201000000.0Z")])
    emea.phone([phone_user(1, site="Auckland"), phone_user(2, status="inactive", site="Auckland")])
    sync(emea, MONDAY)

    before = emea.plan(at=datetime(2026, 11, 30, 10, 59, tzinfo=UTC))
    after = emea.plan(at=datetime(2026, 11, 30, 11, 1, tzinfo=UTC))

    assert [(w["kind"], w["reason"]) for w in before["waiting"]] == [
        ("user.activate", "starts on 2026-12-01: activated on that day")
    ]
    assert kinds(after) == [("user.activate", "user2@example.org")]
    assert "2026-12-01" in after["changes"][0]["because"]


def test_somebody_is_a_leaver_when_their_last_day_is_over(emea: Installation) -> None:
    emea.people([person(1), person(2, End="2026-11-30T00:00:00Z")])
    emea.phone([phone_user(1), phone_user(2)])
    sync(emea, MONDAY)

    assert kinds(emea.plan(at=datetime(2026, 11, 30, 22, 59, tzinfo=UTC))) == []
    over = emea.plan(at=datetime(2026, 11, 30, 23, 1, tzinfo=UTC))

    assert kinds(over) == [("license.remove", "user2@example.org")]
    assert (over["changes"][0]["cause"], over["changes"][0]["because"]) == (
        "directory",
        "ended on 2026-11-30",
    )


@pytest.mark.parametrize(
    ("dates", "why"),
    [
        ({"End": "soon"}, "endDate 'soon' is no date"),
        ({"Start": "2026-13-01"}, "startDate '2026-13-01' is no date"),
        ({"Start": "2026-12-02", "End": "2026-12-01"}, "ends on 2026-12-01, before it starts"),
    ],
)
def test_a_date_that_cannot_be_read_leaves_that_person_alone(
    emea: Installation, dates: dict[str, str], why: str
) -> None:
    emea.people([person(1), person(2, department="IT", **dates)])
    emea.phone([phone_user(1), phone_user(2)])

    plan = emea.plan(at=MONDAY)

    assert (plan["changes"], plan["blocked"], plan["waiting"]) == ([], [], [])
    assert any("user2@example.org is left alone" in w and why in w for w in plan["warnings"])


def test_a_start_that_is_put_off_takes_nothing_from_who_has_it_already(emea: Installation) -> None:
    emea.people([person(1), person(2)])
    emea.phone([phone_user(1), phone_user(2)])
    sync(emea, MONDAY)
    emea.people([person(1), person(2, Start="2027-02-01")])

    plan = emea.plan(at=MONDAY + DAY)

    assert (plan["changes"], plan["waiting"]) == ([], [])
    assert any("start later, and keep" in w and "user2" in w for w in plan["warnings"])


def test_each_of_a_leavers_things_goes_when_its_own_grace_is_over(emea: Installation) -> None:
    emea.configure(pools={"munich": {"ranges": ["+49891000-+49891009"]}})
    graces = {"credits": "0d", "number": "7d", "license": "14d"}
    rules = [
        {"name": "all", "when": "userName pr", "give": {"license": "zoom_phone", "credits": True}},
        {"name": "sales", "when": "userName pr", "give": {"packages": ["basic"]}},
        NUMBER,
    ]
    emea.mapping(dates=DATES, rules=rules, leavers={"do": "remove_license", "after": graces})
    have = {"credits": True, "numbers": ["+49891000"]}
    emea.people([person(1), person(2, End="2026-11-22")])
    emea.phone([phone_user(1, credits=True, numbers=["+49891001"]), phone_user(2, **have)])

    plan = sync(emea, MONDAY)

    assert kinds(plan) == [("credit.remove", "user2@example.org")]
    assert {w["kind"]: w["reason"] for w in plan["waiting"]} == {
        "number.release": "leaver in grace until 2026-11-30T09:00:00Z",
        "license.remove": "leaver in grace until 2026-12-07T09:00:00Z",
    }
    assert kinds(sync(emea, MONDAY + 7 * DAY)) == [("number.release", "user2@example.org")]
    assert "numbers" not in (gone := emea.phone_users()["user2@example.org"]) or not gone["numbers"]
    assert kinds(sync(emea, MONDAY + 13 * DAY)) == []
    last = sync(emea, MONDAY + 14 * DAY)
    assert only(last, "license.remove")["consequences"] == ["calling package basic is removed"]


def test_what_should_outlive_what_takes_it_is_a_problem_at_load(emea: Installation) -> None:
    graces = {"license": "14d", "number": "30d", "packages": "14d"}
    emea.mapping(leavers={"do": "remove_license", "after": graces})

    ran = emea.run("plan")

    assert ran.status == 1
    assert "leavers.after.number: the packages goes after 14d" in ran.said or (
        "leavers.after.number" in ran.said and "14d" in ran.said
    )
    assert "mapping.yaml:" in ran.said


@pytest.mark.parametrize(
    ("leave", "expected"),
    [
        ({}, []),
        ({"do": "nothing"}, []),
        ({"keep": ["license", "packages", "number"]}, ["credit.remove"]),
        ({"keep": ["credits", "number"]}, []),
        ({"do": "deactivate"}, ["user.deactivate"]),
    ],
)
def test_people_on_leave_keep_what_the_mapping_says(
    emea: Installation, leave: dict[str, Any], expected: list[str]
) -> None:
    rules = [
        {"name": "all", "when": "userName pr", "give": {"license": "zoom_phone", "credits": True}},
        {"name": "sales", "when": 'department eq "Sales"', "give": {"packages": ["basic"]}},
        {"name": "it", "when": 'department eq "IT"', "give": {"packages": ["gold"]}},
    ]
    emea.mapping(dates=DATES, rules=rules, leave={"when": 'state eq "leave"', **leave})
    emea.people([person(1), person(2)])
    emea.phone([phone_user(1, credits=True), phone_user(2, credits=True)])
    sync(emea, MONDAY)
    away = person(2, State="leave", department="IT", active="false")
    emea.people([person(1), away, person(3, State="leave")])

    plan = sync(emea, MONDAY + DAY)

    assert [kind for kind, _ in kinds(plan)] == expected
    assert any("on leave" in w and "user2@example.org" in w for w in plan["warnings"])
    assert "user3@example.org" not in json.dumps(plan["changes"] + plan["waiting"])

    emea.people([person(1), person(2)])
    sync(emea, MONDAY + 2 * DAY)
    assert emea.phone_users()["user2@example.org"]["status"] == "active"
    assert emea.phone_users()["user2@example.org"]["credits"] is True


@pytest.mark.parametrize("do", ["trash", "deactivate", "remove_license"])
def test_who_comes_back_is_restored_and_gets_their_number_back(emea: Installation, do: str) -> None:
    emea.configure(pools={"munich": {"ranges": ["+49891000-+49891009"], "cooling": "30d"}})
    rules = [
        {"name": "all", "when": "userName pr", "give": {"license": "zoom_phone"}},
        {"name": "sales", "when": "userName pr", "give": {"packages": ["basic"]}},
        NUMBER,
    ]
    emea.mapping(dates=DATES, rules=rules, leavers={"do": do})
    emea.people([person(1), person(2)])
    emea.phone([phone_user(1, numbers=["+49891001"]), phone_user(2, numbers=["+49891005"])])
    sync(emea, MONDAY)
    emea.people([person(1), person(2, End="2026-11-23")])
    left = sync(emea, MONDAY + DAY)
    assert [user for _, user in kinds(left)] == ["user2@example.org"]

    emea.people([person(1), person(2, Start="2026-11-26"), person(3)])
    sync(emea, MONDAY + 3 * DAY)

    users = emea.phone_users()
    assert users["user2@example.org"]["status"] == "active"
    assert users["user2@example.org"]["numbers"] == ["+49891005"]
    assert users["user2@example.org"]["license"] == "zoom_phone"
    assert users["user3@example.org"]["numbers"] == ["+49891000"]
    assert len({u["id"] for u in users.values()}) == 3
    assert emea.plan(at=MONDAY + 3 * DAY)["changes"] == []


@pytest.mark.parametrize(
    ("on_move", "number"), [("keep", "+49891000"), ("swap", "+420600000"), (None, "+420600000")]
)
def test_a_mover_changes_site_before_number_and_keeps_it_where_the_mapping_says_so(
    emea: Installation, on_move: str | None, number: str
) -> None:
    pools = {"munich": ["+49891000-+49891009"], "brno": ["+420600000-+420600009"]}
    emea.configure(pools={name: {"ranges": ranges} for name, ranges in pools.items()})
    move = {} if on_move is None else {"on_move": on_move}
    rules = [
        {
            "name": "all",
            "when": "userName pr",
            "give": {"license": "zoom_phone", "packages": ["basic"]},
        },
        {
            "name": "brno",
            "when": 'department eq "IT"',
            "give": {"site": "Brno", "number": {"pool": "brno", **move}},
        },
        {
            "name": "munich",
            "when": "userName pr",
            "give": {"site": "Munich", "number": {"pool": "munich"}},
        },
    ]
    emea.mapping(dates=DATES, rules=rules)
    emea.people([person(1)])
    emea.phone([phone_user(1, site="Munich", numbers=["+49891000"])])
    sync(emea, MONDAY)
    emea.people([person(1, department="IT")])

    plan = sync(emea, MONDAY + DAY)

    expected = ["site.set"] if on_move == "keep" else ["site.set", "number.assign"]
    assert [kind for kind, _ in kinds(plan)] == expected
    assert emea.phone_users()["user1@example.org"]["numbers"] == [number]
    assert emea.phone_users()["user1@example.org"]["site"] == "Brno"
    assert emea.plan(at=MONDAY + DAY)["changes"] == []


def test_the_forecast_names_the_day_on_which_seats_run_short(emea: Installation) -> None:
    emea.mapping(dates=DATES, leavers={"do": "remove_license", "after": "7d"})
    joiners = [person(n, Start="2026-12-04") for n in range(10, 24)]
    emea.people([person(1), person(2, End="2026-11-30"), *joiners])
    emea.phone([phone_user(1), phone_user(2)], licenses={"zoom_phone": 4}, packages={"basic": 50})

    plan = emea.plan(at=MONDAY)

    seats = [f for f in plan["forecast"] if f["pool"] == "license:zoom_phone"]
    assert seats == [
        {"pool": "license:zoom_phone", "date": "2026-12-01", "after": 16, "short": 12, "claimed": 14, "freed": 0},
        {"pool": "license:zoom_phone", "date": "2026-12-08", "after": 15, "short": 11, "claimed": 0, "freed": 1},
    ]  # fmt: skip
    for arguments in ((), ("--format", "markdown"), ("--format", "html")):
        assert "12 short on 1 December" in emea.run("plan", *arguments, at=MONDAY).out
    emea.configure(forecast="0d")
    assert "forecast" not in emea.plan(at=MONDAY)


def test_a_day_to_come_shows_its_starts_its_ends_and_its_graces(emea: Installation) -> None:
    emea.mapping(dates=DATES, leavers={"do": "remove_license", "after": "7d"})
    emea.people([person(1), person(2, End="2026-11-30"), person(3, Start="2026-12-10")])
    emea.phone([phone_user(1), phone_user(2)])
    sync(emea, MONDAY)

    soon = emea.plan("--as-of", "2026-12-02", at=MONDAY)
    later = emea.plan("--as-of", "2026-12-09", at=MONDAY)

    assert soon["scope"] == later["scope"] == "preview"
    assert kinds(soon) == []
    assert {w["kind"] for w in soon["waiting"]} == {"license.remove", "user.create"}
    assert ("license.remove", "user2@example.org") in kinds(later)
    assert ("user.create", "user3@example.org") in kinds(later)
    assert emea.run("apply", later["id"], at=MONDAY).status == 1
    again = emea.plan("--as-of", "2026-12-09", at=MONDAY)
    assert {**again, "id": ""} == {**later, "id": ""}


def test_prices_tell_what_a_plan_costs_by_kind_and_by_department(emea: Installation) -> None:
    emea.configure(
        prices={"currency": "EUR", "license": {"zoom_phone": 10.0}, "packages": {"basic": "4.50"}}
    )
    emea.people([person(1), person(3), person(4, department="IT")])
    emea.phone([phone_user(1), phone_user(2)])
    emea.mapping(dates=DATES, unmanaged="remove")

    plan = emea.plan(at=MONDAY)

    assert plan["summary"]["cost"] == {
        "currency": "EUR",
        "monthly": "10.00",
        "kinds": {"license.assign": "20.00", "license.remove": "-14.50", "package.assign": "4.50"},
        "departments": {"": "-14.50", "IT": "10.00", "Sales": "14.50"},
    }
    for arguments in ((), ("--format", "markdown"), ("--format", "html")):
        assert "+10.00 EUR a month" in emea.run("plan", *arguments, at=MONDAY).out


def test_two_people_for_one_number_or_extension_are_named_with_both_rules_and_lines(
    emea: Installation,
) -> None:
    rules = [
        {"name": "all", "when": "userName pr", "give": {"license": "zoom_phone", "packages": ["basic"]}},
        {"name": "desk", "when": 'userName eq "user1"', "give": {"number": "+49891", "extension_number": "77"}},
        {"name": "hall", "when": 'userName eq "user2"', "give": {"number": "+49891", "extension_number": "77"}},
    ]  # fmt: skip
    emea.mapping(dates=DATES, rules=rules)
    emea.people([person(1), person(2), person(3)])
    holder = phone_user(1, numbers=["+49891"], extension_number="77")
    emea.phone([holder, phone_user(2, packages=[])])

    held = emea.plan(at=MONDAY)
    emea.phone([phone_user(1), phone_user(2)])
    free = emea.plan(at=MONDAY)

    assert {b["user"] for b in held["blocked"]} == {"user2@example.org"}
    assert [b["kind"] for b in held["blocked"]] == ["extension.set", "number.assign"]
    for blocked in held["blocked"]:
        assert "is held by user1@example.org, to whom rule desk (mapping.yaml:" in blocked["reason"]
        assert "; rule hall (mapping.yaml:" in blocked["reason"]
    assert ("package.assign", "user2@example.org") in kinds(held)
    for blocked in free["blocked"]:
        assert (
            "goes to user1@example.org in this plan, by rule desk (mapping.yaml:"
            in blocked["reason"]
        )
    assert len(free["blocked"]) == 2


def test_at_zoom_a_leavers_number_goes_before_the_license_and_a_joiner_waits(
    tmp_path: Path,
) -> None:
    """Told by the program itself, over HTTP, by the clock on the wall."""
    emea, today = Installation(tmp_path), datetime.now(UTC).date()
    rules = [
        {
            "name": "all",
            "when": "userName pr",
            "give": {"license": "zoom_phone", "packages": [UNLIMITED]},
        },
        {"name": "numbers", "when": "userName pr", "give": {"number": {"pool": "munich"}}},
    ]
    graces = {"number": "0d", "license": "7d"}
    emea.mapping(
        dates={"start": "startDate", "end": "endDate", "provision": "3d"},
        leavers={"do": "remove_license", "after": graces},
        rules=rules,
    )
    lines = [
        phone_user(n, packages=[UNLIMITED], numbers=[f"+4989123410{n}"], site="Munich")
        for n in (1, 2)
    ]
    with zoom_account([{"catalog": CATALOG}, *lines]) as (url, phone_system):
        emea.configure(
            phone_system=phone_system,
            pools={"munich": {"ranges": ["+49891234100-+49891234119"], "cooling": "30d"}},
            directories=[{"kind": "csv", "name": "hr", "path": "people.csv", "columns": COLUMNS}],
            limits={"changes": "100%", "removals": "100%"},
        )
        emea.people([person(1), person(2)])
        assert emea.shell("sync").status == 0
        later = (today + 10 * DAY).isoformat()
        emea.people([person(1), person(2, End=str(today - DAY)), person(3, Start=later)])

        plan = json.loads(emea.shell("plan", "--format", "json").out)
        assert emea.shell("approve", plan["id"]).status == 0
        assert emea.shell("apply", plan["id"]).status == 0

        assert kinds(plan) == [("number.release", "user2@example.org")]
        waiting = {(w["kind"], w["user"]): w["reason"] for w in plan["waiting"]}
        assert set(waiting) == {
            ("license.remove", "user2@example.org"),
            ("user.create", "user3@example.org"),
        }
        assert waiting["user.create", "user3@example.org"].startswith(f"starts on {later}")
        left = zoom_users(url)["user2@example.org"]
        assert (left["license"], left["numbers"]) == ("zoom_phone", [])
        as_of = (today + 9 * DAY).isoformat()
        ahead = json.loads(emea.shell("plan", "--as-of", as_of, "--format", "json").out)
        assert ("license.remove", "user2@example.org") in kinds(ahead)
        assert ("user.create", "user3@example.org") in kinds(ahead)
        assert len(zoom_log(url)) == 1
