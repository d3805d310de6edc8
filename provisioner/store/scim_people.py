"""Users as the `pushed` directory reads them: all in their order, or those with one of several names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from provisioner.store.direct import Session
from provisioner.store.scim_users import UserRow, columns, users

Column = Literal["id", "external_id", "user_name_key"]


def page(session: Session, sync: str, after: int, most: int) -> list[UserRow]:
    """Return the users who come next after that `seq`, with their groups, at most so many."""
    rows = session.rows(
        f"SELECT {columns(session)} FROM scim_users u"
        " WHERE u.sync = :sync AND u.seq > :after ORDER BY u.seq LIMIT :most",
        sync=sync,
        after=after,
        most=most,
    )
    return users(session, rows)


def among(
    session: Session,
    sync: str,
    column: Column,
    values: Sequence[str],
) -> list[UserRow]:
    """Return the users who have one of the values in that column, with their groups, in order."""
    rows = session.rows(
        f"SELECT {columns(session)} FROM scim_users u WHERE u.sync = :sync"
        f" AND u.{column} IN (SELECT value FROM {session.texts('values')} each) ORDER BY u.seq + 0",
        sync=sync,
        values=session.listed(values),
    )
    return users(session, rows)


def with_mails(session: Session, sync: str, mails: Sequence[str]) -> list[UserRow]:
    """Return the users who have one of the folded mail addresses, with their groups, in order."""
    rows = session.rows(
        f"SELECT {columns(session)} FROM scim_users u WHERE u.sync = :sync AND u.seq IN"
        " (SELECT e.user_seq FROM scim_emails e WHERE e.sync = :sync AND e.value_key IN"
        f" (SELECT value FROM {session.texts('mails')} each)) ORDER BY u.seq + 0",
        sync=sync,
        mails=session.listed(mails),
    )
    return users(session, rows)


def nesting(session: Session, sync: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return which of these groups are members of which others of them: (inner, outer), by id."""
    some = f"(SELECT value FROM {session.texts('ids')} each)"
    rows = session.rows(
        "SELECT c.id, g.id FROM scim_nested n JOIN scim_groups c ON c.seq = n.child_seq"
        " JOIN scim_groups g ON g.seq = n.group_seq"
        f" WHERE n.sync = :sync AND c.id IN {some} AND g.id IN {some} ORDER BY c.seq, g.seq",
        sync=sync,
        ids=session.listed(ids),
    )
    return [(inner, outer) for inner, outer in rows]
