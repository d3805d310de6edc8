"""Attribute text: text in which `{displayName}` stands for a person's attribute.

    text       = *( literal / "{" braces "}" )
    braces     = path *( "," path ) *( "|" name *argument )
    argument   = word / DQUOTE text DQUOTE

A path is one of the filter language, so `{emails[type eq "work"].value}` and the short names work as
they do in a filter. Of several paths the first that has a value is taken, of several values the
primary one, else the first; then it goes through the transforms (transforms.py), from the left. In an
argument's quotes `\\"` is a quotation mark, and every other backslash stands for itself.

A brace itself can't be written: nothing that a phone system names has one, while a brace too many,
taken at its word, would rename everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from connectors.records import clean
from connectors.scim_filter import FilterError, Path, Schema, parse_path, path_problems
from mappings.lookups import Lookup
from mappings.transforms import Argument, Pipeline, Transform, TransformError, transform

Fill: TypeAlias = Callable[[dict[str, Any]], str | None]

NOT_PLAIN = (LookupError, TypeError, ValueError)
"""What a short cut raises where more care is needed."""
NOTHING: frozenset[str] = frozenset()
_WORD = re.compile(r'[^\s"|,{}]+')
_BLANKS = re.compile(r"\s*")


class TextError(ValueError):
    """Attribute text that can't be read: `message` says why, `position` where (0-based offset).

    `unknown`: it names what isn't there. `inside`: a brace opens where another one is open.
    """

    def __init__(
        self, message: str, position: int, *, unknown: bool = False, inside: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.unknown = unknown
        self.inside = inside


class Taken(NamedTuple):
    """What stands in one pair of braces: the paths, first come first, and what is done to the value."""

    paths: tuple[Path, ...]
    pipeline: Pipeline | None = None

    def fill(self, resource: dict[str, Any]) -> str | None:
        """Return the text for one person; None where there is none."""
        value = self._value(resource)
        return value if self.pipeline is None else self.pipeline.apply(value)

    def missing(self, resource: dict[str, Any]) -> str:
        """Say what lacks where `fill` gives None: an attribute's path, or what a transform looked for."""
        named = " or ".join(path.text for path in self.paths)
        return self.pipeline.lost(self._value(resource), named) if self.pipeline else named

    def _value(self, resource: dict[str, Any]) -> str | None:
        for path in self.paths:
            value = _first(path.values(resource))
            if value is not None:
                return value
        return None


class AttributeText:
    """Text with at least one attribute in it.

    `text` is how it was written, `paths` the attributes that it takes, in order, and `lookups` the
    names of those that it is looked up in. `plain`: the path, if the text is nothing but one attribute.
    `fill(resource)` gives the text for one person, clean, or None where an attribute is missing or
    a transform has nothing to give; a boolean is written as true or false. In a list, what comes out
    is not given if it is among the folded texts `unless`.
    """

    __slots__ = ("fill", "lookups", "parts", "paths", "plain", "text", "unless")

    def __init__(
        self, text: str, parts: Sequence[str | Taken], unless: frozenset[str] = NOTHING
    ) -> None:
        self.text, self.parts, self.unless = text, tuple(parts), unless
        takes = [p for p in parts if isinstance(p, Taken)]
        self.paths = tuple(path for taken in takes for path in taken.paths)
        steps = [step for taken in takes if taken.pipeline for step in taken.pipeline.steps]
        self.lookups = frozenset(step.lookup for step in steps if step.lookup is not None)
        self.plain = self.paths[0] if len(parts) == len(self.paths) == 1 and not steps else None
        self.fill = _filler(parts)

    @property
    def answered_by(self) -> str | None:
        """The lookup whose entry the text is, with nothing done to it after; None if it isn't one."""
        only = self.parts[0] if len(self.parts) == 1 else None
        if not isinstance(only, Taken) or only.pipeline is None:
            return None
        steps = [step for step in only.pipeline.steps if step.default is None]
        return steps[-1].lookup if steps else None

    def excluding(self, texts: frozenset[str]) -> AttributeText:
        """Return the same text, that in a list doesn't give these (folded) either."""
        return AttributeText(self.text, self.parts, self.unless | texts) if texts else self

    def missing(self, resource: dict[str, Any]) -> str:
        """Return what this person lacks first, as an attribute's path or in words; else the first path."""
        takes = [p for p in self.parts if isinstance(p, Taken)]
        lacking = (t.missing(resource) for t in takes if t.fill(resource) is None)
        return next(lacking, self.paths[0].text)


def _filler(parts: Sequence[str | Taken]) -> Fill:
    readers = [_literal(p) if isinstance(p, str) else _reader(p) for p in parts]
    if len(readers) == 1:
        return readers[0]

    def fill(resource: dict[str, Any]) -> str | None:
        pieces = []
        for read in readers:
            piece = read(resource)
            if piece is None:
                return None
            pieces.append(piece)
        return clean("".join(pieces))

    return fill


def _literal(text: str) -> Fill:
    return lambda _: text


def _reader(taken: Taken) -> Fill:
    if len(taken.paths) > 1:
        return taken.fill
    read, pipeline = _path_reader(taken.paths[0]), taken.pipeline
    if pipeline is None:
        return read
    return lambda resource: pipeline.apply(read(resource))


def _path_reader(path: Path) -> Fill:
    """Return what reads one attribute as text.

    Nearly always it stands there as one text, and then choosing among values would be waste: a
    million people have four such texts each.
    """
    quick = quick_path(path, path.leaf.name) if path.leaf else None
    if quick is None:
        return lambda resource: _first(path.values(resource))

    def read(resource: dict[str, Any]) -> str | None:
        try:
            value = quick(resource)
        except NOT_PLAIN:
            value = None
        if type(value) is str and value:
            return value
        return _first(path.values(resource))

    return read


def quick_path(path: Path, leaf: str) -> Callable[[dict[str, Any]], Any] | None:
    """Return what reads the one value at a path, None where there is no such short cut.

    It raises one of NOT_PLAIN, or gives something else than text, where more care is needed.
    """
    uri, name, selects = path.uri, path.attribute, path.selects
    if path.definition.type != "complex":
        if path.definition.multi_valued:
            return None
        return itemgetter(name) if uri is None else lambda resource: resource[uri][name]
    if not path.definition.multi_valued:
        if uri is None:
            return lambda resource: resource[name][leaf]
        return lambda resource: resource[uri][name][leaf]
    if uri is not None:
        return None

    def only(resource: dict[str, Any]) -> Any:
        (value,) = resource[name]
        return value[leaf] if selects is None or selects(value) else None

    return only


def _first(values: Iterable[object]) -> str | None:
    texts = (str(v).lower() if isinstance(v, bool) else str(v) for v in values)
    return next((text for text in texts if text), None)


def parse_text(
    text: str, schema: Schema, lookups: Mapping[str, Lookup] | None = None
) -> str | AttributeText:
    """Read attribute text; plain text without an attribute comes back as clean text.

    Raises TextError for a brace that isn't closed or opened, for what isn't an attribute path, and
    for a transform that isn't known or used wrongly.

    >>> from connectors.scim_filter import USER
    >>> parse_text("{givenName | upper} {familyName}", USER).fill({"name": {"givenName": "Eva", "familyName": "Malá"}})
    'EVA Malá'
    """
    parts, problems = _read(text, schema, lookups or {})
    if problems:
        raise problems[0]
    return AttributeText(clean(text), parts) if "{" in text else clean(text)


def text_problems(
    text: str, schema: Schema, lookups: Mapping[str, Lookup] | None = None
) -> list[TextError]:
    """Return everything that is wrong with attribute text, from the left; nothing if it can be read.

    >>> from connectors.scim_filter import USER
    >>> [e.position for e in text_problems("{giveName | uper} {familyNam}", USER)]
    [1, 12, 19]
    """
    return _read(text, schema, lookups or {})[1]


def _read(
    text: str, schema: Schema, lookups: Mapping[str, Lookup]
) -> tuple[list[str | Taken], list[TextError]]:
    parts: list[str | Taken] = []
    problems: list[TextError] = []
    at = unclosed = 0
    while at < len(text):
        start = text.find("{", at)
        literal = text[at:] if start < 0 else text[at:start]
        for closing in (n for n, char in enumerate(literal, at) if char == "}"):
            if unclosed:  # of `{{a}}` only the braces too many at the beginning are told
                unclosed -= 1
            else:
                problems.append(TextError("'}' closes nothing", closing))
        if literal:
            parts.append(literal)
        if start < 0:
            break
        try:
            end = _closing(text, start)
        except TextError as e:
            inside = _Braces(text[: e.position] if e.inside else text, start + 1, schema, lookups)
            inside.paths()
            problems += [each for each in inside.problems if each.unknown]
            problems.append(e)
            if not e.inside:
                break
            unclosed += 1
            at = e.position
            continue
        braces = _Braces(text[:end], start + 1, schema, lookups)
        parts.append(braces.read())
        problems += braces.problems
        at = end + 1
    return parts, sorted(problems, key=lambda e: e.position)


def _closing(text: str, start: int) -> int:
    """Return where the brace that opens at `start` is closed; braces in quotes don't count."""
    quoted = -1
    at = start + 1
    while at < len(text):
        if text[at] == "\\" and quoted >= 0:
            at += 1
        elif text[at] == '"':
            quoted = at if quoted < 0 else -1
        elif text[at] == "}" and quoted < 0:
            return at
        elif text[at] == "{" and quoted < 0:
            said = "'{' inside braces: an attribute stands in one pair, like {displayName}"
            raise TextError(said, at, inside=True)
        at += 1
    if quoted >= 0 and "}" in text[quoted:]:
        raise TextError("the quotation mark isn't closed", quoted)
    raise TextError("'{' isn't closed", start)


class _Braces:
    """Reads what stands between two braces: `text` up to the closing one, from `at`.

    What is wrong there is added to `problems`; then what was read is of no use.
    """

    def __init__(self, text: str, at: int, schema: Schema, lookups: Mapping[str, Lookup]) -> None:
        self._text, self._at = text, at
        self._schema, self._lookups = schema, lookups
        self.problems: list[TextError] = []

    def read(self) -> Taken:
        """Return what they take."""
        paths, steps = self.paths(), []
        while self._next("|"):
            try:
                steps.append(self._transform())
            except TextError as e:
                self.problems.append(e)
                self._up_to("|")
        return Taken(tuple(paths), Pipeline(tuple(steps)) if steps else None)

    def paths(self) -> list[Path]:
        """Return the attributes, first come first."""
        paths = list(self._path())
        while self._next(","):
            paths += self._path()
        return paths

    def _next(self, char: str) -> bool:
        found = self._text.startswith(char, self._at)
        self._at += found
        return found

    def _path(self) -> Iterator[Path]:
        """Yield the path that stands here, if it can be read."""
        text = self._up_to(",|")
        if not text.strip():
            said = "an attribute belongs between the braces"
            self.problems.append(TextError(said, self._before(text)))
            return
        position = self._at - len(text.lstrip())
        try:
            path = parse_path(text.strip(), self._schema)
        except FilterError:
            self.problems += (
                TextError(e.message, position + e.position, unknown=e.unknown)
                for e in path_problems(text.strip(), self._schema)
            )
            return
        if path.leaf is None:
            said = f"{path} has no value of its own: name a sub-attribute"
            self.problems.append(TextError(said, position))
        yield path

    def _before(self, text: str) -> int:
        """Return the place to point at where nothing stands: what opens it."""
        return max(self._at - len(text) - 1, 0)

    def _up_to(self, ends: str) -> str:
        """Return the text up to the first of these characters outside quotes, and go there."""
        start, quoted = self._at, False
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "\\" and quoted:
                self._at += 1
            elif char == '"':
                quoted = not quoted
            elif char in ends and not quoted:
                break
            self._at += 1
        return self._text[start : self._at]

    def _transform(self) -> Transform:
        pipe = self._at - 1
        self._blanks()
        place = self._at
        name = self._word()
        if name is None:
            raise TextError("a transform belongs here, like {displayName | upper}", pipe)
        arguments: list[Argument] = []
        places: list[int] = []
        self._blanks()
        while self._at < len(self._text) and self._text[self._at] != "|":
            places.append(self._at)
            arguments.append(self._argument())
            self._blanks()
        try:
            return transform(name, arguments, self._lookups)
        except TransformError as e:
            at = place if e.argument is None else [*places, self._at, self._at][e.argument]
            raise TextError(e.message, min(at, len(self._text) - 1)) from e

    def _argument(self) -> Argument:
        if self._text[self._at] != '"':
            word = self._word()
            if word is None:
                said = "',' stands between attributes only; text stands in quotes"
                raise TextError(said, self._at)
            return Argument(word, False)
        pieces, self._at = [], self._at + 1
        while (char := self._text[self._at]) != '"':  # `_closing` has seen that it is closed
            if char == "\\":
                following = self._text[self._at + 1]
                pieces.append('"' if following == '"' else char + following)
                self._at += 2
            else:
                pieces.append(char)
                self._at += 1
        self._at += 1
        return Argument("".join(pieces), True)

    def _word(self) -> str | None:
        found = _WORD.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found[0]

    def _blanks(self) -> None:
        found = _BLANKS.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
