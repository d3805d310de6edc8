"""The pages about people: whoever is looked for is found, and explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provisioner.console.pages.visited import Visit, elements, links, words
from tests.scenarios.installation import Installation, person, phone_users, staff


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    emea = Installation(tmp_path)
    emea.people([*staff(70), person(71, displayName="Eva Malá & co <b>")])
    emea.phone(phone_users(71))
    emea.plan()
    return Visit(emea)


def test_whoever_has_the_text_in_a_name_is_found_whatever_it_holds(visit: Visit) -> None:
    page = visit.get("/people?text=mal%C3%A1+%26")

    assert "Eva Malá & co <b>" in words(page)
    assert "/explain?sync=emea&user=E071" in links(page)


def test_of_too_many_only_the_first_are_told(visit: Visit) -> None:
    page = visit.get("/people?text=user")

    assert page.count('<th scope="row"') == 50
    assert "There are more" in words(page)


def test_whom_the_store_does_not_know_may_be_asked_about_all_the_same(visit: Visit) -> None:
    page = visit.get("/people?text=nobody+like+that")

    assert "/explain?sync=emea&user=nobody+like+that" in links(page)


def test_somebody_who_is_not_there_is_told_with_the_nearest_names(visit: Visit) -> None:
    said = words(visit.get("/explain?sync=emea&user=user7@exmple.org"))

    assert "nobody in sync emea is called" in said
    assert "user7@example.org" in said


def test_half_a_question_is_answered_by_what_is_missing(visit: Visit) -> None:
    said = words(visit.get("/explain?sync=emea&user=user1&entitlement=license"))

    assert "a why-not is about an entitlement and a value" in said


def test_nobody_is_asked_about_by_an_empty_name(visit: Visit) -> None:
    assert "say whom you ask about" in words(visit.get("/explain?sync=emea&user=+", status=400))


def test_a_sync_that_is_not_there_is_told_where_the_question_stands(visit: Visit) -> None:
    page = visit.get("/explain?sync=other&user=user1")

    assert "there is no sync 'other'" in words(page)
    asked = [each.get("value") for each in elements(page, "input") if each.get("name") == "user"]
    assert asked == ["user1"]
