"""A list's values one after another, wherever the text happens to be cut into pieces."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.directory.ldap_json import json_list
from connectors.directory.ldap_json.json_list import NotJson, list_values, whole_value

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers().map(str) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> list[object]:
    return list(list_values(io.StringIO(text[1:]).read))


@given(st.lists(_JSON, max_size=6), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
def test_pieces_of_any_size_give_what_the_whole_gives(
    values: list[Any], block: int, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    source = io.StringIO(text[1:])
    assert list(list_values(lambda _: source.read(block))) == values


@given(st.lists(_JSON, min_size=1, max_size=4), st.data())
def test_a_list_that_is_cut_off_anywhere_is_noticed(values: list[Any], data: st.DataObject) -> None:
    text = json.dumps(values, indent=1)
    cut = data.draw(st.integers(1, len(text) - 1))
    with pytest.raises(NotJson):
        read(text[:cut])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"a": 1}', "cut off"),
        ('[{"a": 1},', "cut off"),
        ('[{"a": "x', "cut off within"),
        ('[{"a": 1}] x', "after the final"),
        ('[{"a": 1}][]', "after the final"),
        ('[{"a": 1}]\0', "after the final"),
        ('[{"a": 1},]', "Expecting value"),
        ("[,]", "Expecting value"),
        ("[1 2]", "instead of"),
        ('[{"a": NaN}]', "NaN is no JSON"),
        ("[-Infinity]", "-Infinity is no JSON"),
        ("[tru]", "Expecting value"),
        ('["a\tb"]', "control character"),
        ('["\\x"]', "escape"),
        ("[" * 100_000, "too deeply"),
        ('[{"a":' * 100_000, "too deeply"),
    ],
)
def test_what_is_no_json_is_named(text: str, says: str) -> None:
    with pytest.raises(NotJson, match=says):
        read(text)


def test_a_mistake_early_in_the_text_is_told_before_the_rest_is_read() -> None:
    source = io.StringIO('{"a" "b"}' + " " * 10 * json_list.BLOCK)

    with pytest.raises(NotJson):
        next(list_values(source.read))

    assert source.tell() <= json_list.BLOCK


def test_whole_numbers_of_any_length_are_text() -> None:
    assert whole_value('{"a": ' + "9" * 10_000 + "}") == {"a": "9" * 10_000}
