"""The board on which all processes of one installation share their rate limits (provisioner/rates.py).

One row an account, read, worked on and written back under its version: whoever finds that somebody
else was quicker reads again, and nobody ever holds a lock while they think. It is written before each
request and its loss does no harm, so no write waits for the disk.

On PostgreSQL it is a table of the store, and the server's clock counts. Beside a SQLite store it is a
file of its own, because a run that records a large plan keeps the store locked for seconds; it may be
deleted while nothing runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from provisioner.rates import Step, T
from provisioner.store.beside import beside, open_apart, open_beside

metadata = MetaData()
"""Apart from the store's: a SQLite store has no such table."""

rates = Table(
    "rates",
    metadata,
    Column("account", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("places", LargeBinary, nullable=False),  # msgpack: provisioner/places.py
)

_FILE = "rates"

_FIND = (
    "SELECT {now} AS now, coalesce(version, 0) AS version, places"
    " FROM (SELECT 1) AS one LEFT JOIN rates ON account = :account"
)
_NOW = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
_WRITE = text(
    "INSERT INTO rates (account, version, places) VALUES (:account, 1, :places)"
    " ON CONFLICT (account) DO UPDATE SET version = rates.version + 1, places = excluded.places"
    " WHERE rates.version = :version"
)


class TableBoard:
    """See the module. `clock` gives seconds since 1970 for all who share it; None: the server's."""

    def __init__(self, engine: Engine, clock: Callable[[], float] | None) -> None:
        self._engine = engine
        self._clock = clock
        self._find = text(_FIND.format(now=_NOW if clock is None else "NULL"))
        self._lock = threading.Lock()  # one connection serves all threads

    def rewrite(self, account: str, step: Step[T]) -> T:
        """See rates.Board. Raises StoreError where the database fails."""
        with self._lock, self._engine.connect() as connection:
            while True:
                found = connection.execute(self._find, {"account": account}).one()
                now = found.now if self._clock is None else self._clock()
                written, result = step(bytes(found.places or b""), now)
                values = {"account": account, "places": written, "version": found.version}
                if connection.execute(_WRITE, values).rowcount:
                    return result

    def read(self, account: str) -> bytes:
        """See rates.Board. Raises StoreError where the database fails."""
        with self._lock, self._engine.connect() as connection:
            found = connection.execute(self._find, {"account": account}).one()
            return bytes(found.places or b"")

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def open_board(store: Engine, clock: Callable[[], float] | None = None) -> TableBoard | None:
    """Return the board of an open store, None for one in memory, which has a single process.

    `clock`: what counts instead of the server's, or beside a SQLite store this machine's. Raises
    StoreError if it can't be opened.
    """
    if store.dialect.name == "postgresql":
        engine = open_apart(store.url, "the store's table of rate limits")
        event.listen(engine, "connect", _spare_the_disk)
        return TableBoard(engine, clock)
    path = beside(store.url, _FILE)
    if path is None:
        return None
    return TableBoard(open_beside(path, "the file of rate limits", metadata), clock or time.time)


def find_board(url: str) -> TableBoard | None:
    """Return the board of the store at a URL if it is in use already, else None; nothing is made."""
    try:
        store = create_engine(url)
        if store.dialect.name == "postgresql":
            there = inspect(store).has_table(rates.name)
        else:
            there = (path := beside(store.url, _FILE)) is not None and path.exists()
        store.dispose()
        return open_board(store) if there else None
    except SQLAlchemyError:  # `check` tells of a store that can't be opened
        return None


def _spare_the_disk(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    connection.commit()
