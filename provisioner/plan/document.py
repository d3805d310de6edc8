"""The plan as JSON: `provisioner-plan/1` (DESIGN section 7), one object or JSON lines.

Both directions: what `plan --format json` writes, `approve` and `apply` read back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.errors import RunError
from connectors.records import Change
from provisioner.plan.model import FORMAT, Plan


def instant(moment: datetime) -> str:
    """Return an aware moment as the documents write it: UTC, to the second, with a Z.

    >>> instant(datetime(2026, 11, 23, 9, tzinfo=UTC))
    '2026-11-23T09:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def change_document(change: Change) -> dict[str, Any]:
    """Return a change in the plan JSON's shape; `reason` is there only where there is one."""
    document: dict[str, Any] = msgspec.to_builtins(change)
    if change.reason is None:
        del document["reason"]
    return document


def head_document(plan: Plan) -> dict[str, Any]:
    """Return everything of the plan but its changes, in the order of the format."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "id": plan.id,
        "sync": plan.sync,
        "created_at": instant(plan.created_at),
        "as_of": instant(plan.as_of),
        "base": msgspec.to_builtins(plan.base),
        "summary": msgspec.to_builtins(plan.summary),
        "clusters": msgspec.to_builtins(plan.clusters),
        "blocked": [change_document(c) for c in plan.blocked],
        "waiting": [change_document(c) for c in plan.waiting],
        "conflicts": msgspec.to_builtins(plan.conflicts),
        "warnings": list(plan.warnings),
        "scope": plan.scope,
    }
    if plan.adoption is not None:
        document["adoption"] = msgspec.to_builtins(plan.adoption)
    return document


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the whole plan as one JSON object."""
    head = head_document(plan)
    at = list(head).index("blocked")
    items = list(head.items())
    items.insert(at, ("changes", [change_document(c) for c in plan.changes]))
    return dict(items)


def json_lines(plan: Plan) -> Iterator[str]:
    """Yield the plan as JSON lines without line ends: the head first, then a change a line."""
    yield json.dumps(head_document(plan), ensure_ascii=False)
    for change in plan.changes:
        yield json.dumps(change_document(change), ensure_ascii=False)


def read_plan(text: str) -> Plan:
    """Return the plan that a written document (either form) holds.

    Raises RunError, with the reason, for text that is no plan, is cut off, or is of another version.
    """
    try:
        lines = text.strip()
        try:
            document = json.loads(lines)
        except ValueError:
            head, *rest = lines.split("\n")
            document = json.loads(head)
            document["changes"] = [json.loads(line) for line in rest]
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            found = document.get("format") if isinstance(document, dict) else None
            raise RunError(
                f"this is no plan of the format {FORMAT} (found {found!r})",
                remedy="give a plan's id, or a file that `provisioner plan --format json` wrote",
            )
        document.setdefault("changes", [])
        return msgspec.convert(document, Plan)
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise RunError(
            f"the plan file can't be read: {error}",
            remedy="it may be cut off or edited; write it again with `provisioner show PLAN --format json`",
        ) from None
