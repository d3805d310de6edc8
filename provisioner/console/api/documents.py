"""What the desk tells, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.console.rows import DirectoryRow, Outline, Page, Standing, SyncRow
from provisioner.letting_go import rest_document
from provisioner.plan.document import head_document, instant
from provisioner.report.history import plan_document
from provisioner.store.decisions import Adopted
from provisioner.store.figures import Waiting

_LEFT_OUT = ("format", "blocked", "waiting")
"""Members of a plan's head that its outline leaves out: they may be as long as the plan."""


def sync_document(row: SyncRow) -> dict[str, Any]:
    """Return how it stands with a sync."""
    return {
        "name": row.name,
        "directories": [_directory(each) for each in row.directories],
        "phone_system": row.phone_system,
        "schedule": row.schedule,
        "running_since": _instant(row.running_since),
        "ended_at": _instant(row.ended_at),
        "status": row.status,
        "next_start": _instant(row.next_start),
        "late": row.late,
        "quarantine": row.quarantine and rest_document(row.quarantine),
        "adopted": _adopted(row.adopted),
        "pushes": _pushes(row.pushes),
        "plan": _newest(row.plan),
        "credits": row.credits,
    }


def outline_document(outline: Outline) -> dict[str, Any]:
    """Return a plan without its changes."""
    head = head_document(outline.head)
    return {
        **{name: value for name, value in head.items() if name not in _LEFT_OUT},
        **plan_document(outline.row),
        "groups": [group._asdict() for group in outline.groups],
        "awaiting": outline.awaiting,
        "adopted": outline.adopted,
        "freezes": list(outline.freezes),
        "newer": outline.newer,
    }


def page_document(name: str, items: list[dict[str, Any]], page: Page[Any]) -> dict[str, Any]:
    """Return a part of a list, and what to go on with."""
    return {name: items, "next": page.next}


def _directory(row: DirectoryRow) -> dict[str, Any]:
    about = {"name": row.name, "kind": row.kind, "warming": row.warming}
    return about | {"read_at": _instant(row.read_at)}


def _newest(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    return {
        "id": standing.id,
        "created_at": instant(standing.created_at),
        "states": standing.states,
        "awaiting": standing.awaiting,
        "second": standing.second,
    }


def _adopted(adopted: Adopted | None) -> dict[str, str] | None:
    return None if adopted is None else {"at": instant(adopted.at), "by": adopted.by}


def _pushes(waiting: Waiting | None) -> dict[str, Any] | None:
    if waiting is None:
        return None
    return {"people": waiting.people, "since": instant(waiting.since)}


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)
