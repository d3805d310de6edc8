"""A plan's changes a page at a time, and counted: a plan of fifty thousand is never held as a whole.

A page shows each change as it stands by what is decided now, as `reviews.with_decisions` does for a
whole plan. What a change is called in its document is looked up by the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import JSON, ColumnElement, Connection, String, cast, exists, func, or_, select

from connectors.records import Change, Risk, fold
from provisioner.store.decisions import UNDECIDED
from provisioner.store.plans import Filed, change_of
from provisioner.store.reviews import standing
from provisioner.store.tables import changes, decisions, refusals

_AT_ONCE = 500
_LOOKED_AT = 5_000
"""Changes that one page looks at, at most, where the state they are in now isn't the one on record."""


class Wanted(NamedTuple):
    """Which changes are asked for: all that every given member fits. `user` is a mail or a key."""

    cluster: str | None = None
    kind: str | None = None
    user: str | None = None
    state: str | None = None
    risk: str | None = None


EVERY = Wanted()
"""All of a plan's changes."""


class ChangePage(NamedTuple):
    """Some changes in their order. `after`: the seq to go on after, None where these are the last.

    A page may hold fewer than were asked for, and others follow all the same.
    """

    changes: tuple[Change, ...]
    after: int | None


class Group(NamedTuple):
    """How many changes, of how many people, of one cluster, kind and risk are in one state on record."""

    cluster: str
    kind: str
    risk: Risk
    state: str
    changes: int
    people: int


def page(
    connection: Connection,
    plan: Filed,
    wanted: Wanted,
    after: int,
    most: int,
    second: Collection[str],
    now: datetime,
) -> ChangePage:
    """Return the changes of a plan that follow the seq `after`, `most` at most.

    `second`: the risks and kinds that two people must approve.
    """
    found: list[Change] = []
    asked = select(
        *(changes.c.document, changes.c.state, changes.c.reason, changes.c.phone_id)
    ).where(changes.c.plan == int(plan.id), *_fits(connection, plan, wanted))
    for _ in range(max(1, _LOOKED_AT // _AT_ONCE)):
        at_once = min(most + 1, _AT_ONCE) if wanted.state is None else _AT_ONCE
        rows = connection.execute(
            asked.where(changes.c.seq > after).order_by(changes.c.seq).limit(at_once)
        ).all()
        shown = standing(
            connection, plan.sync, plan.scope, [change_of(*row) for row in rows], second, now
        )
        found += [c for c in shown if wanted.state is None or c.state == wanted.state]
        if len(found) > most:
            return ChangePage(tuple(found[:most]), found[most - 1].seq)
        if len(rows) < at_once:
            return ChangePage(tuple(found), None)
        after = shown[-1].seq
    return ChangePage(tuple(found), after)


def _fits(connection: Connection, plan: Filed, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.kind is not None:
        yield changes.c.kind == wanted.kind
    if wanted.cluster is not None:
        yield _member(connection, "cluster") == wanted.cluster
    if wanted.risk is not None:
        yield _member(connection, "risk") == wanted.risk
    if wanted.user is not None:
        user, folded = _member(connection, "user"), fold(wanted.user)
        yield or_(changes.c.key == folded, user == wanted.user, func.lower(user) == folded)
    if wanted.state is not None:
        yield _may_be(wanted.state, plan)


def _may_be(state: str, plan: Filed) -> ColumnElement[bool]:
    """Return what holds of every change that is in this state now, and of few others."""
    if state not in UNDECIDED:
        return changes.c.state == state
    decided = exists().where(
        decisions.c.sync == plan.sync, decisions.c.content == changes.c.content
    )
    refused = exists().where(refusals.c.sync == plan.sync)
    otherwise = or_(decided, refused, changes.c.state == "approved")
    return or_(changes.c.state == state, changes.c.state.in_(UNDECIDED) & otherwise)


def _member(connection: Connection, name: str) -> ColumnElement[str]:
    """Return a member of a change's document, as text."""
    found: ColumnElement[str]
    if connection.dialect.name == "postgresql":
        found = cast(changes.c.document, JSON)[name].as_string()
    else:
        found = func.json_extract(changes.c.document, f"$.{name}", type_=String)
    return found


def groups_of(connection: Connection, numbers: Collection[int]) -> dict[int, tuple[Group, ...]]:
    """Count the changes of these plans by cluster, kind, risk and state on record."""
    cluster, risk = _member(connection, "cluster"), _member(connection, "risk")
    by = (changes.c.plan, cluster, changes.c.kind, risk, changes.c.state)
    rows = connection.execute(
        select(*by, func.count(), func.count(changes.c.key.distinct()))
        .where(changes.c.plan.in_(sorted(numbers)))
        .group_by(*by)
        .order_by(*by)
    )
    found: dict[int, list[Group]] = defaultdict(list)
    for number, *group in rows:
        found[number].append(Group(*group))
    return {number: tuple(found[number]) for number in numbers}
