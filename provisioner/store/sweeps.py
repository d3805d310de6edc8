"""When the delegations of each phone user were last read, where a read takes a call for each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, and_, select

from provisioner.store.database import upsert_many
from provisioner.store.moments import moment, written
from provisioner.store.tables import bindings, delegation_reads


def last_reads(connection: Connection, sync: str) -> list[tuple[str, datetime | None]]:
    """Return everybody who is bound, by the vendor's id, with their last read; None for never.

    Those who were never read stand first, then those whose read is oldest.
    """
    theirs = and_(
        delegation_reads.c.sync == bindings.c.sync,
        delegation_reads.c.phone_id == bindings.c.phone_id,
    )
    at = delegation_reads.c.read_at
    asked = (
        select(bindings.c.phone_id, at)
        .select_from(bindings.outerjoin(delegation_reads, theirs))
        .where(bindings.c.sync == sync)
        .order_by(at.is_not(None), at, bindings.c.phone_id)
    )
    rows = connection.execute(asked.execution_options(yield_per=5_000))
    return [(phone_id, moment(read_at) if read_at else None) for phone_id, read_at in rows]


def note(connection: Connection, sync: str, phone_ids: Iterable[str], now: datetime) -> None:
    """Remember that the delegations of these phone users were read now."""
    upsert_many(
        connection, delegation_reads, ((sync, id, written(now)) for id in sorted(phone_ids))
    )
