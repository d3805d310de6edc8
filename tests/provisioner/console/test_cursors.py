"""Cursors: they come back as they were given, and nothing else is taken for one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.console.cursors import BadCursor, decoded, encoded


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.integers(0, 2**31 - 1))
def test_a_cursor_comes_back_as_it_was_given(text: str, number: int) -> None:
    assert decoded(encoded(text, number), str, int) == (text, number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        "W10",
        "bnVsbA",
        "e30",
        encoded("a"),
        encoded(1, "a"),
        encoded("a", 1, 2),
        encoded("a", 2**31),
        encoded("\0", 1),
        encoded("\ud800", 1),
        "[" * 99,
    ],
)
def test_what_is_no_cursor_of_the_list_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        decoded(text, str, int)


@given(st.text())
def test_any_text_is_refused_or_a_place_that_a_cursor_can_say(text: str) -> None:
    with suppress(BadCursor):
        place = decoded(text, str, int)
        assert decoded(encoded(*place), str, int) == place
