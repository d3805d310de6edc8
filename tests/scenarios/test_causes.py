"""Why a change is planned, as plans say it: over several reads, mappings and a phone system that moves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import Installation, person, phone_users, rule, staff

ALL = rule("all", license="zoom_phone")


def sales(**give: Any) -> dict[str, Any]:
    return rule("sales", 'groups.display eq "Sales"', **give)


@pytest.fixture
def office(tmp_path: Path) -> Installation:
    """Three people in Sales, as they should be, after an approved plan."""
    office = Installation(tmp_path)
    limits = {"removals": "100%", "changes": "100%", "group_drop": "100%"}
    office.configure(limits=limits)
    office.mapping(rules=[ALL, sales(packages=["basic"])])
    office.people(staff(3, groups="Phone;Sales"))
    office.phone(phone_users(3))
    office.carry_out()
    return office


def causes(plan: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(c["kind"], c["cause"], c["because"]) for c in plan["changes"]}


def clusters(plan: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(c["title"], c["people"], c["risk"]) for c in plan["clusters"]]


def test_a_rule_that_was_edited_is_named_with_what_is_otherwise(office: Installation) -> None:
    office.mapping(rules=[ALL, sales(packages=["basic"], site="Brno")])

    plan = office.plan()

    says = "the mapping changed: rule sales: what it gives is otherwise"
    assert causes(plan) == {("site.set", "mapping", says)}
    assert clusters(plan) == [(says, 3, "service")]


def test_a_rule_that_was_removed_is_named_by_what_it_takes_along(office: Installation) -> None:
    office.mapping(rules=[ALL, rule("ceo", 'title eq "CEO"', packages=["world"])])

    plan = office.plan()

    says = "the mapping changed: rule sales: it was removed"
    assert causes(plan) == {("package.remove", "mapping", says)}


def test_a_lookup_table_beside_the_mapping_that_changed_is_found(office: Installation) -> None:
    office.write("sites.csv", "town,site\nPhone,Brno\nSales,Brno\n")
    lookups = {"sites": {"file": "sites.csv", "key": "town", "value": "site"}}
    rules = [ALL, sales(packages=["basic"], site="{department | lookup sites}")]
    office.mapping(rules=rules, lookups=lookups)
    office.carry_out()
    office.write("sites.csv", "town,site\nPhone,Brno\nSales,Prague\n")

    assert causes(office.plan()) == {
        ("site.set", "mapping", "the mapping changed: rule sales: what it gives is otherwise")
    }


def test_one_persons_data_and_the_phone_systems_drift_are_told_apart(office: Installation) -> None:
    people = staff(3, groups="Phone;Sales")
    people[0] = person(1, groups="Phone")
    office.people(people)
    users = phone_users(3)
    users[1]["packages"] = ["basic", "world"]
    office.phone(users)

    assert causes(office.plan()) == {
        ("package.remove", "directory", "left group Sales (hr)"),
        (
            "package.remove",
            "drift",
            "the phone system moved by itself: package is world, and was none",
        ),
    }


def test_a_group_that_a_csv_calls_otherwise_now_seems_renamed_to_all_its_people(
    office: Installation,
) -> None:
    office.people(staff(3, groups="Phone;Sales CZ"))

    plan = office.plan()

    says = "group Sales seems to be renamed to Sales CZ (hr)"
    assert causes(plan) == {("package.remove", "directory", says)}
    assert clusters(plan) == [(says, 3, "destructive")]


def test_a_group_whose_dn_changes_with_its_name_seems_renamed(tmp_path: Path) -> None:
    office = Installation(tmp_path)
    office.configure(
        directories=[
            {"kind": "csv", "name": "hr", "path": "people.csv"},
            {
                "kind": "ldap_json",
                "name": "ad",
                "path": "ad.json",
                "key": "externalId",
                "columns": {"employeeNumber": "externalId", "description": "title"},
            },
        ],
        limits={"removals": "100%", "changes": "100%", "group_drop": "100%"},
    )
    office.mapping(rules=[ALL, sales(packages=["basic"])])
    office.people(staff(2))
    office.phone(phone_users(2))
    office.write("ad.json", json.dumps(directory("Sales")))
    office.carry_out()
    office.write("ad.json", json.dumps(directory("Sales Team")))

    ran = office.run("plan", "--format", "json")

    assert ran.status == 0, ran.said
    assert {c["because"] for c in ran.plan["changes"]} == {
        "group Sales seems to be renamed to Sales Team (ad)"
    }


def directory(name: str) -> list[dict[str, Any]]:
    """Return two people and the group that they are in."""
    entries = [
        {
            "dn": f"uid=user{n},ou=People,o=x",
            "attributes": {
                "objectClass": ["inetOrgPerson"],
                "uid": [f"user{n}"],
                "employeeNumber": [f"E{n:03}"],
            },
        }
        for n in (1, 2)
    ]
    members = [entry["dn"] for entry in entries]
    group = {"objectClass": ["groupOfNames"], "member": members}
    return [*entries, {"dn": f"cn={name},ou=Groups,o=x", "attributes": group}]


def test_every_report_shows_the_cause_in_words(office: Installation) -> None:
    office.mapping(rules=[ALL, sales(packages=["basic"], site="Brno")])

    for form in ("text", "markdown", "html", "csv"):
        out = office.run("plan", "--format", form).out
        assert "rule sales" in out
        assert "what it gives is otherwise" in out
