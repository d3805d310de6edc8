"""Telephone numbers: what the tenant has, orders to assign and unassign, and what came of them.

An order is accepted with 202 and the address of an operation; the operation's answer comes wrapped in
`value`, as documented, and with the key in parentheses in its address.
Sources: Graph's numberAssignment: list, assignNumber, unassignNumber, updateNumber;
telephoneNumberLongRunningOperation: get.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint

from . import orders
from .account import Call, stamp
from .errors import malformed, not_found, refused
from .odata import parse_filter, select
from .pages import next_link, page_of
from .service import Answer, Body, operation
from .state import make_id

blueprint = Blueprint("teams_numbers", __name__)

BASE = "/admin/teams/telephoneNumberManagement"
TYPES = ("directRouting", "callingPlan", "operatorConnect")
CATEGORIES = ("primary", "private", "alternate")
DEFAULT_PAGE, LARGEST_PAGE = 500, 1000
PROPERTIES = frozenset(
    {
        "activationState", "assignmentCategory", "assignmentStatus", "assignmentTargetId",
        "capabilities", "city", "civicAddressId", "id", "isoCountryCode", "locationId",
        "networkSiteId", "numberSource", "numberType", "operatorId", "portInStatus",
        "reverseNumberLookupOptions", "supportedCustomerActions", "telephoneNumber",
    }
)  # fmt: skip
NULL = frozenset({"assignmentCategory", "portInStatus"})
"""Enumerations that may not be null in an answer: left out where there is none."""


@operation(
    blueprint,
    "GET",
    f"{BASE}/numberAssignments",
    query=frozenset({"$top", "$skip", "$filter", "$select", "$skiptoken"}),
)
def list_numbers(call: Call) -> Answer:
    """The tenant's numbers."""
    names = select(call.query.get("$select"), PROPERTIES, "numberAssignment")
    page = page_of(call, f"{BASE}/numberAssignments", default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
    skip = call.query.get("$skip", "0")
    if not (skip.isascii() and skip.isdigit()):
        raise malformed(f"Invalid value '{skip}' for $skip.")
    at = int(skip) + page.after
    if "$filter" in call.query:
        entries = [shown(row) for row in call.state.rows("SELECT * FROM numbers ORDER BY seq")]
        wanted = parse_filter(
            call.query["$filter"], PROPERTIES - {"id", "city"}, "numberAssignment"
        )
        found = [entry for entry in entries if wanted.test(entry)][at : at + page.size + 1]
    else:
        sql = "SELECT * FROM numbers ORDER BY seq LIMIT ? OFFSET ?"
        found = [shown(row) for row in call.state.rows(sql, page.size + 1, at)]
    more = {}
    if len(found) > page.size:
        more = {"@odata.nextLink": next_link(call, page, page.after + page.size)}
    cut = found[: page.size]
    value = [{k: v for k, v in each.items() if names is None or k in names} for each in cut]
    return {"@odata.context": _context(call, "numberAssignments"), **more, "value": value}, 200


def shown(row: sqlite3.Row) -> dict[str, Any]:
    """Return a number as Graph shows it."""
    actions = ["locationUpdate"] + ["release"] * (row["type"] == "callingPlan")
    operator = make_id("operator", row["type"])
    entry = {
        "id": base64.urlsafe_b64encode(f"{operator}|{row['number']}".encode()).decode().rstrip("="),
        "telephoneNumber": row["number"],
        "operatorId": operator,
        "numberType": row["type"],
        "activationState": "activated",
        "capabilities": json.loads(row["capabilities"]),
        "locationId": row["location"],
        "civicAddressId": None,
        "networkSiteId": row["network_site"],
        "assignmentTargetId": row["holder"],
        "assignmentCategory": row["category"],
        "assignmentStatus": "unassigned" if row["holder"] is None else "userAssigned",
        "isoCountryCode": row["country"],
        "city": row["city"],
        "numberSource": row["source"],
        "supportedCustomerActions": actions,
        "reverseNumberLookupOptions": json.loads(row["lookup"]),
    }
    return {name: value for name, value in entry.items() if value is not None or name not in NULL}


def _context(call: Call, name: str) -> str:
    return f"{call.base}/$metadata#admin/teams/telephoneNumberManagement/{name}"


ASSIGN = Body(
    "assignNumber",
    {
        "telephoneNumber": "text",
        "assignmentTargetId": "text",
        "numberType": "text",
        "assignmentCategory": "text",
        "locationId": "text?",
    },
    ("telephoneNumber", "assignmentTargetId", "numberType"),
)
UNASSIGN = Body(
    "unassignNumber",
    {"telephoneNumber": "text", "numberType": "text"},
    ("telephoneNumber", "numberType"),
)


@operation(blueprint, "POST", f"{BASE}/numberAssignments/assignNumber", body=ASSIGN)
def assign_number(call: Call) -> tuple[Any, ...]:
    """Order a number for a user."""
    _check_kind(call.body)
    if call.body.get("assignmentCategory", "primary") not in CATEGORIES:
        raise refused("Invalid value specified for property 'assignmentCategory'.")
    return _accepted(call, "assign")


@operation(blueprint, "POST", f"{BASE}/numberAssignments/unassignNumber", body=UNASSIGN)
def unassign_number(call: Call) -> tuple[Any, ...]:
    """Order that a number be free again."""
    _check_kind(call.body)
    return _accepted(call, "unassign")


def _check_kind(body: dict[str, Any]) -> None:
    if body["numberType"] not in TYPES:
        raise malformed(f"Requested value '{body['numberType']}' was not found.")
    number = body["telephoneNumber"].removeprefix("+")
    if not (number.isascii() and number.isdigit() and 3 <= len(number) <= 15):
        raise refused(f"Telephone number '{body['telephoneNumber']}' is not valid.")


def _accepted(call: Call, kind: str) -> tuple[Any, ...]:
    id_ = orders.order(call.tenant, kind, call.body)
    return None, 202, {"Location": f"{call.base}{BASE}/operations('{id_}')"}


UPDATE = Body(
    "updateNumber",
    {
        "telephoneNumber": "text",
        "locationId": "text?",
        "networkSiteId": "text?",
        "reverseNumberLookupOptions": "texts?",
    },
    ("telephoneNumber",),
)


@operation(blueprint, "POST", f"{BASE}/numberAssignments/updateNumber", body=UPDATE)
def update_number(call: Call) -> Answer:
    """Change a number's emergency location, network site or look-up."""
    number = orders.digits(call.body["telephoneNumber"])
    row = call.state.row("SELECT * FROM numbers WHERE number = ?", number)
    if row is None:
        raise not_found(number)
    location = call.body.get("locationId", row["location"])
    known = call.state.value("SELECT count(*) FROM locations")
    if location and known and not call.state.row("SELECT 1 FROM locations WHERE id = ?", location):
        raise refused(f"Emergency location {location} was not found.")
    call.state.run(
        "UPDATE numbers SET location = ?, network_site = ?, lookup = ? WHERE number = ?",
        location,
        call.body.get("networkSiteId", row["network_site"]),
        json.dumps(call.body.get("reverseNumberLookupOptions") or json.loads(row["lookup"])),
        number,
    )
    return None, 204


@operation(blueprint, "GET", f"{BASE}/operations/<operation_id>")
def get_operation(call: Call, operation_id: str) -> Answer:
    """How far an order is."""
    row = call.state.row("SELECT * FROM operations WHERE id = ?", operation_id)
    if row is None:
        raise not_found(operation_id)
    number = orders.digits(json.loads(row["body"])["telephoneNumber"])
    found = call.state.row("SELECT * FROM numbers WHERE number = ?", number)
    at = None if found is None else f"{call.base}{BASE}/numberAssignments/{shown(found)['id']}"
    detail = {"resourceLocation": at, "status": row["status"], "statusDetail": row["detail"]}
    operation_ = {
        "@odata.type": "#microsoft.graph.teamsAdministration.telephoneNumberLongRunningOperation",
        "id": row["id"],
        "createdDateTime": stamp(datetime.fromtimestamp(row["created"], UTC)),
        "status": row["status"],
        "numbers": [detail],
    }
    return {"@odata.context": _context(call, "operations/$entity"), "value": operation_}, 200


@operation(blueprint, "GET", f"{BASE}/operations('<operation_id>')")
def get_operation_by_key(call: Call, operation_id: str) -> Answer:
    """The same, by the address that Location carries."""
    return get_operation(call, operation_id)
