"""Places inside a text: where in the file the n-th character of a filter stands.

Text on one line, plain or in quotes, is followed to the very column. A folded or literal block, or
an escape in double quotes that changes the length, leaves the place where the text begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mappings.yaml_file import Located
from mappings.yaml_nodes import Step


class Places:
    """The places of one file's texts; the file's lines are read only when something is wrong."""

    def __init__(self, located: Located, path: Path) -> None:
        self._located = located
        self._path = path

    def inside(self, at: Sequence[Step], position: int) -> str:
        """Return `file:line:column` of the character at `position` (from 0) of the text at `at`."""
        start = self._located.where(at)
        file, line, column = start.rsplit(":", 2)
        text = self._located.get(at)
        lines = self._path.read_text("utf-8-sig").split("\n")
        if not isinstance(text, str) or int(line) > len(lines):
            return start
        position += len(text) - len(text.lstrip())  # what was judged had no blanks before it
        offset = _offset(lines[int(line) - 1][int(column) - 1 :], text, position)
        return start if offset is None else f"{file}:{line}:{int(column) + offset}"


def _offset(written: str, text: str, position: int) -> int | None:
    """Return how far into `written`, where `text` begins, its character at `position` stands.

    >>> _offset("'it''s' # a remark", "it's", 3)
    5
    """
    quote = written[:1] if written[:1] in ("'", '"') else ""
    doubled = {"'": ("''",), '"': ('\\"', "\\\\", "\\/")}.get(quote, ())
    at = len(quote)
    for number, char in enumerate(text):
        if number == position:
            return at
        pair = written[at : at + 2]
        step = 2 if pair in doubled else 1
        if written[at + step - 1 : at + step] != char:
            return None
        at += step
    return at if position == len(text) else None
