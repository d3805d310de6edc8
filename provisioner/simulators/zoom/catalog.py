"""What the account has to give: plans and their seats, numbers, sites, templates, rooms, common areas.

How many phone licenses are left is in none of these answers: the account tells only by refusing
(404 code 1102).
Source: Zoom Phone's OpenAPI; the billing OpenAPI for plan usage.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields

from .account import Call
from .errors import ZoomError, invalid, sites_disabled
from .fields import LARGEST, Nothing, asked_number, flag, one_of, pages
from .names import display_name, fold
from .pages import Page, cut, page_of, visible
from .phones import PLENTY, Holdings, check_site
from .service import Answer, operation
from .users import LICENSED

blueprint = Blueprint("zoom_catalog", __name__)

NumbersQuery = Schema.from_dict(
    {
        **pages(100),
        "type": one_of("assigned", "unassigned", "byoc", "all"),
        "extension_type": one_of(
            "user",
            "callQueue",
            "autoReceptionist",
            "commonArea",
            "emergencyNumberPool",
            "companyLocation",
            "meetingService",
        ),
        "number_type": one_of("toll", "tollfree"),
        "pending_numbers": flag(),
        "site_id": fields.String(),
        "phone_number": fields.String(),
    },
    name="NumbersQuery",
)
SitesQuery = Schema.from_dict({**pages(300), "site_name": fields.String()}, name="SitesQuery")
TemplatesQuery = Schema.from_dict({**pages(300), "site_id": fields.String()}, name="TemplatesQuery")
CommonAreasQuery = Schema.from_dict(
    {
        **pages(100),
        "site_id": fields.String(),
        "calling_type": asked_number(maximum=LARGEST),
        "common_area_device_type": asked_number(1, 3),
    },
    name="CommonAreasQuery",
)
RoomsQuery = Schema.from_dict(
    {
        **pages(100),
        "site_id": fields.String(),
        "calling_type": asked_number(maximum=LARGEST),
        "keyword": fields.String(),
    },
    name="RoomsQuery",
)


def _listed(
    call: Call, page: Page, source: str, where: str, bound: list[object]
) -> tuple[list[sqlite3.Row], str, int]:
    """Return a page of `source` (a FROM clause whose main table is `t`), the next token, the total."""
    total = call.state.value(f"SELECT count(*) FROM {source} WHERE {where}", *bound)  # noqa: S608
    rows = call.state.rows(
        f"SELECT t.* FROM {source} WHERE t.seq > ? AND {where} ORDER BY t.seq LIMIT ?",  # noqa: S608
        page.after,
        *bound,
        page.size + 1,
    )
    shown, token = cut(call, page, rows)
    return shown, token, total


def _envelope(page: Page, token: str, total: int, name: str, entries: list[Any]) -> dict[str, Any]:
    return {
        "next_page_token": token,
        "page_size": page.size,
        "total_records": total,
        name: entries,
    }


@operation(blueprint, "GET", "/phone/numbers", "MEDIUM", query=NumbersQuery())
def list_numbers(call: Call) -> Answer:
    """The account's numbers, everybody's unless `type` says otherwise."""
    query = call.query
    kind = query.get("type", "all")
    if "extension_type" in query and kind != "assigned":
        raise invalid("extension_type")
    page = page_of(call, "/phone/numbers")
    seen, values = visible(call, page, "t")
    # an assignment that is not visible yet leaves the number unassigned in the list
    holder = f"(CASE WHEN {seen} THEN t.holder END)"
    where, bound = ["1"], list[object]()
    if kind in ("assigned", "unassigned"):
        where.append(f"{holder} IS {'NOT ' if kind == 'assigned' else ''}NULL")
        bound += values
    elif kind == "byoc":
        where.append("0")
    kinds = {"user": ("person", "room"), "commonArea": ("common_area",)}
    if "extension_type" in query:
        among = kinds.get(query["extension_type"], ())
        where.append(f"p.kind IN ({', '.join('?' * len(among))})")
        bound += among
    for name, condition in (("site_id", "t.site_id = ?"), ("phone_number", "t.number = ?")):
        if name in query:
            where.append(condition)
            bound.append(query[name])
    if query.get("number_type") == "tollfree":
        where.append("0")
    source = "numbers t"
    if "extension_type" in query:
        source += " JOIN phones p ON p.id = t.holder"
    rows, token, total = _listed(call, page, source, " AND ".join(where), bound)
    entries = [number_entry(call, row, values) for row in rows]
    return _envelope(page, token, total, "phone_numbers", entries), 200


def number_entry(call: Call, row: sqlite3.Row, seen: tuple[float, int]) -> dict[str, Any]:
    """Return a number as Zoom shows it; `seen` (time, walk) leaves out an assignment that is later."""
    entry: dict[str, Any] = {
        "id": row["id"],
        "number": row["number"],
        "number_type": "toll",
        "capability": ["incoming", "outgoing"],
        "source": "internal",
        "status": "available",
    }
    if row["site_id"] and call.options.multiple_sites:
        name = call.state.value("SELECT name FROM sites WHERE id = ?", row["site_id"])
        entry["site"] = {"id": row["site_id"], "name": name}
    shown = row["visible_at"] <= seen[0] and row["visible_walk"] <= seen[1]
    phone = call.state.phone(row["holder"]) if row["holder"] and shown else None
    if phone is None and row["holder"] and shown:
        shared = call.state.row("SELECT * FROM shared_extensions WHERE id = ?", row["holder"])
        if shared is not None:
            entry["assignee"] = {
                "id": shared["id"],
                "name": shared["name"],
                "extension_number": shared["extension_number"],
                "type": "callQueue" if shared["kind"] == "call_queue" else "sharedLineGroup",
            }
    if phone is not None:
        user = call.state.user(phone["id"]) if phone["kind"] == "person" else None
        entry["assignee"] = {
            "id": phone["id"],
            "name": phone["name"] if user is None else display_name(user),
            "extension_number": phone["extension_number"],
            # Zoom's list of assignee types has none for a Zoom Room
            "type": "commonArea" if phone["kind"] == "common_area" else "user",
        }
    return entry


def _plans(call: Call) -> list[dict[str, Any]]:
    used = {
        row["type"]: row["n"]
        for row in call.state.rows("SELECT type, count(*) AS n FROM held_plans GROUP BY type")
    }
    plans = []
    for row in call.state.rows("SELECT * FROM plans ORDER BY type"):
        subscribed = PLENTY if row["subscribed"] is None else row["subscribed"]
        assigned = used.get(row["type"], 0)
        plans.append(
            {
                "name": row["name"],
                "type": row["type"],
                "subscribed": subscribed,
                "assigned": assigned,
                "available": max(0, subscribed - assigned),
            }
        )
    return plans


@operation(blueprint, "GET", "/phone/calling_plans", "MEDIUM", query=Nothing())
def list_calling_plans(call: Call) -> Answer:
    """Every calling plan with its seats, in one answer."""
    return {"calling_plans": _plans(call)}, 200


@operation(blueprint, "GET", "/phone/plans", "MEDIUM", query=Nothing())
def list_plans(call: Call) -> Answer:
    """The calling plans, and how many of the account's numbers are in use."""
    total = call.state.value("SELECT count(*) FROM numbers")
    used = call.state.value("SELECT count(*) FROM numbers WHERE holder IS NOT NULL")
    numbers = {
        "name": "Included Phone Numbers",
        "subscribed": total,
        "assigned": used,
        "available": total - used,
    }
    return {"calling_plans": _plans(call), "phone_numbers": [numbers]}, 200


@operation(blueprint, "GET", "/accounts/<account_id>/plans/usage", "HEAVY", query=Nothing())
def read_usage(call: Call, account_id: str) -> Answer:
    """The account's own seats (Licensed users); phone licenses aren't counted here."""
    if account_id not in ("me", call.options.account_id):
        raise ZoomError(404, 2001, "Account does not exist.")
    used = "SELECT count(*) FROM users WHERE type = ? AND status {} 'pending'"
    seats = call.options.licensed_seats
    return {
        "plan_base": {
            "type": "yearly",
            "hosts": PLENTY if seats is None else seats,
            "usage": call.state.value(used.format("<>"), LICENSED),
            "pending": call.state.value(used.format("="), LICENSED),
        }
    }, 200


@operation(blueprint, "GET", "/phone/settings", "LIGHT", query=Nothing())
def read_account_settings(call: Call) -> Answer:
    """Whether the account has sites, and site codes in front of its extension numbers."""
    options = call.options
    codes = options.multiple_sites and options.site_codes
    return {"multiple_sites": {"enabled": options.multiple_sites, "site_code": codes}}, 200


@operation(blueprint, "GET", "/phone/sites", "MEDIUM", query=SitesQuery())
def list_sites(call: Call) -> Answer:
    """The account's sites, where Multiple Sites is on."""
    if not call.options.multiple_sites:
        raise sites_disabled()
    call.state.default_site()
    page = page_of(call, "/phone/sites")
    where, bound = "1", list[object]()
    if "site_name" in call.query:
        where, bound = "name_key = ?", [fold(call.query["site_name"])]
    rows, token, total = _listed(call, page, "sites t", where, bound)
    sites = [{"id": row["id"], "name": row["name"]} for row in rows]
    if call.options.site_codes:
        sites = [site | {"site_code": row["seq"]} for site, row in zip(sites, rows, strict=True)]
    return _envelope(page, token, total, "sites", sites), 200


@operation(blueprint, "GET", "/phone/setting_templates", "LIGHT", query=TemplatesQuery())
def list_templates(call: Call) -> Answer:
    """The templates of one site, of every type; with Multiple Sites on the site must be named."""
    if call.options.multiple_sites:
        if "site_id" not in call.query:
            raise invalid("site_id")
        site = check_site(call, call.query["site_id"])
    elif "site_id" in call.query:
        raise sites_disabled()
    else:
        site = call.state.default_site()
    page = page_of(call, "/phone/setting_templates")
    where = "(site_id = ? OR site_id IS NULL)" if call.options.multiple_sites else "(1 OR ? = '')"
    rows, token, total = _listed(call, page, "templates t", where, [site])
    members = ("id", "name", "description", "type")
    templates = [{name: row[name] for name in members} for row in rows]
    return _envelope(page, token, total, "templates", templates), 200


def _holders(
    call: Call, page: Page, kind: str
) -> tuple[list[tuple[sqlite3.Row, dict[str, Any]]], str, int]:
    """Return rooms or common areas with what they hold, the next token and the total."""
    seen, values = visible(call, page, "t")
    where, bound = [seen, "t.kind = ?"], [*values, kind]
    if "site_id" in call.query:
        where.append("t.site_id = ?")
        bound.append(check_site(call, call.query["site_id"]))
    if "calling_type" in call.query:
        where.append("EXISTS (SELECT 1 FROM held_plans WHERE holder = t.id AND type = ?)")
        bound.append(call.query["calling_type"])
    if "keyword" in call.query:
        where.append("instr(fold(t.name), ?)")
        bound.append(fold(call.query["keyword"]))
    rows, token, total = _listed(call, page, "phones t", " AND ".join(where), bound)
    held = Holdings(call, [row["id"] for row in rows], values)
    return [(row, held.of(row)) for row in rows], token, total


@operation(blueprint, "GET", "/phone/common_areas", "MEDIUM", query=CommonAreasQuery())
def list_common_areas(call: Call) -> Answer:
    """Common areas; `id` is the extension id too. The only list that doesn't tell its total."""
    page = page_of(call, "/phone/common_areas")
    holders, token, _ = _holders(call, page, "common_area")
    if "common_area_device_type" in call.query:
        holders = []  # none of them has a device here
    areas = [
        {
            "id": row["id"],
            "display_name": row["name"],
            "extension_number": row["extension_number"],
            "status": "offline",
            "desk_phones": [],
            **held,
        }
        for row, held in holders
    ]
    return {"common_areas": areas, "next_page_token": token, "page_size": page.size}, 200


@operation(blueprint, "GET", "/phone/rooms", "MEDIUM", query=RoomsQuery())
def list_rooms(call: Call) -> Answer:
    """Zoom Rooms that have a phone."""
    page = page_of(call, "/phone/rooms")
    holders, token, total = _holders(call, page, "room")
    rooms = [
        {
            "id": row["id"],
            "name": row["name"],
            "extension_id": row["extension_id"],
            "extension_number": row["extension_number"],
            **held,
        }
        for row, held in holders
    ]
    return _envelope(page, token, total, "rooms", rooms), 200
