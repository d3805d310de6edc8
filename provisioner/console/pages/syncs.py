"""One sync: how it stands, what it reads, a run of it now, a pushed directory declared complete, its credits."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from connectors.errors import RunError
from provisioner.console.door import decider, operator
from provisioner.console.pages.overview import card, sync_href
from provisioner.console.pages.shell import Counter, Shell
from provisioner.console.pages.words import Badge, ended, moment_or_none, told, why
from provisioner.console.rows import DirectoryRow, SyncRow

_LOOK_AGAIN_S = 3


def add(pages: Blueprint, counter: Counter) -> None:
    """Add the pages."""

    @pages.get("/syncs/<sync>")
    def sync(sync: str) -> str:
        row = counter.desk.sync(sync)
        statement = counter.desk.credits(sync) if row.credits else None
        title, tone = _standing(row)
        return counter.shell.page(
            "sync.html.j2",
            f"Sync {row.name}",
            sync=card(row, counter.shell),
            standing=title,
            tone=tone,
            live=_LOOK_AGAIN_S if row.running_since is not None else None,
            directories=[_directory(each, counter.shell) for each in row.directories],
            warming=[each for each in row.directories if each.warming]
            if operator().may_decide
            else [],
            may_decide=operator().may_decide,
            credits=statement and _credits(statement),
        )

    @pages.post("/syncs/<sync>/start")
    def start(sync: str) -> Response:
        by = decider(request.form.get("by"))
        try:
            run = counter.desk.start(sync, by)
        except RunError as error:
            return counter.shell.go(
                sync_href(sync), told("Nothing was started", why(error), "stop")
            )
        if run is None:
            waits = ["it waits for its turn: other syncs are at work"]
            return counter.shell.go(sync_href(sync), told("Asked for", waits))
        return counter.shell.go(f"/runs/{run}")

    @pages.post("/syncs/<sync>/ready")
    def ready(sync: str) -> Response:
        by = decider(request.form.get("by"))
        try:
            line = counter.desk.ready(sync, request.form.get("directory", ""), by)
        except RunError as error:
            return counter.shell.go(
                sync_href(sync), told("Nothing was declared", why(error), "stop")
            )
        return counter.shell.go(sync_href(sync), told("Declared complete", [line]))


def _standing(row: SyncRow) -> tuple[str, str]:
    """Return in words how it stands with a sync, and in which tone."""
    if row.running_since is not None:
        return "It is at work", "running"
    if row.quarantine is not None:
        return f"It is slowed down: {row.quarantine.reason}", "stop"
    if row.late:
        return "It is late: it gave no sign of life for three of its moments", "stop"
    if row.adopted is None:
        return "It is not adopted yet: a person has to approve a whole full plan of it", ""
    if row.status is None:
        return "It has not run yet", ""
    last = ended(row.status)
    return f"Its last run: {last.words}", {"done": "calm", "failed": "stop"}.get(last.tone, "")


def _directory(each: DirectoryRow, shell: Shell) -> dict[str, Any]:
    warming = Badge("waiting", "warming")
    return {
        "name": each.name,
        "kind": each.kind,
        "read_at": moment_or_none(each.read_at, shell.now()),
        "badge": warming if each.warming else Badge("done", "ready"),
    }


def _credits(statement: dict[str, Any]) -> dict[str, Any]:
    lapse = statement["next_lapse"]
    facts = [
        ("Balance", statement["balance"]),
        ("Used a day", statement["rate"]),
        ("Lasts until", statement["runs_out"] or "no end in sight"),
        ("Lapses next", f"{lapse['amount']} on {lapse['date']}" if lapse else "nothing"),
        ("People relying on it", f"{statement['relying']:,}"),
    ]
    return {"facts": facts, "warnings": statement["warnings"]}
