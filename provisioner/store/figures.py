"""Figures of the store for whoever watches it: last runs, newest plans, and what waits to be carried out."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from provisioner.store.moments import moment
from provisioner.store.scim_tables import scim_dirty
from provisioner.store.tables import changes, plans, reads, runs


class LastRun(NamedTuple):
    """When a sync's last run that has ended did so, and its exit status."""

    ended_at: datetime
    status: int


class Waiting(NamedTuple):
    """How many people changed in the receiver and aren't planned for yet, and since when the first."""

    people: int
    since: datetime


def waiting_pushes(connection: Connection) -> dict[str, Waiting]:
    """Return what is marked in the receiver, by sync; nothing for one of which nothing waits."""
    marks = scim_dirty.c
    people = func.count(marks.user_id.distinct())
    rows = connection.execute(select(marks.sync, people, func.min(marks.at)).group_by(marks.sync))
    return {sync: Waiting(count, moment(first)) for sync, count, first in rows}


def last_runs(connection: Connection) -> dict[str, LastRun]:
    """Return the last ended run of each sync, whatever command it was of."""
    newest = (
        select(runs.c.sync, func.max(runs.c.ended_at).label("ended_at"))
        .where(runs.c.ended_at.is_not(None), runs.c.status.is_not(None))
        .group_by(runs.c.sync)
        .subquery()
    )
    rows = connection.execute(
        select(runs.c.sync, runs.c.ended_at, runs.c.status).join(
            newest, (runs.c.sync == newest.c.sync) & (runs.c.ended_at == newest.c.ended_at)
        )
    )
    return {row.sync: LastRun(moment(row.ended_at), row.status) for row in rows}


def last_run(connection: Connection, sync: str) -> LastRun | None:
    """Return the last run of a sync that has ended, None if none has."""
    row = connection.execute(
        select(runs.c.ended_at, runs.c.status)
        .where(runs.c.sync == sync, runs.c.ended_at.is_not(None), runs.c.status.is_not(None))
        .order_by(runs.c.started_at.desc())
        .limit(1)
    ).first()
    return None if row is None else LastRun(moment(row.ended_at), row.status)


def last_read(connection: Connection, sync: str, directory: str) -> datetime | None:
    """Return when a directory was last read and believed."""
    asked = select(reads.c.read_at).where(
        reads.c.sync == sync, reads.c.directory == directory, reads.c.accepted
    )
    at = connection.execute(asked.order_by(reads.c.read_at.desc()).limit(1)).scalar()
    return None if at is None else moment(at)


def newest_states(connection: Connection) -> dict[str, dict[str, int]]:
    """Return, by sync, how many changes of its newest full plan are in which state."""
    newest = select(plans.c.sync, func.max(plans.c.id)).where(plans.c.scope == "full")
    found = connection.execute(newest.group_by(plans.c.sync)).all()
    states: dict[str, dict[str, int]] = {sync: {} for sync, _ in found}
    by_plan = {plan: sync for sync, plan in found}
    rows = connection.execute(
        select(changes.c.plan, changes.c.state, func.count())
        .where(changes.c.plan.in_(list(by_plan)))
        .group_by(changes.c.plan, changes.c.state)
    )
    for plan, state, count in rows:
        states[by_plan[plan]][state] = count
    return states
