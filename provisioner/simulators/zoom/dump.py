"""The account as snapshot lines: a catalog line, then every account user, room and common area.

Unlike an inventory read over the interface it tells everything, the templates that Zoom never
gives back included; `vendor` holds what only Zoom has. A load of it makes the same account.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from .names import DEFAULT_PRIVILEGES, PRIVILEGES, display_name
from .snapshot import NO_MAIL, ROLE_NAMES
from .state import State


def catalog_line(state: State) -> dict[str, Any]:
    """Return the first line: seats where they are counted, templates and all numbers with their site."""
    catalog: dict[str, Any] = {}
    seats = state.setting("seats")
    if seats is not None:
        catalog["licenses"] = {"zoom_phone": seats}
    plans = state.rows("SELECT name, subscribed FROM plans ORDER BY type")
    if any(plan["subscribed"] is not None for plan in plans):
        catalog["packages"] = {plan["name"]: plan["subscribed"] for plan in plans}
    sites = {row["id"]: row["name"] for row in state.rows("SELECT * FROM sites ORDER BY seq")}
    catalog["templates"] = [
        [row["name"], sites.get(row["site_id"])]
        for row in state.rows("SELECT * FROM templates WHERE type = 'user' ORDER BY seq")
    ]
    catalog["sites"] = list(sites.values())
    catalog["numbers"] = [
        [row["number"], sites.get(row["site_id"])]
        for row in state.rows("SELECT * FROM numbers ORDER BY number")
    ]
    return {"catalog": catalog}


def user_lines(state: State, only: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield account users in the order they came, then rooms and common areas; `only` is one id."""
    where, values = ("", ()) if only is None else (" WHERE id = ?", (only,))
    users = state.rows(f"SELECT * FROM users{where} ORDER BY seq", *values)  # noqa: S608
    phones = state.rows(f"SELECT * FROM phones{where} ORDER BY seq", *values)  # noqa: S608
    held = _Held(state)
    by_id = {phone["id"]: phone for phone in phones}
    for user in users:
        yield _person(user, by_id.get(user["id"]), held)
    for phone in phones:
        if phone["kind"] != "person":
            yield _place(phone, held)


class _Held:
    """What phones hold, by the holder's id."""

    def __init__(self, state: State) -> None:
        self.plans = _grouped(
            state.rows(
                "SELECT holder, name FROM held_plans JOIN plans USING (type) ORDER BY holder, type"
            )
        )
        self.numbers = _grouped(
            state.rows(
                "SELECT holder, number FROM numbers WHERE holder IS NOT NULL ORDER BY place, seq"
            )
        )
        self.delegates = _grouped(
            state.rows(
                "SELECT d.delegator, coalesce(u.email, p.name) FROM delegates d"
                " JOIN phones p ON p.id = d.delegate LEFT JOIN users u ON u.id = d.delegate"
                " WHERE d.accepted ORDER BY d.seq"
            )
        )
        self.sites = {row["id"]: row["name"] for row in state.rows("SELECT id, name FROM sites")}
        self.templates = {r["id"]: r["name"] for r in state.rows("SELECT id, name FROM templates")}

    def of(self, phone: sqlite3.Row | None) -> dict[str, Any]:
        """Return a line's members about the phone; without one they are empty."""
        if phone is None:
            return {
                "license": None,
                "packages": [],
                "template": None,
                "site": None,
                "extension_number": None,
                "numbers": [],
                "delegates": [],
            }
        number = phone["extension_number"]
        members = {
            "license": phone["license"],
            "packages": self.plans.get(phone["id"], []),
            "template": self.templates.get(phone["template_id"]),
            "site": self.sites[phone["site_id"]],
            "extension_number": None if number is None else str(number),
            "numbers": self.numbers.get(phone["id"], []),
            "delegates": self.delegates.get(phone["id"], []),
        }
        privileges = json.loads(phone["privileges"])
        if privileges != list(DEFAULT_PRIVILEGES):
            members["delegate_privileges"] = [PRIVILEGES[number] for number in privileges]
        return members


def _grouped(rows: Iterable[sqlite3.Row]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for holder, value in rows:
        groups.setdefault(holder, []).append(value)
    return groups


def _person(user: sqlite3.Row, phone: sqlite3.Row | None, held: _Held) -> dict[str, Any]:
    extra = json.loads(user["extra"])
    vendor = extra.pop("vendor", {}) | {
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "type": user["type"],
        "created_at": user["created_at"],
    }
    for name, value in (
        ("cost_center", user["cost_center"]),
        ("zoom_one_type", user["zoom_one_type"]),
        ("call_queue_manager", bool(user["operator"])),
    ):
        if value:
            vendor[name] = value
    made_up = extra.pop("no_email", False) and user["email"].endswith(NO_MAIL)
    trashed = phone is not None and phone["status"] == "trashed"
    return {
        "id": user["id"],
        "key": user["unique_id"],
        "kind": "person",
        "email": None if made_up else user["email"],
        "status": "trashed" if trashed else user["status"],
        "display_name": display_name(user),
        "department": user["dept"],
        "job_title": json.loads(user["profile"]).get("job_title"),
        **held.of(phone),
        "credits": extra.pop("credits", False),
        "softphone": extra.pop("softphone", None),
        **extra,
        "role": ROLE_NAMES[user["role_id"]],
        "vendor": vendor | _phone_ids(phone),
    }


def _place(phone: sqlite3.Row, held: _Held) -> dict[str, Any]:
    extra = json.loads(phone["extra"])
    vendor = extra.pop("vendor", {}) | _phone_ids(phone)
    return {
        "id": phone["id"],
        "key": extra.pop("key", None),
        "kind": phone["kind"],
        "email": None,
        "status": "active",
        "display_name": phone["name"],
        **held.of(phone),
        **extra,
        "role": "member",
        "vendor": vendor,
    }


def _phone_ids(phone: sqlite3.Row | None) -> dict[str, Any]:
    """Return what only Zoom knows of a phone."""
    if phone is None:
        return {}
    ids = {
        "phone_user_id": phone["phone_user_id"],
        "extension_id": phone["extension_id"],
        "phone_status": phone["status"] if phone["status"] == "deactivate" else None,
        "delegation_privacy": bool(phone["privacy"]) or None,
        "policy": json.loads(phone["policy"]) or None,
    }
    return {name: value for name, value in ids.items() if value is not None}
