"""People on disk, by number: so that a million of them can be looked at a second time.

Nearly everybody is as they should be and is never looked at again, so only where each one begins
stays in memory.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import Any

import msgspec

from connectors.records import Person

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(tuple[str, dict[str, Any]]).decode
_decode_key = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw]).decode


def encode_person(person: Person) -> bytes:
    """Return a person's key and attributes as bytes, the same for equal people whatever their order."""
    return _encode((person.key, person.resource))


def decode_person(data: bytes, where: str = "") -> Person:
    """Return the person that `encode_person` encoded."""
    key, resource = _decode(data)
    return Person(key, resource, where)


_AT_ONCE = 256


class Spool:
    """Encoded people in a temporary file, numbered from 0 in the order of adding.

    It may be read while it still grows.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="provisioner-")  # noqa: SIM115 (lives with us)
        # Where each one begins, with the end of the last, and how much of it is the person;
        # the rest, up to the next one, is the place that they were read from.
        self._starts = array("Q", [0])
        self._sizes = array("I")

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, people: Sequence[bytes], places: Sequence[str]) -> int:
        """Append encoded people, each with the place it was read from; return the first one's number."""
        first = len(self)
        where = [place.encode() for place in places]
        self._sizes.extend(map(len, people))
        lengths = [len(data) + len(place) for data, place in zip(people, where, strict=True)]
        self._starts.extend(accumulate(lengths, initial=self._starts.pop()))
        self._file.write(b"".join(chain.from_iterable(zip(people, where, strict=True))))
        self._file.flush()
        return first

    def person(self, number: int) -> Person:
        """Return the person of that number."""
        start, size = self._starts[number], self._sizes[number]
        frame = self._bytes(start, self._starts[number + 1])
        return decode_person(frame[:size], frame[size:].decode())

    def frames(self) -> Iterator[tuple[str, bytes]]:
        """Yield everybody's key and encoded data, in the order of adding."""
        for first in range(0, len(self), _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, len(self)))
            base = self._starts[first]
            block = self._bytes(base, self._starts[numbers.stop])
            for number in numbers:
                start = self._starts[number] - base
                data = block[start : start + self._sizes[number]]
                yield _decode_key(data)[0], data

    def _bytes(self, start: int, end: int) -> bytes:
        # Not by seek and read: they would move the place that `add` writes to.
        return os.pread(self._file.fileno(), end - start, start)
