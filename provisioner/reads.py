"""Reading a directory to its end, and believing what was read only if it is plausible.

A directory that answers "success" with half of its people is where the field's real damage comes
from. So every read is measured while it streams by (people, and each group and each column that
the mapping uses), and held against the best read of the last 24 hours, else the last accepted one;
short of that by more than the limits it is refused with the figures, before anything is planned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

import msgspec

from connectors.errors import ReadRefused
from connectors.records import Directory, Flaw, Person
from connectors.scim_filter import Path
from provisioner.limits import Limits
from provisioner.progress import Progress, Silent
from provisioner.spool import Spool, encode_person
from provisioner.tally import Tally

_BATCH = 256
"""People who are encoded and counted together: a loop over one column is quicker than one over all."""

_STAMP = 16

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
    """What the mapping reads of a person: attribute paths, and group names (None: any group)."""

    paths: tuple[Path, ...]
    groups: frozenset[str] | None


def digest(data: bytes) -> bytes:
    """Return 16 bytes that stand for an encoded person."""
    return hashlib.blake2b(data, digest_size=_STAMP).digest()


class Reading:
    """One read of one directory. Iterate it to its end once; then the rest is known.

    Iterating yields (person, their number in `spool`) in the directory's order. Afterwards
    `figures`, `flaws` and `sha256` (of what was read, in canonical order) are set.
    """

    def __init__(self, directory: Directory, uses: Uses, progress: Progress | None = None) -> None:
        self.name = directory.name
        self.spool = Spool()
        self.flaws: list[Flaw] = []
        self.figures = Figures(0)
        self.sha256 = ""
        self._directory = directory
        self._uses = uses
        self._progress = progress or Silent()
        self._stamps = bytearray()

    def __iter__(self) -> Iterator[tuple[Person, int]]:
        spool, stamps = self.spool, self._stamps
        tally = Tally(self._uses.paths, self._uses.groups)
        self._progress.stage(f"reading {self.name}")
        for people in self._batches():
            data = [encode_person(person) for person in people]
            stamps += b"".join([digest(each) for each in data])
            first = spool.add(data, [person.where for person in people])
            tally.add([person.resource for person in people])
            self._progress.advance(len(people))
            yield from zip(people, range(first, len(spool)), strict=True)
        self.figures = Figures(len(spool), tally.groups(), tally.columns())
        self.sha256 = _total(stamps, self.flaws)

    def frames(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield everybody's key as it was read, digest and encoded data, in the directory's order."""
        stamps = memoryview(self._stamps)
        for at, (key, data) in enumerate(self.spool.frames()):
            yield key, bytes(stamps[at * _STAMP : (at + 1) * _STAMP]), data

    def _batches(self) -> Iterator[list[Person]]:
        rows = iter(self._directory.read())
        while batch := list(islice(rows, _BATCH)):
            people = [row for row in batch if not isinstance(row, Flaw)]
            if len(people) < len(batch):
                self.flaws += [row for row in batch if isinstance(row, Flaw)]
            yield people


def _total(stamps: bytearray, flaws: Iterable[Flaw]) -> str:
    everybody = [bytes(stamps[at : at + _STAMP]) for at in range(0, len(stamps), _STAMP)]
    everybody.sort()
    total = hashlib.sha256(b"".join(everybody))
    for flaw in flaws:
        total.update(_encode((flaw.key, flaw.reason)))
    return f"sha256:{total.hexdigest()}"


def refuse_implausible(
    reading: Reading, measure: Measure | None, limits: Limits, accepted: str | None
) -> bool:
    """Raise ReadRefused if a finished read can't be believed; return True if `accepted` overruled it.

    `accepted` is the sha256 that an operator gave for this directory. An empty read is refused
    whatever anybody accepts. `measure` is None for the first read of a directory.
    """
    if reading.figures.people == 0:
        raise ReadRefused(
            f"directory {reading.name} is empty: 0 people"
            + (f", {measure.figures.people} before" if measure else ""),
            remedy="nothing was planned; see why the directory has nobody (an empty read is never accepted)",
        )
    reasons = list(_implausible(reading.figures, measure, limits))
    if not reasons:
        return False
    if accepted is not None and accepted.removeprefix("sha256:") == reading.sha256[7:]:
        return True
    raise ReadRefused(
        f"directory {reading.name} can't be believed: " + "; ".join(reasons),
        remedy="nothing was planned; if the directory is right, give this once: "
        f"--accept-read {reading.name}={reading.sha256}",
    )


def _implausible(figures: Figures, measure: Measure | None, limits: Limits) -> Iterator[str]:
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
            if name in now and before[name] - now[name] > limit.allows(before[name]):
                unit = "members" if what == "group" else "values"
                yield f"{what} {name!r} has {now[name]} {unit}, {before[name]} before {since}, limit {limit}"


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
