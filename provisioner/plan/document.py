"""The plan as JSON: `provisioner-plan/1` (DESIGN section 7), one object or JSON lines.

Both directions: what `plan --format json` writes, `approve` and `apply` read back.
"""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.errors import RunError
from connectors.records import Change
from provisioner.plan.model import FORMAT, Decided, Plan


def instant(moment: datetime) -> str:
    """Return an aware moment as the documents write it: UTC, to the second, with a Z.

    >>> instant(datetime(2026, 11, 23, 9, tzinfo=UTC))
    '2026-11-23T09:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def change_document(change: Change) -> dict[str, Any]:
    """Return a change in the plan JSON's shape; `reason` is there only where there is one.

    `user_kind` is there only for a room or a common area.
    """
    document: dict[str, Any] = msgspec.to_builtins(change)
    if change.reason is None:
        del document["reason"]
    if change.user_kind == "person":
        del document["user_kind"]
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
    if plan.summary.cost is None:
        del document["summary"]["cost"]
    if plan.forecast:
        document["forecast"] = msgspec.to_builtins(plan.forecast)
    if plan.adoption is not None:
        document["adoption"] = msgspec.to_builtins(plan.adoption)
    if plan.comparison is not None:
        document["comparison"] = msgspec.to_builtins(plan.comparison)
    return document


def written_head(plan: Plan) -> dict[str, Any]:
    """Return what is written of a plan but its changes: the head, and how it stands by now.

    `states` is a hash of what moves on after the plan is recorded, so that nobody approves by editing
    a file.
    """
    document = head_document(plan)
    decided = [_decided(each) for each in plan.decisions]
    if decided:
        document["decisions"] = decided
    moving = ([(c.seq, c.id, c.state, c.reason) for c in plan.changes], decided)
    document["states"] = f"sha256:{hashlib.sha256(_canonical(moving)).hexdigest()}"
    return document


def _decided(decided: Decided) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(decided) | {"until": instant(decided.until)}
    if decided.lacks is None:
        del document["lacks"]
    return document


def _canonical(document: object) -> bytes:
    """Return values as JSON that is the same for the same values."""
    try:
        return msgspec.json.encode(document, order="sorted")
    except UnicodeEncodeError:  # half a surrogate pair, as a directory may have it
        return json.dumps(msgspec.to_builtins(document), sort_keys=True).encode()


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the whole plan as one JSON object."""
    head = written_head(plan)
    at = list(head).index("blocked")
    items = list(head.items())
    items.insert(at, ("changes", [change_document(c) for c in plan.changes]))
    return dict(items)


def json_lines(plan: Plan) -> Iterator[str]:
    """Yield the plan as JSON lines without line ends: the head first, then a change a line."""
    yield json.dumps(written_head(plan), ensure_ascii=False)
    for change in plan.changes:
        yield json.dumps(change_document(change), ensure_ascii=False)


def read_plan(text: str) -> Plan:
    """Return the plan that a written document (either form) holds; it may be formatted anew.

    Raises RunError, with the reason, for text that is no plan, is cut off, was edited, or is of
    another version.
    """
    try:
        head, rest = _parts(text.strip())
        _refuse_other_format(head.get("format"))
        changes = [_read_change(raw) for raw in rest]
        plan = msgspec.convert({**head, "changes": changes}, Plan)
        _refuse_edited(plan, head)
        return plan
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise RunError(
            f"the plan file can't be read: {error}; it was edited or cut off, or is no plan file",
            remedy=_ANEW,
        ) from None


_ANEW = "give the plan's id, or write it anew: `provisioner show PLAN --format json --output FILE`"


def _parts(text: str) -> tuple[dict[str, Any], list[Any]]:
    """Return the head, and the text of each change, of a plan in either form."""
    first, _, lines = text.partition("\n")
    try:
        members = _members(first)
    except ValueError:
        members, lines = _members(text), ""
    changes = members.pop("changes", None)
    if changes is not None and lines:
        raise ValueError("there is more than one document in it")
    head = {name: msgspec.json.decode(raw) for name, raw in members.items()}
    if changes is not None:
        return head, msgspec.json.decode(changes, type=list[msgspec.Raw])
    return head, lines.split("\n") if lines else []


_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _refuse_other_format(found: object) -> None:
    if found != FORMAT:
        raise RunError(
            f"this is no plan of the format {FORMAT} (found {reprlib.repr(found)})",
            remedy="give a plan's id, or a file that `provisioner plan --format json` of this version wrote",
        )


def _read_change(raw: Any) -> Change:
    """Return a change; raise ValueError unless it is written as it would be."""
    document = msgspec.json.decode(raw)
    change = msgspec.convert(document, Change)
    if _canonical(change_document(change)) != _canonical(document):
        raise ValueError(f"change {change.seq} has members that none has, or lacks some")
    return change


def _refuse_edited(plan: Plan, head: dict[str, Any]) -> None:
    """Raise ValueError if this is not the head that the plan would be written with."""
    if _canonical(written_head(plan)) == _canonical(head):
        return
    total = sum(plan.summary.changes.values())
    if len(plan.changes) < total:
        raise ValueError(f"it holds {len(plan.changes):,} of {total:,} changes")
    raise ValueError("its members don't belong together")
