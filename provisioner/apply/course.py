"""The course of one run: what has become of each change so far, and whom that leaves alone.

Calls go out side by side, so every method may be called from any thread. One thread at a time writes
down, for all that wait for it; what a run goes by it takes in only after that.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from connectors.errors import IncompleteRead, ProvisionerError, RunError, TransientError
from connectors.records import Call, Change, Outcome, State, fold
from provisioner.apply.doubt import begun_by
from provisioner.apply.fresh import MAKES
from provisioner.apply.journal import Became, Journal, Sending, Step, Unsent
from provisioner.apply.together import Together

_ENOUGH = 10
"""So many calls tell whether most of them fail."""


class KeepsFailing(RunError):
    """Calls fail one after the other, whomever they are about: the phone system is down."""


@dataclass(slots=True)
class Applied:
    """How a run of apply ended: its changes by state, its requests, what is still open.

    `calls`: requests that write, by rate label, tries included; `reads`: the fresh reads. `left` are the
    changes that were not carried out, with the reason; `parked` of them weren't tried, because somebody is.
    `waiting` are those that the phone system can't do yet, and that a later run tries again. `held` and
    `unapproved` count those that didn't go. `stopped_by`: why the run ended early, None if it didn't.
    `later`: so many wait for what this run gave and is settling. `sent` counts the calls that were sent,
    `failing` those of them of which nothing took effect; `quarantined_until`: set where that was most of
    them, so that the sync is slowed down.
    """

    plan: str
    run: str = ""
    states: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    left: list[tuple[Change, State, str]] = field(default_factory=list)
    waiting: list[tuple[Change, str]] = field(default_factory=list)
    parked: int = 0
    later: int = 0
    held: int = 0
    frozen: int = 0
    unapproved: int = 0
    stopped_by: ProvisionerError | None = None
    sent: int = 0
    failing: int = 0
    quarantined_until: datetime | None = None

    @property
    def mostly_failed(self) -> str | None:
        """Why this run's calls count as mostly failed, in words; None if they don't."""
        if isinstance(self.stopped_by, TransientError | IncompleteRead | KeepsFailing):
            return self.stopped_by.message
        if self.sent >= _ENOUGH and 2 * self.failing > self.sent:
            return f"{self.failing} of {self.sent} calls failed"
        return None

    @property
    def status(self) -> int:
        """The exit status (DESIGN section 6)."""
        if self.stopped_by is not None:
            return 1
        if self.held or self.frozen:
            return 3
        if self.left:
            return 5
        return 4 if self.unapproved else 0


class Course:
    """Where a run stands.

    `made`: vendor's ids by folded key, of accounts that the plan didn't know; `begun`: folded keys of
    those to whom this plan gave account or license; `locked`: folded keys of those whom this run holds.
    """

    def __init__(
        self, journal: Journal, result: Applied, made: dict[str, str], begun: Iterable[str] = ()
    ) -> None:
        self.made = made
        self.locked: set[str] = set()
        self._journal, self._result = journal, result
        self._begun = set(begun)
        self._together = Together[Step](self._write)
        self._lock = threading.Lock()  # of what follows; who has it waits for no write
        self._done: set[int] = set()
        self._lost: set[int] = set()
        self._waiting: set[int] = set()  # accepted and effective later, and what needs that
        self._alone: dict[str, tuple[State, str]] = {}
        self._sent: set[int] = set()  # under way
        self._calls_left = Counter[str]()  # of those whom this run holds, by folded key
        self._free: set[str] = set()  # held for nothing any more

    def sending(self, changes: Sequence[Change], what: str) -> None:
        """Write down that a call is about to leave. Raises RunError if it may not."""
        with self._lock:
            self._sent.update(change.seq for change in changes)
        self._together.add(Sending(changes, what))

    def unsent(self, changes: Sequence[Change]) -> None:
        """Write down that changes were not carried out after all."""
        self._together.add(Unsent(changes))
        with self._lock:
            self._sent.difference_update(change.seq for change in changes)

    def settle(self, known: Sequence[tuple[Change, Outcome]], *, parks: bool = True) -> None:
        """Take in what became of changes: write it down first, then go by it.

        `parks`: whoever's change failed was refused by the phone system, and is parked.
        """
        self._put_off(
            [(change, outcome) for change, outcome in known if outcome.state == "planned"]
        )
        known = [(change, outcome) for change, outcome in known if outcome.state != "planned"]
        if not known:
            return
        self._together.add(Became(known, parks))
        with self._lock:
            self._begun |= begun_by(change for change, outcome in known if outcome.state == "done")
            for change, outcome in known:
                self._take_in(change, outcome)

    def _put_off(self, later: Sequence[tuple[Change, Outcome]]) -> None:
        """Let what isn't possible yet wait as it did before, and what needs it too."""
        if not later:
            return
        self._together.add(Unsent([change for change, _ in later]))
        with self._lock:
            for change, outcome in later:
                self._sent.discard(change.seq)
                self._waiting.add(change.seq)
                self._result.waiting.append((change, outcome.reason or "not possible yet"))

    def _write(self, steps: Sequence[Step]) -> None:
        """Write steps down, and let others have whom this run needs no more."""
        with self._lock:
            free, self._free = self._free, set()
        try:
            self._journal.write(steps, free)
        except BaseException:
            with self._lock:
                self._free |= free
            raise

    def count(self, sent: Collection[int]) -> None:
        """Count a call that is over, by the changes that were sent with it."""
        with self._lock:
            self._result.sent += 1
            self._result.failing += not (self._done | self._waiting).intersection(sent)

    def _take_in(self, change: Change, outcome: Outcome) -> None:
        self._sent.discard(change.seq)
        self._result.states[outcome.state] += 1
        if outcome.state == "done":
            self._done.add(change.seq)
            if change.kind in MAKES and outcome.id is not None:
                self.made[fold(change.key)] = outcome.id
        elif outcome.state == "settling":
            self._waiting.add(change.seq)
        else:
            self._lost.add(change.seq)
            self._result.left.append((change, outcome.state, outcome.reason or outcome.state))
            reason = f"change {change.seq} of this person is {outcome.state}"
            self._alone.setdefault(fold(change.key), ("skipped", reason))

    def leave_alone(self, key: str, state: State, reason: str) -> None:
        """Carry out nothing more of a person, by folded key."""
        with self._lock:
            self._alone[key] = (state, reason)

    def put_off(self, changes: Iterable[Change], reason: str) -> None:
        """Leave changes in doubt for another run to find out about, and their people alone."""
        with self._lock:
            for change in changes:
                self._lost.add(change.seq)
                self._result.left.append((change, "sent", reason))
                self._alone[fold(change.key)] = ("skipped", reason)

    def open_of(self, changes: Iterable[Change]) -> list[Change]:
        """Return those that this run has neither sent nor settled yet."""
        with self._lock:
            ended = self._done | self._lost | self._waiting | self._sent
            return [change for change in changes if change.seq not in ended]

    def has_begun(self, key: str) -> bool:
        """Return whether this plan gave somebody, by folded key, their account or license."""
        with self._lock:
            return key in self._begun

    def begun(self) -> frozenset[str]:
        """Return everybody of whom `has_begun` is true."""
        with self._lock:
            return frozenset(self._begun)

    def ready(self, changes: Iterable[Change]) -> list[Change]:
        """Return those of a call's changes that may go; settle those that may not, with the reason.

        What needs something that is effective later waits as it is.
        """
        ready: list[Change] = []
        left: list[tuple[Change, Outcome]] = []
        with self._lock:
            for change in changes:
                if change.seq in self._done or change.seq in self._lost:
                    continue
                if self._waiting.intersection(change.needs):
                    self._result.later += change.seq not in self._waiting
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

    # Whom this run holds

    def alone(self) -> AbstractContextManager[object]:
        """Keep every other thread of the run from writing anything down meanwhile."""
        return self._together.alone()

    def hold(self, keys: Collection[str]) -> None:
        """Note, while `alone`, that this run has locked people, by folded key."""
        with self._lock:
            self.locked.update(keys)
            self._free.difference_update(keys)

    def expect(self, calls: Iterable[Call]) -> None:
        """Note calls that will be sent soon: their people are held until the last of these."""
        with self._lock:
            for call in calls:
                self._calls_left.update({fold(change.key) for change in call.changes})

    def called(self, call: Call) -> None:
        """Note that a call is over; others can soon have whom no expected call is about."""
        with self._lock:
            keys = {fold(change.key) for change in call.changes}
            self._calls_left.subtract(keys)
            free = {key for key in keys if self._calls_left[key] <= 0} & self.locked
            self._free |= free
            self.locked -= free

    def let_go(self) -> None:
        """Let others have everybody whom no expected call is about, now."""
        with self._together.alone():
            self._write([])
