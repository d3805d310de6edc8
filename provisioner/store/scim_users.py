"""User rows: a document, the columns that filters and uniqueness look at, and mail addresses.

Names are unique by a database index over the folded userName, so that of two who claim one at the same
moment one gets it. The groups of a user are read from the membership, never stored with the user.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from connectors.records import clean, fold
from provisioner.store.direct import Session
from provisioner.store.scim_counts import count, count_new
from provisioner.store.scim_groups import touch_all

MemberOf = tuple[str, str | None, bool]
"""A group that a user is in: its id, its name, and whether the user is in it directly."""

_Direct = list[tuple[str, str | None]]
_direct = msgspec.json.Decoder(_Direct)


class UserRow(NamedTuple):
    """One user as stored. `groups` are direct and inherited ones, or empty where nobody asked."""

    seq: int
    id: str
    version: int
    created: str
    last_modified: str
    document: str
    groups: tuple[MemberOf, ...] = ()


class UserKeys(NamedTuple):
    """What of a User resource has a column of its own, as it is compared."""

    user_name_key: str
    external_id: str | None
    display_name: str | None
    active: bool | None
    emails: frozenset[str]

    @classmethod
    def of(cls, resource: Mapping[str, Any]) -> UserKeys:
        """Return the keys of a User resource in canonical names."""
        display, external_id = resource.get("displayName"), resource.get("externalId")
        emails = (e.get("value") for e in resource.get("emails") or () if isinstance(e, dict))
        return cls(
            fold(resource["userName"]),
            None if external_id is None else clean(external_id),
            display,
            resource.get("active"),
            frozenset(fold(e) for e in emails if isinstance(e, str) and e.strip()),
        )


def columns(session: Session, *, groups: bool = True) -> str:
    """Return what to select from `scim_users u` for `users`; `:sync` must be bound."""
    own = "u.seq, u.id, u.version, u.created, u.last_modified, u.document"
    if not groups:
        return f"{own}, NULL, NULL"
    listed = (
        "CAST(json_agg(json_build_array(g.id, g.display_name) ORDER BY g.seq) AS text)"
        if session.postgresql
        else "json_group_array(json_array(g.id, g.display_name))"
    )
    return (
        f"{own}, (SELECT {listed} FROM scim_members m JOIN scim_groups g ON g.seq = m.group_seq"
        " WHERE m.user_seq = u.seq),"
        " EXISTS (SELECT 1 FROM scim_nested n WHERE n.sync = :sync)"
    )


def users(session: Session, rows: Sequence[tuple[Any, ...]]) -> list[UserRow]:
    """Return the users of rows that were selected by `columns`, inherited groups added."""
    inherited: Mapping[int, list[MemberOf]] = {}
    if rows and rows[0][7]:
        inherited = _inherited(session, [row[0] for row in rows if row[6] not in (None, "[]")])
    return [UserRow._make((*row[:6], _groups(row[6], inherited.get(row[0], ())))) for row in rows]


def _groups(direct: str | None, inherited: Iterable[MemberOf]) -> tuple[MemberOf, ...]:
    if direct is None or direct == "[]":
        return ()
    own = tuple((id, display, True) for id, display in _direct.decode(direct))
    return (*own, *inherited) if inherited else own


def _inherited(session: Session, seqs: Sequence[int]) -> dict[int, list[MemberOf]]:
    """Return by user the groups that hold a group that they are in, but not them."""
    found: dict[int, list[MemberOf]] = defaultdict(list)
    for seq, id, display in session.rows(
        "WITH RECURSIVE above (user_seq, seq) AS ("
        "  SELECT m.user_seq, n.group_seq FROM scim_members m"
        f"  JOIN {session.numbers('users')} each ON each.value = m.user_seq"
        "  JOIN scim_nested n ON n.child_seq = m.group_seq"
        "  UNION SELECT a.user_seq, n.group_seq FROM above a"
        "  JOIN scim_nested n ON n.child_seq = a.seq)"
        " SELECT a.user_seq, g.id, g.display_name FROM above a JOIN scim_groups g ON g.seq = a.seq"
        " WHERE NOT EXISTS (SELECT 1 FROM scim_members m"
        "  WHERE m.user_seq = a.user_seq AND m.group_seq = a.seq)"
        " ORDER BY a.user_seq, g.seq",
        users=session.listed(seqs),
    ):
        found[seq].append((id, display, False))
    return found


def find(session: Session, sync: str, id: str) -> UserRow | None:
    """Return the user of that id, with their groups; None if there is none."""
    rows = session.rows(
        f"SELECT {columns(session)} FROM scim_users u WHERE u.sync = :sync AND u.id = :id",
        sync=sync,
        id=id,
    )
    return users(session, rows)[0] if rows else None


def hold(session: Session, sync: str, id: str) -> UserRow | None:
    """Return the user of that id, and let nobody else change them; None if there is none."""
    return _held(session, "u.id = :id", sync=sync, id=id)


def hold_inactive(session: Session, sync: str, external_id: str) -> UserRow | None:
    """Return the newest inactive user with that clean externalId, and let nobody else change them."""
    where = "u.external_id = :external_id AND NOT u.active ORDER BY u.seq DESC LIMIT 1"
    return _held(session, where, sync=sync, external_id=external_id)


def is_taken(session: Session, sync: str, name_key: str) -> bool:
    """Return whether somebody has that folded userName."""
    sql = "SELECT 1 FROM scim_users WHERE sync = :sync AND user_name_key = :name"
    return session.row(sql, sync=sync, name=name_key) is not None


def _held(session: Session, where: str, **values: str) -> UserRow | None:
    rows = session.rows(
        f"SELECT {columns(session)} FROM scim_users u WHERE u.sync = :sync AND {where}"
        f"{session.locked('UPDATE OF u')}",
        **values,
    )
    return users(session, rows)[0] if rows else None


def insert(
    session: Session, sync: str, id: str, keys: UserKeys, document: str, at: str, *, anew: bool
) -> list[tuple[Any, ...]]:
    """Insert a new user; return where their `seq` will be when the transaction is over.

    Nothing at all is inserted where the userName is taken, nor, unless `anew`, where somebody inactive
    has that externalId. Every statement finds the row by its id: none waits for another's answer.
    """
    where = "TRUE"
    if not anew:
        where = (
            "NOT EXISTS (SELECT 1 FROM scim_users u WHERE u.sync = CAST(:sync AS VARCHAR)"
            " AND u.external_id = CAST(:external_id AS VARCHAR) AND NOT u.active)"
        )
    seq = session.told(
        "INSERT INTO scim_users (sync, id, user_name_key, external_id, display_name, display_name_key,"
        " active, created, last_modified, version, document)"
        " SELECT CAST(:sync AS VARCHAR), :id, :name, CAST(:external_id AS VARCHAR), :display, :key,"
        " CAST(:active AS BOOLEAN),"
        f" :at, :at, 1, :document WHERE {where}"
        " ON CONFLICT (sync, user_name_key) DO NOTHING RETURNING seq",
        sync=sync,
        id=id,
        at=at,
        document=document,
        **_values(keys),
    )
    if keys.emails:
        session.run(
            "INSERT INTO scim_emails (sync, value_key, user_seq) SELECT u.sync, each.value, u.seq"
            f" FROM scim_users u CROSS JOIN {session.texts('emails')} each"
            " WHERE u.sync = :sync AND u.id = :id",
            sync=sync,
            id=id,
            emails=session.listed(sorted(keys.emails)),
        )
    count_new(session, sync, "User", id)
    return seq


def update(
    session: Session,
    sync: str,
    held: UserRow,
    before: UserKeys,
    after: UserKeys,
    document: str,
    at: str,
) -> UserRow:
    """Give a user who is held another document, and the next version. Raises NotUnique for the userName."""
    session.run(
        "UPDATE scim_users SET user_name_key = :name, external_id = :external_id,"
        " display_name = :display, display_name_key = :key, active = :active, last_modified = :at,"
        " version = :version, document = :document WHERE seq = :seq",
        seq=held.seq,
        at=at,
        version=held.version + 1,
        document=document,
        **_values(after),
    )
    if gone := before.emails - after.emails:
        session.run(
            "DELETE FROM scim_emails WHERE user_seq = :seq AND value_key IN"
            f" (SELECT value FROM {session.texts('emails')} each)",
            seq=held.seq,
            emails=session.listed(sorted(gone)),
        )
    _insert_emails(session, sync, held.seq, after.emails - before.emails)
    return held._replace(version=held.version + 1, last_modified=at, document=document)


def delete(session: Session, sync: str, held: UserRow, at: str) -> None:
    """Delete a user who is held: they leave their groups, which changes these."""
    session.run("DELETE FROM scim_users WHERE seq = :seq", seq=held.seq)
    session.run("DELETE FROM scim_emails WHERE user_seq = :seq", seq=held.seq)
    left = session.rows(
        "DELETE FROM scim_members WHERE user_seq = :seq RETURNING group_seq", seq=held.seq
    )
    touch_all(session, (seq for (seq,) in left), at)
    count(session, sync, "User", held.seq, -1)


def _values(keys: UserKeys) -> dict[str, Any]:
    display = keys.display_name
    return {
        "name": keys.user_name_key,
        "external_id": keys.external_id,
        "display": display,
        "key": None if display is None else fold(display),
        "active": keys.active,
    }


def _insert_emails(session: Session, sync: str, seq: int, emails: Iterable[str]) -> None:
    if listed := sorted(emails):
        session.run(
            "INSERT INTO scim_emails (sync, value_key, user_seq)"
            f" SELECT :sync, each.value, :seq FROM {session.texts('emails')} each",
            sync=sync,
            seq=seq,
            emails=session.listed(listed),
        )
