"""The journal of one run: intent is durable before a call leaves, its outcome as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

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


class Journal:
    """What one run writes down as it carries out one plan. Every method is one transaction.

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

    def sending(self, changes: Collection[Change], what: str, free: Collection[str] = ()) -> None:
        """Write down that a call is about to leave for these changes; let go who is `free`, by key.

        Raises RunError if it may not leave.
        """
        with self._engine.begin() as connection:
            self._claim.hold(connection)
            now = self._now()
            seqs = [change.seq for change in changes]
            change_store.mark_sent(connection, self._plan, seqs, self._claim.holder, now)
            self._note(connection, [(c, "sent", {"call": what}) for c in changes], now)
            lock_store.give_back(connection, self._plan.sync, free, self._claim.holder)

    def outcomes(self, known: Sequence[tuple[Change, Outcome]], *, parks: bool = True) -> None:
        """Write down what became of changes, and what is to be remembered of them.

        With `parks`, whoever's change failed is parked; whoever's succeeded is so no longer.
        """
        if not known:
            return
        with self._engine.begin() as connection:
            now = self._now()
            change_store.mark(connection, self._plan, known, now)
            self._note(connection, [(c, one.state, _reason(one)) for c, one in known], now)
            carried_out = [(c, o) for c, o in known if o.state in ("done", "settling")]
            for change, outcome in carried_out:
                if change.kind in MAKES and outcome.id is not None:
                    binding = Binding(fold(change.key), outcome.id)
                    people_store.bind(connection, self._plan.sync, binding)
            changes = [change for change, _ in carried_out]
            people_store.remember(connection, self._plan.sync, changes, self._unreadable)
            quarantine.free(connection, self._plan.sync, (fold(c.key) for c, _ in carried_out))
            refused = [(c, o.reason or o.state) for c, o in known if o.state == "failed" and parks]
            if refused:
                sync, run = self._plan.sync, self._run
                quarantine.park(connection, sync, run, self._plan.id, refused, now)

    def unsent(self, changes: Collection[Change]) -> None:
        """Write down that changes were not carried out after all: they wait as they did before."""
        if not changes:
            return
        with self._engine.begin() as connection:
            now, seqs = self._now(), [change.seq for change in changes]
            change_store.mark_unsent(connection, self._plan, seqs, now)
            self._note(connection, [(change, "unsent", {}) for change in changes], now)

    def _note(
        self,
        connection: Connection,
        events: Iterable[tuple[Change, str, dict[str, str]]],
        now: datetime,
    ) -> None:
        """Put steps of changes on record, after the calls that were made until now."""
        self._calls.append(connection)
        steps = ((c.seq, event, _about(c) | detail) for c, event, detail in events)
        run_store.note(connection, self._run, self._plan.id, steps, now, self._plan.sync)

    def let_go(self, keys: Collection[str]) -> None:
        """Let other runs have these people, by folded key."""
        if keys:
            with self._engine.begin() as connection:
                lock_store.give_back(connection, self._plan.sync, keys, self._claim.holder)


def _about(change: Change) -> dict[str, str]:
    """Return what and whom a change is about; what it sets is in the plan, and nowhere else."""
    said = {"change": change.kind, "user": change.user, "id": change.id}
    return {name: value for name, value in said.items() if value is not None}


def _reason(outcome: Outcome) -> dict[str, str]:
    return {} if outcome.reason is None else {"reason": outcome.reason}
