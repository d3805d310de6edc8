"""Files beside a SQLite store: what all its processes share, and whose loss does no harm.

A run that records a large plan keeps the store itself locked for seconds; who asks for what is in such a file
needn't wait for that, nor for the disk.
"""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Engine, MetaData, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.schema import CreateTable

from provisioner.store.database import BUSY_MS, StoreError, patience_with, use_wal


def beside(store: URL, name: str) -> Path | None:
    """Return the file of that name beside a SQLite store, None for a store in memory."""
    if not store.database or store.database == ":memory:" or "uri" in store.query:
        return None
    path = Path(store.database)
    return path.with_name(f"{path.stem}-{name}{path.suffix}")


def open_beside(path: Path, what: str, tables: MetaData) -> Engine:
    """Return an engine on such a file, made with these tables where there is none, its owner's alone.

    Statements commit by themselves. `what` it is is told in errors. Raises StoreError if it can't be opened.
    """
    engine = open_apart(URL.create("sqlite", database=str(path)), f"{what} {path}")
    event.listen(engine, "connect", partial(_prepare, f"{what} {path}"))
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise _failure(f"{what} {path}", error) from None
    with engine.begin() as connection:
        for table in tables.sorted_tables:  # others may make them at the same moment
            connection.execute(CreateTable(table, if_not_exists=True))
    return engine


def open_apart(url: URL, what: str) -> Engine:
    """Return an engine of one connection whose statements commit by themselves, and whose errors say `what`."""
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=url.get_backend_name() != "sqlite",
        connect_args=patience_with(url),
    )

    def explain(context: ExceptionContext) -> StoreError | None:
        return None if context.is_pre_ping else _failure(what, context.original_exception)

    event.listen(engine, "handle_error", explain)
    return engine


def _failure(what: str, error: BaseException) -> StoreError:
    reason = str(error).strip().partition("\n")[0]
    return StoreError(
        f"{what} failed: {reason}",
        remedy="see its disk and permissions; it holds no more than what was asked of late",
    )


def _prepare(what: str, connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    try:
        use_wal(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.DatabaseError as error:  # outside of what SQLAlchemy explains
        raise _failure(what, error) from None
