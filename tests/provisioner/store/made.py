"""What the store's tests are made of: a database of either kind, plans, and changes.

PostgreSQL is tried where TEST_POSTGRESQL names a database that may be used; each test has a schema of
its own there, which goes with it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from connectors.records import Change
from provisioner.plan.model import Base, Plan, Summary
from provisioner.store.database import open_database

KINDS = ("sqlite", "postgresql")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database; skips the test where there is no such server."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'store.db'}"
        return
    server = os.environ.get("TEST_POSTGRESQL")
    if not server:
        pytest.skip("TEST_POSTGRESQL names no database")
    name = f"store_{secrets.token_hex(6)}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    try:
        yield f"{server}?options=-csearch_path%3D{name}"
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
        engine.dispose()


@contextmanager
def store(kind: str, folder: Path) -> Iterator[Engine]:
    """Give an opened, empty store."""
    with database(kind, folder) as url:
        engine = open_database(url)
        yield engine
        engine.dispose()


def change(seq: int, kind: str = "package.assign", who: str = "eva", **members: Any) -> Change:
    """Return a planned change of somebody called `who`."""
    given: dict[str, Any] = {"after": "basic"} if kind.endswith(".assign") else {"before": "basic"}
    fixed = {"user": f"{who}@example.org", "key": who.upper(), "id": f"p-{who}"}
    return Change(seq=seq, kind=kind, **{**fixed, **given, **members})


def a_plan(*changes: Change, **members: Any) -> Plan:
    """Return a plan of sync emea that isn't recorded yet."""
    base = Base(directory="sha256:d", phone="sha256:p", mapping="sha256:m", memory="sha256:e")
    given: dict[str, Any] = {
        "id": "", "sync": "emea", "created_at": NOW, "as_of": NOW, "base": base,
        "summary": Summary(people=10, unchanged=9, changes={}), "changes": changes,
    }  # fmt: skip
    return Plan(**(given | members))
