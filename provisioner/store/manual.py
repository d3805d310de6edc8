"""Manual steps: what only a person can do there, as the newest plans of each sync hold it.

A step is known by its change's content, so that it keeps its id from plan to plan. It is over when a
newer plan no longer holds it, or when it is ticked off because no read could ever show it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, delete, literal, select, tuple_, update

from connectors.records import Change, Outcome, fold
from provisioner.plan.content import content_of
from provisioner.plan.model import UNDO, Plan
from provisioner.store import changes as change_store
from provisioner.store.audit import Entry, append
from provisioner.store.database import chunked, upsert_many
from provisioner.store.moments import moment, written
from provisioner.store.tables import changes, manual_steps

PREFIX, _SHOWN = "m-", 10


class Noted(NamedTuple):
    """Somebody's word that a step is done, which no plan has shown yet."""

    at: datetime
    by: str
    note: str | None


class Step(NamedTuple):
    """An open manual step: the change in the newest plan that holds it, and since when it is due.

    `undo`: it is of an undo's plan, which no other plan supersedes.
    """

    sync: str
    content: str
    plan: str
    change: Change
    since: datetime
    undo: bool
    noted: Noted | None

    @property
    def id(self) -> str:
        """What the step is called: the same in every plan that holds it."""
        return f"{PREFIX}{self.content[:_SHOWN]}"


def keep(connection: Connection, plan: Plan, covers: Collection[str]) -> None:
    """Take in the manual steps of a plan that was just recorded; those that it drops are over.

    `covers`: of a plan for some people only, their folded keys.
    """
    if plan.scope == "preview":
        return
    undo = plan.scope == UNDO
    now = {content_of(c): c for c in plan.changes if c.state == "manual"}
    theirs = and_(manual_steps.c.sync == plan.sync)
    known = {row.content: row for row in connection.execute(select(manual_steps).where(theirs))}
    gone = [
        row
        for content, row in known.items()
        if content not in now
        and not (undo or row.undo)
        and (plan.scope == "full" or row.key in covers)
    ]
    _end(connection, plan.sync, [row.content for row in gone])
    _tell(connection, plan, gone)
    rows = []
    for content, change in now.items():
        row = known.get(content)
        kept = (written(plan.created_at), None, None, None)
        if row is not None:
            kept = (row.since, row.noted_at, row.noted_by, row.note)
        rows.append(
            (plan.sync, content, fold(change.key), int(plan.id), change.seq, undo, *kept)
        )  # fmt: skip
    upsert_many(connection, manual_steps, rows)


def _end(connection: Connection, sync: str, contents: Iterable[str]) -> None:
    for some in chunked(contents):
        where = and_(manual_steps.c.sync == sync, manual_steps.c.content.in_(some))
        connection.execute(delete(manual_steps).where(where))


def _tell(connection: Connection, plan: Plan, gone: Iterable[Any]) -> None:
    """Put on record which steps a plan no longer holds: they were done, or nobody wants them any more."""
    for row in gone:
        detail = {"step": f"{PREFIX}{row.content[:_SHOWN]}", "noted_by": row.noted_by}
        entry = Entry(kind="manual.over", sync=plan.sync, plan=str(row.plan), seq=row.seq)
        append(connection, [msgspec.structs.replace(entry, detail=detail)], plan.created_at)


Place = tuple[str, str, int, int]
"""Where a step stands among the open ones: after all that have a lower one."""


def place_of(step: Step) -> Place:
    """Return where an open step stands."""
    return step.sync, written(step.since), int(step.plan), step.change.seq


def open_steps(
    connection: Connection,
    syncs: Collection[str],
    after: Place | None = None,
    most: int | None = None,
) -> list[Step]:
    """Return the open manual steps of these syncs: by sync, the longest due first.

    Those that stand `after` a place, and at `most` so many, where that is asked.
    """
    held = and_(manual_steps.c.plan == changes.c.plan, manual_steps.c.seq == changes.c.seq)
    place = manual_steps.c.sync, manual_steps.c.since, manual_steps.c.plan, changes.c.seq
    asked = (
        select(manual_steps, changes.c.document, changes.c.reason, changes.c.phone_id)
        .join(changes, held)
        .where(manual_steps.c.sync.in_(sorted(syncs)), changes.c.state == "manual")
        .order_by(*place)
        .limit(most)
    )
    if after is not None:
        asked = asked.where(tuple_(*place) > tuple_(*map(literal, after)))
    found = []
    for row in connection.execute(asked):
        known = {"state": "manual", "reason": row.reason, "id": row.phone_id}
        change = msgspec.convert({**json.loads(row.document), **known}, Change)
        noted = None
        if row.noted_at is not None:
            noted = Noted(moment(row.noted_at), row.noted_by, row.note)
        since = moment(row.since)
        step = Step(row.sync, row.content, str(row.plan), change, since, row.undo, noted)
        found.append(step)
    return found


def note_done(
    connection: Connection, steps: Sequence[Step], by: str, note: str | None, now: datetime
) -> None:
    """Note that somebody says that these steps are done; the next plan shows whether they are."""
    for step in steps:
        where = and_(manual_steps.c.sync == step.sync, manual_steps.c.content == step.content)
        connection.execute(
            update(manual_steps)
            .where(where)
            .values(noted_at=written(now), noted_by=by, note=note)
        )  # fmt: skip
    _record(connection, "manual.noted", steps, by, note, now)


def tick_off(
    connection: Connection,
    plan: Plan,
    steps: Sequence[Step],
    by: str,
    note: str | None,
    now: datetime,
) -> None:
    """Count steps of one plan as done, for good: no read could ever show it."""
    done = [(step.change, Outcome(step.change.seq, "done")) for step in steps]
    change_store.mark(connection, plan, done, now)
    _end(connection, plan.sync, [step.content for step in steps])
    _record(connection, "manual.done", steps, by, note, now)


def _record(
    connection: Connection,
    kind: str,
    steps: Iterable[Step],
    by: str,
    note: str | None,
    now: datetime,
) -> None:
    detail = {"by": by} if note is None else {"by": by, "note": note}
    entries = [
        Entry(
            kind=kind,
            sync=step.sync,
            plan=step.plan,
            seq=step.change.seq,
            detail={
                "step": step.id,
                "change": step.change.kind,
                "user": step.change.user,
                **detail,
            },
        )
        for step in steps
    ]
    append(connection, entries, now)
