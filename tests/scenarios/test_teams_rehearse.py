"""Rehearsals of plans for a Microsoft tenant: on a copy, and nothing of the real one is written to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests
from werkzeug.test import Client

from provisioner.commands.simulate import Simulated, application
from tests.scenarios.installation import person, rule
from tests.scenarios.teams_tenant import (
    DOMESTIC,
    E3,
    E5,
    INTERNATIONAL,
    PHONE,
    caller,
    installed,
    seats,
    tenant,
    user,
)

NUMBERS = ["+49891230001", "+49891230002", "+49891230003"]
TEMPLATES = {"Office": {"TeamsCallingPolicy": "Calls", "CallingLineIdentity": "Main number"}}


def test_a_rehearsal_ends_as_the_apply_does_and_the_real_tenant_gets_no_write(
    tmp_path: Path,
) -> None:
    people = [
        caller(1, numbers=NUMBERS[:1]),
        caller(2, numbers=NUMBERS[1:2]),
        user(3),
        user(4, vendor={"licenses": [E5]}, usage_location="FR"),
        caller(5, vendor={"licenses": [E3, {"sku": "MCOEV", "group": "Callers"}]}),
    ]
    config = {"templates": TEMPLATES, "locations": {"HQ": "0f9c3c43-4a5e-4f0f-9d31-6a7f0d7a1c11"}}
    with tenant([seats(NUMBERS, domestic=5), *people], config) as graph:
        for kind, name in TEMPLATES["Office"].items():
            graph.do("policy", type=kind, name=name)
        office = rule(
            "office",
            license=PHONE,
            template="Office",
            number={"pool": "munich"},
            emergency_address="HQ",
        )
        home = rule("home", 'department eq "Sales"', packages=[DOMESTIC])
        abroad = rule("abroad", 'department eq "Export"', packages=[INTERNATIONAL])
        company = installed(
            tmp_path, graph, office, home, abroad, pools={"munich": {"vendor": True}}
        )
        company.configure(limits={"changes": "100%", "removals": "100%", "people_drop": "100%"})
        company.people([person(number) for number in range(1, 6)])
        adopted = company.plan()
        assert company.run("approve", adopted["id"]).status == 0
        rows = [person(1, department="Export"), *(person(number) for number in range(3, 6))]
        company.people(rows)
        plan = company.plan()
        company.run("approve", plan["id"])

        tried = company.run("rehearse", plan["id"], "--format", "json")

        found = json.loads(tried.out)
        assert found["differences"] == [], tried.said
        assert graph.log() == []
        applied = company.run("apply", plan["id"])
        assert tried.status == applied.status, applied.said
        shown = json.loads(company.run("show", plan["id"], "--format", "json").out)
        states: dict[str, int] = {}
        for change in shown["changes"]:
            states[change["state"]] = states.get(change["state"], 0) + 1
        # numbers, and the places that go with them, wait until the calling plans are known
        assert states.pop("approved") == 4
        assert found["states"] == states == {"done": 10, "settling": 2}


def test_an_inventory_under_aliases_makes_the_same_tenant_again(tmp_path: Path) -> None:
    aliases = {"packages": {"domestic": DOMESTIC}, "licenses": {"phone": PHONE, "suite": E5}}
    holder = user(3, vendor={"licenses": [E5]}, usage_location="DE")
    with tenant([seats(NUMBERS), caller(1, numbers=NUMBERS[:1]), user(2), holder]) as graph:
        company = installed(tmp_path, graph, rule("all", license="phone", packages=["domestic"]))
        company.configure(aliases=aliases, limits={"changes": "100%"})
        company.people([person(number) for number in (1, 2, 3)])
        told = tmp_path / "inventory.jsonl"
        assert company.run("inventory", "--output", str(told)).status == 0
        plan = company.plan()

        again = application(Simulated("teams", load=told))
        tried = company.run("rehearse", plan["id"], "--inventory", str(told), "--format", "json")

        assert '"packages":["domestic"]' in told.read_text()
        state = parsed(Client(again).get("/_portal/state").text)
        real = parsed(requests.get(f"{graph.url}/_portal/state", timeout=10).text)
        assert state[1:] == real[1:]
        for family in ("licenses", "packages"):
            assert state[0]["catalog"][family].keys() == real[0]["catalog"][family].keys()
        found = json.loads(tried.out)
        assert (found["differences"], found["states"].get("failed")) == ([], None), tried.said


def parsed(text: str) -> list[dict[str, Any]]:
    """Return a state's lines, but for when accounts were made."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        line.get("vendor", {}).pop("created_at", None)
    return lines
