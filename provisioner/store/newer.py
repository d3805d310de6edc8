"""Which plans know more than another one, and what they hold.

A plan for everybody is recorded minutes after its reads began, and of whom a push was about meanwhile the
push's plan knows more, although it has the lower number. So plans are put in the order in which their reads
began: a push's, which takes no time, is where it is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from connectors.records import Change, fold
from provisioner.plan.content import REMOVALS, content_of
from provisioner.plan.model import UNDO, Plan
from provisioner.store.database import chunked
from provisioner.store.decisions import OPEN
from provisioner.store.people import bound_to
from provisioner.store.plans import PARTIAL, newest_full
from provisioner.store.tables import changes, plans


class _Place(NamedTuple):
    """A plan's place in that order: behind the plan `after`, which may be itself, and before the next."""

    after: int
    number: int


def _place(number: int, read_after: int | None) -> _Place:
    return _Place(number if read_after is None else read_after, number)


@dataclass(frozen=True, slots=True)
class Newer:
    """What newer plans of the sync hold, by content: the newest full one, and later ones for some people.

    `full`: None where no full plan is newer. `people`: by folded key, of plans that know more than the
    newest full one. `owners`: folded keys of those to whom phone users of the plan are bound by now.
    """

    full: frozenset[str] | None = None
    people: dict[str, frozenset[str]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def drops(self, change: Change) -> bool:
        """Return whether a newer plan no longer contains the change, or it takes from somebody else's user."""
        key = fold(change.key)
        if change.kind in REMOVALS and self.owners.get(change.id or "", key) != key:
            return True  # who was nobody's when it was planned, say
        held = self.people.get(key, self.full)
        return held is not None and content_of(change) not in held


def newer_than(connection: Connection, plan: Plan) -> Newer:
    """Return what the plans of the plan's sync hold that are newer; previews don't count.

    Nothing for an undo's plan: others never hold its changes.
    """
    if plan.scope == UNDO:
        return Newer()
    own, full = _of(connection, int(plan.id)), _newest_full(connection, plan.sync)
    held, since = None, own
    if full is not None and full.number > own.number and full > own:
        rows = connection.execute(select(changes.c.content).where(changes.c.plan == full.number))
        held, since = frozenset(content for (content,) in rows), full
    elif full is not None:
        since = max(own, full)
    return Newer(held, _of_people(connection, plan.sync, since))


def owners_of(connection: Connection, plan: Plan) -> dict[str, str]:
    """Return to whom, by folded key, the phone users of a plan are bound by now, by the vendor's id."""
    ids = {change.id for change in plan.changes if change.id is not None}
    return bound_to(connection, plan.sync, ids)


def _of(connection: Connection, number: int) -> _Place:
    asked = select(plans.c.read_after).where(plans.c.id == number)
    return _place(number, connection.execute(asked).scalar())


def _newest_full(connection: Connection, sync: str) -> _Place | None:
    number = newest_full(connection, sync)
    return None if number is None else _of(connection, int(number))


def _partial(connection: Connection, sync: str, since: _Place) -> list[tuple[_Place, list[str]]]:
    """Return the plans for some people that know more than what is at that place, and whom they cover."""
    asked = select(plans.c.id, plans.c.read_after, plans.c.covers).where(
        plans.c.sync == sync, plans.c.id > since.after, plans.c.scope.in_(PARTIAL)
    )
    found = [
        (_place(number, after), json.loads(covers or "[]"))
        for number, after, covers in connection.execute(asked)
    ]
    return sorted(each for each in found if each[0] > since)


def _of_people(connection: Connection, sync: str, since: _Place) -> dict[str, frozenset[str]]:
    """Return what the plans for some people say since then: of each person the newest."""
    partial = _partial(connection, sync, since)
    said: dict[int, dict[str, set[str]]] = {
        place.number: {key: set() for key in covers} for place, covers in partial
    }
    for some in chunked(said):
        asked = select(changes.c.plan, changes.c.key, changes.c.content)
        for number, key, content in connection.execute(asked.where(changes.c.plan.in_(some))):
            said[number].setdefault(key, set()).add(content)
    newest: dict[str, set[str]] = {}
    for place, _ in partial:
        newest |= said[place.number]
    return {key: frozenset(contents) for key, contents in newest.items()}


def newest_of(connection: Connection, sync: str, key: str) -> str | None:
    """Return the id of the newest plan that was made for a folded key, or for everybody."""
    full = _newest_full(connection, sync)
    partial = _partial(connection, sync, full or _Place(0, 0))
    own = [place for place, covers in partial if key in covers]
    found = own[-1] if own else full
    return None if found is None else str(found.number)


def covered_since(connection: Connection, sync: str, number: int) -> frozenset[str]:
    """Return for whom plans for some people were recorded after the plan of that number: folded keys."""
    later = _partial(connection, sync, _Place(number, number))
    return frozenset(key for _, covers in later for key in covers)


def left_by_pushes(connection: Connection, sync: str) -> list[tuple[int, Change]]:
    """Return what plans for some people, newer than the newest full one, have left undone, with their numbers.

    That is what nobody has decided and what a limit holds; nothing that a later plan no longer has.
    """
    full = _newest_full(connection, sync) or _Place(0, 0)
    asked = select(changes.c.plan, changes.c.key, changes.c.document, changes.c.state).join(
        plans, plans.c.id == changes.c.plan
    )
    here = (changes.c.sync == sync) & changes.c.state.in_(("planned", "held"))
    here &= (plans.c.id > full.after) & plans.c.scope.in_(PARTIAL)
    rows = connection.execute(asked.where(here).order_by(changes.c.plan, changes.c.seq)).all()
    if not rows:
        return []
    newest: dict[str, int] = {}
    for place, covers in _partial(connection, sync, max(full, _Place(rows[0].plan - 1, 0))):
        newest |= dict.fromkeys(covers, place.number)
    return [
        (row.plan, msgspec.structs.replace(change, state=row.state))
        for row in rows
        if newest.get(row.key, row.plan) == row.plan
        for change in [msgspec.json.decode(row.document, type=Change)]
    ]


def has_open(connection: Connection, sync: str, keys: Collection[str]) -> bool:
    """Return whether a change of these people, by folded key, may still be carried out by some plan."""
    full = _newest_full(connection, sync)
    since = changes.c.plan > 0
    if full is not None:
        since = (changes.c.plan > full.after) | (changes.c.plan == full.number)
    for some in chunked(keys):
        waiting = (changes.c.sync == sync) & changes.c.key.in_(some) & changes.c.state.in_(OPEN)
        waiting &= since
        if connection.execute(select(changes.c.plan).where(waiting).limit(1)).first():
            return True
    return False
