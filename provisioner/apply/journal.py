"""The journal of one run: intent is durable before a call leaves, its outcome as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from connectors.records import Change, Outcome, Value, fold
from provisioner.apply.claim import Claim
from provisioner.apply.fresh import MAKES
from provisioner.memory import Binding
from provisioner.plan.model import Plan
from provisioner.store import changes as change_store
from provisioner.store import people as people_store
from provisioner.store import runs as run_store

_KINDS = {"template.apply": "template", "softphone.authorize": "softphone"}
"""Kinds whose result may not be readable, and the entitlement that it is remembered under."""


class Journal:
    """What one run writes down as it carries out one plan. Every method is one transaction.

    `unreadable`: the phone system's entitlements that can't be read back.
    """

    def __init__(
        self,
        engine: Engine,
        run: str,
        plan: Plan,
        unreadable: Collection[str],
        claim: Claim,
        now: Callable[[], datetime],
    ) -> None:
        self._engine, self._run, self._plan, self._now = engine, run, plan, now
        self._unreadable, self._claim = unreadable, claim

    def sending(self, changes: Collection[Change], what: str) -> None:
        """Write down that a call is about to leave for these changes. Raises RunError if it may not."""
        with self._engine.begin() as connection:
            self._claim.hold(connection)
            now = self._now()
            change_store.mark_sent(connection, self._plan, [c.seq for c in changes], now)
            events = [(change.seq, "sent", {"call": what}) for change in changes]
            run_store.note(connection, self._run, self._plan.id, events, now)

    def outcomes(self, known: Sequence[tuple[Change, Outcome]]) -> None:
        """Write down what became of changes, and what is to be remembered of them."""
        if not known:
            return
        with self._engine.begin() as connection:
            now = self._now()
            change_store.mark(connection, self._plan, known, now)
            events = [(change.seq, one.state, _detail(one)) for change, one in known]
            run_store.note(connection, self._run, self._plan.id, events, now)
            carried_out = [(c, o) for c, o in known if o.state in ("done", "settling")]
            for change, outcome in carried_out:
                if change.kind in MAKES and outcome.id is not None:
                    binding = Binding(fold(change.key), outcome.id)
                    people_store.bind(connection, self._plan.sync, binding)
            values = {each: value for c, _ in carried_out for each, value in self._remembered(c)}
            if values:
                people_store.keep_applied(connection, self._plan.sync, values)

    def unsent(self, changes: Collection[Change]) -> None:
        """Write down that changes were not carried out after all: they wait as they did before."""
        if not changes:
            return
        with self._engine.begin() as connection:
            now, seqs = self._now(), [change.seq for change in changes]
            change_store.mark_unsent(connection, self._plan, seqs, now)
            events: list[tuple[int, str, Mapping[str, Any]]] = [(seq, "unsent", {}) for seq in seqs]
            run_store.note(connection, self._run, self._plan.id, events, now)

    def _remembered(self, change: Change) -> Iterator[tuple[tuple[str, str], Value]]:
        """Yield what a change did that can't be read back, by folded key and entitlement."""
        key = fold(change.key)
        if (name := _KINDS.get(change.kind)) in self._unreadable and name is not None:
            yield (key, name), change.after
        if change.kind == "delegate.add":
            yield (key, "delegates"), True  # from now on they are asked for their delegates
        if change.kind == "profile.update" and isinstance(change.after, dict):
            for attribute, value in change.after.items():
                if (name := f"profile.{attribute}") in self._unreadable:
                    yield (key, name), value


def _detail(outcome: Outcome) -> dict[str, str]:
    return {} if outcome.reason is None else {"reason": outcome.reason}
