"""Account users: invited or created, read by status, changed, switched to phone, taken away.

An invited user is pending until they accept; lists hide a pending user's id. Deactivating strips
every license, and reactivating gives back the login alone.
Source: Zoom's Users OpenAPI.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from .account import Call, stamp
from .deactivated import give_back, keep
from .errors import (
    ZoomError,
    in_use,
    invalid,
    no_basic_seat,
    no_licensed_seat,
    no_user,
    operator,
    refused,
)
from .fields import Int, asked_number, email, flag, number_of, one_of, text
from .names import display_name, fold
from .pages import cut, page_of, visible
from .phones import switch_phone, take_phone
from .service import Answer, operation
from .user_profile import Feature, Update, profile_members

blueprint = Blueprint("zoom_users", __name__)

BASIC, LICENSED = 1, 2
KEPT = ("division_ids", "plan_united_type", "license_info_list")
ROLES = {"0": "Owner", "1": "Admin", "2": "Member"}


class ListQuery(Schema):
    """The query of GET /users."""

    status = one_of("active", "inactive", "pending")
    page_size = fields.Integer(load_default=30, validate=Range(min=1, max=2000))
    next_page_token = fields.String()
    page_number = asked_number(1)
    role_id = fields.String()
    include_fields = one_of("custom_attributes", "host_key")
    license = one_of("zoom_workforce_management", "zoom_compliance_management")


class ReadQuery(Schema):
    """The query of GET and PATCH /users/{userId}."""

    login_type = fields.Integer()
    encrypted_email = flag()
    search_by_unique_id = flag()
    remove_tsp_credentials = flag()


class DeleteQuery(Schema):
    """The query of DELETE /users/{userId}."""

    action = one_of("disassociate", "delete")
    encrypted_email = flag()
    transfer_email = fields.String()
    transfer_meeting = flag()
    transfer_webinar = flag()
    transfer_recording = flag()
    transfer_whiteboard = flag()
    transfer_clipfiles = flag()
    transfer_notes = flag()
    transfer_visitors = flag()
    transfer_docs = flag()


class NewFeature(Feature):
    """What a new user may have besides: the phone, a Workplace bundle."""

    zoom_one_type = Int()


class UserInfo(Schema):
    """`user_info` of POST /users."""

    email = email(required=True)
    first_name = text(64)
    last_name = text(64)
    display_name = text(128)
    password = text(32, minimum=8)
    type = number_of(1, 2, 4, 99, required=True)
    division_ids = fields.List(fields.String())
    feature = fields.Nested(NewFeature)
    plan_united_type = fields.String()
    license_info_list = fields.List(fields.Dict(), validate=Length(max=2))


class Create(Schema):
    """The body of POST /users."""

    action = one_of("create", "autoCreate", "custCreate", "ssoCreate", required=True)
    user_info = fields.Nested(UserInfo)


class Status(Schema):
    """The body of PUT /users/{userId}/status."""

    action = one_of("activate", "deactivate", "clock_in", "clock_out", required=True)


class NewEmail(Schema):
    """The body of PUT /users/{userId}/email."""

    email = email(required=True)


@operation(blueprint, "GET", "/users", "MEDIUM", query=ListQuery())
def list_users(call: Call) -> Answer:
    """One status at a time; active ones unless asked otherwise."""
    query = call.query
    page = page_of(call, "/users")
    seen, values = visible(call, page, "users")
    where, bound = f"{seen} AND status = ?", [*values, query.get("status", "active")]
    if "role_id" in query:
        where, bound = f"{where} AND role_id = ?", [*bound, query["role_id"]]
    if "license" in query:  # nobody here has one of those
        where += " AND 0"
    total = call.state.value(f"SELECT count(*) FROM users WHERE {where}", *bound)  # noqa: S608
    number = 1 if "next_page_token" in query else query.get("page_number", 1)
    rows = call.state.rows(
        f"SELECT * FROM users WHERE seq > ? AND {where} ORDER BY seq LIMIT ? OFFSET ?",  # noqa: S608
        page.after,
        *bound,
        page.size + 1,
        (number - 1) * page.size,
    )
    shown, token = cut(call, page, rows)
    custom = query.get("include_fields") == "custom_attributes"
    return {
        "page_count": -(-total // page.size),
        "page_number": number,
        "page_size": page.size,
        "total_records": total,
        "next_page_token": token,
        "users": [_entry(call, row, custom=custom) for row in shown],
    }, 200


def _entry(call: Call, row: sqlite3.Row, *, custom: bool) -> dict[str, Any]:
    profile = json.loads(row["profile"])
    kept = ("custom_attributes",) if custom else ()
    entry = _core(call, row) | {k: v for k, v in profile.items() if k in (*kept, "timezone", "pmi")}
    if row["status"] == "pending":
        del entry["id"]
    return entry


def _core(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Return what both the list and a single user show."""
    pending = row["status"] == "pending"
    entry = {
        "id": row["id"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "display_name": display_name(row),
        "email": row["email"],
        "type": row["type"],
        "status": row["status"],
        "role_id": row["role_id"],
        "dept": row["dept"],
        "employee_unique_id": row["unique_id"],
        "verified": 0 if pending else 1,
        # for pending users Zoom gives the time of the request here
        "created_at": stamp(call.account.clock()) if pending else row["created_at"],
        "user_created_at": row["created_at"],
    }
    return {k: v for k, v in entry.items() if v is not None}


def found(call: Call, user: str) -> sqlite3.Row:
    """Return the account user by id or mail address, or raise 404 code 1001."""
    row = call.state.user(user)
    if row is None and call.query.get("search_by_unique_id"):
        row = call.state.row("SELECT * FROM users WHERE unique_id = ?", user)
    if row is None:
        raise no_user(user)
    return row


@operation(blueprint, "GET", "/users/<user_id>", "LIGHT", query=ReadQuery())
def read_user(call: Call, user_id: str) -> Answer:
    """One user, with everything that was ever set on the profile."""
    row = found(call, user_id)
    more = {
        "account_id": call.options.account_id,
        "role_name": ROLES.get(row["role_id"], "Member"),
        "cost_center": row["cost_center"],
        "zoom_one_type": row["zoom_one_type"],
    }
    known = {k: v for k, v in more.items() if v is not None}
    return _core(call, row) | known | json.loads(row["profile"]), 200


@operation(
    blueprint,
    "POST",
    "/users",
    "LIGHT",
    body=Create(),
    touches=lambda body, _: [body.get("user_info", {}).get("email", "")],
)
def create_user(call: Call) -> Answer:
    """`create` invites (pending until accepted); the other actions make an active user at once."""
    action, info = call.body["action"], call.body.get("user_info")
    if info is None:
        raise invalid("user_info")
    _check_action(call, action, info)
    if call.state.user(info["email"]) is not None:
        raise in_use(info["email"])
    check_type(call, info["type"])
    feature = info.get("feature", {})
    id_ = new_user(call, info["email"], info["type"], "pending" if action == "create" else "active")
    call.state.run(
        "UPDATE users SET first_name = ?, last_name = ?, display_name = ?, zoom_one_type = ?,"
        " profile = ? WHERE id = ?",
        info.get("first_name", ""),
        info.get("last_name", ""),
        info.get("display_name"),
        feature.get("zoom_one_type") or None,
        json.dumps({name: info[name] for name in KEPT if name in info}),
        id_,
    )
    if feature.get("zoom_phone"):
        switch_phone(call, found(call, id_), on=True)
    shown = {k: info[k] for k in ("email", "first_name", "last_name", "type") if k in info}
    return {"id": id_, **shown}, 201


def new_user(call: Call, email: str, type_: int, status: str) -> str:
    """Make a member of the account who has nothing but a mail address that is free; return the id."""
    id_ = call.state.fresh_id("user")
    call.state.run(
        "INSERT INTO users (id, email, email_key, first_name, last_name, type, status, role_id,"
        " created_at, visible_at, visible_walk) VALUES (?, ?, ?, '', '', ?, ?, '2', ?, ?, ?)",
        id_,
        email,
        fold(email),
        type_,
        status,
        stamp(call.account.clock()),
        *call.account.visible_from(),
    )
    return id_


def _check_action(call: Call, action: str, info: dict[str, Any]) -> None:
    if action == "create":
        call.account.limiter.invitation(call.account.clock())
    if action == "ssoCreate" and call.options.sso == "none":
        raise ZoomError(
            400,
            2002,
            "SSO has not been enabled for this account. Contact the Zoom support team to enable this option.",
        )
    if action == "ssoCreate" and call.options.sso == "login":
        raise ZoomError(
            400,
            2032,
            "The ssoCreate option is only available for SSO Partners that have enabled the "
            "pre-provision option. Contact the Zoom Support team to learn more.",
        )
    if action == "autoCreate" and "password" not in info:
        raise refused("Invalid parameter: password")


def check_type(call: Call, type_: int) -> None:
    """Raise unless a user may become of this type: 99 never, Licensed and Basic while seats last."""
    if type_ == 99:
        raise refused("Your account can't set user type as On-prem.")
    limit = {BASIC: call.options.basic_seats, LICENSED: call.options.licensed_seats}.get(type_)
    if limit is None:
        return
    used = call.state.value(
        "SELECT count(*) FROM users WHERE type = ? AND status <> 'inactive'", type_
    )
    if used >= limit:
        raise no_basic_seat() if type_ == BASIC else no_licensed_seat(limit)


@operation(blueprint, "PATCH", "/users/<user_id>", "LIGHT", query=ReadQuery(), body=Update())
def update_user(call: Call, user_id: str) -> Answer:
    """Change the profile; `feature.zoom_phone` gives or takes the phone."""
    row, body = found(call, user_id), dict(call.body)
    if len({"type", "plan_united_type", "zoom_one_type"} & body.keys()) > 1:
        raise refused(
            'You can\'t change the "type" or "plan_united_type" or "zoom_one_type" at the same time.'
        )
    if body.get("type", row["type"]) != row["type"]:
        check_type(call, body["type"])
    feature = body.pop("feature", {})
    columns: dict[str, Any] = {
        name: body.pop(name)
        for name in ("first_name", "last_name", "display_name", "dept", "cost_center", "type")
        if name in body
    }
    if "zoom_one_type" in body:
        columns["zoom_one_type"] = body.pop("zoom_one_type") or None
    profile = json.loads(row["profile"]) | profile_members(body)
    columns["profile"] = json.dumps(profile)
    sets = ", ".join(f"{name} = ?" for name in columns)
    call.state.run(f"UPDATE users SET {sets} WHERE id = ?", *columns.values(), row["id"])  # noqa: S608
    if "zoom_phone" in feature:
        switch_phone(call, found(call, row["id"]), feature["zoom_phone"])
    return None, 204


@operation(blueprint, "DELETE", "/users/<user_id>", "LIGHT", query=DeleteQuery())
def delete_user(call: Call, user_id: str) -> Answer:
    """Unlink a user from the account (the default), or delete them for good."""
    row = found(call, user_id)
    action = call.query.get("action", "disassociate")
    transfer = call.query.get("transfer_email")
    if row["role_id"] == "0":
        raise ZoomError(400, 200, "Cannot delete a user out of your account.")
    if transfer and fold(transfer) == row["email_key"]:
        raise refused(
            "The transfer-to email address cannot be the same as the unlinked or deleted user's email address."
        )
    if action == "disassociate" and row["role_id"] == "1":
        raise ZoomError(400, 1117, "You can not disassociate an Admin user.")
    domain = row["email_key"].rpartition("@")[2]
    if (
        action == "disassociate"
        and domain in call.options.managed_domains
        and row["status"] != "pending"
    ):
        raise ZoomError(400, 1107, "You can not disassociate a user with managed domain.")
    if action == "delete" and row["status"] == "pending":
        raise refused("To delete pending user in the account, use disassociate.")
    remove_user(call, row)
    return None, 204


def remove_user(call: Call, row: sqlite3.Row) -> None:
    """Take a user and everything of theirs out of the account; raise if they manage a queue."""
    if row["operator"]:
        raise operator()
    take_phone(call.state, row["id"])
    call.state.run("DELETE FROM group_members WHERE user_id = ?", row["id"])
    call.state.run("DELETE FROM users WHERE id = ?", row["id"])


@operation(blueprint, "PUT", "/users/<user_id>/status", "LIGHT", body=Status())
def set_status(call: Call, user_id: str) -> Answer:
    """Deactivate, which takes every license; or activate, which gives none back unless the options say so.

    200 without a body.
    """
    row, action = found(call, user_id), call.body["action"]
    if action in ("clock_in", "clock_out"):
        return None, 200
    if row["role_id"] in ("0", "1"):
        raise ZoomError(
            400, 200, "Zoom Room and Admin users' status cannot be activated or deactivated."
        )
    if row["status"] == "pending":
        raise refused("The status of a pending user cannot be changed.")
    if action == "deactivate":
        deactivate(call, row)
    elif row["status"] == "inactive":
        activate(call, row)
    return None, 200


def deactivate(call: Call, row: sqlite3.Row) -> None:
    """Take the login and every license; raise if they manage a queue."""
    if row["operator"]:
        raise operator()
    keep(call, row)
    take_phone(call.state, row["id"])
    call.state.run(
        "UPDATE users SET status = 'inactive', type = ?, zoom_one_type = NULL WHERE id = ?",
        BASIC,
        row["id"],
    )


def activate(call: Call, row: sqlite3.Row) -> None:
    """Give the login back, and what else the options say."""
    check_type(call, row["type"])
    call.state.run("UPDATE users SET status = 'active' WHERE id = ?", row["id"])
    give_back(call, found(call, row["id"]))


@operation(
    blueprint,
    "PUT",
    "/users/<user_id>/email",
    "LIGHT",
    body=NewEmail(),
    touches=lambda body, path: [path["user_id"], body["email"]],
)
def set_email(call: Call, user_id: str) -> Answer:
    """Change the mail address at once (as within a managed domain)."""
    row, new = found(call, user_id), call.body["email"]
    if row["role_id"] in ("0", "1"):
        raise ZoomError(400, 1000, "Admin can not change other admins email.")
    other = call.state.user(new)
    if other is not None and other["id"] != row["id"]:  # no 409 is declared for this operation
        raise ZoomError(400, 1005, in_use(new).message)
    call.state.run(
        "UPDATE users SET email = ?, email_key = ? WHERE id = ?", new, fold(new), row["id"]
    )
    return None, 204
