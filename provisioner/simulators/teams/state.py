"""The tenant's state in SQLite: users, groups, products, licenses, numbers, policies, what changed."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
import uuid
from collections.abc import Iterable
from pathlib import Path

from provisioner.simulators.common.log import LOG, Logged

SCHEMA = """
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
"""


def fold(text: str) -> str:
    """Return a name as it is compared: without case, in Unicode NFC."""
    return unicodedata.normalize("NFC", text).casefold()


def make_id(*parts: object) -> str:
    """Return a GUID, always the same for the same parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, ":".join(map(str, parts))))


class State(Logged):
    """The database of one tenant, and the few look-ups that everything needs."""

    def __init__(self, database: Path | str) -> None:
        super().__init__(database, SCHEMA + LOG, make_id)

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
