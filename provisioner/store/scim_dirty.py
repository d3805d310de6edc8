"""Whose phones may have to change: marked with every change, in the same transaction.

A mark says which user, and the externalId that they had then, because somebody who was deleted or given
another one is still known by the key that this made. Marks are only ever added, so that writers never
wait for each other. Whoever plans for the marked people takes the marks, and clears those very marks in
the transaction that records the plan: what was marked meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, select

from provisioner.store.direct import Session
from provisioner.store.moments import moment, written
from provisioner.store.scim_tables import scim_dirty

_TOGETHER = 500


class Marks(msgspec.Struct, frozen=True):
    """Marks that were taken. `people`: (user's id, their externalId then), each once, oldest first.

    `first_at` and `last_at` are when the oldest and the newest of them were made.
    """

    sync: str
    people: tuple[tuple[str, str | None], ...]
    numbers: tuple[int, ...]
    first_at: datetime
    last_at: datetime


def mark(
    session: Session, sync: str, user_id: str, external_ids: Iterable[str | None], at: str
) -> None:
    """Mark one user, under each of the different externalIds that they had before and after."""
    for external_id in dict.fromkeys(external_ids):
        session.run(
            "INSERT INTO scim_dirty (sync, user_id, external_id, at)"
            " VALUES (:sync, :user_id, :external_id, :at)",
            sync=sync,
            user_id=user_id,
            external_id=external_id,
            at=at,
        )


def mark_new(session: Session, sync: str, user_id: str, at: str) -> None:
    """Mark the user of that id, if they are there, in the transaction that inserts them."""
    session.run(
        "INSERT INTO scim_dirty (sync, user_id, external_id, at)"
        " SELECT u.sync, u.id, u.external_id, :at FROM scim_users u"
        " WHERE u.sync = :sync AND u.id = :user_id",
        sync=sync,
        user_id=user_id,
        at=at,
    )


def mark_users(session: Session, sync: str, user_seqs: Sequence[int], at: str) -> None:
    """Mark the users with these `seq`s by one statement."""
    if user_seqs:
        session.run(
            "INSERT INTO scim_dirty (sync, user_id, external_id, at)"
            " SELECT :sync, u.id, u.external_id, :at FROM scim_users u"
            f" JOIN {session.numbers('users')} each ON each.value = u.seq",
            sync=sync,
            at=at,
            users=session.listed(user_seqs),
        )


def mark_below(session: Session, sync: str, group_seqs: Sequence[int], at: str) -> None:
    """Mark by one statement everybody who is in these groups, or in groups that are in them."""
    session.run(
        "INSERT INTO scim_dirty (sync, user_id, external_id, at)"
        " WITH RECURSIVE below (seq) AS ("
        f"  SELECT each.value FROM {session.numbers('groups')} each"
        "  UNION SELECT n.child_seq FROM below JOIN scim_nested n ON n.group_seq = below.seq)"
        " SELECT :sync, u.id, u.external_id, :at FROM scim_users u WHERE u.seq IN ("
        "  SELECT m.user_seq FROM below JOIN scim_members m ON m.group_seq = below.seq)",
        sync=sync,
        at=at,
        groups=session.listed(group_seqs),
    )


def marked(connection: Connection) -> dict[str, tuple[datetime, datetime]]:
    """Return the syncs that have marks, each with when its oldest and its newest were made."""
    query = select(
        scim_dirty.c.sync, func.min(scim_dirty.c.at), func.max(scim_dirty.c.at)
    ).group_by(scim_dirty.c.sync)
    return {sync: (moment(first), moment(last)) for sync, first, last in connection.execute(query)}


def take(
    connection: Connection, sync: str, *, until: datetime | None = None, most: int = 100_000
) -> Marks | None:
    """Return the oldest marks of a sync, those made up to `until`; None if there are none.

    Nothing is changed: they stay until `clear` is called, so that a process that dies loses none.
    """
    query = select(
        scim_dirty.c.mark, scim_dirty.c.user_id, scim_dirty.c.external_id, scim_dirty.c.at
    )
    query = query.where(scim_dirty.c.sync == sync).order_by(scim_dirty.c.mark).limit(most)
    if until is not None:
        query = query.where(scim_dirty.c.at <= written(until))
    rows = connection.execute(query).all()
    if not rows:
        return None
    moments = [at for *_, at in rows]
    return Marks(
        sync=sync,
        people=tuple(dict.fromkeys((user_id, external_id) for _, user_id, external_id, _ in rows)),
        numbers=tuple(number for number, *_ in rows),
        first_at=moment(min(moments)),
        last_at=moment(max(moments)),
    )


def clear(connection: Connection, marks: Marks) -> None:
    """Forget the marks that were taken, and no others."""
    for start in range(0, len(marks.numbers), _TOGETHER):
        some = marks.numbers[start : start + _TOGETHER]
        connection.execute(delete(scim_dirty).where(scim_dirty.c.mark.in_(some)))
