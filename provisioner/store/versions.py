"""Versions of mappings that plans were made with: what an earlier one said is asked when it has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, select

from provisioner.store.database import upsert_many
from provisioner.store.moments import written
from provisioner.store.tables import mapping_versions


def keep_version(
    connection: Connection, sha256: str, text: Callable[[], str], now: datetime
) -> None:
    """Keep a mapping's text under its hash, unless it is kept already."""
    known = select(mapping_versions.c.sha256).where(mapping_versions.c.sha256 == sha256)
    if connection.execute(known).first() is None:
        upsert_many(connection, mapping_versions, [(sha256, text(), written(now))])


def version(connection: Connection, sha256: str) -> str | None:
    """Return the text of the mapping with that hash, None if it isn't kept."""
    asked = select(mapping_versions.c.text).where(mapping_versions.c.sha256 == sha256)
    return connection.execute(asked).scalar()
