"""How many resources there are, and where the n-th stands, without counting them one by one.

A block is 1,024 consecutive `seq`s. Each has a few rows of counts that add up: on PostgreSQL every
connection has its own, so that two who create users at once don't wait for each other. A list's total
is a sum of some hundred rows where counting a million would take longer than all the rest of the
page, and the n-th resource is found by skipping less than a block.
"""

from __future__ import annotations

from typing import Literal

from provisioner.store.direct import Session

Kind = Literal["User", "Group"]

_BLOCK_BITS = 10
_SLOTS = 16


def count(session: Session, sync: str, kind: Kind, seq: int, change: int) -> None:
    """Add a resource (1) or take it off (-1), in the transaction that makes it come or go."""
    session.run(
        "INSERT INTO scim_counts (sync, kind, block, slot, resources)"
        f" VALUES (:sync, :kind, :block, {_slot(session)}, :change)"
        " ON CONFLICT (sync, kind, block, slot)"
        " DO UPDATE SET resources = scim_counts.resources + :change",
        sync=sync,
        kind=kind,
        block=seq >> _BLOCK_BITS,
        change=change,
    )


def count_new(session: Session, sync: str, kind: Kind, id: str) -> None:
    """Add the resource of that id, if it is there, in the transaction that inserts it."""
    table = "scim_users" if kind == "User" else "scim_groups"
    session.run(
        "INSERT INTO scim_counts (sync, kind, block, slot, resources)"
        f" SELECT r.sync, :kind, r.seq >> {_BLOCK_BITS}, {_slot(session)}, 1 FROM {table} r"
        " WHERE r.sync = :sync AND r.id = :id"
        " ON CONFLICT (sync, kind, block, slot) DO UPDATE SET resources = scim_counts.resources + 1",
        sync=sync,
        kind=kind,
        id=id,
    )


def _slot(session: Session) -> str:
    return f"pg_backend_pid() % {_SLOTS}" if session.postgresql else "0"


def total_and_place(session: Session, sync: str, kind: Kind, skip: int) -> tuple[int, int, int]:
    """Return how many resources there are, and where to begin so as to skip the first `skip`.

    That place is a `seq` to begin at, and how many from there on are still to be skipped.
    """
    rows = session.rows(
        "SELECT block, SUM(resources) FROM scim_counts WHERE sync = :sync AND kind = :kind"
        " GROUP BY block ORDER BY block",
        sync=sync,
        kind=kind,
    )
    total, start, rest, found = 0, 0, skip, False
    for block, resources in rows:
        total += int(resources)
        if not found:
            start = int(block) << _BLOCK_BITS
            found = rest < resources
            rest -= 0 if found else int(resources)
    return (total, start, rest) if found else (total, start + (1 << _BLOCK_BITS), rest)
