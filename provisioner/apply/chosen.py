"""Which changes of a plan may go ahead now, and why the others may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.records import Change, fold
from provisioner import overrides
from provisioner.freeze import Freeze, is_frozen
from provisioner.overrides import limits_in
from provisioner.plan.content import REMOVALS, content_of, is_named
from provisioner.plan.model import Plan
from provisioner.plan.protection import PROTECTED
from provisioner.store.decisions import Decision
from provisioner.store.newer import Newer

NEWER = "a newer plan no longer contains this change"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an operator lets through once although a limit held it: at most so many people.

    `kinds`: by kind of change, where such a limit held it. `despite_freeze`: what waits for the end
    of a freeze goes, too. `parked`: people who are parked are tried again, because somebody asks.
    """

    removals: int | None = None
    changes: int | None = None
    kinds: Mapping[str, int] = field(default_factory=dict)
    despite_freeze: bool = False
    parked: bool = False

    def most(self, limit: str) -> int | None:
        """Return how many people may pass a limit, None if it wasn't overridden."""
        if limit == overrides.REMOVALS:
            return self.removals
        return self.changes if limit == overrides.CHANGES else self.kinds.get(limit)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is known when a plan's changes are sorted, beside the plan.

    `adopted`: a person has approved a full plan of the sync; until then every plan of it waits.
    `decisions` by seq; `automatic`: risks and kinds that need nobody's approval; `second`: those
    that need two people's, whatever else is said. `named`: only certain people may approve, so that
    letting a held change through is no approval. `holds`: why a limit held a change when it was
    planned, by seq; `settling`: contents that the phone system has accepted, for whatever plan, and
    doesn't show yet; `freezes`: those that hold now; `protected`: what would take something from
    protected people, by seq; `parked`: why people are left alone for a while, by folded key.
    """

    adopted: bool = True
    decisions: Mapping[int, Decision] = field(default_factory=dict)
    automatic: frozenset[str] = frozenset()
    second: frozenset[str] = frozenset()
    named: bool = False
    holds: Mapping[int, str] = field(default_factory=dict)
    newer: Newer = field(default_factory=Newer)
    settling: frozenset[str] = frozenset()
    freezes: Sequence[Freeze] = ()
    protected: frozenset[int] = frozenset()
    parked: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Chosen:
    """The changes that go ahead, in order, and those that don't: counted, or with the reason.

    `frozen`: they go after a freeze. `stale`: a newer plan dropped them. `skipped`: they would take
    from protected people, or need one that does, or a stale one. `parked`: they, or what they need,
    are of somebody who is left alone for a while.
    """

    going: list[Change] = field(default_factory=list)
    held: int = 0
    frozen: int = 0
    unapproved: int = 0
    stale: list[Change] = field(default_factory=list)
    skipped: list[tuple[Change, str]] = field(default_factory=list)
    parked: list[tuple[Change, str]] = field(default_factory=list)


def choose(plan: Plan, grounds: Grounds, allowance: Allowance) -> Chosen:
    """Sort a plan's changes. A change goes only after all that it needs."""
    released = _released(plan, grounds.holds, allowance) if grounds.adopted else frozenset()
    chosen = Chosen()
    kept: dict[int, str] = {}  # why a change doesn't go, by seq
    for change in plan.changes:
        if change.state == "done":
            continue
        why = _why_not(change, grounds, released)
        if why is None and not allowance.despite_freeze and is_frozen(change, grounds.freezes):
            why = "frozen"
        need = next((kept[seq] for seq in change.needs if seq in kept), None)
        if why is None and need is not None:
            why = "skipped" if need in ("stale", "protected") else need
        rests = None if allowance.parked else grounds.parked.get(fold(change.key))
        if why is None and rests is not None:
            why = "parked"
        if why is None:
            chosen.going.append(change)
            continue
        kept[change.seq] = why
        if why == "parked":
            chosen.parked.append((change, rests or "it needs a change of somebody who is parked"))
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
    if change.seq in grounds.protected:
        return "protected"
    if change.seq in grounds.holds and change.seq not in released:
        return "held"
    if decision == "approved" or _needs_nobody(change, grounds, released):
        return None
    return "unapproved"


def _needs_nobody(change: Change, grounds: Grounds, released: frozenset[int]) -> bool:
    """Return whether a change may go although nobody approved it by name."""
    if is_named(change, grounds.second):
        return False
    let = change.seq in released and not grounds.named
    return let or is_named(change, grounds.automatic)


def _count(chosen: Chosen, change: Change, why: str, kept: Mapping[int, str]) -> None:
    """Take in a change that doesn't go; what is manual, rejected, past or not known yet needs no word."""
    if why == "held":
        chosen.held += 1
    elif why == "frozen":
        chosen.frozen += 1
    elif why == "unapproved":
        chosen.unapproved += 1
    elif why == "stale":
        chosen.stale.append(change)
    elif why == "protected":
        chosen.skipped.append((change, PROTECTED))
    elif why == "skipped":
        lost = ("stale", "skipped", "protected")
        need = next(seq for seq in change.needs if kept.get(seq) in lost)
        what = "takes from a protected person" if kept[need] == "protected" else "is stale"
        chosen.skipped.append((change, f"needs change {need}, which {what}"))


def _released(plan: Plan, holds: Mapping[int, str], allowance: Allowance) -> frozenset[int]:
    """Return the held changes that the allowance lets through: all of a limit's, or none.

    Whatever several limits hold goes only if each of them is overridden.
    """
    held = [c for c in plan.changes if c.seq in holds and c.state != "done"]
    limits = {change.seq: limits_in(holds[change.seq]) for change in held}
    granted = frozenset(
        limit
        for limit in frozenset().union(*limits.values())
        if _is_granted(limit, [c for c in held if limit in limits[c.seq]], allowance)
    )
    let = {seq for seq, own in limits.items() if own and own <= granted}
    blocked = {change.seq for change in held} - let
    for change in held:  # what was held only for the sake of those goes with them
        if holds[change.seq].startswith("needs change") and not blocked.intersection(change.needs):
            let.add(change.seq)
            blocked.discard(change.seq)
    return frozenset(let)


def _is_granted(limit: str, listed: Sequence[Change], allowance: Allowance) -> bool:
    most = allowance.most(limit)
    kinds = {overrides.REMOVALS: REMOVALS, overrides.CHANGES: None}.get(limit, {limit})
    counted = {fold(c.key) for c in listed if kinds is None or c.kind in kinds}
    return most is not None and len(counted) <= most
