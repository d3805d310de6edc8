"""Another mapping, tried before it counts: `provisioner plan --mapping`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import MAPPING, Installation, person, phone_users, staff

NEW: list[dict[str, Any]] = [
    {"name": "all", "when": "userName pr", "give": {"license": "zoom_phone"}},
    {"name": "support", "when": 'department eq "Support"', "give": {"packages": ["world"]}},
]


@pytest.fixture
def office(tmp_path: Path) -> Installation:
    """Three people, as they should be by the mapping that counts."""
    office = Installation(tmp_path)
    office.configure(
        prices={"currency": "EUR", "packages": {"basic": 5, "world": 12}},
        limits={"removals": "100%", "changes": "100%"},
    )
    office.people([*staff(2), person(3, department="Support")])
    office.phone(
        [*phone_users(2), phone_users(3, packages=[])[2]],
        licenses={"zoom_phone": 5},
        packages={"basic": 5, "world": 5},
    )
    office.carry_out()
    return office


def test_a_trial_compares_both_mappings_and_can_never_be_applied(office: Installation) -> None:
    office.mapping("new.yaml", rules=NEW)

    plan = office.plan("--mapping", str(office.folder / "new.yaml"))

    compared = plan["comparison"]
    assert (compared["people"], compared["differ"]) == (3, 3)
    assert (compared["gain"], compared["lose"]) == (1, 2)
    assert [
        (s["entitlement"], s["before"], s["after"], s["users"]) for s in compared["swings"]
    ] == [
        ("packages", "basic", None, ["user1@example.org", "user2@example.org"]),
        ("packages", None, "world", ["user3@example.org"]),
    ]
    assert (compared["monthly"], compared["currency"]) == ("2.00", "EUR")
    assert [
        (p["pool"], p["total"], p["used"], p["more"], p["less"]) for p in compared["pools"]
    ] == [
        ("package:basic", 5, 2, 0, 2),
        ("package:world", 5, 0, 1, 0),
    ]
    ran = office.run("apply", plan["id"])
    assert ran.status == 1, ran.said


@pytest.mark.parametrize("form", ["text", "markdown", "html", "jsonl"])
def test_every_format_shows_the_comparison(office: Installation, form: str) -> None:
    office.mapping("new.yaml", rules=NEW)

    ran = office.shell("plan", "--mapping", "new.yaml", "--format", form)

    assert ran.status == 0, ran.said
    assert ("support" in ran.out, "user3@example.org" in ran.out) == (True, True)
    if form != "jsonl":
        assert "What would be given otherwise" in ran.out
        assert "of 3 people 3 would be given something else: 1 gain, 2 lose; +2.00 EUR" in ran.out


def test_the_same_mapping_differs_in_nothing(office: Installation) -> None:
    office.mapping("new.yaml")

    compared = office.plan("--mapping", str(office.folder / "new.yaml"))["comparison"]

    assert (compared["people"], compared["differ"], compared["swings"]) == (3, 0, [])


def test_a_plan_without_another_mapping_compares_nothing(office: Installation) -> None:
    assert "comparison" not in office.plan()


def test_a_trial_is_shown_again_as_it_was_recorded(office: Installation) -> None:
    office.mapping("new.yaml", rules=NEW)
    plan = office.plan("--mapping", str(office.folder / "new.yaml"))

    shown = office.run("show", plan["id"], "--format", "json")

    assert shown.plan["comparison"] == plan["comparison"]


def test_several_directories_are_compared_joined(office: Installation) -> None:
    hr = {"kind": "csv", "name": "hr", "path": "people.csv"}
    office.configure(directories=[hr, hr | {"name": "more", "path": "more.csv"}])
    office.people([person(n, department="") for n in (1, 2, 3)])
    office.people([person(n) for n in (1, 2, 3)], "more.csv")
    office.mapping("new.yaml", rules=MAPPING["rules"][:1])

    compared = office.plan("--mapping", str(office.folder / "new.yaml"))["comparison"]

    assert [(s["before"], s["after"], s["people"]) for s in compared["swings"]] == [
        ("basic", None, 3)
    ]


def test_a_mapping_that_counts_and_is_broken_leaves_the_plan_without_comparison(
    office: Installation,
) -> None:
    office.mapping("new.yaml", rules=NEW)
    office.mapping(scope="title eq")

    plan = office.plan("--mapping", str(office.folder / "new.yaml"))

    assert "comparison" not in plan
    assert any("nothing is compared" in warning for warning in plan["warnings"])
