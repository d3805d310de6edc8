"""Runs: the list of them, one with what became of each change, and the undo of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from flask import Blueprint, Response, request

from connectors.errors import ProvisionerError, RunError
from connectors.records import Change
from provisioner.console.desk import Desk
from provisioner.console.door import decider, operator
from provisioner.console.pages import clusters
from provisioner.console.pages.listing import NEWEST_FIRST, Listing
from provisioner.console.pages.shell import Counter
from provisioner.console.pages.words import Act, Said, Told, ended, said, states, told, took, why
from provisioner.plan.model import Plan
from provisioner.report.figures import counted, states_of
from provisioner.report.views import Rows
from provisioner.store.runs import RunRow

_PLANNED_WITHIN_S = 3.0
"""So long the plan of an undo is waited for; then the run's page tells what comes of it."""

_LOOK_AGAIN_S = 2
_BIG, _LOOK_AGAIN_AT_BIG_S = 10_000, 10
"""Of a plan with so many changes every look reads them all."""
_SHOWN = 50
_GROUPS = (
    ("Failed", ("failed",)),
    ("Left alone", ("stale", "skipped")),
    ("Sent, and not known yet what became of it", ("sent",)),
    ("Accepted, and not effective yet", ("settling",)),
    ("Held by a limit", ("held",)),
    ("Done", ("done",)),
)


def add(pages: Blueprint, counter: Counter) -> None:
    """Add the pages."""

    @pages.get("/runs")
    def runs() -> str:
        listing, plan = Listing.asked(), request.args.get("plan") or None
        found = counter.desk.runs(*listing, plan=plan)
        return counter.shell.page(
            "runs.html.j2",
            "Runs" if plan is None else f"Runs of plan {plan}",
            syncs=counter.names if plan is None else [],
            chosen=listing.sync,
            runs=[_row(row, counter) for row in found.items],
            pages=listing.pages("/runs", found.next, NEWEST_FIRST, ("plan", plan)),
        )

    @pages.get("/runs/<run>")
    def run(run: str) -> str:
        return _run_page(counter, counter.desk.run(run))

    @pages.get("/runs/<run>/undo")
    def ask_to_undo(run: str) -> str:
        found = counter.desk.run(run)
        return counter.shell.page("undo.html.j2", f"Undo run {found.id}?", run=found)

    @pages.post("/runs/<run>/undo")
    def undo(run: str) -> Response:
        by = decider(request.form.get("by"))
        try:
            plan = counter.desk.undo(run, by).result(_PLANNED_WITHIN_S)
        except TimeoutError:
            return counter.shell.go(f"/runs/{run}#undo")
        except RunError as error:
            return counter.shell.go(f"/runs/{run}", told("Nothing was planned", why(error), "stop"))
        line = (
            f"this plan takes back what run {run} did; nothing is carried out before it is approved"
        )
        return counter.shell.go(f"/plans/{plan}", told("The undo is planned", [line]))


def _row(row: RunRow, counter: Counter) -> dict[str, Any]:
    return {
        "id": row.id,
        "href": f"/runs/{row.id}",
        "sync": row.sync,
        "at": counter.shell.at(row.started_at),
        "took": _took(row),
        "command": row.command,
        "plan": row.plan,
        "words": " ".join(_in_words(row)),
        "ended": ended(row.status, running=row.ended_at is None),
    }


def _took(row: RunRow) -> str:
    return "" if row.ended_at is None else took((row.ended_at - row.started_at).total_seconds())


def _in_words(row: RunRow) -> Iterator[str]:
    if counts := row.summary.get("states"):
        yield _states_in_words(counts)
    if error := row.summary.get("error"):
        yield str(error)


def _states_in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))


def _run_page(counter: Counter, row: RunRow) -> str:
    running = row.ended_at is None
    plan = _plan_of(counter.desk, row)
    undo = counter.desk.undo_of(row.id)
    live = running or (undo is not None and not undo.done())
    return counter.shell.page(
        "run.html.j2",
        f"Run {row.id} · sync {row.sync}",
        run=row,
        by=counter.desk.started_by(row.id),
        started=counter.shell.at(row.started_at),
        took=_took(row),
        ended=ended(row.status, running=running),
        running=running,
        live=_look_again_s(plan) if live else None,
        undo=undo and _undo(row, undo),
        lines=list(_lines(row)),
        acts=_acts(row),
        states=states(states_of(plan)) if plan else [],
        groups=list(_groups(plan)) if plan else [],
    )


def _undo(row: RunRow, plan: Future[str]) -> Told:
    """Return what comes, or came, of the undo of a run."""
    if not plan.done():
        return told("An undo of this run is being planned", ["the phone system is read for it"], "")
    error = plan.exception()
    if error is None:
        here = plan.result()
        lines = [f"plan {here} takes back what run {row.id} did, once it is approved"]
        return told("The undo is planned", lines, links=[Act(f"Plan {here}", f"/plans/{here}")])
    lines = (
        why(error) if isinstance(error, ProvisionerError) else ["a fault on our side: see the log"]
    )
    return told("The undo could not be planned", lines, "stop")


def _look_again_s(plan: Plan | None) -> int:
    return _LOOK_AGAIN_AT_BIG_S if plan and len(plan.changes) > _BIG else _LOOK_AGAIN_S


def _plan_of(desk: Desk, row: RunRow) -> Plan | None:
    return None if row.plan is None else desk.plan(row.plan)


def _lines(row: RunRow) -> Iterator[Said]:
    """Yield what is on record of how the run ended."""
    summary = row.summary
    if error := summary.get("error"):
        yield from said(str(error))
    if counts := summary.get("states"):
        yield from said(_states_in_words(counts))
    if calls := summary.get("calls"):
        each = ", ".join(f"{count} {label}" for label, count in sorted(calls.items()))
        reads = summary.get("reads", 0)
        yield from said(f"write calls: {sum(calls.values())} ({each}); fresh reads: {reads}")
    if until := summary.get("quarantined_until"):
        yield from said(f"most of its calls failed: the sync waits until {until}")


def _acts(row: RunRow) -> list[Act]:
    found = [Act(f"Plan {row.plan}", f"/plans/{row.plan}")] if row.plan else []
    if row.ended_at is not None and row.plan is not None and operator().may_decide:
        found.append(Act("Undo this run …", f"/runs/{row.id}/undo", "stop"))
    return found


def _groups(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the changes of the run's plan by what became of them, those to look at first."""
    rows_of = Rows(plan)
    for number, (title, names) in enumerate(_GROUPS, start=1):
        found: list[Change] = [change for change in plan.changes if change.state in names]
        if not found:
            continue
        more = Act(f"All {len(found):,} of them", clusters.changes_href(plan, state=names[0]))
        yield {
            "anchor": f"h-group-{number}",
            "title": f"{title}: {counted(len(found), 'change', 'changes')}",
            "rows": clusters.linked(plan, rows_of(found[:_SHOWN])),
            "all": more if len(found) > _SHOWN else None,
        }
