"""Extensions that several answer: call queues and shared line groups, in what both have.

Each has an extension number of its own, a site, members (phone users and common areas) and direct
numbers, for which it needs no calling plan. What isn't simulated is how calls go through them.
Source: Zoom Phone's OpenAPI, /phone/call_queues and /phone/shared_line_groups.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Literal

from marshmallow import Schema, fields

from .account import Call
from .errors import ZoomError, no_site, refused, sites_disabled
from .names import display_name
from .phones import free_numbers, site_extension
from .state import State, make_id

Kind = Literal["call_queue", "shared_line_group"]
PROMPTS = (
    "en-US", "en-GB", "es-US", "fr-CA", "da-DK", "de-DE", "es-ES", "fr-FR", "it-IT", "nl-NL", "pt-PT", "ja",
    "ko-KR", "pt-BR", "zh-CN",
)  # fmt: skip
STORED_IN = ("US", "AU", "CA", "DE", "IN", "JP", "SG", "BR", "CN", "MX")
COLUMNS = frozenset({"name", "display_name", "extension_number", "site_id", "status"})


class User(Schema):
    """A member, by id or mail address."""

    id = fields.String()
    email = fields.String()


class Members(Schema):
    """Users and common areas who are to become members; how many at once differs."""

    users = fields.List(fields.Nested(User))
    common_area_ids = fields.List(fields.String())


class NewMembers(Schema):
    """The body that adds members."""

    members = fields.Nested(Members)


def found(call: Call, kind: Kind, id_: str, missing: ZoomError) -> sqlite3.Row:
    """Return the extension of that kind and id, or raise `missing`."""
    row = call.state.row("SELECT * FROM shared_extensions WHERE kind = ? AND id = ?", kind, id_)
    if row is None:
        raise missing
    return row


def make(call: Call, kind: Kind, name: str, given: dict[str, Any]) -> sqlite3.Row:
    """Make one without members or numbers, active, at the main site unless another is named."""
    site = _site(call, given.get("site_id"))
    number = given.get("extension_number")
    id_ = call.state.fresh_id(kind)
    call.state.run(
        "INSERT INTO shared_extensions (id, kind, name, extension_id, extension_number, site_id, extra)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        id_,
        kind,
        name,
        make_id("extension", id_),
        call.state.next_extension() if number is None else _extension(call, number, id_, site),
        site,
        json.dumps({k: v for k, v in given.items() if k in ("cost_center", "department")}),
    )
    return found(call, kind, id_, no_site())


def change(call: Call, row: sqlite3.Row, given: dict[str, Any]) -> None:
    """Write what a body names; what has no column is kept as it was given."""
    site = _site(call, given["site_id"]) if "site_id" in given else row["site_id"]
    columns: dict[str, Any] = {"site_id": site}
    if "extension_number" in given:
        columns["extension_number"] = _extension(call, given["extension_number"], row["id"], site)
    for member, column in (("name", "name"), ("display_name", "name"), ("status", "status")):
        if member in given:
            columns[column] = given[member]
    kept = {name: value for name, value in given.items() if name not in COLUMNS}
    columns["extra"] = json.dumps(json.loads(row["extra"]) | kept)
    sets = ", ".join(f"{name} = ?" for name in columns)
    update = f"UPDATE shared_extensions SET {sets} WHERE id = ?"  # noqa: S608
    call.state.run(update, *columns.values(), row["id"])


def remove(call: Call, row: sqlite3.Row) -> None:
    """Delete one; its numbers are free, its members stay users."""
    free_numbers(call.state, row["id"])
    managers = [m["member"] for m in members_of(call.state, row["id"]) if m["level"] == "manager"]
    call.state.run("DELETE FROM shared_members WHERE extension = ?", row["id"])
    call.state.run("DELETE FROM shared_extensions WHERE id = ?", row["id"])
    for manager in managers:
        other = "SELECT 1 FROM shared_members WHERE member = ? AND level = 'manager'"
        if call.state.row(other, manager) is None:
            call.state.run("UPDATE users SET operator = 0 WHERE id = ?", manager)


def _site(call: Call, site_id: str | None) -> str:
    if site_id is None:
        return call.state.default_site()
    if not call.options.multiple_sites:
        raise sites_disabled()
    if call.state.row("SELECT 1 FROM sites WHERE id = ?", site_id) is None:
        raise refused("Site does not exist.")
    return site_id


def _extension(call: Call, number: int, own: str, site_id: str) -> int:
    """Return a number for one of them; these say in other words than phones that it is taken."""
    if call.state.extension_holder(number) not in (None, own):
        raise ZoomError(400, 400, f"Extension number {number} is already used.")
    return site_extension(call, str(number), own, site_id, "extension_number")


def members_of(state: State, id_: str) -> list[sqlite3.Row]:
    """Return the members with their phones, in the order of their coming."""
    return state.rows(
        "SELECT m.*, p.kind, p.name, p.extension_id FROM shared_members m"
        " JOIN phones p ON p.id = m.member WHERE m.extension = ? ORDER BY m.seq",
        id_,
    )


def member_name(state: State, row: sqlite3.Row) -> str:
    """Return what a member is called."""
    user = state.user(row["member"]) if row["kind"] == "person" else None
    return str(row["name"]) if user is None else display_name(user)


def wanted(call: Call) -> list[str]:
    """Return the phones that a body names as members; raise 404 code 1001 for who is none."""
    given = call.body.get("members", {})
    asked = [(user.get("id") or user.get("email", ""), "person") for user in given.get("users", ())]
    asked += [(area, "common_area") for area in given.get("common_area_ids", ())]
    ids = []
    for name, kind in asked:
        user = call.state.user(name) if kind == "person" else None
        phone = call.state.phone(user["id"] if user else name)
        if phone is None or phone["kind"] != kind or phone["status"] == "trashed":
            raise ZoomError(404, 1001, f"User not found: {name}.")
        ids.append(str(phone["id"]))
    return ids


def add_members(call: Call, id_: str, members: Iterable[str]) -> None:
    """Add members; who is one already stays as they are."""
    call.state.run_many(
        "INSERT OR IGNORE INTO shared_members (extension, member) VALUES (?, ?)",
        [(id_, member) for member in members],
    )


def member(call: Call, id_: str, name: str) -> sqlite3.Row | None:
    """Return the member of that id, mail address or extension id, or None."""
    user = call.state.user(name)
    known = {name, str(user["id"])} if user else {name}
    rows = members_of(call.state, id_)
    return next((row for row in rows if {row["member"], row["extension_id"]} & known), None)


def remove_member(call: Call, row: sqlite3.Row) -> None:
    """Take one member out."""
    call.state.run("DELETE FROM shared_members WHERE seq = ?", row["seq"])


def numbers_of(state: State, id_: str) -> list[sqlite3.Row]:
    """Return the direct numbers, in the order of their coming."""
    return state.rows("SELECT * FROM numbers WHERE holder = ? ORDER BY place", id_)


def site_member(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Return the member `site` of an answer, where the account has sites."""
    if not call.options.multiple_sites:
        return {}
    name = call.state.value("SELECT name FROM sites WHERE id = ?", row["site_id"])
    return {"site": {"id": row["site_id"], "name": name}}


def at_most(call: Call, most: int, message: str) -> None:
    """Raise 400 code 300 if a body names more users or common areas than one call takes."""
    given = call.body.get("members", {})
    if any(len(given.get(name, ())) > most for name in ("users", "common_area_ids")):
        raise refused(message)
