"""Desk phones: added, listed, assigned to people and common areas by extension id, deleted.

Source: Zoom Phone's OpenAPI, /phone/devices.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call
from .errors import ZoomError, invalid, no_user
from .fields import Nothing, one_of, pages, text
from .names import display_name, fold
from .pages import cut, page_of
from .phones import check_site
from .service import Answer, operation
from .state import make_id

blueprint = Blueprint("zoom_devices", __name__)

ListQuery = Schema.from_dict(
    {
        **pages(300),
        "type": one_of("assigned", "unassigned", required=True),
        "assignee_type": one_of("user", "commonArea"),
        "device_source": one_of("haas", "hotDesking"),
        "location_status": one_of("unknownAddress"),
        "site_id": fields.String(),
        "device_type": one_of(
            "algo", "audioCodes", "cisco", "cyberData", "grandstream", "poly", "yealink", "other"
        ),
        "keyword": fields.String(),
    },
    name="ListQuery",
)


class New(Schema):
    """The body of POST /phone/devices; a device here has one assignee at most."""

    display_name = text(required=True, minimum=1)
    mac_address = fields.String(required=True)
    type = fields.String(required=True)
    model = fields.String()
    assigned_to = fields.String()
    assignee_extension_ids = fields.List(fields.String(), validate=Length(max=10))
    provision_template_id = fields.String()
    site_id = fields.String()


class Update(Schema):
    """The body of PATCH /phone/devices/{deviceId}."""

    assigned_to = fields.String()
    display_name = text(minimum=1)
    provision_template_id = fields.String()


class Extensions(Schema):
    """The body of POST /phone/devices/{deviceId}/extensions."""

    assignee_extension_ids = fields.List(fields.String(), required=True, validate=Length(min=1))


@operation(blueprint, "GET", "/phone/devices", "MEDIUM", query=ListQuery())
def list_devices(call: Call) -> Answer:
    """Desk phones that somebody has, or that nobody has."""
    query, page = call.query, page_of(call, "/phone/devices")
    where = [f"d.holder IS {'NOT ' if query['type'] == 'assigned' else ''}NULL"]
    bound: list[object] = []
    if "assignee_type" in query:
        where.append("p.kind = ?")
        bound.append("person" if query["assignee_type"] == "user" else "common_area")
    if "site_id" in query:
        where.append("coalesce(p.site_id, d.site_id) = ?")
        bound.append(check_site(call, query["site_id"]))
    if "device_type" in query:
        where.append("fold(d.brand) = ?")
        bound.append(fold(query["device_type"]))
    if "keyword" in query:
        where.append("(instr(d.mac, ?) OR instr(fold(coalesce(d.name, '')), ?))")
        bound += [fold(query["keyword"])] * 2
    source = f"devices d LEFT JOIN phones p ON p.id = d.holder WHERE {' AND '.join(where)}"
    total = call.state.value(f"SELECT count(*) FROM {source}", *bound)  # noqa: S608
    rows = call.state.rows(
        f"SELECT d.* FROM {source} AND d.seq > ? ORDER BY d.seq LIMIT ?",  # noqa: S608
        *bound,
        page.after,
        page.size + 1,
    )
    shown, token = cut(call, page, rows)
    return {
        "next_page_token": token,
        "page_size": page.size,
        "total_records": total,
        "devices": [_described(call, row) for row in shown],
    }, 200


def _described(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": row["id"],
        "display_name": row["name"] or f"{row['brand']} {row['model']}",
        "device_type": f"{row['brand']} {row['model']}",
        "mac_address": row["mac"],
        "status": "offline",
        "provision_template_id": row["template_id"] or "",
    }
    phone = call.state.phone(row["holder"]) if row["holder"] else None
    if phone is not None:
        user = call.state.user(phone["id"]) if phone["kind"] == "person" else None
        assignee = {
            "id": phone["id"],
            "name": phone["name"] if user is None else display_name(user),
            "extension_number": phone["extension_number"],
            "extension_type": "user" if user is not None else "commonArea",
        }
        entry["assignee"] = assignee
        entry["assignees"] = [assignee | {"extension_id": phone["extension_id"]}]
    return entry


@operation(blueprint, "POST", "/phone/devices", "LIGHT", body=New(), touches=lambda *_: ())
def add_device(call: Call) -> Answer:
    """Add a desk phone, for somebody or for nobody yet."""
    body = call.body
    mac = fold(body["mac_address"]).replace("-", "").replace(":", "")
    if len(mac) != 12 or not mac.isascii() or not mac.isalnum():
        raise invalid("mac_address")
    if call.state.row("SELECT 1 FROM devices WHERE mac = ?", mac):
        raise invalid(("mac_address", "The device already exists."))
    holder = _holder(call, body)
    site = check_site(call, body["site_id"]) if "site_id" in body else None
    if holder is None and site is None and call.options.multiple_sites:
        raise invalid("site_id")
    id_ = make_id("device", mac)
    call.state.run(
        "INSERT INTO devices (id, mac, brand, model, holder, name, template_id, site_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *(id_, mac, body["type"], body.get("model", ""), holder, body["display_name"]),
        *(_template(call, body), site),
    )
    return {"id": id_, "display_name": body["display_name"]}, 201


def _template(call: Call, body: dict[str, Any]) -> str | None:
    """Return the provision template that a body names, None for none."""
    wanted = body.get("provision_template_id") or None
    known = "SELECT 1 FROM provision_templates WHERE id = ?"
    if wanted is not None and call.state.row(known, wanted) is None:
        raise invalid("provision_template_id")
    return wanted


def _holder(call: Call, body: dict[str, Any]) -> str | None:
    """Return whom a body assigns a device to, None for nobody."""
    if body.get("assigned_to"):
        user = call.state.user(body["assigned_to"])
        if user is None or call.state.phone(user["id"]) is None:
            raise no_user(body["assigned_to"])
        return str(user["id"])
    extensions = body.get("assignee_extension_ids", ())
    if len(extensions) > 1:
        raise invalid(("assignee_extension_ids", "The device takes one assignee."))
    return _by_extension(call, extensions[0]) if extensions else None


def _by_extension(call: Call, extension_id: str) -> str:
    holder = call.state.value("SELECT id FROM phones WHERE extension_id = ?", extension_id)
    if holder is None:
        raise ZoomError(404, 1001, "User extension ID or common area extension ID not found.")
    return str(holder)


@operation(blueprint, "GET", "/phone/devices/<device_id>", "LIGHT", query=Nothing())
def read_device(call: Call, device_id: str) -> Answer:
    """One desk phone."""
    return _described(call, _found(call, device_id, 400)), 200


@operation(
    blueprint,
    "PATCH",
    "/phone/devices/<device_id>",
    "LIGHT",
    body=Update(),
    touches=lambda *_: (),
)
def update_device(call: Call, device_id: str) -> Answer:
    """Rename a desk phone, give it to another user, or another provision template (or none) to it."""
    row, body = _found(call, device_id), call.body
    holder = _holder(call, body) if "assigned_to" in body else row["holder"]
    name = body.get("display_name", row["name"])
    template = _template(call, body) if "provision_template_id" in body else row["template_id"]
    update = "UPDATE devices SET holder = ?, name = ?, template_id = ? WHERE id = ?"
    call.state.run(update, holder, name, template, device_id)
    return None, 204


@operation(blueprint, "DELETE", "/phone/devices/<device_id>", "LIGHT", touches=lambda *_: ())
def delete_device(call: Call, device_id: str) -> Answer:
    """Delete a desk phone."""
    call.state.run("DELETE FROM devices WHERE id = ?", _found(call, device_id)["id"])
    return None, 204


@operation(
    blueprint,
    "POST",
    "/phone/devices/<device_id>/extensions",
    "LIGHT",
    body=Extensions(),
    touches=lambda *_: (),
)
def assign_device(call: Call, device_id: str) -> Answer:
    """Give a desk phone to whoever has an extension. 201 with an empty object."""
    row = _found(call, device_id)
    if row["holder"]:
        raise invalid(("assignee_extension_ids", "The device takes one assignee."))
    holder = _holder(call, call.body)
    call.state.run("UPDATE devices SET holder = ? WHERE id = ?", holder, device_id)
    return {}, 201


@operation(
    blueprint,
    "DELETE",
    "/phone/devices/<device_id>/extensions/<extension_id>",
    "LIGHT",
    touches=lambda *_: (),
)
def unassign_device(call: Call, device_id: str, extension_id: str) -> Answer:
    """Take a desk phone from whoever has an extension."""
    row, holder = _found(call, device_id), _by_extension(call, extension_id)
    if row["holder"] != holder:
        raise invalid("extension_id")
    call.state.run("UPDATE devices SET holder = NULL WHERE id = ?", device_id)
    return None, 204


def _found(call: Call, device_id: str, code: int = 300) -> sqlite3.Row:
    row = call.state.row("SELECT * FROM devices WHERE id = ?", device_id)
    if row is None:
        raise ZoomError(400, code, "Device does not exist in the system.")
    return row
