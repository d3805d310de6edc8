"""People on disk, by number: so that a million of them can be looked at a second time.

Nearly everybody is as they should be and is never looked at again, so only where each one begins
stays in memory. Somebody is encoded as their key and what is said of them: a resource, or a row of
a table's values.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from typing import Any

import msgspec

from connectors.columns import Columns, Row
from connectors.records import Person

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_encode_row = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, Any]).decode
_decode_key = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw]).decode


def encode_person(person: Person) -> bytes:
    """Return a person's key and attributes as bytes, the same for equal people whatever their order."""
    return _encode((person.key, person.resource))


def encode_rows(rows: Iterable[Row], key: int) -> list[bytes]:
    """Return the same for rows of a table; `key` is the number of the key's column."""
    return [_encode_row((row[key], row)) for row in rows]


def decode_person(data: bytes, where: str = "", columns: Columns | None = None) -> Person:
    """Return the person that was encoded; with `columns` as a row of that table."""
    key, said = _decode(data)
    return Person(key, said if columns is None else columns.resource(said), where)


def key_of(data: bytes) -> str:
    """Return the key, as it was read, of an encoded person."""
    return _decode_key(data)[0]


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

    def add(self, people: Sequence[bytes], places: Sequence[str] | None = None) -> int:
        """Append encoded people, with the places they were read from; return the first one's number."""
        first = len(self)
        self._sizes.extend(map(len, people))
        frames: Iterable[bytes] = people
        lengths: Iterable[int] = map(len, people)
        if places is not None:
            where = [place.encode() for place in places]
            frames = chain.from_iterable(zip(people, where, strict=True))
            lengths = [len(data) + len(place) for data, place in zip(people, where, strict=True)]
        self._starts.extend(accumulate(lengths, initial=self._starts.pop()))
        self._file.write(b"".join(frames))
        self._file.flush()
        return first

    def person(self, number: int) -> tuple[bytes, str]:
        """Return the encoded person of that number, and the place ("" if none was given)."""
        start, size = self._starts[number], self._sizes[number]
        frame = self._bytes(start, self._starts[number + 1])
        return frame[:size], frame[size:].decode()

    def encoded(self, numbers: range) -> list[bytes]:
        """Return the encoded people of these numbers, which follow each other."""
        starts, sizes, base = self._starts, self._sizes, self._starts[numbers.start]
        block = self._bytes(base, starts[numbers.stop])
        return [block[starts[n] - base : starts[n] - base + sizes[n]] for n in numbers]

    def _bytes(self, start: int, end: int) -> bytes:
        # Not by seek and read: they would move the place that `add` writes to.
        return os.pread(self._file.fileno(), end - start, start)
