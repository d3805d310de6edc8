"""Call delegation: who answers for whom, and what a delegator lets all delegates do.

Delegates are named by extension id, one in a call, at most 15 for a delegator; a delegate serves at
most 32 delegators. Both sides need a phone; a common area may be a delegate, a Zoom Room not.
Source: Zoom Phone's OpenAPI, /phone/users/{userId}/settings; university knowledge bases for the 32.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call
from .errors import refused
from .fields import Bool, Nothing, number_of
from .names import PRIVILEGES, display_name
from .phones import phone_user
from .service import Answer, operation

blueprint = Blueprint("zoom_delegation", __name__)

MAX_DELEGATES = 15
MAX_DELEGATORS = 32


class Add(Schema):
    """The body of POST …/settings/{settingType}, for `delegation`."""

    delegation_assistant_extension_id = fields.String()


class Delegation(Schema):
    """`delegation` of PATCH …/settings/{settingType}."""

    privacy = Bool()
    privileges = fields.List(number_of(*PRIVILEGES), validate=Length(max=10))
    locked = Bool()


class Change(Schema):
    """The body of PATCH …/settings/{settingType}, for `delegation`."""

    delegation = fields.Nested(Delegation)


class RemoveQuery(Schema):
    """The query of DELETE …/settings/{settingType}."""

    assistant_extension_id = fields.String()
    shared_id = fields.String()
    device_id = fields.String()
    intercom_extension_id = fields.String()


@operation(blueprint, "GET", "/phone/users/<user_id>/settings", "LIGHT", query=Nothing())
def read_settings(call: Call, user_id: str) -> Answer:
    """What is simulated of a user's settings: delegation, desk phones, extension number."""
    phone = phone_user(call, user_id)
    devices = call.state.rows("SELECT * FROM devices WHERE holder = ? ORDER BY id", phone["id"])
    return {
        "status": "Active" if phone["status"] == "activate" else "Inactive",
        "extension_number": phone["extension_number"],
        "delegation": _delegation(call, phone) | {"locked": bool(phone["locked"])},
        "desk_phone": {
            "devices": [
                {
                    "id": d["id"],
                    "device_type": f"{d['brand']} {d['model']}",
                    "mac_address": d["mac"],
                    "status": "offline",
                }
                for d in devices
            ]
        },
    }, 200


def _delegation(call: Call, phone: sqlite3.Row) -> dict[str, Any]:
    rows = call.state.rows(
        "SELECT p.*, u.email, u.first_name, u.last_name, u.display_name FROM delegates d"
        " JOIN phones p ON p.id = d.delegate LEFT JOIN users u ON u.id = p.id"
        " WHERE d.delegator = ? AND d.accepted AND p.status <> 'trashed' ORDER BY d.seq",
        phone["id"],
    )
    return {
        "assistants": [_assistant(row) for row in rows],
        "privacy": bool(phone["privacy"]),
        "privileges": json.loads(phone["privileges"]),
    }


def _assistant(row: sqlite3.Row) -> dict[str, Any]:
    person = row["kind"] == "person"
    return {
        "id": row["id"],
        "extension_id": row["extension_id"],
        "extension_number": row["extension_number"],
        "extension_type": "user" if person else "commonArea",
        "display_name": display_name(row) if person else row["name"],
    }


@operation(blueprint, "POST", "/phone/users/<user_id>/settings/<setting_type>", "LIGHT", body=Add())
def add_delegate(call: Call, user_id: str, setting_type: str) -> Answer:
    """Add one delegate; 201 with all of them."""
    phone = phone_user(call, user_id)
    _check_type(setting_type, "Invalid user sub-setting type.")
    wish = call.body.get("delegation_assistant_extension_id")
    if not wish:
        raise refused("Delegation assistant is required.")
    delegate = _by_extension(call, wish)
    if delegate is None:
        raise refused(f"User delegation assistant does not exist: {wish}.")
    if delegate["kind"] == "room":
        raise refused("Delegation assistant is not a user or a common area.")
    _check_delegation(call, phone, delegate)
    call.state.run(
        "INSERT INTO delegates (delegator, delegate, accepted) VALUES (?, ?, ?)",
        phone["id"],
        delegate["id"],
        not (call.options.delegates_accept and delegate["kind"] == "person"),
    )
    return {"delegation": _delegation(call, phone)}, 201


def _check_delegation(call: Call, phone: sqlite3.Row, delegate: sqlite3.Row) -> None:
    state = call.state
    if json.loads(phone["policy"]).get("delegation") is False:
        raise refused("Call delegation is disabled for this user.")
    if delegate["id"] == phone["id"]:
        raise refused("A user cannot be their own delegation assistant.")
    if state.row(
        "SELECT 1 FROM delegates WHERE delegator = ? AND delegate = ?", phone["id"], delegate["id"]
    ):
        raise refused("The delegation assistant has already been added.")
    if (
        state.value("SELECT count(*) FROM delegates WHERE delegator = ?", phone["id"])
        >= MAX_DELEGATES
    ):
        raise refused(f"The number of delegation assistants must not exceed {MAX_DELEGATES}.")
    if (
        state.value("SELECT count(*) FROM delegates WHERE delegate = ?", delegate["id"])
        >= MAX_DELEGATORS
    ):
        raise refused(f"A delegation assistant can serve up to {MAX_DELEGATORS} users.")


@operation(
    blueprint, "PATCH", "/phone/users/<user_id>/settings/<setting_type>", "LIGHT", body=Change()
)
def change_delegation(call: Call, user_id: str, setting_type: str) -> Answer:
    """Set what the delegator lets every delegate do."""
    phone = phone_user(call, user_id)
    _check_type(setting_type, f"Invalid user setting Type: {setting_type}.")
    given = call.body.get("delegation", {})
    call.state.run(
        "UPDATE phones SET privacy = ?, locked = ?, privileges = ? WHERE id = ?",
        given.get("privacy", phone["privacy"]),
        given.get("locked", phone["locked"]),
        json.dumps(sorted(set(given.get("privileges", json.loads(phone["privileges"]))))),
        phone["id"],
    )
    return None, 204


@operation(
    blueprint,
    "DELETE",
    "/phone/users/<user_id>/settings/<setting_type>",
    "LIGHT",
    query=RemoveQuery(),
)
def remove_delegate(call: Call, user_id: str, setting_type: str) -> Answer:
    """End one delegation, named by the delegate's extension id."""
    phone = phone_user(call, user_id)
    _check_type(setting_type, "Invalid user sub-setting type.")
    wish = call.query.get("assistant_extension_id")
    if not wish:
        raise refused("Delegation assistant is required.")
    delegate = _by_extension(call, wish)
    removed = delegate is not None and call.state.run(
        "DELETE FROM delegates WHERE delegator = ? AND delegate = ?", phone["id"], delegate["id"]
    )
    if not removed:
        raise refused("Delegation assistants do not exist.")
    return None, 204


def _check_type(setting_type: str, message: str) -> None:
    """Raise unless the setting is the delegation, the only one that is simulated."""
    if setting_type != "delegation":
        raise refused(message)


def _by_extension(call: Call, extension_id: str) -> sqlite3.Row | None:
    return call.state.row(
        "SELECT * FROM phones WHERE extension_id = ? AND status <> 'trashed'", extension_id
    )
