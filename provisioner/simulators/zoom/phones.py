"""What a phone user may hold, and what goes when something else does.

A phone needs a seat and an active account; a calling plan a phone and a seat of its own; a direct
number a calling plan. Taking the last plan takes the numbers, and taking the phone takes plans,
numbers, desk phones, delegations on both sides and memberships in call queues and shared lines.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from .account import Call
from .errors import (
    in_trash,
    invalid,
    no_phone_seat,
    no_site,
    no_user,
    operator,
    refused,
    sites_disabled,
)
from .names import fold
from .state import State, make_id

MAX_NUMBERS = 10
PLENTY = 1_000_000
"""How many seats an account that doesn't count them says it has."""


def phone_user(call: Call, user: str) -> sqlite3.Row:
    """Return the phone of an account user (id or mail address), or raise 404 code 1001."""
    found = call.state.user(user)
    phone = call.state.phone(found["id"]) if found else None
    if phone is None or phone["status"] == "trashed":
        raise no_user(user)
    return phone


def seats_used(state: State) -> int:
    """Return how many phone licenses people hold; the trash holds none."""
    count: int = state.value(
        "SELECT count(*) FROM phones WHERE kind = 'person' AND status <> 'trashed'"
    )
    return count


def give_phone(
    call: Call,
    user: sqlite3.Row,
    *,
    site_id: str | None = None,
    extension: int | None = None,
    activate: bool | None = None,
) -> str:
    """Make an account user a phone user and return the id; raise if there is no seat or no way.

    Without a site the main one, without an extension number the next free one.
    """
    state = call.state
    held = state.phone(user["id"])
    if held and held["status"] == "trashed":
        raise in_trash()
    if user["status"] == "inactive":
        raise refused(f"The user {user['email']} is deactivated.")
    seats = state.setting("seats")
    if seats is not None and seats_used(state) >= seats:
        raise no_phone_seat()
    active = call.options.auto_activate if activate is None else activate
    at, walk = call.account.visible_from()
    state.run(
        "INSERT INTO phones (id, kind, license, phone_user_id, extension_id, extension_number,"
        " site_id, status, visible_at, visible_walk) VALUES (?, 'person', ?, ?, ?, ?, ?, ?, ?, ?)",
        user["id"],
        "zoom_phone",
        make_id("phone_user", user["id"]),
        state.fresh_id("extension"),
        state.next_extension() if extension is None else extension,
        site_id or state.default_site(),
        "activate" if active else "deactivate",
        at,
        walk,
    )
    return str(user["id"])


def switch_phone(call: Call, user: sqlite3.Row, on: bool) -> None:
    """Do what `feature.zoom_phone` says; nothing where it is so already."""
    held = call.state.phone(user["id"])
    if on and (held is None or held["status"] == "trashed"):
        give_phone(call, user)
    elif not on and held is not None and held["status"] != "trashed":
        if user["operator"]:
            raise operator()
        take_phone(call.state, user["id"])


def take_phone(state: State, holder: str) -> None:
    """Remove a phone with its plans, numbers, desk phones, delegations of both sides and memberships."""
    free_holdings(state, holder)
    state.run("DELETE FROM delegates WHERE delegator = ? OR delegate = ?", holder, holder)
    state.run("DELETE FROM shared_members WHERE member = ?", holder)
    state.run("DELETE FROM phones WHERE id = ?", holder)


def free_holdings(state: State, holder: str) -> None:
    """Take plans, numbers and desk phones off a phone."""
    state.run("DELETE FROM held_plans WHERE holder = ?", holder)
    free_numbers(state, holder)
    state.run("UPDATE devices SET holder = NULL WHERE holder = ?", holder)


def free_numbers(state: State, holder: str) -> None:
    """Make every number of a phone unassigned."""
    state.run("UPDATE numbers SET holder = NULL, place = 0 WHERE holder = ?", holder)


def plan_available(state: State, type_: int) -> int:
    """Return how many seats of a calling plan are left, never below zero."""
    subscribed = state.value(
        "SELECT coalesce(subscribed, ?) FROM plans WHERE type = ?", PLENTY, type_
    )
    used = state.value("SELECT count(*) FROM held_plans WHERE type = ?", type_)
    return max(0, int(subscribed or 0) - int(used))


def holds_plan(state: State, holder: str, type_: int | None = None) -> bool:
    """Return whether a phone holds that calling plan, or any where none is named."""
    if type_ is None:
        return bool(state.value("SELECT 1 FROM held_plans WHERE holder = ?", holder))
    return bool(
        state.value("SELECT 1 FROM held_plans WHERE holder = ? AND type = ?", holder, type_)
    )


def give_plan(call: Call, holder: str, type_: int, field: str) -> None:
    """Assign a calling plan; raise 400 code 300 naming `field` if it is unknown, held or sold out."""
    state = call.state
    plan = state.row("SELECT * FROM plans WHERE type = ?", type_)
    if plan is None:
        raise invalid(field)
    if holds_plan(state, holder, type_):
        raise invalid((field, f"The calling plan {plan['name']} is already assigned."))
    if not plan_available(state, type_):
        raise invalid((field, f"No license of the calling plan {plan['name']} is available."))
    at, walk = call.account.visible_from()
    state.run("INSERT INTO held_plans VALUES (?, ?, ?, ?)", holder, type_, at, walk)


def take_plan(state: State, holder: str, type_: int) -> None:
    """Unassign a calling plan; with the last one go the direct numbers."""
    state.run("DELETE FROM held_plans WHERE holder = ? AND type = ?", holder, type_)
    if not holds_plan(state, holder):
        free_numbers(state, holder)


def give_numbers(call: Call, holder: str, wanted: Iterable[tuple[str, str]]) -> list[sqlite3.Row]:
    """Assign numbers, each (id or E.164 number, field for errors), and return their rows.

    They must be the account's and nobody's, and the holder must have a calling plan.
    """
    state, given = call.state, []
    if not holds_plan(state, holder):
        raise refused("A calling plan is required before a phone number can be assigned.")
    for wish, field in wanted:
        row = state.row("SELECT * FROM numbers WHERE id = ? OR number = ?", wish, wish)
        if row is None:
            raise invalid((field, "The phone number does not exist in this account."))
        if row["holder"] is not None:
            raise invalid((field, "The phone number has already been assigned."))
        count = state.value("SELECT count(*) FROM numbers WHERE holder = ?", holder)
        if count >= MAX_NUMBERS:
            raise invalid((field, f"A user can have up to {MAX_NUMBERS} phone numbers."))
        at, walk = call.account.visible_from()
        state.run(
            "UPDATE numbers SET holder = ?, visible_at = ?, visible_walk = ?,"
            " place = (SELECT coalesce(max(place), 0) + 1 FROM numbers) WHERE id = ?",
            holder,
            at,
            walk,
            row["id"],
        )
        given.append(row)
    return given


def check_extension(state: State, extension: str, holder: str | None, field: str) -> int:
    """Return an extension number; raise 400 code 300 unless it is 3 to 10 digits that nobody else has."""
    if not (extension.isascii() and extension.isdigit() and 3 <= len(extension) <= 10):
        raise invalid(field)
    other = state.extension_holder(int(extension))
    if other is not None and other != holder:
        raise invalid((field, "The extension number is already in use."))
    return int(extension)


def check_short(call: Call, site_id: str, short: str, field: str) -> None:
    """Raise 400 code 300 unless a number without site code has the site's length and is in its ranges."""
    site = call.state.row("SELECT length, ranges FROM sites WHERE id = ?", site_id)
    if site is None:
        return
    if site["length"] is not None and len(short) != site["length"]:
        raise invalid((field, f"The extension number must have {site['length']} digits."))
    ranges = json.loads(site["ranges"])
    if ranges and not any(int(low) <= int(short) <= int(high) for low, high in ranges):
        raise invalid((field, "The extension number is outside of the site's ranges."))


def site_extension(call: Call, number: str, holder: str | None, site_id: str, field: str) -> int:
    """Return a whole extension number for a phone of a site; raise unless it may have that one."""
    extension = check_extension(call.state, number, holder, field)
    code = site_code(call, site_id)
    if code and not number.startswith(code):
        raise invalid((field, f"The extension number must begin with the site code {code}."))
    check_short(call, site_id, number.removeprefix(code), field)
    return extension


def site_code(call: Call, site_id: str) -> str:
    """Return what a site's extension numbers begin with, "" where there are no site codes."""
    if not (call.options.multiple_sites and call.options.site_codes):
        return ""
    return str(call.state.value("SELECT seq FROM sites WHERE id = ?", site_id))


def add_device(call: Call, holder: str, phone: dict[str, str], field: str) -> None:
    """Give a desk phone (brand, model, mac, provision_template by name) to a holder; raise if another has it."""
    mac = fold(phone["mac"]).replace("-", "").replace(":", "")
    device = call.state.row("SELECT * FROM devices WHERE mac = ?", mac)
    if device and device["holder"]:
        raise invalid((f"{field}.mac", "The device is already assigned."))
    template = None
    if name := phone.get("provision_template"):
        known = "SELECT id FROM provision_templates WHERE name_key = ?"
        template = call.state.value(known, fold(name))
        if template is None:
            raise invalid(f"{field}.provision_template")
    call.state.run(
        "INSERT OR REPLACE INTO devices (id, mac, brand, model, holder, template_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        make_id("device", mac),
        mac,
        phone["brand"],
        phone["model"],
        holder,
        template,
    )


def check_site(call: Call, site_id: str) -> str:
    """Return a site's id; raise if there is no such site, or Multiple Sites is off."""
    if not call.options.multiple_sites:
        raise sites_disabled()
    if call.state.row("SELECT 1 FROM sites WHERE id = ?", site_id) is None:
        raise no_site()
    return site_id


class Holdings:
    """Plans, numbers and sites of many phones, read with one query each for a page of a list."""

    def __init__(
        self, call: Call, holders: list[str], seen: tuple[float, int] | None = None
    ) -> None:
        """Read for `holders`; `seen` (time, walk) leaves out what a list doesn't show yet."""
        condition, values = (
            ("", ())
            if seen is None
            else (
                " AND h.visible_at <= ? AND h.visible_walk <= ?",
                seen,
            )
        )
        self._plans: dict[str, list[dict[str, Any]]] = {}
        self._numbers: dict[str, list[dict[str, str]]] = {}
        among = f"h.holder IN (SELECT value FROM json_each(?)){condition}"  # noqa: S608
        bound = (json.dumps(holders), *values)
        for row in call.state.rows(
            "SELECT h.holder, p.type, p.name FROM held_plans h JOIN plans p USING (type)"  # noqa: S608
            f" WHERE {among} ORDER BY type",
            *bound,
        ):
            plan = {"name": row["name"], "type": row["type"]}
            self._plans.setdefault(row["holder"], []).append(plan)
        for row in call.state.rows(
            f"SELECT h.holder, h.id, h.number FROM numbers h WHERE {among} ORDER BY place",  # noqa: S608
            *bound,
        ):
            number = {"id": row["id"], "number": row["number"]}
            self._numbers.setdefault(row["holder"], []).append(number)
        self._sites = {r["id"]: r["name"] for r in call.state.rows("SELECT id, name FROM sites")}
        self._multiple = call.options.multiple_sites

    def of(self, phone: sqlite3.Row) -> dict[str, Any]:
        """Return the members calling_plans, phone_numbers and (with Multiple Sites) site of a phone."""
        held: dict[str, Any] = {
            "calling_plans": self._plans.get(phone["id"], []),
            "phone_numbers": self._numbers.get(phone["id"], []),
        }
        if self._multiple:
            held["site"] = {"id": phone["site_id"], "name": self._sites[phone["site_id"]]}
        return held
