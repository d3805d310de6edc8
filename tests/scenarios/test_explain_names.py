"""Whom does a question mean: `provisioner explain` finds whoever an operator may ask for, and guesses nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import Installation, person, phone_user, rule, zoom_account

AREA: dict[str, Any] = {"kind": "common_area", "status": "active", "packages": []}
PEOPLE = [
    person(1, displayName="Eva Malá"),
    person(2, givenName="Jan", familyName="Novák", displayName="Honza"),
    person(3, displayName="Twin"),
    person(4, displayName="Twin"),
]
PHONES = [
    phone_user(1, extension_number="4077", numbers=["+420539001010"]),
    phone_user(2, extension_number="4078"),
    phone_user(3, extension_number="5000"),
    phone_user(4),
    {"id": "lobby", "display_name": "Lobby East", "extension_number": "6000", **AREA},
    {"id": "c2", "display_name": "Hall", "extension_number": "5000", **AREA},
    {"id": "c3", "display_name": "Hall", **AREA},
]


@pytest.fixture
def hq(tmp_path: Path) -> Installation:
    hq = Installation(tmp_path)
    hq.configure(manages='kind eq "person" or kind eq "common_area"')
    hq.mapping(
        join="externalId",
        rules=[rule("all", license="zoom_phone")],
        common_areas=[rule("areas", when="display_name pr", packages=["basic"])],
    )
    hq.people(PEOPLE)
    hq.phone(PHONES)
    return hq


def found(hq: Installation, asked: str, *arguments: str) -> str:
    """Return the phone user's id of whoever is explained."""
    ran = hq.run("explain", asked, "--format", "json", *arguments)
    assert ran.status == 0, ran.said
    return str(json.loads(ran.out)["id"])


@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize(
    ("asked", "id"),
    [
        ("USER1@example.org", "p1"),
        ("user1", "p1"),
        ("e001", "p1"),
        ("p1", "p1"),
        ("eva malá", "p1"),
        ("4077", "p1"),
        ("+420539001010", "p1"),
        ("00420 (539) 001-010", "p1"),
        ("Jan Novák", "p2"),
        ("Honza", "p2"),
        ("4078", "p2"),
        ("p2", "p2"),
        ("lobby east", "lobby"),
        ("6000", "lobby"),
        ("lobby", "lobby"),
    ],
)
def test_somebody_is_found_by_whatever_they_go_by(
    hq: Installation, asked: str, id: str, *, planned: bool
) -> None:
    if planned:
        hq.plan()

    assert found(hq, asked) == id


def test_whoever_is_found_by_their_number_is_explained_as_the_person_that_they_are(
    hq: Installation,
) -> None:
    away = phone_user(2, extension_number="4078", email="honza@elsewhere.example.org")
    hq.phone([*PHONES[:1], away, *PHONES[2:]])
    for _ in range(2):  # before the first plan, and after it
        for asked in ("4078", "p2"):
            told = json.loads(hq.run("explain", asked, "--format", "json").out)
            assert (told["key"], told["standing"]) == ("E002", "in_scope")
        hq.plan()


@pytest.mark.parametrize(
    ("asked", "listed", "give"),
    [
        ("Twin", ["user3@example.org (key e003)", "user4@example.org (key e004)"], "the key"),
        ("hall", ["Hall (id c2)", "Hall (id c3)"], "the id"),
        ("5000", ["Hall (id c2)", "user3@example.org (id p3)"], "the id"),
    ],
)
def test_several_who_go_by_it_are_listed_and_none_of_them_is_guessed(
    hq: Installation, asked: str, listed: list[str], give: str
) -> None:
    for _ in range(2):
        ran = hq.run("explain", asked)
        assert ran.status == 1
        assert f"are called {asked!r}: {', '.join(listed)}" in ran.err
        assert f"give {give} of the one that you mean" in ran.err
        hq.plan()


def test_a_key_that_is_somebody_elses_extension_number_means_the_one_with_the_key(
    hq: Installation,
) -> None:
    hq.people([*PEOPLE, person(5, externalId="4077")])
    hq.phone([*PHONES, phone_user(5, key="4077")])
    hq.plan()

    assert found(hq, "4077") == "p5"


def test_without_the_phone_system_nobody_is_found_by_a_number_and_all_by_their_names(
    hq: Installation,
) -> None:
    hq.plan()

    assert found(hq, "Eva Malá", "--offline") == "p1"
    ran = hq.run("explain", "4077", "--offline")
    assert ran.status == 1
    assert "an extension number or a direct number" in ran.err


def test_a_display_name_that_is_misspelt_is_answered_with_the_nearest(hq: Installation) -> None:
    hq.plan()

    assert "did you mean Eva Malá" in hq.run("explain", "Eva Mala").err


def test_a_common_area_of_zoom_is_found_by_its_id_its_name_and_its_number(
    tmp_path: Path,
) -> None:
    hq = Installation(tmp_path)
    lobby = {"id": "lobby", "display_name": "Lobby", "extension_number": "6000", **AREA}
    with zoom_account([phone_user(1, license="Zoom Phone", packages=[]), lobby]) as (_, system):
        hq.configure(phone_system=system, manages='kind eq "common_area"')
        hq.mapping(common_areas=[rule("areas", when="display_name pr", site="Main Site")])
        hq.people([person(1)])
        for asked in ("lobby", "LOBBY", "6000"):
            ran = hq.run("explain", asked)
            assert "Lobby" in ran.out, ran.said


def test_who_has_no_phone_would_be_no_leaver_out_of_scope(hq: Installation) -> None:
    hq.mapping(scope='groups.display eq "Phone"', rules=[rule("all", license="zoom_phone")])
    hq.people([*PEOPLE, person(9)])

    assert (
        "without Phone: out of scope: they would be given nothing" in hq.run("explain", "user9").out
    )
    assert "without Phone: out of scope: they would be a leaver" in hq.run("explain", "user1").out


def test_why_not_tells_the_inactive_that_they_are(hq: Installation) -> None:
    hq.people([person(1, active="false"), *PEOPLE[1:]])

    ran = hq.run("explain", "user1", "--why-not", "license=zoom_phone")

    assert "it matches, but they are out of scope" in ran.out
    assert "not (active eq false) fails: they have false (hr)" in ran.out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("delegates=user2@example.org", "the mapping gives it to them"),
        ("delegates=E002", "the mapping gives it to them"),
        ("delegates=user2", "the mapping gives it to them"),
        ("delegates=user3@example.org", "no rule gives delegates user3@example.org"),
        ("number=+420539001015", "gives a number of its pool, of which this is one"),
        ("number=+420539009999", "no rule gives number +420539009999"),
        ("number=brno", "the mapping gives it to them"),
    ],
)
def test_why_not_knows_a_person_by_any_name_and_a_pool_by_its_numbers(
    hq: Installation, asked: str, said: str
) -> None:
    pools = {"brno": {"ranges": ["+420539001010-+420539001019"]}}
    hq.configure(pools=pools, limits={"changes": "100%"})
    give: dict[str, Any] = {
        "license": "zoom_phone",
        "delegates": ["{manager}"],
        "number": {"pool": "brno"},
    }
    hq.mapping(join="externalId", rules=[rule("all", **give)])
    hq.people([person(1, manager="user2"), *PEOPLE[1:]])
    hq.plan()

    assert said in hq.run("explain", "user1", "--why-not", asked).out
