"""One run of apply: recover what is in doubt, choose, read afresh, send, and settle, call by call.

Intent is on record before a call leaves, and its outcome after. A person whose state is not what
the plan saw is left alone; a person who fails keeps what they have, and the others go on. What an
earlier run left in doubt, for whatever plan of the sync, is read back first: what took effect is done,
and what didn't waits again, to be sent by an apply of a plan that still contains it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from connectors.errors import ProvisionerError, RunError
from connectors.records import Call, Change, Outcome, PhoneUser, fold
from provisioner.apply.chosen import NEWER, Allowance, Chosen, Grounds, choose
from provisioner.apply.claim import Claim
from provisioner.apply.course import Applied, Course
from provisioner.apply.doubt import LOOK_AGAIN_S, UNSEEN, begun_by, judge
from provisioner.apply.fresh import MAKES, fresh_reads
from provisioner.apply.journal import Journal
from provisioner.apply.sending import Sender
from provisioner.apply.standing import standing_of, takes_what_was_said
from provisioner.http import CallRecord
from provisioner.plan.content import content_of
from provisioner.plan.model import Plan
from provisioner.planning import PREVIEW
from provisioner.progress import Progress, Silent
from provisioner.store import changes as change_store
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.changes import Open
from provisioner.store.database import StoreError, reading
from provisioner.wiring import Site, Stopped, wire_phone

_AHEAD = 100
"""People who are read afresh together, shortly before their changes are sent."""

_LATELY = timedelta(minutes=1)
"""How long what was done may stay out of sight."""

_FAILED = 1


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
        _refuse(site, plan, connection)
    claim = Claim(site.engine, f"sync:{plan.sync}", site.now)
    with site.engine.begin() as connection:
        run_store.refuse_old_clock(connection, site.now())
        claim.take(connection)
        run = run_store.start(connection, plan.sync, "apply", plan.id, site.now())
    result = Applied(plan.id, run)
    try:
        with claim.kept():
            site = _counting(site, result)
            _Run(site, plan, result, progress or Silent(), claim).go(allowance)
    except ProvisionerError as error:
        result.stopped_by = error
    except BaseException:
        _end(site, claim, result, _FAILED)
        raise
    _end(site, claim, result, result.status)
    return result


def _refuse(site: Site, plan: Plan, connection: Connection) -> None:
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
    if (at := plan_store.rejected_at(connection, plan)) is not None:
        raise RunError(
            f"plan {plan.id} was rejected on {at:%Y-%m-%d at %H:%M} UTC; it can't be applied",
            remedy=f"if that was a mistake: `provisioner approve {plan.id}`; else make a new plan",
        )


def _counting(site: Site, result: Applied) -> Site:
    """Return the site with every request counted: writes by rate label, reads apart."""

    def record(call: CallRecord) -> None:
        if call.method == "GET":
            result.reads += 1
        elif call.label != "oauth":  # a token is no write
            result.calls[call.label] += 1
        if site.record is not None:
            site.record(call)

    return replace(site, record=record)


def _end(site: Site, claim: Claim, result: Applied, status: int) -> None:
    summary = {"states": dict(result.states), "calls": dict(result.calls), "reads": result.reads}
    try:
        with site.engine.begin() as connection:
            claim.give_back(connection)
            run_store.end(connection, result.run, status, summary, site.now())
    except StoreError as error:
        result.stopped_by = result.stopped_by or error


class _Run:
    """The state of one run while it goes. `settling`: contents that wait for the vendor."""

    def __init__(
        self, site: Site, plan: Plan, result: Applied, progress: Progress, claim: Claim
    ) -> None:
        self._site, self._result, self._progress, self._claim = site, result, progress, claim
        self._plan = plan
        self._sync = site.config.syncs[plan.sync]
        self._phone = wire_phone(site, self._sync)
        self._settling: set[str] = set()

    def go(self, allowance: Allowance) -> None:
        """Recover, choose, and send what goes."""
        self._recover()
        chosen = self._choose(allowance)
        self._result.held, self._result.unapproved = chosen.held, chosen.unapproved
        self._begin()
        self._course.settle([(c, Outcome(c.seq, "stale", NEWER)) for c in chosen.stale])
        self._course.settle([(c, Outcome(c.seq, "skipped", why)) for c, why in chosen.skipped])
        self._send(chosen.going)

    def _begin(self) -> None:
        """Start from what earlier runs of this plan did."""
        done = [change for change in self._plan.changes if change.state == "done"]
        made = _made_by(self._plan)
        self._before = frozenset(made)  # not everybody is shown at once
        self._course = Course(self._journal_of(self._plan), self._result, made)
        begun, sleep = set(begun_by(done)), self._site.stop.sleep
        self._sender = Sender(self._phone, self._course, begun, sleep)
        joiners = {fold(c.key) for c in self._plan.changes if c.kind in MAKES}
        with reading(self._site.engine) as connection:
            self._bound = change_store.bound_ids(connection, self._plan.sync, joiners)

    def _send(self, going: Sequence[Change]) -> None:
        calls = self._phone.calls(going)
        self._progress.stage(f"applying plan {self._plan.id}", len(going))
        unread: dict[str, list[Change]] = {}
        for change in going:
            unread.setdefault(fold(change.key), []).append(change)
        for position, call in enumerate(calls):
            if self._site.stop.asked():
                raise Stopped("stopped between two calls; `provisioner apply` goes on from here")
            if any(fold(c.key) in unread for c in call.changes):
                self._read_ahead(calls[position:], unread)
            self._sender.send(call)
            self._progress.advance(len(call.changes))

    def _journal_of(self, plan: Plan) -> Journal:
        unreadable, site = self._phone.abilities.unreadable, self._site
        return Journal(site.engine, self._result.run, plan, unreadable, self._claim, site.now)

    # What earlier runs left open

    def _recover(self) -> None:
        """Find out what became of changes that were sent or accepted, of every plan of the sync."""
        with reading(self._site.engine) as connection:
            found = change_store.open_changes(connection, self._plan.sync)
            plans = {each.plan: plan_store.load(connection, each.plan) for each in found}
        for plan_id, plan in plans.items():
            own = {each.seq: each for each in found if each.plan == plan_id}
            changes = [change for change in plan.changes if change.seq in own]
            self._recover_sent(plan, [c for c in changes if c.state == "sent"], own)
            self._recover_settling(plan, [c for c in changes if c.state == "settling"])

    def _recover_sent(self, plan: Plan, sent: Sequence[Change], known: Mapping[int, Open]) -> None:
        if not sent:
            return
        begun = begun_by([*sent, *(c for c in plan.changes if c.state == "done")])
        lately = max(known[c.seq].at for c in sent) + _LATELY > self._site.now()
        sleep, made = self._site.stop.sleep, _made_by(plan)
        verdict = judge(sent, self._phone, made, begun, sleep, lately=lately)
        journal = self._journal_of(plan)
        journal.outcomes(verdict.outcomes)
        journal.unsent(verdict.undone)
        self._tell(plan, verdict.outcomes)
        self._result.left += [(change, "sent", UNSEEN) for change in verdict.unseen]

    def _recover_settling(self, plan: Plan, settling: Sequence[Change]) -> None:
        if not settling:
            return
        actual = fresh_reads(self._phone, settling, _made_by(plan))
        shown = [c for c in settling if self._standing(c, actual, begun=True) == "after"]
        outcomes = [(change, Outcome(change.seq, "done")) for change in shown]
        self._journal_of(plan).outcomes(outcomes)
        self._tell(plan, outcomes)
        self._settling |= {content_of(change) for change in settling if change not in shown}
        if plan.id == self._plan.id:
            self._result.states["settling"] += len(settling) - len(shown)

    def _tell(self, plan: Plan, outcomes: Sequence[tuple[Change, Outcome]]) -> None:
        """Count what was found of this plan, and name conflicts of any."""
        for change, outcome in outcomes:
            if outcome.state != "done":
                reason = outcome.reason or outcome.state
                self._result.left.append((change, outcome.state, reason))
            if plan.id == self._plan.id:
                self._result.states[outcome.state] += 1

    def _choose(self, allowance: Allowance) -> Chosen:
        with reading(self._site.engine) as connection:
            plan = self._plan = plan_store.load(connection, self._plan.id)
            holds = change_store.held_for(connection, plan)
            if not decision_store.is_adopted(connection, plan.sync):
                # until a person has approved a full plan, every plan of the sync waits
                return choose(plan, Grounds(holds=holds), Allowance())
            grounds = Grounds(
                decisions=decision_store.live_decisions(connection, plan, self._site.now()),
                automatic=self._sync.approval.automatic,
                holds=holds,
                newer=plan_store.newer_than(connection, plan),
                settling=frozenset(self._settling),
            )
        return choose(plan, grounds, allowance)

    # What the phone system has now

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
        actual = self._read(people)
        for key, own in people.items():
            self._compare(key, own, actual)

    def _read(self, people: Mapping[str, Sequence[Change]]) -> dict[str, PhoneUser]:
        """Return the present state by folded key; whom an earlier run added is waited for a little."""
        known = {**self._bound, **self._course.made}
        changes = [change for own in people.values() for change in own]
        actual = fresh_reads(self._phone, changes, known)
        for pause in LOOK_AGAIN_S:
            hidden = [c for c in changes if self._hidden(fold(c.key), actual)]
            if not hidden:
                break
            self._site.stop.sleep(pause)
            actual |= fresh_reads(self._phone, hidden, known)
        return actual

    def _hidden(self, key: str, actual: Mapping[str, PhoneUser]) -> bool:
        return key in self._before and key not in actual

    def _compare(self, key: str, own: Sequence[Change], actual: Mapping[str, PhoneUser]) -> None:
        """Settle what is so already, and leave the person alone if anything else moved."""
        user, course = actual.get(key), self._course
        joins = any(change.kind in MAKES for change in own)
        if user is None and joins:
            return  # nobody is there yet, as the plan saw it
        if self._hidden(key, actual):
            course.leave_alone(key, "skipped", UNSEEN)
            return
        begun = key in self._sender.begun
        standings = {c.seq: self._standing(c, actual, begun=begun) for c in own}
        abilities = self._phone.abilities
        if (
            joins
            or "neither" in standings.values()
            or not all(takes_what_was_said(change, user, abilities) for change in own)
        ):
            course.leave_alone(key, "stale", _moved(user, joins=joins))
            return
        so_already = [change for change in own if standings[change.seq] == "after"]
        course.settle([(c, Outcome(c.seq, "done", "it was so already")) for c in so_already])

    def _standing(self, change: Change, actual: Mapping[str, PhoneUser], *, begun: bool) -> str:
        user = actual.get(fold(change.key))
        return standing_of(change, user, self._phone.abilities, begun=begun)


def _made_by(plan: Plan) -> dict[str, str]:
    """Return the vendor's ids by folded key, of the accounts that a plan's done changes made."""
    return {
        fold(c.key): c.id for c in plan.changes if c.kind in MAKES and c.id and c.state == "done"
    }


def _moved(user: PhoneUser | None, *, joins: bool) -> str:
    if joins:
        return "somebody has made an account for them since the plan; the next plan matches it"
    if user is None:
        return "the phone system no longer has this user"
    return "the phone system is not as the plan saw it; the next plan starts from what is there"
