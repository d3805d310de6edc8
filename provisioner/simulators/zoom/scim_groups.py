"""User groups through SCIM, and who is in them.

Source: Zoom's SCIM2 OpenAPI, /scim2/Groups.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from flask import Blueprint, request
from marshmallow import fields

from .account import Call
from .fields import Nothing
from .groups import new_group, remove_group
from .names import fold
from .scim import LARGEST_BODY, ListQuery, Loose, listed, meta, refuse
from .service import Answer, operation

blueprint = Blueprint("zoom_scim_groups", __name__)

CORE = "urn:ietf:params:scim:schemas:core:2.0:Group"
ZOOM_GROUP = "urn:ietf:params:scim:schemas:extension:zoom:2.0:Group"
_ONE = re.compile(r'members\[value eq "?([^"\]]+)"?\]$')


class Group(Loose):
    """The body of POST; a group's mail address isn't simulated."""

    displayName = fields.String()


class Patch(Loose):
    """The body of PATCH."""

    Operations = fields.List(fields.Dict(), required=True)


def _shown(_: Call, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "meta": meta("Group", row["id"]),
        "schemas": [CORE],
        "displayName": row["name"],
    }


def _found(call: Call, group_id: str) -> sqlite3.Row:
    row = call.state.row("SELECT * FROM groups WHERE id = ?", group_id)
    if row is None:
        raise refuse(404, "Group does not exist.")
    return row


@operation(blueprint, "GET", "/scim2/Groups", "MEDIUM", query=ListQuery())
def list_groups(call: Call) -> Answer:
    """Every group, one a page unless more are asked for."""
    unknown = "The current filter does not support the filter name: {filter}"
    return listed(call, "groups", {"displayname": "name_key = fold(?)"}, unknown, _shown), 200


@operation(blueprint, "GET", "/scim2/Groups/<group_id>", "LIGHT", query=Nothing())
def read_group(call: Call, group_id: str) -> Answer:
    """One group; SCIM doesn't tell its members."""
    return _shown(call, _found(call, group_id)), 200


@operation(blueprint, "POST", "/scim2/Groups", "MEDIUM", body=Group(), touches=lambda *_: ())
def create_group(call: Call) -> Answer:
    """Make a group without members."""
    name = call.body.get("displayName", "")
    _check_name(call, name)
    return _shown(call, _found(call, new_group(call, name))), 201


@operation(blueprint, "DELETE", "/scim2/Groups/<group_id>", "MEDIUM", touches=lambda *_: ())
def delete_group(call: Call, group_id: str) -> Answer:
    """Delete a group; its members stay users."""
    _found(call, group_id)
    remove_group(call, group_id)
    return None, 204


@operation(
    blueprint, "PATCH", "/scim2/Groups/<group_id>", "MEDIUM", body=Patch(), touches=lambda *_: ()
)
def update_group(call: Call, group_id: str) -> Answer:
    """Rename a group, or add, take out and replace members; all of it or nothing."""
    _found(call, group_id)
    if len(request.get_data()) > LARGEST_BODY:
        raise refuse(
            400,
            "The request body size exceeds the 100,000 character limit. Please reduce the payload"
            " size or contact Zoom Support to request a limit increase.",
        )
    for each in call.body["Operations"]:
        _carry_out(call, group_id, each)
    return None, 204


def _carry_out(call: Call, group_id: str, given: dict[str, Any]) -> None:
    op, path, value = str(given.get("op", "")).lower(), given.get("path"), given.get("value")
    one = _ONE.match(path) if isinstance(path, str) else None
    if op == "replace" and path is None and isinstance(value, dict):
        name = value.get("displayName")
        if name is not None:
            _check_name(call, name, group_id)
            sets = "UPDATE groups SET name = ?, name_key = ? WHERE id = ?"
            call.state.run(sets, name, fold(name), group_id)
    elif op in ("add", "replace") and path == "members":
        if op == "replace":
            call.state.run("DELETE FROM group_members WHERE group_id = ?", group_id)
        for user in _users(value):
            if call.state.row("SELECT 1 FROM users WHERE id = ?", user) is not None:
                add = "INSERT OR IGNORE INTO group_members (group_id, user_id) VALUES (?, ?)"
                call.state.run(add, group_id, user)
    elif op == "remove" and (one is not None or path == "members"):
        gone = "DELETE FROM group_members WHERE group_id = ?1 AND (?2 IS NULL OR user_id = ?2)"
        call.state.run(gone, group_id, one[1] if one else None)
    else:
        raise _not_valid()


def _users(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _not_valid()
    users = [each.get("value") for each in value]
    if not all(isinstance(user, str) for user in users):
        raise _not_valid()
    return users


def _not_valid() -> Exception:
    return refuse(400, 'The "Operations" of the request is invalid.')


def _check_name(call: Call, name: object, own: str | None = None) -> None:
    if not isinstance(name, str) or not name or len(name) > 128:
        raise refuse(400, 'The "DisplayName" of the request is invalid.')
    other = call.state.value("SELECT id FROM groups WHERE name_key = ?", fold(name))
    if other not in (None, own):
        # a change's conflict isn't declared
        raise refuse(409 if own is None else 400, f"Group {name} exists.")
