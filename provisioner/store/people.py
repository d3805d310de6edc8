"""What is remembered of people: the figures of reads, who is bound to whom, what was applied last."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from connectors.records import Change, Value, fold
from provisioner.memory import Binding, Learned
from provisioner.reads import Figures, Measure, Reading
from provisioner.remembering import Applied, remembered
from provisioner.store import sweeps
from provisioner.store.audit import append
from provisioner.store.audit_entries import directory_read
from provisioner.store.database import chunked, upsert_many
from provisioner.store.moments import moment, written
from provisioner.store.tables import applied, bindings, reads

_WINDOW = timedelta(hours=24)


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
    entry = directory_read(sync, reading, accepted=accepted, overruled=overruled)
    append(connection, [entry], now)


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


def bound_some(connection: Connection, sync: str, keys: Iterable[str]) -> list[Binding]:
    """Return the bindings of these folded keys, in their order."""
    columns = (bindings.c.key, bindings.c.phone_id, bindings.c.gone_since)
    found: list[Binding] = []
    for some in chunked(set(keys)):
        asked = select(*columns).where(bindings.c.sync == sync, bindings.c.key.in_(some))
        found += [
            Binding(key, phone_id, moment(since) if since else None)
            for key, phone_id, since in connection.execute(asked.order_by(bindings.c.key))
        ]
    return found


def count_bound(connection: Connection, sync: str) -> int:
    """Return how many people of a sync are bound to a phone user."""
    asked = select(func.count()).select_from(bindings).where(bindings.c.sync == sync)
    return connection.execute(asked).scalar() or 0


def bound_to(connection: Connection, sync: str, phone_ids: Iterable[str]) -> dict[str, str]:
    """Return the folded keys of those whom these phone users are bound to, by the vendor's id."""
    found: dict[str, str] = {}
    for some in chunked(set(phone_ids)):
        asked = select(bindings.c.phone_id, bindings.c.key)
        rows = connection.execute(
            asked.where(bindings.c.sync == sync, bindings.c.phone_id.in_(some))
        )
        found.update((phone_id, key) for phone_id, key in rows)
    return found


def last_applied(
    connection: Connection, sync: str, keys: Collection[str] | None = None
) -> dict[tuple[str, str], Value]:
    """Return the last applied values of what can't be read back, by (folded key, entitlement).

    With `keys` only of these people, and of everybody who was once given delegates.
    """
    asked = select(applied.c.key, applied.c.entitlement, applied.c.value)
    asked = asked.where(applied.c.sync == sync)
    parts = [asked]
    if keys is not None:
        parts = [asked.where(applied.c.key.in_(some)) for some in chunked(keys)]
        parts.append(asked.where(applied.c.entitlement == "delegates"))
    rows = [row for part in parts for row in connection.execute(part)]
    return {(key, entitlement): json.loads(value) for key, entitlement, value in rows}


def keep_applied(connection: Connection, sync: str, values: dict[tuple[str, str], Value]) -> None:
    """Remember values as last applied."""
    rows = ((sync, key, entitlement, json.dumps(v)) for (key, entitlement), v in values.items())
    upsert_many(connection, applied, rows)


def remember(
    connection: Connection, sync: str, done: Iterable[Change], unreadable: Collection[str]
) -> None:
    """Remember what carried-out changes did that can't be read back (provisioner/remembering.py)."""
    values: dict[tuple[str, str], Value] = {}
    for change in done:
        known: Applied = values
        listed = change.kind.startswith("delegate.") and "delegates" in unreadable
        if listed or change.kind == "welcome.resend":
            known = last_applied(connection, sync, [fold(change.key)]) | values
        values.update(remembered(change, unreadable, known))
    if values:
        keep_applied(connection, sync, values)


def learn(
    connection: Connection, sync: str, learned: Learned, as_of: datetime, *, adopted: bool
) -> None:
    """Store what a plan's reads taught: new bindings (provisional until adoption), comings and goings."""
    gone, since = set(learned.gone), written(as_of)
    fresh = {binding.key: binding.phone_id for binding in learned.bound}
    # in the order of the keys, as they stand in the table: that saves a quarter of the time
    rows = (
        (sync, key, fresh[key], not adopted, since if key in gone else None)
        for key in sorted(fresh)
    )
    upsert_many(connection, bindings, rows)
    where = bindings.c.sync == sync
    for chunk in chunked(gone - fresh.keys()):
        connection.execute(
            update(bindings)
            .where(where, bindings.c.key.in_(chunk), bindings.c.gone_since.is_(None))
            .values(gone_since=since)
        )
    for chunk in chunked(set(learned.back) - fresh.keys()):
        connection.execute(
            update(bindings).where(where, bindings.c.key.in_(chunk)).values(gone_since=None)
        )
    for chunk in chunked(learned.lost):
        connection.execute(delete(bindings).where(where, bindings.c.key.in_(chunk)))
    keep_applied(connection, sync, learned.applied)
    sweeps.note(connection, sync, learned.delegations, as_of)


def bind(connection: Connection, sync: str, binding: Binding) -> None:
    """Bind a person to the account that was just made for them."""
    row = (sync, binding.key, binding.phone_id, False, None)
    upsert_many(connection, bindings, [row])


def rebind(connection: Connection, sync: str, old: str, new: str) -> None:
    """Have a person's binding, and what was last applied to them, under another folded key.

    For a new key that nobody is bound by.
    """
    forgotten = (applied.c.sync == sync) & (applied.c.key == new)
    connection.execute(delete(applied).where(forgotten))
    for table in (bindings, applied):
        theirs = (table.c.sync == sync) & (table.c.key == old)
        connection.execute(update(table).where(theirs).values(key=new))


def confirm(connection: Connection, sync: str) -> None:
    """Make the provisional bindings of a sync lasting: a person approved its first full plan."""
    connection.execute(update(bindings).where(bindings.c.sync == sync).values(provisional=False))
