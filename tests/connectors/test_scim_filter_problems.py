"""A filter's slips are told all at once: each where it stands, and none that is only guessed."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.records import ENTERPRISE
from connectors.scim_filter import (
    USER,
    FilterError,
    filter_problems,
    parse_filter,
    parse_path,
    path_problems,
)
from connectors.scim_filter_problems import MAX_PROBLEMS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'titel eqq "x" and departmnt eq "y"',
            {0: "did you mean title?", 6: "did you mean eq?", 18: "did you mean department?"},
        ),
        (
            'title = "CEO" && location == "B" || active equals true',
            {
                6: "found '=': did you mean eq?",
                14: "found '&&': did you mean and?",
                26: "found '==': did you mean eq?",
                33: "found '||': did you mean or?",
                43: "found 'equals': did you mean eq?",
            },
        ),
        (
            'emails[typ eq "work" and valu eq "x"].vale eq "y" and titel pr',
            {7: "mean type?", 25: "mean value?", 38: "mean value?", 54: "mean title?"},
        ),
        ('title pr adn location eq "B"', {9: "found 'adn': did you mean and?"}),
        ('title eq "a" department eq "b"', {13: "expected 'and' or 'or', found 'department'"}),
        ("title eq New York and titel pr", {9: "expected a value", 22: "mean title?"}),
        ('emails[type eq "w") and titel pr', {18: "'and', 'or' or ']'", 24: "mean title?"}),
        ('title is not "x" and titel pr', {6: "found 'is'", 21: "mean title?"}),
        ("not title pr and titel pr", {4: "'(' after not", 17: "mean title?"}),
        ("(title pr)and(titel pr)", {10: "a blank before 'and'", 14: "mean title?"}),
        ("title pr) and titel pr", {8: "found ')'", 14: "mean title?"}),
        ('(titel pr or (name eq "x"', {1: "mean title?", 14: "no value of its own", 25: "the end"}),
        (
            'active gt true and title eq "\\q" and titel pr',
            {7: "no order", 28: "escape", 37: "title"},
        ),
        ("titel[value pr].x pr and departmnt pr", {0: "'titel'", 25: "department"}),
        ('title eq "a and titel eq "b" and titel pr', {26: "expected 'and' or 'or', found 'b'"}),
        ("and title pr", {0: "unknown attribute 'and'"}),
        ("title pr and", {12: "expected another test, found the end"}),
        ("titel", {0: "mean title?", 5: "expected an operator"}),
        ("", {0: "expected an attribute name"}),
        ("(" * 65, {64: "nested more than 64 deep"}),
    ],
)
def test_every_slip_is_told_once_where_it_stands(text: str, said: dict[int, str]) -> None:
    found = filter_problems(text, USER)

    assert [each.position for each in found] == list(said)
    for each, says in zip(found, said.values(), strict=True):
        assert says in each.message


def test_of_endless_slips_the_first_hundred_are_told() -> None:
    assert len(filter_problems(" and ".join(["titel pr"] * 4000), USER)) == MAX_PROBLEMS


def test_a_paths_slips_are_told_together() -> None:
    found = path_problems('emails[typ eq "work" and valu pr].vale', USER)

    assert [each.position for each in found] == [7, 25, 34]


WORDS = "titel and or not eq eqq pr == && true 4 1e999 type .value x name active emails[ ] ( ) \" \\ ' , { $"
FRAGMENTS = st.lists(
    st.sampled_from([*WORDS.split(), 'title eq "x"', "titel pr", "\n", f"{ENTERPRISE}:departmnt"])
    | st.text(max_size=3),
    max_size=14,
)


@settings(max_examples=600, deadline=None)
@example([")"], " ")
@example(['"', "("], " ")
@given(FRAGMENTS, st.sampled_from([" ", ""]))
def test_the_first_problem_is_what_the_reader_raises_and_the_others_come_after_it(
    pieces: list[str], between: str
) -> None:
    text = between.join(pieces)
    for read, problems in ((parse_filter, filter_problems), (parse_path, path_problems)):
        found = problems(text, USER)
        raised = None
        try:
            read(text, USER)
        except FilterError as error:
            raised = error
        assert [str(each) for each in found[:1]] == ([str(raised)] if raised else [])
        places = [each.position for each in found]
        assert places == sorted(set(places))
        assert all(0 <= place <= len(text) for place in places)


RIGHT = ["title pr", 'location eq "Brno"', "(active eq true)", 'emails[type eq "work"].value pr']
WRONG = {
    "titel pr": 0,
    'title eqq "x"': 6,
    "title eq Brno": 9,
    "active gt true": 7,
    "emails[typ pr].value pr": 7,
    "(nme pr or title pr)": 1,
    'not (locaton eq "x")': 5,
    'name eq "x"': 0,
}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(RIGHT) | st.sampled_from(list(WRONG)), min_size=1, max_size=9),
    st.sampled_from([" and ", " or ", "  AND  "]),
)
def test_tests_that_are_wrong_are_all_told_and_no_other(tests: list[str], joiner: str) -> None:
    expected, at = [], 0
    for each in tests:
        if each in WRONG:
            expected.append(at + WRONG[each])
        at += len(each) + len(joiner)

    assert [e.position for e in filter_problems(joiner.join(tests), USER)] == expected
