"""User groups of the account and who is in them.

Source: Zoom's Groups OpenAPI.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call, stamp
from .errors import ZoomError, refused
from .fields import Nothing, asked_number, one_of, page_size, pages, text
from .names import fold
from .pages import cut, page_of
from .service import Answer, operation

blueprint = Blueprint("zoom_groups", __name__)

ListQuery = Schema.from_dict(pages(300), name="ListQuery")
MembersQuery = Schema.from_dict(
    {
        "page_size": page_size(2000),
        "next_page_token": fields.String(),
        "page_number": asked_number(1),
    },
    name="MembersQuery",
)


class Group(Schema):
    """The body of POST /groups and PATCH /groups/{groupId}."""

    name = text(128, required=True, minimum=1)


class Member(Schema):
    """A member, by id or mail address."""

    id = fields.String()
    email = fields.String()


class Members(Schema):
    """The body of POST /groups/{groupId}/members."""

    members = fields.List(fields.Nested(Member), required=True, validate=Length(min=1, max=30))


class Change(Schema):
    """The body of PATCH /groups/{groupId}/members/{memberId}."""

    action = one_of("move", "set_primary", required=True)
    target_group_id = fields.String()


def _described(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    count = "SELECT count(*) FROM group_members WHERE group_id = ?"
    members = call.state.value(count, row["id"])
    return {"id": row["id"], "name": row["name"], "total_members": members}


def _found(call: Call, group_id: str) -> sqlite3.Row:
    row = call.state.row("SELECT * FROM groups WHERE id = ?", group_id)
    if row is None:
        raise ZoomError(404, 4130, f"A group with this {group_id} does not exist.")
    return row


def _check_name(call: Call, name: str, own: str = "") -> None:
    other = call.state.value("SELECT id FROM groups WHERE name_key = ?", fold(name))
    if other is not None and other != own:
        raise ZoomError(409, 4132, f'The group name "{name}" is already in use.')


@operation(blueprint, "GET", "/groups", "MEDIUM", query=ListQuery())
def list_groups(call: Call) -> Answer:
    """The account's groups."""
    page = page_of(call, "/groups")
    rows = call.state.rows(
        "SELECT * FROM groups WHERE seq > ? ORDER BY seq LIMIT ?", page.after, page.size + 1
    )
    shown, token = cut(call, page, rows)
    return {
        "groups": [_described(call, row) for row in shown],
        "next_page_token": token,
        "total_records": call.state.value("SELECT count(*) FROM groups"),
    }, 200


@operation(blueprint, "POST", "/groups", "LIGHT", body=Group(), touches=lambda *_: ())
def add_group(call: Call) -> Answer:
    """Make a group."""
    name = call.body["name"]
    _check_name(call, name)
    return {"id": new_group(call, name), "name": name, "total_members": 0}, 201


def new_group(call: Call, name: str) -> str:
    """Make a group of a name that is free, and return its id."""
    id_ = call.state.fresh_id("group")
    call.state.run(
        "INSERT INTO groups (id, name, name_key) VALUES (?, ?, ?)", id_, name, fold(name)
    )
    return id_


@operation(blueprint, "GET", "/groups/<group_id>", "LIGHT", query=Nothing())
def read_group(call: Call, group_id: str) -> Answer:
    """One group."""
    return _described(call, _found(call, group_id)), 200


@operation(blueprint, "PATCH", "/groups/<group_id>", "LIGHT", body=Group(), touches=lambda *_: ())
def update_group(call: Call, group_id: str) -> Answer:
    """Rename a group."""
    name = call.body["name"]
    _found(call, group_id)
    _check_name(call, name, group_id)
    call.state.run(
        "UPDATE groups SET name = ?, name_key = ? WHERE id = ?", name, fold(name), group_id
    )
    return None, 204


@operation(blueprint, "DELETE", "/groups/<group_id>", "LIGHT", touches=lambda *_: ())
def delete_group(call: Call, group_id: str) -> Answer:
    """Delete a group; its members stay."""
    _found(call, group_id)
    remove_group(call, group_id)
    return None, 204


def remove_group(call: Call, group_id: str) -> None:
    """Delete a group and its memberships."""
    call.state.run("DELETE FROM group_members WHERE group_id = ?", group_id)
    call.state.run("DELETE FROM groups WHERE id = ?", group_id)


@operation(blueprint, "GET", "/groups/<group_id>/members", "MEDIUM", query=MembersQuery())
def list_members(call: Call, group_id: str) -> Answer:
    """A group's members."""
    _found(call, group_id)
    page = page_of(call, f"/groups/{group_id}/members")
    rows = call.state.rows(
        "SELECT m.seq, u.* FROM group_members m JOIN users u ON u.id = m.user_id"
        " WHERE m.group_id = ? AND m.seq > ? ORDER BY m.seq LIMIT ?",
        group_id,
        page.after,
        page.size + 1,
    )
    shown, token = cut(call, page, rows)
    total = call.state.value("SELECT count(*) FROM group_members WHERE group_id = ?", group_id)
    names = ("id", "email", "first_name", "last_name", "type")
    return {
        "members": [{name: row[name] for name in names} for row in shown],
        "next_page_token": token,
        "page_count": -(-total // page.size),
        "page_number": call.query.get("page_number", 1),
        "page_size": page.size,
        "total_records": total,
    }, 200


@operation(
    blueprint,
    "POST",
    "/groups/<group_id>/members",
    "MEDIUM",
    body=Members(),
    touches=lambda body, _: [m.get("id") or m.get("email", "") for m in body["members"]],
)
def add_members(call: Call, group_id: str) -> Answer:
    """Add up to 30 members; who is nobody's is left out. The answer joins the ids by commas."""
    _found(call, group_id)
    added = []
    for member in call.body["members"]:
        user = call.state.user(member.get("id") or member.get("email", ""))
        if user is not None:
            call.state.run(
                "INSERT OR IGNORE INTO group_members (group_id, user_id) VALUES (?, ?)",
                group_id,
                user["id"],
            )
            added.append(str(user["id"]))
    return {"ids": ",".join(added), "added_at": stamp(call.account.clock())}, 201


@operation(
    blueprint,
    "PATCH",
    "/groups/<group_id>/members/<member_id>",
    "MEDIUM",
    body=Change(),
    touches=lambda _, path: [path["member_id"]],
)
def change_member(call: Call, group_id: str, member_id: str) -> Answer:
    """Move somebody to another group; which group is a user's primary one no answer tells."""
    _found(call, group_id)
    user = call.state.user(member_id)
    held = "SELECT seq FROM group_members WHERE group_id = ? AND user_id = ?"
    member = call.state.value(held, group_id, user["id"] if user else member_id)
    if user is None or member is None:
        raise ZoomError(404, 4131, "Group member does not exist.")
    if call.body["action"] == "set_primary":
        return None, 204
    target = call.body.get("target_group_id")
    if not target:
        raise refused("The target_group_id can not be empty.")
    if call.state.row("SELECT 1 FROM groups WHERE id = ?", target) is None:
        account = call.options.account_id
        raise ZoomError(400, 1010, f"Group does not belong to this account:{account}.")
    call.state.run("DELETE FROM group_members WHERE seq = ?", member)
    add = "INSERT OR IGNORE INTO group_members (group_id, user_id) VALUES (?, ?)"
    call.state.run(add, target, user["id"])
    return None, 204


@operation(
    blueprint,
    "DELETE",
    "/groups/<group_id>/members/<member_id>",
    "LIGHT",
    touches=lambda _, path: [path["member_id"]],
)
def remove_member(call: Call, group_id: str, member_id: str) -> Answer:
    """Take somebody out of a group."""
    _found(call, group_id)
    removed = call.state.run(
        "DELETE FROM group_members WHERE group_id = ? AND user_id = ?", group_id, member_id
    )
    if not removed:
        raise ZoomError(404, 4131, "Group member does not exist.")
    return None, 204
