"""A simulator's state in SQLite: one connection serves every thread, one transaction at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SETTINGS = "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value);"


class Database:
    """The database of one simulated account. Rows are `sqlite3.Row`s.

    `make_id` gives the vendor's kind of id, always the same for the same parts. Everything but the
    constructor is called inside `transaction`.
    """

    def __init__(self, database: Path | str, schema: str, make_id: Callable[..., str]) -> None:
        """Open `database` (a file, or ":memory:"), making what is absent."""
        self._lock = threading.RLock()
        self._make_id = make_id
        self._sqlite = sqlite3.connect(str(database), check_same_thread=False, isolation_level=None)
        self._sqlite.row_factory = sqlite3.Row
        self._sqlite.execute("PRAGMA journal_mode = WAL")
        self._sqlite.execute("PRAGMA synchronous = NORMAL")
        self._sqlite.executescript(_SETTINGS + schema)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the database alone; what was written stays only if the block ends without raising."""
        with self._lock:
            self._sqlite.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._sqlite.execute("ROLLBACK")
                raise
            self._sqlite.execute("COMMIT")

    @contextmanager
    def part(self) -> Iterator[None]:
        """Within a transaction: take back what the block wrote, and no more, if it raises."""
        self._sqlite.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._sqlite.execute("ROLLBACK TO part")
            raise
        finally:
            self._sqlite.execute("RELEASE part")

    def run(self, sql: str, *values: object) -> int:
        """Execute a statement; return how many rows it changed."""
        return self._sqlite.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Execute a statement once for each row."""
        self._sqlite.executemany(sql, rows)

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Return every row of a query."""
        return self._sqlite.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        row: sqlite3.Row | None = self._sqlite.execute(sql, values).fetchone()
        return row

    def value(self, sql: str, *values: object) -> Any:
        """Return the first column of the first row, or None."""
        row = self.row(sql, *values)
        return row[0] if row else None

    def fresh_id(self, kind: str) -> str:
        """Return an id never given before; the same history gives the same ids."""
        self.run(
            "INSERT INTO settings VALUES ('ids', 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1"
        )
        return self._make_id("fresh", kind, self.setting("ids"))

    def setting(self, name: str) -> Any:
        """Return a value of the account as a whole, or None."""
        return self.value("SELECT value FROM settings WHERE name = ?", name)

    def set(self, name: str, value: object) -> None:
        """Set a value of the account as a whole."""
        self.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, value)
