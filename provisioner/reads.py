"""Reading a directory to its end, and believing what was read only if it is plausible.

A directory that answers "success" with half of its people is where the field's real damage comes
from. So every read is measured while it streams by (people, and each group and each column that
the mapping uses), and held against the best read of the last 24 hours, else the last accepted one;
short of that by more than the limits it is refused with the figures, before anything is planned.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from connectors.errors import ReadRefused
from connectors.records import Directory, Flaw, Person
from connectors.scim_filter import Path
from provisioner.limits import Limits
from provisioner.progress import Progress, Silent, counted

_HEADER = struct.Struct("<II16s")
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(tuple[str, dict[str, Any]]).decode
_decode_key = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw]).decode


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


def encode_person(person: Person) -> bytes:
    """Return a person's key and attributes as bytes, the same for equal people whatever their order."""
    return _encode((person.key, person.resource))


def decode_person(data: bytes, where: str = "") -> Person:
    """Return the person that `encode_person` encoded."""
    key, resource = _decode(data)
    return Person(key, resource, where)


def digest(data: bytes) -> bytes:
    """Return 16 bytes that stand for an encoded person."""
    return hashlib.blake2b(data, digest_size=16).digest()


class Spool:
    """People on disk, by offset: so that a million of them can be looked at a second time."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="provisioner-")  # noqa: SIM115 (lives with us)
        self._end = 0

    def add(self, data: bytes, stamp: bytes, where: str) -> int:
        """Append one encoded person, its digest and the place it was read from; return the offset."""
        at = self._end
        place = where.encode()
        self._file.write(_HEADER.pack(len(data), len(place), stamp) + data + place)
        self._end += _HEADER.size + len(data) + len(place)
        return at

    def person(self, at: int) -> Person:
        """Return the person at an offset that `add` returned."""
        self._file.seek(at)
        length, place, _ = _HEADER.unpack(self._file.read(_HEADER.size))
        return decode_person(self._file.read(length), self._file.read(place).decode())

    def frames(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield everybody's key as it was read, digest and encoded data, in the order of adding."""
        self._file.seek(0)
        while header := self._file.read(_HEADER.size):
            length, place, stamp = _HEADER.unpack(header)
            data = self._file.read(length + place)[:length]
            yield _decode_key(data)[0], stamp, data


class Reading:
    """One read of one directory. Iterate it to its end once; then the rest is known.

    Iterating yields (person, offset in `spool`) in the directory's order. Afterwards `figures`,
    `flaws` and `sha256` (of what was read, in canonical order) are set.
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
        self._digests: list[bytes] = []

    def __iter__(self) -> Iterator[tuple[Person, int]]:
        digests, add, flaws = self._digests, self.spool.add, self.flaws
        groups: Counter[str] = Counter()
        columns: Counter[str] = Counter()
        wanted = self._uses.groups
        present = [(path.text, presence(path)) for path in self._uses.paths]
        self._progress.stage(f"reading {self.name}")
        for person in counted(self._directory.read(), self._progress):
            if isinstance(person, Flaw):
                flaws.append(person)
                continue
            resource = person.resource
            data = encode_person(person)
            stamp = digest(data)
            digests.append(stamp)
            for text, has in present:
                if has(resource):
                    columns[text] += 1
            for group in resource.get("groups", ()):
                name = group.get("display")
                if wanted is None or name in wanted:
                    groups[name] += 1
            yield person, add(data, stamp, person.where)
        # zero is a figure too: a group or column that this read doesn't have at all
        every = {text: columns[text] for text, _ in present}
        named = groups if wanted is None else {name: groups[name] for name in sorted(wanted)}
        self.figures = Figures(len(digests), dict(named), every)
        self.sha256 = _total(digests, flaws)
        self._digests = []


def _total(digests: list[bytes], flaws: Iterable[Flaw]) -> str:
    digests.sort()
    total = hashlib.sha256(b"".join(digests))
    for flaw in flaws:
        total.update(_encode((flaw.key, flaw.reason)))
    return f"sha256:{total.hexdigest()}"


def presence(path: Path) -> Callable[[dict[str, Any]], bool]:
    """Return a quick test whether a resource has a value at the path.

    A person's absent attributes have no member (records.Person), so looking for the member is enough.
    """
    name, sub, uri = path.attribute, path.sub, path.uri
    if path.part is not None:
        return lambda resource: bool(path.values(resource))
    if uri is not None:
        return lambda resource: name in resource.get(uri, ())
    if sub is None:
        return lambda resource: name in resource
    if path.definition.multi_valued:
        return lambda resource: any(sub in item for item in resource.get(name, ()))
    return lambda resource: sub in resource.get(name, ())


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
