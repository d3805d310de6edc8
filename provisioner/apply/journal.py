"""The journal of one run: intent is durable before a call leaves, its outcome as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, Engine

from connectors.records import Change, Outcome, fold
from provisioner.apply.claim import Claim
from provisioner.apply.fresh import MAKES
from provisioner.audit.calls import Calls
from provisioner.memory import Binding
from provisioner.plan.model import Plan
from provisioner.store import changes as change_store
from provisioner.store import locks as lock_store
from provisioner.store import people as people_store
from provisioner.store import quarantine
from provisioner.store import runs as run_store


class Sending(NamedTuple):
    """A call of this operation is about to leave for these changes."""

    changes: Sequence[Change]
    what: str


class Became(NamedTuple):
    """What became of changes. With `parks`, whoever's change failed was refused, and is parked."""

    known: Sequence[tuple[Change, Outcome]]
    parks: bool = True


class Unsent(NamedTuple):
    """These changes were not carried out after all: they wait as they did before."""

    changes: Sequence[Change]


Step: TypeAlias = Sending | Became | Unsent


class Journal:
    """What one run writes down as it carries out one plan.

    `unreadable`: the phone system's entitlements that can't be read back. `calls`: the run's requests,
    which go on record with what they did.
    """

    def __init__(
        self,
        engine: Engine,
        run: str,
        plan: Plan,
        unreadable: Collection[str],
        claim: Claim,
        now: Callable[[], datetime],
        calls: Calls,
    ) -> None:
        self._engine, self._run, self._plan, self._now = engine, run, plan, now
        self._unreadable, self._claim, self._calls = unreadable, claim, calls

    def write(self, steps: Sequence[Step], free: Collection[str] = ()) -> None:
        """Write down steps of different changes, in one transaction; let go who is `free`, by folded key.

        Raises RunError where a call of them may not leave: then none of them is written.
        """
        steps = [step for step in steps if step[0]]
        if not steps and not free:
            return
        sending = [each for each in steps if isinstance(each, Sending)]
        unsent = [c.seq for each in steps if isinstance(each, Unsent) for c in each.changes]
        with self._engine.begin() as connection:
            if sending:
                self._claim.hold(connection)
            now, holder = self._now(), self._claim.holder
            seqs = [change.seq for each in sending for change in each.changes]
            change_store.mark_sent(connection, self._plan, seqs, holder, now)
            change_store.mark_unsent(connection, self._plan, unsent, now)
            self._became(connection, [each for each in steps if isinstance(each, Became)], now)
            if steps:
                self._note(connection, steps, now)
            lock_store.give_back(connection, self._plan.sync, free, holder)

    def _became(self, connection: Connection, steps: Sequence[Became], now: datetime) -> None:
        """Write down what became of changes, and what is to be remembered of them."""
        known = [pair for step in steps for pair in step.known]
        if not known:
            return
        sync = self._plan.sync
        change_store.mark(connection, self._plan, known, now)
        carried_out = [(c, o) for c, o in known if o.state in ("done", "settling")]
        for change, outcome in carried_out:
            if change.kind in MAKES and outcome.id is not None:
                people_store.bind(connection, sync, Binding(fold(change.key), outcome.id))
        changes = [change for change, _ in carried_out]
        people_store.remember(connection, sync, changes, self._unreadable)
        quarantine.free(connection, sync, (fold(change.key) for change in changes))
        refused = [
            (c, o.reason or o.state)
            for step in steps
            if step.parks
            for c, o in step.known
            if o.state == "failed"
        ]
        if refused:
            quarantine.park(connection, sync, self._run, self._plan.id, refused, now)

    def _note(self, connection: Connection, steps: Iterable[Step], now: datetime) -> None:
        """Put steps on record, after the calls that were made until now."""
        self._calls.append(connection)
        events = (event for step in steps for event in _events(step))
        noted = ((c.seq, event, _about(c) | detail) for c, event, detail in events)
        run_store.note(connection, self._run, self._plan.id, noted, now, self._plan.sync)


def _events(step: Step) -> Iterator[tuple[Change, str, dict[str, str]]]:
    match step:
        case Sending(changes, what):
            yield from ((change, "sent", {"call": what}) for change in changes)
        case Became(known):
            yield from ((change, one.state, _reason(one)) for change, one in known)
        case Unsent(changes):
            yield from ((change, "unsent", {}) for change in changes)


def _about(change: Change) -> dict[str, str]:
    """Return what and whom a change is about; what it sets is in the plan, and nowhere else."""
    said = {"change": change.kind, "user": change.user, "id": change.id}
    return {name: value for name, value in said.items() if value is not None}


def _reason(outcome: Outcome) -> dict[str, str]:
    return {} if outcome.reason is None else {"reason": outcome.reason}
