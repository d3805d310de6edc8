"""Call queues and who answers in them; managers are made in the portal, and can't be taken out here.

An account user who manages a queue can't be deactivated, deleted or switched off the phone (400 code 1000).
Source: Zoom Phone's OpenAPI, /phone/call_queues.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields

from .account import Call
from .errors import ZoomError, invalid
from .fields import Int, Nothing, one_of, pages, text
from .pages import cut, page_of
from .service import Answer, operation
from .shared_extensions import (
    PROMPTS,
    STORED_IN,
    Kind,
    NewMembers,
    add_members,
    at_most,
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

blueprint = Blueprint("zoom_call_queues", __name__)

KIND: Kind = "call_queue"
QUEUE = "/phone/call_queues/<queue_id>"
AT_ONCE, MOST = 10, 300

ListQuery = Schema.from_dict(
    {
        **pages(100),
        "site_id": fields.String(),
        "cost_center": fields.String(),
        "department": fields.String(),
    },
    name="ListQuery",
)


class New(NewMembers):
    """The body of POST; the site may be left out where the account has none."""

    name = text(32, required=True, minimum=1)
    site_id = fields.String()
    extension_number = Int()
    cost_center = fields.String()
    department = fields.String()


class Update(Schema):
    """The body of PATCH."""

    name = text(32)
    site_id = fields.String()
    extension_number = Int()
    cost_center = fields.String()
    department = fields.String()
    status = one_of("active", "inactive")
    timezone = fields.String()
    audio_prompt_language = one_of(*PROMPTS)
    default_transcription_language = one_of(*PROMPTS)
    recording_storage_location = one_of(*STORED_IN)


def _listed(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    numbers = numbers_of(call.state, row["id"])
    return {
        "id": row["id"],
        "name": row["name"],
        "extension_id": row["extension_id"],
        "extension_number": row["extension_number"],
        "status": row["status"],
        "phone_numbers": [
            {"id": n["id"], "number": n["number"], "source": "internal"} for n in numbers
        ],
        **site_member(call, row),
    }


@operation(blueprint, "GET", "/phone/call_queues", "MEDIUM", query=ListQuery())
def list_queues(call: Call) -> Answer:
    """The account's call queues."""
    page = page_of(call, "/phone/call_queues")
    where, bound = "kind = ?", list[object]([KIND])
    for name in ("site_id", "cost_center", "department"):
        if name in call.query:
            column = name if name == "site_id" else f"json_extract(extra, '$.{name}')"
            where, bound = f"{where} AND {column} = ?", [*bound, call.query[name]]
    source = f"FROM shared_extensions WHERE {where}"
    total = call.state.value(f"SELECT count(*) {source}", *bound)
    rows = call.state.rows(
        f"SELECT * {source} AND seq > ? ORDER BY seq LIMIT ?", *bound, page.after, page.size + 1
    )
    shown, token = cut(call, page, rows)
    return {
        "call_queues": [_listed(call, row) for row in shown],
        "next_page_token": token,
        "page_size": page.size,
        "total_records": total,
    }, 200


@operation(blueprint, "POST", "/phone/call_queues", "LIGHT", body=New(), touches=lambda *_: ())
def add_queue(call: Call) -> Answer:
    """Make a queue, with up to ten users and ten common areas at once."""
    if call.options.multiple_sites and "site_id" not in call.body:
        raise invalid("site_id")
    at_most(call, AT_ONCE, "Exceeded the maximum number to add members per time")
    members = wanted(call)
    row = make(call, KIND, call.body["name"], call.body)
    add_members(call, row["id"], members)
    return {name: row[name] for name in ("id", "name", "extension_number", "status")}, 201


@operation(blueprint, "GET", QUEUE, "LIGHT", query=Nothing())
def read_queue(call: Call, queue_id: str) -> Answer:
    """One queue with its members."""
    missing = ZoomError(404, 13000, f"The Call Queue does not exist, callQueueId:{queue_id}.")
    row = found(call, KIND, queue_id, missing)
    users: list[dict[str, Any]] = []
    areas: list[dict[str, Any]] = []
    for each in members_of(call.state, queue_id):
        told = {
            "id": each["member"],
            "name": member_name(call.state, each),
            "extension_id": each["extension_id"],
        }
        if each["kind"] == "person":
            users.append({**told, "level": each["level"], "receive_call": True})
        else:
            areas.append(told)
    told = _listed(call, row) | json.loads(row["extra"])
    return {**told, "members": {"users": users, "common_areas": areas}}, 200


def _queue(call: Call, queue_id: str, code: int = 300) -> sqlite3.Row:
    """Return a queue, or raise what every change of one that isn't there is answered with."""
    what = f"The group does not exist, groupId:{queue_id}."
    message = f"Validation Failed. {what}" if code == 300 else what
    return found(call, KIND, queue_id, ZoomError(400, code, message))


@operation(blueprint, "PATCH", QUEUE, "LIGHT", body=Update(), touches=lambda *_: ())
def update_queue(call: Call, queue_id: str) -> Answer:
    """Change what the body names."""
    change(call, _queue(call, queue_id), call.body)
    return None, 204


@operation(blueprint, "DELETE", QUEUE, "LIGHT", touches=lambda *_: ())
def delete_queue(call: Call, queue_id: str) -> Answer:
    """Delete a queue; whoever managed no other can be changed again."""
    remove(call, _queue(call, queue_id, code=400))
    return None, 204


@operation(blueprint, "GET", f"{QUEUE}/members", "MEDIUM", query=Nothing())
def list_members(call: Call, queue_id: str) -> Answer:
    """Every member, on one page."""
    _queue(call, queue_id)
    members = members_of(call.state, queue_id)
    return {
        "call_queue_members": [
            {
                "id": each["member"],
                "name": member_name(call.state, each),
                "level": "user" if each["kind"] == "person" else "commonArea",
                "receive_call": True,
                "extension_id": each["extension_id"],
            }
            for each in members
        ],
        "next_page_token": "",
        "page_size": MOST,
        "total_records": len(members),
    }, 200


@operation(blueprint, "POST", f"{QUEUE}/members", "LIGHT", body=NewMembers(), touches=lambda *_: ())
def add_queue_members(call: Call, queue_id: str) -> Answer:
    """Add up to ten users and ten common areas; all of them or none."""
    _queue(call, queue_id)
    at_most(call, AT_ONCE, "Exceeded the maximum number to add members per time.")
    add_members(call, queue_id, wanted(call))
    if len(members_of(call.state, queue_id)) > MOST:
        raise ZoomError(400, 412, f"The maximum number of Call Queue members is up to {MOST}.")
    return None, 201


@operation(blueprint, "DELETE", f"{QUEUE}/members", "LIGHT", touches=lambda *_: ())
def remove_queue_members(call: Call, queue_id: str) -> Answer:
    """Take every member out but the managers."""
    _queue(call, queue_id)
    for each in members_of(call.state, queue_id):
        if each["level"] != "manager":
            remove_member(call, each)
    return None, 204


@operation(blueprint, "DELETE", f"{QUEUE}/members/<member_id>", "LIGHT", touches=lambda *_: ())
def remove_queue_member(call: Call, queue_id: str, member_id: str) -> Answer:
    """Take one member out, who is no manager."""
    _queue(call, queue_id)
    row = member(call, queue_id, member_id)
    if row is None:
        raise ZoomError(404, 1001, f"User not found: {member_id}.")
    if row["level"] == "manager":
        raise ZoomError(400, 400, "Unable to delete manager")
    remove_member(call, row)
    return None, 204
