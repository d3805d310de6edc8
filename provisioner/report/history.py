"""The history: which runs there were and how they ended, which plans and what became of them.

`provisioner runs` shows it in the formats of a report, newest first as the store gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

from rich.cells import cell_len

from provisioner.plan.document import instant
from provisioner.report.document import dumped
from provisioner.report.figures import visible
from provisioner.report.markdown import code
from provisioner.report.table import cell, write_table
from provisioner.report.text import Page, padded
from provisioner.store.reviews import Review
from provisioner.store.runs import PlanRow, RunRow

RUN_COLUMNS = ("run", "sync", "command", "plan", "started", "took", "ended")
PLAN_COLUMNS = ("plan", "sync", "made", "scope", "approved by", "changes")
CSV_COLUMNS = (
    *("what", "id", "sync", "plan", "command", "scope"),
    *("started_at", "ended_at", "status", "approved_by", "summary"),
)
ENDED = {
    0: "done",
    1: "failed",
    2: "changes planned",
    3: "refused or held",
    4: "waits for approval",
    5: "done in part",
}
"""The exit statuses (DESIGN section 6) in words."""


def write_history(
    runs: Sequence[RunRow],
    plans: Sequence[PlanRow],
    format: str,
    out: TextIO,
    *,
    color: bool = False,
) -> None:
    """Write runs and plans in one of the report's FORMATS. Raises ValueError for another."""
    if format == "text":
        _write_text(runs, plans, out, color=color)
    elif format == "markdown":
        _write_markdown(runs, plans, out)
    elif format == "html":
        from provisioner.report.page import write_history_page

        write_history_page(_sections(runs, plans), out)
    elif format == "csv":
        rows = [*map(_run_cells, runs), *map(_plan_cells, plans)]
        write_table(CSV_COLUMNS, ([cell(text) for text in row] for row in rows), out)
    elif format == "json":
        document = {"runs": list(map(run_document, runs)), "plans": list(map(plan_document, plans))}
        out.write(dumped(document) + "\n")
    elif format == "jsonl":
        for run in runs:
            out.write(dumped({"what": "run", **run_document(run)}) + "\n")
        for plan in plans:
            out.write(dumped({"what": "plan", **plan_document(plan)}) + "\n")
    else:
        raise ValueError(f"no report format {format!r}")


def run_document(run: RunRow) -> dict[str, Any]:
    """Return a run as JSON: moments in UTC, `ended_at` and `status` null while it runs."""
    return {
        "id": run.id,
        "sync": run.sync,
        "plan": run.plan,
        "command": run.command,
        "started_at": instant(run.started_at),
        "ended_at": instant(run.ended_at) if run.ended_at else None,
        "status": run.status,
        "summary": run.summary,
    }


def plan_document(plan: PlanRow) -> dict[str, Any]:
    """Return a recorded plan's line of the history as JSON.

    `reviews` are what people decided about it; `lacking_second` counts the changes that one person has
    approved and two must.
    """
    return {
        "id": plan.id,
        "sync": plan.sync,
        "created_at": instant(plan.created_at),
        "scope": plan.scope,
        "approved_by": plan.approved_by,
        "states": dict(sorted(plan.states.items())),
        "reviews": list(map(_review_document, plan.reviews)),
        "lacking_second": plan.lacking,
    }


def _review_document(review: Review) -> dict[str, Any]:
    return {
        "decision": review.decision,
        "by": review.by,
        "at": instant(review.at),
        "until": instant(review.until) if review.until else None,
        "only": list(review.only),
        "changes": review.changes,
    }


def _run_cells(run: RunRow) -> list[str]:
    ended = instant(run.ended_at) if run.ended_at else ""
    status = "" if run.status is None else str(run.status)
    summary = dumped(run.summary, compact=True)
    started = instant(run.started_at)
    first = ["run", run.id, run.sync, run.plan or "", run.command, ""]
    return [*first, started, ended, status, "", summary]


def _plan_cells(plan: PlanRow) -> list[str]:
    states = dumped(dict(sorted(plan.states.items())), compact=True)
    first = ["plan", plan.id, plan.sync, plan.id, "", plan.scope]
    return [*first, instant(plan.created_at), "", "", plan.approved_by or "", states]


Section = tuple[str, Sequence[str], list[list[str]]]
"""A title, its columns, and its rows of text."""


def _sections(runs: Sequence[RunRow], plans: Sequence[PlanRow]) -> tuple[Section, Section]:
    """Return both tables as text that can be shown."""
    return (
        ("Runs", RUN_COLUMNS, [[visible(text) for text in _run_row(run)] for run in runs]),
        ("Plans", PLAN_COLUMNS, [[visible(text) for text in _plan_row(plan)] for plan in plans]),
    )


def _run_row(run: RunRow) -> list[str]:
    took = ""
    if run.ended_at is not None:
        took = f"{(run.ended_at - run.started_at).total_seconds():,.0f} s"
    ended = "running" if run.status is None else ENDED.get(run.status, f"status {run.status}")
    if until := run.summary.get("quarantined_until"):
        ended += f", in quarantine until {until}"
    return [run.id, run.sync, run.command, run.plan or "", instant(run.started_at), took, ended]


def _plan_row(plan: PlanRow) -> list[str]:
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(plan.states.items()))
    made = instant(plan.created_at)
    return [plan.id, plan.sync, made, plan.scope, _approved_by(plan), states or "none"]


def _approved_by(plan: PlanRow) -> str:
    """Return in words who approved a plan, or parts of it, and whether that is enough."""
    said: dict[str, None] = {}
    for review in plan.reviews:
        part = f" ({', '.join(review.only)})" if review.only else ""
        if review.decision == "rejected" and not review.only:
            said.clear()  # it ended whatever was approved before
        if review.decision == "rejected":
            said[f"rejected by {review.by}{part}"] = None
        else:
            said.pop(f"rejected by {review.by}", None)
            said[f"{review.by}{part}"] = None
    lacking = f"; {plan.lacking:,} wait for a second" if plan.lacking else ""
    return (", ".join(said) or plan.approved_by or "nobody") + lacking


def _write_text(
    runs: Sequence[RunRow], plans: Sequence[PlanRow], out: TextIO, *, color: bool
) -> None:
    page = Page(out, color=color, width=None)
    for number, (title, columns, rows) in enumerate(_sections(runs, plans)):
        if number:
            page.blank()
        page.line(0, (title, "bold"), "" if rows else ": none yet")
        sizes = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
        for row in [list(columns), *rows] if rows else []:
            style = "dim" if row == list(columns) else ""
            cells = zip(row, sizes, strict=True)
            page.line(2, *((padded(text, size + 2), style) for text, size in cells))


def _write_markdown(runs: Sequence[RunRow], plans: Sequence[PlanRow], out: TextIO) -> None:
    for title, columns, rows in _sections(runs, plans):
        out.write(f"### {title}\n\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n")
        for row in rows:
            out.write(f"| {' | '.join(code(text) if text else '' for text in row)} |\n")
        out.write("\n")
