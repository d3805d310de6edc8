"""Zoom's operation log of the phone system: who did what, in free text that names nobody by an id.

It is asked by days, a month at most, and answers with the newest first. What an entry is about its
category tells, and for the categories that hold everything about a user the words of its text. The log
is the phone system's alone: who changed a name, a department or a job title isn't in it.
Source: Zoom Phone's OpenAPI, GET /phone/reports/operationlogs; Zoom's reference "Phone operation
categories".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from connectors.operations import Operation
from connectors.phone.zoom.auth import Api
from connectors.phone.zoom.lists import pages
from connectors.records import fold

PATH = "/phone/reports/operationlogs"
PAGES, PAGE = 10, 300
"""So many pages of so many entries are read at most: requests of this kind are few a second."""
MONTH = timedelta(days=30)
LONGEST = 2000
"""A longer text names too many for any of them to be meant."""

_HELD = frozenset(
    {"license", "package", "number", "template", "site", "extension", "delegate", "delegation"}
)
"""What comes and goes with a phone user."""
_CATEGORIES = {
    "calling plan": frozenset({"package", "number"}),  # with the last plan the numbers go
    "phone number": frozenset({"number"}),
    "extension": frozenset({"extension"}),
    "extension template": frozenset({"template"}),
    "multiple site": frozenset({"site"}),
    "multiple sites": frozenset({"site"}),
    "delegation": frozenset({"delegate", "delegation"}),
    "emergency address": frozenset({"emergency"}),
}
_ELSEWHERE = frozenset(
    {
        "account allow list", "account blocked", "approved account", "auto receptionist", "backup routing rule",
        "barge monitor whisper", "blocked account", "blocked user", "call forward", "call forwarding", "call log",
        "call logs", "call monitoring", "call queue", "call queues", "call recordings", "company info",
        "company information", "contact center", "contact center domain", "custom vm greeting",
        "custom voicemail greeting", "device", "dial by name", "emergency calling", "emergency number routing rule",
        "emergency service", "extension line keys", "external contacts", "holiday hours", "outbound number",
        "provision template", "recording", "shared line group", "shared line groups", "sip group", "sip trunk group",
        "spam", "user blocked", "voicemail", "zoom phone device", "zoom phone role",
    }
)  # fmt: skip
"""Categories of what no change of ours is about."""
_WORDS = [
    (re.compile(pattern), about)
    for pattern, about in (
        (r"\bcalling plans?\b", frozenset({"package", "number"})),
        (r"\b(?:phone|direct) numbers?\b|\bbyoc\b", frozenset({"number"})),
        (r"\bextension number\b", frozenset({"extension"})),
        (r"\btemplate\b", frozenset({"template"})),
        (r"\bsite\b", frozenset({"site"})),
        (r"\b(?:delegation|delegates?|assistants?)\b", frozenset({"delegate", "delegation"})),
        (r"\bemergency address\b", frozenset({"emergency"})),
        (r"\bzoom phone licen[sc]e\b", _HELD),
        (r"\b(?:add|delete|remove|activate|deactivate) users?\b", _HELD | {"user"}),
    )
]


def read_operations(api: Api, since: datetime, ours: str | None) -> Iterator[Operation]:
    """Yield the entries since a moment, but for those of `ours`: the mail address our app writes under.

    Days are those of UTC. Raises an IncompleteRead, a TransientError or a RunError (a missing scope).
    """
    now = api.now().astimezone(UTC)
    # entries are to the second
    first = max(since.astimezone(UTC).replace(microsecond=0), now - MONTH)
    days = {"from": f"{first:%Y-%m-%d}", "to": f"{now:%Y-%m-%d}"}
    listed = pages(api, PATH, label="phone.heavy", size=PAGE, params=days)
    for page in islice(listed, PAGES):
        entries = page.get("operation_logs")
        found = [each for entry in _listed(entries) if (each := _operation(entry)) is not None]
        yield from (
            each
            for each in found
            if each.at >= first and (ours is None or fold(each.operator) != fold(ours))
        )
        if found and found[-1].at <= found[0].at and found[-1].at < first:
            return  # the newest come first, and from here on all are older


def _listed(entries: object) -> list[dict[str, Any]]:
    found = entries if isinstance(entries, list) else []
    return [entry for entry in found if isinstance(entry, dict)]


def _operation(entry: dict[str, Any]) -> Operation | None:
    """Return one entry; None for one without a time, an operator or a text that can be used."""
    at, operator = _moment(entry.get("time")), _line(entry.get("operator"))
    detail = _line(entry.get("operation_detail"))
    if at is None or not operator or not detail or len(detail) > LONGEST:
        return None
    return Operation(at, operator, detail, _about(_line(entry.get("category_type")), detail))


def _moment(text: object) -> datetime | None:
    """Return a moment; one without a time zone is UTC's.

    >>> _moment("2026-11-23T14:02:33Z") == _moment("2026-11-23 14:02:33")
    True
    """
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _line(value: object) -> str:
    """Return a text in one line, without what can't be printed."""
    text = value if isinstance(value, str) else ""
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())


def _about(category: str, detail: str) -> frozenset[str] | None:
    """Return the families of changes that an entry is about; None where that isn't clear.

    >>> sorted(_about("Calling Plan", "Remove calling plan Pro from Ext. 4077"))
    ['number', 'package']
    >>> _about("Voicemail", "Delete voicemail of eva@example.org"), _about("User", "Edit User eva@example.org")
    (frozenset(), None)
    """
    named = " ".join(re.split(r"[\s_]+", category.lower()))
    if named in _ELSEWHERE:
        return frozenset()
    text = detail.lower()
    told = [about for pattern, about in _WORDS if pattern.search(text)]
    told += [_CATEGORIES[named]] if named in _CATEGORIES else []
    return frozenset().union(*told) if told else None
