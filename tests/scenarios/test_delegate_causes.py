"""A delegation that changes because the delegate's data did: told as what it is, not as drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import Installation, person, phone_user, rule


def company(tmp_path: Path, delegate: str, **mapping: Any) -> Installation:
    """Return an adopted company of three; user1 has a delegate, who is called so in the directory."""
    here = Installation(tmp_path)
    give: dict[str, Any] = {
        "license": "zoom_phone",
        "packages": ["basic"],
        "delegates": ["{manager}"],
    }
    here.mapping(rules=[rule("all", **give)], **mapping)
    here.people([person(1, manager=delegate), person(2), person(3)])
    here.phone([phone_user(1, delegates=["user2@example.org"]), phone_user(2), phone_user(3)])
    here.carry_out()
    return here


def told(plan: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    every = [*plan["changes"], *plan["blocked"]]
    return [
        (c["kind"], c["user"], c["cause"], c["because"])
        for c in every
        if c["kind"].startswith("delegate.")
    ]


@pytest.mark.parametrize("delegate", ["user2", "E002"])
def test_a_delegates_new_mail_is_the_directorys_doing_from_what_to_what(
    tmp_path: Path, delegate: str
) -> None:
    here = company(tmp_path, delegate)
    here.people([person(1, manager=delegate), person(2, email="new@example.org"), person(3)])
    # the phone system learnt of it by itself, and not who that delegate is
    here.phone(
        [
            phone_user(1, delegates=["user2@example.org"]),
            phone_user(2, email="new@example.org"),
            phone_user(3),
        ]
    )

    plan = here.plan()

    said = "delegate new@example.org: mail changed from user2@example.org to new@example.org (hr)"
    assert told(plan) == [
        ("delegate.remove", "user1@example.org", "directory", said),
        ("delegate.add", "user1@example.org", "directory", said),
    ]
    assert [c["title"] for c in plan["clusters"]] == ["delegate new@example.org: mail changed (hr)"]


def test_a_delegate_who_is_called_otherwise_now_is_the_directorys_doing(tmp_path: Path) -> None:
    here = company(tmp_path, "user2")
    here.people([person(1, manager="user2"), person(2, userName="jan"), person(3)])

    plan = here.plan()

    said = "delegate user2@example.org: userName changed from user2 to jan (hr)"
    assert told(plan) == [
        ("delegate.remove", "user1@example.org", "directory", said),
        ("delegate.add", "user1@example.org", "directory", said),
    ]
    assert [c["kind"] for c in plan["blocked"]] == ["delegate.add"]


def test_a_name_that_is_another_ones_now_is_the_directorys_doing(tmp_path: Path) -> None:
    here = company(tmp_path, "boss2")
    here.people([person(1, manager="boss"), person(2, userName="boss"), person(3)])
    here.carry_out()
    here.people([person(1, manager="boss"), person(2), person(3, userName="boss")])

    plan = here.plan()

    said = "boss means delegate user3@example.org, and meant user2@example.org (hr)"
    assert told(plan) == [
        ("delegate.remove", "user1@example.org", "directory", said),
        ("delegate.add", "user1@example.org", "directory", said),
    ]


def test_a_delegate_whom_somebody_took_away_by_hand_is_drift(tmp_path: Path) -> None:
    here = company(tmp_path, "user2")
    here.phone([phone_user(1), phone_user(2), phone_user(3)])

    plan = here.plan()

    says = "the phone system moved by itself: delegate is none, and was user2@example.org"
    assert told(plan) == [("delegate.add", "user1@example.org", "drift", says)]


def test_a_delegates_mail_that_changed_in_one_of_two_directories_names_that_one(
    tmp_path: Path,
) -> None:
    here = Installation(tmp_path)
    here.configure(
        directories=[
            {"kind": "csv", "name": "hr", "path": "people.csv"},
            {"kind": "csv", "name": "branches", "path": "branches.csv"},
        ]
    )
    give: dict[str, Any] = {
        "license": "zoom_phone",
        "packages": ["basic"],
        "delegates": ["{manager}"],
    }
    here.mapping(rules=[rule("all", **give)])
    here.people([person(1, manager="user2"), person(3), person(4)])
    here.people([person(2)], "branches.csv")
    users = [phone_user(1, delegates=["user2@example.org"]), phone_user(3), phone_user(4)]
    here.phone([*users, phone_user(2)])
    here.carry_out()
    here.people([person(2, email="new@example.org")], "branches.csv")
    here.phone([*users, phone_user(2, email="new@example.org")])

    plan = here.plan()

    assert {(cause, because.rpartition(" ")[2]) for _, _, cause, because in told(plan)} == {
        ("directory", "(branches)")
    }


def in_ldap(here: Installation, **second: str) -> None:
    """Write an LDAP export of two people; the first one's manager is the second, by dn."""
    entries: list[dict[str, Any]] = []
    for number, attributes in enumerate(({"manager": DN}, second), start=1):
        given = {
            "objectClass": "inetOrgPerson", "uid": f"u{number}", "entryUUID": f"E{number:03}",
            "mail": f"user{number}@example.org", "memberOf": "cn=Phone,dc=x", "nsAccountLock": "FALSE",
        }  # fmt: skip
        listed = {name: [value] for name, value in (given | attributes).items()}
        entries.append({"dn": f"uid=u{number},dc=x", "attributes": listed})
    here.write("ldap.json", json.dumps(entries))


DN = "UID=u2, DC=x"


def ldap_company(tmp_path: Path) -> Installation:
    here = Installation(tmp_path)
    here.configure(directories=[{"kind": "ldap_json", "name": "ldap", "path": "ldap.json"}])
    give: dict[str, Any] = {"license": "zoom_phone", "packages": ["basic"]}
    here.mapping(rules=[rule("all", **give), rule("led", "manager pr", delegates=["{manager}"])])
    in_ldap(here)
    here.phone([phone_user(1, delegates=["user2@example.org"]), phone_user(2)])
    here.carry_out()
    return here


def test_a_delegate_named_by_dn_has_a_new_mail(tmp_path: Path) -> None:
    here = ldap_company(tmp_path)
    in_ldap(here, mail="new@example.org")
    second = phone_user(2, email="new@example.org")
    here.phone([phone_user(1, delegates=["user2@example.org"]), second])

    plan = here.plan()

    said = "delegate new@example.org: mail changed from user2@example.org to new@example.org (ldap)"
    assert {(cause, because) for _, _, cause, because in told(plan)} == {("directory", said)}


def test_a_delegate_named_by_dn_whom_somebody_took_away_by_hand_is_drift(tmp_path: Path) -> None:
    here = ldap_company(tmp_path)
    here.phone([phone_user(1), phone_user(2)])

    plan = here.plan()

    assert [(kind, cause) for kind, _, cause, _ in told(plan)] == [("delegate.add", "drift")]
