"""The database drivers' own cursors, for the receiver: SQLAlchemy's cost for each statement is several times SQLite's.

Connections are opened as the store opens them (WAL, synchronous=FULL), kept between requests, and
commit by themselves what no transaction is begun for. SQL is written once for both databases, with
`:name` for every value; the few differences are a Session's to tell, and how statements reach PostgreSQL
is pipeline.py's. What fails is a StoreError, as everywhere; what a unique index refuses is `NotUnique`.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, TypeVar

import msgspec
import psycopg
from sqlalchemy import Engine

from provisioner.store.database import BUSY_MS, StoreError
from provisioner.store.pipeline import Pipeline, Row
from provisioner.store.turns import ENDING, PATIENCE_S, Turns, process

_TRIES = 10
_REMEDY = "see its disk and permissions, and who else uses it; what was acknowledged is kept"

T = TypeVar("T")


class NotUnique(Exception):
    """A unique index refused the row."""


class Session:
    """One connection while somebody uses it. `postgresql` tells which of the two databases it is."""

    __slots__ = ("_pipeline", "connection", "postgresql")

    def __init__(self, connection: Any, postgresql: bool) -> None:
        self.connection = connection
        self.postgresql = postgresql
        self._pipeline = Pipeline(connection.pgconn) if postgresql else None

    def begin(self, within_s: float) -> None:
        """Begin to write. Another's write to SQLite is waited for, not much longer than `within_s`."""
        if self.postgresql:
            self.run("BEGIN")
        elif within_s > BUSY_MS / 2000:  # nearly always: as the connection was opened
            self.run("BEGIN IMMEDIATE")
        else:
            self.run(f"PRAGMA busy_timeout={max(1, int(1000 * within_s))}")
            try:
                self.run("BEGIN IMMEDIATE")
            finally:
                self.run(f"PRAGMA busy_timeout={BUSY_MS}")

    def run(self, sql: str, **values: Any) -> None:
        """Carry out a statement: at once, or with the next that is asked for its rows, or at the end."""
        self._execute(sql, values, later=True)

    def told(self, sql: str, **values: Any) -> list[Row]:
        """Carry out a statement as `run` does, and return where its rows will be once it is."""
        rows: list[Row] = []
        if self._pipeline is None:
            rows += self._execute(sql, values)
        else:
            self._pipeline.later(sql, values, rows)
        return rows

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """Carry out a statement and return its rows."""
        return self._execute(sql, values)

    def row(self, sql: str, **values: Any) -> Row | None:
        """Carry out a statement and return its first row, None if it has none."""
        found = self.rows(sql, **values)  # to the end: a statement that isn't holds SQLite's lock
        return found[0] if found else None

    def finish(self) -> None:
        """Carry out whatever waits."""
        if self._pipeline is not None:
            self._pipeline.finish()

    def drop(self) -> None:
        """Forget whatever waits."""
        if self._pipeline is not None:
            self._pipeline.drop()

    @property
    def broken(self) -> bool:
        """Whether the server has ended the connection while nobody used it."""
        return self._pipeline is not None and self._pipeline.broken

    def listed(self, values: Sequence[Any]) -> Any:
        """Return a list as the value of a name that `texts` or `numbers` reads."""
        return list(values) if self.postgresql else msgspec.json.encode(values).decode()

    def texts(self, name: str) -> str:
        """Return the SQL of a table `(value)` of the texts in the list of that name."""
        return self._each(name, "text")

    def numbers(self, name: str) -> str:
        """Return the SQL of a table `(value)` of the whole numbers in the list of that name."""
        return self._each(name, "bigint")

    def locked(self, rows: str = "UPDATE") -> str:
        """Return what keeps the selected rows as they are until the transaction ends.

        SQLite needs nothing: whoever writes is alone.
        """
        return f" FOR {rows}" if self.postgresql else ""

    def _each(self, name: str, kind: str) -> str:
        if self.postgresql:
            return f"(SELECT unnest(CAST(:{name} AS {kind}[])) AS value)"
        return f"(SELECT value FROM json_each(:{name}))"

    def _execute(self, sql: str, values: dict[str, Any], *, later: bool = False) -> list[Row]:
        if self._pipeline is None:
            found: list[Row] = self.connection.execute(sql, values).fetchall()
            return found
        if later:
            self._pipeline.later(sql, values)
            return []
        return self._pipeline.rows(sql, values)


class _InTheWay(Exception):
    """Another transaction was in this one's way, or its connection had died: it may be done again."""


class Direct:
    """Connections to a store that was opened (store/database.py), shared by the threads of a process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.postgresql = engine.dialect.name == "postgresql"
        self._idle: deque[Session] = deque()
        self._process = process()
        # of a database server every connection has its own turn
        self._turns: AbstractContextManager[float]
        self._turns = nullcontext(PATIENCE_S) if self.postgresql else Turns(_lock_file(engine))

    def read(self, work: Callable[[Session], T]) -> T:
        """Return what `work` reads; each statement sees the newest state. Raises StoreError.

        A connection that turns out to be dead is replaced, and the work done again.
        """
        for last in (False, True):
            session = self._take(believed=not last)  # one that is dead is replaced below
            try:
                result = work(session)
                session.finish()
            except (sqlite3.Error, psycopg.Error) as error:
                self._give_up(session)
                if last or not _is_lost(error):
                    raise _explained(error) from None
                self.close()  # the others will be dead too
            except BaseException:
                session.drop()
                self._idle.append(session)
                raise
            else:
                self._idle.append(session)
                return result
        raise AssertionError("the second try returns or raises")

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Give a session all of whose statements see one state, and which writes nothing."""
        session = self._take()
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" if self.postgresql else "BEGIN"
        try:
            session.run(begin)
            yield session
            session.run("COMMIT")
            session.finish()
        except (sqlite3.Error, psycopg.Error) as error:
            self._give_up(session)
            raise _explained(error) from None
        except BaseException:
            self._give_up(session)
            raise
        self._idle.append(session)

    def write(self, work: Callable[[Session], T]) -> T:
        """Do `work` in one transaction, and return what it returns once that is durable.

        It is done again, from the start, where another transaction was in its way; so it must
        change nothing but the store. Whatever it raises undoes it all. Raises NotUnique, StoreError.
        """
        for _ in range(_TRIES - 1):
            with suppress(_InTheWay), self._turns as within_s:
                return self._write(work, within_s)
        with self._turns as within_s:
            return self._write(work, within_s, last=True)

    def _write(self, work: Callable[[Session], T], within_s: float, *, last: bool = False) -> T:
        """Do it once; raises _InTheWay if it may be done again, but for the last time."""
        session = self._take()
        ending = False
        try:
            session.begin(within_s)
            result = work(session)
            ending = True
            session.run("COMMIT")
            session.finish()
        except (sqlite3.IntegrityError, psycopg.IntegrityError):
            self._roll_back(session)
            raise NotUnique from None
        except (sqlite3.Error, psycopg.Error) as error:
            self._give_up(session)
            again = _is_in_the_way(error) or (not ending and _is_lost(error))
            raise (_InTheWay() if again and not last else _explained(error)) from None
        except BaseException:
            self._roll_back(session)
            raise
        self._idle.append(session)
        return result

    def close(self) -> None:
        """Close every connection that isn't in use."""
        while self._idle:
            with suppress(IndexError):
                self._give_up(self._idle.pop())

    def _take(self, *, believed: bool = False) -> Session:
        """Return a connection that nobody uses; one that is `believed` isn't asked if it lives."""
        if self._process != process():  # a connection isn't shared by parent and child
            self._process, self._idle = process(), deque()
        while True:
            try:
                session = self._idle.pop()
            except IndexError:
                return self._open()
            if believed or not session.broken:
                return session
            self._give_up(session)

    def _open(self) -> Session:
        try:
            pooled = self._engine.raw_connection()
        except (sqlite3.Error, psycopg.Error) as error:
            raise _explained(error) from None
        connection: Any = pooled.driver_connection
        pooled.detach()
        if self.postgresql:
            connection.autocommit = True
        return Session(connection, self.postgresql)

    def _roll_back(self, session: Session) -> None:
        session.drop()
        try:
            session.run("ROLLBACK")
            session.finish()
        except (sqlite3.Error, psycopg.Error):
            self._give_up(session)
        else:
            self._idle.append(session)

    def _give_up(self, session: Session) -> None:
        with suppress(sqlite3.Error, psycopg.Error):
            session.connection.close()


def _lock_file(engine: Engine) -> str | None:
    path = engine.url.database
    private = not path or path == ":memory:" or "uri" in engine.url.query
    return None if private else f"{path}{ENDING}"


def _is_lost(error: Exception) -> bool:
    """Whether the connection itself is gone: nothing else is wrong with what was asked."""
    if isinstance(error, psycopg.errors.AdminShutdown):
        return True
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def _is_in_the_way(error: Exception) -> bool:
    errors = psycopg.errors
    return isinstance(
        error, errors.DeadlockDetected | errors.SerializationFailure | errors.LockNotAvailable
    )


def _explained(error: Exception) -> Exception:
    """Return the StoreError that a failing database raises; a fault of ours stays what it is."""
    if isinstance(error, sqlite3.ProgrammingError | psycopg.ProgrammingError):
        return error
    reason = str(error).strip().partition("\n")[0]
    return StoreError(f"the store failed: {reason}", remedy=_REMEDY)
