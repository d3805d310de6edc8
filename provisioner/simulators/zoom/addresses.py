"""Emergency addresses of the account, its sites and its people; every one is valid at once.

Source: Zoom Phone's OpenAPI, /phone/emergency_addresses.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields

from .account import Call
from .errors import ZoomError, invalid, no_user, refused
from .fields import Bool, Nothing, asked_number, pages
from .names import fold
from .pages import cut, page_of
from .phones import check_site
from .service import Answer, operation

blueprint = Blueprint("zoom_addresses", __name__)

VERIFIED = 1
ACCOUNT, SITE, PERSON = 0, 1, 2
LINES = ("address_line1", "address_line2", "city", "country", "state_code", "zip")

ListQuery = Schema.from_dict(
    {
        **pages(300),
        "site_id": fields.String(),
        "user_id": fields.String(),
        "level": asked_number(0, 2),
        "status": asked_number(1, 6),
        "address_keyword": fields.String(),
    },
    name="ListQuery",
)


class Update(Schema):
    """The body of PATCH /phone/emergency_addresses/{emergencyAddressId}."""

    address_line1 = fields.String()
    address_line2 = fields.String()
    city = fields.String()
    country = fields.String()
    is_default = Bool()
    state_code = fields.String()
    zip = fields.String()


class New(Schema):
    """The body of POST /phone/emergency_addresses."""

    address_line1 = fields.String(required=True)
    address_line2 = fields.String()
    city = fields.String(required=True)
    country = fields.String(required=True)
    is_default = Bool()
    site_id = fields.String()
    state_code = fields.String(required=True)
    user_id = fields.String()
    zip = fields.String(required=True)


@operation(blueprint, "GET", "/phone/emergency_addresses", "MEDIUM", query=ListQuery())
def list_addresses(call: Call) -> Answer:
    """The account's emergency addresses."""
    query, page = call.query, page_of(call, "/phone/emergency_addresses")
    where, bound = ["1"], list[object]()
    if "site_id" in query:
        where.append("site_id = ?")
        bound.append(check_site(call, query["site_id"]))
    if "user_id" in query:
        where.append("user_id = ?")
        bound.append(query["user_id"])
    if "level" in query:
        where.append("(CASE WHEN user_id IS NOT NULL THEN 2 WHEN site_id IS NOT NULL THEN 1 ELSE 0 END) = ?")  # fmt: skip
        bound.append(query["level"])
    if query.get("status", VERIFIED) != VERIFIED:
        where.append("0")
    if "address_keyword" in query:
        where.append("instr(fold(address), ?)")
        bound.append(fold(query["address_keyword"]))
    condition = " AND ".join(where)
    total = call.state.value(f"SELECT count(*) FROM addresses WHERE {condition}", *bound)  # noqa: S608
    rows = call.state.rows(
        f"SELECT * FROM addresses WHERE {condition} AND seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        *bound,
        page.after,
        page.size + 1,
    )
    shown, token = cut(call, page, rows)
    return {
        "next_page_token": token,
        "page_size": page.size,
        "total_records": total,
        "emergency_addresses": [_described(call, row) for row in shown],
    }, 200


def _described(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    level = PERSON if row["user_id"] else SITE if row["site_id"] else ACCOUNT
    entry: dict[str, Any] = {
        "id": row["id"],
        "is_default": bool(row["is_default"]),
        "level": level,
        "status": VERIFIED,
        **json.loads(row["address"]),
    }
    if row["site_id"]:
        name = call.state.value("SELECT name FROM sites WHERE id = ?", row["site_id"])
        entry["site"] = {"id": row["site_id"], "name": name}
    return entry


@operation(
    blueprint, "POST", "/phone/emergency_addresses", "LIGHT", body=New(), touches=lambda *_: ()
)
def add_address(call: Call) -> Answer:
    """Add an address of the account, a site or a person."""
    body, user = call.body, None
    if "user_id" in body:
        user = call.state.user(body["user_id"])
        if user is None:
            raise no_user(body["user_id"])
    site = check_site(call, body["site_id"]) if "site_id" in body else None
    id_ = call.state.fresh_id("address")
    call.state.run(
        "INSERT INTO addresses (id, site_id, user_id, is_default, address) VALUES (?, ?, ?, ?, ?)",
        *(id_, site, None if user is None else user["id"], body.get("is_default", False)),
        json.dumps({name: body[name] for name in LINES if name in body}),
    )
    return _described(call, _found(call, id_)), 201


@operation(
    blueprint,
    "GET",
    "/phone/emergency_addresses/<emergency_address_id>",
    "LIGHT",
    query=Nothing(),
)
def read_address(call: Call, emergency_address_id: str) -> Answer:
    """One address."""
    row = call.state.row("SELECT * FROM addresses WHERE id = ?", emergency_address_id)
    if row is None:
        raise ZoomError(400, 400, f"Emergency address does not exist {emergency_address_id}.")
    return _described(call, row), 200


@operation(
    blueprint,
    "PATCH",
    "/phone/emergency_addresses/<emergency_address_id>",
    "LIGHT",
    body=Update(),
    touches=lambda *_: (),
)
def update_address(call: Call, emergency_address_id: str) -> Answer:
    """Change an address; the answer shows it."""
    row, body = _found(call, emergency_address_id), call.body
    changed = {name: body[name] for name in LINES if name in body}
    call.state.run(
        "UPDATE addresses SET address = ?, is_default = ? WHERE id = ?",
        json.dumps(json.loads(row["address"]) | changed),
        body.get("is_default", bool(row["is_default"])),
        row["id"],
    )
    return _described(call, _found(call, emergency_address_id)), 200


@operation(
    blueprint,
    "DELETE",
    "/phone/emergency_addresses/<emergency_address_id>",
    "HEAVY",
    touches=lambda *_: (),
)
def delete_address(call: Call, emergency_address_id: str) -> Answer:
    """Delete an address that nobody has."""
    row = _found(call, emergency_address_id)
    if call.state.row("SELECT 1 FROM phones WHERE emergency_address_id = ?", row["id"]):
        raise refused("The emergency address is in use.")
    call.state.run("DELETE FROM addresses WHERE id = ?", row["id"])
    return None, 204


def _found(call: Call, address: str) -> sqlite3.Row:
    row = call.state.row("SELECT * FROM addresses WHERE id = ?", address)
    if row is None:
        raise invalid("emergency_address_id")
    return row
