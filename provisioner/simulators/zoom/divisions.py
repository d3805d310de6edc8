"""Divisions of the account, and which users are assigned to them.

A user belongs to one division at most, and their own profile holds its id (`division_ids`), so that
both sides tell the same.
Source: Zoom's Divisions OpenAPI.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call, stamp
from .errors import ZoomError
from .fields import Nothing, pages, text
from .names import display_name, fold
from .pages import cut, page_of
from .service import Answer, operation
from .state import make_id

blueprint = Blueprint("zoom_divisions", __name__)

DIVISION = "/divisions/<division_id>"
MAIN = "Main Division"
MOST = 500
_HELD = "SELECT 1 FROM json_each(u.profile, '$.division_ids') WHERE value = ?"
_MEMBERS = f"FROM users u WHERE EXISTS ({_HELD})"

ListQuery = Schema.from_dict(pages(300), name="ListQuery")


class New(Schema):
    """The body of POST; a name that can't be has an error of its own."""

    division_name = fields.String()
    division_description = fields.String()


class Update(Schema):
    """The body of PATCH."""

    division_name = text(minimum=1)
    division_description = fields.String()


class Member(Schema):
    """A user, by id or mail address."""

    user_id = fields.String()
    user_email = fields.String()


class Members(Schema):
    """The body of POST …/users."""

    users = fields.List(fields.Nested(Member), required=True, validate=Length(min=1, max=30))


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "division_id": row["id"],
        "division_name": row["name"],
        "division_description": row["description"],
        "is_main_division": bool(row["main"]),
    }


def _found(call: Call, division_id: str) -> sqlite3.Row:
    row = call.state.row("SELECT * FROM divisions WHERE id = ?", division_id)
    if row is None:
        raise ZoomError(404, 40406, "Division not found.")
    return row


def _check_name(call: Call, name: str, own: str | None = None) -> None:
    other = call.state.value("SELECT id FROM divisions WHERE name_key = ?", fold(name))
    if other not in (None, own):
        raise ZoomError(409, 409, "This name is already in use. Please try another.")


def _add(call: Call, id_: str, name: str, description: str, main: bool) -> None:
    call.state.run(
        "INSERT INTO divisions (id, name, name_key, description, main) VALUES (?, ?, ?, ?, ?)",
        id_,
        name,
        fold(name),
        description,
        main,
    )


@operation(blueprint, "GET", "/divisions", "LIGHT", query=ListQuery())
def list_divisions(call: Call) -> Answer:
    """The account's divisions; every account has a main one."""
    if not call.state.value("SELECT count(*) FROM divisions WHERE main"):
        _add(call, make_id("division", MAIN), MAIN, "", main=True)
    page = page_of(call, "/divisions")
    rows = call.state.rows(
        "SELECT * FROM divisions WHERE seq > ? ORDER BY seq LIMIT ?", page.after, page.size + 1
    )
    shown, token = cut(call, page, rows)
    counted = call.state.rows(
        "SELECT d.value AS id, count(*) AS n FROM users u, json_each(u.profile, '$.division_ids') d"
        " GROUP BY d.value"
    )
    members = {row["id"]: row["n"] for row in counted}
    return {
        "divisions": [_shown(r) | {"total_members": members.get(r["id"], 0)} for r in shown],
        "next_page_token": token,
        "page_size": page.size,
        "total_records": call.state.value("SELECT count(*) FROM divisions"),
    }, 200


@operation(blueprint, "POST", "/divisions", "LIGHT", body=New(), touches=lambda *_: ())
def add_division(call: Call) -> Answer:
    """Make a division."""
    name, told = call.body.get("division_name"), call.body.get("division_description", "")
    if not name:
        raise ZoomError(400, 40005, "Invalid field.")
    _check_name(call, name)
    if call.state.value("SELECT count(*) FROM divisions") >= MOST:
        raise ZoomError(
            400,
            42006,
            "You've reached the maximum number of divisions reached. You can clean up some divisions"
            " then try again.",
        )
    id_ = call.state.fresh_id("division")
    _add(call, id_, name, told, main=False)
    return {"division_id": id_, "division_name": name, "division_description": told}, 201


@operation(blueprint, "GET", DIVISION, "LIGHT", query=Nothing())
def read_division(call: Call, division_id: str) -> Answer:
    """One division."""
    return _shown(_found(call, division_id)), 200


@operation(blueprint, "PATCH", DIVISION, "LIGHT", body=Update(), touches=lambda *_: ())
def update_division(call: Call, division_id: str) -> Answer:
    """Rename or describe a division."""
    row = _found(call, division_id)
    name = call.body.get("division_name", row["name"])
    _check_name(call, name, division_id)
    call.state.run(
        "UPDATE divisions SET name = ?, name_key = ?, description = ? WHERE id = ?",
        name,
        fold(name),
        call.body.get("division_description", row["description"]),
        division_id,
    )
    return None, 204


@operation(blueprint, "DELETE", DIVISION, "LIGHT", touches=lambda *_: ())
def delete_division(call: Call, division_id: str) -> Answer:
    """Delete a division that nobody is in."""
    if _found(call, division_id)["main"]:
        raise ZoomError(400, 42011, "Main division can't be deleted.")
    if call.state.value(f"SELECT count(*) {_MEMBERS}", division_id):
        raise ZoomError(400, 42012, "Please remove all users from this division before deleting.")
    call.state.run("DELETE FROM divisions WHERE id = ?", division_id)
    return None, 204


@operation(blueprint, "GET", f"{DIVISION}/users", "LIGHT", query=ListQuery())
def list_members(call: Call, division_id: str) -> Answer:
    """The users of a division."""
    _found(call, division_id)
    page = page_of(call, f"/divisions/{division_id}/users")
    rows = call.state.rows(
        f"SELECT u.* {_MEMBERS} AND u.seq > ? ORDER BY u.seq LIMIT ?",
        division_id,
        page.after,
        page.size + 1,
    )
    shown, token = cut(call, page, rows)
    return {
        "users": [
            {"user_id": r["id"], "user_display_name": display_name(r), "user_email": r["email"]}
            for r in shown
        ],
        "next_page_token": token,
        "page_size": page.size,
        "total_records": call.state.value(f"SELECT count(*) {_MEMBERS}", division_id),
    }, 200


@operation(
    blueprint,
    "POST",
    f"{DIVISION}/users",
    "MEDIUM",
    body=Members(),
    touches=lambda body, _: [u.get("user_id") or u.get("user_email", "") for u in body["users"]],
)
def add_members(call: Call, division_id: str) -> Answer:
    """Assign up to 30 users, out of whichever division they were in; who isn't there is left out.

    The answer joins the ids by commas.
    """
    _found(call, division_id)
    added = []
    for each in call.body["users"]:
        user = call.state.user(each.get("user_id") or each.get("user_email", ""))
        if user is None:
            continue
        profile = json.loads(user["profile"]) | {"division_ids": [division_id]}
        write = "UPDATE users SET profile = ? WHERE id = ?"
        call.state.run(write, json.dumps(profile), user["id"])
        added.append(str(user["id"]))
    return {"ids": ",".join(added), "added_at": stamp(call.account.clock())}, 201
