"""Which changes of a plan may go ahead now, and why the others may not."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.records import Change, Risk, fold
from provisioner.plan.content import REMOVALS, content_of
from provisioner.plan.model import Plan
from provisioner.store.plans import Decision


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an operator lets through once although a limit held it: at most so many people."""

    removals: int | None = None
    changes: int | None = None


@dataclass(slots=True)
class Chosen:
    """The changes that go ahead, in order, and the counts of those that don't."""

    going: list[Change] = field(default_factory=list)
    held: int = 0
    unapproved: int = 0
    stale: list[Change] = field(default_factory=list)


def choose(
    plan: Plan,
    decisions: dict[int, Decision],
    automatic: frozenset[Risk],
    allowance: Allowance,
    *,
    newest: frozenset[str] | None,
) -> Chosen:
    """Sort a plan's changes. `newest`: contents of a newer full plan, None where this is the newest.

    What no newer plan contains any more is stale. A change goes only with all that it needs, or
    after it.
    """
    released = _released(plan, allowance)
    chosen, done_or_going = Chosen(), {c.seq for c in plan.changes if c.state == "done"}
    for change in plan.changes:
        if change.state in ("done", "manual", "rejected", "stale"):
            continue
        if change.state == "settling":
            chosen.going.append(change)
            continue
        if newest is not None and content_of(change) not in newest:
            chosen.stale.append(change)
            continue
        approved = decisions.get(change.seq) == "approved" or change.seq in released
        if change.state == "held" and change.seq not in released:
            chosen.held += 1
        elif not (approved or change.risk in automatic):
            chosen.unapproved += 1
        elif set(change.needs) <= done_or_going:
            chosen.going.append(change)
            done_or_going.add(change.seq)
        else:
            chosen.unapproved += 1
    return chosen


def _released(plan: Plan, allowance: Allowance) -> frozenset[int]:
    """Return the held changes that the allowance lets through: all of a limit's, or none."""
    held = [c for c in plan.changes if c.state == "held"]
    over_removals = [c for c in held if "--allow-removals" in (c.reason or "")]
    over_changes = [c for c in held if "--allow-changes" in (c.reason or "")]
    let = {
        c.seq
        for listed, most in ((over_removals, allowance.removals), (over_changes, allowance.changes))
        if most is not None and len(_people(listed)) <= most
        for c in listed
    }
    for change in held:  # what waited only for those goes with them
        if (change.reason or "").startswith("needs change") and set(change.needs) & let:
            blocked = {c.seq for c in held} - let
            if not set(change.needs) & blocked:
                let.add(change.seq)
    return frozenset(let)


def _people(changes: list[Change]) -> set[str]:
    losing = {fold(c.key) for c in changes if c.kind in REMOVALS}
    return losing or {fold(c.key) for c in changes}
