"""Group rows: a document, and the columns that filters look at. Who is in a group is in scim_members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from connectors.records import clean, fold
from provisioner.store.direct import Session
from provisioner.store.scim_counts import count

COLUMNS = "g.seq, g.id, g.version, g.created, g.last_modified, g.document"
"""What to select from `scim_groups g` for a GroupRow."""

_TOUCH = "UPDATE scim_groups SET version = version + 1, last_modified = :at WHERE seq = :seq"


class GroupRow(NamedTuple):
    """One group as stored, without its members."""

    seq: int
    id: str
    version: int
    created: str
    last_modified: str
    document: str


class GroupKeys(NamedTuple):
    """What of a Group resource has a column of its own."""

    display_name: str | None
    external_id: str | None

    @classmethod
    def of(cls, resource: Mapping[str, Any]) -> GroupKeys:
        """Return the keys of a Group resource in canonical names."""
        external_id = resource.get("externalId")
        return cls(resource.get("displayName"), None if external_id is None else clean(external_id))


def find(session: Session, sync: str, id: str) -> GroupRow | None:
    """Return the group of that id; None if there is none."""
    return _one(session, sync, id, "")


def hold(session: Session, sync: str, id: str) -> GroupRow | None:
    """Return the group of that id, and let nobody else change it; None if there is none."""
    return _one(session, sync, id, session.locked())


def share(session: Session, sync: str, id: str) -> GroupRow | None:
    """Return the group of that id, None if there is none, and let nobody hold or delete it meanwhile.

    Any number may share a group and change its members, and give it versions, at once; whoever holds
    it is alone. Who waits for a group has none of its members yet, so that nobody waits in a circle.
    """
    return _one(session, sync, id, session.locked("KEY SHARE"))


def share_those_of_user(session: Session, sync: str, id: str, *, held: bool = False) -> None:
    """Share the groups that a user is in: before the user is held, and once they are `held`.

    The second time is for a group that they have come into meanwhile; nobody waits for it then, but
    the transaction is done again where somebody holds it.
    """
    _share_around(session, sync, id, "scim_users", "scim_members", "user_seq", held=held)


def share_those_of_group(session: Session, sync: str, id: str, *, held: bool = False) -> None:
    """Share the groups that a group is in, likewise."""
    _share_around(session, sync, id, "scim_groups", "scim_nested", "child_seq", held=held)


def _share_around(
    session: Session, sync: str, id: str, table: str, members: str, seq: str, *, held: bool
) -> None:
    if session.postgresql:  # elsewhere whoever writes is alone
        how = "KEY SHARE OF g NOWAIT" if held else "KEY SHARE OF g"
        session.run(
            f"SELECT g.seq FROM {table} r JOIN {members} m ON m.{seq} = r.seq"
            " JOIN scim_groups g ON g.seq = m.group_seq WHERE r.sync = :sync AND r.id = :id"
            f" ORDER BY g.seq{session.locked(how)}",
            sync=sync,
            id=id,
        )


def _one(session: Session, sync: str, id: str, locked: str) -> GroupRow | None:
    row = session.row(
        f"SELECT {COLUMNS} FROM scim_groups g WHERE g.sync = :sync AND g.id = :id{locked}",
        sync=sync,
        id=id,
    )
    return GroupRow(*row) if row else None


def is_there(session: Session, sync: str, keys: GroupKeys) -> bool:
    """Whether there is a group of that externalId and, in any case, name; it waits for others who ask.

    It comes first in a transaction, so that whoever waits holds nothing.
    """
    if keys.external_id is None or keys.display_name is None:
        return False
    if session.postgresql:  # elsewhere whoever writes is alone
        session.run(
            "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))",
            key=f"{sync}\n{keys.external_id}",
        )
    row = session.row(
        "SELECT 1 FROM scim_groups WHERE sync = :sync AND external_id = :external_id"
        " AND display_name_key = :key LIMIT 1",
        sync=sync,
        external_id=keys.external_id,
        key=fold(keys.display_name),
    )
    return row is not None


def insert(
    session: Session, sync: str, id: str, keys: GroupKeys, document: str, at: str
) -> GroupRow:
    """Insert a new group without members, not `counted` yet."""
    row = session.row(
        "INSERT INTO scim_groups (sync, id, display_name, display_name_key, external_id,"
        " created, last_modified, version, document)"
        " VALUES (:sync, :id, :display, :key, :external_id, :at, :at, 1, :document) RETURNING seq",
        sync=sync,
        id=id,
        at=at,
        document=document,
        **_values(keys),
    )
    assert row is not None
    return GroupRow(int(row[0]), id, 1, at, at, document)


def counted(session: Session, sync: str, seq: int) -> None:
    """Count a new group: last in its transaction, because others who count may wait until that ends."""
    count(session, sync, "Group", seq, 1)


def update(session: Session, held: GroupRow, keys: GroupKeys, document: str, at: str) -> GroupRow:
    """Give a group that is held another document, and the next version."""
    session.run(
        "UPDATE scim_groups SET display_name = :display, display_name_key = :key,"
        " external_id = :external_id, last_modified = :at, version = version + 1,"
        " document = :document WHERE seq = :seq",
        seq=held.seq,
        at=at,
        document=document,
        **_values(keys),
    )
    return held._replace(version=held.version + 1, last_modified=at, document=document)


def touch(session: Session, seq: int, at: str) -> int | None:
    """Give a group whose members changed the next version, and return it; None if the group is gone.

    It comes last in a transaction: only from here on do others who change the same group wait.
    """
    row = session.row(f"{_TOUCH} RETURNING version", seq=seq, at=at)
    return int(row[0]) if row else None


def touch_all(session: Session, seqs: Iterable[int], at: str) -> None:
    """Give each of these groups the next version: in one order, so that two who do it don't wait in a circle."""
    for seq in sorted(seqs):
        session.run(_TOUCH, seq=seq, at=at)


def delete(session: Session, sync: str, held: GroupRow, at: str) -> None:
    """Delete a group that is held, with its memberships; groups that it was in are changed by it."""
    session.run("DELETE FROM scim_groups WHERE seq = :seq", seq=held.seq)
    session.run("DELETE FROM scim_members WHERE group_seq = :seq", seq=held.seq)
    session.run("DELETE FROM scim_nested WHERE group_seq = :seq", seq=held.seq)
    parents = session.rows(
        "DELETE FROM scim_nested WHERE child_seq = :seq RETURNING group_seq", seq=held.seq
    )
    touch_all(session, (seq for (seq,) in parents), at)
    count(session, sync, "Group", held.seq, -1)


def _values(keys: GroupKeys) -> dict[str, Any]:
    name = keys.display_name
    return {
        "display": name,
        "key": None if name is None else fold(name),
        "external_id": keys.external_id,
    }
