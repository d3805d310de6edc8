"""Planning one sync: read everything, compare, plan, guard, record.

    directories -> people -> mapping -> compare with the phone system -> plan -> guard -> store

A read that can't be believed ends it before anything is planned; whatever is accepted is remembered
together with its plan, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from connectors.errors import ProvisionerError, ReadRefused
from connectors.records import Catalog, PhoneSystem
from connectors.scim_filter import Compare
from mappings import load_mapping
from provisioner import credits
from provisioner.audit.calls import Calls, collecting
from provisioner.bases import (
    Digested,
    base_of,
    memory_sha256,
    phone_sha256,
    said_sha256,
    settings_of,
)
from provisioner.calling import Callings
from provisioner.config import PUSHED, SyncConfig
from provisioner.delegations import look_closer, sweep_of
from provisioner.earlier import earlier_mapping, keep_mapping, members_now, nobody_counted
from provisioner.freeze import with_freezes
from provisioner.guard import hold
from provisioner.joining import People
from provisioner.key_changes import keep_bound
from provisioner.memory import Memory
from provisioner.number_memory import resting, resting_until, since, without_number
from provisioner.operation_log import Asking
from provisioner.plan.calendar import Calendar
from provisioner.plan.compare import Comparison
from provisioner.plan.differences import Differences
from provisioner.plan.happenings import Parts
from provisioner.plan.lines import with_lines
from provisioner.plan.make import Situation, make_plan
from provisioner.plan.model import Base, Plan
from provisioner.pools import NumberPool
from provisioner.progress import Progress, Silent, counted
from provisioner.read_warnings import flaws_of, memberless
from provisioner.reads import Reading, Uses, best_of, refuse_implausible
from provisioner.said import Said, said_of
from provisioner.store import entries as entry_store
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store import refusals
from provisioner.store.audit import append, of_run
from provisioner.store.audit_entries import directory_read, phone_read, plan_failed
from provisioner.store.database import reading as store_reading
from provisioner.store.entry_names import keep_names
from provisioner.store.newer import covered_since
from provisioner.store.reviews import with_decisions
from provisioner.store.warming import warming
from provisioner.trying import Trial
from provisioner.wiring import Site, Wired, wire

PREVIEW = "preview"
"""The scope of a plan that only shows something (another mapping, a future day): never applied."""

PUSH = "push"
"""The scope of a plan for those whom a push touched."""

_PUSHED_GRACE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of planning beside the sync itself.

    `users`: plan for these only (mails, userNames or keys). `mapping`: another mapping's file, to
    look at. `accept`: sha256 by directory name, of reads that an operator accepts once. `as_of`: a
    moment to plan for, None for now.
    """

    users: Collection[str] = ()
    mapping: Path | None = None
    accept: Mapping[str, str] = field(default_factory=dict)
    as_of: datetime | None = None


def plan_sync(
    site: Site,
    name: str,
    request: Request = Request(),
    progress: Progress | None = None,
    run: str | None = None,
) -> Plan:
    """Plan one sync and return the recorded plan; `run`: the run that it is part of, for the audit.

    Raises IncompleteRead, ReadRefused, InputError or RunError; then nothing was planned, and of the
    store only the list of reads and the audit know of it.
    """
    site, calls = collecting(site, sync=name, run=run)
    try:
        return _planned(site, name, request, progress or Silent(), calls)
    except ProvisionerError as error:
        calls.flush(plan_failed(name, run, error, calls.hide(error.message)))
        raise
    finally:
        calls.flush()


def _planned(site: Site, name: str, request: Request, progress: Progress, calls: Calls) -> Plan:
    sync = site.config.syncs[name]
    rules, trial, now = None, None, site.now()
    if request.mapping is not None:
        rules = load_mapping(request.mapping, sync.people, sync.pools)
        trial = Trial(sync, rules, tuple(request.users), request.as_of or now)
    wired = wire(site, sync, rules)
    uses = uses_of(wired)
    if trial is None:
        keep_bound(site, wired)
    with store_reading(site.engine) as connection:
        read_after = plan_store.newest(connection, name)
    readings = [Reading(directory, uses, progress) for directory in wired.directories]
    people = People(readings) if trial is None else trial.people(readings)
    with store_reading(site.engine) as connection:
        memory = plan_store.remembered(connection, name, now)
    with store_reading(site.engine) as connection:
        cold = warming_of(connection, wired)
    comparison = comparison_of(wired, memory, request.as_of or now, request.users)
    comparison.add_people(people)
    believed = _believe(site, wired, readings, request, now, cold, calls.run)
    progress.stage("reading the phone system")
    catalog = wired.phone.catalog()
    comparison.leave_out(catalog.without)
    with store_reading(site.engine) as connection:
        bindings = Digested(people_store.bound(connection, name))
        comparison.add_bindings(bindings)
    delegators = comparison.delegators(key for key, what in memory.applied if what == "delegates")
    scope = _scope(request, now)
    sweep = sweep_of(site.engine, wired, scope)
    asking = Asking(site, sync)
    users = sweep.watched(wired.phone.read(sweep.due(delegators)))
    comparison.add_phone_users(counted(asking.watched(users), progress))
    differences = comparison.differences()
    sweep.finish(comparison, differences)
    look_closer(wired.phone, differences)
    progress.stage("planning")
    drawing = Drawing(
        wired=wired,
        people=people,
        differences=differences,
        catalog=catalog,
        memory=memory,
        bindings=sweep.digest(bindings.sha256),
        warming=cold,
        as_of=request.as_of or now,
        now=now,
        scope=scope,
        notes=tuple(sweep.said()),
        counts=comparison.counts,
        some=bool(request.users),
        against="" if trial is None else trial.against,
        asking=asking,
    )
    plan = draw_up(site, drawing)
    plan = plan if trial is None else trial.told(plan)
    said = wired.mapping.sha256
    return _record(
        *(site, plan, said, readings, differences, believed, memory, people.left_alone, calls),
        read_after=read_after,
    )


def uses_of(wired: Wired) -> Uses:
    """Return what of people the sync's mapping reads."""
    mapping = wired.mapping
    paths = tuple(sorted(mapping.uses_paths, key=lambda path: path.text))
    if mapping.uses_groups is not None:
        return Uses(paths, mapping.uses_groups)
    filters = [rule.when for rule in mapping.rules]
    leave = None if mapping.leave is None else mapping.leave.when
    filters += [e for e in (mapping.scope, mapping.existing_account, leave) if e is not None]
    tests = [
        test.compiled()
        for each in filters
        for test in each.tests
        if isinstance(test, Compare) and test.op != "ne" and test.path.attribute == "groups"
    ]

    def used(name: str) -> bool:
        member = {"groups": [{"value": name, "display": name}]}
        return any(test(member) for test in tests)

    return Uses(paths, None, used)


def warming_of(connection: Connection, wired: Wired) -> tuple[str, ...]:
    """Return the sync's pushed directories that nobody has declared ready."""
    pushed = [d.name for d in wired.sync.directories if d.kind == PUSHED]
    return warming(connection, wired.sync.name, pushed)


def comparison_of(
    wired: Wired, memory: Memory, as_of: datetime, only: Collection[str] = ()
) -> Comparison:
    """Return a comparison for the sync on a day, that is still empty."""
    pools = {name: NumberPool(name, config, None) for name, config in wired.sync.pools.items()}
    return Comparison(
        wired.mapping,
        wired.manages,
        lambda pool, number: pool in pools and pools[pool].has(number),
        only,
        adopted=memory.adopted,
        unreadable=wired.phone.abilities.unreadable,
        applied=memory.applied,
        calendar=Calendar.of_mapping(wired.mapping, as_of, wired.sync.forecast),
    )


@dataclass(frozen=True, slots=True)
class _Believed:
    """What is known of a finished read: the last accepted one's hash, and whether it was overruled."""

    last: str | None
    overruled: bool


def _believe(
    site: Site,
    wired: Wired,
    readings: Sequence[Reading],
    request: Request,
    now: datetime,
    cold: Collection[str],
    run: str | None,
) -> list[_Believed]:
    """Hold every read against what was read before; raise one ReadRefused for all that fail."""
    believed: list[_Believed] = []
    refused: list[tuple[Reading, ReadRefused]] = []
    for reading in readings:
        with store_reading(site.engine) as connection:
            before, last = people_store.measures(connection, wired.sync.name, reading.name, now)
        accept = request.accept.get(reading.name)
        try:
            overruled = refuse_implausible(
                reading, best_of(before), wired.sync.limits, accept, warming=reading.name in cold
            )
        except ReadRefused as refusal:
            refused.append((reading, refusal))
        else:
            believed.append(_Believed(last, overruled))
    if not refused:
        return believed
    with site.engine.begin() as connection:
        of_run(connection, run)
        for reading, _ in refused:
            people_store.note_read(connection, wired.sync.name, reading, now, accepted=False)
    if len(refused) == 1:
        raise refused[0][1]
    raise ReadRefused("\n".join(str(refusal) for _, refusal in refused))


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a plan is drawn up from, when everything is read and compared.

    `bindings` is their hash; `warming`: pushed directories that nobody has declared ready. `counts`
    tells of a folded key whether they are one of the people whom limits are a share of. `notes` are
    sentences for the plan's warnings. `delegates`: those whom names of delegates mean, where they are
    not all among the people. `some`: it is for some people only, of whom no forecast follows.
    `against`: the hash of the mapping that it is compared with, if it is compared with one. `asking`:
    tells by whom the phone system was changed; None for nobody.
    """

    wired: Wired
    people: People
    differences: Differences
    catalog: Catalog
    memory: Memory
    bindings: str
    warming: tuple[str, ...]
    as_of: datetime
    now: datetime
    scope: str
    counts: Callable[[str], bool] = lambda key: True  # noqa: ARG005
    notes: tuple[str, ...] = ()
    delegates: Callings | None = None
    some: bool = False
    against: str = ""
    asking: Asking | None = None


def draw_up(site: Site, drawing: Drawing) -> Plan:
    """Return the plan, limits held and calls counted; it is not recorded yet."""
    wired, differences, people = drawing.wired, drawing.differences, drawing.people
    sync, memory, now = wired.sync, drawing.memory, drawing.now
    with store_reading(site.engine) as connection:
        said = said_of(connection, wired, people, differences, memory, drawing.delegates)
        at = drawing.as_of
        released = plan_store.releases_since(connection, sync.name, since(sync, min(at, now)))
        cooling = resting(sync, released, at)
        until = resting_until(sync, released, cooling)
        before = plan_store.held_before(connection, sync.name, without_number(differences))
        owed = credits.known(connection, site.config, sync)
        earlier = earlier_mapping(connection, wired, memory.mapping)
    uses = uses_of(wired)
    offered = drawing.catalog.numbers
    situation = Situation(
        sync=sync.name,
        mapping=wired.mapping,
        abilities=wired.phone.abilities,
        catalog=drawing.catalog,
        memory=memory,
        pools={n: NumberPool(n, config, offered) for n, config in sync.pools.items()},
        protected=wired.protected,
        uses=uses,
        as_of=drawing.as_of,
        created_at=now,
        base=_base(drawing, said, [owed.with_memory((cooling, before, until)), earlier is None]),
        old=said.old,
        last_known=said.last,
        directories=said.directories,
        key_of=said.delegators.get,
        new=said.new,
        keyless=tuple(flaw.where for _, flaw in people.keyless),
        grace_s=lambda key: grace_s(sync, said.last(key)),
        warming=drawing.warming,
        cooling=cooling,
        held_before=before,
        prices=sync.prices,
        resting_until=until,
        horizon=timedelta(0) if drawing.some else sync.forecast,
        warnings=(
            *flaws_of(people),
            # a push has only those who were pushed
            *(() if drawing.scope == PUSH else memberless(people.readings, uses, wired.mapping)),
            *drawing.notes,
        ),
        scope=drawing.scope,
        earlier=earlier,
        meanings=said.meanings,
        members=nobody_counted if drawing.scope == PUSH else members_now(people.readings),
    )
    if drawing.warming:
        differences.learned.gone.clear()  # nobody's grace begins before everything is there
    plan = with_lines(make_plan(differences, situation), wired.mapping)
    if drawing.asking is not None:
        plan = drawing.asking.told(plan, memory, differences)
    plan = hold(plan, sync.limits, memory, drawing.counts)
    plan = with_freezes(plan, sync.freeze)
    plan = owed.told(plan, differences.credits, at.date())
    return msgspec.structs.replace(
        plan, summary=msgspec.structs.replace(plan.summary, api_calls=api_calls(wired.phone, plan))
    )


def _base(drawing: Drawing, said: Said, remembered: object) -> Base:
    """Return what a plan rests on; `remembered` is what the store said beside its memory."""
    wired, differences = drawing.wired, drawing.differences
    more = (
        *(remembered, said_sha256(said.known, said.old, said.last), said.meanings),
        *(drawing.warming, drawing.notes, drawing.scope, differences.covers, drawing.against),
        settings_of(wired.sync, wired.mapping.file),
    )
    return base_of(
        drawing.people.readings,
        phone_sha256(differences.phone_sha256, drawing.catalog, wired.phone.abilities),
        wired.mapping.sha256,
        memory_sha256(drawing.memory, drawing.bindings, more),
    )


def grace_s(sync: SyncConfig, parts: Parts) -> float:
    """Return a leaver's grace where the mapping says none: a day for whoever was pushed."""
    return _PUSHED_GRACE_S if any(name == sync.pushed for name, _ in parts) else 0.0


def api_calls(phone: PhoneSystem, plan: Plan) -> int:
    """Return how many requests the planned writes of a plan take."""
    to_carry_out = [change for change in plan.changes if change.state == "planned"]
    return sum(call.requests for call in phone.calls(to_carry_out))


def _scope(request: Request, now: datetime) -> str:
    if request.mapping is not None or (request.as_of is not None and request.as_of > now):
        return PREVIEW
    return "users" if request.users else "full"


def _record(
    site: Site,
    plan: Plan,
    mapping: str,
    readings: Sequence[Reading],
    differences: Differences,
    believed: Sequence[_Believed],
    memory: Memory,
    left_alone: Collection[str],
    calls: Calls,
    *,
    read_after: int,
) -> Plan:
    """Store the plan, by the hash of what its `mapping` says, and what its reads taught; a preview
    teaches nothing. `read_after`: the newest plan when the reads began.
    """
    sync, now = plan.sync, plan.created_at
    with site.engine.begin() as connection:
        of_run(connection, calls.run)
        calls.append(connection)
        if plan.scope != PREVIEW:
            for reading, known in zip(readings, believed, strict=True):
                people_store.note_read(
                    connection, sync, reading, now, accepted=True, overruled=known.overruled
                )
                if known.last != reading.sha256:
                    entry_store.keep_entries(connection, sync, reading)
            learned = differences.learned
            learned.leave_out(covered_since(connection, sync, read_after))
            people_store.learn(connection, sync, learned, now, adopted=memory.adopted)
            keep_names(connection, sync, learned.names)
            refusals.lapse(connection, plan, left_alone)
            keep_mapping(connection, site.config.syncs[sync], mapping, now)
        else:
            read = [directory_read(sync, reading, accepted=True) for reading in readings]
            append(connection, read, now)
        kind, count = site.config.syncs[sync].phone_system.kind, differences.phone_users_read
        append(connection, [phone_read(plan, kind, count)], now)
        second = site.config.syncs[sync].approval.second
        plan = plan_store.record(
            connection, plan, differences.covers, second, mapping=mapping, read_after=read_after
        )
        return with_decisions(connection, plan, second, now)
