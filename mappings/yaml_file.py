"""YAML as operators write it: plain values, and for each of them the place where it stands.

A problem found later, by a schema or by a rule's meaning, is reported where the operator has to
mend it, whoever finds it. What the scalars mean is told in yaml_nodes.py.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from marshmallow import Schema, fields

from connectors.errors import InputError, Problem
from mappings.places import Places, unclean
from mappings.yaml_nodes import Builder, Node, Step, place

MAX_BYTES = 10_000_000
"""A config or a mapping larger than this is something else by mistake."""
_TAB = "a tab can't indent YAML: use blanks"
_MOST_TABS = 200
"""Lines that a tab indents, of which all are told; the text is read anew for each."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Located:
    """A YAML file's `data` (dicts with text keys, lists, text, int, float, bool, None) with places.

    `problems` are those of a file that was read to its end all the same: the rest of it can be judged.
    """

    data: Any
    file: str
    _root: Node
    problems: tuple[Problem, ...] = ()

    def where(self, path: Sequence[Step] = ()) -> str:
        """Return `file:line:column` of the value at `path`, or of its nearest ancestor that exists."""
        node, _ = self._walk(path)
        return f"{self.file}:{node.line}:{node.column}"

    def where_key(self, path: Sequence[Step]) -> str:
        """Return the place of the key that ends `path`, for what is wrong with the key itself."""
        node, missing = self._walk(path[:-1])
        if missing or path[-1] not in node.keys:
            return self.where(path)
        line, column = node.keys[path[-1]]
        return f"{self.file}:{line}:{column}"

    def inside(self, path: Sequence[Step], position: int, judged: str | None = None) -> str:
        """Return the place of the character at `position` (from 0) of the text at `path`.

        `judged`: the text that the position is in, where it isn't the one that was written, but clean.
        """
        node, missing = self._walk(path)
        if missing or not isinstance(node.data, str):
            return self.where(path)
        at = position if judged is None else unclean(node.data, position, judged)
        line, column = self._places.inside(node.line, node.column, node.data, at)
        return f"{self.file}:{line}:{column}"

    @cached_property
    def _places(self) -> Places:
        return Places(self.file)

    def get(self, path: Sequence[Step]) -> Any:
        """Return the value at `path`; None if there is none."""
        node, missing = self._walk(path)
        return None if missing else node.data

    def _walk(self, path: Sequence[Step]) -> tuple[Node, bool]:
        node = self._root
        for step in path:
            below = node.below.get(step)
            if below is None:
                return node, True
            node = below
        return node, False


def load_yaml(path: Path) -> Located:
    """Read a YAML file of one document, in which nothing is wrong.

    Raises InputError as `read_yaml` does, and for the problems that it passes over.
    """
    located = read_yaml(path)
    if located.problems:
        raise InputError(list(located.problems))
    return located


def read_yaml(path: Path) -> Located:
    """Read a YAML file of one document; a repeated key's first value counts, and a bad key's none.

    Raises InputError, with every problem that could still be found, for a file that can't be read
    or isn't UTF-8, is empty, breaks YAML's syntax, goes deeper than MAX_DEPTH, or multiplies itself
    through aliases. Repeated keys, keys that aren't text and tags other than YAML's own are `problems`,
    and so are tabs that indent a line, as far as it can be told what they are meant to be.
    """
    file = str(path)
    text = _text(path, file)
    tabs: dict[int, int] = {}
    try:
        text, builder, error = _without_tabs(file, text, tabs)
    except InputError as e:
        raise InputError(sorted([*e.problems, *_told(file, tabs)], key=place)) from e
    found = _told(file, tabs)
    if error is not None:
        found.append(_syntax_problem(error, file, text, tabs))
        raise InputError(sorted([*builder.problems, *found], key=place)) from error
    if builder.root is None:
        raise InputError([*builder.problems, Problem(f"{file}:1:1", "the file is empty")])
    problems = tuple(sorted([*builder.problems, *found], key=place))
    return Located(builder.root.data, file, builder.root, problems)


def _told(file: str, tabs: Iterable[int]) -> list[Problem]:
    return [Problem(f"{file}:{line + 1}:1", _TAB) for line in tabs]


def _without_tabs(
    file: str, text: str, tabs: dict[int, int]
) -> tuple[str, Builder, yaml.YAMLError | None]:
    """Return the text with blanks for tabs where these indent, as it is built, and what still stops that.

    How many blanks a tab is meant to be is told by which number the line can be read with. To `tabs` goes
    by how many characters each such line (from 0) became longer.
    """
    builder, error = _built(file, text, tabs)
    while error is not None and len(tabs) < _MOST_TABS:
        at = _mark_of(error)
        lines = text.splitlines(keepends=True)
        line = at.line if at is not None else len(lines)
        if line >= len(lines) or "\t" not in (indent := _indent_of(lines[line])) or line in tabs:
            break
        for width in (2, 4, 8, 1):
            spaces = indent.expandtabs(width) if width > 1 else indent.replace("\t", " ")
            tried = "".join([*lines[:line], spaces, lines[line][len(indent) :], *lines[line + 1 :]])
            longer = {**tabs, line: len(spaces) - len(indent)}
            tabs[line] = longer[line]  # told whatever stands after it
            again, other = _built(file, tried, longer)
            mark = None if other is None else _mark_of(other)
            if other is None or _is_past(mark, line, len(spaces)):
                text, builder, error = tried, again, other
                break
        else:
            del tabs[line]
            break
    return text, builder, error


def _built(
    file: str, text: str, longer: Mapping[int, int]
) -> tuple[Builder, yaml.YAMLError | None]:
    builder = Builder(file, longer)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.YAMLError as e:
        return builder, e
    return builder, None


def _is_past(mark: Any, line: int, column: int) -> bool:
    return mark is not None and (mark.line, mark.column) > (line, column)


def _mark_of(error: yaml.YAMLError) -> Any:
    return getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)


def _indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _text(path: Path, file: str) -> str:
    try:
        with path.open("rb") as f:
            raw = f.read(MAX_BYTES + 1)
    except OSError as e:
        raise InputError([Problem(file, f"can't be read: {e.strerror}")]) from e
    if len(raw) > MAX_BYTES:
        raise InputError([Problem(file, f"is larger than {MAX_BYTES:,} bytes")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = raw.count(b"\n", 0, e.start) + 1
        column = e.start - raw.rfind(b"\n", 0, e.start)
        text = f"byte 0x{raw[e.start]:02x} isn't UTF-8: save the file as UTF-8"
        raise InputError([Problem(f"{file}:{line}:{column}", text)]) from e


def _syntax_problem(
    error: yaml.YAMLError, file: str, text: str, longer: Mapping[int, int]
) -> Problem:
    mark = _mark_of(error)
    if mark is None:  # the reader's, which knows no place but the offset of a control character
        position = min(getattr(error, "position", None) or 0, len(text))
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        return Problem(f"{file}:{line}:{column}", "a control character can't stand in YAML")
    lines = text.splitlines()
    written = lines[mark.line] if mark.line < len(lines) else ""
    what = [t for t in (getattr(error, "problem", None), getattr(error, "context", None)) if t]
    says = " ".join(what) or "can't be read as YAML"
    if "\t" in written[: len(written) - len(written.lstrip())]:
        says = _TAB
    elif written[mark.column : mark.column + 1] in ("@", "`", "%"):
        says = f"text that begins with {written[mark.column]!r} must stand in quotes"
    elif "mapping values are not allowed" in says:
        says = "a colon and a blank can't stand here: quote the text, or mend the indentation"
    column = mark.column + 1 - longer.get(mark.line, 0)
    return Problem(f"{file}:{mark.line + 1}:{column}", says)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return what to say after an unknown name: the nearest known one, else all of them.

    >>> did_you_mean("licence", ["license", "site"])
    "did you mean 'license'?"
    >>> did_you_mean("x", ["b", "a"])
    'known: a, b'
    """
    names = sorted(known)
    by_folded = {n.casefold(): n for n in names}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean {by_folded[near[0]]!r}?"
    return f"known: {', '.join(names)}" if names else "none is known here"


class Inside(str):
    """A message about one character of the text that it judges; `position` counts from 0."""

    position: int

    def __new__(cls, message: str, position: int) -> Inside:
        made = super().__new__(cls, message)
        made.position = position
        return made


def schema_problems(
    messages: Mapping[Any, Any],
    located: Located,
    schema: Schema | None = None,
    at: Sequence[Step] = (),
) -> list[Problem]:
    """Turn marshmallow's error messages into located problems, in the order of the file.

    `messages` is `ValidationError.messages` (or `Schema.validate`'s answer) of the data at `at`.
    With `schema` an unknown member is answered with the nearest name that its place knows.
    """
    return sorted(_flatten(messages, located, schema, tuple(at)), key=place)


def judge_of(judge: object, step: Step, data: Any) -> object:
    """Return the schema or field that judges the member `step` of `data`, which `judge` judges.

    None where nothing is known of it. A field whose schema depends on its data says so by a method
    `schema_of(data)`.
    """
    judge = _schema_of(judge, data)
    if isinstance(judge, Schema):
        return _members(judge).get(str(step))
    if isinstance(judge, fields.List):
        return judge.inner
    return judge.value_field if isinstance(judge, fields.Dict) else None


def _schema_of(judge: object, data: Any) -> object:
    if isinstance(judge, fields.Nested):
        return judge.schema
    chooses = getattr(judge, "schema_of", None)
    return judge if chooses is None else chooses(data)


def _members(schema: Schema) -> dict[str, object]:
    return {f.data_key or name: f for name, f in schema.fields.items()}


def _flatten(
    messages: Any, located: Located, judge: object, path: tuple[Step, ...]
) -> Iterator[Problem]:
    if not isinstance(messages, Mapping):
        for text in [messages] if isinstance(messages, str) else messages:
            yield _located(text, located, path)
        return
    data = located.get(path)
    for step, below in messages.items():
        if step == "_schema":
            yield from _flatten(below, located, judge, path)
        elif isinstance(below, Mapping) and _is_entry(judge, below, located.get((*path, step))):
            for text in below.get("key", ()):
                yield _located(str(text), located, (*path, step), key=True)
            inner = judge_of(judge, step, data)
            yield from _flatten(below.get("value", ()), located, inner, (*path, step))
        elif below == ["Unknown field."]:
            schema = _schema_of(judge, data)
            known = (
                [*_members(schema), *getattr(judge, "own", ())]
                if isinstance(schema, Schema)
                else []
            )
            hint = f"; {did_you_mean(str(step), known)}" if known else ""
            yield _located(f"isn't known here{hint}", located, (*path, step), key=True)
        else:
            yield from _flatten(below, located, judge_of(judge, step, data), (*path, step))


def _is_entry(judge: object, below: Mapping[Any, Any], data: Any) -> bool:
    """Tell whether `below` speaks of an entry of a Dict field, by marshmallow's "key" and "value"."""
    if judge is not None:
        return isinstance(judge, fields.Dict)
    return below.keys() <= {"key", "value"} and not (isinstance(data, dict) and below.keys() & data)


_SAID_BETTER = {
    "Missing data for required field.": "is missing",
    "Field may not be null.": "must have a value",
    "Invalid input type.": "must be a mapping",
    "Not a valid mapping type.": "must be a mapping",
    "Not a valid list.": "must be a list",
    "Not a valid string.": "must be text: quote it",
    "Not a valid integer.": "must be a whole number",
    "Not a valid boolean.": "must be true or false",
}


def _located(
    said: object, located: Located, path: tuple[Step, ...], *, key: bool = False
) -> Problem:
    name = ".".join(map(str, path))
    if isinstance(said, Inside):
        return Problem(located.inside(path, said.position), f"{name}: {said}")
    where = located.where_key(path) if key else located.where(path)
    text = _SAID_BETTER.get(str(said), str(said))
    if not name:
        return Problem(
            where, f"the file {text}" if text.startswith(("must", "is")) else f"the file: {text}"
        )
    return Problem(where, f"{name}: {text}")
