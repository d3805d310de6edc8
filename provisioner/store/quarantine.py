"""Quarantine: people whom the phone system refused are parked for a while, and so is a sync that mostly fails.

A person's time grows from run to run, five minutes doubling up to a day, until a change of theirs
succeeds. A sync whose calls mostly fail is slowed down in the same way. What rested long ago and was
not tried since is forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, literal, select, tuple_

from connectors.records import Change, fold
from provisioner.store.database import chunked, upsert_many
from provisioner.store.moments import moment, written
from provisioner.store.tables import parked, quarantines

FIRST, LONGEST = timedelta(minutes=5), timedelta(days=1)
_FORGOTTEN = timedelta(days=7)


class Parked(NamedTuple):
    """A person who is left alone until then: `key` folded; `plan` and `seq` of the change that failed last.

    `since`: the first of the `failures` in a row.
    """

    sync: str
    key: str
    user: str
    failures: int
    since: datetime
    until: datetime
    reason: str
    plan: str
    seq: int


class Quarantined(NamedTuple):
    """A sync that is slowed down until then, after so many runs in a row whose calls mostly failed."""

    sync: str
    failures: int
    since: datetime
    until: datetime
    reason: str
    run: str


def rest(failures: int) -> timedelta:
    """Return for how long somebody rests after so many failures in a row.

    >>> [str(rest(n)) for n in (1, 2, 3, 9, 10, 1000)]
    ['0:05:00', '0:10:00', '0:20:00', '21:20:00', '1 day, 0:00:00', '1 day, 0:00:00']
    """
    doublings = min(failures - 1, 10)
    return min(LONGEST, FIRST * (1 << doublings))


# People


def park(
    connection: Connection,
    sync: str,
    run: str,
    plan: str,
    refused: Iterable[tuple[Change, str]],
    now: datetime,
) -> None:
    """Park whoever's change was refused, with the reason; one run counts once for each person."""
    first: dict[str, tuple[Change, str]] = {}
    for change, reason in refused:
        first.setdefault(fold(change.key), (change, reason))
    known: dict[str, Row[Any]] = {}
    for some in chunked(first):
        theirs = (parked.c.sync == sync) & parked.c.key.in_(some)
        known.update((row.key, row) for row in connection.execute(select(parked).where(theirs)))
    rows = []
    for key, (change, reason) in first.items():
        before = known.get(key)
        if before is not None and before.run == run:
            continue
        failures, since = (
            (1, written(now)) if before is None else (before.failures + 1, before.since)
        )
        until = written(now + rest(failures))
        rows.append(
            (sync, key, change.user, failures, since, until, reason, int(plan), change.seq, run)
        )
    upsert_many(connection, parked, rows)
    long_ago = written(now - _FORGOTTEN)
    connection.execute(delete(parked).where(parked.c.sync == sync, parked.c.until < long_ago))


def free(connection: Connection, sync: str, keys: Iterable[str]) -> None:
    """Park these people, by folded key, no longer: a change of theirs succeeded, or somebody let them go."""
    for some in chunked(set(keys)):
        theirs = (parked.c.sync == sync) & parked.c.key.in_(some)
        connection.execute(delete(parked).where(theirs))


def parked_people(
    connection: Connection,
    syncs: Collection[str],
    now: datetime,
    after: tuple[str, str, str] | None = None,
    most: int | None = None,
) -> list[Parked]:
    """Return who is parked now, of these syncs; by sync, then user, then key.

    Those who come `after` that, and at `most` so many, where that is asked.
    """
    place = parked.c.sync, parked.c.user, parked.c.key
    asked = (
        select(parked)
        .where(parked.c.sync.in_(list(syncs)), parked.c.until > written(now))
        .order_by(*place)
        .limit(most)
    )
    if after is not None:
        asked = asked.where(tuple_(*place) > tuple_(*map(literal, after)))
    return [
        Parked(
            *(row.sync, row.key, row.user, row.failures, moment(row.since), moment(row.until)),
            *(row.reason, str(row.plan), row.seq),
        )
        for row in connection.execute(asked)
    ]


# Syncs


def slow_down(connection: Connection, sync: str, run: str, reason: str, now: datetime) -> datetime:
    """Put a sync into quarantine, for longer each time; return until when."""
    before = connection.execute(select(quarantines).where(quarantines.c.sync == sync)).first()
    failures = 1 if before is None else before.failures + 1
    since = written(now) if before is None else before.since
    until = now + rest(failures)
    row = (sync, failures, since, written(until), reason, run)
    upsert_many(connection, quarantines, [row])
    return until


def let_go(connection: Connection, sync: str) -> bool:
    """Take a sync out of quarantine; return whether it was in it, or had been and not run well since."""
    gone = connection.execute(delete(quarantines).where(quarantines.c.sync == sync))
    return gone.rowcount > 0


def quarantined(connection: Connection, syncs: Collection[str], now: datetime) -> list[Quarantined]:
    """Return which of these syncs are in quarantine now, by name."""
    rows = connection.execute(
        select(quarantines)
        .where(quarantines.c.sync.in_(list(syncs)), quarantines.c.until > written(now))
        .order_by(quarantines.c.sync)
    )
    return [
        Quarantined(
            *(row.sync, row.failures, moment(row.since), moment(row.until), row.reason, row.run)
        )
        for row in rows
    ]
