"""Who reviewed which plan, and how a plan stands by what is decided now.

Decisions are about contents and are used up when their changes are done (decisions.py); a review stays
on record with the plan that somebody looked at.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

from connectors.records import Change
from provisioner.plan.content import content_of, is_named
from provisioner.plan.document import instant
from provisioner.plan.model import Decided, Plan
from provisioner.store.decisions import (
    OPEN,
    UNDECIDED,
    Verdict,
    refused_among,
    refused_in,
    verdicts_about,
    verdicts_of,
)
from provisioner.store.moments import moment, written
from provisioner.store.tables import changes, decisions, reviews

SECOND = "a second approver"
"""What an approval by one person lacks where two must approve."""


class Review(msgspec.Struct, frozen=True):
    """One person's decision about a plan. `only`: the words that it was bounded by, () for all of it.

    `until` and `changes` (how many it was about) are None where an older version recorded it.
    """

    decision: str
    by: str
    at: datetime
    until: datetime | None
    only: tuple[str, ...]
    changes: int | None


def with_decisions(
    connection: Connection, plan: Plan, second: Collection[str], now: datetime
) -> Plan:
    """Return a recorded plan with what is decided about it now, and its changes in those states.

    `second`: the risks and kinds that two people must approve.
    """
    known, refused = verdicts_of(connection, plan, now), refused_in(connection, plan)
    shown = tuple(_shown(c, known.get(c.seq), refused.get(c.seq), second) for c in plan.changes)
    return msgspec.structs.replace(
        plan, changes=shown, decisions=tuple(_grouped(plan.changes, known, second))
    )


def standing(
    connection: Connection,
    sync: str,
    scope: str,
    some: Sequence[Change],
    second: Collection[str],
    now: datetime,
) -> list[Change]:
    """Return some changes of a recorded plan of this sync and scope in the states that they are in now."""
    known = verdicts_about(connection, sync, some, now)
    refused = refused_among(connection, sync, scope, some)
    return [_shown(c, known.get(content_of(c)), refused.get(c.seq), second) for c in some]


def _shown(
    change: Change, verdict: Verdict | None, refused: str | None, second: Collection[str]
) -> Change:
    if change.state not in UNDECIDED:
        return change
    if refused and (verdict is None or verdict.state_of(change, second) == "planned"):
        return _as(change, "rejected", refused)
    if verdict is None:  # a rejection of this plan stands; an approval was used up
        return change if change.state != "approved" else _as(change, "planned", None)
    if verdict.lacks(change, second):
        return _as(change, "planned", f"approved by {verdict.by[0]}; waits for {SECOND}")
    if verdict.decision == "expired" and change.state != "rejected":
        names = " and ".join(verdict.by)
        said = f"the approval by {names} ended on {instant(verdict.until)}; it asks again"
        return _as(change, "planned", said)
    return _as(change, verdict.state_of(change, second), None)


def _as(change: Change, state: str, reason: str | None) -> Change:
    if (change.state, change.reason) == (state, reason):
        return change
    return msgspec.structs.replace(change, state=state, reason=reason)


def _grouped(
    listed: Iterable[Change], known: dict[int, Verdict], second: Collection[str]
) -> Iterable[Decided]:
    groups: dict[tuple[Verdict, bool], list[int]] = defaultdict(list)
    for change in listed:
        verdict = known.get(change.seq)
        if verdict is not None and change.state in OPEN:
            groups[verdict, verdict.lacks(change, second)].append(change.seq)
    for (verdict, lacks), seqs in sorted(groups.items(), key=lambda item: item[1][0]):
        yield Decided(
            decision=verdict.decision,
            by=verdict.by,
            until=verdict.until,
            lacks=SECOND if lacks else None,
            seqs=tuple(seqs),
        )


def reviews_of(connection: Connection, plans: Collection[int]) -> dict[int, list[Review]]:
    """Return what was decided about each of these plans, the first first."""
    found: dict[int, list[Review]] = defaultdict(list)
    rows = connection.execute(
        select(reviews).where(reviews.c.plan.in_(plans)).order_by(reviews.c.id)
    )
    for row in rows:
        found[row.plan].append(
            Review(
                row.decision,
                row.by,
                moment(row.at),
                None if row.expires_at is None else moment(row.expires_at),
                tuple(json.loads(row.only)) if row.only else (),
                row.changes,
            )
        )
    return found


def half_approved(
    connection: Connection,
    plans: Collection[int],
    second: Mapping[str, Collection[str]],
    now: datetime,
) -> Counter[int]:
    """Count, for each plan, the changes that one person has approved and two must.

    `second`: the risks and kinds that two must approve, by sync.
    """
    live = (decisions.c.decision == "approved") & (decisions.c.expires_at > written(now))
    strict = decisions.c.sync.in_([sync for sync, names in second.items() if names])
    one = (
        select(decisions.c.sync, decisions.c.content)
        .where(live, strict)
        .group_by(decisions.c.sync, decisions.c.content)
        .having(func.count() == 1)
        .subquery()
    )
    rows = connection.execute(
        select(changes.c.plan, changes.c.sync, changes.c.document)
        .join(one, (one.c.sync == changes.c.sync) & (one.c.content == changes.c.content))
        .where(changes.c.plan.in_(plans), changes.c.state.in_(UNDECIDED))
    )
    decode = msgspec.json.Decoder(Change).decode
    return Counter(row.plan for row in rows if is_named(decode(row.document), second[row.sync]))
