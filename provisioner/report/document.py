"""The plan as JSON, written piece by piece: a plan of a million changes is never one string.

The content is that of provisioner.plan.document. Characters that a terminal obeys, that readers
of lines take for line ends, or that UTF-8 can't hold are written as JSON escapes, which every
reader turns back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from provisioner.plan.document import change_document, written_head
from provisioner.plan.model import Plan

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""C1 controls, bidirectional controls, Unicode's line ends, lone surrogates; JSON escapes C0 itself."""


def dumped(value: Any, *, compact: bool = False) -> str:
    """Return a value as JSON on one line, safe to print, in UTF-8 and to cut into lines.

    `compact` leaves out the blanks between members.

    >>> dumped({"name": "Málek\\x9b31m"})
    '{"name": "Málek\\\\u009b31m"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":") if compact else None)
    return text if text.isascii() and "\x7f" not in text else _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def write_jsonl(plan: Plan, out: TextIO) -> None:
    """Write everything but the changes on the first line, then a change a line."""
    out.write(dumped(written_head(plan)) + "\n")
    for change in plan.changes:
        out.write(dumped(change_document(change)) + "\n")


def write_json(plan: Plan, out: TextIO) -> None:
    """Write one object, a member a line and a change a line, so that two plans can be compared."""
    for piece in json_pieces(plan):
        out.write(piece)


def json_pieces(plan: Plan) -> Iterator[str]:
    """Yield what `write_json` writes, a member or a change at a time."""
    separator = "{"
    for name, value in written_head(plan).items():
        if name == "blocked":  # where the format has them: after the clusters
            yield f'{separator}"changes": '
            yield from _list(map(change_document, plan.changes))
        yield f"{separator}{dumped(name)}: "
        if isinstance(value, list | tuple):
            yield from _list(value)
        else:
            yield dumped(value)
        separator = ",\n "
    yield "}\n"


def _list(members: Iterable[Any]) -> Iterator[str]:
    separator, end = "[\n  ", "[]"
    for member in members:
        yield separator + dumped(member)
        separator, end = ",\n  ", "]"
    yield end
