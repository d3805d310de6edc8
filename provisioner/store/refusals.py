"""Refusals: what an undo took back, and no plan brings back unasked.

A refusal is about what a change wishes (plan/content.py), and made together with the undo's plan; it
holds while nobody rejects that plan. It shows in every plan as a rejected change, which an approval
lets through. It lapses when what it refused is no longer asked for: a full plan, made well after the
undo was carried out, doesn't hold it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import timedelta

from sqlalchemy import Connection, and_, delete, select

from connectors.records import Change, fold
from provisioner.plan.content import wishes_of
from provisioner.plan.model import Plan
from provisioner.store.database import chunked, upsert_many
from provisioner.store.moments import written
from provisioner.store.tables import changes, plans, refusals

_SHOWN_AFTER = timedelta(hours=1)
"""When even a vendor who shows what was done late shows it."""


def refuse(
    connection: Connection, plan: Plan, run: str, inverted: Iterable[tuple[Change, int]]
) -> None:
    """Refuse what changes wished that an undo's plan takes back, each by the change of that `seq`."""
    rows = {
        wish: (plan.sync, wish, int(plan.id), seq, fold(change.key), run)
        for change, seq in inverted
        for wish in wishes_of(change)
    }
    upsert_many(connection, refusals, rows.values())


def refused(connection: Connection, sync: str) -> dict[str, str]:
    """Return why each wish of a sync is refused, in words."""
    rows = connection.execute(
        select(refusals.c.wish, refusals.c.plan, refusals.c.run)
        .join(plans, plans.c.id == refusals.c.plan)
        .where(refusals.c.sync == sync, plans.c.rejected_at.is_(None))
        .order_by(refusals.c.plan)
    )
    return {
        wish: f"plan {plan} undoes it (run {run}); to have it all the same: `provisioner approve PLAN`"
        for wish, plan, run in rows
    }


def lapse(connection: Connection, plan: Plan, left_alone: Collection[str]) -> None:
    """Drop the refusals of what a full plan no longer asks for, but of people whom it left alone."""
    if plan.scope != "full":
        return
    undone_by = written(plan.created_at - _SHOWN_AFTER)
    rows = connection.execute(
        select(refusals.c.wish, refusals.c.plan, refusals.c.key)
        .join(changes, and_(changes.c.plan == refusals.c.plan, changes.c.seq == refusals.c.seq))
        .where(
            refusals.c.sync == plan.sync,
            changes.c.state == "done",
            changes.c.state_at <= undone_by,
        )
    ).all()
    if not rows:
        return
    asked = {wish for c in (*plan.changes, *plan.blocked, *plan.waiting) for wish in wishes_of(c)}
    lapsed: dict[int, list[str]] = defaultdict(list)
    for wish, undo, key in rows:
        if wish not in asked and key not in left_alone:
            lapsed[undo].append(wish)
    for undo, wishes in lapsed.items():
        theirs = and_(refusals.c.sync == plan.sync, refusals.c.plan == undo)
        for some in chunked(wishes):
            connection.execute(delete(refusals).where(theirs, refusals.c.wish.in_(some)))
