"""Where clients that walk through a list by index have come to, so that nobody is passed over.

A `startIndex` says how many come before, and that changes when somebody who was read already goes:
who stood at 101 stands at 100 then, and the next page would begin behind them (RFC 7644 section 3.4.2.4
lets it). So the place that a page ended at is remembered for a client and a list, and the page that
goes on from there does so from the place, as a cursor's does. A walk that doesn't go on where its last
page ended, or not within ten minutes, is taken by its numbers.

Places are hints: in memory that the processes of one receiver share, lost with them, and overwritten where two
fall on one slot. Two walks of the same list by one client at the same time are one walk to this.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

REMEMBERED_S = 600.0

_SLOTS = 4096
_SLOT = 1024
_HEAD = struct.Struct("<I16sdH")  # check sum of the rest, whose walk, when, length of what follows
_SUM = 4

Place = list[Any]
"""A place in a list, as in a cursor (query.py)."""


class _Step(msgspec.Struct, array_like=True, frozen=True):
    """Before which index which place is; `last` is the page before, for who asks for it again."""

    start: int
    place: Place
    last_start: int = 0
    last_place: Place | None = None


class Walks:
    """The walks of all clients of one receiver; made before its processes part."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory = mmap.mmap(-1, _SLOTS * _SLOT)
        self._clock = clock

    def of(self, client: str, sync: str) -> Client:
        """Return what a client's walks through a sync's lists are known by."""
        return Client(self, f"{client}\n{sync}")

    def read(self, key: bytes) -> _Step | None:
        """Return what was written last under a key, if that is still there."""
        at = self._at(key)
        raw = self._memory[at : at + _SLOT]
        checked, owner, moment, length = _HEAD.unpack_from(raw)
        if owner != key or not 0 <= self._clock() - moment < REMEMBERED_S:
            return None
        end = _HEAD.size + length
        if end > _SLOT or crc32(raw[_SUM:end]) != checked:
            return None  # another process is writing there
        return msgspec.json.decode(raw[_HEAD.size : end], type=_Step)

    def write(self, key: bytes, step: _Step | None) -> None:
        """Remember a step, or None: that there is none any more."""
        text = msgspec.json.encode(step) if step else b""
        if len(text) > _SLOT - _HEAD.size:
            text, step = b"", None
        owner = key if step else bytes(16)
        whole = _HEAD.pack(0, owner, self._clock(), len(text)) + text
        at = self._at(key)
        self._memory[at : at + len(whole)] = struct.pack("<I", crc32(whole[_SUM:])) + whole[_SUM:]

    def _at(self, key: bytes) -> int:
        return int.from_bytes(key[:4], "little") % _SLOTS * _SLOT


class Client(NamedTuple):
    """One client's walks through one sync's lists."""

    walks: Walks
    name: str

    def place(self, query: str, start: int) -> Place | None:
        """Return the place after which the page at `start` begins, if this client's walk came to it."""
        step = self.walks.read(self._key(query))
        if step is None:
            return None
        if step.start == start:
            return step.place
        return step.last_place if step.last_start == start else None

    def reached(self, query: str, start: int, begun: Place | None, next: int, place: Place) -> None:
        """Remember that the page at `start`, which began after `begun`, ended at a place."""
        self.walks.write(self._key(query), _Step(next, place, start, begun))

    def ended(self, query: str) -> None:
        """Forget a walk."""
        key = self._key(query)
        if self.walks.read(key) is not None:
            self.walks.write(key, None)

    def _key(self, query: str) -> bytes:
        return hashlib.blake2b(f"{self.name}\n{query}".encode(), digest_size=16).digest()
