"""The database behind the store: opened safely, and brought to the present schema by itself.

SQLite is opened with WAL and synchronous=FULL, because an acknowledged write must survive a power
cut; every transaction that writes begins IMMEDIATE, because a deferred one that reads first fails
half-way when another process writes. alembic is imported only when the schema is behind.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from connectors.errors import RunError

HEAD = "0001"
"""The newest migration; `tests/provisioner/store/test_database.py` holds it to the folder."""

_BATCH = 10_000


def open_database(url: str) -> Engine:
    """Return an engine on the store at the SQLAlchemy URL, its schema up to date.

    A SQLite file is made where there is none, in a folder that exists. Raises RunError if the
    database can't be opened, is of a newer version of this program, or isn't ours.
    """
    try:
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine)
        with reading(engine) as connection:
            version = _version(connection)
        if version != HEAD:
            _migrate(engine, version)
            _make_private(engine)
        return engine
    except (ArgumentError, NoSuchModuleError) as error:
        raise RunError(
            f"the store's URL can't be used: {error}",
            remedy="write sqlite:///FILE or postgresql+psycopg://HOST/DATABASE",
        ) from None
    except DatabaseError as error:
        raise RunError(
            f"the store can't be opened: {error.orig}",
            remedy="see that the folder exists and is writable, or that the server answers",
        ) from None


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def settings(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours (below)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _version(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine, version: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise RunError(
            f"the store is of a newer version of this program (schema {version})",
            remedy="run that version, or point `store` at another database",
        )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _make_private(engine: Engine) -> None:
    """A new SQLite store is its owner's alone to read: it holds people's data."""
    path = engine.url.database
    if engine.dialect.name == "sqlite" and path and path != ":memory:":
        os.chmod(path, 0o600)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that reads one consistent state and holds no write lock."""
    with engine.connect().execution_options(reads=True) as connection:
        yield connection


def insert_many(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows given as tuples in the table's column order, in batches, past the ORM's cost a row."""
    _execute_many(connection, str(table.insert().compile(dialect=connection.dialect)), table, rows)


def upsert_many(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows as `insert_many` does; a row whose primary key is there replaces that one."""
    keys = [c.name for c in table.primary_key]
    others = [c.name for c in table.columns if c.name not in keys]
    statement = str(table.insert().compile(dialect=connection.dialect)) + (
        f" ON CONFLICT ({', '.join(map(_quoted, keys))}) DO UPDATE SET "
        + ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in others)
    )
    _execute_many(connection, statement, table, rows)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _execute_many(
    connection: Connection, statement: str, table: Table, rows: Iterable[tuple[Any, ...]]
) -> None:
    names = [column.name for column in table.columns]
    positional = connection.dialect.positional
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        if positional:
            connection.exec_driver_sql(statement, batch)
        else:
            connection.exec_driver_sql(
                statement, [dict(zip(names, row, strict=True)) for row in batch]
            )
