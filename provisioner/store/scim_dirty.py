"""Whose phones may have to change: marked with every change, in the same transaction.

A mark says which user, and the externalId that they had then, because somebody who was deleted or given
another one is still known by the key that this made. Marks are only ever added, so that writers never
wait for each other. Whoever plans for the marked people takes the marks, and clears those very marks when
what was planned is over: what was marked meanwhile stays, and so does everything when a process dies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from datetime import datetime
from itertools import pairwise

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, select, text

from connectors.records import fold
from provisioner.store.direct import Session
from provisioner.store.moments import moment, written
from provisioner.store.scim_tables import scim_dirty

_TOGETHER = 500

_SPANS = 50
"""So many spans of numbers are passed over by the database; what else is to be passed over is read."""


class Marks(msgspec.Struct, frozen=True):
    """Marks that were taken. `people`: (user's id, their externalId then), each once, oldest first.

    `numbers` are the marks' own, and `users` whose each of them is: the user's id. `first_at` and
    `last_at` are when the oldest and the newest of them were made.
    """

    sync: str
    people: tuple[tuple[str, str | None], ...]
    numbers: tuple[int, ...]
    users: tuple[str, ...]
    first_at: datetime
    last_at: datetime

    def of(self, users: Collection[str]) -> frozenset[int]:
        """Return the numbers of these users' marks, by id."""
        marks = zip(self.numbers, self.users, strict=True)
        return frozenset(number for number, user in marks if user in users)


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


def oldest(connection: Connection, sync: str, but: Collection[int] = ()) -> datetime | None:
    """Return when the oldest mark of a sync was made; None if there is none.

    Of the marks in `but` some may be looked at all the same.
    """
    spans = _spans(but)
    query = select(func.min(scim_dirty.c.at)).where(scim_dirty.c.sync == sync, *_without(spans))
    at = connection.execute(query).scalar()
    return None if at is None else moment(at)


def take(
    connection: Connection,
    sync: str,
    *,
    until: datetime | None = None,
    most: int = 100_000,
    but: Collection[int] = (),
    without: Set[str] = frozenset(),
) -> Marks | None:
    """Return the oldest marks of a sync, those made up to `until`; None if there are none.

    `but`: marks that are left. `without`: ids and folded externalIds of those whose marks are left.
    Nothing is changed: they stay until `clear` is called, so that a process that dies loses none.
    """
    spans = _spans(but)
    read = len(but) - sum(last - first + 1 for first, last in spans)
    query = select(
        scim_dirty.c.mark, scim_dirty.c.user_id, scim_dirty.c.external_id, scim_dirty.c.at
    )
    query = query.where(scim_dirty.c.sync == sync, *_without(spans))
    query = query.order_by(scim_dirty.c.mark).limit(most + read)
    if until is not None:
        query = query.where(scim_dirty.c.at <= written(until))
    rows = [
        row
        for row in connection.execute(query)
        if row.mark not in but and without.isdisjoint(names_of(row.user_id, row.external_id))
    ][:most]
    if not rows:
        return None
    moments = [at for *_, at in rows]
    return Marks(
        sync=sync,
        people=tuple(dict.fromkeys((user_id, external_id) for _, user_id, external_id, _ in rows)),
        numbers=tuple(number for number, *_ in rows),
        users=tuple(user_id for _, user_id, *_ in rows),
        first_at=moment(min(moments)),
        last_at=moment(max(moments)),
    )


def renamed(connection: Connection, sync: str) -> list[tuple[str, str | None]]:
    """Return the marks of those who had another externalId then: (user's id, the externalId then)."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT d.user_id, d.external_id FROM scim_dirty d"
            " JOIN scim_users u ON u.sync = d.sync AND u.id = d.user_id"
            " WHERE d.sync = :sync AND (d.external_id <> u.external_id"
            " OR (d.external_id IS NULL) <> (u.external_id IS NULL))"
        ),
        {"sync": sync},
    )
    return [(user_id, external_id) for user_id, external_id in rows]


def names_of(user_id: str, external_id: str | None) -> tuple[str, ...]:
    """Return by what somebody who is marked is known: two marks with one in common are of one person."""
    return (user_id,) if external_id is None else (user_id, fold(external_id))


def _spans(numbers: Collection[int]) -> list[tuple[int, int]]:
    """Return the longest runs of numbers that follow each other, as (first, last).

    What one change marked has such numbers, however many people it touched.

    >>> _spans([7, 1, 2, 3])
    [(1, 3), (7, 7)]
    """
    ordered = sorted(numbers)
    if not ordered:
        return []
    cuts = [n for n, (a, b) in enumerate(pairwise(ordered), start=1) if b != a + 1]
    ends = pairwise([0, *cuts, len(ordered)])
    spans = [(ordered[start], ordered[end - 1]) for start, end in ends]
    return sorted(sorted(spans, key=lambda span: span[0] - span[1])[:_SPANS])


def _without(spans: Iterable[tuple[int, int]]) -> list[ColumnElement[bool]]:
    return [~scim_dirty.c.mark.between(*span) for span in spans]


def clear(connection: Connection, marks: Marks, but: Collection[int] = ()) -> None:
    """Forget the marks that were taken, and no others; `but` of them stay."""
    numbers = [number for number in marks.numbers if number not in but]
    for start in range(0, len(numbers), _TOGETHER):
        some = numbers[start : start + _TOGETHER]
        connection.execute(delete(scim_dirty).where(scim_dirty.c.mark.in_(some)))
