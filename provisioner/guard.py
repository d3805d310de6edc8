"""The guard: limits on how much one sync may take away or change in a rolling 24 hours.

The arithmetic is over people, not changes: distinct people who lose a license, package, number or
account, who are changed by one kind of change, or changed at all, of all who are bound or in scope.
Those of the last 24 hours count too, so that a loss of 9 % every quarter of an hour is stopped, and so
do phone users of nobody whom the mapping takes from: they make the figure higher, never the limit. A
tripped limit holds what it is about, and the rest of the plan goes ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from connectors.records import Change, fold
from provisioner import overrides
from provisioner.limits import Limit, Limits
from provisioner.memory import Memory
from provisioner.plan.content import REMOVALS, TAKEAWAYS
from provisioner.plan.model import Plan, Summary


class Trip(NamedTuple):
    """One limit that a plan passes: its name, the figures in words, whom it counts, what it holds."""

    limit: str
    figures: str
    people: int
    seqs: frozenset[int]


def hold(
    plan: Plan,
    limits: Limits,
    memory: Memory,
    counted: Callable[[str], bool] = lambda key: True,  # noqa: ARG005
) -> Plan:
    """Return the plan with what the limits don't allow held, each with figure, limit and override.

    `counted` tells of a folded key whether the plan's `people` has them, or whether they are nobody's.
    """
    live = [c for c in plan.changes if c.state in ("planned", "manual")]
    trips = list(_trips(live, limits, memory, _Population(plan.summary.people, counted)))
    reasons: dict[int, str] = {}
    for change in live:
        about = [trip for trip in trips if change.seq in trip.seqs]
        if about:
            allowed = {trip.limit: trip.people for trip in about}
            reasons[change.seq] = overrides.with_override(
                "; ".join(trip.figures for trip in about), allowed
            )
    held = _with_dependents(plan.changes, reasons)
    return msgspec.structs.replace(plan, changes=held, summary=_counted(plan, held))


class _Population(NamedTuple):
    """The people whom the limits are a share of."""

    people: int
    counted: Callable[[str], bool]

    def figures(self, now: Collection[str], before: Collection[str], limit: Limit) -> str:
        """Return the figures in words if this plan's people and the window's pass the limit, else ""."""
        together = {*now, *before}
        if not now or len(together) <= limit.allows(self.people):
            return ""
        ours = sum(map(self.counted, together))
        others = len(together) - ours
        nobodys = f" and {others} {'phone user' if others == 1 else 'phone users'} of nobody"
        recent = f" ({len(set(before) - set(now))} of them in the last 24 hours)" if before else ""
        said = f"{ours} of {self.people} people{nobodys if others else ''}{recent}"
        return f"{said}, limit {limit},"


def _trips(
    live: Sequence[Change], limits: Limits, memory: Memory, population: _Population
) -> Iterator[Trip]:
    """Yield the limits that are passed; that on all changes holds only what no narrower one does."""
    narrow: set[int] = set()
    takes = "would lose a license, package, number or account"
    watched = [(overrides.REMOVALS, REMOVALS, memory.lost, limits.removals, takes)]
    for kind, limit in sorted(limits.kinds.items()):
        before = memory.by_kind.get(kind, frozenset())
        watched.append((kind, frozenset({kind}), before, limit, f"would be changed by {kind}"))
    for name, kinds, before, limit, what in watched:
        now = {fold(c.key) for c in live if c.kind in kinds}
        if figures := population.figures(now, before, limit):
            seqs = frozenset(_with_takeaways(live, kinds))
            narrow |= seqs
            yield Trip(name, f"{figures} {what}", len(now), seqs)
    changed = {fold(c.key) for c in live}
    if figures := population.figures(changed, memory.changed, limits.changes):
        seqs = frozenset(c.seq for c in live) - narrow
        yield Trip(overrides.CHANGES, f"{figures} would be changed", len(changed), seqs)


def _with_takeaways(live: Sequence[Change], kinds: Collection[str]) -> Iterator[int]:
    """Yield the seq of each change of these kinds, and of what is taken only for the sake of a removal.

    A leaver's delegation that ends first would be lost for nothing if the license stays, whoever
    is the delegator; what a mover loses for another reason is none of it.
    """
    removals = [c for c in live if c.kind in kinds and c.kind in REMOVALS]
    theirs = {(fold(c.key), c.cluster) for c in removals}
    needed = {(seq, c.cluster) for c in removals for seq in c.needs}
    for c in live:
        along = (fold(c.key), c.cluster) in theirs or (c.seq, c.cluster) in needed
        if c.kind in kinds or (c.kind in TAKEAWAYS and along):
            yield c.seq


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
