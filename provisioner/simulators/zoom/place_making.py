"""Rooms and common areas as they come and go: given a phone, made, taken away.

A room has its phone by POST /phone/rooms, a common area by being made.
Source: Zoom Phone's OpenAPI, /phone/rooms and /phone/common_areas.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call
from .errors import ZoomError, invalid
from .fields import Int, text
from .phones import check_site, give_plan, site_code, site_extension, take_phone
from .places import place
from .service import Answer, operation
from .state import make_id

blueprint = Blueprint("zoom_place_making", __name__)

ROOM, AREA = "room", "common_area"


class FirstPlan(Schema):
    """A calling plan that a new room or common area begins with."""

    type = Int()
    billing_subscription_id = fields.String()


class NewArea(Schema):
    """The body of POST /phone/common_areas."""

    display_name = text(required=True, minimum=1)
    calling_plans = fields.List(fields.Nested(FirstPlan), validate=Length(max=100))
    country_iso_code = fields.String()
    extension_number = Int()
    site_id = fields.String()
    timezone = fields.String()
    template_id = fields.String()


class NewRoom(Schema):
    """The body of POST /phone/rooms."""

    id = fields.String()
    site_id = fields.String()
    calling_plans = fields.List(fields.Nested(FirstPlan), validate=Length(max=100))


class UnassignedQuery(Schema):
    """The query of GET /phone/rooms/unassigned."""

    keyword = fields.String()


class SettingsQuery(Schema):
    """The query of GET /phone/common_areas/{commonAreaId}/settings; only desk phones are simulated."""

    setting_type = fields.String()


def _in_path(_: dict[str, Any], path: dict[str, str]) -> list[str]:
    return [path["place_id"]]


@operation(blueprint, "POST", "/phone/common_areas", "LIGHT", body=NewArea(), touches=lambda *_: ())
def add_area(call: Call) -> Answer:
    """Make a common area; its id is its extension id too."""
    body, id_ = call.body, call.state.fresh_id("common area")
    _make(call, AREA, id_, body["display_name"], id_)
    return {"id": id_, "display_name": body["display_name"]}, 201


@operation(
    blueprint,
    "POST",
    "/phone/rooms",
    "LIGHT",
    body=NewRoom(),
    touches=lambda body, _: [body.get("id", "")],
)
def add_room(call: Call) -> Answer:
    """Give a Zoom Room a phone. 201, no body."""
    wish = call.body.get("id", "")
    room = call.state.row("SELECT * FROM rooms WHERE id = ?", wish)
    if room is None:
        raise ZoomError(400, 404, f"Room does not exist:{wish}.")
    _make(call, ROOM, room["id"], room["name"], make_id("extension", room["id"]))
    call.state.run("DELETE FROM rooms WHERE id = ?", room["id"])
    return None, 201


def _make(call: Call, kind: str, id_: str, name: str, extension_id: str) -> None:
    body, state = call.body, call.state
    site = check_site(call, body["site_id"]) if "site_id" in body else state.default_site()
    extension = state.next_extension()
    if "extension_number" in body:
        number = f"{site_code(call, site)}{body['extension_number']}"
        extension = site_extension(call, number, None, site, "extension_number")
    template = _template(call, body["template_id"], site) if "template_id" in body else None
    at, walk = call.account.visible_from()
    state.run(
        "INSERT INTO phones (id, kind, name, phone_user_id, extension_id, extension_number, site_id,"
        " template_id, visible_at, visible_walk) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(id_, kind, name, make_id("phone_user", id_), extension_id, extension, site),
        *(template, at, walk),
    )
    for i, plan in enumerate(body.get("calling_plans", ())):
        if "type" in plan:
            give_plan(call, id_, plan["type"], f"calling_plans[{i}].type")


def _template(call: Call, template_id: str, site_id: str) -> str:
    template = call.state.row(
        "SELECT * FROM templates WHERE id = ? AND type = 'commonArea'", template_id
    )
    if template is None:
        raise invalid("template_id")
    if call.options.multiple_sites and template["site_id"] not in (None, site_id):
        message = "The template's site is not the same as the common area's site."
        raise ZoomError(400, 300, message)
    return str(template["id"])


@operation(blueprint, "DELETE", "/phone/common_areas/<place_id>", "LIGHT", touches=_in_path)
def delete_area(call: Call, place_id: str) -> Answer:
    """Delete a common area, for good: the trash is for people."""
    take_phone(call.state, place(call, place_id, AREA)["id"])
    return None, 204


@operation(blueprint, "DELETE", "/phone/rooms/<place_id>", "LIGHT", touches=_in_path)
def delete_room(call: Call, place_id: str) -> Answer:
    """Take a Zoom Room's phone; the room itself stays."""
    phone = place(call, place_id, ROOM)
    take_phone(call.state, phone["id"])
    call.state.run("INSERT INTO rooms (id, name) VALUES (?, ?)", phone["id"], phone["name"])
    return None, 204


@operation(blueprint, "GET", "/phone/rooms/unassigned", "MEDIUM", query=UnassignedQuery())
def list_unassigned(call: Call) -> Answer:
    """The first hundred Zoom Rooms without a phone."""
    word = call.query.get("keyword", "")
    rows = call.state.rows(
        "SELECT * FROM rooms WHERE instr(fold(name), fold(?)) ORDER BY seq LIMIT 100", word
    )
    return {"rooms": [{"id": row["id"], "display_name": row["name"]} for row in rows]}, 200


@operation(
    blueprint, "GET", "/phone/common_areas/<place_id>/settings", "LIGHT", query=SettingsQuery()
)
def read_area_settings(call: Call, place_id: str) -> Answer:
    """A common area's desk phones."""
    area = place(call, place_id, AREA)
    rows = call.state.rows("SELECT * FROM devices WHERE holder = ? ORDER BY seq", area["id"])
    phones = [
        {
            "id": row["id"],
            "display_name": row["name"] or row["model"],
            "device_type": f"{row['brand']} {row['model']}",
            "mac_address": row["mac"],
            "status": "offline",
        }
        for row in rows
    ]
    return {"desk_phones": phones}, 200
