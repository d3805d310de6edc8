"""`provisioner rehearse`: what an apply of a plan would do, tried on a simulated copy of the phone system."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from provisioner.apply import Allowance
from provisioner.commands.plans import opened, plan_id, say, site_of, told
from provisioner.commands.stopping import stopping
from provisioner.freeze import freezes
from provisioner.progress import for_stderr
from provisioner.rehearsal import Rehearsed, rehearse
from provisioner.report.document import dumped
from provisioner.report.figures import counted, visible

_NAMED = 20
"""Differences that are named one by one."""


def run_rehearse(
    config: Path,
    given: str,
    allowance: Allowance,
    inventory: Path | None,
    form: str,
    *,
    rate_limits: bool,
) -> int:
    """Rehearse a recorded plan, say how it went, and return the exit status."""
    site = site_of(config)
    chosen = plan_id(site, given)
    progress = for_stderr()
    try:
        with stopping(site.stop):
            found = rehearse(
                site, chosen, allowance, progress, inventory=inventory, rate_limits=rate_limits
            )
    finally:
        progress.close()
    if form == "json":
        with opened(None, form) as out:
            out.write(dumped(document(found)) + "\n")
    else:
        holding = freezes(site.config.syncs[found.plan.sync].freeze, site.now())
        _, *rest = told(found.applied, found.plan, holding)
        say([*_said(found), *rest])
    if found.applied.stopped_by is not None:
        click.echo(f"failed: {found.applied.stopped_by}", err=True)
    return found.status


def _said(found: Rehearsed) -> Iterator[str]:
    states = ", ".join(f"{n} {state}" for state, n in sorted(found.applied.states.items()))
    users = counted(found.users, "phone user", "phone users")
    yield f"plan {found.plan.id} rehearsed on a copy of {users}; nothing real was changed"
    yield f"  would be: {states or 'nothing to do'}"
    if manual := sum(c.state == "manual" for c in found.plan.changes):
        yield f"  left to a person: {counted(manual, 'manual step', 'manual steps')}"
    if found.calls:
        calls = ", ".join(f"{n} {label}" for label, n in sorted(found.calls.items()) if label)
        least = found.estimate
        spread = f", over {least.days} days" if least.days > 1 else ""
        by = f" ({least.label} decides)" if least.label else ""
        yield f"  requests: {sum(found.calls.values())} ({calls})"
        yield f"  at the vendor's limits: {_span(least.seconds)} at least{by}{spread}"
    verified = found.verified
    if verified.differences:
        yield f"  the end state is not the plan's: {len(verified.differences)} differences"
        for words in verified.differences[:_NAMED]:
            yield f"    {visible(words)}"
        if len(verified.differences) > _NAMED:
            yield f"    and {len(verified.differences) - _NAMED} more"
    else:
        unread = (
            f"; {counted(verified.unreadable, 'change', 'changes')} of it no read can show"
            if verified.unreadable
            else ""
        )
        yield f"  the end state is what these changes say, and nobody else's changed{unread}"


def _span(seconds: float) -> str:
    """Return a length of time in words.

    >>> _span(0.4), _span(125), _span(7260), _span(200_000)
    ('1 s', '2 min 5 s', '2 h 1 min', '2 days 7 h')
    """
    whole = max(1, round(seconds))
    units = ((86_400, " days", 3_600, " h"), (3_600, " h", 60, " min"), (60, " min", 1, " s"))
    for size, name, part, small in units:
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size}{name}" + (f" {rest}{small}" if rest else "")
    return f"{whole} s"


def document(found: Rehearsed) -> dict[str, Any]:
    """Return a rehearsal as JSON: `states` count the plan's changes, `left` are those not carried out."""
    applied = found.applied
    return {
        "format": "provisioner-rehearsal/1",
        "plan": found.plan.id,
        "sync": found.plan.sync,
        "status": found.status,
        "phone_users": found.users,
        "states": dict(sorted(applied.states.items())),
        "held": applied.held,
        "frozen": applied.frozen,
        "manual": sum(c.state == "manual" for c in found.plan.changes),
        "calls": dict(sorted(found.calls.items())),
        "writes": sum(applied.calls.values()),
        "reads": applied.reads,
        "estimate": found.estimate._asdict(),
        "changes": [{"seq": c.seq, "state": c.state} for c in found.plan.changes],
        "left": [
            {"seq": c.seq, "kind": c.kind, "user": c.user, "state": state, "reason": reason}
            for c, state, reason in applied.left
        ],
        "differences": found.verified.differences,
        "unreadable": found.verified.unreadable,
        "error": None if applied.stopped_by is None else str(applied.stopped_by),
    }
