"""One person's changes on record: what is due by the newest plan, and what happened last."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, or_, select

from connectors.records import Change, State, fold
from provisioner.plan.model import Plan
from provisioner.store import plans as plan_store
from provisioner.store.moments import moment
from provisioner.store.newer import newest_of
from provisioner.store.tables import changes, reads, reviews, runs

_WENT = ("sent", "settling", "done", "failed", "stale", "skipped")
"""States of changes that were carried out, or were about to be."""


class Past(NamedTuple):
    """A change that was, or was to be, carried out: what became of it, and when; `run` did it.

    `approved_by` names who approved it, "" where the approval policy let it through.
    """

    plan: str
    change: Change
    state: State
    at: datetime
    run: str | None
    approved_by: tuple[str, ...]


def newest_plan_of(connection: Connection, sync: str, key: str) -> Plan | None:
    """Return the newest plan that was made for a folded key: of its changes, only theirs are loaded."""
    found = newest_of(connection, sync, key)
    return None if found is None else plan_store.load(connection, found, {key})


def past_of(connection: Connection, sync: str, key: str) -> list[Past]:
    """Return what was carried out, or was to be, for a folded key, the newest first.

    Of changes that are alike, as one that failed again and again, only the last.
    """
    rows = connection.execute(
        select(changes).where(
            changes.c.sync == sync, changes.c.key == key, changes.c.state.in_(_WENT)
        )
    ).all()
    rows = sorted(rows, key=lambda row: (row.state_at, row.plan, row.seq), reverse=True)
    seen: set[tuple[str, str, str]] = set()
    found: list[Past] = []
    for row in rows:
        change = msgspec.json.decode(row.document, type=Change)
        what = (change.kind, str(change.before), str(change.after))
        if what in seen:
            continue
        seen.add(what)
        shown = msgspec.structs.replace(change, state=row.state, reason=row.reason)
        run = _run(connection, row.plan, row.state_at)
        by = _approvers(connection, sync, row.content, change, row.state_at)
        found.append(Past(str(row.plan), shown, row.state, moment(row.state_at), run, by))
    return found


def _run(connection: Connection, plan: int, at: str) -> str | None:
    """Return the run that was carrying out a plan at that moment."""
    return connection.execute(
        select(runs.c.id)
        .where(
            runs.c.plan == plan,
            runs.c.command == "apply",
            runs.c.started_at <= at,
            or_(runs.c.ended_at.is_(None), runs.c.ended_at >= at),
        )
        .order_by(runs.c.started_at.desc())
    ).scalar()


def _approvers(
    connection: Connection, sync: str, content: str, change: Change, at: str
) -> tuple[str, ...]:
    """Return who approved a change before that moment, in this plan or an earlier one that held it."""
    rows = connection.execute(
        select(reviews.c.by, reviews.c.only, changes.c.document)
        .join(changes, changes.c.plan == reviews.c.plan)
        .where(
            changes.c.sync == sync,
            changes.c.content == content,
            changes.c.decided == "approved",
            reviews.c.decision == "approved",
            reviews.c.at <= at,
        )
        .order_by(reviews.c.at)
    )
    names = [
        by
        for by, words, document in rows
        if words is None or _meant(json.loads(words), change, json.loads(document)["cluster"])
    ]
    return tuple(dict.fromkeys(names))


def _meant(words: Iterable[str], change: Change, cluster: str) -> bool:
    """Return whether words after --only may have meant a change."""
    called = (change.kind, change.risk, cluster, change.user, change.key, change.id or "")
    names = set(map(fold, called))
    return any(fold(w) in names or fold(w.partition(":")[2]) in names for w in words)


def claims(connection: Connection, plan: str, kind: str) -> list[Change]:
    """Return the changes of one kind that a plan holds, in its order, but for those that were rejected."""
    rows = connection.execute(
        select(changes.c.document)
        .where(changes.c.plan == int(plan), changes.c.kind == kind, changes.c.state != "rejected")
        .order_by(changes.c.seq)
    )
    return [msgspec.json.decode(document, type=Change) for (document,) in rows]


def last_reads(connection: Connection, sync: str) -> dict[str, datetime]:
    """Return when each directory of a sync was last read and believed."""
    rows = connection.execute(
        select(reads.c.directory, reads.c.read_at)
        .where(reads.c.sync == sync, reads.c.accepted)
        .order_by(reads.c.id)
    )
    return {directory: moment(at) for directory, at in rows}
