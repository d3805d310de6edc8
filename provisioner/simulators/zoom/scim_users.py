"""Account users through SCIM, as identity providers send them; the phone goes with them where it is told.

A new user is active at once. The extension of Zoom's own takes an extension number, a site, a calling
plan and a number: whoever gets one of them gets a phone first. An update changes what it names.
Source: Zoom's SCIM2 OpenAPI, /scim2/Users.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import INCLUDE, Schema, fields
from marshmallow.validate import Length

from .account import Call
from .errors import ZoomError, in_use
from .fields import Bool, Nothing, email, one_of, text
from .names import display_name, fold, plan_named
from .phones import give_numbers, give_phone, give_plan, site_extension, take_plan
from .scim import ENTERPRISE, ZOOM_USER, ListQuery, Loose, check_account, listed, meta, refuse
from .service import Answer, operation
from .users import ROLES, activate, check_type, deactivate, new_user, remove_user

blueprint = Blueprint("zoom_scim_users", __name__)

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
LOGIN = "urn:us:zoom:scim:schemas:extension:1.0:ZoomUser"
TYPES = {"Basic": 1, "Licensed": 2, "On-Prem": 3, "Collaboration": 4}
PHONE = ("zoomPhoneExtNumber", "zoomPhoneSite", "zoomPhoneCallingPlan", "zoomPhoneNumber")
NO_PLANS = "-1"


class Name(Loose):
    """`name` of a user."""

    givenName = text(64)
    familyName = text(64)


class Email(Loose):
    """One of `emails`; the first is the one."""

    value = email()


class Reference(Loose):
    """A group that a user is in."""

    value = fields.String(required=True)


class Enterprise(Loose):
    """The enterprise extension."""

    department = fields.String()
    organization = fields.String()
    costCenter = fields.String()
    manager = fields.String()


class Telephone(Loose):
    """A telephone number on the profile, unrelated to Zoom Phone."""

    type = one_of("mobile", "office", "home", "fax", "work")
    value = fields.String()


class Own(Schema):
    """Zoom's own extension; custom attributes are any names, so nothing is unknown."""

    class Meta:
        """Bundles and custom attributes aren't simulated."""

        unknown = INCLUDE

    zoomPhoneExtNumber = fields.String()
    zoomPhoneNumber = fields.String()
    zoomPhoneSite = fields.String()
    zoomPhoneCallingPlan = fields.String()
    pronouns = fields.String()


_GIVEN: dict[str, Any] = {
    "userType": one_of(*TYPES),
    "name": fields.Nested(Name),
    "displayName": text(128),
    "title": text(128),
    "locale": fields.String(),
    "phoneNumbers": fields.List(fields.Nested(Telephone)),
    "groups": fields.List(fields.Nested(Reference)),
    # names with dots would be taken for paths
    "enterprise": fields.Nested(Enterprise, data_key=ENTERPRISE),
    "own": fields.Nested(Own, data_key=ZOOM_USER),
}
New = Loose.from_dict({**_GIVEN, "userName": fields.String()}, name="New")
Update = Loose.from_dict(
    {**_GIVEN, "active": Bool(), "emails": fields.List(fields.Nested(Email))}, name="Update"
)


class Switch(Loose):
    """The value of a PATCH's operation."""

    active = Bool(required=True)


class Operation(Loose):
    """An operation of a PATCH: only activating and deactivating."""

    op = one_of("replace", "Replace", required=True)
    value = fields.Nested(Switch, required=True)


class Patch(Loose):
    """The body of PATCH."""

    Operations = fields.List(fields.Nested(Operation), required=True, validate=Length(min=1))


def _found(call: Call, user_id: str) -> sqlite3.Row:
    check_account(call)
    row = call.state.row("SELECT * FROM users WHERE id = ?", user_id)
    if row is None:
        raise refuse(404, "User does not exist.")
    return row


def _listed(_: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Return a user as the list shows them."""
    told: dict[str, Any] = {
        "id": row["id"],
        "meta": meta("User", row["id"], row["created_at"]),
        "schemas": [CORE, ENTERPRISE, LOGIN],
        "name": {"givenName": row["first_name"], "familyName": row["last_name"]},
        "emails": [{"type": "work", "value": row["email"], "primary": True}],
        "displayName": display_name(row),
        "userName": row["email"],
        "active": row["status"] == "active",
        "userType": next((name for name, n in TYPES.items() if n == row["type"]), "Basic"),
        LOGIN: {"loginType": {"workEmail": False, "sso": True}},
    }
    if row["dept"]:
        told[ENTERPRISE] = {"department": row["dept"]}
    return told


def _groups(call: Call, user_id: str) -> list[dict[str, str]]:
    rows = call.state.rows(
        "SELECT g.id, g.name FROM group_members m JOIN groups g ON g.id = m.group_id"
        " WHERE m.user_id = ? ORDER BY m.seq",
        user_id,
    )
    return [{"type": "direct", "value": row["id"], "display": row["name"]} for row in rows]


def _shown(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Return a user as an answer to a change shows them."""
    profile = json.loads(row["profile"])
    told = _listed(call, row)
    del told[LOGIN]
    role = ROLES.get(row["role_id"], "Member")
    numbers = [
        {"type": each["label"].lower(), "value": each["number"]}
        for each in profile.get("phone_numbers", ())
        if {"label", "number"} <= each.keys()
    ]
    enterprise = {"department": row["dept"], "organization": profile.get("company")}
    more: dict[str, Any] = {
        "title": profile.get("job_title"),
        "locale": profile.get("location"),
        "phoneNumbers": numbers or None,
        "roles": [{"display": role, "value": role, "primary": True}],
        "groups": _groups(call, row["id"]) or None,
        ENTERPRISE: {k: v for k, v in enterprise.items() if v} or None,
        ZOOM_USER: {"pronouns": profile["pronouns"]} if "pronouns" in profile else None,
    }
    return told | {name: value for name, value in more.items() if value is not None}


@operation(blueprint, "GET", "/scim2/Users", "MEDIUM", query=ListQuery())
def list_users(call: Call) -> Answer:
    """Every user, one a page unless more are asked for."""
    check_account(call)
    filters = {"username": "email_key = fold(?)", "externalid": "id = ?"}
    unknown = "The current filter is not supported, the filter name: {filter}"
    return listed(call, "users", filters, unknown, _listed), 200


@operation(blueprint, "GET", "/scim2/Users/<user_id>", "LIGHT", query=Nothing())
def read_user(call: Call, user_id: str) -> Answer:
    """One user, without title and locale; the file has one role and one group here, no lists."""
    row = _found(call, user_id)
    told = _shown(call, row)
    for name in ("title", "locale"):
        told.pop(name, None)
    for name in ("roles", "groups"):
        if name in told:
            told[name] = told[name][0]
    if row["cost_center"]:
        told.setdefault(ENTERPRISE, {})["costCenter"] = row["cost_center"]
    return told, 200


@operation(
    blueprint,
    "POST",
    "/scim2/Users",
    "LIGHT",
    body=New(),
    touches=lambda body, _: [body.get("userName", "")],
)
def create_user(call: Call) -> Answer:
    """Make a user who is active at once; Basic unless told otherwise."""
    check_account(call)
    mail = call.body.get("userName", "")
    if "@" not in mail[1:-1] or len(mail) > 128:
        raise refuse(400, 'The "userName" of the request is invalid.')
    if call.state.user(mail) is not None:
        raise refuse(400, f'The email "{mail}" is already in use.')
    id_ = new_user(call, mail, TYPES["Basic"], "active")
    _change(call, _found(call, id_))
    return _shown(call, _found(call, id_)), 201


@operation(blueprint, "PUT", "/scim2/Users/<user_id>", "LIGHT", body=Update())
def update_user(call: Call, user_id: str) -> Answer:
    """Change what the body names."""
    row, body = _found(call, user_id), call.body
    if row["status"] == "inactive" and not body.get("active"):
        raise refuse(400, "User is inactive or locked.")
    if "active" in body:
        _switch(call, row, body["active"])
    mails = [each["value"] for each in body.get("emails", ()) if "value" in each]
    if mails and fold(mails[0]) != row["email_key"]:
        if row["role_id"] in ("0", "1"):
            raise refuse(400, "Cannot change the email of Admin user.")
        if call.state.user(mails[0]) is not None:
            raise refuse(409, in_use(mails[0]).message)
        sets = "email = ?, email_key = ?"
        call.state.run(f"UPDATE users SET {sets} WHERE id = ?", mails[0], fold(mails[0]), row["id"])  # noqa: S608
    if body.get("active", True):
        _change(call, _found(call, user_id))
    return _shown(call, _found(call, user_id)), 200


@operation(blueprint, "PATCH", "/scim2/Users/<user_id>", "LIGHT", body=Patch())
def switch_user(call: Call, user_id: str) -> Answer:
    """Activate or deactivate a user; deactivating takes every license."""
    for each in call.body["Operations"]:
        _switch(call, _found(call, user_id), each["value"]["active"])
    return _shown(call, _found(call, user_id)), 200


@operation(blueprint, "DELETE", "/scim2/Users/<user_id>", "LIGHT")
def delete_user(call: Call, user_id: str) -> Answer:
    """Delete a user."""
    row = _found(call, user_id)
    if row["role_id"] in ("0", "1"):
        raise refuse(400, "Cannot delete Admin user.")
    remove_user(call, row)
    return None, 204


def _switch(call: Call, row: sqlite3.Row, active: bool) -> None:
    if active == (row["status"] == "active"):
        return
    if row["role_id"] in ("0", "1"):
        raise refuse(400, "Cannot activate or deactivate Zoom Room and Admin users.")
    if row["status"] == "pending":
        raise refuse(400, "User is inactive or locked.")
    (activate if active else deactivate)(call, row)


def _change(call: Call, row: sqlite3.Row) -> None:
    """Write what the body names on a user."""
    body, own = call.body, call.body.get("enterprise", {})
    columns: dict[str, Any] = {
        "first_name": body.get("name", {}).get("givenName"),
        "last_name": body.get("name", {}).get("familyName"),
        "display_name": body.get("displayName"),
        "dept": own.get("department"),
        "cost_center": own.get("costCenter"),
        "type": TYPES.get(body.get("userType", "")),
    }
    if columns["type"] not in (None, row["type"]):
        try:
            check_type(call, columns["type"])
        except ZoomError:
            raise refuse(409, "Cannot add paid users.") from None
    profile: dict[str, Any] = {
        "job_title": body.get("title"),
        "location": body.get("locale"),
        "company": own.get("organization"),
        "manager": own.get("manager"),
        "pronouns": body.get("own", {}).get("pronouns"),
    }
    if "phoneNumbers" in body:
        profile["phone_numbers"] = [
            # Zoom's profile has no number for work: the office's is
            {"label": each.get("type", "work").replace("work", "office").title(), "number": each["value"]}
            for each in body["phoneNumbers"]
            if "value" in each
        ]  # fmt: skip
    merged = json.loads(row["profile"]) | {k: v for k, v in profile.items() if v is not None}
    columns["profile"] = json.dumps(merged)
    given = {name: value for name, value in columns.items() if value is not None}
    sets = ", ".join(f"{name} = ?" for name in given)
    call.state.run(f"UPDATE users SET {sets} WHERE id = ?", *given.values(), row["id"])  # noqa: S608
    for group in body.get("groups", ()):
        if call.state.row("SELECT 1 FROM groups WHERE id = ?", group["value"]) is None:
            raise refuse(400, "Group does not exist.")
        add = "INSERT OR IGNORE INTO group_members (group_id, user_id) VALUES (?, ?)"
        call.state.run(add, group["value"], row["id"])
    try:
        _give_phone(call, row, body.get("own", {}))
    except ZoomError as error:
        # no seat is 404 elsewhere, which here would be said of the user
        raise refuse(409 if error.status == 404 else error.status, error.message) from None


def _give_phone(call: Call, user: sqlite3.Row, own: dict[str, Any]) -> None:
    """Give a user the phone, the plan and the number that Zoom's extension names."""
    given = {name: own[name] for name in PHONE if own.get(name)}
    if not given:
        return
    site = None
    if name := given.get("zoomPhoneSite"):
        found = call.state.site_named(name)
        if found is None:
            raise refuse(400, "Site does not exist.")
        site = str(found["id"])
    phone = call.state.phone(user["id"])
    number = given.get("zoomPhoneExtNumber", "0")
    at = site or (phone["site_id"] if phone else call.state.default_site())
    extension = None if number == "0" else site_extension(call, number, user["id"], at, PHONE[0])
    if phone is None or phone["status"] == "trashed":
        give_phone(call, user, site_id=site, extension=extension)
    else:
        call.state.run(
            "UPDATE phones SET site_id = ?, extension_number = coalesce(?, extension_number)"
            " WHERE id = ?",
            at,
            extension,
            user["id"],
        )
    if plan := given.get("zoomPhoneCallingPlan"):
        _give_plan(call, user["id"], plan)
    if wanted := given.get("zoomPhoneNumber"):
        held = "SELECT 1 FROM numbers WHERE number = ? AND holder = ?"
        if call.state.row(held, wanted, user["id"]) is None:
            give_numbers(call, user["id"], [(wanted, PHONE[3])])


def _give_plan(call: Call, holder: str, plan: str) -> None:
    """Give a calling plan by its type or name where it isn't held, or take every one."""
    held = [
        r["type"] for r in call.state.rows("SELECT type FROM held_plans WHERE holder = ?", holder)
    ]
    if plan == NO_PLANS:
        for type_ in held:
            take_plan(call.state, holder, type_)
        return
    type_ = (
        int(plan) if plan.isascii() and plan.isdigit() and len(plan) < 19 else plan_named(plan).type
    )
    if type_ not in held:
        give_plan(call, holder, type_, PHONE[2])
