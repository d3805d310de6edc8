"""Looking ahead: people are locked and read afresh shortly before their first change is sent.

They are taken some at a time, few at first and then more, so that a run that is killed again and
again still gets on, and a long one reads as little as it can by pages. Whoever is not as the plan saw
them is left alone. Between two such steps another run, a push say, may have had a person: then they
are read once more, and what a newer plan no longer holds is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from connectors.errors import RunError
from connectors.records import Call, Change, Outcome, PhoneSystem, PhoneUser, fold
from provisioner.apply.chosen import NEWER
from provisioner.apply.claim import Claim
from provisioner.apply.course import Course
from provisioner.apply.doubt import LOOK_AGAIN_S, UNSEEN
from provisioner.apply.fresh import MAKES, fresh_reads
from provisioner.apply.standing import standing_of, swapped_by_hand, takes_what_was_said
from provisioner.plan.model import Plan
from provisioner.store import locks as lock_store
from provisioner.store import plans as plan_store
from provisioner.store.newer import Newer, newer_than

FIRST, MOST = 10, 200
"""People looked at in the first step, and in any: each step takes twice as many as the one before."""

_OTHERS_S, _TRIES = 0.25, 240
"""How often, and how many times, somebody is asked for whom another run has just now."""

OTHERS = "another run is at work on them: apply again when it has ended"


class Seen(NamedTuple):
    """Whom the plan's maker read a moment ago: that read is fresh for whoever nobody had since.

    `turns`: whose turn it was with each, by folded key, before they were read. `until`: from then on
    it is fresh no more.
    """

    turns: Mapping[str, int]
    until: datetime


def steps(calls: Sequence[Call]) -> Iterator[list[Call]]:
    """Yield the calls in order, as many at a time as should be looked ahead for together."""
    size, some, people = FIRST, list[Call](), set[str]()
    for call in calls:
        theirs = {fold(change.key) for change in call.changes}
        if some and len(people | theirs) > size:
            yield some
            size, some, people = min(2 * size, MOST), [], set()
        some.append(call)
        people |= theirs
    if some:
        yield some


@dataclass(slots=True)
class Ahead:
    """One run's looking ahead.

    `known`: the vendor's ids by folded key of joiners who are bound by now; `before`: who was made by
    an earlier run of the plan, and may not show yet; `own`: everybody's changes of this run, by folded
    key; `newest`: the newest plan when the run chose its changes; `seen`: who needn't be read.
    """

    engine: Engine
    phone: PhoneSystem
    course: Course
    plan: Plan
    claim: Claim
    sleep: Callable[[float], None]
    known: Mapping[str, str]
    before: Collection[str]
    own: Mapping[str, Sequence[Change]]
    newest: int
    seen: Seen | None
    now: Callable[[], datetime]
    _turns: dict[str, int] = field(default_factory=dict)

    def prepare(self, calls: Iterable[Call]) -> None:
        """Lock the people of these calls, and look at those who are new or were another run's.

        Raises RunError if the plan was rejected meanwhile.
        """
        people = {fold(change.key) for call in calls for change in call.changes}
        turns, newer = self._lock(people - self.course.locked)
        fresh = [k for k, turn in turns.items() if turn not in (self._turns.get(k), self._next(k))]
        self._turns |= turns
        if newer is not None:
            self._drop(newer)
        left = {key: self.course.open_of(self.own[key]) for key in sorted(fresh)}
        left = {key: changes for key, changes in left.items() if changes}
        if left:
            actual = self._read(left)
            for key, changes in left.items():
                self._compare(key, changes, actual)

    def _next(self, key: str) -> int | None:
        """Return which turn means that nobody had a person since the plan's maker read them."""
        if self.seen is None or self.now() > self.seen.until or key not in self.seen.turns:
            return None
        return self.seen.turns[key] + 1

    def _lock(self, keys: Collection[str]) -> tuple[dict[str, int], Newer | None]:
        """Lock people, waiting a little for whom another run has; leave alone who isn't to be had.

        Who waits holds only whom it has calls under way about: two runs that both held people while they
        waited would wait for each other.
        """
        turns, newer, missing = dict[str, int](), None, set(keys)
        for last in (*(False for _ in range(_TRIES - 1)), True):
            with self.course.alone(), self.engine.begin() as connection:
                if plan_store.rejected_at(connection, self.plan) is not None:
                    raise RunError(
                        f"plan {self.plan.id} was rejected while it was applied",
                        remedy="nothing more was sent; `provisioner show` says what was done before",
                    )
                turns = self._take(connection, keys)
                missing = set(keys) - turns.keys()
                if missing and not last:
                    lock_store.give_back(connection, self.plan.sync, turns, self.claim.holder)
                else:
                    self.course.hold(turns)
                newest = plan_store.newest(connection, self.plan.sync)
                if newest > self.newest:
                    newer, self.newest = newer_than(connection, self.plan), newest
            if not missing:
                break
            self.course.let_go()
            if not last:
                self.sleep(_OTHERS_S)
        for key in missing:
            self.course.leave_alone(key, "skipped", OTHERS)
        return turns, newer

    def _take(self, connection: Connection, keys: Collection[str]) -> dict[str, int]:
        """Lock whom no other living run has; return the turn that it is for each."""
        holder = self.claim.holder
        living = [each for each in self.claim.living(connection).values() if each != holder]
        return lock_store.take(connection, self.plan.sync, keys, holder, living)

    def _drop(self, newer: Newer) -> None:
        """Leave out what a plan that was made meanwhile no longer contains."""
        waiting = self.course.open_of(change for own in self.own.values() for change in own)
        stale = [change for change in waiting if newer.drops(change)]
        self.course.settle([(change, Outcome(change.seq, "stale", NEWER)) for change in stale])

    def _read(self, people: Mapping[str, Sequence[Change]]) -> dict[str, PhoneUser]:
        """Return the present state by folded key; whom an earlier run added is waited for a little."""
        known = {**self.known, **self.course.made}
        changes = [change for own in people.values() for change in own]
        actual = fresh_reads(self.phone, changes, known)
        for pause in LOOK_AGAIN_S:
            hidden = [c for c in changes if self._hidden(fold(c.key), actual)]
            if not hidden:
                break
            self.sleep(pause)
            actual |= fresh_reads(self.phone, hidden, known)
        return actual

    def _hidden(self, key: str, actual: Mapping[str, PhoneUser]) -> bool:
        return key in self.before and key not in actual

    def _compare(self, key: str, own: Sequence[Change], actual: Mapping[str, PhoneUser]) -> None:
        """Settle what is so already, and leave the person alone if anything else moved."""
        user, course, abilities = actual.get(key), self.course, self.phone.abilities
        joins = any(change.kind in MAKES for change in own)
        if user is None and joins:
            return  # nobody is there yet, as the plan saw it
        if self._hidden(key, actual):
            course.leave_alone(key, "skipped", UNSEEN)
            return
        begun = course.has_begun(key)
        standings = {c.seq: standing_of(c, user, abilities, begun=begun) for c in own}
        if (
            joins
            or "neither" in standings.values()
            or swapped_by_hand(self.own[key], user, begun=begun)
            or not all(takes_what_was_said(change, user, abilities) for change in own)
        ):
            course.leave_alone(key, "stale", _moved(user, joins=joins))
            return
        so_already = [change for change in own if standings[change.seq] == "after"]
        course.settle([(c, Outcome(c.seq, "done", "it was so already")) for c in so_already])


def _moved(user: PhoneUser | None, *, joins: bool) -> str:
    if joins:
        return "somebody has made an account for them since the plan; the next plan matches it"
    if user is None:
        return "the phone system no longer has this user"
    return "the phone system is not as the plan saw it; the next plan starts from what is there"
