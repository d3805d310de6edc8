"""One run of apply: recover what is in doubt, read afresh, send, and settle, call by call.

Intent is on record before a call leaves, and its outcome after. A person whose state is not what
the plan saw is left alone; a person who fails keeps what they have, and the others go on.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from connectors.errors import ProvisionerError, RunError, TransientError
from connectors.records import Call, Change, Outcome, PhoneUser, State, fold
from provisioner.apply.chosen import Allowance, Chosen, choose
from provisioner.apply.doubt import settle_doubt
from provisioner.apply.fresh import fresh_reads
from provisioner.apply.journal import Journal
from provisioner.apply.standing import standing_of, takes_what_was_said
from provisioner.plan.model import Plan
from provisioner.planning import PREVIEW
from provisioner.progress import Progress, Silent
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.wiring import Site, Stopped, wire_phone

_LEASE = timedelta(minutes=10)
_TRIES = 4
_WAIT_S = 2.0
_AHEAD = 100
"""People who are read afresh together, shortly before their changes are sent."""

_REMEMBERED = {"template.apply": "template", "softphone.authorize": "softphone"}
"""Kinds whose result may not be readable, and the entitlement that it is remembered under."""

_MAKES = ("user.create", "user.invite")


@dataclass(slots=True)
class Applied:
    """How a run of apply ended: its changes by state, the writes by rate label, what is still open.

    `left` are the changes that were not carried out, with the reason. `stopped_by`: why the run
    ended early, None if it didn't.
    """

    plan: str
    run: str = ""
    states: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
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


def apply_plan(
    site: Site,
    plan_id: str,
    allowance: Allowance = Allowance(),
    progress: Progress | None = None,
) -> Applied:
    """Carry out what is decided of a recorded plan, and return how it ended.

    Raises RunError for a plan that can't be applied at all, and where another process is at it.
    """
    with reading(site.engine) as connection:
        plan = plan_store.load(connection, plan_id)
    _refuse(site, plan)
    holder, lease = f"{socket.gethostname()}:{os.getpid()}", f"sync:{plan.sync}"
    with site.engine.begin() as connection:
        run_store.take_lease(connection, lease, holder, site.now(), _LEASE)
        run = run_store.start(connection, plan.sync, "apply", plan.id, site.now())
    result = Applied(plan.id, run)

    def prolong() -> None:
        with site.engine.begin() as connection:
            run_store.take_lease(connection, lease, holder, site.now(), _LEASE)

    try:
        _Run(site, plan, result, progress or Silent()).go(allowance, prolong)
    except (RunError, Stopped, TransientError) as error:
        result.stopped_by = error
    finally:
        with site.engine.begin() as connection:
            run_store.give_back(connection, lease, holder)
            summary = {"states": dict(result.states), "calls": dict(result.calls)}
            run_store.end(connection, run, result.status, summary, site.now())
    return result


def _refuse(site: Site, plan: Plan) -> None:
    if plan.scope == PREVIEW:
        raise RunError(
            f"plan {plan.id} only shows another mapping or another day; it can't be applied",
            remedy="make one without --mapping and without a future --as-of",
        )
    if plan.sync not in site.config.syncs:
        raise RunError(
            f"plan {plan.id} is of sync {plan.sync!r}, which the config doesn't have",
            remedy="give -c the config that the plan was made with",
        )


class _Run:
    """The state of one run while it goes.

    `done` and `lost` are seqs: what needs a lost one is skipped. `left` are the folded keys of
    people whose remaining changes are left alone. `made`: vendor's ids of new accounts by key.
    """

    def __init__(self, site: Site, plan: Plan, result: Applied, progress: Progress) -> None:
        self._site, self._result, self._progress = site, result, progress
        self._sync = site.config.syncs[plan.sync]
        self._phone = wire_phone(site, self._sync)
        self._plan = plan
        self._journal = self._journal_of(plan)
        self._made: dict[str, str] = {}
        self._done: set[int] = set()
        self._lost: set[int] = set()
        self._left: dict[str, str] = {}

    def go(self, allowance: Allowance, prolong: Callable[[], None]) -> None:
        """Recover, choose, and send what goes; `prolong` keeps the run's lease from lapsing."""
        self._recover()
        chosen = self._choose(allowance)
        self._result.held, self._result.unapproved = chosen.held, chosen.unapproved
        for change in chosen.stale:
            self._leave(change, "stale", "a newer plan no longer contains this change")
        self._done = {c.seq for c in self._plan.changes if c.state == "done"}
        going = self._without_settling(chosen.going)
        calls = self._phone.calls(going)
        self._progress.stage(f"applying plan {self._plan.id}", len(going))
        by_person: dict[str, list[Change]] = {}
        for change in going:
            by_person.setdefault(fold(change.key), []).append(change)
        for position, call in enumerate(calls):
            if self._site.stop.asked():
                raise Stopped("stopped between two calls; `provisioner apply` goes on from here")
            if any(fold(c.key) in by_person for c in call.changes):
                self._read_ahead(calls[position:], by_person)
                prolong()
            self._send(call)
            self._progress.advance(len(call.changes))

    def _journal_of(self, plan: Plan) -> Journal:
        unreadable = self._phone.abilities.unreadable
        remembered = {kind: name for kind, name in _REMEMBERED.items() if name in unreadable}
        return Journal(self._site.engine, self._result.run, plan, remembered, self._site.now)

    def _recover(self) -> None:
        """Find out what became of changes that an earlier run sent, and whose answer is not on record."""
        with reading(self._site.engine) as connection:
            doubtful = plan_store.in_doubt(connection, self._plan.sync)
            plans = {plan: plan_store.load(connection, plan) for plan, _ in doubtful}
        for plan_id, plan in sorted(plans.items()):
            seqs = {seq for p, seq in doubtful if p == plan_id}
            changes = [change for change in plan.changes if change.seq in seqs]
            settle_doubt(changes, self._phone, self._journal_of(plan), {})

    def _choose(self, allowance: Allowance) -> Chosen:
        with reading(self._site.engine) as connection:
            self._plan = plan_store.load(connection, self._plan.id)
            if not plan_store.is_adopted(connection, self._plan.sync):
                # until a person has approved a full plan, every plan of the sync waits
                settled = ("done", "manual", "rejected")
                return Chosen(unapproved=sum(c.state not in settled for c in self._plan.changes))
            decisions = plan_store.live_decisions(connection, self._plan, self._site.now())
            newest = plan_store.newest_full(connection, self._plan.sync)
            newer = None
            if newest is not None and int(newest) > int(self._plan.id):
                newer = plan_store.contents_of(connection, newest)
        automatic = self._sync.approval.automatic
        return choose(self._plan, decisions, automatic, allowance, newest=newer)

    def _without_settling(self, going: Sequence[Change]) -> list[Change]:
        """Re-read what was accepted and becomes effective later; what needs it waits with it."""
        settling = [change for change in going if change.state == "settling"]
        waiting = {change.seq for change in settling}
        actual = fresh_reads(self._phone, settling, self._made) if settling else {}
        for change in settling:
            if self._standing(change, actual) == "after":
                self._settle(change, Outcome(change.seq, "done"))
                waiting.discard(change.seq)
            else:
                self._result.states["settling"] += 1
        rest: list[Change] = []
        for change in going:
            if change.state == "settling":
                continue
            if waiting & set(change.needs):
                waiting.add(change.seq)
            else:
                rest.append(change)
        return rest

    def _standing(self, change: Change, actual: Mapping[str, PhoneUser]) -> str:
        return standing_of(change, actual.get(fold(change.key)), self._phone.abilities)

    def _read_ahead(self, calls: Sequence[Call], unread: dict[str, list[Change]]) -> None:
        """Read the people of the next calls afresh; leave alone whoever is not as the plan saw them."""
        people: dict[str, list[Change]] = {}
        for call in calls:
            for change in call.changes:
                key = fold(change.key)
                if key in unread:
                    people[key] = unread.pop(key)
            if len(people) >= _AHEAD:
                break
        changes = [change for own in people.values() for change in own]
        actual = fresh_reads(self._phone, changes, self._made)
        for key, own in people.items():
            self._compare(key, own, actual)

    def _compare(self, key: str, own: Sequence[Change], actual: Mapping[str, PhoneUser]) -> None:
        """Settle what is so already, and leave the person alone if anything else moved."""
        user = actual.get(key)
        if user is None and any(change.kind in _MAKES for change in own):
            return  # nobody is there yet, as the plan saw it
        standings = {c.seq: self._standing(c, actual) for c in own}
        if "neither" in standings.values() or not all(
            takes_what_was_said(c, user, self._phone.abilities) for c in own
        ):
            self._left[key] = "the phone system is not as the plan saw it"
            return
        for change in own:
            if standings[change.seq] == "after":
                made = user.id if user is not None else None
                self._settle(change, Outcome(change.seq, "done", "it was so already", made))

    def _send(self, call: Call) -> None:
        pending = [change for change in call.changes if self._may_go(change)]
        if not pending:
            return
        tries = 0
        while pending:
            tries += 1
            self._journal.sending(pending, call.what)
            self._result.calls[call.label] += call.requests
            try:
                for outcome in self._phone.carry_out([self._with_id(c) for c in pending]):
                    change = next(c for c in pending if c.seq == outcome.seq)
                    pending = [c for c in pending if c.seq != outcome.seq]
                    self._settle(change, outcome)
            except TransientError as error:
                pending = self._after_a_failure(pending, error, tries)
            except RunError:
                for change in pending:
                    self._journal.moved(change, "planned")
                raise
            else:
                return

    def _after_a_failure(
        self, pending: Sequence[Change], error: TransientError, tries: int
    ) -> list[Change]:
        """Wait, and return what has to be sent again: after reading back, if it may have taken effect."""
        self._site.stop.sleep(error.retry_after_s or _WAIT_S * 2 ** (tries - 1))
        again = list(pending)
        if error.in_doubt:
            again = settle_doubt(pending, self._phone, self._journal, self._made)
            for change in pending:
                if change not in again:
                    self._result.states["done"] += 1
                    self._done.add(change.seq)
        if tries < _TRIES:
            return again
        for change in again:
            self._settle(change, Outcome(change.seq, "failed", str(error)))
        return []

    def _may_go(self, change: Change) -> bool:
        if change.seq in self._done:
            return False
        if (reason := self._left.get(fold(change.key))) is not None:
            self._leave(change, "stale" if "plan saw" in reason else "skipped", reason)
            return False
        if lost := self._lost & set(change.needs):
            self._leave(change, "skipped", f"needs change {min(lost)}, which was not done")
            return False
        return True

    def _with_id(self, change: Change) -> Change:
        if change.id is None and (made := self._made.get(fold(change.key))) is not None:
            return msgspec.structs.replace(change, id=made)
        return change

    def _settle(self, change: Change, outcome: Outcome) -> None:
        self._journal.outcome(change, outcome)
        self._result.states[outcome.state] += 1
        key = fold(change.key)
        if outcome.state == "done":
            self._done.add(change.seq)
            if change.kind in _MAKES and outcome.id is not None:
                self._made[key] = outcome.id
            return
        self._lost.add(change.seq)
        if outcome.state != "settling":
            reason = outcome.reason or outcome.state
            self._result.left.append((change, outcome.state, reason))
            self._left.setdefault(key, f"change {change.seq} of this person {outcome.state}")

    def _leave(self, change: Change, state: State, reason: str) -> None:
        self._journal.moved(change, state, reason)
        self._lost.add(change.seq)
        self._result.states[state] += 1
        self._result.left.append((change, state, reason))
