"""Which changes of a plan may go ahead now, and why the others may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.records import Change, Risk, fold
from provisioner.plan.content import REMOVALS, content_of
from provisioner.plan.model import Plan
from provisioner.store.decisions import Decision
from provisioner.store.plans import Newer

NEWER = "a newer plan no longer contains this change"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an operator lets through once although a limit held it: at most so many people."""

    removals: int | None = None
    changes: int | None = None


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is known when a plan's changes are sorted, beside the plan.

    `decisions` by seq; `automatic`: risks that need nobody's approval; `holds`: why a limit held a
    change when it was planned, by seq; `settling`: contents that the phone system has accepted, for
    whatever plan, and doesn't show yet.
    """

    decisions: Mapping[int, Decision] = field(default_factory=dict)
    automatic: frozenset[Risk] = frozenset()
    holds: Mapping[int, str] = field(default_factory=dict)
    newer: Newer = field(default_factory=Newer)
    settling: frozenset[str] = frozenset()


@dataclass(slots=True)
class Chosen:
    """The changes that go ahead, in order, and those that don't: counted, or with the reason.

    `stale`: a newer plan dropped them. `skipped`: they need one of those.
    """

    going: list[Change] = field(default_factory=list)
    held: int = 0
    unapproved: int = 0
    stale: list[Change] = field(default_factory=list)
    skipped: list[tuple[Change, str]] = field(default_factory=list)


def choose(plan: Plan, grounds: Grounds, allowance: Allowance) -> Chosen:
    """Sort a plan's changes. A change goes only after all that it needs."""
    released = _released(plan, grounds.holds, allowance)
    chosen = Chosen()
    kept: dict[int, str] = {}  # why a change doesn't go, by seq
    for change in plan.changes:
        if change.state == "done":
            continue
        why = _why_not(change, grounds, released)
        need = next((kept[seq] for seq in change.needs if seq in kept), None)
        if why is None and need is not None:
            why = "skipped" if need == "stale" else need
        if why is None:
            chosen.going.append(change)
            continue
        kept[change.seq] = why
        _count(chosen, change, why, kept)
    return chosen


def _why_not(change: Change, grounds: Grounds, released: frozenset[int]) -> str | None:
    """Return why a change may not go by itself, None if it may."""
    decision = grounds.decisions.get(change.seq)
    if change.state in ("manual", "settling", "sent"):
        return change.state
    if change.state == "stale":
        return "past"
    if decision == "rejected" or (change.state == "rejected" and decision is None):
        return "rejected"
    if grounds.newer.drops(change):
        return "stale"
    if content_of(change) in grounds.settling:
        return "settling"
    if change.seq in grounds.holds and change.seq not in released:
        return "held"
    if decision == "approved" or change.seq in released or change.risk in grounds.automatic:
        return None
    return "unapproved"


def _count(chosen: Chosen, change: Change, why: str, kept: Mapping[int, str]) -> None:
    """Take in a change that doesn't go; what is manual, rejected, past or not known yet needs no word."""
    if why == "held":
        chosen.held += 1
    elif why == "unapproved":
        chosen.unapproved += 1
    elif why == "stale":
        chosen.stale.append(change)
    elif why == "skipped":
        need = next(seq for seq in change.needs if kept.get(seq) in ("stale", "skipped"))
        chosen.skipped.append((change, f"needs change {need}, which is stale"))


def _released(plan: Plan, holds: Mapping[int, str], allowance: Allowance) -> frozenset[int]:
    """Return the held changes that the allowance lets through: all of a limit's, or none."""
    held = [c for c in plan.changes if c.seq in holds and c.state != "done"]
    let: set[int] = set()
    for option, most, kinds in (
        ("--allow-removals", allowance.removals, REMOVALS),
        ("--allow-changes", allowance.changes, None),
    ):
        listed = [change for change in held if option in holds[change.seq]]
        counted = {fold(c.key) for c in listed if kinds is None or c.kind in kinds}
        if most is not None and len(counted) <= most:
            let.update(change.seq for change in listed)
    blocked = {change.seq for change in held} - let
    for change in held:  # what was held only for the sake of those goes with them
        if holds[change.seq].startswith("needs change") and not blocked.intersection(change.needs):
            let.add(change.seq)
            blocked.discard(change.seq)
    return frozenset(let)
