"""Plans on record: what was planned, and what planning needs to remember of it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select, update

from connectors.errors import RunError
from connectors.records import Change, State, fold
from provisioner.bases import digest
from provisioner.memory import Memory, Reason
from provisioner.plan.content import REMOVALS, content_of, contents_of
from provisioner.plan.document import change_document, head_document, instant
from provisioner.plan.model import Base, Plan
from provisioner.store import manual, refusals
from provisioner.store.audit import append
from provisioner.store.audit_entries import plan_made
from provisioner.store.database import chunked, insert_many
from provisioner.store.decisions import NOBODY, Verdict, decided, is_adopted, rejected
from provisioner.store.moments import moment, written
from provisioner.store.people import last_applied
from provisioner.store.tables import changes, plans

_WINDOW = timedelta(hours=24)
REACHED = ("sent", "settling", "done")
"""States of changes that reached the phone system, or may have."""

PARTIAL = ("users", "push")
"""Scopes of plans for some people only."""

FEW = 500
"""So many people are asked for by name; of more, everybody is looked at."""

_MAKES = ("user.create", "user.invite")
_MOST = 2**31 - 1
"""The highest id that the database counts to."""


class NoSuchPlan(RunError):
    """The store has no plan of this id."""


def sha256_of(plan: Plan) -> str:
    """Return the hash of what is reviewed in a plan: all of it but what moves on later.

    That is each change's state with its reason, and the id of an account that a change makes.
    """
    document = (head_document(plan), [_reviewed(change) for change in plan.changes])
    return hashlib.sha256(msgspec.json.encode(document, order="deterministic")).hexdigest()


def _reviewed(change: Change) -> dict[str, Any]:
    document = change_document(change)
    moving = ("state", "reason", "id") if change.kind in _MAKES else ("state", "reason")
    return {name: value for name, value in document.items() if name not in moving}


def record(
    connection: Connection,
    plan: Plan,
    covers: Iterable[str] = (),
    second: Collection[str] = NOBODY,
    *,
    mapping: str | None = None,
    read_after: int | None = None,
) -> Plan:
    """Record a new plan and return it with its id, decisions of earlier plans carried over.

    `covers`: of a plan for some people only, their folded keys: whoever has no change in it shall
    have none by an older plan either. `second`: the risks and kinds that two people must approve.
    `mapping`: the hash of what its mapping says, if its base has another: that is how later plans know
    whether the mapping changed. `read_after`: the newest plan when its reads began, None for no other
    than itself.
    """
    known, at = decided(connection, plan.sync, plan.created_at), written(plan.created_at)
    covered = sorted(covers)
    values = {
        "sync": plan.sync,
        "created_at": at,
        "scope": plan.scope,
        "mapping": mapping or plan.base.mapping,
        "covers": None if plan.scope == "full" else json.dumps(covered),
        "read_after": read_after,
    }
    (number,) = connection.execute(
        plans.insert().values(**values, sha256="", head="").returning(plans.c.id)
    ).one()
    carried = tuple(_carry(change, known, second) for change in plan.changes)
    base = _with_verdicts(plan.base, plan.changes, known)
    plan = msgspec.structs.replace(plan, id=str(number), changes=carried, base=base)
    sha256 = sha256_of(plan)
    connection.execute(
        update(plans)
        .where(plans.c.id == number)
        .values(sha256=sha256, head=json.dumps(head_document(plan), ensure_ascii=False))
    )
    insert_many(connection, changes, (_row(plan, change, at) for change in carried))
    manual.keep(connection, plan, frozenset(covered))
    append(connection, plan_made(plan, sha256), plan.created_at)
    return plan


def _with_verdicts(base: Base, listed: Iterable[Change], known: dict[str, Verdict]) -> Base:
    """Return a plan's base, with what was decided before about changes that it has."""
    if not known:
        return base
    contents = {content_of(change) for change in listed}
    carried = {content: verdict for content, verdict in known.items() if content in contents}
    if not carried:
        return base
    return msgspec.structs.replace(base, memory=digest([base.memory, carried]))


def _carry(change: Change, known: dict[str, Verdict], second: Collection[str]) -> Change:
    verdict = known.get(content_of(change)) if change.state == "planned" else None
    if verdict is None or (state := verdict.state_of(change, second)) == "planned":
        return change
    return msgspec.structs.replace(change, state=state)


def _row(plan: Plan, change: Change, at: str) -> tuple[object, ...]:
    document = json.dumps(change_document(change), ensure_ascii=False)
    content, key = content_of(change), fold(change.key)
    return (
        *(int(plan.id), change.seq, plan.sync, change.kind, key, content, document),
        *(change.state, change.state, change.reason, at, change.id, None),
    )


def load(connection: Connection, plan_id: str, keys: Collection[str] | None = None) -> Plan:
    """Return a recorded plan, each change in the state it is in now.

    `keys`: of these people's changes at least, by folded key. Raises NoSuchPlan if there is none.
    """
    number = _number(plan_id)
    head = connection.execute(select(plans.c.head).where(plans.c.id == number)).scalar()
    if head is None:
        raise unknown(plan_id)
    asked = select(changes.c.document, changes.c.state, changes.c.reason, changes.c.phone_id)
    asked = asked.where(changes.c.plan == number).order_by(changes.c.seq)
    if keys is not None and len(keys) <= FEW:
        asked = asked.where(changes.c.key.in_(sorted(keys)))
    rows = connection.execute(asked).all()
    plan = msgspec.json.decode(head, type=Plan)
    return msgspec.structs.replace(plan, changes=tuple(change_of(*row) for row in rows))


_decoded = msgspec.json.Decoder(Change).decode


def change_of(document: str, state: State, reason: str | None, phone_id: str | None) -> Change:
    """Return a change as it was planned (`document`), with what has moved on in it since."""
    return msgspec.structs.replace(_decoded(document), state=state, reason=reason, id=phone_id)


def head_of(connection: Connection, plan_id: str) -> Plan:
    """Return a recorded plan without its changes. Raises NoSuchPlan if there is none."""
    head = connection.execute(select(plans.c.head).where(plans.c.id == _number(plan_id))).scalar()
    if head is None:
        raise unknown(plan_id)
    return msgspec.json.decode(head, type=Plan)


class Filed(NamedTuple):
    """A recorded plan by its id, and whose it is; `scope` as in Plan."""

    id: str
    sync: str
    scope: str


def filed(connection: Connection, plan_id: str) -> Filed:
    """Return which sync a recorded plan is of, and its scope. Raises NoSuchPlan if there is none."""
    asked = select(plans.c.sync, plans.c.scope).where(plans.c.id == _number(plan_id))
    row = connection.execute(asked).first()
    if row is None:
        raise unknown(plan_id)
    return Filed(plan_id, *row)


def unknown(plan_id: str) -> NoSuchPlan:
    """Return the error about a plan that isn't there."""
    return NoSuchPlan(
        f"there is no plan {plan_id!r} in this store", remedy="`provisioner runs` lists the plans"
    )


def _number(plan_id: str) -> int | None:
    """Return the number of a plan's id, None for text that is no id that was ever given.

    >>> _number("17"), _number("017"), _number("plan.json"), _number("9" * 30)
    (17, None, None, None)
    """
    if not (plan_id.isascii() and plan_id.isdigit() and str(int(plan_id[:20])) == plan_id):
        return None
    return int(plan_id) if int(plan_id) <= _MOST else None


def exists(connection: Connection, plan_id: str) -> bool:
    """Return whether the store has a plan of this id."""
    number = _number(plan_id)
    asked = select(plans.c.id).where(plans.c.id == number)
    return number is not None and connection.execute(asked).first() is not None


def check_file(connection: Connection, plan: Plan) -> str:
    """Return the id of a plan that was read from a file; raise RunError unless the store knows it."""
    asked = select(plans.c.sha256, plans.c.sync, plans.c.created_at)
    known = connection.execute(asked.where(plans.c.id == _number(plan.id))).first()
    if known is None:
        raise RunError(
            f"the plan file is of plan {plan.id!r} of sync {plan.sync!r}, which this store doesn't know",
            remedy="give -c the config that the plan was made with",
        )
    if known.sha256 != sha256_of(plan):
        raise RunError(
            f"the plan file is not what was recorded as plan {plan.id}:"
            " it was edited or cut off, or is another store's"
            f" (its plan is of sync {plan.sync!r}, made at {instant(plan.created_at)}; this store's of"
            f" sync {known.sync!r}, made at {instant(moment(known.created_at))})",
            remedy="give -c the config that the plan was made with, or the plan's id",
        )
    return plan.id


def rejected_at(connection: Connection, plan: Plan) -> datetime | None:
    """Return when a person rejected the plan, None if nobody did, or approved it since."""
    asked = select(plans.c.rejected_at).where(plans.c.id == int(plan.id))
    at = connection.execute(asked).scalar()
    return None if at is None else moment(at)


def newest_full(connection: Connection, sync: str) -> str | None:
    """Return the id of the newest plan that was made for everybody of a sync."""
    asked = select(func.max(plans.c.id)).where(plans.c.sync == sync, plans.c.scope == "full")
    newest = connection.execute(asked).scalar()
    return None if newest is None else str(newest)


def newest(connection: Connection, sync: str) -> int:
    """Return the number of the newest plan of a sync, whomever it was made for; 0 if there is none."""
    asked = select(func.max(plans.c.id)).where(plans.c.sync == sync)
    return connection.execute(asked).scalar() or 0


def remembered(
    connection: Connection, sync: str, now: datetime, keys: Collection[str] | None = None
) -> Memory:
    """Return what planning a sync takes from the store, but for the bindings.

    With `keys`, folded, only what concerns these people, but for the rolling windows.
    """
    newest = newest_full(connection, sync)
    mapping, planned_at = None, None
    if newest is not None:
        asked = select(plans.c.mapping, plans.c.created_at).where(plans.c.id == int(newest))
        mapping, created_at = connection.execute(asked).one()
        planned_at = moment(created_at)
    memory = Memory(
        adopted=is_adopted(connection, sync),
        applied=last_applied(connection, sync, keys),
        reasons={} if newest is None else dict(_reasons(connection, newest, keys)),
        mapping=mapping,
        refused=refusals.refused(connection, sync),
        rejected=rejected(connection, sync, now),
        planned_at=planned_at,
    )
    return with_window(memory, changed_lately(connection, sync, now))


def changed_lately(connection: Connection, sync: str, now: datetime) -> list[tuple[str, str]]:
    """Return what the guard's rolling window has: (kind of change, folded key), of the last 24 hours."""
    since = written(now - _WINDOW)
    rows = connection.execute(
        select(changes.c.kind, changes.c.key).where(
            changes.c.sync == sync, changes.c.state.in_(REACHED), changes.c.state_at >= since
        )
    )
    return [(kind, key) for kind, key in rows]


def with_window(memory: Memory, changed: Iterable[tuple[str, str]]) -> Memory:
    """Return what is remembered, with these (kind of change, folded key) as the rolling window."""
    by_kind: dict[str, set[str]] = defaultdict(set)
    for kind, key in changed:
        by_kind[kind].add(key)
    lost = (keys for kind, keys in by_kind.items() if kind in REMOVALS)
    return msgspec.structs.replace(
        memory,
        lost=frozenset[str]().union(*lost),
        changed=frozenset[str]().union(*by_kind.values()),
        by_kind={kind: frozenset(keys) for kind, keys in by_kind.items()},
    )


def _reasons(
    connection: Connection, plan_id: str, keys: Collection[str] | None
) -> Iterator[tuple[str, Reason]]:
    """Yield why each change of a plan that is not done yet was planned, by content."""
    plan = load(connection, plan_id, keys)
    titles = {cluster.id: cluster.title for cluster in plan.clusters}
    due: Iterable[Change] = (*plan.changes, *plan.blocked, *plan.waiting)
    for change in due:
        if change.state != "done" and (keys is None or fold(change.key) in keys):
            title = titles.get(change.cluster, change.because)
            reason = Reason(change.cause, change.because, title)
            yield from ((content, reason) for content in contents_of(change))


def population(connection: Connection, sync: str) -> int:
    """Return how many people were in scope or bound when everybody of a sync was last planned for."""
    newest = newest_full(connection, sync)
    if newest is None:
        return 0
    head = connection.execute(select(plans.c.head).where(plans.c.id == int(newest))).scalar_one()
    people: int = json.loads(head)["summary"]["people"]
    return people


class Release(NamedTuple):
    """A number that somebody lost: their folded key, and how plans call them."""

    number: str
    key: str
    user: str
    at: datetime


def releases_since(connection: Connection, sync: str, since: datetime) -> list[Release]:
    """Return the numbers that a sync released since then, by whatever change; by moment."""
    rows = connection.execute(
        select(changes.c.document, changes.c.state_at)
        .where(
            changes.c.sync == sync,
            changes.c.kind.in_((*REMOVALS, "number.assign")),
            changes.c.state.in_(REACHED),
            changes.c.state_at >= written(since),
        )
        .order_by(changes.c.state_at)
    )
    return [
        Release(number, fold(change.key), change.user, moment(at))
        for document, at in rows
        for change in [_decoded(document)]
        for number in _released(change)
    ]


def held_before(
    connection: Connection, sync: str, keys: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Return the direct numbers that people, by folded key, once lost by this sync, the last first."""
    found: dict[str, tuple[str, ...]] = {}
    for some in chunked(set(keys)):
        rows = connection.execute(
            select(changes.c.key, changes.c.document)
            .where(
                changes.c.sync == sync,
                changes.c.key.in_(some),
                changes.c.kind.in_((*REMOVALS, "number.assign")),
                changes.c.state.in_(REACHED),
            )
            .order_by(changes.c.key, changes.c.state_at.desc(), changes.c.plan, changes.c.seq)
        )
        for key, document in rows:
            lost = _released(_decoded(document))
            found[key] = (*found.get(key, ()), *lost)
    return {key: tuple(dict.fromkeys(numbers)) for key, numbers in found.items() if numbers}


def _released(change: Change) -> Iterator[str]:
    """Yield the numbers that a change frees: its own, and those that go as a consequence."""
    if change.kind.startswith("number.") and isinstance(change.before, str):
        yield change.before
    for said in change.consequences:
        if said.startswith("number ") and said.endswith(" is released"):
            yield said.removeprefix("number ").removesuffix(" is released")
