"""One run of apply: recover what is in doubt, choose, read afresh, send, and settle, call by call.

Intent is on record before a call leaves, and its outcome after. A person whose state is not what
the plan saw is left alone; a person who fails keeps what they have, and the others go on. What an
earlier run left in doubt, for whatever plan of the sync, is read back first: what took effect is done,
and what didn't waits again, to be sent by an apply of a plan that still contains it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from connectors.errors import ProvisionerError, RunError
from connectors.records import Call, Change, Outcome, fold
from provisioner.actable import refuse_unless_actable
from provisioner.apply.ahead import Ahead, Seen, steps
from provisioner.apply.chosen import NEWER, Allowance, Chosen, choose
from provisioner.apply.claim import Claim
from provisioner.apply.course import Applied, Course
from provisioner.apply.crew import Crew
from provisioner.apply.doubt import begun_by
from provisioner.apply.fresh import MAKES
from provisioner.apply.grounds import grounds_of
from provisioner.apply.journal import Journal
from provisioner.apply.recovery import Recovery, made_by
from provisioner.apply.sending import STOPPED, Sender
from provisioner.audit.calls import Calls, collecting
from provisioner.http import CallRecord
from provisioner.plan.document import instant
from provisioner.plan.model import Plan
from provisioner.progress import Progress, Silent
from provisioner.store import changes as change_store
from provisioner.store import plans as plan_store
from provisioner.store import quarantine
from provisioner.store import runs as run_store
from provisioner.store.database import StoreError, reading
from provisioner.wiring import Site, Stopped, wire_phone

_FAILED = 1


def apply_plan(
    site: Site,
    plan_id: str,
    allowance: Allowance = Allowance(),
    progress: Progress | None = None,
    seen: Seen | None = None,
    by: str | None = None,
    began: Callable[[str], None] = lambda _: None,
) -> Applied:
    """Carry out what is decided of a recorded plan, and return how it ended.

    `seen`: whom the plan's maker has just read, and who needn't be read again. `by`: who asked for it,
    the login name if None. `began` is told the run's id as soon as there is one. Raises RunError for a
    plan that can't be applied at all, and where another process is at it.
    """
    with reading(site.engine) as connection:
        plan = plan_store.load(connection, plan_id)
        _refuse(site, plan, connection)
    # a plan for some people overtakes a long one: people are locked, and not the sync
    name = f"sync:{plan.sync}" if plan.scope == "full" else f"plan:{plan.id}"
    claim = Claim(site.engine, name, site.now)
    with site.engine.begin() as connection:
        run_store.refuse_old_clock(connection, site.now())
        claim.take(connection)
        allowed = {f"allow_{name}": n for name, n in asdict(allowance).items() if n is not None}
        allowed |= {"by": by} if by is not None else {}
        run = run_store.start(connection, plan.sync, "apply", plan.id, site.now(), allowed)
    began(run)
    result = Applied(plan.id, run)
    site, calls = collecting(site, sync=plan.sync, run=run, plan=plan.id)
    try:
        with claim.kept():
            counted = _Counted(site, result)
            _Run(counted, plan, result, progress or Silent(), claim, calls, seen).go(allowance)
    except ProvisionerError as error:
        result.stopped_by = error
    except BaseException:
        _end(site, claim, plan.sync, result, _FAILED, calls)
        raise
    _end(site, claim, plan.sync, result, result.status, calls)
    return result


def _refuse(site: Site, plan: Plan, connection: Connection) -> None:
    refuse_unless_actable(site.config, plan, "applied")
    if (at := plan_store.rejected_at(connection, plan)) is not None:
        raise RunError(
            f"plan {plan.id} was rejected on {at:%Y-%m-%d at %H:%M} UTC; it can't be applied",
            remedy=f"if that was a mistake: `provisioner approve {plan.id}`; else make a new plan",
        )


class _Counted:
    """A site whose requests are counted: writes by rate label, reads apart, and by thread."""

    def __init__(self, site: Site, result: Applied) -> None:
        self.site = replace(site, record=self._record)
        self._record_too, self._result = site.record, result
        self._counting, self._own = threading.Lock(), threading.local()

    def writes(self) -> int:
        """Return how many requests that write the calling thread has sent."""
        return getattr(self._own, "writes", 0)

    def _record(self, call: CallRecord) -> None:
        with self._counting:
            if call.reads:
                self._result.reads += 1
            elif call.label != "oauth":  # a token is no write
                self._result.calls[call.label] += 1
                self._own.writes = self.writes() + 1
        if self._record_too is not None:
            self._record_too(call)


def _end(site: Site, claim: Claim, sync: str, result: Applied, status: int, calls: Calls) -> None:
    summary: dict[str, Any] = {"states": dict(result.states), "calls": dict(result.calls)}
    summary["reads"] = result.reads
    if result.stopped_by is not None:
        summary["error"] = calls.hide(str(result.stopped_by))
    try:
        with site.engine.begin() as connection:
            calls.append(connection)
            claim.give_back(connection)
            _judge(connection, sync, result, site.now())
            if result.quarantined_until is not None:
                summary["quarantined_until"] = instant(result.quarantined_until)
            run_store.end(connection, result.run, status, summary, site.now())
    except StoreError as error:
        result.stopped_by = result.stopped_by or error


def _judge(connection: Connection, sync: str, result: Applied, now: datetime) -> None:
    """Put a sync whose calls mostly failed into quarantine; take it out after a run that went well."""
    if (reason := result.mostly_failed) is not None:
        until = quarantine.slow_down(connection, sync, result.run, reason, now)
        result.quarantined_until = until
    elif result.sent and result.stopped_by is None:
        quarantine.let_go(connection, sync)


class _Run:
    """The state of one run while it goes."""

    def __init__(
        self,
        counted: _Counted,
        plan: Plan,
        result: Applied,
        progress: Progress,
        claim: Claim,
        calls: Calls,
        seen: Seen | None,
    ) -> None:
        site = self._site = counted.site
        self._result, self._progress, self._claim, self._writes = (
            result,
            progress,
            claim,
            counted.writes,
        )
        self._plan, self._calls, self._seen = plan, calls, seen
        self._sync = site.config.syncs[plan.sync]
        self._phone = wire_phone(site, self._sync)

    def go(self, allowance: Allowance) -> None:
        """Recover, choose, and send what goes."""
        recovery = Recovery(
            self._site, self._phone, self._claim, self._result, self._plan, self._calls
        )
        recovery.go()
        chosen, newest = self._choose(allowance, recovery.settling)
        self._result.held, self._result.unapproved = chosen.held, chosen.unapproved
        self._result.frozen = chosen.frozen
        course = self._begin()
        course.settle([(c, Outcome(c.seq, "stale", NEWER)) for c in chosen.stale])
        course.settle([(c, Outcome(c.seq, "skipped", why)) for c, why in chosen.skipped])
        self._result.left += [(change, change.state, why) for change, why in chosen.parked]
        self._result.parked = len(chosen.parked)
        if chosen.going:
            self._send(chosen.going, course, self._ahead(chosen.going, course, newest))

    def _choose(self, allowance: Allowance, settling: Collection[str]) -> tuple[Chosen, int]:
        """Return what goes, and the newest plan that this knows of."""
        with reading(self._site.engine) as connection:
            plan = self._plan = plan_store.load(connection, self._plan.id)
            newest = plan_store.newest(connection, plan.sync)
            grounds = grounds_of(connection, self._site, plan, settling)
        return choose(plan, grounds, allowance), newest

    def _begin(self) -> Course:
        """Start from what earlier runs of this plan did."""
        plan, site = self._plan, self._site
        unreadable = self._phone.abilities.unreadable
        run, claim, calls = self._result.run, self._claim, self._calls
        journal = Journal(site.engine, run, plan, unreadable, claim, site.now, calls)
        done = [change for change in plan.changes if change.state == "done"]
        return Course(journal, self._result, made_by(plan), begun_by(done))

    def _ahead(self, going: Sequence[Change], course: Course, newest: int) -> Ahead:
        own: dict[str, list[Change]] = {}
        for change in going:
            own.setdefault(fold(change.key), []).append(change)
        joiners = {fold(c.key) for c in self._plan.changes if c.kind in MAKES}
        with reading(self._site.engine) as connection:
            known = change_store.bound_ids(connection, self._plan.sync, joiners)
        return Ahead(
            engine=self._site.engine,
            phone=self._phone,
            course=course,
            plan=self._plan,
            claim=self._claim,
            sleep=self._site.stop.sleep,
            known=known,
            before=frozenset(course.made),  # not everybody is shown at once
            own=own,
            newest=newest,
            seen=self._seen,
            now=self._site.now,
        )

    def _send(self, going: Sequence[Change], course: Course, ahead: Ahead) -> None:
        """Send calls about different people side by side, and one person's in their order."""
        calls = self._phone.calls(going)
        self._progress.stage(f"applying plan {self._plan.id}", len(going))
        sender = Sender(self._phone, course, self._site.stop.sleep, self._writes)
        last = _Last()
        with Crew(self._phone.abilities.side_by_side) as crew:
            for step in steps(calls):
                course.expect(step)
                ahead.prepare(step)
                for call in step:
                    if last.has(call.behind) or last.frees_for(call):
                        crew.wait()
                        last.forget_what()
                    job = partial(self._call, call, sender, course)
                    last.add(call, crew.add(job, last.before(call)))
                crew.wait(len(step))  # the next are looked at while these are being sent
            crew.wait()
        course.let_go()

    def _call(self, call: Call, sender: Sender, course: Course) -> None:
        if self._site.stop.asked():
            raise Stopped(STOPPED)
        sender.send(call)
        course.called(call)
        self._progress.advance(len(call.changes))


_FREES = frozenset(
    {"license.remove", "package.remove", "credit.remove", "user.deactivate", "user.delete"}
)
_TAKES = frozenset({"license.assign", "package.assign", "credit.assign"})


class _Last:
    """The last call so far about each person, the one that carries each change, and what went lately."""

    def __init__(self) -> None:
        self._what: set[str] = set()
        self._frees = False
        self._about: dict[str, int] = {}
        self._carries: dict[int, int] = {}

    def before(self, call: Call) -> set[int]:
        """Return the calls that must be over before this one goes."""
        people = {self._about.get(fold(change.key), 0) for change in call.changes}
        needs = {self._carries.get(seq, 0) for change in call.changes for seq in change.needs}
        return people | needs

    def has(self, what: str) -> bool:
        """Return whether a call of this operation may still be under way."""
        return what in self._what

    def frees_for(self, call: Call) -> bool:
        """Return whether a seat that this call takes may come from one that is still under way.

        A plan says so by `needs` where seats are counted; some vendors don't tell how many there are.
        """
        return self._frees and any(change.kind in _TAKES for change in call.changes)

    def forget_what(self) -> None:
        """Note that every call so far is over."""
        self._what.clear()
        self._frees = False

    def add(self, call: Call, number: int) -> None:
        """Note the number of a call."""
        self._what.add(call.what)
        self._frees = self._frees or any(change.kind in _FREES for change in call.changes)
        for change in call.changes:
            self._about[fold(change.key)] = self._carries[change.seq] = number
