"""How far each change of a plan has come: sent, then done, settling, failed, stale or skipped.

A change that is `sent` and has no outcome is in doubt: whatever ended the run, the next one reads the
user back. One that wasn't sent after all goes back to what was decided of it, held ones to being held.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select, update

from connectors.records import Change, Outcome, State
from provisioner.plan.model import Plan
from provisioner.store.database import chunked
from provisioner.store.decisions import use_up
from provisioner.store.moments import moment, written
from provisioner.store.tables import bindings, changes


class Open(NamedTuple):
    """A change that reached the phone system, and of which it isn't known yet what became of it.

    `key` is folded; `sent_by` is the claim of the run that sent it, None where that isn't known.
    """

    plan: str
    seq: int
    key: str
    state: State
    at: datetime
    sent_by: str | None


def mark_sent(
    connection: Connection, plan: Plan, seqs: Sequence[int], by: str, now: datetime
) -> None:
    """Note that a call is about to leave for these changes, sent under the claim `by`."""
    _set(connection, plan.id, [Outcome(seq, "sent") for seq in seqs], now, by)


def mark(
    connection: Connection, plan: Plan, outcomes: Sequence[tuple[Change, Outcome]], now: datetime
) -> None:
    """Note what became of changes. A decision is used up when its change is done."""
    _set(connection, plan.id, [outcome for _, outcome in outcomes], now)
    use_up(connection, plan.sync, (c for c, outcome in outcomes if outcome.state == "done"))


def _set(
    connection: Connection,
    plan: str,
    outcomes: Sequence[Outcome],
    now: datetime,
    by: str | None = None,
) -> None:
    if not outcomes:
        return
    statement = (
        update(changes)
        .where(changes.c.plan == bindparam("of_plan"), changes.c.seq == bindparam("of_seq"))
        .values(
            state=bindparam("new_state"),
            reason=bindparam("new_reason"),
            state_at=bindparam("at"),
            phone_id=func.coalesce(bindparam("new_id"), changes.c.phone_id),
            sent_by=func.coalesce(bindparam("by"), changes.c.sent_by),
        )
    )
    fixed = {"of_plan": int(plan), "at": written(now), "by": by}
    rows = [
        {
            **fixed,
            "of_seq": one.seq,
            "new_state": one.state,
            "new_reason": one.reason,
            "new_id": one.id,
        }
        for one in outcomes
    ]
    connection.execute(statement, rows)


def mark_unsent(connection: Connection, plan: Plan, seqs: Collection[int], now: datetime) -> None:
    """Put changes that were not carried out after all back to what was decided of them."""
    for some in chunked(seqs):
        rows = connection.execute(
            select(changes.c.seq, changes.c.decided, changes.c.document).where(
                changes.c.plan == int(plan.id), changes.c.seq.in_(some)
            )
        )
        back = [
            Outcome(seq, decided, json.loads(document).get("reason"))
            for seq, decided, document in rows
        ]
        _set(connection, plan.id, back, now)


def open_changes(connection: Connection, sync: str) -> list[Open]:
    """Return the changes of a sync, of whatever plan, that are sent or settling; oldest plan first."""
    rows = connection.execute(
        select(
            changes.c.plan,
            changes.c.seq,
            changes.c.key,
            changes.c.state,
            changes.c.state_at,
            changes.c.sent_by,
        )
        .where(changes.c.sync == sync, changes.c.state.in_(("sent", "settling")))
        .order_by(changes.c.plan, changes.c.seq)
    )
    return [
        Open(str(row.plan), row.seq, row.key, row.state, moment(row.state_at), row.sent_by)
        for row in rows
    ]


def held_for(connection: Connection, plan: Plan) -> dict[int, str]:
    """Return why each change of a plan was held when it was planned, by seq, whatever its state now."""
    rows = connection.execute(
        select(changes.c.seq, changes.c.document).where(
            changes.c.plan == int(plan.id), changes.c.decided == "held"
        )
    )
    return {seq: json.loads(document).get("reason") or "" for seq, document in rows}


def bound_ids(connection: Connection, sync: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the vendor's ids of these folded keys, of those who are bound."""
    found: dict[str, str] = {}
    for some in chunked(keys):
        rows = connection.execute(
            select(bindings.c.key, bindings.c.phone_id).where(
                bindings.c.sync == sync, bindings.c.key.in_(some)
            )
        )
        found.update((key, phone_id) for key, phone_id in rows)
    return found


def ended(connection: Connection, plan: Plan) -> frozenset[int]:
    """Return the changes of a plan of which it is known what became of them at the phone system, by seq."""
    known = ("done", "settling", "failed", "stale", "skipped")
    mine = (changes.c.plan == int(plan.id), changes.c.state.in_(known))
    return frozenset(connection.execute(select(changes.c.seq).where(*mine)).scalars())
