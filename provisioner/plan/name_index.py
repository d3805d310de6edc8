"""An index of names: who bears a name, found again without reading everybody.

For each directory it holds a hash of every name beside a checksum of the person's key, in buckets, so that
looking a name up reads one small part of it. A name's hash is long enough to stand for it; whose key it is
that a checksum stands for is seen when they are read.
"""

from __future__ import annotations

import hashlib
import sys
import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator

BUCKETS = 256


class NameIndex:
    """Collects what each directory calls its people."""

    def __init__(self) -> None:
        self._directories: dict[str, list[tuple[array[int], array[int]]]] = {}

    def note(self, directory: str, names: Iterable[str | None], key: str) -> None:
        """Take in somebody's folded names, by their folded key."""
        buckets = self._directories.get(directory)
        if buckets is None:
            buckets = [(array("Q"), array("I")) for _ in range(BUCKETS)]
            self._directories[directory] = buckets
        of_key = checksum(key)
        for name in names:
            if name:
                of_name = hashed(name)
                hashes, keys = buckets[of_name % BUCKETS]
                hashes.append(of_name)
                keys.append(of_key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NameIndex) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield (directory, bucket, its data) of the buckets that aren't empty, in the order of the read."""
        for directory, buckets in sorted(self._directories.items()):
            for number, (hashes, keys) in enumerate(buckets):
                if hashes:
                    yield directory, number, _packed(hashes) + _packed(keys)


def checksum(key: str) -> int:
    """Return the 32 bits that stand for a folded key."""
    return zlib.crc32(key.encode())


def hashed(name: str) -> int:
    """Return the 64 bits that stand for a folded name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def keys_among(data: bytes, names: Collection[int]) -> Iterator[tuple[int, int]]:
    """Yield (name's hash, checksum of a key) of those in a bucket's data who bear one of these names."""
    hashes, keys = array("Q"), array("I")
    middle = len(data) * hashes.itemsize // (hashes.itemsize + keys.itemsize)
    for part, packed in ((hashes, data[:middle]), (keys, data[middle:])):
        part.frombytes(packed)
        if sys.byteorder == "big":
            part.byteswap()
    yield from ((name, key) for name, key in zip(hashes, keys, strict=True) if name in names)


def _packed(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
