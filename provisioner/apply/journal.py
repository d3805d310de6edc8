"""The journal of one run: intent is durable before a call leaves, its outcome as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Engine

from connectors.records import Change, Outcome, State, fold
from provisioner.memory import Binding
from provisioner.plan.model import Plan
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store

_MAKES = ("user.create", "user.invite")


class Journal:
    """What one run writes down as it carries out one plan. Every method is one transaction."""

    def __init__(
        self,
        engine: Engine,
        run: str,
        plan: Plan,
        unreadable: dict[str, str],
        now: Callable[[], datetime],
    ) -> None:
        self._engine, self._run, self._plan, self._now = engine, run, plan, now
        self._unreadable = unreadable

    def sending(self, changes: Iterable[Change], what: str) -> None:
        """Write down that a call is about to leave for these changes."""
        with self._engine.begin() as connection:
            now = self._now()
            for change in changes:
                plan_store.set_state(connection, self._plan.id, change.seq, "sent", None, now)
                run_store.note(
                    connection, self._run, "sent", {"call": what}, now, self._plan.id, change.seq
                )

    def outcome(self, change: Change, outcome: Outcome) -> None:
        """Write down what became of a change, and what is to be remembered of it."""
        self.moved(change, outcome.state, outcome.reason, outcome.id)

    def moved(
        self, change: Change, state: State, reason: str | None = None, phone_id: str | None = None
    ) -> None:
        """Move one change to a state, with the reason."""
        with self._engine.begin() as connection:
            now = self._now()
            plan_store.set_state(
                connection, self._plan.id, change.seq, state, reason, now, phone_id
            )
            detail = {} if reason is None else {"reason": reason}
            run_store.note(connection, self._run, state, detail, now, self._plan.id, change.seq)
            if state not in ("done", "settling"):
                return
            sync, key = self._plan.sync, fold(change.key)
            if change.kind in _MAKES and phone_id is not None:
                people_store.bind(connection, sync, Binding(key, phone_id))
            if change.kind in self._unreadable:
                value = {(key, self._unreadable[change.kind]): change.after}
                people_store.keep_applied(connection, sync, value)
