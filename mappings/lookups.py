"""Lookups: tables that a mapping's texts are translated by, such as a city to a site.

A table stands in the mapping itself or in a CSV file beside it. Keys are found without case and
without surrounding blanks; a key that stands there twice, whatever the values, is a slip.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connectors.errors import InputError, Problem
from connectors.records import clean, fold

MAX_BYTES = 20_000_000
"""A table larger than this is a directory by mistake."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One table: `values` by folded key; `default` for whatever it doesn't have, None: nothing."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None

    def of(self, text: str) -> str | None:
        """Return what stands for a text; None where nothing does."""
        return self.values.get(fold(text), self.default)


def read_table(path: Path, key: str, value: str) -> dict[str, str]:
    """Read the columns `key` and `value` of a CSV file with a header, UTF-8, `,` or `;` or tabs between.

    Raises InputError with every problem in the file, each with its line: columns that it doesn't
    have, a row without key or value or with more cells than the header, a key that is there twice.
    """
    lines = _lines(path)
    rows = _rows(path, lines)
    header = [clean(name) for name in next(rows, (1, []))[1]]
    missing = [
        Problem(f"{path}:1", f"there is no column {name!r}; {_nearest(name, header)}")
        for name in dict.fromkeys((key, value))
        if name not in header
    ]
    missing += [
        Problem(f"{path}:1", f"the column {name!r} is there twice")
        for name in dict.fromkeys((key, value))
        if header.count(name) > 1
    ]
    if missing:
        raise InputError(missing)
    return _table(path, rows, header, header.index(key), header.index(value))


def _table(
    path: Path, rows: Iterator[tuple[int, list[str]]], header: list[str], key: int, value: int
) -> dict[str, str]:
    table: dict[str, str] = {}
    first: dict[str, int] = {}
    problems: list[Problem] = []
    for line, cells in rows:
        if not any(cells):
            continue
        where = f"{path}:{line}"
        if len(cells) != len(header):
            problems.append(
                Problem(where, f"{len(cells)} cells, where the header has {len(header)}")
            )
            continue
        name, given = clean(cells[key]), clean(cells[value])
        if not name or not given:
            problems.append(Problem(where, f"{header[value if name else key]!r} is empty"))
        elif (before := first.setdefault(fold(name), line)) != line:
            problems.append(Problem(where, f"{name!r} stands here twice, first in line {before}"))
        else:
            table[name] = given
    if problems:
        raise InputError(problems)
    return table


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as f:
            raw = f.read(MAX_BYTES + 1)
    except OSError as e:
        raise InputError([Problem(str(path), f"can't be read: {e.strerror}")]) from e
    if len(raw) > MAX_BYTES:
        raise InputError([Problem(str(path), f"is larger than {MAX_BYTES:,} bytes")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = raw.count(b"\n", 0, e.start) + 1
        said = f"byte 0x{raw[e.start]:02x} isn't UTF-8: save the file as UTF-8"
        raise InputError([Problem(f"{path}:{line}", said)]) from e
    if not text.strip():
        raise InputError([Problem(f"{path}:1", "the file is empty")])
    return text.splitlines(keepends=True)


def _rows(path: Path, lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (the line that it ends in, its cells) of each row."""
    delimiter = max(",;\t", key=lines[0].count)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as e:
        raise InputError([Problem(f"{path}:{reader.line_num}", f"no CSV: {e}")]) from e


def _nearest(name: str, header: list[str]) -> str:
    near = difflib.get_close_matches(name, header, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(header)}"
