"""Undo: the plan that takes back what a run did, recorded and reviewed like any other.

    what the run did -> its people, read afresh -> inverse -> catalog, pools -> guard -> store

Only what is still as the run left it is taken back. Together with the plan it is recorded that what
it takes back is refused, so that the next sync doesn't bring it back unasked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches

import msgspec
from sqlalchemy import Connection

from connectors.errors import InputError, ProvisionerError, RunError
from connectors.records import Catalog, Change, PhoneUser, fold
from connectors.scim_filter import PHONE_USER, parse_filter
from mappings import Mapping as Rules
from mappings import load_mapping
from mappings.rules import Give, Leavers
from provisioner import who
from provisioner.apply.fresh import MAKES, fresh_reads
from provisioner.audit.calls import Calls, collecting
from provisioner.bases import settings_of
from provisioner.config import SyncConfig
from provisioner.freeze import with_freezes
from provisioner.guard import hold
from provisioner.plan.document import change_document, instant
from provisioner.plan.draft import Draft
from provisioner.plan.effects import Done, Effect, effects
from provisioner.plan.inverse import invert, judge_numbers
from provisioner.plan.make import Situation, ground_of, plan_of
from provisioner.plan.model import UNDO, Base, Conflict, Plan
from provisioner.plan.places import is_touchable
from provisioner.plan.taking_back import Inverse, which
from provisioner.planning import api_calls
from provisioner.pools import NumberPool
from provisioner.progress import Progress, Silent, counted
from provisioner.reads import Uses
from provisioner.store import carried_out, refusals
from provisioner.store import changes as change_store
from provisioner.store import entries as entry_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.audit import Entry, append
from provisioner.store.audit_entries import phone_read, plan_failed
from provisioner.store.carried_out import ApplyRun
from provisioner.store.database import reading
from provisioner.surroundings import Surroundings
from provisioner.wiring import Site, wire_phone

_NAMED = 20
"""How many changes or people a sentence names."""


def undo_run(
    site: Site,
    given: str,
    users: Collection[str] = (),
    progress: Progress | None = None,
    by: str | None = None,
) -> Plan:
    """Return the recorded plan that takes back what a run did; `users`: of these people only.

    `given` is the run's id, or that of a plan which one run alone carried out. Of a run that did
    nothing the plan is empty, and says so. `by`: who asks for it, the login name if None. Raises
    RunError for a run or a user that isn't there.
    """
    progress = progress or Silent()
    with reading(site.engine) as connection:
        run_store.refuse_old_clock(connection, site.now())
        run = carried_out.run_called(connection, given)
        sync = _sync_of(site, run)
        sent = _of_users(carried_out.sent_by(connection, run), users, run)
    site, calls = collecting(site, sync=sync.name)
    try:
        undo = _Undo(site, run, sync)
        undo.remember(sent)
        undo.read(progress)
        progress.stage("planning")
        return undo.record(undo.plan(), calls, who.named(by))
    except ProvisionerError as error:
        calls.flush(plan_failed(sync.name, None, error, calls.hide(error.message)))
        raise
    finally:
        calls.flush()


def _sync_of(site: Site, run: ApplyRun) -> SyncConfig:
    if run.sync not in site.config.syncs:
        raise RunError(
            f"run {run.id} is of sync {run.sync!r}, which the config doesn't have",
            remedy="give -c the config that the run was made with",
        )
    return site.config.syncs[run.sync]


def _of_users(sent: list[Done], users: Collection[str], run: ApplyRun) -> list[Done]:
    """Return the changes of these people (mails or keys), of all if none is named."""
    if not users:
        return sent
    wanted = {fold(name): name for name in users}
    named = {fold(n): n for each in sent for n in (each.change.user, each.change.key)}
    if nobody := [wanted[name] for name in sorted(wanted.keys() - named.keys())]:
        near = get_close_matches(fold(nobody[0]), named, n=3)
        meant = f"did you mean {' or '.join(named[name] for name in near)}?" if near else ""
        some = sorted({each.change.user for each in sent})[:_NAMED]
        raise RunError(
            f"run {run.id} changed nobody called {', '.join(nobody)}",
            remedy=meant or f"it changed {', '.join(some) or 'nobody'}",
        )
    return [d for d in sent if not {fold(d.change.user), fold(d.change.key)}.isdisjoint(wanted)]


def _by_person(done: Iterable[Done]) -> dict[str, list[Done]]:
    """Return the changes by phone user: one may be known by a person's key and by their own."""
    done = list(done)
    made = {fold(d.change.key): d.change.id for d in done if d.change.kind in MAKES}
    people: dict[str, list[Done]] = {}
    for each in done:
        key = fold(each.change.key)
        people.setdefault(each.change.id or made.get(key) or key, []).append(each)
    return people


class _Undo:
    """One undo on its way. `remember`, `read`, `plan` and `record` follow each other."""

    def __init__(self, site: Site, run: ApplyRun, sync: SyncConfig) -> None:
        self._site, self._run, self._sync = site, run, sync
        self._now = site.now()
        self._phone = wire_phone(site, sync)
        self._catalog = Catalog()
        self._actual: dict[str, PhoneUser] = {}
        self._found = Inverse()

    def remember(self, sent: Sequence[Done]) -> None:
        """Take in what the run did, and what the store knows: its people, and whom the limits count."""
        self._sent = sent
        self._done = [each for each in sent if each.change.state != "sent"]
        self._people = _by_person(self._done)
        self._around = Surroundings(e for own in self._people.values() for e in effects(own))
        with reading(self._site.engine) as connection:
            self._ask(connection, self._sync.name)

    def _ask(self, connection: Connection, name: str) -> None:
        self._memory = plan_store.remembered(connection, name, self._now)
        keys = {fold(each.change.key) for each in self._done}
        population = plan_store.population(connection, name)
        self._around.differences.people = max(population, len(self._people))
        self._bound = change_store.bound_ids(connection, name, keys)
        delegators = {key for key, what in self._memory.applied if what == "delegates"}
        asked = delegators if self._around.asks_for_delegations else set()
        self._delegators = change_store.bound_ids(connection, name, asked).values()
        protected = keys if self._sync.protected is not None else set()
        self._last_known = entry_store.known_entries(connection, name, protected, gone=True)
        rest = max((pool.cooling for pool in self._sync.pools.values()), default=timedelta(0))
        self._released = plan_store.releases_since(connection, name, self._now - rest)

    def read(self, progress: Progress) -> None:
        """Read the phone system for what everybody has, then the people concerned afresh."""
        if not self._done:
            return
        progress.stage("reading the phone system")
        self._catalog = self._phone.catalog()
        self._around.add(counted(self._phone.read(self._delegators), progress))
        changes = [each.change for each in self._done]
        made = {fold(c.key): c.id for c in changes if c.kind in MAKES and c.id is not None}
        known = self._bound | made
        self._actual = fresh_reads(self._phone, changes, known, delegations=True)

    def plan(self) -> Plan:
        """Return the inverse as a plan, held against catalog, pools and limits."""
        found, differences = self._found, self._around.differences
        situation = self._situation()
        ground = ground_of(differences, situation)
        manages = self._sync.manages
        filter = None if manages is None else parse_filter(manages, PHONE_USER)
        for own in self._people.values():
            actual = self._actual.get(fold(own[0].change.key))
            if actual is None or is_touchable(actual, filter):
                invert(own, actual, self._run.id, ground, found)
            else:
                found.conflicts.append(_untouchable(own, actual))
        drafts = [draft for draft, _ in found.drafts]
        judge_numbers(drafts, self._around.holders, self._resting())
        differences.conflicts += found.conflicts
        situation = replace(situation, warnings=tuple(self._warnings()))
        plan = hold(plan_of(drafts, differences, situation), self._sync.limits, self._memory)
        plan = with_freezes(plan, self._sync.freeze)
        if plan.waiting:
            again = f"what waits here is not planned again by itself: `provisioner undo {self._run.id}` does"
            plan = msgspec.structs.replace(plan, warnings=(*plan.warnings, again))
        figures = msgspec.structs.replace(plan.summary, api_calls=api_calls(self._phone, plan))
        return msgspec.structs.replace(plan, summary=figures)

    def record(self, plan: Plan, calls: Calls, by: str) -> Plan:
        """Record the plan, and that what it takes back is refused to every other one."""
        origins = {_mark(draft): of for draft, of in self._found.drafts}
        with self._site.engine.begin() as connection:
            calls.append(connection)
            count = self._around.differences.phone_users_read
            if self._done:
                read = phone_read(plan, self._sync.phone_system.kind, count)
                append(connection, [read], self._now)
            plan = plan_store.record(connection, plan, second=self._sync.approval.second)
            undone = [done.change.seq for done in self._done]
            undoes = {"run": self._run.id, "changes": undone, "by": by}
            said = Entry(kind="plan.undoes", sync=plan.sync, plan=plan.id, detail=undoes)
            append(connection, [said], self._now)
            inverted = (
                (done.change, change.seq)
                for change in plan.changes
                for effect in origins[_mark(change)]
                for done in effect.of
            )
            refusals.refuse(connection, plan, self._run.id, inverted)
        return plan

    def _situation(self) -> Situation:
        sync, memory = self._sync, self._memory
        schema = sync.people
        mapping = _order_of_rules(sync)
        return Situation(
            sync=sync.name,
            mapping=mapping,
            abilities=self._phone.abilities,
            catalog=self._catalog,
            memory=memory,
            pools={},
            protected=None if sync.protected is None else parse_filter(sync.protected, schema),
            uses=Uses((), frozenset()),
            as_of=self._now,
            created_at=self._now,
            base=Base(
                directory=_hash([self._run.id, [change_document(d.change) for d in self._done]]),
                phone=self._around.differences.phone_sha256 or _hash([]),
                mapping=mapping.sha256,
                memory=_hash(
                    [
                        *(sorted(memory.lost), sorted(memory.changed), sorted(self._bound.items())),
                        settings_of(sync, mapping.file),
                    ]
                ),
            ),
            old=lambda _: [],
            new=lambda _: [],
            last_known=lambda key: self._last_known.get(key, []),
            directories=[directory.name for directory in sync.directories],
            scope=UNDO,
        )

    def _resting(self) -> dict[str, str]:
        """Return why a number may not be given back yet: somebody else had it meanwhile, and it rests."""
        pools = [(NumberPool(n, pool, None), pool.cooling) for n, pool in self._sync.pools.items()]
        lost = {
            str(effect.before): {fold(each.change.key) for each in own}
            for own in self._people.values()
            for effect in effects(own)
            if effect.family == "number" and effect.before is not None
        }
        last = {release.number: release for release in self._released}  # by moment
        return {
            number: f"number {number} rests until {instant(at + rest)}: {user} had it meanwhile"
            for number, key, user, at in last.values()
            for pool, rest in pools
            if number in lost and key not in lost[number]
            if pool.has(number) and at + rest > self._now
        }

    def _warnings(self) -> Iterator[str]:
        run, found = self._run.id, self._found
        if not self._done:
            yield f"run {run} did nothing: there is nothing to undo"
        if self._run.ended_at is None:
            yield f"run {run} has not ended: what it does from now on isn't undone here"
        if in_doubt := len(self._sent) - len(self._done):
            yield (
                f"{in_doubt} changes of run {run} are in doubt: the next `provisioner sync` finds out"
                " what became of them; then undo the run again"
            )
        yield from found.notes
        if found.settled:
            yield f"as before already: {_listed(found.settled)}"
        if found.pending:
            yield (
                f"accepted by the phone system, which doesn't show it yet: {_listed(found.pending)};"
                " undo the run again when it does"
            )


def _untouchable(own: Sequence[Done], actual: PhoneUser) -> Conflict:
    change = own[0].change
    reason = "can't be touched: `manages` doesn't name owners, admins, rooms and common areas"
    return Conflict((change.key,), (change.user,), (actual.id,), f"{change.user} {reason}")


def _order_of_rules(sync: SyncConfig) -> Rules:
    """Return the mapping, for the order of its rules alone; one without any if it can't be read.

    Whoever broke the mapping must still be able to take back what it did.
    """
    try:
        mapping = load_mapping(sync.mapping, sync.people, sync.pools)
    except InputError:
        return Rules(_hash([]), None, None, Leavers(), "report", Give(), {}, (), frozenset())
    return replace(mapping, managed=frozenset(), profile={})


def _mark(change: Draft | Change) -> tuple[str, str, str, str]:
    return change.kind, fold(change.key), str(change.before), str(change.after)


def _listed(found: Sequence[Effect]) -> str:
    done = list({d.change.seq: d for effect in found for d in effect.of}.values())
    more = f" and {len(done) - _NAMED} more" if len(done) > _NAMED else ""
    return which(done[:_NAMED]) + more


def _hash(content: object) -> str:
    return (
        f"sha256:{hashlib.sha256(msgspec.json.encode(content, order='deterministic')).hexdigest()}"
    )
