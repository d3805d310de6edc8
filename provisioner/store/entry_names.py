"""What each directory called everybody at its last accepted read: an index that leads to their keys.

A push reads only a few people, but the manager of one of them may be anybody. Names are kept as buckets of
hashes (plan/name_index.py), a row for each bucket; a row for each name would cost more to write than a plan does.
They are kept where the mapping manages delegates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, and_, delete, select

from provisioner.plan.name_index import BUCKETS, NameIndex, hashed, keys_among
from provisioner.store.database import upsert_many
from provisioner.store.tables import entry_names


def keep_names(connection: Connection, sync: str, index: NameIndex) -> None:
    """Make these the names of the last accepted read; only buckets that changed are written."""
    asked = select(entry_names.c.bucket, entry_names.c.directory, entry_names.c.sha256)
    rows = connection.execute(asked.where(entry_names.c.sync == sync))
    known = {(bucket, directory): sha256 for bucket, directory, sha256 in rows}
    upsert_many(connection, entry_names, _new(sync, index, known))
    for bucket, directory in known:
        gone = and_(entry_names.c.bucket == bucket, entry_names.c.directory == directory)
        connection.execute(delete(entry_names).where(entry_names.c.sync == sync, gone))


def _new(
    sync: str, index: NameIndex, known: dict[tuple[int, str], str]
) -> Iterator[tuple[str, int, str, str, bytes]]:
    """Yield the rows that the store lacks; in `known` stay those that are no more."""
    for directory, bucket, data in index:
        sha256 = hashlib.sha256(data).hexdigest()
        if known.pop((bucket, directory), None) != sha256:
            yield sync, bucket, directory, sha256, data


def has_names(connection: Connection, sync: str) -> bool:
    """Return whether names were kept of a sync."""
    asked = select(entry_names.c.bucket).where(entry_names.c.sync == sync).limit(1)
    return connection.execute(asked).first() is not None


def called(
    connection: Connection, sync: str, names: Iterable[str]
) -> dict[str, set[tuple[str, int]]]:
    """Return who bears these folded names, by name: directory, and the checksum of their key."""
    sought = {hashed(name): name for name in names}
    found: dict[str, set[tuple[str, int]]] = {name: set() for name in sought.values()}
    for bucket in sorted({each % BUCKETS for each in sought}):
        asked = select(entry_names.c.directory, entry_names.c.data).where(
            entry_names.c.sync == sync, entry_names.c.bucket == bucket
        )
        for directory, data in connection.execute(asked):
            for name, key in keys_among(data, sought):
                found[sought[name]].add((directory, key))
    return found
