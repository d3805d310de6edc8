"""The report as CSV: one row a change, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings

from tests.provisioner.report.plans import (
    NASTY,
    a_plan,
    anything,
    change,
    nasty_plan,
    whole_plan,
    written,
)

HEADER = ["kind", "user", "key", "before", "after", "rule", "cause", "risk", "state", "because"]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_there_is_the_header_and_a_row_for_each_change() -> None:
    header, *rows = rows_of(written(whole_plan(), "csv"))

    assert header == HEADER
    assert [row[0] for row in rows] == [change.kind for change in whole_plan().changes]


def test_lines_end_with_cr_lf() -> None:
    text = written(whole_plan(), "csv")

    assert text.count("\r\n") == text.count("\n") == 1 + len(whole_plan().changes)


def test_null_is_empty_and_booleans_are_words() -> None:
    _, row = rows_of(written(a_plan(change(1, "credit.assign", before=None, after=True)), "csv"))

    assert row[3:5] == ["", "true"]


def test_the_attributes_of_a_profile_are_compact_json() -> None:
    plan = a_plan(change(1, "profile.update", before=None, after={"display_name": "Eva Malá"}))

    assert rows_of(written(plan, "csv"))[1][4] == '{"display_name":"Eva Malá"}'


def test_a_number_gets_an_apostrophe_because_it_begins_with_a_plus() -> None:
    plan = a_plan(change(1, "number.assign", after="+4989123401"))

    assert rows_of(written(plan, "csv"))[1][4] == "'+4989123401"


@pytest.mark.parametrize("first", FORMULA)
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(first: str) -> None:
    plan = a_plan(change(1, after=f"{first}1+1"))

    assert rows_of(written(plan, "csv"))[1][4].startswith("'")


@pytest.mark.parametrize("text", ["a;=1+1", "a\t=1+1", 'a;"=1+1', "a\n@x"])
def test_a_formula_behind_another_separator_gets_one_too(text: str) -> None:
    cell = rows_of(written(a_plan(change(1, after=text)), "csv"))[1][4]

    assert "'=" in cell or "'@" in cell


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_stay_in_their_cells(text: str) -> None:
    assert {len(row) for row in rows_of(written(nasty_plan(text), "csv"))} == {len(HEADER)}


@settings(max_examples=150, deadline=None)
@given(anything)
def test_no_cell_begins_like_a_formula_whatever_a_text_holds(text: str) -> None:
    for row in rows_of(written(nasty_plan(text), "csv")):
        assert len(row) == len(HEADER)
        assert not any(cell.startswith(FORMULA) for cell in row)


@settings(max_examples=60, deadline=None)
@given(anything)
def test_no_terminal_is_told_anything_by_a_csv(text: str) -> None:
    out = written(nasty_plan(text), "csv")

    out.encode()  # no lone surrogate
    assert not set(out) & {"\x1b", "\x9b", "\x00", "\u202e"}
