"""Whose entry it is: what an export for one person picks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from sqlalchemy import Connection, func, or_, select

from connectors.records import fold
from provisioner.store.chain import Row
from provisioner.store.tables import changes

CALL = "call"


@dataclass(slots=True)
class _Theirs:
    """What is known of a person: folded names (mail, key, vendor's id), and their changes by plan."""

    names: set[str]
    plans: set[int] = field(default_factory=set)
    changes: set[tuple[int, int]] = field(default_factory=set)


def about(connection: Connection, user: str) -> Callable[[Row], bool]:
    """Return what tells whether an entry is about somebody: a mail address, a key or a vendor's id.

    That is: steps of their changes, what was decided of the plans that hold such a change, and calls
    whose path names them.
    """
    theirs = _known(connection, user)

    def chosen(row: Row) -> bool:
        if row.seq is not None:
            return (row.plan, row.seq) in theirs.changes
        if row.kind == CALL:
            path = json.loads(row.detail)["path"]
            return any(fold(unquote(part)) in theirs.names for part in path.split("/"))
        return row.plan in theirs.plans and row.kind.startswith("plan.")

    return chosen


def _known(connection: Connection, user: str) -> _Theirs:
    wanted = fold(user)
    quoted = json.dumps(user, ensure_ascii=False)  # as it stands in a document
    named = or_(
        changes.c.document.contains(quoted, autoescape=True),
        func.lower(changes.c.document).contains(quoted.lower(), autoescape=True),
    )
    candidates = select(
        changes.c.sync, changes.c.key, changes.c.phone_id, changes.c.document
    ).where(or_(changes.c.key == wanted, changes.c.phone_id == user, named))
    people: set[tuple[str, str]] = set()
    theirs = _Theirs({wanted})
    for sync, key, phone_id, document in connection.execute(candidates):
        if wanted in {key, fold(phone_id or ""), fold(json.loads(document)["user"])}:
            people.add((sync, key))
    for sync, key in sorted(people):
        _add(connection, theirs, sync, key)
    return theirs


def _add(connection: Connection, theirs: _Theirs, sync: str, key: str) -> None:
    """Take in every change of one person of one sync, under whatever mail address."""
    asked = select(changes.c.plan, changes.c.seq, changes.c.phone_id, changes.c.document)
    rows = connection.execute(asked.where(changes.c.sync == sync, changes.c.key == key))
    theirs.names.add(key)
    for plan, seq, phone_id, document in rows:
        theirs.plans.add(plan)
        theirs.changes.add((plan, seq))
        theirs.names.add(fold(json.loads(document)["user"]))
        if phone_id:
            theirs.names.add(fold(phone_id))
