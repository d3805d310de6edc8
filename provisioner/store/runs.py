"""Runs: every run of the program on a sync, and in the audit every step of carrying a plan out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connectors.errors import RunError
from provisioner import who
from provisioner.store.audit import Entry, append, last_at
from provisioner.store.moments import moment, written
from provisioner.store.reviews import Review, half_approved, reviews_of
from provisioner.store.tables import changes, leases, plans, runs

_SKEW = timedelta(minutes=5)
"""How far two machines' clocks may be apart."""


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
    """One recorded plan, for the history: `states` counts its changes by state.

    `reviews`: what was decided about it, the first first; `lacking`: how many of its changes one
    person has approved and two must.
    """

    id: str
    sync: str
    created_at: datetime
    scope: str
    approved_by: str | None
    states: dict[str, int]
    reviews: tuple[Review, ...] = ()
    lacking: int = 0


def start(
    connection: Connection,
    sync: str,
    command: str,
    plan: str | None,
    now: datetime,
    options: Mapping[str, Any] = {},
) -> str:
    """Note that a run begins, and return its id; `options`: what was allowed it beyond the usual."""
    run = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    connection.execute(
        insert(runs).values(
            id=run,
            sync=sync,
            plan=None if plan is None else int(plan),
            command=command,
            started_at=written(now),
        )
    )
    detail = {"command": command, "by": who.login(), "version": who.version(), **options}
    entry = Entry(kind="run.started", detail=detail, sync=sync, run=run, plan=plan)
    append(connection, [entry], now)
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
        values["plan"] = int(plan)
    ended = update(runs).where(runs.c.id == run).values(**values)
    row = connection.execute(ended.returning(runs.c.sync, runs.c.plan)).first()
    sync, number = (None, None) if row is None else row
    entry = Entry(
        kind="run.ended",
        detail={"status": status, "summary": summary},
        sync=sync,
        run=run,
        plan=None if number is None else str(number),
    )
    append(connection, [entry], now)


def note(
    connection: Connection,
    run: str,
    plan: str,
    events: Iterable[tuple[int, str, Mapping[str, Any]]],
    now: datetime,
    sync: str | None = None,
) -> None:
    """Put steps of a plan's changes on record: seq, event (`sent`, `done`…) and details of each.

    In the audit an event is the entry `change.EVENT`. Never a payload or a secret. `sync`: the run's,
    looked up where it isn't given.
    """
    if sync is None:
        sync = connection.execute(select(runs.c.sync).where(runs.c.id == run)).scalar()
    entries = (
        Entry(kind=f"change.{event}", detail=detail, sync=sync, run=run, plan=plan, seq=seq)
        for seq, event, detail in events
    )
    append(connection, entries, now)


def newest_moment(connection: Connection) -> datetime | None:
    """Return the latest moment that the store knows of by its plans, runs and audit."""
    found = [
        connection.execute(select(func.max(plans.c.created_at))).scalar(),
        connection.execute(select(func.max(runs.c.started_at))).scalar(),
        last_at(connection),
    ]
    return max((moment(at) for at in found if at is not None), default=None)


def refuse_old_clock(connection: Connection, now: datetime) -> None:
    """Raise RunError if the clock was set back: expiries and windows would mean nothing."""
    newest = newest_moment(connection)
    if newest is not None and now < newest - _SKEW:
        raise RunError(
            f"it is {now:%Y-%m-%d %H:%M:%S} UTC by this machine's clock, but the store knows of"
            f" {newest:%Y-%m-%d %H:%M:%S} already",
            remedy="nothing was sent: set the clock right; if it is right now and was ahead before,"
            " wait until then",
        )


def listed(connection: Connection, most: int = 50) -> list[RunRow]:
    """Return the last runs, newest first."""
    rows = connection.execute(select(runs).order_by(runs.c.started_at.desc()).limit(most))
    return [
        RunRow(
            row.id,
            row.sync,
            None if row.plan is None else str(row.plan),
            row.command,
            moment(row.started_at),
            moment(row.ended_at) if row.ended_at else None,
            row.status,
            json.loads(row.summary) if row.summary else {},
        )
        for row in rows
    ]


def plans_listed(
    connection: Connection,
    most: int = 50,
    *,
    second: Mapping[str, Collection[str]] = MappingProxyType({}),
    now: datetime | None = None,
) -> list[PlanRow]:
    """Return the last plans, newest first, with their changes counted by state, and their reviews.

    `second`: the risks and kinds that two people must approve, by sync; `now`: when it is looked at.
    """
    rows = connection.execute(select(plans).order_by(plans.c.id.desc()).limit(most)).all()
    counted: dict[int, dict[str, int]] = {row.id: {} for row in rows}
    counts = connection.execute(
        select(changes.c.plan, changes.c.state, func.count())
        .where(changes.c.plan.in_(list(counted)))
        .group_by(changes.c.plan, changes.c.state)
    )
    for plan, state, count in counts:
        counted[plan][state] = count
    reviewed = reviews_of(connection, list(counted))
    lacking = half_approved(connection, list(reviewed), second, now or datetime.now(UTC))
    return [
        PlanRow(
            *(str(r.id), r.sync, moment(r.created_at), r.scope, r.approved_by, counted[r.id]),
            reviews=tuple(reviewed.get(r.id, ())),
            lacking=lacking[r.id],
        )
        for r in rows
    ]


def take_lease(
    connection: Connection, name: str, holder: str, now: datetime, lasts: timedelta
) -> None:
    """Take, or prolong, the right to work on something alone. Raises RunError if another holds it.

    One statement, so that of two who come at the same moment one gets it, on either database.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    mine = dialect.insert(leases).values(name=name, holder=holder, until=written(now + lasts))
    ours_or_lapsed = (leases.c.holder == holder) | (leases.c.until <= written(now))
    taken = connection.execute(
        mine.on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={"holder": mine.excluded.holder, "until": mine.excluded.until},
            where=ours_or_lapsed,
        ).returning(leases.c.name)
    ).first()
    if taken is None:
        row = lease(connection, name)
        held = f" ({row.holder}, until {row.until:%H:%M:%S} UTC)" if row else ""
        raise RunError(
            f"{name} is being worked on by another process{held}",
            remedy="wait for it to end; after a crash the right lapses by itself at that time",
        )


class LeaseRow(NamedTuple):
    """Who holds a lease, and until when if it isn't prolonged."""

    holder: str
    until: datetime


def lease(connection: Connection, name: str) -> LeaseRow | None:
    """Return a lease as it stands, lapsed or not; None if nobody holds it."""
    asked = select(leases.c.holder, leases.c.until).where(leases.c.name == name)
    row = connection.execute(asked).first()
    return None if row is None else LeaseRow(row.holder, moment(row.until))


def leases_held(connection: Connection, now: datetime) -> dict[str, str]:
    """Return who holds what at this moment: the holder by the lease's name."""
    asked = select(leases.c.name, leases.c.holder).where(leases.c.until > written(now))
    return {row.name: row.holder for row in connection.execute(asked)}


def prolong_lease(
    connection: Connection, name: str, holder: str, now: datetime, lasts: timedelta
) -> bool:
    """Hold a lease for longer; return whether it was still the holder's."""
    mine = (leases.c.name == name) & (leases.c.holder == holder)
    until = written(now + lasts)
    return connection.execute(update(leases).where(mine).values(until=until)).rowcount == 1


def give_back(connection: Connection, name: str, holder: str) -> None:
    """Give a lease back; nothing if it is another's by now."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
