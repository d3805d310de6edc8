"""What one process remembers of the directory between two reads; nothing of it is written down.

An entry is packed into a few hundred bytes, and whoever holds the same licenses shares what says so:
a tenant of a million people has a few hundred combinations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from connectors.phone.teams.entries import SELECT, Entry
from connectors.records import fold

_LICENSES = ("assignedLicenses", "licenseAssignmentStates")
_OTHERS = tuple(name for name in SELECT.split(",") if name not in _LICENSES)
_UNUSED = "lastUpdatedDateTime"
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode

Packed: TypeAlias = tuple[bytes, bytes]
"""An entry: everything but the licenses, and the licenses."""
NOTHING: Packed = (b"", b"")
"""What stands for an entry that nobody will ask for."""


class Link(msgspec.Struct, frozen=True):
    """An address that tells what has changed since `at`."""

    at: datetime
    address: str


class Packer:
    """Packs entries. `giving`: by each group's id, the products that somebody has from it, in error or not."""

    def __init__(self) -> None:
        self._same: dict[bytes, bytes] = {}
        self.giving: dict[str, frozenset[str]] = {}

    def pack(self, entry: Entry) -> Packed:
        """Return an entry, packed. Raises ValueError for text that is none."""
        assigned, states = (entry.get(name) for name in _LICENSES)
        if isinstance(states, list):  # moments would tell everybody's licenses apart
            states = [
                {k: v for k, v in s.items() if k != _UNUSED}
                for s in states
                if isinstance(s, Mapping)
            ]
        licenses = _encode((assigned, states))
        if licenses not in self._same:
            self._same[licenses] = licenses
            for state in states or ():
                self._take_in(state)
        return _encode([entry.get(name) for name in _OTHERS]), self._same[licenses]

    def _take_in(self, state: Mapping[str, Any]) -> None:
        if group := fold(str(state.get("assignedByGroup") or "")):
            known = self.giving.get(group, frozenset())
            self.giving[group] = known | {fold(str(state.get("skuId")))}


def unpack(packed: Packed) -> Entry:
    """Return an entry as it was, without what was null and without moments."""
    values = (*_decode(packed[0]), *_decode(packed[1]))
    return {k: v for k, v in zip((*_OTHERS, *_LICENSES), values, strict=True) if v is not None}


def seats_of(live: Iterable[Packed]) -> Counter[str]:
    """Return how many of these people hold each product, by GUID in small letters."""
    seats: Counter[str] = Counter()
    for licenses, people in Counter(packed[1] for packed in live).items():
        assigned, _ = _decode(licenses)
        for sku in {fold(str(license["skuId"])) for license in assigned or ()}:
            seats[sku] += people
    return seats


class Known(msgspec.Struct, frozen=True):
    """The directory as it was read last, whole.

    `full_at`: when its last full read began. `live`: everybody by id in small letters; `trashed`:
    the ids, as Graph spells them, of who is deleted and can be restored. `unseen`: by product for
    phones, how many more seats the tenant counts than these people hold. `users` and `groups`:
    links that tell what changed since, the oldest first.
    """

    full_at: datetime
    live: dict[str, Packed]
    trashed: dict[str, str]
    packer: Packer
    unseen: dict[str, int]
    users: tuple[Link, ...]
    groups: tuple[Link, ...]


class Memory:
    """What is kept of one tenant. `written`: whom this process wrote to, by id or name, and when."""

    def __init__(self) -> None:
        self.known: Known | None = None
        self.written: dict[str, datetime] = {}


def reaching(links: tuple[Link, ...], since: datetime) -> tuple[Link, ...]:
    """Return the links without those that aren't needed to tell everything since a moment.

    The first one tells that, or as much of it as any does.
    """
    older = [link for link in links if link.at <= since]
    return (*older[-1:], *links[len(older) :])
