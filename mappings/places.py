"""Places inside a text: where in the file the n-th character of a filter stands.

YAML changes nothing about a text but its blanks and line breaks, and in quotes its escapes. So the
characters that are no blanks follow one another in the file as they do in the value, whatever the style:
plain, quoted, folded or literal, on one line or several. Counting them finds the very place; where the
count doesn't come out (an alias stands for the text), it is the place where the value begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import yaml

_ESCAPE = re.compile(r"\\(?:x(..)|u(....)|U(.{8})|(\r\n|.))", re.DOTALL)
_ESCAPED = {"0": "\0", "a": "\a", "b": "\b", "e": "\x1b", '"': '"', "/": "/", "\\": "\\"}
"""What an escape stands for; the others, and an escaped line break, stand for blanks or nothing."""
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_HEADER = re.compile("[^\r\n\x85\u2028\u2029]*")
_PROPERTIES = re.compile(r"(?:[!&]\S*\s+)+")
"""A tag or an anchor before a scalar."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Scalar(NamedTuple):
    """A scalar in a file: from where to where (offsets), and its style."""

    start: int
    end: int
    style: str | None


class Places:
    """The places inside the texts of one file, which is read again only when something is wrong."""

    def __init__(self, file: str) -> None:
        self._file = file

    def inside(self, line: int, column: int, text: str, position: int) -> tuple[int, int]:
        """Return line and column of the character at `position` (from 0) of a text that begins there."""
        scalar = self._scalars.get((line, column))
        offset = None if scalar is None else self._offset(scalar, text, position)
        if scalar is None or offset is None:
            return line, column
        breaks = list(_BREAK.finditer(self._written, scalar.start, offset))
        if not breaks:
            return line, column + offset - scalar.start
        return line + len(breaks), offset - breaks[-1].end() + 1

    def _offset(self, scalar: _Scalar, text: str, position: int) -> int | None:
        """Return where in the file a text's character at `position` stands."""
        marks = [n for n, char in enumerate(text) if not char.isspace()]
        found = list(_characters(self._written, scalar))
        if [char for char, _, _ in found] != [text[n] for n in marks]:
            return None
        number = sum(n < position for n in marks)
        if position in marks[number : number + 1]:
            return found[number][1]
        if not number:
            return scalar.start
        # a blank, or the end: as far behind the last character as in the text, if that is on one line
        after, blanks = found[number - 1][2], position - marks[number - 1] - 1
        between = self._written[after : min(after + blanks, scalar.end)]
        return after + blanks if between == " " * blanks else after

    @cached_property
    def _written(self) -> str:
        try:
            return Path(self._file).read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):  # gone since
            return ""

    @cached_property
    def _scalars(self) -> dict[tuple[int, int], _Scalar]:
        """Every scalar of the file, by the line and column (from 1) at which it begins."""
        found: dict[tuple[int, int], _Scalar] = {}
        try:
            for event in yaml.parse(self._written, Loader=_Loader):
                if isinstance(event, yaml.ScalarEvent):
                    mark: Any = event.start_mark
                    end: Any = event.end_mark
                    at = _Scalar(mark.index, end.index, event.style)
                    found[mark.line + 1, mark.column + 1] = at
        except yaml.YAMLError:
            pass  # what stands after it was not judged
        return found


def _characters(written: str, scalar: _Scalar) -> Iterator[tuple[str, int, int]]:
    """Yield each character of a scalar that is no blank, and the offsets at which it begins and ends."""
    start, end, style = scalar
    if named := _PROPERTIES.match(written, start, end):
        start = named.end()
    if style in ("|", ">"):
        header = _HEADER.match(written, start)
        start = header.end() if header else start
    elif style in ("'", '"'):
        start, end = start + 1, end - 1
    while start < end:
        char, step = written[start], 1
        if style == '"' and char == "\\" and (escape := _ESCAPE.match(written, start)):
            code = escape[1] or escape[2] or escape[3]
            char = chr(int(code, 16)) if code else _ESCAPED.get(escape[4], " ")
            step = len(escape[0])
        elif style == "'" and char == "'":
            step = 2
        if not char.isspace():
            yield char, start, start + step
        start += step


def unclean(text: str, position: int, judged: str) -> int:
    """Return where in a text as written the character stands that is at `position` in the judged one."""
    if text == judged:
        return position
    lead = len(text) - len(text.lstrip())
    if text.strip() == judged:
        return lead + position
    # composed characters are shorter than what they are composed of
    lengths = (
        n for n in range(lead, len(text)) if len(normalize("NFC", text[lead : n + 1])) > position
    )
    return next(lengths, len(text))
