"""The phone system's operation logs: what administrators did, the newest first, a month at most.

Without `from` they are those of the last 24 hours; of a longer time than a month the last month of it.
What an app may not read for want of a scope, Zoom refuses with a 400 of code 4711.
Source: Zoom Phone's OpenAPI, GET /phone/reports/operationlogs; Zoom's reference "Phone operation
categories"; the message about scopes as Zoom's developer forum shows it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from flask import Blueprint
from marshmallow import Schema, fields

from .account import Call, stamp
from .errors import ZoomError, invalid
from .fields import pages
from .pages import cut, page_of
from .service import Answer, operation

blueprint = Blueprint("zoom_operation_logs", __name__)

SCOPE = "phone:read:operation_logs:admin"
MONTH = timedelta(days=31)
_LAST = 2**62
_CATEGORIES = frozenset(
    {
        "account_allow_list", "account_blocked", "account_options", "auto_receptionist",
        "backup_routing_rule", "barge_monitor_whisper", "call_forward", "call_log",
        "call_queue", "call_setting", "calling_plan", "company_info",
        "contact_center", "contact_center_domain", "csv_import", "custom_vm_greeting",
        "delegation", "device", "dial_by_name", "emergency_address",
        "emergency_calling", "emergency_number_routing_rule", "emergency_service", "extension",
        "extension_line_keys", "extension_template", "external_contacts", "holiday_hours",
        "location", "multiple_site", "outbound_number", "phone_number",
        "policy", "provision_template", "recording", "shared_line_group",
        "sip_group", "sip_trunk_group", "spam", "user",
        "user_blocked", "voicemail", "zoom_phone_role", "zoom_room",
    }
)  # fmt: skip
_SHOWN = {"multiple_site": "Multiple Sites", "company_info": "Company Information"}
"""What the entries call a category, where that isn't its words with capitals."""


Query = Schema.from_dict(
    {
        "from": fields.Date(format="%Y-%m-%d"),  # a word of Python's own
        "to": fields.Date(format="%Y-%m-%d"),
        "category_type": fields.String(load_default="all"),
        **pages(300),
    }
)


@operation(blueprint, "GET", "/phone/reports/operationlogs", "HEAVY", query=Query())
def list_operation_logs(call: Call) -> Answer:
    """Every operation on the phone system between two days, both included."""
    if not call.options.operation_logs:
        said = f"Invalid access token, does not contain scopes:[{SCOPE}]."
        raise ZoomError(400, 4711, said)
    first, last, since = _span(call)
    until = f"{last + timedelta(days=1)}"
    where, bound = "time >= ? AND time < ?", [since, until]
    category = call.query["category_type"]
    if category != "all":
        if category not in _CATEGORIES:
            raise invalid("category_type")
        where, bound = f"{where} AND category = ?", [*bound, _shown(category)]
    page = page_of(call, "/phone/reports/operationlogs")
    total = call.state.value(f"SELECT count(*) FROM operation_logs WHERE {where}", *bound)  # noqa: S608
    rows = call.state.rows(
        f"SELECT *, {_LAST} - seq AS place FROM operation_logs"  # noqa: S608
        f" WHERE {where} AND seq < ? ORDER BY seq DESC LIMIT ?",
        *bound,
        _LAST - page.after,
        page.size + 1,
    )
    shown, token = cut(call, page, rows, by="place")
    return {
        "next_page_token": token,
        "page_size": page.size,
        "total_records": total,
        "from": str(first),
        "to": str(last),
        "operation_logs": [
            {
                "action": row["action"],
                "category_type": row["category"],
                "operation_detail": row["detail"],
                "operator": row["operator"],
                "time": row["time"],
            }
            for row in shown
        ],
    }, 200


def _span(call: Call) -> tuple[date, date, str]:
    """Return the first and the last day that are asked for, and from when on: a day, or a moment."""
    now = call.account.clock().astimezone(UTC)
    first, last = call.query.get("from"), call.query.get("to")
    if first is None:
        since = now - timedelta(days=1)
        return since.date(), now.date(), stamp(since)
    if last is None:
        raise invalid(("to", "Required when the from parameter is specified."))
    if last < first:
        raise invalid(("from", "The start date is after the end date."))
    first = max(first, last - MONTH)
    return first, last, stamp(datetime(first.year, first.month, first.day, tzinfo=UTC))


def _shown(category: str) -> str:
    """Return a category as entries show it.

    >>> _shown("phone_number")
    'Phone Number'
    """
    return _SHOWN.get(category, category.replace("_", " ").title())
