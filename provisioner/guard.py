"""The guard: limits on how much one sync may take away or change in a rolling 24 hours.

The arithmetic is over people, not changes: distinct people who lose a license, package, number or
account, and distinct people changed, of all who are bound or in scope; those of the last 24 hours
count too, so that a loss of 9 % every quarter of an hour is stopped. A tripped limit holds what it
is about, and the rest of the plan goes ahead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import msgspec

from connectors.records import Change, fold
from provisioner.limits import Limit, Limits
from provisioner.memory import Memory
from provisioner.plan.content import REMOVALS, TAKEAWAYS
from provisioner.plan.model import Plan, Summary


def hold(plan: Plan, limits: Limits, memory: Memory) -> Plan:
    """Return the plan with what the limits don't allow held, each with figure, limit and override."""
    changes = plan.changes
    live = [c for c in changes if c.state in ("planned", "manual")]
    losing = {fold(c.key) for c in live if c.kind in REMOVALS}
    changed = {fold(c.key) for c in live}
    reasons: dict[int, str] = {}
    population = plan.summary.people
    if tripped := _tripped(losing, memory.lost, limits.removals, population):
        text = f"{tripped} would lose a license, package, number or account"
        reason = _override(text, "--allow-removals", len(losing))
        reasons = dict.fromkeys(_removals(live), reason)
    if tripped := _tripped(changed, memory.changed, limits.changes, population):
        reason = _override(f"{tripped} would be changed", "--allow-changes", len(changed))
        reasons = {c.seq: reason for c in live} | reasons
    held = _with_dependents(changes, reasons)
    return msgspec.structs.replace(plan, changes=held, summary=_counted(plan, held))


def _removals(live: Iterable[Change]) -> Iterator[int]:
    """Yield the seq of each removal, and of what is taken only for the sake of one.

    A leaver's delegation that ends first would be lost for nothing if the license stays, whoever
    is the delegator; what a mover loses for another reason is none of it.
    """
    live = list(live)
    removals = [c for c in live if c.kind in REMOVALS]
    theirs = {(fold(c.key), c.cluster) for c in removals}
    needed = {(seq, c.cluster) for c in removals for seq in c.needs}
    for c in live:
        along = (fold(c.key), c.cluster) in theirs or (c.seq, c.cluster) in needed
        if c.kind in REMOVALS or (c.kind in TAKEAWAYS and along):
            yield c.seq


def _tripped(now: Collection[str], before: Collection[str], limit: Limit, population: int) -> str:
    """Return the figures in words if this plan's people and the window's pass the limit, else ""."""
    together = len({*now, *before})
    if not now or together <= limit.allows(population):
        return ""
    recent = f" ({len(set(before) - set(now))} of them in the last 24 hours)" if before else ""
    return f"{together} of {population} people{recent}, limit {limit},"


def _override(text: str, option: str, count: int) -> str:
    return f"{text}; if that is right: `provisioner apply PLAN {option} {count}`"


def _with_dependents(changes: Iterable[Change], reasons: dict[int, str]) -> tuple[Change, ...]:
    """Return the changes with the held ones marked, and whatever needs a held one held with it."""
    result: list[Change] = []
    held = dict(reasons)
    for change in changes:  # needs stand before what needs them
        if change.state == "held":
            held.setdefault(change.seq, change.reason or "")
        need = next((seq for seq in change.needs if seq in held), None)
        if change.seq not in held and need is not None and change.state in ("planned", "manual"):
            held[change.seq] = f"needs change {need}, which is held"
        if change.seq in held:
            change = msgspec.structs.replace(change, state="held", reason=held[change.seq])
        result.append(change)
    return tuple(result)


def _counted(plan: Plan, changes: tuple[Change, ...]) -> Summary:
    return msgspec.structs.replace(
        plan.summary,
        removals=len({fold(c.key) for c in changes if c.kind in REMOVALS}),
        held=sum(c.state == "held" for c in changes),
        manual=sum(c.state == "manual" for c in changes),
    )
