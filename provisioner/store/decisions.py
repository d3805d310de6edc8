"""What people decided: that a sync may go ahead at all, and what is approved or rejected.

A decision is about a change's content (provisioner/plan/content.py), for every plan of the sync that
holds the same, until it expires or the change is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, select, update

from connectors.records import Change
from provisioner.plan.content import content_of
from provisioner.plan.model import Plan
from provisioner.store.database import chunked, upsert_many
from provisioner.store.moments import written
from provisioner.store.tables import changes, decisions, plans, syncs

Decision = Literal["approved", "rejected"]

_OPEN = ("planned", "held", "approved", "rejected", "failed", "skipped")
"""States of changes that may still be carried out, so that a decision about them means something."""


def is_adopted(connection: Connection, sync: str) -> bool:
    """Return whether a person has approved a full plan of the sync."""
    at = connection.execute(select(syncs.c.adopted_at).where(syncs.c.sync == sync)).scalar()
    return at is not None


def adopt(connection: Connection, sync: str, by: str, now: datetime) -> None:
    """Note that a person approved a full plan: from now on the approval policy decides."""
    upsert_many(connection, syncs, [(sync, written(now), by)])


def decide(
    connection: Connection,
    plan: Plan,
    decision: Decision,
    by: str,
    now: datetime,
    expires: timedelta,
) -> int:
    """Record a decision about every change of a plan that may still be carried out; return how many.

    Held changes are decided too, but stay held: approving alone never releases them.
    """
    chosen = [change for change in plan.changes if change.state in _OPEN]
    at, until, number = written(now), written(now + expires), int(plan.id)
    upsert_many(
        connection,
        decisions,
        (
            (plan.sync, content, decision, by, at, until, number)
            for content in sorted({content_of(change) for change in chosen})
        ),
    )
    undecided = changes.c.state.in_(("planned", "approved", "rejected"))
    connection.execute(
        update(changes)
        .where(changes.c.plan == number, undecided, changes.c.decided != "held")
        .values(state=decision, decided=decision, state_at=at)
    )
    values = (
        {"approved_at": at, "approved_by": by, "rejected_at": None}
        if decision == "approved"
        else {"approved_at": None, "approved_by": None, "rejected_at": at}
    )
    connection.execute(update(plans).where(plans.c.id == number).values(**values))
    return len(chosen)


def decided(connection: Connection, sync: str, now: datetime) -> dict[str, Decision]:
    """Return the unexpired decisions of a sync, by content."""
    rows = connection.execute(
        select(decisions.c.content, decisions.c.decision).where(
            decisions.c.sync == sync, decisions.c.expires_at > written(now)
        )
    )
    return {row.content: row.decision for row in rows}


def live_decisions(connection: Connection, plan: Plan, now: datetime) -> dict[int, Decision]:
    """Return, by seq, the unexpired decisions about a plan's changes."""
    known = decided(connection, plan.sync, now)
    found = ((change.seq, known.get(content_of(change))) for change in plan.changes)
    return {seq: decision for seq, decision in found if decision is not None}


def use_up(connection: Connection, sync: str, done: Iterable[Change]) -> None:
    """Forget the decisions about changes that are done: the same change asks again another time."""
    for contents in chunked({content_of(change) for change in done}):
        connection.execute(
            delete(decisions).where(decisions.c.sync == sync, decisions.c.content.in_(contents))
        )
