"""Entries: what each directory said of everybody at its last accepted read, in blocks.

A row for each person would cost more to write than everything else that a plan does. So a hundred
or so who stood beside each other are one row, compressed, named by a hash of what is in it: a block
that the next read has again is kept as it is. Where a block ends depends on the people in it, as
rsync and backup programs cut files, so that somebody new changes one block and moves no other.
Of people who are bound, and no longer in the directory, the last entry is kept in blocks of its own.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, select

from connectors.columns import Columns
from connectors.records import Person, fold
from provisioner.reads import STAMP, Reading
from provisioner.spool import decode_person, key_of
from provisioner.store.database import chunked, insert_many
from provisioner.store.tables import bindings, entries

_CUT = 127
"""A block ends after a person whose digest has these bits clear: one in 128."""

_MOST = 1024
"""People in one block at most."""

_FEW = 16
_AT_ONCE = 64
_THREADS = 4


class _Block(NamedTuple):
    """A block's name, and the numbers of its people in the reading."""

    name: str
    numbers: range


class _Entry(NamedTuple):
    """One encoded person, with the columns of the table whose row it is, as JSON, if it is one."""

    columns: str | None
    data: bytes


def keep_entries(connection: Connection, sync: str, reading: Reading) -> None:
    """Make an accepted read the remembered one; only blocks that the store lacks are written."""
    where = and_(entries.c.sync == sync, entries.c.directory == reading.name)
    present = select(entries.c.block).where(where, ~entries.c.gone)
    known = set(connection.execute(present).scalars())
    texts = None if reading.columns is None else json.dumps(reading.columns.texts)
    # equal people in a row may make equal blocks: one of them says it all
    blocks = {block.name: block for block in _cut(reading.stamps, texts or "")}
    new = [block for block in blocks.values() if block.name not in known]
    if known:
        _keep_gone(connection, where, sync, reading, known - blocks.keys(), new)
    rows = (
        (sync, reading.name, name, False, texts, index, data)
        for name, index, data in _packed(reading, new)
    )
    insert_many(connection, entries, rows)


def _keep_gone(
    connection: Connection,
    where: ColumnElement[bool],
    sync: str,
    reading: Reading,
    old: Collection[str],
    new: Iterable[_Block],
) -> None:
    """Delete the `old` blocks, but keep of who was in them those who are bound and nowhere any more.

    Who was in an old block, and still is in the directory, is in a `new` one.
    """
    lost: dict[str, _Entry] = {}
    fading = and_(where, entries.c.gone)
    for some in chunked(old):
        lost |= _entries(connection, and_(where, entries.c.block.in_(some)))
        connection.execute(delete(entries).where(where, entries.c.block.in_(some)))
    lost = _entries(connection, fading) | lost
    for block in new:
        for data in reading.spool.encoded(block.numbers):
            lost.pop(fold(key_of(data)), None)
    connection.execute(delete(entries).where(fading))
    bound: set[str] = set()
    for keys in chunked(lost):
        query = select(bindings.c.key).where(bindings.c.sync == sync, bindings.c.key.in_(keys))
        bound.update(connection.execute(query).scalars())
    kept = [lost[key] for key in sorted(bound)]
    insert_many(connection, entries, _gone_rows(sync, reading.name, kept))


def _entries(connection: Connection, where: ColumnElement[bool]) -> dict[str, _Entry]:
    """Return everybody in these blocks, by folded key."""
    found: dict[str, _Entry] = {}
    query = select(entries.c.columns, entries.c.people, entries.c.data).where(where)
    for row in connection.execute(query):
        for key, data in unpacked(row.people, row.data):
            found[key] = _Entry(row.columns, data)
    return found


def _gone_rows(
    sync: str, directory: str, people: Sequence[_Entry]
) -> Iterator[tuple[str, str, str, bool, str | None, bytes, bytes]]:
    for columns in sorted({entry.columns for entry in people}, key=str):
        rest = iter([entry.data for entry in people if entry.columns == columns])
        while some := list(islice(rest, _MOST)):
            digest = hashlib.sha256(f"gone {columns}".encode() + b"".join(some)).hexdigest()
            yield sync, directory, digest, True, columns, _index(some), _compressed(some)


def _cut(stamps: memoryview, columns: str) -> Iterator[_Block]:
    """Yield the blocks of a read, from its people's digests and what their rows' columns are."""
    first, people, start = 0, len(stamps) // STAMP, hashlib.sha256(columns.encode())
    for number in range(people):
        last = not stamps[number * STAMP] & _CUT or number + 1 == people
        if last or number + 1 - first == _MOST:
            name = start.copy()
            name.update(stamps[first * STAMP : (number + 1) * STAMP])
            yield _Block(name.hexdigest(), range(first, number + 1))
            first = number + 1


def _packed(reading: Reading, blocks: Iterable[_Block]) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield each block's name, index and data; several processors compress at once."""
    rest = iter(blocks)
    with ThreadPoolExecutor(_THREADS) as pool:
        while some := list(islice(rest, _AT_ONCE)):
            people = [reading.spool.encoded(block.numbers) for block in some]
            packed = pool.map(_compressed, people)
            for block, each, data in zip(some, people, packed, strict=True):
                yield block.name, _index(each), data


def _compressed(people: Sequence[bytes]) -> bytes:
    return zlib.compress(b"".join(people), 1)


def _index(people: Sequence[bytes]) -> bytes:
    """Return for each person a checksum of the key, by which they are found, and the length."""
    numbers = [n for data in people for n in (_checksum_of(data), len(data))]
    return struct.pack(f"<{len(numbers)}I", *numbers)


def _read_index(index: bytes) -> tuple[int, ...]:
    """Return checksum, length, checksum, length …"""
    return struct.unpack(f"<{len(index) // 4}I", index)


def _looking_for(checksums: Set[int]) -> Callable[[bytes], bool]:
    """Return what tells of a block's index whether somebody with one of the checksums may be in it.

    A few are looked for as bytes, wherever they stand: a block too many costs less than every number.
    """
    if len(checksums) > _FEW:
        return lambda people: not checksums.isdisjoint(_read_index(people)[::2])
    needles = [struct.pack("<I", each) for each in checksums]
    return lambda people: any(needle in people for needle in needles)


def _checksum(key: str) -> int:
    return zlib.crc32(key.encode())


def _checksum_of(data: bytes) -> int:
    """Return the checksum of an encoded person's folded key.

    Nearly every key is short and ASCII, and then stands at the very beginning as it is
    (MessagePack's fixstr in an array of two), where it is found in a fifth of the time.
    """
    size = data[1] - 0xA0
    if 0 <= size < 32 and (key := data[2 : 2 + size]).isascii():
        return zlib.crc32(key.strip().lower())
    return _checksum(fold(key_of(data)))


def known_entries(
    connection: Connection, sync: str, keys: Iterable[str], *, gone: bool = False
) -> dict[str, list[tuple[str, Person]]]:
    """Return what each directory said of these folded keys at the last accepted read.

    `gone`: also what was last known of those who are bound, and no longer in the directory. Of two
    people with one key, whom nobody could tell apart, it is always the same one.
    """
    sought = set(keys)
    found = _found(connection, sync, set(map(_checksum, sought)), (False, gone))
    return _decoded({place: entry for place, entry in found.items() if place[0] in sought})


def entries_like(
    connection: Connection, sync: str, checksums: Set[int]
) -> dict[str, list[tuple[str, Person]]]:
    """Return what `known_entries` does of all whose key has one of the checksums (plan/name_index.py)."""
    return _decoded(_found(connection, sync, checksums, (False,)))


def _found(
    connection: Connection, sync: str, checksums: Set[int], gone: Collection[bool]
) -> dict[tuple[str, str], _Entry]:
    """Return everybody whose key has one of the checksums, by key and directory."""
    if not checksums:
        return {}
    where = and_(entries.c.sync == sync, entries.c.gone.in_(gone))
    rows = connection.execute(select(entries.c.block, entries.c.people).where(where))
    may_hold = _looking_for(checksums)
    blocks = {row.block for row in rows if may_hold(row.people)}
    found: dict[tuple[str, str], _Entry] = {}
    held = (entries.c.directory, entries.c.columns, entries.c.people, entries.c.data)
    for some in chunked(blocks):
        for row in connection.execute(select(*held).where(where, entries.c.block.in_(some))):
            for key, data in unpacked(row.people, row.data, checksums):
                known = found.get((key, row.directory))
                if known is None or data < known.data:
                    found[key, row.directory] = _Entry(row.columns, data)
    return found


def _decoded(found: dict[tuple[str, str], _Entry]) -> dict[str, list[tuple[str, Person]]]:
    """Return people by key, each with their directory, in the order of its names."""
    tables = {
        texts: None if texts is None else Columns.named(json.loads(texts))
        for texts in {entry.columns for entry in found.values()}
    }
    people: dict[str, list[tuple[str, Person]]] = {}
    for (key, directory), entry in sorted(found.items(), key=lambda item: item[0]):
        person = decode_person(entry.data, "", tables[entry.columns])
        people.setdefault(key, []).append((directory, person))
    return people


def unpacked(
    people: bytes, data: bytes, checksums: Collection[int] | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield folded key and data of those in a block, or only those with one of the checksums."""
    index = _read_index(people)
    everybody = zlib.decompress(data)
    start = 0
    for checksum, length in zip(index[::2], index[1::2], strict=True):
        if checksums is None or checksum in checksums:
            one = everybody[start : start + length]
            yield fold(key_of(one)), one
        start += length
