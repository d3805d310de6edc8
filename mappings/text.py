"""Attribute text: text in which `{displayName}` stands for a person's attribute.

What stands in braces is an attribute path of the filter language, so `{emails[type eq "work"].value}`
and the short names work as they do in a filter. Of several values the primary one is taken, else the
first. A brace itself can't be written: nothing that a phone system names has one, while a brace too
many, taken at its word, would rename everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from connectors.records import clean
from connectors.scim_filter import FilterError, Path, Schema, parse_path

Fill: TypeAlias = Callable[[dict[str, Any]], str | None]


class TextError(ValueError):
    """Attribute text that can't be read: `message` says why, `position` where (0-based offset)."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class AttributeText:
    """Text with at least one attribute in it.

    `text` is how it was written, `paths` the attributes that it takes, in order.
    `fill(resource)` gives the text for one person, clean, or None where an attribute is missing;
    a boolean is written as true or false.
    """

    __slots__ = ("fill", "paths", "text")

    def __init__(self, text: str, parts: Sequence[str | Path]) -> None:
        self.text = text
        self.paths = tuple(p for p in parts if isinstance(p, Path))
        self.fill = _filler(parts)

    def missing(self, resource: dict[str, Any]) -> str:
        """Return the first attribute that this person lacks, as a path; else the first of all."""
        lacking = (p.text for p in self.paths if _first(p.values(resource)) is None)
        return next(lacking, self.paths[0].text)


def _filler(parts: Sequence[str | Path]) -> Fill:
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


def _reader(path: Path) -> Fill:
    """Return what reads one attribute as text.

    Nearly always it stands there as one text, and then choosing among values would be waste: a
    million people have four such texts each.
    """
    top, selects, leaf = path.reader(), path.selects, path.leaf
    name = leaf.name if leaf and path.definition.type == "complex" else None

    def read(resource: dict[str, Any]) -> str | None:
        value = top(resource)
        if name is not None:
            if type(value) is list and len(value) == 1:
                value = value[0]
            if type(value) is dict:
                value = value.get(name) if selects is None or selects(value) else None
        if type(value) is str and value:
            return value
        return _first(path.values(resource))

    return read


def _first(values: Iterable[object]) -> str | None:
    texts = (str(v).lower() if isinstance(v, bool) else str(v) for v in values)
    return next((text for text in texts if text), None)


def parse_text(text: str, schema: Schema) -> str | AttributeText:
    """Read attribute text; plain text without an attribute comes back as clean text.

    Raises TextError for a brace that isn't closed or opened, and for what isn't an attribute path.

    >>> from connectors.scim_filter import USER
    >>> parse_text("{givenName} {familyName}", USER).fill({"name": {"givenName": "Eva", "familyName": "Malá"}})
    'Eva Malá'
    """
    parts: list[str | Path] = []
    at = 0
    while at < len(text):
        start = text.find("{", at)
        literal = text[at:] if start < 0 else text[at:start]
        if "}" in literal:
            raise TextError("'}' closes nothing", at + literal.index("}"))
        if literal:
            parts.append(literal)
        if start < 0:
            break
        end = _closing(text, start)
        parts.append(_path(text[start + 1 : end], start + 1, schema))
        at = end + 1
    return AttributeText(clean(text), parts) if "{" in text else clean(text)


def _closing(text: str, start: int) -> int:
    """Return where the brace that opens at `start` is closed; braces in a filter's quotes don't count."""
    quoted = False
    at = start + 1
    while at < len(text):
        if text[at] == "\\" and quoted:
            at += 1
        elif text[at] == '"':
            quoted = not quoted
        elif text[at] == "}" and not quoted:
            return at
        elif text[at] == "{" and not quoted:
            raise TextError(
                "'{' inside braces: an attribute stands in one pair, like {displayName}", at
            )
        at += 1
    raise TextError("'{' isn't closed", start)


def _path(text: str, position: int, schema: Schema) -> Path:
    if not text.strip():
        raise TextError("an attribute belongs between the braces", position - 1)
    blanks = len(text) - len(text.lstrip())
    try:
        path = parse_path(text.strip(), schema)
    except FilterError as e:
        raise TextError(e.message, position + blanks + e.position) from e
    if path.leaf is None:
        raise TextError(f"{path} has no value of its own: name a sub-attribute", position + blanks)
    return path
