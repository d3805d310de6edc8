"""The tenant's state in SQLite: users, groups, products, licenses, numbers, policies, what changed.

One connection serves every thread, one transaction at a time.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS tenant (name TEXT PRIMARY KEY, value);
CREATE TABLE IF NOT EXISTS users (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, upn_key TEXT NOT NULL UNIQUE,
  props TEXT NOT NULL, deleted REAL, kept TEXT NOT NULL DEFAULT '[]',
  voice INTEGER NOT NULL DEFAULT 0, extra TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS groups (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  licenses TEXT NOT NULL DEFAULT '[]', props TEXT NOT NULL DEFAULT '{}', due REAL);
CREATE TABLE IF NOT EXISTS members (
  group_id TEXT NOT NULL, member TEXT NOT NULL, PRIMARY KEY (group_id, member));
CREATE INDEX IF NOT EXISTS members_by_member ON members (member);
CREATE TABLE IF NOT EXISTS skus (
  id TEXT PRIMARY KEY, part TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, plans TEXT NOT NULL,
  enabled INTEGER, warning INTEGER NOT NULL DEFAULT 0, suspended INTEGER NOT NULL DEFAULT 0,
  locked INTEGER NOT NULL DEFAULT 0, consumed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS licenses (
  user TEXT NOT NULL, sku TEXT NOT NULL, source TEXT NOT NULL DEFAULT '',
  disabled TEXT NOT NULL DEFAULT '[]', error TEXT NOT NULL DEFAULT 'None', since REAL NOT NULL,
  PRIMARY KEY (user, sku, source)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plans_since (
  user TEXT NOT NULL, plan TEXT NOT NULL, since REAL NOT NULL, PRIMARY KEY (user, plan)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
  source TEXT NOT NULL DEFAULT 'online', holder TEXT, category TEXT, city TEXT, country TEXT,
  location TEXT, network_site TEXT, lookup TEXT NOT NULL DEFAULT '[]',
  capabilities TEXT NOT NULL DEFAULT '["userAssignment"]');
CREATE INDEX IF NOT EXISTS numbers_by_holder ON numbers (holder);
CREATE TABLE IF NOT EXISTS operations (
  id TEXT PRIMARY KEY, created REAL NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
  due REAL NOT NULL, status TEXT NOT NULL DEFAULT 'notStarted', detail TEXT);
CREATE INDEX IF NOT EXISTS operations_open ON operations (due)
  WHERE status NOT IN ('succeeded', 'failed');
CREATE TABLE IF NOT EXISTS locations (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS policies (
  id TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS policy_assignments (
  user TEXT NOT NULL, type TEXT NOT NULL, policy TEXT NOT NULL, PRIMARY KEY (user, type));
CREATE TABLE IF NOT EXISTS delegates (
  delegator TEXT NOT NULL, delegate TEXT NOT NULL, permissions TEXT NOT NULL,
  PRIMARY KEY (delegator, delegate));
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, object TEXT NOT NULL,
  what TEXT NOT NULL, fields TEXT NOT NULL, time REAL NOT NULL);
CREATE TABLE IF NOT EXISTS log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, path TEXT NOT NULL,
  query TEXT NOT NULL, body TEXT NOT NULL, time TEXT NOT NULL);
"""


def fold(text: str) -> str:
    """Return a name as it is compared: without case, in Unicode NFC."""
    return unicodedata.normalize("NFC", text).casefold()


def make_id(*parts: object) -> str:
    """Return a GUID, always the same for the same parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, ":".join(map(str, parts))))


class State:
    """The database of one tenant, and the few look-ups that everything needs.

    Rows are `sqlite3.Row`s. Everything but the constructor is called inside `transaction`.
    """

    def __init__(self, database: Path | str) -> None:
        """Open `database` (a file, or ":memory:"), making what is absent."""
        self._lock = threading.RLock()
        self._sqlite = sqlite3.connect(str(database), check_same_thread=False, isolation_level=None)
        self._sqlite.row_factory = sqlite3.Row
        self._sqlite.execute("PRAGMA journal_mode = WAL")
        self._sqlite.execute("PRAGMA synchronous = NORMAL")
        self._sqlite.executescript(SCHEMA)

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

    def run(self, sql: str, *values: object) -> int:
        """Execute a statement and return how many rows it changed."""
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
            "INSERT INTO tenant VALUES ('ids', 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1"
        )
        return make_id("fresh", kind, self.setting("ids"))

    def setting(self, name: str) -> Any:
        """Return a value of the tenant as a whole, or None."""
        return self.value("SELECT value FROM tenant WHERE name = ?", name)

    def set(self, name: str, value: object) -> None:
        """Set a value of the tenant as a whole."""
        self.run("INSERT OR REPLACE INTO tenant VALUES (?, ?)", name, value)

    def user(self, user: str, *, deleted: bool = False) -> sqlite3.Row | None:
        """Return the user of that id or userPrincipalName (without case), or None."""
        gone = "NOT NULL" if deleted else "NULL"
        return self.row(
            f"SELECT * FROM users WHERE id = ? AND deleted IS {gone}",  # noqa: S608
            user,
        ) or self.row(
            f"SELECT * FROM users WHERE upn_key = ? AND deleted IS {gone}",  # noqa: S608
            fold(user),
        )

    def changed(
        self, kind: str, object_: str, what: str, fields: Iterable[str], now: float
    ) -> None:
        """Remember a change of a user or group for delta queries: changed, removed or deleted."""
        self.run(
            "INSERT INTO events (kind, object, what, fields, time) VALUES (?, ?, ?, ?, ?)",
            kind,
            object_,
            what,
            json.dumps(sorted(fields)),
            now,
        )

    def record(
        self, method: str, path: str, query: dict[str, str], body: object, time: str
    ) -> None:
        """Add an accepted write to the log; passwords are not written."""
        self.run(
            "INSERT INTO log (method, path, query, body, time) VALUES (?, ?, ?, ?, ?)",
            method,
            path,
            json.dumps(query),
            json.dumps(_without_passwords(body)),
            time,
        )


def _without_passwords(body: object) -> object:
    if isinstance(body, dict):
        return {k: "***" if k == "password" else _without_passwords(v) for k, v in body.items()}
    if isinstance(body, list):
        return [_without_passwords(item) for item in body]
    return body
