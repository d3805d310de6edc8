"""Where clients' walks by index have come to: rows that all receivers of an installation share.

A row says that a page ended at a `place`, so that `start` is where the next one begins, and how many walks wait
there. It is written for every page, and its loss does no harm but that a walk goes by its numbers: so no page
waits for the disk. On PostgreSQL it is an unlogged table of the store, emptied when the server crashes.
Beside a SQLite store it is in a file of its own (beside.py).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Engine, Integer, MetaData, String, Table, Text

from provisioner.store.beside import beside, open_beside
from provisioner.store.direct import Direct, Session

metadata = MetaData()
"""Apart from the store's: a SQLite store has no such table."""

walks = Table(
    "scim_walks",
    metadata,
    Column("walk", String, primary_key=True),  # a fingerprint: who walks through what
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("mark", BigInteger, primary_key=True, autoincrement=False),  # a fingerprint of the place
    Column("place", Text, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),  # seconds since 1970
    sqlite_with_rowid=False,
)


class Reached(NamedTuple):
    """A place where a page ended, and how many may wait there to go on."""

    mark: int
    place: str
    waiting: int
    at: int


class Leaving(NamedTuple):
    """A walk that goes on: it has waited at a place, for the page at `start`."""

    start: int
    mark: int


class Moment(NamedTuple):
    """The present, and how far from it a row still counts, in seconds."""

    now: int
    within: int


def open_file(store: Engine) -> Direct | None:
    """Return the file beside a SQLite store; None where there is none: on PostgreSQL, and in memory.

    Raises StoreError if it can't be opened.
    """
    path = beside(store.url, "walks") if store.dialect.name == "sqlite" else None
    return Direct(open_beside(path, "the file of walks", metadata)) if path else None


def reached_at(session: Session, walk: str, start: int, moment: Moment) -> list[Reached]:
    """Return the places after which the page at `start` may begin."""
    rows = session.rows(
        "SELECT mark, place, waiting, at FROM scim_walks"
        " WHERE walk = :walk AND start = :start AND at > :since AND at < :until",
        walk=walk,
        start=start,
        **_bounds(moment),
    )
    return [Reached(*row) for row in rows]


def reach(
    session: Session,
    walk: str,
    start: int,
    found: Reached,
    moment: Moment,
    leaving: Leaving | None = None,
) -> None:
    """Note that `found.waiting` more walks have come to a place; one, if none was known to be there.

    `leaving`: what is noted of where they come from, as `leave` does, in the same statement where that can be.
    """
    before = ""
    if leaving is not None and session.postgresql:
        before = f"WITH gone AS ({_LEAVE}) "
    elif leaving is not None:
        leave(session, walk, leaving)
    session.run(
        f"{before}INSERT INTO scim_walks (walk, start, mark, place, waiting, at)"
        " VALUES (:walk, :start, :mark, :place, 1, :now)"
        " ON CONFLICT (walk, start, mark) DO UPDATE SET at = :now, waiting = CASE"
        " WHEN scim_walks.waiting < 1 OR scim_walks.at <= :since THEN 1"
        " ELSE scim_walks.waiting + :more END",
        **_left(walk, leaving),
        start=start,
        mark=found.mark,
        place=found.place,
        more=found.waiting,
        now=moment.now,
        since=moment.now - moment.within,
    )


def leave(session: Session, walk: str, leaving: Leaving) -> None:
    """Note that a walk has gone on: one fewer waits."""
    session.run(_LEAVE, **_left(walk, leaving))


_LEAVE = (
    "UPDATE scim_walks SET waiting = waiting - 1"
    " WHERE walk = :walk AND start = :left AND mark = :left_mark AND waiting > 0"
)


def _left(walk: str, leaving: Leaving | None) -> dict[str, Any]:
    if leaving is None:
        return {"walk": walk}
    return {"walk": walk, "left": leaving.start, "left_mark": leaving.mark}


def forget(session: Session, walk: str, moment: Moment) -> None:
    """Forget all that a client's walks through a list have come to, unless one of them waits somewhere."""
    waits = "waiting > 0 AND at > :since AND at < :until"
    _delete(
        session,
        f"walk = :walk AND NOT ({waits})"
        f" AND NOT EXISTS (SELECT 1 FROM scim_walks WHERE walk = :walk AND {waits})",
        walk=walk,
        **_bounds(moment),
    )


def forget_old(session: Session, moment: Moment) -> None:
    """Forget what no longer counts."""
    _delete(session, "at <= :since OR at >= :until", **_bounds(moment))


def _bounds(moment: Moment) -> dict[str, Any]:
    """Return between which moments a row counts: a clock that was set back leaves none for long."""
    return {"since": moment.now - moment.within, "until": moment.now + moment.within}


def _delete(session: Session, where: str, **values: Any) -> None:
    # who deletes waits for nobody, nor they in a circle
    locked = session.locked("UPDATE SKIP LOCKED")
    session.run(
        "DELETE FROM scim_walks WHERE (walk, start, mark) IN"
        f" (SELECT walk, start, mark FROM scim_walks WHERE {where}{locked})",
        **values,
    )
