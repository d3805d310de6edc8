"""What happened to people between two reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.records import Person
from connectors.scim_filter import parse_path
from provisioner.plan.happenings import events_of
from provisioner.reads import Uses

USES = Uses((parse_path("title"), parse_path("department")), frozenset({"Sales", "Phone"}))


def person(*groups: str | tuple[str, str], **attributes: Any) -> Person:
    """Return somebody in groups: names, or (id, name)."""
    listed = [(g, g) if isinstance(g, str) else g for g in groups]
    held = [{"value": value, "display": name} for value, name in listed]
    return Person("E1", ({"groups": held} if held else {}) | attributes)


def said(
    *moves: tuple[Person, Person], uses: Uses = USES, members: dict[str, int] | None = None
) -> list[Sequence[str]]:
    people = [(f"e{n}", [("hr", old)], [("hr", new)]) for n, (old, new) in enumerate(moves)]
    left = members or {}
    events = events_of(people, uses, lambda _, group: left.get(group, 0))
    return [[event.because for event in events.get(key, [])] for key, _, _ in people]


def test_an_attribute_that_the_mapping_reads_tells_from_what_to_what_and_where() -> None:
    assert said((person(title="Clerk"), person(title="CEO", nickName="x"))) == [
        ["title changed from Clerk to CEO (hr)"]
    ]


def test_a_group_that_the_mapping_asks_for_is_joined_or_left_and_no_other() -> None:
    assert said((person("Phone", "Lunch"), person("Sales"))) == [
        ["joined group Sales (hr)", "left group Phone (hr)"]
    ]


def test_a_group_is_asked_for_without_case_and_by_its_id_too() -> None:
    assert said((person("SALES"), person())) == [["left group SALES (hr)"]]
    by_id = Uses((), frozenset({"G1"}))
    assert said((person(), person(("g1", "Sales"))), uses=by_id) == [["joined group Sales (hr)"]]


def test_a_group_with_an_id_of_its_own_that_bears_another_name_was_renamed() -> None:
    assert said((person(("g1", "Sales")), person(("g1", "Sales CZ")))) == [
        ["group Sales was renamed to Sales CZ (hr)"]
    ]


def test_a_name_is_no_id_so_one_person_who_moves_has_left_and_joined() -> None:
    assert said((person("Sales"), person("Sales CZ"))) == [["left group Sales (hr)"]]


def test_everybody_who_moves_from_a_group_that_is_empty_now_makes_it_renamed() -> None:
    moves = [(person("Sales", "Lunch"), person("Sales CZ")), (person("Sales"), person("Sales CZ"))]

    assert said(*moves) == [["group Sales seems to be renamed to Sales CZ (hr)"]] * 2


def test_a_group_that_somebody_stayed_in_is_not_renamed() -> None:
    moves = [(person("Sales"), person("Sales CZ"))] * 2

    assert said(*moves, members={"Sales": 1}) == [["left group Sales (hr)"]] * 2


def test_people_who_go_to_different_groups_make_no_renaming() -> None:
    moves = [(person("Sales"), person("A")), (person("Sales"), person("B"))]

    assert said(*moves) == [["left group Sales (hr)"]] * 2


def test_coming_and_going_by_directory_is_told() -> None:
    events = events_of([("e1", [], [("hr", person())])], USES, lambda *_: None)["e1"]

    assert [event.because for event in events] == ["new in hr"]
