"""An index of names: who a name may mean, found again without reading everybody.

For each directory it holds a checksum of every name beside one of the person's key, in buckets, so that
looking a name up reads one small part of it. Checksums collide: whoever is found is somebody who may be
called so, and whether they are is seen when they are read.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator

BUCKETS = 256


class NameIndex:
    """Collects what each directory calls its people."""

    def __init__(self) -> None:
        self._directories: dict[str, list[array[int]]] = {}

    def note(self, directory: str, names: Iterable[str | None], key: str) -> None:
        """Take in somebody's folded names, by their folded key."""
        buckets = self._directories.get(directory)
        if buckets is None:
            buckets = self._directories[directory] = [array("Q") for _ in range(BUCKETS)]
        of_key = checksum(key)
        for name in names:
            if name:
                of_name = checksum(name)
                buckets[of_name % BUCKETS].append(of_name << 32 | of_key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NameIndex) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield (directory, bucket, its data) of the buckets that aren't empty; equal names, equal data."""
        for directory, buckets in sorted(self._directories.items()):
            for number, pairs in enumerate(buckets):
                if pairs:
                    yield directory, number, _little(array("Q", sorted(set(pairs)))).tobytes()


def checksum(text: str) -> int:
    """Return the 32 bits that stand for a folded name or key."""
    return zlib.crc32(text.encode())


def keys_among(data: bytes, names: Collection[int]) -> Iterator[int]:
    """Yield the checksums of the keys that a bucket's data has under these names' checksums."""
    pairs = array("Q")
    pairs.frombytes(data)
    for pair in _little(pairs):
        if pair >> 32 in names:
            yield pair & 0xFFFFFFFF


def _little(pairs: array[int]) -> array[int]:
    """Return the pairs as a store keeps them, whichever machine reads it."""
    if sys.byteorder == "big":
        pairs.byteswap()
    return pairs
