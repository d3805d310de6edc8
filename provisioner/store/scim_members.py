"""Membership: rows of (group, user) and (group, group in it), changed by as few statements as there are steps.

A step costs the same in a group of ten and of a hundred thousand, because nobody's membership but that
of the people in it is looked at. Adding who is there and removing who isn't changes nothing, and
the rows that a step did change are known, so that only these people are marked and only a changed group
gets a new version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from provisioner.store.direct import Session


class Members(NamedTuple):
    """Members by what they are: `seq`s of users and of groups, and the ids that name neither.

    A step gives those whose membership it changed.
    """

    users: list[int]
    groups: list[int]
    unknown: list[str]


def resolve(session: Session, sync: str, ids: Iterable[str], *, kept: bool) -> Members:
    """Return who these ids are; if they are to be `kept`, nobody can delete them meanwhile."""
    sought = dict.fromkeys(ids)
    users = _known(session, sync, "scim_users", list(sought), kept)
    rest = [id for id in sought if id not in users]
    groups = _known(session, sync, "scim_groups", rest, kept) if rest else {}
    unknown = [id for id in rest if id not in groups]
    return Members(list(users.values()), list(groups.values()), unknown)


def _known(
    session: Session, sync: str, table: str, ids: Sequence[str], kept: bool
) -> dict[str, int]:
    locked = session.locked("KEY SHARE OF r") if kept else ""
    ids = [id for id in ids if "\x00" not in id]  # nobody's, and PostgreSQL wouldn't take it
    if len(ids) == 1:  # by far the most frequent, and PostgreSQL plans it better
        row = session.row(
            f"SELECT r.id, r.seq FROM {table} r WHERE r.sync = :sync AND r.id = :id{locked}",
            sync=sync,
            id=ids[0],
        )
        return {row[0]: row[1]} if row else {}
    rows = session.rows(
        f"SELECT r.id, r.seq FROM {session.texts('ids')} each CROSS JOIN {table} r"
        f" WHERE r.sync = :sync AND r.id = each.value{locked}",
        sync=sync,
        ids=session.listed(ids),
    )
    return dict(rows)


def add(session: Session, sync: str, group: int, ids: Iterable[str]) -> Members:
    """Put these users and groups into a group. Nothing is changed if one of them is unknown."""
    found = resolve(session, sync, ids, kept=True)
    if found.unknown:
        return Members([], [], found.unknown)
    return Members(
        _insert(session, "scim_members (group_seq, user_seq)", "user_seq", group, found.users),
        _insert(
            session,
            "scim_nested (group_seq, child_seq, sync)",
            "child_seq",
            group,
            found.groups,
            sync,
        ),
        [],
    )


def _insert(
    session: Session,
    into: str,
    member: str,
    group: int,
    seqs: Sequence[int],
    sync: str | None = None,
) -> list[int]:
    if not seqs:
        return []
    rest = "" if sync is None else ", :sync"
    rows = session.rows(
        f"INSERT INTO {into} SELECT :group_seq, each.value{rest} FROM {session.numbers('seqs')} each"
        f" WHERE true ORDER BY each.value ON CONFLICT DO NOTHING RETURNING {member}",
        group_seq=group,
        seqs=session.listed(seqs),
        **({} if sync is None else {"sync": sync}),
    )
    return [seq for (seq,) in rows]


def remove(session: Session, sync: str, group: int, ids: Iterable[str]) -> Members:
    """Take these users and groups out of a group; whoever isn't in it is passed over."""
    found = resolve(session, sync, ids, kept=False)
    return Members(
        _delete(session, "scim_members", "user_seq", group, "IN", found.users),
        _delete(session, "scim_nested", "child_seq", group, "IN", found.groups),
        found.unknown,
    )


def _delete(
    session: Session, table: str, member: str, group: int, which: str, seqs: Sequence[int]
) -> list[int]:
    if which == "IN" and not seqs:
        return []
    chosen = f"{which} (SELECT value FROM {session.numbers('seqs')} each)"
    if session.postgresql and (which != "IN" or len(seqs) > 1):
        # in one order, as they are added: two who want each other's rows would wait for ever
        chosen = (
            f"IN (SELECT x.{member} FROM {table} x WHERE x.group_seq = :group_seq"
            f" AND x.{member} {chosen} ORDER BY x.{member}{session.locked()})"
        )
    rows = session.rows(
        f"DELETE FROM {table} WHERE group_seq = :group_seq AND {member} {chosen}"
        f" RETURNING {member}",
        group_seq=group,
        seqs=session.listed(seqs),
    )
    return [seq for (seq,) in rows]


def replace(session: Session, sync: str, group: int, ids: Iterable[str]) -> Members:
    """Make these users and groups the only members. Nothing is changed if one of them is unknown."""
    found = resolve(session, sync, ids, kept=True)
    if found.unknown:
        return Members([], [], found.unknown)
    gone_users = _delete(session, "scim_members", "user_seq", group, "NOT IN", found.users)
    gone_groups = _delete(session, "scim_nested", "child_seq", group, "NOT IN", found.groups)
    new = add(session, sync, group, ids) if found.users or found.groups else Members([], [], [])
    return Members([*gone_users, *new.users], [*gone_groups, *new.groups], [])


def remove_all(session: Session, group: int) -> Members:
    """Take everybody out of a group."""
    return Members(
        _delete(session, "scim_members", "user_seq", group, "NOT IN", []),
        _delete(session, "scim_nested", "child_seq", group, "NOT IN", []),
        [],
    )


def listed(session: Session, groups: Sequence[int], base: str) -> dict[int, str]:
    """Return the members of each of these groups as JSON text, `[{…}, …]`; none for one that is empty.

    `base` is the URL before `/Users`. The database writes the text: no member becomes an object here.
    """
    if not groups:
        return {}
    found: dict[int, str] = {}
    for path, type, table, member, of in (
        ("Users", "User", "scim_members", "user_seq", "scim_users"),
        ("Groups", "Group", "scim_nested", "child_seq", "scim_groups"),
    ):
        quoted = "to_json(r.display_name)" if session.postgresql else "json_quote(r.display_name)"
        display = f"CASE WHEN r.display_name IS NULL THEN '}}' ELSE ',\"display\":' || {quoted} || '}}' END"
        text = f'\'{{"value":"\' || r.id || :middle || r.id || :type || {display}'
        joined = f"string_agg({text}, ',')" if session.postgresql else f"group_concat({text}, ',')"
        rows = session.rows(
            f"SELECT x.group_seq, {joined} FROM {session.numbers('groups')} each"
            f" JOIN {table} x ON x.group_seq = each.value JOIN {of} r ON r.seq = x.{member}"
            " GROUP BY x.group_seq",
            groups=session.listed(groups),
            middle=f'","$ref":"{base}/{path}/',
            type=f'","type":"{type}"',
        )
        for group, members in rows:
            found[group] = f"{found[group]},{members}" if group in found else members
    return {group: f"[{members}]" for group, members in found.items()}
