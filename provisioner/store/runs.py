"""Runs: every run of the program on a sync, and in the audit every step of carrying a plan out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, literal, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from connectors.errors import RunError
from provisioner import who
from provisioner.store.audit import Entry, append, last_at
from provisioner.store.database import can_be_kept
from provisioner.store.moments import moment, written
from provisioner.store.reviews import Review, half_approved, reviews_of
from provisioner.store.tables import audit, changes, leases, plans, runs

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


class NoSuchRun(RunError):
    """The store has no run of this id."""


def run_of(connection: Connection, run: str) -> RunRow:
    """Return a run by its id. Raises NoSuchRun if there is none."""
    asked = select(runs).where(runs.c.id == run)
    row = connection.execute(asked).first() if can_be_kept(run) else None
    if row is None:
        raise unknown(run)
    return _run_row(row)


def started_by(connection: Connection, run: str) -> str | None:
    """Return who began a run: who asked for it, or as whom the program ran; None if nobody noted it."""
    begun = (audit.c.run == run) & (audit.c.kind == "run.started")
    detail = connection.execute(select(audit.c.detail).where(begun).limit(1)).scalar()
    found: str | None = None if detail is None else json.loads(detail).get("by")
    return found


def unknown(run: str) -> NoSuchRun:
    """Return the error about a run that isn't there."""
    return NoSuchRun(
        f"there is no run {run!r} in this store", remedy="`provisioner runs` lists the runs"
    )


def listed(
    connection: Connection,
    most: int = 50,
    *,
    syncs: Collection[str] | None = None,
    plan: str | None = None,
    before: str | None = None,
) -> list[RunRow]:
    """Return the last runs, newest first; of these syncs only, and of one plan, where that is asked.

    `before`: those that began before this run. Raises NoSuchRun if there is no such run.
    """
    asked = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(most)
    if syncs is not None:
        asked = asked.where(runs.c.sync.in_(sorted(syncs)))
    if plan is not None:
        asked = asked.where(runs.c.plan == int(plan))
    if before is not None:
        at = written(run_of(connection, before).started_at)
        asked = asked.where(
            tuple_(runs.c.started_at, runs.c.id) < tuple_(literal(at), literal(before))
        )
    return [_run_row(row) for row in connection.execute(asked)]


def _run_row(row: Row[Any]) -> RunRow:
    return RunRow(
        row.id,
        row.sync,
        None if row.plan is None else str(row.plan),
        row.command,
        moment(row.started_at),
        moment(row.ended_at) if row.ended_at else None,
        row.status,
        json.loads(row.summary) if row.summary else {},
    )


States: TypeAlias = Mapping[int, Mapping[str, int]]
"""How many changes of each plan are in which state, by the plan's number."""


def states_of(connection: Connection, numbers: Collection[int]) -> dict[int, dict[str, int]]:
    """Count the changes of these plans by state."""
    counted: dict[int, dict[str, int]] = {number: {} for number in numbers}
    counts = connection.execute(
        select(changes.c.plan, changes.c.state, func.count())
        .where(changes.c.plan.in_(list(counted)))
        .group_by(changes.c.plan, changes.c.state)
    )
    for plan, state, count in counts:
        counted[plan][state] = count
    return counted


def plans_listed(
    connection: Connection,
    most: int = 50,
    *,
    second: Mapping[str, Collection[str]] = MappingProxyType({}),
    now: datetime | None = None,
    syncs: Collection[str] | None = None,
    before: int | None = None,
    states: Callable[[Connection, Collection[int]], States] = states_of,
) -> list[PlanRow]:
    """Return the last plans, newest first, with their changes counted by state, and their reviews.

    `second`: the risks and kinds that two people must approve, by sync; `now`: when it is looked at.
    Of these `syncs` only, and `before` this number, where that is asked. `states` counts.
    """
    asked = select(plans.c.id, plans.c.sync, plans.c.created_at, plans.c.scope, plans.c.approved_by)
    if syncs is not None:
        asked = asked.where(plans.c.sync.in_(sorted(syncs)))
    if before is not None:
        asked = asked.where(plans.c.id < before)
    rows = connection.execute(asked.order_by(plans.c.id.desc()).limit(most)).all()
    numbers = [row.id for row in rows]
    counted = states(connection, numbers)
    reviewed = reviews_of(connection, numbers)
    lacking = half_approved(connection, list(reviewed), second, now or datetime.now(UTC))
    return [
        PlanRow(
            *(str(r.id), r.sync, moment(r.created_at), r.scope, r.approved_by, dict(counted[r.id])),
            reviews=tuple(reviewed.get(r.id, ())),
            lacking=lacking[r.id],
        )
        for r in rows
    ]


def plan_row(
    connection: Connection,
    plan: int,
    *,
    second: Mapping[str, Collection[str]],
    now: datetime,
    states: Callable[[Connection, Collection[int]], States],
) -> PlanRow:
    """Return one recorded plan as `plans_listed` does; it must be there."""
    (row,) = plans_listed(connection, 1, second=second, now=now, before=plan + 1, states=states)
    return row


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
