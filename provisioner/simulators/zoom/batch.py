"""Ten phone users in one call: added with everything they need, or moved and activated together.

Unlike everything else the batch add takes names: calling plans by their short ones, template and
site by theirs. What becomes of a batch that is partly right, Zoom doesn't say: the first thing that is
wrong refuses all of it, or, with the option `partial_batches`, only whom it concerns.
Source: Zoom Phone's OpenAPI, /phone/users/batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call
from .errors import ZoomError, bad_template, in_trash, invalid, no_user, refused, sites_disabled
from .fields import Bool, one_of
from .names import fold
from .phones import (
    add_device,
    check_site,
    give_numbers,
    give_phone,
    give_plan,
    phone_user,
    site_code,
    site_extension,
)
from .service import Answer, operation

blueprint = Blueprint("zoom_batch", __name__)

MAX_USERS = 10


class DeskPhone(Schema):
    """A desk phone of a new phone user."""

    brand = fields.String(required=True)
    model = fields.String(required=True)
    mac = fields.String(required=True)
    provision_template = fields.String()


class NewPhoneUser(Schema):
    """One of the users of POST /phone/users/batch."""

    email = fields.String(required=True)
    first_name = fields.String()
    last_name = fields.String()
    calling_plans = fields.List(fields.String(), required=True, validate=Length(max=150))
    site_code = fields.String()
    site_name = fields.String()
    template_name = fields.String()
    extension_number = fields.String(required=True)
    activation_status = one_of("activate", "deactivate")
    phone_numbers = fields.List(fields.String(), validate=Length(max=10))
    outbound_caller_id = fields.String()
    select_outbound_caller_id = Bool()
    sms = Bool()
    desk_phones = fields.List(fields.Nested(DeskPhone), validate=Length(max=3))


class Add(Schema):
    """The body of POST /phone/users/batch; the number of users is checked apart, with its own error."""

    users = fields.List(fields.Nested(NewPhoneUser), required=True, validate=Length(min=1))


class Change(Schema):
    """The body of PUT /phone/users/batch."""

    batch_type = fields.String(required=True)
    user_ids = fields.List(fields.String(), required=True, validate=Length(min=1, max=MAX_USERS))
    site_id = fields.String()
    activation_status = one_of("activate", "deactivate")


@operation(
    blueprint,
    "POST",
    "/phone/users/batch",
    "MEDIUM",
    body=Add(),
    touches=lambda body, _: [user["email"] for user in body["users"]],
)
def add_users(call: Call) -> Answer:
    """Make up to 10 active account users phone users, and tell which."""
    users = call.body["users"]
    if len(users) > MAX_USERS:
        raise ZoomError(400, 400, "User size must be less than 10.")
    added = []
    for i, user in enumerate(users):
        with _alone(call):
            added.append(_add(call, user, f"users[{i}]"))
    return added, 201


@contextmanager
def _alone(call: Call) -> Iterator[None]:
    """Let what is wrong with one user of a batch refuse all of it, or only them, as the options say."""
    if not call.options.partial_batches:
        yield
        return
    try:
        with call.state.part():
            yield
    except ZoomError:
        return


def _add(call: Call, new: dict[str, Any], field: str) -> dict[str, str]:
    user = call.state.user(new["email"])
    if user is None or user["status"] != "active":
        raise invalid((f"{field}.email", "The user is not active in this account."))
    held = call.state.phone(user["id"])
    if held is not None and held["status"] != "trashed":
        raise invalid((f"{field}.email", "The user already has Zoom Phone."))
    site_id = _site(call, new, field)
    template = None
    if "template_name" in new:
        template = call.state.template_at(
            new["template_name"], site_id if call.options.multiple_sites else None
        )
        if template is None:
            raise bad_template()
    number = site_code(call, site_id) + new["extension_number"]
    extension = site_extension(call, number, None, site_id, f"{field}.extension_number")
    activation = new.get("activation_status")
    activate = None if activation is None else activation == "activate"
    holder = give_phone(call, user, site_id=site_id, extension=extension, activate=activate)
    if template is not None:
        call.state.run("UPDATE phones SET template_id = ? WHERE id = ?", template["id"], holder)
    _equip(call, holder, new, field)
    return {"email": user["email"], "id": holder}


def _equip(call: Call, holder: str, new: dict[str, Any], field: str) -> None:
    for i, name in enumerate(new["calling_plans"]):
        where = f"{field}.calling_plans[{i}]"
        give_plan(call, holder, _plan_type(call, name, where), where)
    if new.get("phone_numbers"):
        places = enumerate(new["phone_numbers"])
        give_numbers(call, holder, [(n, f"{field}.phone_numbers[{i}]") for i, n in places])
    for i, desk_phone in enumerate(new.get("desk_phones", ())):
        add_device(call, holder, desk_phone, f"{field}.desk_phones[{i}]")


def _plan_type(call: Call, name: str, field: str) -> int:
    """Return the type of the plan with that short name; the catalog's longer names are refused here."""
    for plan in call.state.rows("SELECT type, short FROM plans"):
        if fold(plan["short"]) == fold(name):
            return int(plan["type"])
    raise invalid(field)


def _site(call: Call, new: dict[str, Any], field: str) -> str:
    named = "site_name" in new or "site_code" in new
    if not call.options.multiple_sites:
        if named:
            raise sites_disabled()
        return call.state.default_site()
    if not named:
        raise invalid(f"{field}.site_name")
    if "site_name" in new:
        site = call.state.site_named(new["site_name"])
    else:
        site = call.state.row(
            "SELECT * FROM sites WHERE seq = ? AND ?", new["site_code"], call.options.site_codes
        )
    if site is None:
        raise invalid(f"{field}.site_name" if "site_name" in new else f"{field}.site_code")
    return str(site["id"])


@operation(
    blueprint,
    "PUT",
    "/phone/users/batch",
    "LIGHT",
    body=Change(),
    touches=lambda body, _: body["user_ids"],
)
def change_users(call: Call) -> Answer:
    """Move up to 10 users to a site, (de)activate them, or give waiting ones their phone."""
    kind, users = call.body["batch_type"], call.body["user_ids"]
    if kind == "move_site":
        if "site_id" not in call.body:
            raise invalid("site_id")
        site = check_site(call, call.body["site_id"])
        for user in users:
            with _alone(call):
                holder = phone_user(call, user)["id"]
                call.state.run("UPDATE phones SET site_id = ? WHERE id = ?", site, holder)
    elif kind == "activate":
        if "activation_status" not in call.body:
            raise invalid("activation_status")
        for user in users:
            with _alone(call):
                holder = phone_user(call, user)["id"]
                status = call.body["activation_status"]
                call.state.run("UPDATE phones SET status = ? WHERE id = ?", status, holder)
    elif kind == "assign_pending_user":
        for user in users:
            with _alone(call):
                _assign_pending(call, user)
    else:
        raise ZoomError(400, 400, f"Current batch type does not support, batch type:{kind}.")
    return None, 204


def _assign_pending(call: Call, name: str) -> None:
    user = call.state.user(name)
    if user is None:
        raise no_user(name)
    phone = call.state.phone(user["id"])
    if phone is not None and phone["status"] == "trashed":
        raise in_trash()
    if user["zoom_one_type"] is None or phone is not None:
        raise refused(f"The user {user['email']} is not pending.")
    give_phone(call, user)
