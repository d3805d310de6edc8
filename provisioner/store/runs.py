"""Runs and the journal: every run of the program on a sync, and every step of carrying a plan out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from connectors.errors import RunError
from provisioner.store.moments import moment, written
from provisioner.store.tables import changes, journal, leases, plans, runs


class RunRow(msgspec.Struct, frozen=True):
    """One run: which command on which plan, when, and how it ended (`status`: None while it runs)."""

    id: str
    sync: str
    plan: str | None
    command: str
    started_at: datetime
    ended_at: datetime | None
    status: int | None
    summary: dict[str, Any]


class PlanRow(msgspec.Struct, frozen=True):
    """One recorded plan, for the history: `states` counts its changes by state."""

    id: str
    sync: str
    created_at: datetime
    scope: str
    approved_by: str | None
    states: dict[str, int]


def start(connection: Connection, sync: str, command: str, plan: str | None, now: datetime) -> str:
    """Note that a run begins, and return its id."""
    run = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    connection.execute(
        insert(runs).values(id=run, sync=sync, plan=plan, command=command, started_at=written(now))
    )
    return run


def end(
    connection: Connection,
    run: str,
    status: int,
    summary: Mapping[str, Any],
    now: datetime,
    plan: str | None = None,
) -> None:
    """Note how a run ended: its exit status and figures, and the plan it made if it made one."""
    values: dict[str, Any] = {
        "status": status,
        "summary": json.dumps(summary),
        "ended_at": written(now),
    }
    if plan is not None:
        values["plan"] = plan
    connection.execute(update(runs).where(runs.c.id == run).values(**values))


def note(
    connection: Connection,
    run: str,
    event: str,
    detail: Mapping[str, Any],
    now: datetime,
    plan: str | None = None,
    seq: int | None = None,
) -> None:
    """Append one line to the journal. `detail` holds no payload and no secret."""
    connection.execute(
        insert(journal).values(
            at=written(now), run=run, plan=plan, seq=seq, event=event, detail=json.dumps(detail)
        )
    )


def listed(connection: Connection, most: int = 50) -> list[RunRow]:
    """Return the last runs, newest first."""
    rows = connection.execute(select(runs).order_by(runs.c.started_at.desc()).limit(most))
    return [
        RunRow(
            row.id,
            row.sync,
            row.plan,
            row.command,
            moment(row.started_at),
            moment(row.ended_at) if row.ended_at else None,
            row.status,
            json.loads(row.summary) if row.summary else {},
        )
        for row in rows
    ]


def plans_listed(connection: Connection, most: int = 50) -> list[PlanRow]:
    """Return the last plans, newest first, with their changes counted by state."""
    rows = connection.execute(select(plans).order_by(plans.c.created_at.desc()).limit(most)).all()
    counted: dict[str, dict[str, int]] = {row.id: {} for row in rows}
    counts = connection.execute(
        select(changes.c.plan, changes.c.state, func.count())
        .where(changes.c.plan.in_(list(counted)))
        .group_by(changes.c.plan, changes.c.state)
    )
    for plan, state, count in counts:
        counted[plan][state] = count
    return [
        PlanRow(r.id, r.sync, moment(r.created_at), r.scope, r.approved_by, counted[r.id])
        for r in rows
    ]


def take_lease(
    connection: Connection, name: str, holder: str, now: datetime, lasts: timedelta
) -> None:
    """Take, or prolong, the right to work on something alone. Raises RunError if another holds it."""
    row = connection.execute(select(leases).where(leases.c.name == name)).first()
    if row is not None and row.holder != holder and moment(row.until) > now:
        raise RunError(
            f"{name} is being worked on by another process ({row.holder}, until {row.until})",
            remedy="wait for it to end; after a crash the right lapses by itself at that time",
        )
    connection.execute(delete(leases).where(leases.c.name == name))
    connection.execute(insert(leases).values(name=name, holder=holder, until=written(now + lasts)))


def give_back(connection: Connection, name: str, holder: str) -> None:
    """Give a lease back; nothing if it is another's by now."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
