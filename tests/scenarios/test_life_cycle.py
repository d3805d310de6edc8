"""Joiner, mover, leaver, from the directory's file to the phone system: a snapshot, and Zoom over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.scenarios.installation import (
    Installation,
    kinds,
    person,
    phone_user,
    phone_users,
    staff,
    states,
    zoom_account,
    zoom_log,
    zoom_users,
)

UNLIMITED = "US/CA Unlimited Calling Plan"
METERED = "US/CA Metered Calling Plan"


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Four people who are all as they should be, and adopted."""
    emea = Installation(tmp_path)
    emea.people(staff(4))
    emea.phone(phone_users(4))
    emea.carry_out()
    return emea


def test_a_joiner_gets_an_account_and_what_the_rules_give(emea: Installation) -> None:
    emea.people(staff(5))

    plan = emea.plan()
    assert emea.run("apply", plan["id"]).status == 0, "safe changes need nobody's approval"

    joiner = "user5@example.org"
    assert kinds(plan) == [
        ("user.create", joiner),
        ("license.assign", joiner),
        ("package.assign", joiner),
    ]
    assert emea.phone_users()[joiner]["packages"] == ["basic"]
    assert emea.plan()["changes"] == []


def test_a_mover_loses_what_the_new_department_does_not_give(emea: Installation) -> None:
    emea.people([person(1, department="IT"), *staff(4)[1:]])

    plan = emea.carry_out()

    assert kinds(plan) == [("package.remove", "user1@example.org")]
    assert plan["changes"][0]["cause"] == "directory"
    assert "Sales" in plan["changes"][0]["because"] or "IT" in plan["changes"][0]["because"]
    assert emea.phone_users()["user1@example.org"].get("packages", []) == []
    assert emea.plan()["changes"] == []


@pytest.mark.parametrize(
    "last_row",
    [
        pytest.param([], id="gone"),
        pytest.param([person(4, active="false")], id="inactive"),
        pytest.param([person(4, groups="Others")], id="out of scope"),
    ],
)
def test_a_leaver_loses_the_license_and_what_hangs_on_it(
    emea: Installation, last_row: list[dict[str, str]]
) -> None:
    emea.people([*staff(3), *last_row])

    plan = emea.plan()
    removal = plan["changes"][-1]

    assert (removal["kind"], removal["user"]) == ("license.remove", "user4@example.org")
    assert removal["risk"] == "destructive"
    assert any("basic" in said for said in removal["consequences"])
    assert emea.run("apply", plan["id"]).status == 4, "what is destructive waits for a person"
    assert "license" in emea.phone_users()["user4@example.org"]
    emea.run("approve", plan["id"])
    assert emea.run("apply", plan["id"]).status == 0
    assert not emea.phone_users()["user4@example.org"].get("license")
    assert emea.plan()["changes"] == []


def test_a_renamed_person_is_a_rename_and_never_a_leaver_and_a_joiner(emea: Installation) -> None:
    emea.mapping(profile={"display_name": "{displayName}", "email": "{email}"})
    emea.carry_out()
    renamed = person(2, userName="eva.new", email="eva.new@example.org", displayName="Eva New")
    emea.people([person(1), renamed, person(3), person(4)])

    plan = emea.carry_out()

    assert [(c["kind"], c["key"], c["id"]) for c in plan["changes"]] == [
        ("profile.update", "E002", "p2")
    ]
    assert plan["changes"][0]["after"] == {
        "display_name": "Eva New",
        "email": "eva.new@example.org",
    }
    assert plan["summary"]["removals"] == 0
    assert emea.phone_users()["eva.new@example.org"]["id"] == "p2"
    assert emea.plan()["changes"] == []


def test_a_rename_moves_nothing_where_the_mapping_has_no_profile(emea: Installation) -> None:
    emea.people([*staff(3), person(4, userName="new", email="new@example.org")])

    assert emea.plan()["changes"] == []


def test_a_rename_at_the_phone_system_is_no_leaver_either(emea: Installation) -> None:
    changed = phone_user(4, email="moved@example.org", key=None)
    emea.phone([*phone_users(3), changed])

    assert emea.plan()["changes"] == []


def test_whoever_comes_back_gets_their_own_account_again(emea: Installation) -> None:
    emea.people(staff(3))
    emea.carry_out()
    emea.people(staff(4))

    plan = emea.carry_out()

    assert [(c["kind"], c["id"]) for c in plan["changes"]] == [
        ("license.assign", "p4"),
        ("package.assign", "p4"),
    ]


def test_a_phone_user_of_nobody_is_reported_and_left_alone(emea: Installation) -> None:
    emea.phone([*phone_users(4), phone_user(9, key="X9")])

    assert emea.plan()["changes"] == []


def test_drift_is_put_right_and_called_drift(emea: Installation) -> None:
    emea.phone([*phone_users(3), phone_user(4, packages=[])])

    plan = emea.carry_out()

    assert kinds(plan) == [("package.assign", "user4@example.org")]
    assert plan["changes"][0]["cause"] == "drift"


def test_a_changed_rule_is_called_mapping(emea: Installation) -> None:
    rules = [{"name": "all", "when": "userName pr", "give": {"license": "zoom_phone"}}]
    rules.append({"name": "x", "when": "userName pr", "give": {"packages": ["basic", "more"]}})
    emea.mapping(rules=rules)

    plan = emea.plan(status=3)  # it concerns everybody, which is more than the limit

    assert {c["cause"] for c in plan["changes"]} == {"mapping"}
    assert {c["rule"] for c in plan["changes"]} == {"x"}


def test_joiners_go_ahead_while_a_leaver_waits_for_approval(emea: Installation) -> None:
    emea.people([*staff(3), person(5)])
    plan = emea.plan()

    ran = emea.run("apply", plan["id"])

    assert ran.status == 4
    shown = emea.run("show", plan["id"], "--format", "json").plan
    assert states(shown)["license.assign", "user5@example.org"] == "done"
    assert states(shown)["license.remove", "user4@example.org"] == "planned"


def test_whoever_becomes_inactive_leaves_because_of_the_directory(emea: Installation) -> None:
    emea.mapping(scope='groups.display eq "Phone"')
    emea.people(staff(5))
    emea.phone(phone_users(5))
    emea.carry_out()
    emea.people([*staff(4), person(5, active="false")])

    change = emea.plan()["changes"][0]

    assert change["cause"] == "directory"
    assert "active" in change["because"]


# the same over HTTP, at the simulated Zoom account


CATALOG = {
    "licenses": {"zoom_phone": 20},
    "packages": {UNLIMITED: 20, METERED: 5},
    "templates": [["Office", "Munich"], ["Office", "Brno"], ["Executive", "Munich"]],
    "sites": ["Munich", "Brno", "Madrid"],
    "numbers": [[f"+49891234{n:03}", "Munich"] for n in range(100, 120)],
}
ZOOM_RULES = [
    {
        "name": "all",
        "when": "userName pr",
        "give": {"license": "zoom_phone", "packages": [UNLIMITED], "template": "Office"},
    },
    {"name": "site", "when": "location pr", "give": {"site": "{location}"}},
    {
        "name": "number",
        "when": 'location eq "Munich"',
        "give": {"number": {"pool": "munich"}},
    },
    {"name": "boss", "when": "secretary pr", "give": {"delegates": ["{secretary}"]}},
]


def zoom_line(number: int, **members: Any) -> dict[str, Any]:
    line = phone_user(
        number,
        packages=[UNLIMITED],
        site="Munich",
        extension_number=str(4000 + number),
        numbers=[f"+49891234{100 + number}"],
    )
    return line | members


@pytest.fixture
def at_zoom(tmp_path: Path) -> Iterator[tuple[Installation, str]]:
    """Four people with phones at Zoom, adopted; and the account's address."""
    emea = Installation(tmp_path)
    emea.mapping(rules=ZOOM_RULES, profile={"display_name": "{displayName}"})
    emea.people(zoom_staff(4))
    lines = [{"catalog": CATALOG}, *(zoom_line(n) for n in range(1, 5))]
    with zoom_account(lines) as (url, phone_system):
        emea.configure(
            phone_system=phone_system,
            pools={"munich": {"ranges": ["+49891234100-+49891234119"]}},
            directories=[
                {
                    "kind": "csv",
                    "name": "hr",
                    "path": "people.csv",
                    "columns": {"Secretary": "secretary"},
                }
            ],
        )
        assert emea.carry_out()["changes"] == []
        yield emea, url


def zoom_staff(count: int) -> list[dict[str, str]]:
    return staff(count, location="Munich", Secretary="")


def test_at_zoom_everybody_as_they_should_be_costs_no_write(
    at_zoom: tuple[Installation, str],
) -> None:
    emea, url = at_zoom

    plan = emea.plan()
    ran = emea.run("apply", plan["id"])

    assert (plan["changes"], ran.status, zoom_log(url)) == ([], 0, [])


def test_at_zoom_joiner_mover_and_leaver_end_as_the_rules_say(
    at_zoom: tuple[Installation, str],
) -> None:
    emea, url = at_zoom
    mover = person(2, location="Brno", Secretary="user3@example.org", displayName="Two")
    rows = zoom_staff(5)
    emea.people([rows[0], mover, rows[2], rows[4]])  # the fourth leaves, the fifth joins

    plan = emea.carry_out()

    users = zoom_users(url)
    joiner, moved = users["user5@example.org"], users["user2@example.org"]
    assert joiner["license"] == "zoom_phone"
    assert joiner["packages"] == [UNLIMITED]
    assert joiner["site"] == "Munich"
    assert len(joiner["numbers"]) == 1
    assert joiner["display_name"] == "User 5"
    assert moved["site"] == "Brno"
    assert moved["numbers"] == []
    assert moved["delegates"] == ["user3@example.org"]
    assert moved["display_name"] == "Two"
    assert not users["user4@example.org"].get("license")
    assert plan["summary"]["removals"] == 2  # the leaver, and the mover's number
    writes = zoom_log(url)
    assert len(writes) == plan["summary"]["api_calls"]

    assert emea.plan()["changes"] == []
    assert emea.run("apply", plan["id"]).status == 0
    assert zoom_log(url) == writes, "what was applied is not sent again"


def test_at_zoom_a_rename_keeps_the_vendors_id(at_zoom: tuple[Installation, str]) -> None:
    emea, url = at_zoom
    rows = zoom_staff(4)
    rows[3] |= {"email": "eva.new@example.org", "displayName": "Eva New", "userName": "eva"}
    emea.people(rows)

    plan = emea.carry_out()

    assert [(c["kind"], c["id"]) for c in plan["changes"]] == [("profile.update", "p4")]
    assert zoom_users(url)["user4@example.org"]["display_name"] == "Eva New"


def test_at_zoom_somebody_changed_by_hand_since_the_plan_is_left_alone(
    at_zoom: tuple[Installation, str],
) -> None:
    emea, url = at_zoom
    rows = zoom_staff(5)
    rows[1] |= {"location": "Brno"}
    emea.people(rows)
    plan = emea.plan()
    emea.run("approve", plan["id"])
    edit = {"email": "user2@example.org", "site": "Madrid"}
    assert requests.post(f"{url}/_portal/user", json=edit, timeout=10).ok

    ran = emea.run("apply", plan["id"])

    assert ran.status == 5
    assert "user2@example.org" in ran.out
    users = zoom_users(url)
    assert users["user2@example.org"]["numbers"] == ["+49891234102"]
    assert users["user2@example.org"]["site"] == "Madrid"
    assert users["user5@example.org"]["license"] == "zoom_phone", "the others go on"


def test_at_zoom_a_profile_comes_to_rest(at_zoom: tuple[Installation, str]) -> None:
    emea, url = at_zoom
    names = ("display_name", "department", "job_title", "email")
    braces = ("{displayName}", "{department}", "{title}", "{email}")
    emea.mapping(rules=ZOOM_RULES, profile=dict(zip(names, braces, strict=True)))
    emea.configure(limits={"changes": "100%"})
    rows = [row | {"title": "Clerk"} for row in zoom_staff(4)]
    rows[1] |= {"email": "new@example.org", "title": "Boss"}
    emea.people(rows)
    emea.carry_out()
    writes = zoom_log(url)

    assert zoom_users(url)["new@example.org"]["job_title"] == "Boss"
    assert emea.plan()["changes"] == []
    assert emea.run("sync").status == 0
    assert zoom_log(url) == writes


def test_at_zoom_a_template_that_cannot_be_read_back_is_applied_once(
    at_zoom: tuple[Installation, str],
) -> None:
    emea, url = at_zoom
    rules = [dict(rule) for rule in ZOOM_RULES]
    rules.insert(
        0, {"name": "two", "when": 'userName eq "user2"', "give": {"template": "Executive"}}
    )
    emea.mapping(rules=rules, profile={"display_name": "{displayName}"})

    plan = emea.carry_out()

    assert [(c["kind"], c["user"], c["after"]) for c in plan["changes"]] == [
        ("template.apply", "user2@example.org", "Executive")
    ]
    assert emea.plan()["changes"] == []
    assert len(zoom_log(url)) == 1


def test_at_zoom_a_leaver_with_delegations_on_both_sides_goes_in_one_run(
    at_zoom: tuple[Installation, str],
) -> None:
    emea, url = at_zoom
    rows = zoom_staff(4)
    rows[0] |= {"Secretary": "user2"}
    rows[1] |= {"Secretary": "user3"}
    emea.people(rows)
    emea.carry_out()
    assert zoom_users(url)["user1@example.org"]["delegates"] == ["user2@example.org"]
    rows[1] |= {"active": "false"}
    emea.people(rows)

    plan = emea.carry_out()

    kind_of = [kind for kind, _ in kinds(plan)]
    assert sorted(kind_of) == ["delegate.remove", "delegate.remove", "license.remove"]
    assert kind_of[-1] == "license.remove"
    users = zoom_users(url)
    assert users["user1@example.org"]["delegates"] == []
    assert not users["user2@example.org"].get("license")
    again = emea.plan()
    assert again["changes"] == []
    assert any("user2" in b["reason"] for b in again["blocked"])


def test_at_zoom_a_leavers_seat_and_number_go_to_a_joiner_of_the_same_run(
    tmp_path: Path,
) -> None:
    emea = Installation(tmp_path)
    emea.mapping(rules=ZOOM_RULES[:1])
    emea.people(staff(2))
    catalog = CATALOG | {"licenses": {"zoom_phone": 2}, "packages": {UNLIMITED: 2}}
    with zoom_account([{"catalog": catalog}, zoom_line(1), zoom_line(2)]) as (url, phone_system):
        emea.configure(phone_system=phone_system)
        emea.carry_out()
        emea.people([person(1), person(3)])

        plan = emea.carry_out()

        assert plan["blocked"] == []
        users = zoom_users(url)
        assert users["user3@example.org"]["license"] == "zoom_phone"
        assert not users["user2@example.org"].get("license")
        assert emea.plan()["changes"] == []


def test_at_zoom_a_delegation_that_no_rule_gives_any_more_ends(
    at_zoom: tuple[Installation, str],
) -> None:
    emea, url = at_zoom
    boss = {"name": "boss", "when": 'title eq "Boss"', "give": {"delegates": ["user2"]}}
    emea.mapping(rules=[*ZOOM_RULES[:3], boss], profile={"display_name": "{displayName}"})
    rows = [row | {"title": "Clerk"} for row in zoom_staff(4)]
    rows[0] |= {"title": "Boss"}
    emea.people(rows)
    emea.carry_out()
    assert zoom_users(url)["user1@example.org"]["delegates"] == ["user2@example.org"]
    rows[0] |= {"title": "Clerk"}
    emea.people(rows)

    plan = emea.carry_out()

    assert kinds(plan) == [("delegate.remove", "user1@example.org")]
    assert zoom_users(url)["user1@example.org"]["delegates"] == []
    assert emea.plan()["changes"] == []
