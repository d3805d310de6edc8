"""The course of one run: what has become of each change so far, and whom that leaves alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from connectors.errors import ProvisionerError
from connectors.records import Change, Outcome, State, fold
from provisioner.apply.fresh import MAKES
from provisioner.apply.journal import Journal


@dataclass(slots=True)
class Applied:
    """How a run of apply ended: its changes by state, its requests, what is still open.

    `calls`: requests that write, by rate label, tries included; `reads`: the fresh reads. `left` are
    the changes that were not carried out, with the reason. `held` and `unapproved` count those that
    didn't go. `stopped_by`: why the run ended early, None if it didn't.
    """

    plan: str
    run: str = ""
    states: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    left: list[tuple[Change, State, str]] = field(default_factory=list)
    held: int = 0
    unapproved: int = 0
    stopped_by: ProvisionerError | None = None

    @property
    def status(self) -> int:
        """The exit status (DESIGN section 6)."""
        if self.stopped_by is not None:
            return 1
        if self.held:
            return 3
        if self.left:
            return 5
        return 4 if self.unapproved else 0


class Course:
    """Where a run stands. `made`: vendor's ids by folded key, of accounts that the plan didn't know."""

    def __init__(self, journal: Journal, result: Applied, made: dict[str, str]) -> None:
        self.journal, self.made = journal, made
        self._result = result
        self._done: set[int] = set()
        self._lost: set[int] = set()
        self._waiting: set[int] = set()  # accepted and effective later, and what needs that
        self._alone: dict[str, tuple[State, str]] = {}

    def settle(self, known: Sequence[tuple[Change, Outcome]]) -> None:
        """Take in what became of changes: write it down first, then go by it."""
        self.journal.outcomes(known)
        for change, outcome in known:
            self._result.states[outcome.state] += 1
            if outcome.state == "done":
                self._done.add(change.seq)
                if change.kind in MAKES and outcome.id is not None:
                    self.made[fold(change.key)] = outcome.id
                continue
            if outcome.state == "settling":
                self._waiting.add(change.seq)
                continue
            self._lost.add(change.seq)
            self._result.left.append((change, outcome.state, outcome.reason or outcome.state))
            reason = f"change {change.seq} of this person is {outcome.state}"
            self._alone.setdefault(fold(change.key), ("skipped", reason))

    def leave_alone(self, key: str, state: State, reason: str) -> None:
        """Carry out nothing more of a person, by folded key."""
        self._alone[key] = (state, reason)

    def put_off(self, changes: Iterable[Change], reason: str) -> None:
        """Leave changes in doubt for another run to find out about, and their people alone."""
        for change in changes:
            self._lost.add(change.seq)
            self._result.left.append((change, "sent", reason))
            self.leave_alone(fold(change.key), "skipped", reason)

    def ready(self, changes: Iterable[Change]) -> list[Change]:
        """Return those of a call's changes that may go; settle those that may not, with the reason.

        What needs something that is effective later waits as it is.
        """
        ready: list[Change] = []
        left: list[tuple[Change, Outcome]] = []
        for change in changes:
            if change.seq in self._done:
                continue
            if self._waiting.intersection(change.needs):
                self._waiting.add(change.seq)
                continue
            why = self._alone.get(fold(change.key))
            lost = self._lost.intersection(change.needs)
            if why is None and lost:
                why = ("skipped", f"needs change {min(lost)}, which was not done")
            if why is None:
                ready.append(change)
            else:
                left.append((change, Outcome(change.seq, *why)))
                self._lost.add(change.seq)
        self.settle(left)
        return ready

    def with_id(self, change: Change) -> Change:
        """Return the change with the id of an account that was made since the plan."""
        if change.id is None and (made := self.made.get(fold(change.key))) is not None:
            return msgspec.structs.replace(change, id=made)
        return change
