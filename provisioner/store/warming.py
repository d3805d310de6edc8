"""Pushed directories that are still being filled: identity providers send people before memberships.

A pushed directory is warming until an operator declares it ready; nothing is taken away before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from provisioner.store.audit import Entry, append
from provisioner.store.database import upsert_many
from provisioner.store.moments import written
from provisioner.store.tables import warmed


def warming(connection: Connection, sync: str, directories: Iterable[str]) -> tuple[str, ...]:
    """Return those of a sync's pushed directories that nobody has declared ready, in order."""
    ready = set(
        connection.execute(select(warmed.c.directory).where(warmed.c.sync == sync)).scalars()
    )
    return tuple(name for name in directories if name not in ready)


def declare_ready(
    connection: Connection, sync: str, directory: str, by: str, now: datetime
) -> None:
    """Note that somebody says that a pushed directory is complete."""
    upsert_many(connection, warmed, [(sync, directory, written(now), by)])
    detail = {"directory": directory, "by": by}
    append(connection, [Entry(kind="directory.ready", sync=sync, detail=detail)], now)
