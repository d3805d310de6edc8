"""A plan as an operator reviews it: with what is decided, and what else decides what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provisioner.console.desk import Desk
from provisioner.console.pages.next_step import Situation
from provisioner.console.pages.words import moment
from provisioner.plan.model import Plan
from provisioner.store.runs import PlanRow


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One plan under review. `awaiting`: seqs of the changes that a person has to approve, `by_two` of
    those that two must.

    `newer`: the sync's newest full plan, if that is another. `freezes` that hold now, in words.
    """

    plan: Plan
    row: PlanRow
    awaiting: frozenset[int]
    by_two: frozenset[int]
    adopted: bool
    freezes: tuple[str, ...]
    newer: str | None
    next_start: datetime | None

    def situation(self, now: datetime, *, may_decide: bool) -> Situation:
        """Return what is known of the plan beside itself."""
        when = "" if self.next_start is None else moment(self.next_start, now).ago
        return Situation(
            waiting=self.awaiting,
            adopted=self.adopted,
            newest=self.newer,
            next_run=when,
            may_decide=may_decide,
            freezes=[f"{each}: what it doesn't allow goes after it." for each in self.freezes],
        )


def reviewed(desk: Desk, plan_id: str) -> Reviewed:
    """Return a plan for review. Raises RunError if there is none."""
    plan, outline = desk.plan(plan_id), desk.outline(plan_id)
    return Reviewed(
        plan=plan,
        row=outline.row,
        awaiting=desk.awaiting(plan),
        by_two=desk.by_two(plan),
        adopted=outline.adopted,
        freezes=outline.freezes,
        newer=outline.newer,
        next_start=desk.sync(plan.sync).next_start,
    )
