"""Plans on record: what was planned, what was decided about it, and what became of each change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from connectors.errors import RunError
from connectors.records import Change, State, fold
from provisioner.memory import Memory, Reason
from provisioner.plan.content import REMOVALS, content_of
from provisioner.plan.document import change_document, head_document, instant
from provisioner.plan.model import Plan
from provisioner.store.database import insert_many
from provisioner.store.moments import moment, written
from provisioner.store.people import last_applied
from provisioner.store.tables import changes, decisions, plans, syncs

Decision = Literal["approved", "rejected"]

_WINDOW = timedelta(hours=24)
_REACHED = ("sent", "settling", "done")
"""States of changes that reached the phone system, or may have."""


def sha256_of(plan: Plan) -> str:
    """Return the hash of what is reviewed in a plan; the states that move on later don't count."""
    reviewed = (
        (plan.id, plan.sync, instant(plan.as_of), plan.base),
        [
            (c.seq, c.kind, c.key, c.id, c.before, c.after, c.consequences, c.needs)
            for c in plan.changes
        ],
    )
    return hashlib.sha256(msgspec.json.encode(reviewed, order="deterministic")).hexdigest()


def record(connection: Connection, plan: Plan) -> Plan:
    """Record a new plan and return it with its id, decisions of earlier plans carried over."""
    newest = connection.execute(select(func.count()).select_from(plans)).scalar_one()
    plan = msgspec.structs.replace(plan, id=str(newest + 1))
    decided = _decided(connection, plan.sync, plan.created_at)
    at = written(plan.created_at)
    carried = tuple(_carry(change, decided) for change in plan.changes)
    plan = msgspec.structs.replace(plan, changes=carried)
    head = head_document(plan)
    connection.execute(
        plans.insert().values(
            id=plan.id,
            sync=plan.sync,
            created_at=at,
            scope=plan.scope,
            mapping=plan.base.mapping,
            sha256=sha256_of(plan),
            head=json.dumps(head, ensure_ascii=False),
        )
    )
    insert_many(connection, changes, (_row(plan, change, at) for change in carried))
    return plan


def _carry(change: Change, decided: dict[str, Decision]) -> Change:
    decision = decided.get(content_of(change))
    if decision is None or change.state != "planned":
        return change
    return msgspec.structs.replace(change, state=decision)


def _decided(connection: Connection, sync: str, now: datetime) -> dict[str, Decision]:
    rows = connection.execute(
        select(decisions.c.content, decisions.c.decision).where(
            decisions.c.sync == sync, decisions.c.expires_at > written(now)
        )
    )
    return {row.content: row.decision for row in rows}


def _row(plan: Plan, change: Change, at: str) -> tuple[object, ...]:
    document = json.dumps(change_document(change), ensure_ascii=False)
    content, key = content_of(change), fold(change.key)
    return (
        *(plan.id, change.seq, plan.sync, change.kind, key, content, document),
        *(change.state, change.reason, at, change.id),
    )


def load(connection: Connection, plan_id: str) -> Plan:
    """Return a recorded plan, each change in the state it is in now. Raises RunError if there is none."""
    head = connection.execute(select(plans.c.head).where(plans.c.id == plan_id)).scalar()
    if head is None:
        raise RunError(
            f"there is no plan {plan_id!r} in this store",
            remedy="`provisioner runs` lists the plans",
        )
    rows = connection.execute(
        select(changes.c.document, changes.c.state, changes.c.reason, changes.c.phone_id)
        .where(changes.c.plan == plan_id)
        .order_by(changes.c.seq)
    )
    listed = [
        {**json.loads(document), "state": state, "reason": reason, "id": phone_id}
        for document, state, reason, phone_id in rows
    ]
    return msgspec.convert({**json.loads(head), "changes": listed}, Plan)


def check_file(connection: Connection, plan: Plan) -> str:
    """Return the id of a plan that was read from a file; raise RunError unless the store knows it."""
    known = connection.execute(select(plans.c.sha256).where(plans.c.id == plan.id)).scalar()
    if known is None:
        raise RunError(
            f"the plan file is of plan {plan.id!r}, which this store doesn't know",
            remedy="give -c the config that the plan was made with",
        )
    if known != sha256_of(plan):
        raise RunError(
            f"the plan file is not what was recorded as plan {plan.id}: it was edited, or is another store's",
            remedy=f"give the plan's id, or write it again: `provisioner show {plan.id} --format json`",
        )
    return plan.id


def newest_full(connection: Connection, sync: str) -> str | None:
    """Return the id of the newest plan that was made for everybody of a sync."""
    return connection.execute(
        select(plans.c.id)
        .where(plans.c.sync == sync, plans.c.scope == "full")
        .order_by(plans.c.created_at.desc())
        .limit(1)
    ).scalar()


def is_adopted(connection: Connection, sync: str) -> bool:
    """Return whether a person has approved a full plan of the sync."""
    at = connection.execute(select(syncs.c.adopted_at).where(syncs.c.sync == sync)).scalar()
    return at is not None


def adopt(connection: Connection, sync: str, by: str, now: datetime) -> None:
    """Note that a person approved a full plan: from now on the approval policy decides."""
    connection.execute(delete(syncs).where(syncs.c.sync == sync))
    connection.execute(syncs.insert().values(sync=sync, adopted_at=written(now), adopted_by=by))


def decide(
    connection: Connection,
    plan: Plan,
    decision: Decision,
    by: str,
    now: datetime,
    expires: timedelta,
) -> int:
    """Record a decision about every change of a plan that still waits for one; return how many.

    Held changes are decided too, but stay held: approving alone never releases them.
    """
    open_states = ("planned", "held", "approved", "rejected")
    chosen = [change for change in plan.changes if change.state in open_states]
    contents = sorted({content_of(change) for change in chosen})
    for start in range(0, len(contents), 500):
        connection.execute(
            delete(decisions).where(
                decisions.c.sync == plan.sync,
                decisions.c.content.in_(contents[start : start + 500]),
            )
        )
    until = written(now + expires)
    insert_many(
        connection,
        decisions,
        ((plan.sync, content, decision, by, written(now), until, plan.id) for content in contents),
    )
    for change in chosen:
        if change.state != "held":
            set_state(connection, plan.id, change.seq, decision, None, now)
    if decision == "approved":
        values = {"approved_at": written(now), "approved_by": by}
    else:
        values = {"rejected_at": written(now)}
    connection.execute(update(plans).where(plans.c.id == plan.id).values(**values))
    return len(chosen)


def live_decisions(connection: Connection, plan: Plan, now: datetime) -> dict[int, Decision]:
    """Return, by seq, the unexpired decisions about a plan's changes."""
    decided = _decided(connection, plan.sync, now)
    found = ((change.seq, decided.get(content_of(change))) for change in plan.changes)
    return {seq: decision for seq, decision in found if decision is not None}


def set_state(
    connection: Connection,
    plan_id: str,
    seq: int,
    state: State,
    reason: str | None,
    now: datetime,
    phone_id: str | None = None,
) -> None:
    """Move one change on. A decision is used up when its change is done."""
    values: dict[str, object] = {"state": state, "reason": reason, "state_at": written(now)}
    if phone_id is not None:
        values["phone_id"] = phone_id
    where = (changes.c.plan == plan_id) & (changes.c.seq == seq)
    connection.execute(update(changes).where(where).values(**values))
    if state == "done":
        used = select(changes.c.content).where(where).scalar_subquery()
        sync = select(changes.c.sync).where(where).scalar_subquery()
        connection.execute(
            delete(decisions).where(decisions.c.sync == sync, decisions.c.content == used)
        )


def in_doubt(connection: Connection, sync: str) -> list[tuple[str, int]]:
    """Return (plan, seq) of every change that was sent and whose outcome is not on record."""
    rows = connection.execute(
        select(changes.c.plan, changes.c.seq)
        .where(changes.c.sync == sync, changes.c.state == "sent")
        .order_by(changes.c.plan, changes.c.seq)
    )
    return [(plan, seq) for plan, seq in rows]


def contents_of(connection: Connection, plan_id: str) -> frozenset[str]:
    """Return the content hashes of a plan's changes."""
    rows = connection.execute(select(changes.c.content).where(changes.c.plan == plan_id))
    return frozenset(content for (content,) in rows)


def remembered(connection: Connection, sync: str, now: datetime) -> Memory:
    """Return what planning a sync takes from the store, but for the bindings."""
    newest = newest_full(connection, sync)
    mapping = None
    if newest is not None:
        mapping = connection.execute(select(plans.c.mapping).where(plans.c.id == newest)).scalar()
    since = written(now - _WINDOW)
    rows = connection.execute(
        select(changes.c.kind, changes.c.key).where(
            changes.c.sync == sync, changes.c.state.in_(_REACHED), changes.c.state_at >= since
        )
    ).all()
    return Memory(
        adopted=is_adopted(connection, sync),
        applied=last_applied(connection, sync),
        reasons={} if newest is None else dict(_reasons(connection, newest)),
        mapping=mapping,
        lost=frozenset(key for kind, key in rows if kind in REMOVALS),
        changed=frozenset(key for _, key in rows),
    )


def _reasons(connection: Connection, plan_id: str) -> Iterator[tuple[str, Reason]]:
    """Yield why each change of a plan that is not done yet was planned, by content."""
    plan = load(connection, plan_id)
    titles = {cluster.id: cluster.title for cluster in plan.clusters}
    due: Iterable[Change] = (*plan.changes, *plan.blocked, *plan.waiting)
    for change in due:
        if change.state != "done":
            title = titles.get(change.cluster, change.because)
            yield content_of(change), Reason(change.cause, change.because, title)


def released_since(
    connection: Connection, sync: str, since: datetime
) -> list[tuple[str, datetime]]:
    """Return the numbers that a sync released since then, with the moment."""
    rows = connection.execute(
        select(changes.c.document, changes.c.state_at).where(
            changes.c.sync == sync,
            changes.c.kind.in_(("number.release", "license.remove")),
            changes.c.state.in_(_REACHED),
            changes.c.state_at >= written(since),
        )
    )
    found = []
    for document, at in rows:
        change = json.loads(document)
        numbers = [change["before"]] if change["kind"] == "number.release" else []
        numbers += [
            said.removeprefix("number ").removesuffix(" is released")
            for said in change["consequences"]
            if said.startswith("number ")
        ]
        found += [(number, moment(at)) for number in numbers]
    return found
