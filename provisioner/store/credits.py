"""Credits that somebody entered by hand: purchases and usage, added and never changed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy import Connection, insert, select

from connectors.credits import Entry
from provisioner.store.audit import Entry as AuditEntry
from provisioner.store.audit import append
from provisioner.store.moments import written
from provisioner.store.tables import credit_entries

Kind = Literal["purchase", "usage"]


def add(
    connection: Connection,
    sync: str,
    kind: Kind,
    entry: Entry,
    by: str,
    note: str | None,
    now: datetime,
) -> None:
    """Add one entry to a sync's ledger, and put on record who did."""
    row = {"sync": sync, "kind": kind, "day": str(entry.day), "amount": str(entry.amount)}
    connection.execute(
        insert(credit_entries).values(**row, note=note, added_by=by, added_at=written(now))
    )
    detail = {"kind": kind, "day": row["day"], "amount": row["amount"], "by": by}
    detail |= {} if note is None else {"note": note}
    append(connection, [AuditEntry(kind="credits.added", sync=sync, detail=detail)], now)


def entries(connection: Connection, sync: str) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Return a sync's purchases and usage, in the order in which they were entered."""
    rows = connection.execute(
        select(credit_entries).where(credit_entries.c.sync == sync).order_by(credit_entries.c.id)
    )
    found: dict[str, list[Entry]] = {"purchase": [], "usage": []}
    for row in rows:
        found[row.kind].append(Entry(date.fromisoformat(row.day), Decimal(row.amount)))
    return tuple(found["purchase"]), tuple(found["usage"])
