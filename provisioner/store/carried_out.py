"""What a run did: the changes that it was the last to send, and that are carried out.

Several runs may send one change before it is done, each after finding out that it had not been. A
manual step that an operator ticked off counts for whatever run carried out its plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, select

from connectors.errors import RunError
from connectors.records import Change
from provisioner.plan.effects import Done
from provisioner.plan.operators import Written
from provisioner.store import plans as plan_store
from provisioner.store.database import chunked
from provisioner.store.moments import moment, written
from provisioner.store.plans import REACHED
from provisioner.store.tables import audit, changes, plans, runs

_APPLY = "apply"


class ApplyRun(NamedTuple):
    """A run that carried out a plan; `plan` is None where it came to none, `ended_at` while it goes."""

    id: str
    sync: str
    plan: int | None
    started_at: str
    ended_at: datetime | None


def run_called(connection: Connection, given: str) -> ApplyRun:
    """Return the run that is meant by its id, or by the id of a plan that one run alone carried out.

    A daemon's run means the part of it that carried out its plan. Raises RunError for anything else.
    """
    row = connection.execute(select(runs).where(runs.c.id == given)).first()
    if row is not None:
        part = None if row.command == _APPLY or row.plan is None else _part(connection, row)
        return _run(row) if part is None else part
    if not plan_store.exists(connection, given):
        raise RunError(
            f"there is no run {given!r} in this store", remedy="`provisioner runs` lists the runs"
        )
    found = [_run(each) for each in connection.execute(_applying(int(given)))]
    if not found:
        raise RunError(
            f"plan {given} was never applied, so there is nothing to undo",
            remedy="`provisioner runs` lists the runs",
        )
    did = [run for run in found if _did_anything(connection, run)]
    if len(did) > 1:
        listed = ", ".join(run.id for run in did)
        raise RunError(
            f"plan {given} was carried out by several runs: {listed}",
            remedy="give one of them at a time, the last one first",
        )
    return (did or found)[-1]


def _part(connection: Connection, whole: Row[Any]) -> ApplyRun | None:
    """Return the run of apply within a daemon's run; None if it didn't come to that."""
    within = [runs.c.started_at >= whole.started_at]
    if whole.ended_at is not None:
        within.append(runs.c.started_at <= whole.ended_at)
    row = connection.execute(_applying(whole.plan).where(*within)).first()
    return None if row is None else _run(row)


def _applying(plan: int) -> Select[Any]:
    mine = and_(runs.c.plan == plan, runs.c.command == _APPLY)
    return select(runs).where(mine).order_by(runs.c.started_at, runs.c.id)


def _run(row: Row[Any]) -> ApplyRun:
    ended = None if row.ended_at is None else moment(row.ended_at)
    return ApplyRun(row.id, row.sync, row.plan, row.started_at, ended)


def _did_anything(connection: Connection, run: ApplyRun) -> bool:
    reached = {done.change.seq for done in sent_by(connection, run)}
    return not reached.isdisjoint(_last_sent(connection, run))


def sent_by(connection: Connection, run: ApplyRun) -> list[Done]:
    """Return the changes that a run was the last to send, in an order in which they can have been done.

    Each is done, settling, or still `sent`: nobody knows yet what became of it.
    """
    if run.plan is None:
        return []
    seqs = _last_sent(connection, run)
    head = connection.execute(select(plans.c.head).where(plans.c.id == run.plan)).scalar_one()
    titles = {cluster["id"]: cluster["title"] for cluster in json.loads(head)["clusters"]}
    ticked_off = and_(changes.c.decided == "manual", changes.c.state == "done")
    found: dict[int, Change] = {}
    for which in (ticked_off, *(changes.c.seq.in_(some) for some in chunked(seqs))):
        rows = connection.execute(
            select(changes.c.document, changes.c.state, changes.c.phone_id).where(
                changes.c.plan == run.plan, which, changes.c.state.in_(REACHED)
            )
        )
        for document, state, phone_id in rows:
            change = plan_store.change_of(document, state, None, phone_id)
            found[change.seq] = change
    plan = str(run.plan)
    return [Done(plan, found[seq], titles.get(found[seq].cluster, "")) for seq in sorted(found)]


def _last_sent(connection: Connection, run: ApplyRun) -> set[int]:
    """Return the changes of the run's plan that it sent, and neither took back nor a later run sent."""
    later = select(runs.c.id).where(runs.c.plan == run.plan, runs.c.started_at >= run.started_at)
    rows = connection.execute(
        select(audit.c.seq, audit.c.kind, audit.c.run)
        .where(
            audit.c.run.in_(list(connection.execute(later).scalars())),  # itself, too
            audit.c.plan == run.plan,
            audit.c.kind.in_(("change.sent", "change.unsent")),
        )
        .order_by(audit.c.id)
    )
    last = {seq: (kind, sender) for seq, kind, sender in rows}
    return {seq for seq, each in last.items() if each == ("change.sent", run.id)}


def written_since(
    connection: Connection, sync: str, since: datetime, keys: Iterable[str]
) -> list[Written]:
    """Return what a sync wrote to the phone system since then, of people by folded key."""
    found: list[Written] = []
    for some in chunked(keys):
        rows = connection.execute(
            select(changes.c.key, changes.c.kind, changes.c.state_at).where(
                changes.c.sync == sync,
                changes.c.key.in_(some),
                changes.c.state.in_(REACHED),
                changes.c.state_at >= written(since),
            )
        )
        found += [Written(key, kind.partition(".")[0], moment(at)) for key, kind, at in rows]
    return found
