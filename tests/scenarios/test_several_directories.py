"""Several directories, joined: one person by one key, the first value wins, groups are united."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import (
    Installation,
    csv_text,
    kinds,
    person,
    phone_user,
    phone_users,
    staff,
    states,
)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Personnel first, then a CSV of the branches; the mapping wishes the profile."""
    emea = Installation(tmp_path)
    emea.configure(
        directories=[
            {"kind": "csv", "name": "hr", "path": "people.csv"},
            {"kind": "csv", "name": "branches", "path": "branches.csv"},
        ]
    )
    emea.mapping(profile={"display_name": "{displayName}", "job_title": "{title}"})
    return emea


def wished(plan: dict[str, Any], kind: str) -> dict[str, Any]:
    return {c["user"]: c["after"] for c in plan["changes"] if c["kind"] == kind}


def test_for_each_attribute_the_first_directory_with_a_value_wins(emea: Installation) -> None:
    emea.people([person(1, displayName="From HR", title=""), person(2)])
    branches = person(1, displayName="From a branch", title="Clerk", email="other@example.org")
    emea.people([branches], "branches.csv")

    plan = emea.plan()

    assert wished(plan, "profile.update")["user1@example.org"] == {
        "display_name": "From HR",
        "job_title": "Clerk",
    }


def test_the_order_of_the_list_decides(emea: Installation) -> None:
    emea.people([person(1, displayName="From HR")])
    emea.people([person(1, displayName="From a branch")], "branches.csv")
    emea.configure(directories=list(reversed(emea.sync["directories"])))

    plan = emea.plan()

    after = wished(plan, "profile.update")["user1@example.org"]
    assert after["display_name"] == "From a branch"


def test_groups_of_several_directories_are_united(emea: Installation) -> None:
    emea.mapping(scope='groups.display eq "Phone" and groups.display eq "Branch"')
    emea.people([person(1), person(2)])
    emea.people([person(1, groups="Branch"), person(3, groups="Branch")], "branches.csv")

    plan = emea.plan()

    assert {who for _, who in kinds(plan)} == {"user1@example.org"}


def test_keys_of_several_directories_meet_without_case(emea: Installation) -> None:
    emea.people([person(1)])
    emea.people([person(1, externalId="e001", title="Clerk")], "branches.csv")

    plan = emea.plan()

    assert [key for kind, key in kinds(plan) if kind == "user.create"] == ["user1@example.org"]
    assert plan["conflicts"] == []


def test_who_is_in_one_directory_only_is_somebody_too(emea: Installation) -> None:
    emea.people([person(1)])
    emea.people([person(2)], "branches.csv")

    plan = emea.plan()

    assert {who for _, who in kinds(plan)} == {"user1@example.org", "user2@example.org"}


def test_one_mail_under_two_keys_of_two_directories_is_left_alone(emea: Installation) -> None:
    emea.people([person(1), person(2)])
    emea.people([person(9, email="USER1@example.org")], "branches.csv")
    emea.phone([phone_user(1, license=None), phone_user(2)])

    plan = emea.plan()

    assert {key for _, key in kinds(plan)} <= {"user2@example.org"}
    (conflict,) = plan["conflicts"]
    assert {key.upper() for key in conflict["keys"]} == {"E001", "E009"}


def test_one_key_twice_in_one_of_them_is_left_alone(emea: Installation) -> None:
    emea.people([person(1), person(2)])
    emea.people([person(1, title="A"), person(1, title="B")], "branches.csv")

    plan = emea.plan()

    assert {who for _, who in kinds(plan)} == {"user2@example.org"}
    assert len(plan["conflicts"]) == 1


def test_a_conflict_takes_nothing_from_whoever_was_bound(emea: Installation) -> None:
    emea.people(staff(4))
    emea.people([person(5)], "branches.csv")
    emea.phone(phone_users(5))
    emea.carry_out()

    emea.people([*staff(3), person(4, active="false"), person(4)])
    plan = emea.plan()

    assert not any(key == "user4@example.org" for _, key in kinds(plan))
    assert len(plan["conflicts"]) == 1


def test_whoever_left_one_directory_but_not_the_other_stays(emea: Installation) -> None:
    emea.people(staff(5))
    emea.people([person(5)], "branches.csv")
    emea.phone(phone_users(5))
    emea.carry_out()

    emea.people(staff(4))
    plan = emea.plan()

    assert not any(c["kind"] == "license.remove" for c in plan["changes"])


def test_one_directory_that_cannot_be_believed_stops_the_whole_run(emea: Installation) -> None:
    emea.people(staff(10))
    emea.people([person(n) for n in range(11, 21)], "branches.csv")
    emea.phone(phone_users(20))
    emea.carry_out()

    emea.write("branches.csv", csv_text([]))
    ran = emea.run("plan", "--format", "json")

    assert (ran.status, ran.out) == (3, "")
    assert "branches" in ran.err


def test_all_refusals_of_a_run_are_told_at_once(emea: Installation) -> None:
    emea.people(staff(10))
    emea.people([person(n) for n in range(11, 21)], "branches.csv")
    emea.phone(phone_users(20))
    emea.carry_out()

    emea.people(staff(5))
    emea.people([person(n) for n in range(11, 15)], "branches.csv")
    ran = emea.run("plan")

    assert ran.status == 3
    assert "--accept-read hr=sha256:" in ran.err
    assert "--accept-read branches=sha256:" in ran.err


def test_a_row_without_a_key_in_one_holds_absence_from_all(emea: Installation) -> None:
    emea.people(staff(5))
    emea.people([person(6)], "branches.csv")
    emea.phone(phone_users(6))
    emea.carry_out()

    emea.people(staff(4))
    emea.people([person(6), person(7, externalId="")], "branches.csv")
    plan = emea.plan(status=3)

    assert states(plan)["license.remove", "user5@example.org"] == "held"


def test_files_of_different_kinds_are_joined(emea: Installation) -> None:
    emea.configure(
        directories=[
            {"kind": "csv", "name": "hr", "path": "people.csv"},
            {"kind": "ldap_json", "name": "ldap", "path": "ldap.json"},
        ]
    )
    emea.people([person(1, title="", groups="")])
    attributes = {
        "objectClass": ["inetOrgPerson"], "uid": ["other"], "entryUUID": ["E001"],
        "title": ["Clerk"], "memberOf": ["cn=Phone,dc=example,dc=org"],
    }  # fmt: skip
    emea.write("ldap.json", json.dumps([{"dn": "uid=other,dc=x", "attributes": attributes}]))

    plan = emea.plan()

    after = wished(plan, "profile.update")["user1@example.org"]
    assert after == {"display_name": "User 1", "job_title": "Clerk"}


def test_an_explicit_key_joins_directories_that_have_no_external_id(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(
        directories=[
            {"kind": "csv", "name": "hr", "path": "people.csv", "key": "userName"},
            {"kind": "csv", "name": "more", "path": "more.csv", "key": "userName"},
        ]
    )
    emea.people([person(1, externalId="A")])
    emea.people([person(1, externalId="B", groups="Branch")], "more.csv")

    plan = emea.plan()

    assert {change["key"] for change in plan["changes"]} == {"user1"}
    assert plan["conflicts"] == []
