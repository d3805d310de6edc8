"""The audit: what was read, planned, decided, sent and done, one entry after the other, for good.

    with engine.begin() as connection:
        ...what happens...
        append(connection, [Entry(kind="plan.approved", plan="17", detail={"by": "eva"})], now)

Entries stand in the same transaction as what they record: neither is there without the other. They are
chained (store/chain.py) and written just before that transaction commits, whenever in it they were
appended. Who writes one holds the chain's end until the commit; by then everything else that the
transaction needs is locked, so that two can't wait for each other, and the end is held as briefly
as can be. The order of the ids is the order of the commits, and no id is left out.

Never append a secret, a header, a body or a query. A person's key, mail address or vendor's id may
name the object; what was set, and to what, is in the plan, whose hash is on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import Connection, Engine, RootTransaction, event, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from provisioner.store.chain import NOTHING, Row, detail_text, hash_of
from provisioner.store.moments import written
from provisioner.store.tables import audit, audit_head

_AT_ONCE = 5_000

HEAD_LOST = "audit.head_lost"
"""An entry by the program itself: the record of where the chain ends was missing, and is made anew."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `kind` is `object.verb`; `detail` is what JSON can hold.

    `plan` is a plan's id, `seq` a change of it. `at`: when it happened, if that isn't now.
    """

    kind: str
    detail: Any = {}
    sync: str | None = None
    run: str | None = None
    plan: str | None = None
    seq: int | None = None
    at: datetime | None = None


class Head(NamedTuple):
    """Where the chain ends: how many entries there are, and the hash of the last one."""

    entries: int
    hash: str


@dataclass(slots=True)
class _Waiting:
    """What one transaction is going to append, and the run that its entries are of."""

    rows: list[Row] = field(default_factory=list)
    run: str | None = None


_waiting: WeakKeyDictionary[RootTransaction, _Waiting] = WeakKeyDictionary()
"""By open transaction; what one was going to append is forgotten with it if it doesn't commit."""


def append(connection: Connection, entries: Iterable[Entry], now: datetime) -> None:
    """Add entries to the audit, in their order, if and when the connection's transaction commits."""
    rows = [_row(entry, now) for entry in entries]
    if rows:
        _of(connection).rows.extend(rows)


def of_run(connection: Connection, run: str | None) -> None:
    """Let the entries of the connection's transaction be of this run where they name none."""
    _of(connection).run = run


def _of(connection: Connection) -> _Waiting:
    transaction = connection.get_transaction() or connection.begin()
    return _waiting.setdefault(transaction, _Waiting())


def _row(entry: Entry, now: datetime) -> Row:
    """Return an entry as the row it becomes, but for its place in the chain."""
    plan = None if entry.plan is None else int(entry.plan)
    place = (entry.sync, entry.run, plan, entry.seq)
    detail = detail_text(entry.detail)
    return Row(0, written(entry.at or now), *place, entry.kind, detail, "")


@event.listens_for(Engine, "commit")
def _chain(connection: Connection) -> None:
    """Chain and write what the transaction that is about to commit has appended."""
    transaction = connection.get_transaction()
    waiting = None if transaction is None else _waiting.pop(transaction, None)
    if waiting is None or not waiting.rows:
        return
    rows = [row if row.run else row._replace(run=waiting.run) for row in waiting.rows]
    end, lost = _end(connection)
    if lost:
        rows.insert(0, Row(0, rows[0].at, None, None, None, None, HEAD_LOST, "{}", ""))
    chained: list[dict[str, Any]] = []
    prev = end.hash
    for number, row in enumerate(rows, end.entries + 1):
        placed = row._replace(id=number)
        prev = hash_of(prev, placed)
        chained.append(placed._replace(hash=prev)._asdict())
    connection.execute(insert(audit), chained)
    moved = {"entries": end.entries + len(rows), "hash": prev}
    connection.execute(update(audit_head).where(audit_head.c.one == 1).values(moved))


def _end(connection: Connection) -> tuple[Head, bool]:
    """Lock the chain's end and return it, and whether the record of it was lost."""
    if (end := head(connection, locked=True)) is not None:
        return end, False
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    first = dialect.insert(audit_head).values(one=1, entries=0, hash=NOTHING)
    connection.execute(first.on_conflict_do_nothing())  # somebody else may be at it, too
    end = head(connection, locked=True) or Head(0, NOTHING)
    last = select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)
    if end.entries or (found := connection.execute(last).first()) is None:
        return end, False
    return Head(*found), True


def head(connection: Connection, *, locked: bool = False) -> Head | None:
    """Return where the chain ends, as it is recorded apart from the entries; None if it isn't.

    `locked`: nobody else appends before this transaction ends.
    """
    asked = select(audit_head.c.entries, audit_head.c.hash).where(audit_head.c.one == 1)
    found = connection.execute(asked.with_for_update() if locked else asked).first()
    return None if found is None else Head(*found)


def plans_since(connection: Connection, entries: int) -> set[int]:
    """Return the plans that anything was recorded of since there were so many entries.

    Whatever moves on in a plan is on record in the same transaction.
    """
    asked = select(audit.c.plan).where(audit.c.id > entries, audit.c.plan.is_not(None)).distinct()
    return set(connection.execute(asked).scalars())


def last_at(connection: Connection) -> str | None:
    """Return the moment of the last entry, as the store writes it."""
    asked = select(audit.c.at).order_by(audit.c.id.desc()).limit(1)
    found: str | None = connection.execute(asked).scalar()
    return found


def rows(
    connection: Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    sync: str | None = None,
    run: str | None = None,
) -> Iterator[tuple[str, Row]]:
    """Yield entries in the order of the chain, each with the hash of the one before it.

    `since` and `until` (exclusive) bound when it happened. One at a time comes out of the database;
    the hash before is as that entry says it, NOTHING where there is none.
    """
    before = audit.alias()
    asked = (
        select(audit, func.coalesce(before.c.hash, NOTHING))
        .outerjoin(before, before.c.id == audit.c.id - 1)
        .order_by(audit.c.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    if since is not None:
        asked = asked.where(audit.c.at >= written(since))
    if until is not None:
        asked = asked.where(audit.c.at < written(until))
    if sync is not None:
        asked = asked.where(audit.c.sync == sync)
    if run is not None:
        asked = asked.where(audit.c.run == run)
    for *row, prev in connection.execute(asked):
        yield prev, Row(*row)
