"""The account's state in SQLite: users, phones, plans, numbers, delegations, sites, templates.

A *user* is an account user; a *phone* is what holds an extension: a person's (same id as the
user), a Zoom Room's or a common area's. Calling plans and numbers hang on phones, so that taking a
phone away takes all of them.
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from pathlib import Path

from provisioner.simulators.common.log import LOG, Logged

from .names import PLANS, fold

MAIN_SITE = "Main Site"
FIRST_EXTENSION = 10_001

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL, email_key TEXT NOT NULL UNIQUE,
  first_name TEXT NOT NULL, last_name TEXT NOT NULL, display_name TEXT,
  dept TEXT, cost_center TEXT, type INTEGER NOT NULL, status TEXT NOT NULL,
  role_id TEXT NOT NULL, unique_id TEXT, zoom_one_type INTEGER, operator INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, profile TEXT NOT NULL DEFAULT '{}',
  settings TEXT NOT NULL DEFAULT '{}', extra TEXT NOT NULL DEFAULT '{}',
  visible_at REAL NOT NULL DEFAULT 0, visible_walk INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS users_by_status ON users (status, seq);
CREATE TABLE IF NOT EXISTS phones (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT,
  license TEXT, phone_user_id TEXT NOT NULL UNIQUE, extension_id TEXT NOT NULL UNIQUE,
  extension_number INTEGER UNIQUE, site_id TEXT NOT NULL, template_id TEXT,
  emergency_address_id TEXT, status TEXT NOT NULL DEFAULT 'activate',
  policy TEXT NOT NULL DEFAULT '{}', privacy INTEGER NOT NULL DEFAULT 0,
  locked INTEGER NOT NULL DEFAULT 0, privileges TEXT NOT NULL DEFAULT '[1, 2, 3]',
  extra TEXT NOT NULL DEFAULT '{}',
  visible_at REAL NOT NULL DEFAULT 0, visible_walk INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS phones_by_kind ON phones (kind, seq);
CREATE TABLE IF NOT EXISTS plans (
  type INTEGER PRIMARY KEY, name TEXT NOT NULL, short TEXT NOT NULL, subscribed INTEGER);
CREATE TABLE IF NOT EXISTS held_plans (
  holder TEXT NOT NULL, type INTEGER NOT NULL,
  visible_at REAL NOT NULL DEFAULT 0, visible_walk INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (holder, type));
CREATE INDEX IF NOT EXISTS held_plans_by_type ON held_plans (type);
CREATE TABLE IF NOT EXISTS numbers (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, number TEXT NOT NULL UNIQUE,
  site_id TEXT, holder TEXT, place INTEGER NOT NULL DEFAULT 0,
  visible_at REAL NOT NULL DEFAULT 0, visible_walk INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS numbers_by_holder ON numbers (holder);
CREATE TABLE IF NOT EXISTS devices (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, mac TEXT NOT NULL UNIQUE,
  brand TEXT NOT NULL, model TEXT NOT NULL, holder TEXT, name TEXT, template_id TEXT,
  site_id TEXT);
CREATE INDEX IF NOT EXISTS devices_by_holder ON devices (holder);
CREATE TABLE IF NOT EXISTS delegates (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, delegator TEXT NOT NULL, delegate TEXT NOT NULL,
  accepted INTEGER NOT NULL DEFAULT 1, UNIQUE (delegator, delegate));
CREATE INDEX IF NOT EXISTS delegates_by_delegate ON delegates (delegate);
CREATE TABLE IF NOT EXISTS shared_extensions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL,
  extension_id TEXT NOT NULL UNIQUE, extension_number INTEGER UNIQUE, site_id TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'active', extra TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS shared_members (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, extension TEXT NOT NULL, member TEXT NOT NULL,
  level TEXT NOT NULL DEFAULT 'user', UNIQUE (extension, member));
CREATE INDEX IF NOT EXISTS shared_members_by_member ON shared_members (member);
CREATE TABLE IF NOT EXISTS sites (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE, length INTEGER, ranges TEXT NOT NULL DEFAULT '[]');
CREATE TABLE IF NOT EXISTS templates (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  name_key TEXT NOT NULL, site_id TEXT, type TEXT NOT NULL DEFAULT 'user',
  description TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS rooms (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS addresses (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, site_id TEXT, user_id TEXT,
  is_default INTEGER NOT NULL, address TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS groups (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS group_members (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, group_id TEXT NOT NULL, user_id TEXT NOT NULL,
  UNIQUE (group_id, user_id));
CREATE TABLE IF NOT EXISTS provision_templates (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE, description TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS divisions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE, description TEXT NOT NULL DEFAULT '', main INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS operation_logs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, action TEXT NOT NULL,
  category TEXT NOT NULL, detail TEXT NOT NULL, operator TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS operation_logs_by_time ON operation_logs (time, seq);
"""


def make_id(*parts: object) -> str:
    """Return an id of Zoom's shape (22 characters, base64url), always the same for the same parts."""
    digest = hashlib.blake2b(":".join(map(str, parts)).encode(), digest_size=16).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class State(Logged):
    """The database of one account, and the few look-ups that everything needs."""

    def __init__(self, database: Path | str) -> None:
        super().__init__(database, SCHEMA + LOG, make_id)
        self._sqlite.create_function("fold", 1, fold, deterministic=True)
        with self.transaction():
            if not self.value("SELECT count(*) FROM plans"):
                self.run_many("INSERT INTO plans VALUES (?, ?, ?, NULL)", PLANS)

    def user(self, user: str) -> sqlite3.Row | None:
        """Return the account user of that id or mail address (without case), or None."""
        return self.row("SELECT * FROM users WHERE id = ?", user) or self.row(
            "SELECT * FROM users WHERE email_key = ?", fold(user)
        )

    def phone(self, holder: str) -> sqlite3.Row | None:
        """Return the phone of a user, room or common area by the holder's id, or None; trashed too."""
        return self.row("SELECT * FROM phones WHERE id = ?", holder)

    def site_named(self, name: str) -> sqlite3.Row | None:
        """Return the site of that name (without case), or None."""
        return self.row("SELECT * FROM sites WHERE name_key = ?", fold(name))

    def make_site(self, name: str) -> str:
        """Return the id of the site of that name, made if there is none."""
        site = self.site_named(name)
        if site:
            return str(site["id"])
        id_ = make_id("site", fold(name))
        self.run("INSERT INTO sites (id, name, name_key) VALUES (?, ?, ?)", id_, name, fold(name))
        return id_

    def default_site(self) -> str:
        """Return the id of the site where a phone lands that nobody placed: the main site, else the oldest.

        Every Zoom account has one, so it is made where there is none.
        """
        main = self.site_named(MAIN_SITE) or self.row("SELECT * FROM sites ORDER BY seq")
        return str(main["id"]) if main else self.make_site(MAIN_SITE)

    def template_at(
        self, name: str, site_id: str | None, type_: str = "user"
    ) -> sqlite3.Row | None:
        """Return the template of that name and type which serves a site (None: any), or None."""
        return self.row(
            "SELECT * FROM templates WHERE name_key = ?1 AND type = ?3 AND"
            " (?2 IS NULL OR site_id = ?2 OR site_id IS NULL) ORDER BY site_id IS NULL",
            fold(name),
            site_id,
            type_,
        )

    def next_extension(self) -> int:
        """Return the extension number after the highest in use."""
        highest = self.value("SELECT max(extension_number) FROM phones") or 0
        shared = self.value("SELECT max(extension_number) FROM shared_extensions") or 0
        return max(int(highest) + 1, int(shared) + 1, FIRST_EXTENSION)

    def extension_holder(self, number: int) -> str | None:
        """Return the id of the phone, call queue or shared line group with that extension number, or None."""
        found = "SELECT id FROM {} WHERE extension_number = ?"
        holder: str | None = self.value(found.format("phones"), number)
        return holder or self.value(found.format("shared_extensions"), number)
