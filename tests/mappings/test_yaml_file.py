"""YAML as operators write it: what scalars mean, what is refused, and where everything stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields, validate

from connectors.errors import InputError
from mappings.yaml_file import Located, did_you_mean, load_yaml, read_yaml, schema_problems

Load = Callable[[str | bytes], Located]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def load(text: str | bytes) -> Located:
        file = Path("a.yaml")
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_yaml(file)

    return load


def problems(load: Load, text: str | bytes) -> list[str]:
    with pytest.raises(InputError) as refused:
        load(text)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("1:30", "1:30"),
        ("0123", "0123"),
        ("0", 0),
        ("-7", -7),
        ("4077", 4077),
        ("+4989123400", "+4989123400"),
        ("0x1F", "0x1F"),
        ("1e5", "1e5"),
        (".inf", ".inf"),
        ("1.5", 1.5),
        ("1_000", "1_000"),
        ("2025-11-23", "2025-11-23"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("'true'", "true"),
        ('"12"', "12"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("10%", "10%"),
        ("Žluť", "Žluť"),
        ("[1, a]", [1, "a"]),
        ("{b: 2}", {"b": 2}),
    ],
)
def test_a_scalar_means_what_it_seems_to_mean(load: Load, written: str, meant: object) -> None:
    assert load(f"a: {written}\n").data == {"a": meant}


def test_words_that_old_yaml_takes_for_booleans_can_be_keys(load: Load) -> None:
    assert load("on: no\ny: n\n").data == {"on": "no", "y": "n"}


def test_a_number_as_a_key_is_text_as_it_is_written(load: Load) -> None:
    assert load("101: a\n007: b\n").data == {"101": "a", "007": "b"}


@pytest.mark.parametrize(
    ("key", "called"),
    [("true", "true"), ("null", "null"), ("1.5", "1.5"), ("? [a]\n", "a list or mapping")],
)
def test_a_key_that_is_not_text_is_refused_with_its_place(
    load: Load, key: str, called: str
) -> None:
    (problem,) = problems(load, f"b: 1\n{key}: x\n")

    assert problem.startswith("a.yaml:2:")
    assert f"a key must be text, not {called}" in problem


TABBED = "a:\n\tb:\n\t\tc: 1\n\t\tc: 2\nrest: [1,\n\t2]\n"


def test_every_line_that_a_tab_indents_is_told_beside_the_rest(load: Load, tmp_path: Path) -> None:
    assert problems(load, TABBED) == [
        "a.yaml:2:1: a tab can't indent YAML: use blanks",
        "a.yaml:3:1: a tab can't indent YAML: use blanks",
        "a.yaml:4:1: a tab can't indent YAML: use blanks",
        "a.yaml:4:3: 'c' stands here twice, first in line 3",
    ]
    (tmp_path / "a.yaml").write_text(TABBED, encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml").data == {"a": {"b": {"c": 1}}, "rest": [1, 2]}


def test_what_stops_the_reading_is_told_with_the_tabs_before_it(load: Load) -> None:
    assert problems(load, "a:\n\tb: *x\n") == [
        "a.yaml:2:1: a tab can't indent YAML: use blanks",
        "a.yaml:2:5: the alias *x has no anchor before it",
    ]
    assert problems(load, "a:\n\tb: 1\n\tc: @\n")[1:] == [
        "a.yaml:3:1: a tab can't indent YAML: use blanks",
        "a.yaml:3:5: text that begins with '@' must stand in quotes",
    ]


def test_equal_keys_are_all_reported_each_with_the_line_of_the_first(load: Load) -> None:
    assert problems(load, "a: 1\nb: {c: 1, c: 2}\na: 3\na: 4\n") == [
        "a.yaml:2:11: 'c' stands here twice, first in line 2",
        "a.yaml:3:1: 'a' stands here twice, first in line 1",
        "a.yaml:4:1: 'a' stands here twice, first in line 1",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.yaml:1:1: the file is empty"),
        ("# nothing\n", "a.yaml:1:1: the file is empty"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document begins here"),
        ("a:\n\tb: 1\n", "a.yaml:2:1: a tab can't indent YAML"),
        ("a: @b\n", "a.yaml:1:4: text that begins with '@' must stand in quotes"),
        ("a: b: c\n", "a.yaml:1:5: a colon and a blank can't stand here"),
        ("a: 'b\n", "a.yaml:2:1: found unexpected end of stream"),
        ("a: [1\nb: 2\n", "a.yaml:2:2: did not find expected ',' or ']'"),
        ("a: &x [*x]\n", "a.yaml:1:8: the alias *x stands inside itself"),
        ("a: *x\n", "a.yaml:1:4: the alias *x has no anchor before it"),
        ("a: !python/name:os.system x\n", "a.yaml:1:4: the tag !python/name:os.system isn't known"),
        ("a: !!int '3'\n", "a.yaml:1:4: the tag !!int isn't known here"),
        ("a: {<<: 3}\n", "a.yaml:1:9: `<<` merges mappings only"),
        ("a: " + "[" * 5000, "a.yaml:1:43: goes deeper than 40 levels"),
        (b"a: 1\nb: x\xe4\n", "a.yaml:2:5: byte 0xe4 isn't UTF-8"),
        (b"a: x\x07\n", "a.yaml:1:5: a control character can't stand in YAML"),
        ("a: 1\n".encode("utf-16"), "a.yaml:1:1: byte 0xff isn't UTF-8"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    load: Load, text: str | bytes, said: str
) -> None:
    (problem,) = problems(load, text)

    assert problem.startswith(said)


def test_aliases_that_multiply_are_stopped(load: Load) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    (problem,) = problems(load, "\n".join(levels))

    assert "aliases multiply" in problem


def test_aliases_cannot_pile_up_depth_either(load: Load) -> None:
    levels = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60)]

    assert "aliases multiply" in problems(load, "\n".join(levels))[0]


def test_a_file_that_is_not_there_is_a_problem_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: can't be read: No such file"):
        load_yaml(tmp_path / "none.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key(load: Load) -> None:
    assert load(b"\xef\xbb\xbfa: 1\n").data == {"a": 1}


def test_an_alias_gives_the_value_of_its_anchor(load: Load) -> None:
    located = load("a: &x {b: 1}\nc: *x\n")

    assert located.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert located.where(["c"]) == "a.yaml:2:4"
    assert located.where(["c", "b"]) == "a.yaml:1:11"


def test_what_is_merged_gives_way_to_own_keys_and_to_what_was_merged_first(load: Load) -> None:
    located = load(
        "x: &x {a: 1, b: 1, c: 1}\ny: &y {a: 2, b: 2, d: 2}\nz:\n  <<: [*x, *y]\n  a: 3\n"
    )

    assert located.data["z"] == {"a": 3, "b": 1, "c": 1, "d": 2}
    assert located.where(["z", "d"]) == "a.yaml:2:23"
    assert located.where(["z", "a"]) == "a.yaml:5:6"


def test_every_value_and_key_has_its_place(load: Load) -> None:
    located = load("a:\n  - b: 1\n    c: x\n  - d\n")

    assert located.where() == "a.yaml:1:1"
    assert located.where(["a", 0, "c"]) == "a.yaml:3:8"
    assert located.where_key(["a", 0, "c"]) == "a.yaml:3:5"
    assert located.where(["a", 1]) == "a.yaml:4:5"


def test_what_is_not_there_has_the_place_of_its_nearest_ancestor(load: Load) -> None:
    located = load("a:\n  b: {c: 1}\n")

    assert located.where(["a", "b", "x", 3, "y"]) == "a.yaml:2:6"
    assert located.where_key(["a", "x"]) == "a.yaml:2:3"
    assert located.get(["a", "b", "c"]) == 1
    assert located.get(["a", "x"]) is None


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**17), 10**17),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("abcyn01<", max_size=3), inner)
    ),
    max_leaves=20,
)


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yaml") / "b.yaml"


@settings(deadline=None)
@given(data=JSON)
def test_whatever_yaml_is_written_safely_is_read_as_it_was_meant(scratch: Path, data: Any) -> None:
    written = yaml.safe_dump({"a": data}, allow_unicode=True, default_style='"')
    scratch.write_text(written.replace("!!null", "").replace("!!bool", "").replace("!!int", ""))
    quoted = {"a": _as_text(data)}

    assert load_yaml(scratch).data == quoted


def _as_text(data: Any) -> Any:
    """What is quoted is text, whatever it seems to be."""
    if isinstance(data, dict):
        return {key: _as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_text(value) for value in data]
    if data is None or isinstance(data, bool):
        return "null" if data is None else str(data).lower()
    return str(data)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_words(scratch: Path, raw: bytes) -> None:
    scratch.write_bytes(raw)
    try:
        load_yaml(scratch)
    except InputError as error:
        places = [p.where.startswith(str(scratch)) for p in error.problems]
    else:
        places = [True]
    assert places
    assert all(places)


class Inner(Schema):
    count = fields.Integer(strict=True)
    label = fields.String(required=True)


class Outer(Schema):
    one = fields.Nested(Inner)
    several = fields.List(fields.Nested(Inner))
    named = fields.Dict(
        keys=fields.String(validate=validate.Length(max=5)), values=fields.Nested(Inner)
    )


TEXT = """\
one: {count: x, label: a}
several:
  - label: a
  - labl: a
named:
  key: {label: a, count: y}
  value: {label: a}
  toolong: {}
twp: 1
"""


def test_a_schemas_messages_get_their_places_and_the_nearest_names(load: Load) -> None:
    located = load(TEXT)

    found = schema_problems(Outer().validate(located.data), located, Outer())

    assert [str(p) for p in found] == [
        "a.yaml:1:14: one.count: must be a whole number",
        "a.yaml:4:5: several.1.label: is missing",
        "a.yaml:4:5: several.1.labl: isn't known here; did you mean 'label'?",
        "a.yaml:6:26: named.key.count: must be a whole number",
        "a.yaml:8:3: named.toolong: Longer than maximum length 5.",
        "a.yaml:8:12: named.toolong.label: is missing",
        "a.yaml:9:1: twp: isn't known here; known: named, one, several",
    ]


def test_without_a_schema_the_places_are_the_same(load: Load) -> None:
    located = load(TEXT)
    messages = Outer().validate(located.data)

    places = [p.where for p in schema_problems(messages, located)]

    assert places == [p.where for p in schema_problems(messages, located, Outer())]


def test_a_part_of_the_file_can_be_judged_by_itself(load: Load) -> None:
    located = load(TEXT)

    found = schema_problems(Inner().validate(located.data["one"]), located, Inner(), ["one"])

    assert [str(p) for p in found] == ["a.yaml:1:14: one.count: must be a whole number"]


def test_a_file_that_is_no_mapping_is_told_so(load: Load) -> None:
    located = load("- a\n")

    assert [str(p) for p in schema_problems(Outer().validate(located.data), located, Outer())] == [
        "a.yaml:1:1: the file must be a mapping"
    ]


def test_a_name_unlike_any_is_answered_with_all_of_them() -> None:
    assert did_you_mean("qqq", ["b", "a"]) == "known: a, b"
    assert did_you_mean("Licence", ["license", "site"]) == "did you mean 'license'?"
