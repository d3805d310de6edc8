"""Locks on people: two runs of one sync may work side by side, but never on one person.

A lock is held as long as its holder's claim lives (provisioner/apply/claim.py): what a killed run held
is free as soon as it is seen to be dead. A lock that was given back says who had it last, so that
whoever takes it again knows whether somebody else was at the person meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection, and_, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from provisioner.store.database import chunked
from provisioner.store.tables import locks

_TOGETHER = 100


def take(
    connection: Connection, sync: str, keys: Iterable[str], holder: str, living: Collection[str]
) -> dict[str, int]:
    """Lock people, by folded key, and return the turn that it is for each who could be locked.

    `living`: the holders of living claims; whom another one of them holds is not locked, and not in
    the answer. A turn that is the same as last time means that nobody else had the person since.
    """
    found: dict[str, int] = {}
    for some in _by_hundred(keys):
        rows = [
            {"sync": sync, "key": key, "holder": holder, "held": True, "turn": 1} for key in some
        ]
        mine = _insert(connection).values(rows)
        taken = connection.execute(
            mine.on_conflict_do_update(
                index_elements=[locks.c.sync, locks.c.key],
                set_={
                    "holder": holder,
                    "held": True,
                    "turn": case((locks.c.holder == holder, locks.c.turn), else_=locks.c.turn + 1),
                },
                where=or_(
                    ~locks.c.held, locks.c.holder == holder, locks.c.holder.not_in(list(living))
                ),
            ).returning(locks.c.key, locks.c.turn)
        )
        found.update((key, turn) for key, turn in taken)
    return found


def give_back(connection: Connection, sync: str, keys: Iterable[str], holder: str) -> None:
    """Let others have these people; nothing for whoever is another's."""
    for some in chunked(keys):
        theirs = and_(locks.c.sync == sync, locks.c.key.in_(some), locks.c.holder == holder)
        connection.execute(update(locks).where(theirs).values(held=False))


def turns(
    connection: Connection, sync: str, keys: Collection[str], living: Collection[str]
) -> dict[str, int]:
    """Return whose turn it is with these people, 0 for who was never locked.

    Whoever is held by one of the living is left out. Who locks somebody else's next, with no other in
    between, gets the following turn.
    """
    found = dict.fromkeys(keys, 0)
    for some in chunked(found):
        asked = select(locks.c.key, locks.c.turn, locks.c.held, locks.c.holder)
        theirs = and_(locks.c.sync == sync, locks.c.key.in_(some))
        for key, turn, held, holder in connection.execute(asked.where(theirs)):
            if held and holder in living:
                del found[key]
            else:
                found[key] = turn
    return found


def _insert(connection: Connection) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(locks)
    return sqlite.insert(locks)


def _by_hundred(keys: Iterable[str]) -> Iterator[list[str]]:
    """Yield the keys in one order for all, so that two processes never wait for each other."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), _TOGETHER):
        yield ordered[start : start + _TOGETHER]
