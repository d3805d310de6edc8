"""What people decided: that a sync may go ahead at all, and what is approved or rejected.

A decision is about a change's content (provisioner/plan/content.py), for every plan of the sync that
holds the same, until it expires or the change is done. Approvals of several people stand side by
side; a rejection ends them all, and an approval ends a rejection.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, delete, select, update

from connectors.records import Change, State, fold
from provisioner.plan.content import content_of, is_named, wishes_of
from provisioner.plan.model import UNDO, Plan
from provisioner.store import refusals
from provisioner.store.audit import Entry, append
from provisioner.store.audit_entries import plan_decided
from provisioner.store.database import chunked, upsert_many
from provisioner.store.moments import moment, written
from provisioner.store.tables import changes, decisions, plans, reviews, syncs

Decision = Literal["approved", "rejected"]

OPEN = ("planned", "held", "approved", "rejected", "failed", "skipped")
"""States of changes that may still be carried out, so that a decision about them means something."""

UNDECIDED = ("planned", "approved", "rejected")
"""States on record of changes whose state now is what is decided of them."""

NOBODY: frozenset[str] = frozenset()


class Verdict(NamedTuple):
    """What is decided of one content: by whom, the first first, and until when.

    `expired`: it was approved once, and holds no more.
    """

    decision: Literal["approved", "rejected", "expired"]
    by: tuple[str, ...]
    until: datetime

    def state_of(self, change: Change, second: Collection[str]) -> State:
        """Return the state of a change that nothing else is known of; `second` are the risks and
        kinds that two people must approve.
        """
        if self.decision == "rejected":
            return "rejected"
        return "approved" if self.decision == "approved" and not self.lacks(change, second) else "planned"  # fmt: skip

    def lacks(self, change: Change, second: Collection[str]) -> bool:
        """Return whether the change is approved by one, and waits for a second one."""
        return self.decision == "approved" and len(self.by) < 2 and is_named(change, second)


class _Said(NamedTuple):
    """One person's decision about a content, as it is on record."""

    decision: Decision
    by: str
    expires_at: str


_SAID = (decisions.c.decision, decisions.c.by, decisions.c.expires_at)
"""What to select for it."""


def is_adopted(connection: Connection, sync: str) -> bool:
    """Return whether a person has approved a full plan of the sync."""
    at = connection.execute(select(syncs.c.adopted_at).where(syncs.c.sync == sync)).scalar()
    return at is not None


class Adopted(NamedTuple):
    """When a full plan of a sync was first approved, and by whom."""

    at: datetime
    by: str


def adoption_of(connection: Connection, sync: str) -> Adopted | None:
    """Return when and by whom a sync was adopted, None if nobody has."""
    asked = select(syncs.c.adopted_at, syncs.c.adopted_by).where(syncs.c.sync == sync)
    row = connection.execute(asked).first()
    return None if row is None or row[0] is None else Adopted(moment(row[0]), row[1])


def adopt(connection: Connection, sync: str, by: str, now: datetime) -> None:
    """Note that a person approved a full plan: from now on the approval policy decides."""
    upsert_many(connection, syncs, [(sync, written(now), by)])
    append(connection, [Entry(kind="sync.adopted", sync=sync, detail={"by": by})], now)


def decide(
    connection: Connection,
    plan: Plan,
    decision: Decision,
    by: str,
    now: datetime,
    expires: timedelta,
    *,
    seqs: Collection[int] | None = None,
    second: Collection[str] = NOBODY,
    only: Sequence[str] = (),
) -> int:
    """Record one person's decision about the changes of a plan that may still be carried out.

    `seqs`: about these alone, which the words `only` asked for; None: about all. `second`: the risks
    and kinds that two people must approve. Returns about how many. Held changes are decided too,
    but stay held: approving alone never releases them.
    """
    chosen = [c for c in plan.changes if c.state in OPEN and (seqs is None or c.seq in seqs)]
    contents = {content_of(change) for change in chosen}
    at, until, number = written(now), written(now + expires), int(plan.id)
    _end_what_stood(connection, plan.sync, contents, decision, at)
    upsert_many(
        connection,
        decisions,
        (
            (plan.sync, content, fold(by), decision, by, at, until, number)
            for content in sorted(contents)
        ),
    )
    _mark(connection, plan, chosen, decision, second, now, whole=seqs is None)
    _note_on_plan(connection, number, decision, by, at, whole=seqs is None)
    words = None if seqs is None else json.dumps(list(only), ensure_ascii=False)
    connection.execute(
        reviews.insert().values(
            {"plan": number, "sync": plan.sync, "decision": decision, "by": by, "at": at}
            | {"expires_at": until, "only": words, "changes": len(chosen)}
        )
    )
    asked = select(plans.c.sha256).where(plans.c.id == number)
    sha256 = connection.execute(asked).scalar_one()
    entry = plan_decided(plan, sha256, decision, by, chosen, now + expires, only)
    append(connection, [entry], now)
    return len(chosen)


def _end_what_stood(
    connection: Connection, sync: str, contents: Collection[str], decision: Decision, at: str
) -> None:
    """Delete what a new decision ends: a rejection everything, an approval rejections and lapsed ones."""
    ended = decisions.c.decision == "rejected"
    for some in chunked(contents):
        where = (decisions.c.sync == sync) & decisions.c.content.in_(some)
        if decision == "approved":
            where &= ended | (decisions.c.expires_at <= at)
        connection.execute(delete(decisions).where(where))


def _mark(
    connection: Connection,
    plan: Plan,
    chosen: Sequence[Change],
    decision: Decision,
    second: Collection[str],
    now: datetime,
    *,
    whole: bool,
) -> None:
    """Set the states of a plan's changes by what is decided of them now."""
    states: dict[State, list[int]] = defaultdict(list)
    if decision == "approved" and any(is_named(change, second) for change in chosen):
        known = verdicts_about(connection, plan.sync, chosen, now)
        for change in chosen:
            states[known[content_of(change)].state_of(change, second)].append(change.seq)
    else:
        states[decision] = [change.seq for change in chosen]
    undecided = changes.c.state.in_(UNDECIDED)
    open_ones = (changes.c.plan == int(plan.id)) & undecided & (changes.c.decided != "held")
    for state, seqs in states.items():
        marking = update(changes).values(state=state, decided=state, state_at=written(now))
        if whole and len(states) == 1:
            connection.execute(marking.where(open_ones))
            continue
        for some in chunked(seqs):
            connection.execute(marking.where(open_ones, changes.c.seq.in_(some)))


def _note_on_plan(
    connection: Connection, number: int, decision: Decision, by: str, at: str, *, whole: bool
) -> None:
    values: dict[str, Any] = {"rejected_at": None} if decision == "approved" else {}
    if whole and decision == "approved":
        values |= {"approved_at": at, "approved_by": by}
    elif whole:
        values |= {"approved_at": None, "approved_by": None, "rejected_at": at}
    if values:
        connection.execute(update(plans).where(plans.c.id == number).values(**values))


def decided(connection: Connection, sync: str, now: datetime) -> dict[str, Verdict]:
    """Return what is decided in a sync, by content; what has expired too."""
    asked = select(decisions.c.content, *_SAID).where(decisions.c.sync == sync)
    return _verdicts(connection.execute(asked.order_by(decisions.c.at)).all(), now)


def rejected(connection: Connection, sync: str, now: datetime) -> frozenset[str]:
    """Return the contents that somebody has rejected."""
    asked = select(decisions.c.content).where(
        decisions.c.sync == sync,
        decisions.c.decision == "rejected",
        decisions.c.expires_at > written(now),
    )
    return frozenset(connection.execute(asked).scalars())


def verdicts_about(
    connection: Connection, sync: str, about: Iterable[Change], now: datetime
) -> dict[str, Verdict]:
    """Return what is decided of these changes, by content."""
    found: dict[str, Verdict] = {}
    for some in chunked({content_of(change) for change in about}):
        where = (decisions.c.sync == sync) & decisions.c.content.in_(some)
        asked = select(decisions.c.content, *_SAID).where(where).order_by(decisions.c.at)
        found |= _verdicts(connection.execute(asked).all(), now)
    return found


def verdicts_of(connection: Connection, plan: Plan, now: datetime) -> dict[int, Verdict]:
    """Return what is decided of a recorded plan's changes, by seq."""
    held = changes.c.content == decisions.c.content
    rows = connection.execute(
        select(changes.c.seq, *_SAID)
        .select_from(decisions)
        .join(changes, held & (changes.c.sync == decisions.c.sync))
        .where(changes.c.plan == int(plan.id))
        .order_by(changes.c.seq, decisions.c.at)
    )
    return _verdicts(rows.all(), now)


def _verdicts(rows: Iterable[Sequence[Any]], now: datetime) -> dict[Any, Verdict]:
    """Return what is decided, by what each row begins with; the rest of it is a _Said's, the first first."""
    together: dict[Any, tuple[_Said, ...]] = {}
    for about, decision, by, expires_at in rows:
        together[about] = (*together.get(about, ()), _Said(decision, by, expires_at))
    at = written(now)
    # of a large plan most are decided together, by one form
    known = {said: _verdict(said, at) for said in set(together.values())}
    return {about: verdict for about, said in together.items() if (verdict := known[said])}


def _verdict(rows: Sequence[_Said], at: str) -> Verdict | None:
    live = [row for row in rows if row.expires_at > at]
    if live:  # all of one kind: each decision ends those of the other
        names = tuple(row.by for row in live)
        return Verdict(live[-1].decision, names, moment(min(row.expires_at for row in live)))
    lapsed = [row for row in rows if row.decision == "approved"]
    if not lapsed:
        return None
    names = tuple(row.by for row in lapsed)
    return Verdict("expired", names, moment(max(row.expires_at for row in lapsed)))


def live_decisions(
    connection: Connection, plan: Plan, now: datetime, second: Collection[str] = NOBODY
) -> dict[int, Decision]:
    """Return, by seq, what is decided about a plan's changes and holds; what an undo took back is rejected.

    `second`: the risks and kinds that count as approved only when two people have approved them.
    """
    known, refused = verdicts_of(connection, plan, now), refused_in(connection, plan)
    found: dict[int, Decision] = {}
    for change in plan.changes:
        verdict = known.get(change.seq)
        state = "planned" if verdict is None else verdict.state_of(change, second)
        if state == "planned" and change.seq in refused:
            state = "rejected"
        if state == "approved" or state == "rejected":
            found[change.seq] = state
    return found


def refused_in(connection: Connection, plan: Plan) -> dict[int, str]:
    """Return, by seq, why changes of a plan that nobody approves are rejected: an undo took them back.

    An undo's own plan asks for what it holds, so no other undo's refusals count there.
    """
    return refused_among(connection, plan.sync, plan.scope, plan.changes)


def refused_among(
    connection: Connection, sync: str, scope: str, some: Iterable[Change]
) -> dict[int, str]:
    """Return the same of some changes of a plan of this sync and scope."""
    refused = {} if scope == UNDO else refusals.refused(connection, sync)
    if not refused:
        return {}
    found = ((c.seq, [refused[w] for w in wishes_of(c) if w in refused]) for c in some)
    return {seq: reasons[0] for seq, reasons in found if reasons}


def use_up(connection: Connection, sync: str, done: Iterable[Change]) -> None:
    """Forget the decisions about changes that are done: the same change asks again another time."""
    for contents in chunked({content_of(change) for change in done}):
        connection.execute(
            delete(decisions).where(decisions.c.sync == sync, decisions.c.content.in_(contents))
        )
