"""What is remembered of people: the last accepted read of each directory, and who is bound to whom."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, and_, delete, select, update

from connectors.records import Person, Value, fold
from provisioner.memory import Binding, Learned
from provisioner.reads import Figures, Measure, Reading
from provisioner.spool import decode_person
from provisioner.store.database import insert_many, upsert_many
from provisioner.store.moments import moment, written
from provisioner.store.tables import applied, bindings, entries, reads

_WINDOW = timedelta(hours=24)
_CHUNK = 500


def measures(
    connection: Connection, sync: str, directory: str, now: datetime
) -> tuple[list[Measure], str | None]:
    """Return what a new read is held against, and the sha256 of the last accepted read.

    That is every accepted read of the last 24 hours, else the last one; an operator's overruling
    starts the measuring anew. Nothing before the first read.
    """
    rows = connection.execute(
        select(reads.c.figures, reads.c.read_at, reads.c.overruled, reads.c.sha256)
        .where(reads.c.sync == sync, reads.c.directory == directory, reads.c.accepted)
        .order_by(reads.c.id.desc())
    )
    found: list[Measure] = []
    last: str | None = None
    for figures, read_at, overruled, sha256 in rows:
        last = last or sha256
        at = moment(read_at)
        if found and at < now - _WINDOW:
            break
        found.append(Measure(msgspec.json.decode(figures, type=Figures), at))
        if overruled:
            break
    return found, last


def note_read(
    connection: Connection,
    sync: str,
    reading: Reading,
    now: datetime,
    *,
    accepted: bool,
    overruled: bool = False,
) -> None:
    """Record one read and its figures; a refused one too, for whoever asks why nothing was planned."""
    connection.execute(
        reads.insert().values(
            sync=sync,
            directory=reading.name,
            read_at=written(now),
            sha256=reading.sha256,
            figures=msgspec.json.encode(reading.figures).decode(),
            accepted=accepted,
            overruled=overruled,
        )
    )


def keep_entries(connection: Connection, sync: str, reading: Reading) -> None:
    """Make an accepted read the remembered one; only entries that differ are written.

    Of somebody who is bound and gone from the directory the last entry is kept, marked as gone.
    """
    where = and_(entries.c.sync == sync, entries.c.directory == reading.name)
    present = select(entries.c.digest).where(where, ~entries.c.gone)
    known = {bytes(d) for (d,) in connection.execute(present)}
    keys: set[str] = set()

    def rows() -> Iterator[tuple[str, str, str, bytes, bool, bytes]]:
        for spelled, stamp, data in reading.frames():
            key = fold(spelled)
            if key in keys:
                continue  # two with one key are a conflict already; the store keeps the first
            keys.add(key)
            if stamp not in known:
                yield sync, reading.name, key, stamp, False, data

    stored = select(entries.c.key).where(where)
    if connection.execute(stored.limit(1)).first() is None:
        insert_many(connection, entries, rows())
        return
    upsert_many(connection, entries, rows())
    gone = [key for (key,) in connection.execute(stored) if key not in keys]
    bound_keys = select(bindings.c.key).where(bindings.c.sync == sync)
    for chunk in _chunks(gone):
        these = and_(where, entries.c.key.in_(chunk))
        connection.execute(delete(entries).where(these, entries.c.key.not_in(bound_keys)))
        connection.execute(update(entries).where(these).values(gone=True))


def known_entries(
    connection: Connection, sync: str, directories: Sequence[str], keys: Iterable[str]
) -> tuple[dict[str, list[tuple[str, Person]]], dict[str, list[tuple[str, Person]]]]:
    """Return what each directory said of these folded keys at the last accepted read, by key, and
    what was last known of those who are bound, and by now gone from the directory.

    Both in the order of `directories`.
    """
    present: dict[str, list[tuple[str, Person]]] = {}
    gone: dict[str, list[tuple[str, Person]]] = {}
    # the directory is named because the primary key begins with it
    for directory in directories:
        for chunk in _chunks(sorted(set(keys))):
            rows = connection.execute(
                select(entries.c.key, entries.c.gone, entries.c.data).where(
                    entries.c.sync == sync,
                    entries.c.directory == directory,
                    entries.c.key.in_(chunk),
                )
            )
            for key, left, data in rows:
                found = gone if left else present
                found.setdefault(key, []).append((directory, decode_person(data)))
    return present, gone


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def bound(connection: Connection, sync: str) -> Iterator[Binding]:
    """Yield every binding of a sync, in the order of the keys."""
    rows = connection.execute(
        select(
            bindings.c.key,
            bindings.c.phone_id,
            bindings.c.gone_since,
        )
        .where(bindings.c.sync == sync)
        .order_by(bindings.c.key)
        .execution_options(yield_per=5_000)
    )
    for key, phone_id, gone_since in rows:
        yield Binding(key, phone_id, moment(gone_since) if gone_since else None)


def last_applied(connection: Connection, sync: str) -> dict[tuple[str, str], Value]:
    """Return the last applied values of what can't be read back, by (folded key, entitlement)."""
    rows = connection.execute(
        select(applied.c.key, applied.c.entitlement, applied.c.value).where(applied.c.sync == sync)
    )
    return {(key, entitlement): json.loads(value) for key, entitlement, value in rows}


def keep_applied(connection: Connection, sync: str, values: dict[tuple[str, str], Value]) -> None:
    """Remember values as last applied."""
    rows = ((sync, key, entitlement, json.dumps(v)) for (key, entitlement), v in values.items())
    upsert_many(connection, applied, rows)


def learn(
    connection: Connection, sync: str, learned: Learned, as_of: datetime, *, adopted: bool
) -> None:
    """Store what a plan's reads taught: new bindings (provisional until adoption), comings and goings."""
    gone = set(learned.gone)
    upsert_many(
        connection,
        bindings,
        (
            (
                sync,
                b.key,
                b.phone_id,
                not adopted,
                written(as_of) if b.key in gone else None,
            )
            for b in learned.bound
        ),
    )
    fresh = {b.key for b in learned.bound}
    where = bindings.c.sync == sync
    for chunk in _chunks(sorted(gone - fresh)):
        connection.execute(
            update(bindings)
            .where(where, bindings.c.key.in_(chunk), bindings.c.gone_since.is_(None))
            .values(gone_since=written(as_of))
        )
    for chunk in _chunks(sorted(set(learned.back) - fresh)):
        connection.execute(
            update(bindings).where(where, bindings.c.key.in_(chunk)).values(gone_since=None)
        )
    for chunk in _chunks(sorted(learned.lost)):
        connection.execute(delete(bindings).where(where, bindings.c.key.in_(chunk)))
    keep_applied(connection, sync, learned.applied)


def bind(connection: Connection, sync: str, binding: Binding) -> None:
    """Bind a person to the account that was just made for them."""
    row = (sync, binding.key, binding.phone_id, False, None)
    upsert_many(connection, bindings, [row])


def forget_provisional(connection: Connection, sync: str) -> None:
    """Drop the bindings of a sync that no person has approved yet: every plan matches them anew."""
    connection.execute(delete(bindings).where(bindings.c.sync == sync, bindings.c.provisional))


def confirm(connection: Connection, sync: str) -> None:
    """Make the provisional bindings of a sync lasting: a person approved its first full plan."""
    connection.execute(update(bindings).where(bindings.c.sync == sync).values(provisional=False))
