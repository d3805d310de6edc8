"""The database behind the store: opened safely, and brought to the present schema by itself.

SQLite is opened with WAL and synchronous=FULL, because an acknowledged write must survive a power
cut; so is PostgreSQL, where a server's default is not to wait for its disk. In SQLite every transaction
that writes begins IMMEDIATE, because a deferred one that reads first fails half-way when another
process writes. alembic is imported only when the schema is behind. A database that fails (full, locked,
gone) is a StoreError wherever it happens, so that every caller's RunError covers it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
    SQLAlchemyError,
)

from connectors.errors import RunError
from provisioner.store import scim_tables as _scim_tables  # noqa: F401 - they are of the schema
from provisioner.store.tables import metadata

HEAD = "0018"
"""The newest migration; `tests/provisioner/store/test_database.py` holds it to the folder."""

BUSY_MS = 30_000
"""How long a write waits for another process's."""

_SETTINGS = """SELECT set_config('jit', 'off', false), CASE
    WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END"""
_PATIENCE = {
    "connect_timeout": 10,  # seconds
    "tcp_user_timeout": 20_000,  # milliseconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""When a server that has gone without a word (a cable, a fire wall) is taken for gone.

The system's own answers to that are a quarter of an hour for who speaks, and hours for who listens: so long
every thread would wait (PostgreSQL's documentation of libpq, "Parameter Key Words").
"""
_BETWEEN_TRIES_S = 0.005
_BATCH = 10_000
_TOGETHER = 20
_IN = 500
_T = TypeVar("_T", str, int)
_MIGRATING = 0x70686F6E65
"""The PostgreSQL advisory lock under which one process at a time brings the schema up to date."""


_STAMP_TABLE = """CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"""


class StoreError(RunError, SQLAlchemyError):
    """The store can't be read or written: full, locked, read-only, damaged, or gone."""


def open_database(url: str) -> Engine:
    """Return an engine on the store at the SQLAlchemy URL, its schema up to date.

    A SQLite file is made where there is none, its owner's alone to read, in a folder that exists.
    Raises RunError if the database can't be opened, is of a newer version of this program, or isn't
    ours.
    """
    engine = engine_on(url)
    try:
        if engine.dialect.name == "sqlite":
            _make_private(engine)
        with reading(engine) as connection:
            version = _version(connection)
        if version is None and engine.dialect.name == "sqlite":
            _create(engine)
        elif version != HEAD:
            _migrate(engine, version)
        return engine
    except StoreError as error:
        raise StoreError(
            f"the store {engine.url.render_as_string()} can't be opened:"
            f" {error.message.removeprefix(_FAILED)}",
            remedy="see that the folder exists and is writable, or that the server answers",
        ) from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise _not_ours(engine, reason) from None


def engine_on(url: str, **options: Any) -> Engine:
    """Return an engine on a store that another process has opened; nothing is asked of it yet.

    `options` are create_engine's. Raises RunError for a URL that can't be used.
    """
    try:
        patience = patience_with(make_url(url))
        remote = not url.startswith("sqlite")
        engine = create_engine(url, pool_pre_ping=remote, connect_args=patience, **options)
    except (ArgumentError, NoSuchModuleError) as error:
        raise RunError(
            f"the store's URL can't be used: {error}",
            remedy="write sqlite:///FILE or postgresql+psycopg://HOST/DATABASE",
        ) from None
    event.listen(engine, "handle_error", _explain)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        event.listen(engine, "connect", _set_up_postgresql)
    return engine


def patience_with(url: URL) -> dict[str, Any]:
    """Return how long to wait for a PostgreSQL server that gives no sign of life, as connect's arguments.

    What the URL says of it itself goes first. Nothing for SQLite.
    """
    if url.get_backend_name() != "postgresql":
        return {}
    return {name: value for name, value in _PATIENCE.items() if name not in url.query}


def _not_ours(engine: Engine, reason: str) -> RunError:
    return RunError(
        f"the database {engine.url.render_as_string()} can't be this program's store: {reason}",
        remedy="give `store` a database of its own",
    )


_FAILED = "the store failed: "


def _explain(context: ExceptionContext) -> StoreError | None:
    """Return the StoreError that a failing database raises; a fault of ours stays what it is."""
    error = context.sqlalchemy_exception
    if isinstance(error, IntegrityError | ProgrammingError) or context.is_pre_ping:
        return None
    reason = str(context.original_exception).strip().partition("\n")[0]
    return StoreError(
        f"{_FAILED}{reason}",
        remedy="see its disk and permissions, and who else uses it; what was under way is on record,"
        " and the next run goes on from there",
    )


def _make_private(engine: Engine) -> None:
    """Make a new SQLite store its owner's alone from the start: it holds people's data."""
    path = engine.url.database
    if not path or path == ":memory:" or "uri" in engine.url.query:
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(f"{_FAILED}{path}: {error.strerror}") from None


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def settings(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours (below)
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        try:
            use_wal(connection)
            connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.DatabaseError as error:  # outside of what SQLAlchemy explains
            raise StoreError(f"{_FAILED}{error}") from None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    """Have a connection wait for the disk, whatever is the server's default, and compile nothing.

    Compiling what a filter of some hundred terms becomes takes it seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SETTINGS)
    connection.commit()


def use_wal(connection: sqlite3.Connection) -> None:
    """Switch a database to write-ahead logging, waiting for other processes that do the same.

    SQLite's busy_timeout doesn't hold for the switch itself: of several that open a new file at
    once, one is told at once that it is locked (sqlite.org/wal.html, section 8).
    """
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(_BETWEEN_TRIES_S)


def _version(connection: Connection) -> str | None:
    """Return the store's schema version, None for an empty database. Raises RunError for another's."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        if connection.dialect.has_table(connection, "plans"):
            raise _not_ours(connection.engine, "it has tables of the same names")
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _create(engine: Engine) -> None:
    """Make the newest schema in a new SQLite file at once, as all migrations together would.

    Loading alembic takes longer than that. `tests/provisioner/store/test_schema.py` holds the
    tables to the migrations.
    """
    with engine.begin() as connection:
        if _version(connection) is None:  # no other process was quicker
            metadata.create_all(connection)
            connection.execute(text(_STAMP_TABLE))
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


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
        if connection.dialect.name == "postgresql":  # SQLite's BEGIN IMMEDIATE locks by itself
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that reads one consistent state and holds no write lock."""
    with engine.connect() as connection:
        options: dict[str, Any] = {"reads": True}
        if connection.dialect.name == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        yield connection.execution_options(**options)


def can_be_kept(text: str) -> bool:
    """Return whether every database can hold a text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def chunked(values: Iterable[_T]) -> Iterator[list[_T]]:
    """Yield the values, sorted, in lists that are short enough for one statement's IN."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _IN):
        yield ordered[start : start + _IN]


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
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        if connection.dialect.positional:
            _execute_together(connection, statement, batch)
        else:
            connection.exec_driver_sql(
                statement, [dict(zip(names, row, strict=True)) for row in batch]
            )


def _execute_together(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Execute an INSERT for rows, many to a statement: what SQLite does for each is most of its time."""
    values = f"({', '.join('?' * len(rows[0]))})"
    together = statement.replace(values, ", ".join([values] * _TOGETHER))
    whole = len(rows) - len(rows) % _TOGETHER
    if whole:
        many = [
            tuple(chain.from_iterable(rows[start : start + _TOGETHER]))
            for start in range(0, whole, _TOGETHER)
        ]
        connection.exec_driver_sql(together, many)
    if rows[whole:]:
        connection.exec_driver_sql(statement, rows[whole:])
