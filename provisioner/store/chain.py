"""The chain of the audit: how an entry is written as a line, and how lines hang together.

An entry is one line of JSON in UTF-8, without blanks, with its members in this order:

    {"prev":…,"id":…,"at":…,"sync":…,"run":…,"plan":…,"seq":…,"kind":…,"detail":{…},"hash":…}

`hash` is the SHA-256, in hexadecimal, of the line as it is without `,"hash":…` (so it ends with the
detail's brace and the entry's own); `prev` is the hash of the entry before, and NOTHING for the first.
`id` counts from 1 without a gap. So whoever changes, removes, moves or puts in an entry breaks every
hash from there on, and one hash kept elsewhere stands for everything before it.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, NamedTuple

import msgspec

NOTHING = "0" * 64
"""What the first entry follows."""

_HASH = ',"hash":"'
_HASH_LENGTH = 64


class Row(NamedTuple):
    """An entry as the store has it: `at` as store/moments.py writes it, `detail` as JSON text."""

    id: int
    at: str
    sync: str | None
    run: str | None
    plan: int | None
    seq: int | None
    kind: str
    detail: str
    hash: str


def detail_text(detail: Any) -> str:
    """Return a detail as JSON without blanks; letters that UTF-8 has no form for are escaped."""
    try:
        return msgspec.json.encode(detail).decode()
    except UnicodeEncodeError:  # half a surrogate pair, out of some vendor's message
        return json.dumps(msgspec.to_builtins(detail), separators=(",", ":"))


def hash_of(prev: str, row: Row) -> str:
    """Return the hash that the entry has after `prev`; the row's own is not looked at."""
    return hashlib.sha256(_open(prev, row).encode() + b"}").hexdigest()


def line_of(prev: str, row: Row) -> str:
    """Return the entry as its line, without a line end."""
    return f'{_open(prev, row)}{_HASH}{row.hash}"}}'


def parted(line: bytes) -> tuple[str, str] | None:
    """Return the hash that a line should have, and the one that it says; None if it is no entry's line.

    The line is as `line_of` gave it, in UTF-8 and without its end.
    """
    start = len(line) - _HASH_LENGTH - len(_HASH) - len('"}')
    if start < 0 or not line.startswith(_HASH.encode(), start) or not line.endswith(b'"}'):
        return None
    said = line[start + len(_HASH) : -2].decode("ascii", "replace")
    return hashlib.sha256(line[:start] + b"}").hexdigest(), said


def _open(prev: str, row: Row) -> str:
    """Return the line up to where its hash stands."""
    return (
        f'{{"prev":{_text(prev)},"id":{row.id},"at":{encode_basestring(str(row.at))}'
        f',"sync":{_text(row.sync)},"run":{_text(row.run)},"plan":{_text(row.plan)}'
        f',"seq":{_number(row.seq)},"kind":{_text(row.kind)},"detail":{row.detail}'
    )


@lru_cache(maxsize=1024)
def _text(value: str | int | None) -> str:
    return "null" if value is None else encode_basestring(str(value))


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)
