"""Rooms and common areas by their own rules, from mapping to a simulated Zoom account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests

from tests.scenarios.installation import Installation, kinds, phone_user, rule, staff, zoom_account
from tests.scenarios.test_zoom_accounts import CATALOG, PRO

US = "US/CA Unlimited Calling Plan"
LOBBY = {"id": "lobby", "kind": "common_area", "display_name": "Lobby Munich", "site": "Munich"}
DESK = {"id": "desk", "kind": "common_area", "display_name": "Hot desk", "site": "Munich", "packages": [PRO]}  # fmt: skip
OTHER = {"id": "other", "kind": "common_area", "display_name": "Canteen", "site": "Munich", "template": "Areas"}  # fmt: skip
ROOM = {"id": "room", "kind": "room", "display_name": "Board", "site": "Munich", "packages": [PRO], "numbers": ["+498912399"]}  # fmt: skip
MAPPING: dict[str, Any] = {
    "rules": [rule("all", license="zoom_phone", packages=[PRO])],
    "common_areas": [
        {
            "name": "lobbies",
            "when": 'display_name sw "Lobby"',
            "give": {"packages": [PRO], "number": {"pool": "lobbies"}, "extension_number": "7001", "site": "Munich", "template": "Areas"},
        },
        {"name": "desks", "when": 'display_name eq "Hot desk"', "give": {"packages": [US], "site": "Brno"}},
    ],
    "rooms": [{"name": "rooms", "when": "id pr", "give": {"packages": [US], "number": "+498912305"}}],
}  # fmt: skip
EVERYTHING = 'kind eq "person" or kind eq "room" or kind eq "common_area"'


def installation(folder: Path, system: dict[str, Any], **sync: Any) -> Installation:
    here = Installation(folder)
    here.configure(
        phone_system=system,
        pools={"lobbies": {"ranges": ["+498912300-+498912309"]}},
        limits={"changes": "100%", "removals": "100%"},
        approval={"automatic": ["safe", "service", "destructive"]},
        **sync,
    )
    here.mapping(**MAPPING)
    here.people(staff(1))
    return here


def account() -> list[dict[str, Any]]:
    catalog = {**CATALOG["catalog"], "packages": {PRO: 40, US: 40}, "sites": ["Munich", "Brno"]}
    eva = phone_user(1, packages=[PRO], site="Munich")
    return [{"catalog": catalog}, eva, LOBBY, DESK, OTHER, ROOM]


def state(url: str) -> dict[str, dict[str, Any]]:
    text = requests.get(f"{url}/_portal/state", timeout=10).text
    return {line["id"]: line for line in map(json.loads, text.splitlines()) if "id" in line}


def test_places_get_what_the_rules_of_their_kind_give(tmp_path: Path) -> None:
    with zoom_account(account()) as (url, system):
        here = installation(tmp_path, system, manages=EVERYTHING)

        plan = here.carry_out()

        assert set(kinds(plan)) == {
            ("package.assign", "Lobby Munich"),
            ("number.assign", "Lobby Munich"),
            ("extension.set", "Lobby Munich"),
            ("package.assign", "Hot desk"),
            ("site.set", "Hot desk"),
            ("package.assign", "Board"),
            ("number.assign", "Board"),
        }, "an area's template can't be read, and counts as it is wished at first"
        assert {c["user_kind"] for c in plan["changes"]} == {"common_area", "room"}
        told = state(url)
        assert (told["lobby"]["packages"], told["lobby"]["extension_number"]) == ([PRO], "7001")
        assert told["lobby"]["numbers"] == ["+498912300"]
        assert (told["desk"]["packages"], told["desk"]["site"]) == ([US], "Brno")
        assert (told["room"]["packages"], told["room"]["numbers"]) == ([US], ["+498912305"])
        assert told["other"]["packages"] == [], "no rule names it"
        assert here.plan()["changes"] == []


def test_the_calls_are_those_that_the_plan_said(tmp_path: Path) -> None:
    with zoom_account(account()) as (url, system):
        plan = installation(tmp_path, system, manages=EVERYTHING).carry_out()

        log = requests.get(f"{url}/_portal/log", timeout=10).text.splitlines()
        assert len(log) == plan["summary"]["api_calls"]


def test_a_template_is_applied_again_only_when_the_rule_wishes_another(tmp_path: Path) -> None:
    more = {**OTHER, "id": "another", "display_name": "Garage", "template": "Garages"}
    with zoom_account([*account(), more]) as (url, system):
        here = installation(tmp_path, system, manages=EVERYTHING)
        here.carry_out()
        rules = [dict(each) for each in MAPPING["common_areas"]]
        rules[0]["give"] = {**rules[0]["give"], "template": "Garages"}
        here.mapping(**(MAPPING | {"common_areas": rules}))

        plan = here.carry_out()

        (change,) = plan["changes"]
        assert (change["kind"], change["before"], change["after"]) == (
            "template.apply",
            "Areas",
            "Garages",
        )
        assert state(url)["lobby"]["template"] == "Garages"
        assert here.plan()["changes"] == []


def test_nothing_is_touched_that_manages_does_not_name(tmp_path: Path) -> None:
    with zoom_account(account()) as (_, system):
        assert installation(tmp_path, system).carry_out()["changes"] == []

        only_rooms = installation(tmp_path, system, manages='kind eq "person" or kind eq "room"')
        assert {user for _, user in kinds(only_rooms.plan())} == {"Board"}


def test_a_room_takes_no_template_and_the_plan_says_so(tmp_path: Path) -> None:
    with zoom_account(account()) as (_, system):
        here = installation(tmp_path, system, manages=EVERYTHING)
        wished = [{"name": "rooms", "when": "id pr", "give": {"template": "Areas"}}]
        here.mapping(**(MAPPING | {"rooms": wished}))
        here.carry_out()  # believed at first
        wished[0]["give"] = {"template": "Other"}
        here.mapping(**(MAPPING | {"rooms": wished}))

        (blocked,) = here.plan()["blocked"]
        assert blocked["reason"] == "this phone system can't do template.apply for a room"


def test_the_same_rules_plan_offline_against_a_snapshot(tmp_path: Path) -> None:
    system = {"kind": "snapshot", "path": "phone.jsonl"}
    here = installation(tmp_path, system, manages=EVERYTHING)
    catalog, *users = account()
    goods = catalog["catalog"]
    templates = [*goods["templates"], ["Areas", "Munich"]]
    here.phone(users, **{**goods, "templates": templates})

    plan = here.carry_out()

    assert ("number.assign", "Lobby Munich") in kinds(plan)
    assert here.phone_users()["lobby"]["packages"] == [PRO]
    assert here.plan()["changes"] == []


def test_a_common_area_answers_for_a_person(tmp_path: Path) -> None:
    with zoom_account(account()) as (_, system):
        here = installation(tmp_path, system)
        here.mapping(rules=[*MAPPING["rules"], rule("helped", delegates=["Canteen"])])

        plan = here.carry_out()

        assert ("delegate.add", "user1@example.org") in kinds(plan)
        assert here.plan()["changes"] == []


def test_what_a_run_gave_a_place_can_be_undone(tmp_path: Path) -> None:
    with zoom_account(account()) as (url, system):
        here = installation(tmp_path, system, manages=EVERYTHING)
        here.carry_out()
        (run,) = here.run("runs", "--format", "json").plan["runs"]

        back = here.run("undo", "--format", "json", run["id"])
        assert back.status == 0, back.said
        for command in ("approve", "apply"):
            ran = here.run(command, back.plan["id"])
            assert ran.status == 0, ran.said

        told = state(url)
        assert (told["lobby"]["packages"], told["lobby"]["numbers"]) == ([], [])
        assert told["desk"]["site"] == "Munich"
        assert (told["room"]["packages"], told["room"]["numbers"]) == ([PRO], ["+498912399"])
