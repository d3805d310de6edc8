"""Shared line groups: people and common areas who share an extension and its direct numbers.

Somebody can be in one shared line group only.
Source: Zoom Phone's OpenAPI, /phone/shared_line_groups.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call
from .errors import ZoomError, refused
from .fields import Bool, Int, Nothing, one_of, pages, text
from .pages import cut, page_of
from .phones import free_numbers
from .service import Answer, operation
from .shared_extensions import (
    PROMPTS,
    STORED_IN,
    Kind,
    NewMembers,
    add_members,
    change,
    found,
    make,
    member,
    member_name,
    members_of,
    numbers_of,
    remove,
    remove_member,
    site_member,
    wanted,
)

blueprint = Blueprint("zoom_shared_line_groups", __name__)

KIND: Kind = "shared_line_group"
GROUP = "/phone/shared_line_groups/<group_id>"

ListQuery = Schema.from_dict(pages(300), name="ListQuery")


class New(Schema):
    """The body of POST."""

    display_name = text(200, required=True, minimum=1)
    extension_number = Int()
    site_id = fields.String()


class Update(Schema):
    """The body of PATCH."""

    display_name = text()
    extension_number = Int()
    primary_number = fields.String()
    status = one_of("active", "inactive")
    timezone = fields.String()
    cost_center = fields.String()
    department = fields.String()
    audio_prompt_language = one_of(*PROMPTS)
    default_transcription_language = one_of(*PROMPTS)
    recording_storage_location = one_of(*STORED_IN)
    allow_privacy = Bool()


class Number(Schema):
    """A number, by id or in E.164 format."""

    id = fields.String()
    number = fields.String()


class Numbers(Schema):
    """The body that assigns numbers."""

    phone_numbers = fields.List(fields.Nested(Number), required=True, validate=Length(min=1, max=5))


def _group(call: Call, group_id: str, status: int = 400, code: int = 300) -> sqlite3.Row:
    message = f"Shared line group does not exist: {group_id}."
    return found(call, KIND, group_id, ZoomError(status, code, message))


def _shown(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "display_name": row["name"],
        "extension_id": row["extension_id"],
        "extension_number": row["extension_number"],
        "status": row["status"],
        "phone_numbers": [
            {"id": each["id"], "number": each["number"]}
            for each in numbers_of(call.state, row["id"])
        ],
        **site_member(call, row),
    }


@operation(blueprint, "GET", "/phone/shared_line_groups", "MEDIUM", query=ListQuery())
def list_groups(call: Call) -> Answer:
    """The account's shared line groups."""
    page = page_of(call, "/phone/shared_line_groups")
    rows = call.state.rows(
        "SELECT * FROM shared_extensions WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?",
        KIND,
        page.after,
        page.size + 1,
    )
    shown, token = cut(call, page, rows)
    count = "SELECT count(*) FROM shared_extensions WHERE kind = ?"
    return {
        "shared_line_groups": [_shown(call, row) for row in shown],
        "next_page_token": token,
        "page_size": page.size,
        "total_records": call.state.value(count, KIND),
    }, 200


@operation(
    blueprint, "POST", "/phone/shared_line_groups", "LIGHT", body=New(), touches=lambda *_: ()
)
def add_group(call: Call) -> Answer:
    """Make a group without members and numbers."""
    row = make(call, KIND, call.body["display_name"], call.body)
    return {"id": row["id"], "display_name": row["name"]}, 201


@operation(blueprint, "GET", GROUP, "LIGHT", query=Nothing())
def read_group(call: Call, group_id: str) -> Answer:
    """One group with its members."""
    row = _group(call, group_id, 404, 404)
    members: dict[str, list[dict[str, Any]]] = {"users": [], "common_areas": []}
    for each in members_of(call.state, group_id):
        members["users" if each["kind"] == "person" else "common_areas"].append(
            {
                "id": each["member"],
                "name": member_name(call.state, each),
                "extension_id": each["extension_id"],
            }
        )
    told = _shown(call, row) | json.loads(row["extra"]) | {"members": members}
    held = [each["number"] for each in told["phone_numbers"]]
    if told.get("primary_number") not in held:
        told.pop("primary_number", None)
        told |= {"primary_number": held[0]} if held else {}
    return told, 200


@operation(blueprint, "PATCH", GROUP, "LIGHT", body=Update(), touches=lambda *_: ())
def update_group(call: Call, group_id: str) -> Answer:
    """Change what the body names."""
    row = _group(call, group_id, 404, 404)
    primary = call.body.get("primary_number")
    if primary is not None and primary not in {
        each["number"] for each in numbers_of(call.state, group_id)
    }:
        raise refused("The primary number is not a number of this shared line group.")
    change(call, row, call.body)
    return None, 204


@operation(blueprint, "DELETE", GROUP, "LIGHT", touches=lambda *_: ())
def delete_group(call: Call, group_id: str) -> Answer:
    """Delete a group; its numbers are free."""
    remove(call, _group(call, group_id))
    return None, 204


@operation(blueprint, "POST", f"{GROUP}/members", "LIGHT", body=NewMembers(), touches=lambda *_: ())
def add_group_members(call: Call, group_id: str) -> Answer:
    """Add users and common areas, all of them or none; nobody who is in another group."""
    _group(call, group_id)
    members = wanted(call)
    elsewhere = (
        "SELECT 1 FROM shared_members m JOIN shared_extensions s ON s.id = m.extension"
        " WHERE s.kind = ? AND s.id <> ? AND m.member = ?"
    )
    for each in members:
        if call.state.row(elsewhere, KIND, group_id, each) is not None:
            raise refused(f"{each} is a member of another shared line group.")
    add_members(call, group_id, members)
    return None, 201


@operation(blueprint, "DELETE", f"{GROUP}/members", "LIGHT", touches=lambda *_: ())
def remove_group_members(call: Call, group_id: str) -> Answer:
    """Take every member out."""
    _group(call, group_id)
    for each in members_of(call.state, group_id):
        remove_member(call, each)
    return None, 204


@operation(blueprint, "DELETE", f"{GROUP}/members/<member_id>", "LIGHT", touches=lambda *_: ())
def remove_group_member(call: Call, group_id: str, member_id: str) -> Answer:
    """Take one member out."""
    _group(call, group_id)
    row = member(call, group_id, member_id)
    if row is None:
        raise refused(f"User not found: {member_id}.")
    remove_member(call, row)
    return None, 204


@operation(
    blueprint, "POST", f"{GROUP}/phone_numbers", "LIGHT", body=Numbers(), touches=lambda *_: ()
)
def add_group_numbers(call: Call, group_id: str) -> Answer:
    """Assign up to five of the account's free numbers; all of them or none."""
    _group(call, group_id, 404, 404)
    for each in call.body["phone_numbers"]:
        wish = each.get("id") or each.get("number", "")
        row = call.state.row("SELECT * FROM numbers WHERE id = ?1 OR number = ?1", wish)
        if row is None:
            raise ZoomError(400, 400, "Phone number does not exist.")
        if row["holder"] is not None:
            raise refused("The phone number has already been assigned.")
        call.state.run(
            "UPDATE numbers SET holder = ?, visible_at = ?, visible_walk = ?,"
            " place = (SELECT coalesce(max(place), 0) + 1 FROM numbers) WHERE id = ?",
            group_id,
            *call.account.visible_from(),
            row["id"],
        )
    return None, 201


@operation(blueprint, "DELETE", f"{GROUP}/phone_numbers", "LIGHT", touches=lambda *_: ())
def remove_group_numbers(call: Call, group_id: str) -> Answer:
    """Make every number of a group unassigned."""
    _group(call, group_id)
    free_numbers(call.state, group_id)
    return None, 204


@operation(
    blueprint, "DELETE", f"{GROUP}/phone_numbers/<number_id>", "LIGHT", touches=lambda *_: ()
)
def remove_group_number(call: Call, group_id: str, number_id: str) -> Answer:
    """Make one number of a group unassigned."""
    _group(call, group_id)
    freed = call.state.run(
        "UPDATE numbers SET holder = NULL, place = 0 WHERE holder = ?1 AND (id = ?2 OR number = ?2)",
        group_id,
        number_id,
    )
    if not freed:
        raise ZoomError(400, 400, "Phone number does not exist")
    return None, 204
