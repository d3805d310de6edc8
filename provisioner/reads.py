"""Reading a directory to its end, and believing what was read only if it is plausible.

A directory that answers "success" with half of its people is where the field's real damage comes
from. So every read is measured while it streams by (people, and each group and each column that
the mapping uses), and held against the best read of the last 24 hours, else the last accepted one;
short of that by more than the limits it is refused with the figures, before anything is planned.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Protocol, TypeVar

import msgspec

from connectors.columns import Columns, Row
from connectors.errors import ReadRefused
from connectors.records import Directory, Flaw, Person
from connectors.scim_filter import Path
from provisioner.limits import Limits
from provisioner.progress import Progress, Silent
from provisioner.spool import Spool, decode_person, encode_person, encode_rows
from provisioner.tally import RowTally, Tally

_BATCH = 128
"""People who are encoded and counted together: a loop over one column is quicker than one over all."""

STAMP = 16
"""Bytes of the digest that stands for an encoded person."""

_Read = TypeVar("_Read")
_encode = msgspec.msgpack.Encoder().encode


class Figures(msgspec.Struct, frozen=True):
    """What a read is measured by: people, members by group name, and people with a value by column."""

    people: int
    groups: dict[str, int] = {}
    columns: dict[str, int] = {}


class Measure(msgspec.Struct, frozen=True):
    """What a new read is held against: the best figures, and when they were read."""

    figures: Figures
    read_at: datetime


class Uses(msgspec.Struct, frozen=True):
    """What the mapping reads of a person: attribute paths, and group names (None: any group).

    `used`: where any group may be meant, whether a group of that name is (a comparison finds it).
    """

    paths: tuple[Path, ...]
    groups: frozenset[str] | None
    used: Callable[[str], bool] | None = None


def digest(data: bytes) -> bytes:
    """Return the STAMP bytes that stand for an encoded person."""
    return hashlib.sha256(data).digest()[:STAMP]


class Table(Protocol):
    """What a directory may offer beside `read`: its people as rows (connectors/columns.py).

    `paths` says what a row's values are, `key` which of them is the key. Iterating, once, yields
    (line, row) or a Flaw, and raises what `read` raises; `where` names a line.
    """

    paths: tuple[Path, ...]
    key: int

    def __iter__(self) -> Iterator[tuple[int, Row] | Flaw]: ...

    def where(self, line: int) -> str: ...


class Reading:
    """One read of one directory. Iterate it to its end once; then the rest is known.

    Iterating yields (person, number) in the directory's order; `person(number)` gives them again.
    Where `as_table` returned a table's columns, `rows` may be iterated instead, for (row, number).
    Afterwards `figures`, `flaws` and `sha256` (of what was read, in canonical order) are set.
    """

    def __init__(self, directory: Directory, uses: Uses, progress: Progress | None = None) -> None:
        self.name = directory.name
        self.spool = Spool()
        self.columns: Columns | None = None
        self.key_column = 0
        self.flaws: list[Flaw] = []
        self.figures = Figures(0)
        self.sha256 = ""
        self._directory = directory
        self.uses = uses
        self._progress = progress or Silent()
        self._stamps = bytearray()
        self._table: Table | None = None
        self._lines = array("Q")

    def as_table(self) -> Columns | None:
        """Return the columns if the directory is a table; else None. Raises what `read` raises."""
        table: Callable[[], Table | None] = getattr(self._directory, "table", lambda: None)
        self._table = table()
        if self._table is not None:
            self.columns, self.key_column = Columns(self._table.paths), self._table.key
        return self.columns

    def __iter__(self) -> Iterator[tuple[Person, int]]:
        tally = Tally(self.uses.paths, self.uses.groups)
        self._progress.stage(f"reading {self.name}")
        for people in self._batches(self._directory.read()):
            data = [encode_person(person) for person in people]
            first = self._add(data, [person.where for person in people])
            tally.add([person.resource for person in people])
            yield from zip(people, range(first, len(self.spool)), strict=True)
        self._finish(tally)

    def rows(self) -> Iterator[tuple[Row, int]]:
        """Yield what iterating yields, but each person as a row of `columns`."""
        assert self._table is not None
        assert self.columns is not None
        tally = RowTally(self.uses.paths, self.uses.groups, self.columns)
        self._progress.stage(f"reading {self.name}")
        for lines in self._batches(self._table):
            rows = [row for _, row in lines]
            first = self._add(encode_rows(rows, self.key_column))
            self._lines.extend([line for line, _ in lines])
            tally.add_rows(rows)
            yield from zip(rows, range(first, len(self.spool)), strict=True)
        self._finish(tally)

    def person(self, number: int) -> Person:
        """Return the person of that number again."""
        data, where = self.spool.person(number)
        if self._table is not None:
            where = self._table.where(self._lines[number])
        return decode_person(data, where, self.columns)

    @property
    def stamps(self) -> memoryview:
        """Everybody's digest, STAMP bytes each, in the order of their numbers."""
        return memoryview(self._stamps)

    def _add(self, data: Sequence[bytes], places: Sequence[str] | None = None) -> int:
        self._stamps += b"".join([digest(each) for each in data])
        self._progress.advance(len(data))
        return self.spool.add(data, places)

    def _batches(self, source: Iterable[_Read | Flaw]) -> Iterator[list[_Read]]:
        rest = iter(source)
        while batch := list(islice(rest, _BATCH)):
            people = [each for each in batch if not isinstance(each, Flaw)]
            if len(people) < len(batch):
                self.flaws += [each for each in batch if isinstance(each, Flaw)]
            yield people

    def _finish(self, tally: Tally) -> None:
        self.figures = Figures(len(self.spool), tally.groups(), tally.columns())
        texts = () if self.columns is None else self.columns.texts
        self.sha256 = _total(texts, self._stamps, self.flaws)


def _total(columns: Iterable[str], stamps: bytearray, flaws: Iterable[Flaw]) -> str:
    everybody = [bytes(stamps[at : at + STAMP]) for at in range(0, len(stamps), STAMP)]
    everybody.sort()
    total = hashlib.sha256(b"".join(everybody))
    for column in columns:
        total.update(_encode(column))
    for flaw in flaws:
        total.update(_encode((flaw.key, flaw.reason)))
    return f"sha256:{total.hexdigest()}"


def refuse_implausible(
    reading: Reading,
    measure: Measure | None,
    limits: Limits,
    accepted: str | None,
    *,
    warming: bool = False,
) -> bool:
    """Raise ReadRefused if a finished read can't be believed; return True if `accepted` overruled it.

    `accepted` is the sha256 that an operator gave for this directory. An empty read is refused
    whatever anybody accepts, but for one that is `warming`, which may have nobody yet. `measure` is
    None for the first read of a directory.
    """
    if warming and reading.figures.people == 0 and not reading.flaws:
        return False
    if reading.figures.people == 0:
        raise ReadRefused(
            f"directory {reading.name} is empty: 0 people"
            + (f", {measure.figures.people} before" if measure else "")
            + _unusable(reading.flaws),
            remedy="nothing was planned; see why the directory has nobody (an empty read is never accepted)",
        )
    reasons = list(_implausible(reading, measure, limits))
    if not reasons:
        return False
    if accepted is not None and accepted.removeprefix("sha256:") == reading.sha256[7:]:
        return True
    raise ReadRefused(
        f"directory {reading.name} can't be believed: " + "; ".join(reasons),
        remedy="nothing was planned; if the directory is right, give this once: "
        f"--accept-read {reading.name}={reading.sha256}",
    )


def _unusable(flaws: Sequence[Flaw]) -> str:
    if not flaws:
        return ""
    return f"; {len(flaws)} rows can't be used, the first is {flaws[0].where}: {flaws[0].reason}"


def _implausible(reading: Reading, measure: Measure | None, limits: Limits) -> Iterator[str]:
    figures, used = reading.figures, reading.uses.used
    if figures.people < limits.people_min:
        yield f"{figures.people} people, fewer than people_min {limits.people_min}"
    if measure is None:
        return
    best = measure.figures
    since = f"(read of {measure.read_at:%Y-%m-%dT%H:%M:%SZ})"
    if best.people - figures.people > limits.people_drop.allows(best.people):
        yield f"{figures.people} people, {best.people} before {since}, limit {limits.people_drop}"
    for what, now, before, limit in (
        ("group", figures.groups, best.groups, limits.group_drop),
        ("column", figures.columns, best.columns, limits.column_drop),
    ):
        for name in sorted(before):
            # one that the mapping no longer uses isn't counted any more
            if used(name) if what == "group" and used else name in now:
                found = now.get(name, 0)
                if before[name] - found > limit.allows(before[name]):
                    unit = "members" if what == "group" else "values"
                    yield f"{what} {name!r} has {found} {unit}, {before[name]} before {since}, limit {limit}"


def best_of(measures: Iterable[Measure]) -> Measure | None:
    """Return the best of several accepted reads: each figure's highest, dated by the most people."""
    groups: dict[str, int] = {}
    columns: dict[str, int] = {}
    best: Measure | None = None
    for measure in measures:
        if best is None or measure.figures.people > best.figures.people:
            best = measure
        for total, figures in (
            (groups, measure.figures.groups),
            (columns, measure.figures.columns),
        ):
            for name, count in figures.items():
                total[name] = max(count, total.get(name, 0))
    if best is None:
        return None
    return Measure(Figures(best.figures.people, groups, columns), best.read_at)
