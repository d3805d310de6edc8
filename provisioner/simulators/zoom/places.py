"""Zoom Rooms and common areas with a phone: read one by one, changed, given plans, numbers, a template.

Neither can swap a calling plan in place, and what is unknown is a 400, never a 404. A common area's
extension number is its short one where the account uses site codes; a room's is always complete, and a
room's numbers are taken by id alone. A room takes five plans or numbers a call, a common area twenty.
Source: Zoom Phone's OpenAPI, /phone/common_areas/{commonAreaId} and /phone/rooms/{roomId}.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call
from .calling_plans import NewPlan, PhoneNumber
from .errors import ZoomError, invalid, refused
from .fields import Int
from .phones import (
    Holdings,
    check_site,
    give_numbers,
    give_plan,
    holds_plan,
    site_extension,
    take_plan,
)
from .service import Answer, operation

blueprint = Blueprint("zoom_places", __name__)

AREA, ROOM = "/phone/common_areas/<place_id>", "/phone/rooms/<place_id>"
AT_MOST = {"common_area": 20, "room": 5}


def _in_path(_: dict[str, Any], path: dict[str, str]) -> list[str]:
    return [path["place_id"]]


class Change(Schema):
    """The body of PATCH, for both; policies are taken, and not looked at."""

    extension_number = Int()
    policy = fields.Dict()
    site_id = fields.String()


class AreaChange(Change):
    """The body of PATCH /phone/common_areas/{commonAreaId}."""

    area_code = fields.String()
    cost_center = fields.String()
    country_iso_code = fields.String()
    default_transcription_language = fields.String()
    department = fields.String()
    display_name = fields.String()
    emergency_address_id = fields.String()
    outbound_caller_id = fields.String()
    timezone = fields.String()


class Plans(Schema):
    """The body of POST …/calling_plans."""

    calling_plans = fields.List(fields.Nested(NewPlan), required=True, validate=Length(min=1))


class Numbers(Schema):
    """The body of POST …/phone_numbers."""

    phone_numbers = fields.List(fields.Nested(PhoneNumber), required=True, validate=Length(min=1))


class Areas(Schema):
    """The body of POST /phone/common_areas/template_id/{templateId}."""

    common_area_ids = fields.List(fields.String(), required=True, validate=Length(min=1))


def place(call: Call, place_id: str, kind: str) -> sqlite3.Row:
    """Return the phone of a room or common area, by its id or extension id; raise 400 code 404."""
    row = call.state.row(
        "SELECT * FROM phones WHERE kind = ?1 AND (id = ?2 OR extension_id = ?2)", kind, place_id
    )
    if row is None:
        name = "Common area" if kind == "common_area" else "Room"
        raise ZoomError(400, 404, f"{name} does not exist: {place_id}.")
    return row


def _shown(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    name = "display_name" if row["kind"] == "common_area" else "name"
    entry = {"id": row["id"], name: row["name"], "extension_number": row["extension_number"]}
    if row["kind"] == "room":
        entry["extension_id"] = row["extension_id"]
    return {**entry, **Holdings(call, [row["id"]]).of(row)}


@operation(blueprint, "GET", AREA, "LIGHT")
def read_area(call: Call, place_id: str) -> Answer:
    """One common area."""
    return _shown(call, place(call, place_id, "common_area")), 200


@operation(blueprint, "GET", ROOM, "LIGHT")
def read_room(call: Call, place_id: str) -> Answer:
    """One Zoom Room."""
    return _shown(call, place(call, place_id, "room")), 200


@operation(blueprint, "PATCH", AREA, "LIGHT", touches=_in_path, body=AreaChange())
def change_area(call: Call, place_id: str) -> Answer:
    """Move, renumber or rename a common area."""
    row = place(call, place_id, "common_area")
    site = _site(call, row)
    number = call.body.get("extension_number")
    if number is not None and call.options.site_codes and call.options.multiple_sites:
        code = call.state.value("SELECT seq FROM sites WHERE id = ?", site)
        number = int(f"{code}{number}")
    _change(call, row, site, number)
    return None, 204


@operation(blueprint, "PATCH", ROOM, "LIGHT", touches=_in_path, body=Change())
def change_room(call: Call, place_id: str) -> Answer:
    """Move or renumber a Zoom Room."""
    row = place(call, place_id, "room")
    _change(call, row, _site(call, row), call.body.get("extension_number"))
    return None, 204


def _site(call: Call, row: sqlite3.Row) -> str:
    wished = call.body.get("site_id")
    return str(row["site_id"] if wished is None else check_site(call, wished))


def _change(call: Call, row: sqlite3.Row, site: str, number: int | None) -> None:
    extension = row["extension_number"]
    if number is not None:
        extension = site_extension(call, str(number), row["id"], site, "extension_number")
    call.state.run(
        "UPDATE phones SET site_id = ?, extension_number = ?, name = ? WHERE id = ?",
        site,
        extension,
        call.body.get("display_name", row["name"]),
        row["id"],
    )


def _bounded(row: sqlite3.Row, items: list[Any], name: str) -> list[Any]:
    most = AT_MOST[row["kind"]]
    if len(items) > most and row["kind"] == "room":
        raise ZoomError(400, 429, f"Room batch operation is limited to {most} per request.")
    if len(items) > most:
        raise ZoomError(400, 405, f"The number of items for `{name}` must not exceed {most}.")
    return items


def _give_plans(call: Call, row: sqlite3.Row) -> Answer:
    for i, plan in enumerate(_bounded(row, call.body["calling_plans"], "calling_plans")):
        give_plan(call, row["id"], plan["type"], f"calling_plans[{i}].type")
    held = Holdings(call, [row["id"]]).of(row)["calling_plans"]
    return ({"calling_plans": held} if row["kind"] == "common_area" else None), 201


@operation(blueprint, "POST", f"{AREA}/calling_plans", "LIGHT", touches=_in_path, body=Plans())
def give_area_plans(call: Call, place_id: str) -> Answer:
    """Assign every plan named, or none."""
    return _give_plans(call, place(call, place_id, "common_area"))


@operation(blueprint, "POST", f"{ROOM}/calling_plans", "LIGHT", touches=_in_path, body=Plans())
def give_room_plans(call: Call, place_id: str) -> Answer:
    """Assign every plan named, or none."""
    return _give_plans(call, place(call, place_id, "room"))


def _take_plan(call: Call, row: sqlite3.Row, plan_type: str) -> Answer:
    if not (plan_type.isascii() and plan_type.isdigit() and len(plan_type) < 19):
        raise ZoomError(400, 400, "Invalid field.")
    if not holds_plan(call.state, row["id"], int(plan_type)):
        raise ZoomError(400, 404, "The plan is not assigned.")
    take_plan(call.state, row["id"], int(plan_type))
    return None, 204


@operation(blueprint, "DELETE", f"{AREA}/calling_plans/<plan_type>", "LIGHT", touches=_in_path)
def take_area_plan(call: Call, place_id: str, plan_type: str) -> Answer:
    """Take a plan; the last one takes the direct numbers along."""
    return _take_plan(call, place(call, place_id, "common_area"), plan_type)


@operation(blueprint, "DELETE", f"{ROOM}/calling_plans/<plan_type>", "LIGHT", touches=_in_path)
def take_room_plan(call: Call, place_id: str, plan_type: str) -> Answer:
    """Take a plan; the last one takes the direct numbers along."""
    return _take_plan(call, place(call, place_id, "room"), plan_type)


def _give_numbers(call: Call, row: sqlite3.Row) -> Answer:
    wanted = []
    for i, number in enumerate(_bounded(row, call.body["phone_numbers"], "phone_numbers")):
        wish = number.get("id") or number.get("number")
        if not wish:
            raise invalid(f"phone_numbers[{i}].number")
        wanted.append((wish, f"phone_numbers[{i}]"))
    given = give_numbers(call, row["id"], wanted)
    listed = [{"id": each["id"], "number": each["number"]} for each in given]
    return ({"phone_numbers": listed} if row["kind"] == "common_area" else {}), 201


@operation(blueprint, "POST", f"{AREA}/phone_numbers", "LIGHT", touches=_in_path, body=Numbers())
def give_area_numbers(call: Call, place_id: str) -> Answer:
    """Assign every number named, or none."""
    return _give_numbers(call, place(call, place_id, "common_area"))


@operation(blueprint, "POST", f"{ROOM}/phone_numbers", "LIGHT", touches=_in_path, body=Numbers())
def give_room_numbers(call: Call, place_id: str) -> Answer:
    """Assign every number named, or none."""
    return _give_numbers(call, place(call, place_id, "room"))


@operation(blueprint, "DELETE", f"{AREA}/phone_numbers/<number>", "LIGHT", touches=_in_path)
def take_area_number(call: Call, place_id: str, number: str) -> Answer:
    """Make a number (by id, or the number itself) unassigned."""
    row = place(call, place_id, "common_area")
    _free(call, row, "id = ?1 OR number = ?1", number)
    return None, 204


@operation(blueprint, "DELETE", f"{ROOM}/phone_numbers/<number>", "LIGHT", touches=_in_path)
def take_room_number(call: Call, place_id: str, number: str) -> Answer:
    """Make a number, by id, unassigned."""
    row = place(call, place_id, "room")
    _free(call, row, "id = ?1", number)
    return None, 204


def _free(call: Call, row: sqlite3.Row, which: str, number: str) -> None:
    freed = call.state.run(
        f"UPDATE numbers SET holder = NULL, place = 0 WHERE ({which}) AND holder = ?2",  # noqa: S608
        number,
        row["id"],
    )
    if not freed:
        raise ZoomError(400, 404, "Phone number does not exist.")


@operation(
    blueprint,
    "POST",
    "/phone/common_areas/template_id/<template_id>",
    "LIGHT",
    body=Areas(),
    touches=lambda body, _: body["common_area_ids"],
)
def apply_template(call: Call, template_id: str) -> Answer:
    """Apply a common areas' template to up to 50 of its site."""
    ids = call.body["common_area_ids"]
    if len(ids) > 50:
        raise ZoomError(400, 400, "Common area size must be less than 50.")
    template = call.state.row(
        "SELECT * FROM templates WHERE id = ? AND type = 'commonArea'", template_id
    )
    if template is None:
        raise ZoomError(
            404, 404, f"The template type error or the template does not exist:{template_id}."
        )
    rows = [place(call, each, "common_area") for each in ids]
    if any(template["site_id"] not in (None, row["site_id"]) for row in rows):
        raise refused("The template's site is not the same as the common area's site.")
    for row in rows:
        call.state.run("UPDATE phones SET template_id = ? WHERE id = ?", template_id, row["id"])
    return None, 201
