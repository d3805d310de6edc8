"""Recovery: what runs that are no more left open is read back from the phone system, some people at a time.

What took effect is done, and what didn't waits again, to be sent by an apply of a plan that still
contains it; what is in neither state is left to a person. What was found out of some people is on
record before the next are read, so that a recovery that is killed in turn still gets on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from connectors.records import Change, Outcome, PhoneSystem, fold
from provisioner.apply.claim import Claim
from provisioner.apply.course import Applied
from provisioner.apply.doubt import UNSEEN, begun_by, judge
from provisioner.apply.fresh import MAKES, fresh_reads
from provisioner.apply.journal import Became, Journal, Unsent
from provisioner.apply.standing import is_effective
from provisioner.audit.calls import Calls
from provisioner.plan.content import content_of
from provisioner.plan.model import Plan
from provisioner.store import changes as change_store
from provisioner.store import locks as lock_store
from provisioner.store import plans as plan_store
from provisioner.store.changes import Open
from provisioner.store.database import reading
from provisioner.wiring import Site

TOGETHER = 10
"""People whose changes are read back together."""

_LATELY = timedelta(minutes=1)
"""How long what was done may stay out of sight."""


class Doubt(NamedTuple):
    """A change that is open, the plan that it is of, and since when."""

    plan: Plan
    change: Change
    at: datetime


@dataclass(slots=True)
class Recovery:
    """One run's recovery of its sync. `settling`: contents that wait for the vendor, when it is over."""

    site: Site
    phone: PhoneSystem
    claim: Claim
    result: Applied
    plan: Plan
    calls: Calls
    settling: set[str] = field(default_factory=set)

    def go(self) -> None:
        """Find out what became of open changes: of the sync's, or for some people's plan of theirs."""
        with reading(self.site.engine) as connection:
            living = self.claim.living(connection).values()
            found = [
                each
                for each in change_store.open_changes(connection, self.plan.sync)
                if self._concerns(each) and not (each.state == "sent" and each.sent_by in living)
            ]
            plans = {each.plan: plan_store.load(connection, each.plan) for each in found}
        by_seq = {id: {change.seq: change for change in plan.changes} for id, plan in plans.items()}
        doubts = [Doubt(plans[each.plan], by_seq[each.plan][each.seq], each.at) for each in found]
        for some in _some_people(doubts):
            keys = {fold(doubt.change.key) for doubt in some}
            ours = self._lock(keys)
            try:
                self._recover([doubt for doubt in some if fold(doubt.change.key) in ours])
            finally:
                with self.site.engine.begin() as connection:
                    lock_store.give_back(connection, self.plan.sync, ours, self.claim.holder)

    def _concerns(self, each: Open) -> bool:
        return self.plan.scope == "full" or each.key in {fold(c.key) for c in self.plan.changes}

    def _lock(self, keys: Collection[str]) -> Collection[str]:
        """Lock people; whom another run has is found out about by that one, or by the next run."""
        with self.site.engine.begin() as connection:
            living = [h for h in self.claim.living(connection).values() if h != self.claim.holder]
            return lock_store.take(connection, self.plan.sync, keys, self.claim.holder, living)

    def _recover(self, doubts: Sequence[Doubt]) -> None:
        for plan_id in dict.fromkeys(doubt.plan.id for doubt in doubts):
            own = [doubt for doubt in doubts if doubt.plan.id == plan_id]
            self._sent([doubt for doubt in own if doubt.change.state == "sent"])
            self._settling([doubt for doubt in own if doubt.change.state == "settling"])

    def _sent(self, doubts: Sequence[Doubt]) -> None:
        if not doubts:
            return
        plan, sent = doubts[0].plan, [doubt.change for doubt in doubts]
        begun = begun_by([*sent, *(c for c in plan.changes if c.state == "done")])
        lately = max(doubt.at for doubt in doubts) + _LATELY > self.site.now()
        sleep, made = self.site.stop.sleep, made_by(plan)
        verdict = judge(sent, self.phone, made, begun, sleep, lately=lately)
        journal = self._journal_of(plan)
        journal.write([Became(verdict.outcomes)])
        journal.write([Unsent(verdict.undone)])
        self._tell(plan, verdict.outcomes)
        self.result.left += [(change, "sent", UNSEEN) for change in verdict.unseen]

    def _settling(self, doubts: Sequence[Doubt]) -> None:
        if not doubts:
            return
        plan, settling = doubts[0].plan, [doubt.change for doubt in doubts]
        actual = fresh_reads(self.phone, settling, made_by(plan))
        abilities = self.phone.abilities
        shown = [c for c in settling if is_effective(c, actual.get(fold(c.key)), abilities)]
        outcomes = [(change, Outcome(change.seq, "done")) for change in shown]
        self._journal_of(plan).write([Became(outcomes)])
        self._tell(plan, outcomes)
        self.settling |= {content_of(change) for change in settling if change not in shown}
        if plan.id == self.plan.id:
            self.result.states["settling"] += len(settling) - len(shown)

    def _tell(self, plan: Plan, outcomes: Iterable[tuple[Change, Outcome]]) -> None:
        """Count what was found of this plan, and name conflicts of any."""
        for change, outcome in outcomes:
            if outcome.state != "done":
                reason = outcome.reason or outcome.state
                self.result.left.append((change, outcome.state, reason))
            if plan.id == self.plan.id:
                self.result.states[outcome.state] += 1

    def _journal_of(self, plan: Plan) -> Journal:
        unreadable, site = self.phone.abilities.unreadable, self.site
        return Journal(
            site.engine, self.result.run, plan, unreadable, self.claim, site.now, self.calls
        )


def _some_people(doubts: Iterable[Doubt]) -> Iterator[list[Doubt]]:
    """Yield the doubts about some people at a time, all of a person's together."""
    people: dict[str, list[Doubt]] = {}
    for doubt in doubts:
        people.setdefault(fold(doubt.change.key), []).append(doubt)
    theirs = list(people.values())
    for start in range(0, len(theirs), TOGETHER):
        yield [doubt for own in theirs[start : start + TOGETHER] for doubt in own]


def made_by(plan: Plan) -> dict[str, str]:
    """Return the vendor's ids by folded key, of the accounts that a plan's done changes made."""
    return {
        fold(c.key): c.id for c in plan.changes if c.kind in MAKES and c.id and c.state == "done"
    }
