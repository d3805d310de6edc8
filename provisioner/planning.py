"""Planning one sync: read everything, compare, plan, guard, record.

    directories -> people -> mapping -> compare with the phone system -> plan -> guard -> store

A read that can't be believed ends it before anything is planned; whatever is accepted is remembered
together with its plan, in one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from connectors.errors import ReadRefused
from connectors.records import Catalog, PhoneSystem
from connectors.scim_filter import Compare
from mappings import load_mapping
from provisioner.guard import hold
from provisioner.joining import People
from provisioner.memory import Binding, Memory
from provisioner.plan.causes import Parts
from provisioner.plan.compare import Comparison
from provisioner.plan.differences import Differences
from provisioner.plan.make import Situation, make_plan
from provisioner.plan.model import Base, Plan
from provisioner.pools import NumberPool
from provisioner.progress import Progress, Silent, counted
from provisioner.reads import Reading, Uses, best_of, refuse_implausible
from provisioner.store import entries as entry_store
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store.database import reading as store_reading
from provisioner.wiring import Site, Wired, wire

PREVIEW = "preview"
"""The scope of a plan that only shows something (another mapping, a future day): never applied."""

_SAID = 50
"""Flaws that a plan's warnings name one by one."""


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
    site: Site, name: str, request: Request = Request(), progress: Progress | None = None
) -> Plan:
    """Plan one sync and return the recorded plan.

    Raises IncompleteRead, ReadRefused, InputError or RunError; then nothing was planned, and of the
    store only the list of reads knows of it.
    """
    sync, progress = site.config.syncs[name], progress or Silent()
    rules = None
    if request.mapping is not None:
        rules = load_mapping(request.mapping, sync.extra_attributes)
    wired, now = wire(site, sync, rules), site.now()
    uses = _uses(wired)
    readings = [Reading(directory, uses, progress) for directory in wired.directories]
    people = People(readings)
    with store_reading(site.engine) as connection:
        memory = plan_store.remembered(connection, name, now)
    comparison = _comparison(wired, request, memory)
    comparison.add_people(people)
    believed = _believe(site, wired, readings, request, now)
    progress.stage("reading the phone system")
    catalog = wired.phone.catalog()
    with store_reading(site.engine) as connection:
        bindings = _Digested(people_store.bound(connection, name))
        comparison.add_bindings(bindings)
    delegators = comparison.delegators(key for key, what in memory.applied if what == "delegates")
    comparison.add_phone_users(counted(wired.phone.read(delegators), progress))
    differences = comparison.differences()
    progress.stage("planning")
    base = Base(
        directory=_one_hash([reading.sha256 for reading in readings]),
        phone=differences.phone_sha256,
        mapping=wired.mapping.sha256,
        memory=_memory_hash(memory, bindings.sha256),
    )
    plan = _plan(site, wired, request, people, differences, catalog, memory, base, now)
    return _record(site, plan, readings, differences, believed, memory)


def _uses(wired: Wired) -> Uses:
    mapping = wired.mapping
    paths = tuple(sorted(mapping.uses_paths, key=lambda path: path.text))
    if mapping.uses_groups is not None:
        return Uses(paths, mapping.uses_groups)
    filters = [rule.when for rule in mapping.rules]
    filters += [mapping.scope] if mapping.scope is not None else []
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


def _comparison(wired: Wired, request: Request, memory: Memory) -> Comparison:
    pools = {name: NumberPool(name, config, None) for name, config in wired.sync.pools.items()}
    return Comparison(
        wired.mapping,
        wired.manages,
        lambda pool, number: pool in pools and pools[pool].has(number),
        request.users,
        adopted=memory.adopted,
        unreadable=wired.phone.abilities.unreadable,
        applied=memory.applied,
    )


@dataclass(frozen=True, slots=True)
class _Believed:
    """What is known of a finished read: the last accepted one's hash, and whether it was overruled."""

    last: str | None
    overruled: bool


def _believe(
    site: Site, wired: Wired, readings: Sequence[Reading], request: Request, now: datetime
) -> list[_Believed]:
    """Hold every read against what was read before; raise one ReadRefused for all that fail."""
    believed: list[_Believed] = []
    refused: list[tuple[Reading, ReadRefused]] = []
    for reading in readings:
        with store_reading(site.engine) as connection:
            before, last = people_store.measures(connection, wired.sync.name, reading.name, now)
        accept = request.accept.get(reading.name)
        try:
            overruled = refuse_implausible(reading, best_of(before), wired.sync.limits, accept)
        except ReadRefused as refusal:
            refused.append((reading, refusal))
        else:
            believed.append(_Believed(last, overruled))
    if not refused:
        return believed
    with site.engine.begin() as connection:
        for reading, _ in refused:
            people_store.note_read(connection, wired.sync.name, reading, now, accepted=False)
    if len(refused) == 1:
        raise refused[0][1]
    raise ReadRefused("\n".join(str(refusal) for _, refusal in refused))


def _plan(
    site: Site,
    wired: Wired,
    request: Request,
    people: People,
    differences: Differences,
    catalog: Catalog,
    memory: Memory,
    base: Base,
    now: datetime,
) -> Plan:
    sync = wired.sync
    with store_reading(site.engine) as connection:
        # before adoption nobody asks what was said before
        asked = memory.adopted or wired.protected is not None
        keys = [case.key for case in differences.cases] if asked else []
        old = entry_store.known_entries(connection, sync.name, keys)
        last = entry_store.known_entries(connection, sync.name, keys, gone=True)
        cooling = _cooling(
            wired, plan_store.released_since(connection, sync.name, _since(wired, now)), now
        )
    offsets = {case.key: case.at for case in differences.cases}
    order = {directory.name: n for n, directory in enumerate(wired.directories)}
    situation = Situation(
        sync=sync.name,
        mapping=wired.mapping,
        abilities=wired.phone.abilities,
        catalog=catalog,
        memory=memory,
        pools={n: NumberPool(n, config, catalog.numbers) for n, config in sync.pools.items()},
        protected=wired.protected,
        uses=_uses(wired),
        as_of=request.as_of or now,
        created_at=now,
        base=base,
        old=lambda key: sorted(old.get(key, []), key=lambda part: order.get(part[0], len(order))),
        last_known=lambda key: last.get(key, []),
        new=lambda key: _parts(people, key, offsets.get(key)),
        keyless=tuple(flaw.where for _, flaw in people.keyless),
        cooling=cooling,
        warnings=tuple(_flaws(people)) + tuple(_memberless(people.readings, wired)),
        scope=_scope(request, now),
    )
    plan = hold(make_plan(differences, situation), sync.limits, memory)
    return msgspec.structs.replace(
        plan, summary=msgspec.structs.replace(plan.summary, api_calls=_calls(wired.phone, plan))
    )


def _parts(people: People, key: str, at: int | None) -> Parts:
    return [] if at is None else people.parts(key, at)


def _calls(phone: PhoneSystem, plan: Plan) -> int:
    to_carry_out = [change for change in plan.changes if change.state == "planned"]
    return sum(call.requests for call in phone.calls(to_carry_out))


def _scope(request: Request, now: datetime) -> str:
    if request.mapping is not None or (request.as_of is not None and request.as_of > now):
        return PREVIEW
    return "users" if request.users else "full"


def _since(wired: Wired, now: datetime) -> datetime:
    rest = max((pool.cooling for pool in wired.sync.pools.values()), default=timedelta(0))
    return now - rest


def _cooling(
    wired: Wired, released: Iterable[tuple[str, datetime]], now: datetime
) -> frozenset[str]:
    pools = [(NumberPool(n, config, None), config) for n, config in wired.sync.pools.items()]
    return frozenset(
        number
        for number, at in released
        for pool, config in pools
        if pool.has(number) and at + config.cooling > now
    )


def _flaws(people: People) -> Iterator[str]:
    """Yield a sentence for each row that could not be used."""
    flaws = [flaw for reading in people.readings for flaw in reading.flaws]
    for flaw in flaws[:_SAID]:
        effect = (
            "somebody is missing, so nothing follows from anybody's absence"
            if flaw.key is None
            else f"{flaw.key} is left alone"
        )
        yield f"{flaw.where}: {flaw.reason}; {effect}; {flaw.remedy}"
    if len(flaws) > _SAID:
        yield f"and {len(flaws) - _SAID} more rows that can't be used"


def _memberless(readings: Sequence[Reading], wired: Wired) -> Iterator[str]:
    for path in _uses(wired).paths:
        columns = (reading.figures.columns.get(path.text) for reading in readings)
        if path.attribute != "groups" and not any(columns):
            name = path.text.rsplit(":", 1)[-1]
            yield f"{name}, which the mapping uses, has no value in any directory"
    for name in sorted(wired.mapping.uses_groups or ()):
        if not any(reading.figures.groups.get(name) for reading in readings):
            yield f"group {name!r}, which the mapping asks for, has no member in any directory"


class _Digested:
    """Bindings on their way by, hashed: what a plan rests on is part of its base."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        self._bindings = bindings
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[Binding]:
        encode = msgspec.msgpack.Encoder().encode
        for binding in self._bindings:
            self._hash.update(encode(binding))
            yield binding

    @property
    def sha256(self) -> str:
        """The hash of all that went by."""
        return self._hash.hexdigest()


def _memory_hash(memory: Memory, bindings: str) -> str:
    content = (
        (memory.adopted, sorted(memory.applied.items(), key=repr), memory.mapping, bindings),
        sorted(memory.reasons.items()),
        (sorted(memory.lost), sorted(memory.changed)),
    )
    return f"sha256:{hashlib.sha256(msgspec.json.encode(content)).hexdigest()}"


def _one_hash(hashes: Sequence[str]) -> str:
    if len(hashes) == 1:
        return hashes[0]
    return f"sha256:{hashlib.sha256(' '.join(hashes).encode()).hexdigest()}"


def _record(
    site: Site,
    plan: Plan,
    readings: Sequence[Reading],
    differences: Differences,
    believed: Sequence[_Believed],
    memory: Memory,
) -> Plan:
    """Store the plan, and what its reads taught; a preview teaches nothing."""
    sync, now = plan.sync, plan.created_at
    with site.engine.begin() as connection:
        if plan.scope != PREVIEW:
            for reading, known in zip(readings, believed, strict=True):
                people_store.note_read(
                    connection, sync, reading, now, accepted=True, overruled=known.overruled
                )
                if known.last != reading.sha256:
                    entry_store.keep_entries(connection, sync, reading)
            learned = differences.learned
            people_store.learn(connection, sync, learned, now, adopted=memory.adopted)
        return plan_store.record(connection, plan)
