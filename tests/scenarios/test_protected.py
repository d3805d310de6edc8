"""Protected people: no plan takes anything from them, whoever they were, however the plan was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import (
    Installation,
    Ran,
    kinds,
    person,
    phone_user,
    phone_users,
    rule,
    staff,
)

CEO = 'title eq "CEO"'
THEIRS = {"license": "zoom_phone", "packages": ["basic"]}


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Twenty people, the first of them protected by her title, all as they should be, and adopted."""
    emea = Installation(tmp_path)
    emea.configure(protected=CEO)
    emea.people(team())
    emea.phone(phone_users(20))
    emea.carry_out()
    return emea


def team(first: dict[str, str] | None = None, count: int = 20) -> list[dict[str, str]]:
    """Everybody; the first is the CEO unless something else is said of her."""
    return [person(1, **({"title": "CEO"} | (first or {}))), *staff(count, title="")[1:]]


def held_by(emea: Installation, number: int = 1) -> dict[str, Any]:
    user = emea.phone_users()[f"user{number}@example.org"]
    return {"license": user.get("license"), "packages": user.get("packages", [])}


def blocked(plan: dict[str, Any]) -> set[tuple[str, str]]:
    return {(c["kind"], c["user"]) for c in plan["blocked"] if "protected" in c["reason"]}


def carried_out(emea: Installation, plan: dict[str, Any], *options: str) -> Ran:
    """Approve a plan and apply it with everything that could let something through."""
    emea.run("approve", plan["id"])
    return emea.run(
        "apply", plan["id"], "--allow-removals", "99", "--allow-changes", "99", *options
    )


@pytest.mark.parametrize("do", ["remove_license", "deactivate", "trash", "delete"])
@pytest.mark.parametrize(
    "gone",
    [
        pytest.param(team({"active": "false"}), id="inactive"),
        pytest.param(team({"groups": ""}), id="out of scope"),
        pytest.param(team()[1:], id="gone"),
        pytest.param(team({"active": "false", "title": ""}), id="demoted and inactive at once"),
    ],
)
def test_a_protected_leaver_keeps_everything_whatever_leavers_do(
    emea: Installation, do: str, gone: list[dict[str, str]]
) -> None:
    emea.mapping(leavers={"do": do})
    emea.people(gone)

    plan = emea.plan()

    assert kinds(plan) == []
    assert {user for _, user in blocked(plan)} == {"user1@example.org"}
    assert carried_out(emea, plan).status == 0
    assert held_by(emea) == THEIRS


def test_a_rule_that_no_longer_gives_something_takes_it_from_others_only(
    emea: Installation,
) -> None:
    emea.mapping(rules=[rule("all", license="zoom_phone"), rule("x", 'userName eq "no"', packages=["basic"])])  # fmt: skip

    plan = emea.plan(status=3)

    assert blocked(plan) == {("package.remove", "user1@example.org")}
    assert carried_out(emea, plan).status == 0
    assert held_by(emea) == THEIRS
    assert held_by(emea, 2)["packages"] == []


@pytest.mark.parametrize(
    ("give", "members", "kind"),
    [
        ({"license": "other", "packages": ["basic"]}, {}, "license.assign"),
        ({"license": "zoom_phone", "packages": ["gold"]}, {}, "package.assign"),
        (
            {"license": "zoom_phone", "packages": ["basic"], "extension_number": "4099"},
            {"extension_number": "4001"},
            "extension.set",
        ),
        (
            {"license": "zoom_phone", "packages": ["basic"], "number": "+4989123401"},
            {"numbers": ["+4989123400"]},
            "number.assign",
        ),
    ],
)
def test_a_swap_takes_and_is_blocked(
    tmp_path: Path, give: dict[str, Any], members: dict[str, Any], kind: str
) -> None:
    emea = Installation(tmp_path)
    emea.configure(protected=CEO)
    emea.mapping(rules=[rule("all", **give)])
    emea.people([person(1, title="CEO")])
    emea.phone([phone_user(1, **members)])
    before = emea.phone_users()

    plan = emea.plan()

    assert (kind, "user1@example.org") in blocked(plan)
    assert carried_out(emea, plan).status == 0
    assert emea.phone_users() == before


def test_what_is_only_added_or_set_anew_goes_ahead(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(protected=CEO)
    emea.mapping(rules=[rule("all", license="zoom_phone", packages=["basic"], site="Munich")])
    emea.people([person(1, title="CEO")])
    emea.phone([phone_user(1, packages=[], site="Brno")])

    plan = emea.plan()

    assert kinds(plan) == [
        ("site.set", "user1@example.org"),
        ("package.assign", "user1@example.org"),
    ]


def test_a_plan_for_one_person_takes_nothing_either(emea: Installation) -> None:
    emea.people(team({"active": "false"}))

    plan = emea.plan("--user", "user1@example.org")

    assert plan["changes"] == []
    assert blocked(plan) == {("license.remove", "user1@example.org")}


def test_a_phone_user_of_nobody_is_known_by_what_the_phone_system_says(
    emea: Installation,
) -> None:
    emea.mapping(unmanaged="remove")
    emea.configure(protected='title eq "CEO" or emails.value eq "board@example.org"')
    nobodys = [
        phone_user(90, key=None, job_title="CEO"),
        phone_user(91, key=None, email="board@example.org"),
        phone_user(92, key=None),
    ]
    emea.phone([*phone_users(20), *nobodys])

    plan = emea.plan()

    assert kinds(plan) == [("license.remove", "user92@example.org")]
    assert blocked(plan) == {
        ("license.remove", "user90@example.org"),
        ("license.remove", "board@example.org"),
    }


def test_a_plan_that_is_older_than_the_protection_takes_nothing(emea: Installation) -> None:
    emea.configure(protected=None)
    emea.people(team({"active": "false"}))
    plan = emea.plan()
    assert kinds(plan) == [("license.remove", "user1@example.org")]
    emea.run("approve", plan["id"])
    emea.configure(protected=CEO)

    ran = emea.run("apply", plan["id"])

    assert ran.status == 5
    assert "protected: no plan takes anything from this person" in ran.out
    assert held_by(emea) == THEIRS


def test_an_undo_takes_nothing_from_them(emea: Installation) -> None:
    rules = [rule("all", license="zoom_phone", packages=["basic", "gold"])]
    emea.mapping(rules=rules)
    plan = emea.plan(status=3)
    assert carried_out(emea, plan).status == 0
    run = emea.run("runs", "--format", "csv").out.splitlines()[1].split(",")[1]

    undo = emea.run("undo", run, "--format", "json").plan

    assert ("package.remove", "user1@example.org") in blocked(undo)
    assert ("package.remove", "user2@example.org") in kinds(undo)
    assert carried_out(emea, undo).status == 0
    assert held_by(emea)["packages"] == ["basic", "gold"]
    assert held_by(emea, 2)["packages"] == ["basic"]


@pytest.mark.parametrize("joined_by", ["externalId", None])
def test_a_protected_delegator_keeps_a_delegate_who_leaves(
    tmp_path: Path, joined_by: str | None
) -> None:
    emea = Installation(tmp_path)
    emea.configure(protected=CEO)
    emea.mapping(join=joined_by)
    emea.people(team(count=5))
    lines = phone_users(5) if joined_by else phone_users(5, key=None)
    lines[0]["delegates"] = ["user5@example.org"]
    lines[1]["delegates"] = ["user5@example.org"]
    emea.phone(lines)
    emea.carry_out()
    emea.people(team(count=5)[:-1])

    plan = emea.plan()

    assert blocked(plan) == {("delegate.remove", "user1@example.org")}
    assert ("delegate.remove", "user2@example.org") in kinds(plan)
    assert ("license.remove", "user5@example.org") not in kinds(plan), "it would end the delegation"
    waiting = {(c["kind"], c["user"]): c["reason"] for c in plan["waiting"]}
    assert "protected" in waiting["license.remove", "user5@example.org"]
    assert carried_out(emea, plan).status == 0
    assert emea.phone_users()["user1@example.org"]["delegates"] == ["user5@example.org"]


def test_of_several_directories_the_joined_person_counts(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    hr = {"kind": "csv", "name": "hr", "path": "people.csv"}
    titles = {"kind": "csv", "name": "titles", "path": "titles.csv"}
    emea.configure(
        directories=[hr, titles],
        protected='title eq "CEO" and department eq "Sales" and not (title eq "Intern")',
    )
    emea.people(staff(8))
    jobs = [{"externalId": f"E{n:03}", "title": "CEO" if n == 1 else "Clerk"} for n in range(1, 9)]
    written = "externalId,title\n" + "".join(f"{j['externalId']},{j['title']}\n" for j in jobs)
    emea.write("titles.csv", written)
    emea.phone(phone_users(8))
    emea.carry_out()
    emea.people([person(n, active="false") if n < 3 else person(n) for n in range(1, 9)])

    plan = emea.plan()

    assert blocked(plan) == {("license.remove", "user1@example.org")}
    assert kinds(plan) == [("license.remove", "user2@example.org")]
    emea.people(staff(8)[2:])
    emea.write(
        "titles.csv", "externalId,title\n" + "".join(f"E{n:03},Clerk\n" for n in range(3, 9))
    )
    assert blocked(emea.plan()) == {("license.remove", "user1@example.org")}


def test_whoever_needs_what_a_protected_person_keeps_is_left_as_they_are(
    tmp_path: Path,
) -> None:
    emea = Installation(tmp_path)
    emea.mapping(rules=[rule("all", license="zoom_phone")])
    emea.people([person(1, title="CEO"), person(2, title="")])
    users = [phone_user(n, packages=[]) for n in (1, 2)]
    emea.phone([*users, phone_user(3, license=None, packages=[])], licenses={"zoom_phone": 2})
    emea.carry_out()
    emea.people([person(1, title="CEO", active="false"), person(2, title=""), person(3, title="")])
    plan = emea.plan()
    emea.run("approve", plan["id"])
    emea.configure(protected=CEO)

    ran = emea.run("apply", plan["id"])

    assert ran.status == 5
    assert "which takes from a protected person" in ran.out
    assert emea.phone_users()["user1@example.org"]["license"] == "zoom_phone"
    assert not emea.phone_users()["user3@example.org"].get("license")
