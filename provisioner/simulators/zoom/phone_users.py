"""Phone users: read in pages or one by one, moved between sites, given extensions and templates.

There is no single create or delete here: the account's user switches the phone on and off. Which
template a user was given can't be read back.
Source: Zoom Phone's OpenAPI, /phone/users.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields

from .account import Call
from .errors import ZoomError, bad_template, no_user
from .fields import LARGEST, Bool, Nothing, asked_number, one_of, pages
from .names import display_name, fold
from .pages import Page, cut, page_of, visible
from .phones import Holdings, check_site, phone_user, site_extension
from .service import Answer, operation

blueprint = Blueprint("zoom_phone_users", __name__)

SHORTEST_KEYWORD = 3
"""The error tells "{0} valid characters"; how many that are, Zoom doesn't say."""

ListQuery = Schema.from_dict(
    {
        **pages(100),
        "site_id": fields.String(),
        "calling_type": asked_number(maximum=LARGEST),
        "status": one_of("activate", "deactivate", "pending"),
        "department": fields.String(),
        "cost_center": fields.String(),
        "keyword": fields.String(),
    },
    name="ListQuery",
)

POLICIES = [
    "ad_hoc_call_recording",
    "auto_call_recording",
    "call_overflow",
    "call_park",
    "call_transferring",
    "emergency_address_management",
    "call_handling_forwarding_to_other_users",
    "hand_off_to_room",
    "mobile_switch_to_carrier",
    "select_outbound_caller_id",
    "sms",
    "voicemail",
    "zoom_phone_on_mobile",
    "personal_audio_library",
    "voicemail_transcription",
    "voicemail_notification_by_email",
    "shared_voicemail_notification_by_email",
    "check_voicemails_over_phone",
    "audio_intercom",
    "e2e_encryption",
    "zoom_phone_on_desktop",
    "online_fax",
    "show_custom_disclaimer_when_using_zoom_phone",
]
SWITCHES = [
    "delegation",
    "elevate_to_meeting",
    "emergency_calls_to_psap",
    "forwarding_to_external_numbers",
    "international_calling",
]

Policy = Schema.from_dict(
    {
        **{name: fields.Dict() for name in POLICIES},
        **{name: Bool() for name in SWITCHES},
        "voicemail_access_members": fields.List(fields.Dict()),
    },
    name="Policy",
)


class Update(Schema):
    """The body of PATCH /phone/users/{userId}."""

    emergency_address_id = fields.String()
    extension_number = fields.String()
    policy = fields.Nested(Policy)
    site_id = fields.String()
    template_id = fields.String()


JOINED = (
    "SELECT p.*, u.email, u.email_key, u.first_name, u.last_name, u.display_name, u.dept,"
    " u.cost_center, u.status AS user_status FROM phones p JOIN users u ON u.id = p.id"
)


@operation(blueprint, "GET", "/phone/users", "MEDIUM", query=ListQuery())
def list_phone_users(call: Call) -> Answer:
    """Everybody with a phone; status `pending` lists who has a Workplace license but no phone yet."""
    page = page_of(call, "/phone/users")
    if call.query.get("status") == "pending":
        return _pending(call, page)
    seen, values = visible(call, page, "p")
    where, more, of_users = _filters(call)
    where, bound = f"p.kind = 'person' AND {seen} AND {where}", [*values, *more]
    source = "phones p JOIN users u ON u.id = p.id" if of_users else "phones p"
    total = call.state.value(f"SELECT count(*) FROM {source} WHERE {where}", *bound)  # noqa: S608
    rows = call.state.rows(
        f"{JOINED} WHERE p.seq > ? AND {where} ORDER BY p.seq LIMIT ?",
        page.after,
        *bound,
        page.size + 1,
    )
    shown, token = cut(call, page, rows)
    held = Holdings(call, [row["id"] for row in shown], values)
    return _page(page, token, total, [_entry(row, held) for row in shown]), 200


def _page(page: Page, token: str, total: int, users: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "next_page_token": token,
        "page_size": page.size,
        "total_records": total,
        "users": users,
    }


def _filters(call: Call) -> tuple[str, list[object], bool]:
    """Return the SQL condition of the query's filters, its values, and whether it looks at users."""
    query, where, bound = call.query, ["p.status <> 'trashed'"], list[object]()
    for name, condition in (
        ("site_id", "p.site_id = ?"),
        ("status", "p.status = ?"),
        ("department", "u.dept = ?"),
        ("cost_center", "u.cost_center = ?"),
        ("calling_type", "EXISTS (SELECT 1 FROM held_plans WHERE holder = p.id AND type = ?)"),
    ):
        if name in query:
            where.append(condition)
            bound.append(query[name])
    if "site_id" in query:
        check_site(call, query["site_id"])
    if "keyword" in query:
        word = fold(query["keyword"])
        if len(word) < SHORTEST_KEYWORD:
            message = f"Please enter at least {SHORTEST_KEYWORD} valid characters."
            raise ZoomError(400, 400, message)
        where.append(
            "(instr(fold(coalesce(u.display_name, u.first_name || ' ' || u.last_name)), ?)"
            " OR instr(u.email_key, ?) OR instr(p.extension_number, ?) OR EXISTS"
            " (SELECT 1 FROM numbers WHERE holder = p.id AND instr(number, ?)))"
        )
        bound += [word] * 4
    of_users = bool({"department", "cost_center", "keyword"} & query.keys())
    return " AND ".join(where), bound, of_users


def _pending(call: Call, page: Page) -> Answer:
    seen, values = visible(call, page, "users")
    where = f"{seen} AND zoom_one_type IS NOT NULL AND id NOT IN (SELECT id FROM phones)"  # noqa: S608
    total = call.state.value(f"SELECT count(*) FROM users WHERE {where}", *values)  # noqa: S608
    rows = call.state.rows(
        f"SELECT * FROM users WHERE seq > ? AND {where} ORDER BY seq LIMIT ?",  # noqa: S608
        page.after,
        *values,
        page.size + 1,
    )
    shown, token = cut(call, page, rows)
    users = [{"id": r["id"], "email": r["email"], "name": display_name(r)} for r in shown]
    return _page(page, token, total, users), 200


def _entry(row: sqlite3.Row, held: Holdings) -> dict[str, Any]:
    if row["user_status"] == "pending":
        activation = "not ready"
    else:
        activation = "activated" if row["status"] == "activate" else "ready to activate"
    entry = {
        "id": row["id"],
        "phone_user_id": row["phone_user_id"],
        "extension_id": row["extension_id"],
        "extension_number": row["extension_number"],
        "email": row["email"],
        "name": display_name(row),
        "status": row["status"],
        "activation_status": activation,
        "department": row["dept"],
        "cost_center": row["cost_center"],
        **held.of(row),
    }
    return {k: v for k, v in entry.items() if v is not None}


@operation(blueprint, "GET", "/phone/users/<user_id>", "LIGHT", query=Nothing())
def read_phone_user(call: Call, user_id: str) -> Answer:
    """One phone user. The plans' names are here too, which Zoom's specification doesn't say."""
    phone = phone_user(call, user_id)
    row = call.state.row(f"{JOINED} WHERE p.id = ?", phone["id"])
    if row is None:
        raise no_user(user_id)
    held = Holdings(call, [row["id"]]).of(row)
    policy = {"delegation": True} | json.loads(row["policy"])
    policy.pop("e2e_encryption", None)  # settable, but in no answer of Zoom's
    entry = {
        "id": row["id"],
        "phone_user_id": row["phone_user_id"],
        "extension_id": row["extension_id"],
        "extension_number": row["extension_number"],
        "email": row["email"],
        "status": row["status"],
        "department": row["dept"],
        "cost_center": row["cost_center"],
        "calling_plans": held["calling_plans"],
        "phone_numbers": held["phone_numbers"],
        "site_id": row["site_id"] if call.options.multiple_sites else None,
        "site_admin": False,
        "policy": policy,
    }
    if row["emergency_address_id"]:
        entry["emergency_address"] = {"id": row["emergency_address_id"]}
    return {k: v for k, v in entry.items() if v is not None}, 200


@operation(blueprint, "PATCH", "/phone/users/<user_id>", "LIGHT", body=Update())
def update_phone_user(call: Call, user_id: str) -> Answer:
    """Move, renumber, change policies; or apply a template, which makes the call ignore `policy`.

    The template is looked up in the site of `site_id` where that is given, else in the user's own.
    """
    phone, body = phone_user(call, user_id), call.body
    site_id = check_site(call, body["site_id"]) if "site_id" in body else phone["site_id"]
    extension = phone["extension_number"]
    if "extension_number" in body:
        number = body["extension_number"]
        extension = site_extension(call, number, phone["id"], site_id, "extension_number")
    template, policy = phone["template_id"], json.loads(phone["policy"])
    if "template_id" in body:
        template = _template(call, body["template_id"], site_id)
    else:
        policy |= body.get("policy", {})
    call.state.run(
        "UPDATE phones SET site_id = ?, extension_number = ?, template_id = ?, policy = ?,"
        " emergency_address_id = ? WHERE id = ?",
        site_id,
        extension,
        template,
        json.dumps(policy),
        body.get("emergency_address_id", phone["emergency_address_id"]),
        phone["id"],
    )
    return None, 204


def _template(call: Call, template_id: str, site_id: str) -> str:
    template = call.state.row("SELECT * FROM templates WHERE id = ?", template_id)
    elsewhere = template is not None and template["site_id"] not in (None, site_id)
    if template is None or (elsewhere and call.options.multiple_sites):
        raise bad_template()
    return str(template["id"])
