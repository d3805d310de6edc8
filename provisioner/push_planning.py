"""Planning for those whom a push touched, and nobody else.

It is the same comparison, plan, guard and record as for everybody, fed with a few people: what was
pushed is read from the receiver's store, the other directories are taken as they were at their last
accepted read, and of the phone system only these people's users are asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
from sqlalchemy import Connection

from connectors.records import Catalog, Person, PhoneUser, fold
from mappings.entitlements import PoolRef
from provisioner.apply.ahead import Seen
from provisioner.apply.claim import living
from provisioner.apply.fresh import MAKES
from provisioner.audit.calls import Calls
from provisioner.bases import Digested
from provisioner.calling import Some
from provisioner.config import SyncConfig
from provisioner.joining import People
from provisioner.key_changes import bind_anew, keys_of
from provisioner.memory import Binding, Memory
from provisioner.plan.compare import Comparison
from provisioner.plan.differences import Differences
from provisioner.plan.model import Plan
from provisioner.planning import (
    PUSH,
    Drawing,
    comparison_of,
    draw_up,
    uses_of,
    warming_of,
)
from provisioner.pools import NumberPool
from provisioner.push_delegates import Touched, renamed, said, show_delegates
from provisioner.push_stock import Stock
from provisioner.reads import Reading
from provisioner.scim.pushed import Marked, Pushed
from provisioner.store import entries as entry_store
from provisioner.store import locks as lock_store
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store.database import reading as store_reading
from provisioner.store.newer import has_open
from provisioner.wiring import Site, Wired

FRESH = timedelta(seconds=10)
"""How long a read of the phone system is as good as one before the first write."""

_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Planned:
    """What came of planning for a push: the recorded plan, None if there is nothing to say.

    `seen`: whom it read, so that they needn't be read again. The rest is of ids of marked users.
    `later`: they are to be planned for again, because another run had them meanwhile. `again`: so are
    these, because a plan that was under way may be about their delegates. `keys`: by what folded keys
    each of them is, or was, known.
    """

    plan: Plan | None
    seen: Seen
    keys: Mapping[str, frozenset[str]]
    later: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()

    def users(self, keys: Collection[str]) -> frozenset[str]:
        """Return who is known by one of these folded keys."""
        return _users(self.keys, keys)


def plan_pushed(
    site: Site,
    wired: Wired,
    pushed: Pushed,
    marked: Collection[Marked],
    stock: Stock,
    calls: Calls,
) -> Planned:
    """Plan for whom the marks name, but for those whom another run has just now; record the plan.

    What `stock` has may be some minutes old. `calls`, which collects the connected sync's, goes on
    record with the plan. Raises what planning a sync raises; then nothing was recorded.
    """
    whom = _Whom.of(pushed, marked)
    with store_reading(site.engine) as connection:
        now, name = site.now(), wired.sync.name
        holders = set(living(connection, now).values())
        seen = Seen(lock_store.turns(connection, name, whom.keys, holders), now + FRESH)
    busy = _users(whom.known_by, whom.keys - seen.turns.keys())
    free = whom.without(busy) if busy else whom
    if not free.keys:
        return Planned(None, seen, whom.known_by, busy)
    bind_anew(site, wired, pushed, free.known_by, free.there)
    read, untold = _read(site, wired, pushed, free, stock.catalog)
    numbers = _numbers_are_wished(read.differences, wired)
    for last in (False, True):
        with stock.alone(numbers=numbers):
            others = stock.under_way()
            drawn = _draw(site, wired, read, stock)
            if last or not stock.comes_short(drawn):
                plan = _record(site, wired, read, drawn, free.keys, calls)
                if plan is not None:
                    stock.claim(plan)
                break
        stock.ask_again()
    seen, had = _had_by_others(site, name, free.keys, seen)
    again = _users(whom.known_by, untold) if others else frozenset[str]()
    return Planned(plan, seen, whom.known_by, busy | _users(whom.known_by, had), again)


@dataclass(frozen=True, slots=True)
class _Whom:
    """For whom is planned: the marks, those of them who are there, and by what keys each is known."""

    marked: list[Marked]
    there: list[Person]
    known_by: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, pushed: Pushed, marked: Collection[Marked]) -> _Whom:
        there = list(pushed.read_some(marked))
        known_by = keys_of(pushed, marked)
        for person in there:
            known_by[person.where] = known_by.get(person.where, frozenset()) | {fold(person.key)}
        return cls(list(marked), there, known_by)

    @property
    def keys(self) -> frozenset[str]:
        return frozenset[str]().union(*self.known_by.values())

    def without(self, users: Collection[str]) -> _Whom:
        return _Whom(
            [each for each in self.marked if each[0] not in users],
            [person for person in self.there if person.where not in users],
            {id: own for id, own in self.known_by.items() if id not in users},
        )


def _users(known_by: Mapping[str, frozenset[str]], keys: Collection[str]) -> frozenset[str]:
    """Return the ids of those who are known by one of these folded keys."""
    wanted = frozenset(keys)
    return frozenset(id for id, own in known_by.items() if wanted and not wanted.isdisjoint(own))


def _read(
    site: Site, wired: Wired, pushed: Pushed, whom: _Whom, catalog: Catalog
) -> tuple[Drawing, Collection[str]]:
    """Read and compare; return what to draw the plan up from, and whose delegates can't be told."""
    sync, now, there, keys = wired.sync, site.now(), whom.there, set(whom.keys)
    with store_reading(site.engine) as connection:
        memory = plan_store.remembered(connection, sync.name, now, keys)
        known = entry_store.known_entries(connection, sync.name, keys)
        bindings = people_store.bound_some(connection, sync.name, keys)
        cold = warming_of(connection, wired)
    people = _joined(wired, pushed, there, known)
    comparison = comparison_of(wired, memory, now)
    comparison.add_people(people)
    comparison.leave_out(catalog.without)
    digested = Digested(bindings)
    comparison.add_bindings(digested)
    users = _phone_users(site, wired, people, bindings, comparison)
    touched = Touched(people, there, known)
    delegates = show_delegates(site, wired, pushed, touched, comparison)
    if _somebody_leaves(wired, people, keys, comparison):
        delegators = _delegators(site, wired, memory)
        comparison.add_bystanders({}, wired.phone.read_some(delegators) if delegators else ())
    comparison.add_phone_users(_asked(users, delegates.untold, bindings, people), some=True)
    differences = comparison.differences()
    differences.covers = keys
    drawing = Drawing(
        wired=wired,
        people=people,
        differences=differences,
        catalog=catalog,
        memory=memory,
        bindings=digested.sha256,
        warming=cold,
        as_of=now,
        now=now,
        scope=PUSH,
        notes=tuple(renamed(wired, pushed, touched, memory)),
        delegates=delegates.callings,
    )
    return drawing, delegates.untold


def _draw(site: Site, wired: Wired, read: Drawing, stock: Stock) -> Plan:
    """Draw up the plan, with what is left and what has changed by now."""
    sync, now = wired.sync, site.now()
    with store_reading(site.engine) as connection:
        lately = plan_store.changed_lately(connection, sync.name, now)
        everybody = _everybody(connection, sync, read.differences, stock)
    read.differences.people = max(read.differences.people, everybody)
    memory = plan_store.with_window(read.memory, [*lately, *stock.changing(sync.approval)])
    return draw_up(site, replace(read, catalog=stock.catalog, memory=memory))


def _record(
    site: Site, wired: Wired, read: Drawing, plan: Plan, keys: Collection[str], calls: Calls
) -> Plan | None:
    """Record the plan, and what was learned; return None for nothing."""
    sync, adopted, learned = wired.sync, read.memory.adopted, read.differences.learned
    with site.engine.begin() as connection:
        calls.append(connection)
        people_store.learn(connection, sync.name, learned, read.now, adopted=adopted)
        says = plan.changes or plan.blocked or plan.waiting or plan.conflicts
        if not says and not has_open(connection, sync.name, keys):
            return None
        second, said = sync.approval.second, wired.mapping.sha256
        return plan_store.record(connection, plan, keys, second, mapping=said)


def _everybody(
    connection: Connection, sync: SyncConfig, differences: Differences, stock: Stock
) -> int:
    """Return how many people are bound or about to be: limits are shares of all, whomever a plan is for."""
    joining = {key for kind, key in stock.changing(sync.approval) if kind in MAKES}
    joining |= {case.key for case in differences.cases if case.standing == "in_scope"}
    # who has an account that no run has on record was being made when one was killed, perhaps
    joining |= {binding.key for binding in differences.learned.bound}
    bound = {each.key for each in people_store.bound_some(connection, sync.name, joining)}
    return people_store.count_bound(connection, sync.name) + len(joining - bound)


def _had_by_others(
    site: Site, sync: str, keys: Collection[str], seen: Seen
) -> tuple[Seen, list[str]]:
    """Return who was another run's since they were read, by folded key, and `seen` without them.

    That run may have sent, or be about to send, what an older plan says of them. It looks for newer
    plans in the transaction in which it locks people: whom it locks from now on it knows this plan of.
    """
    with store_reading(site.engine) as connection:
        claims = living(connection, site.now())
    if not any(name.startswith(("sync:", "plan:")) for name in claims):
        return seen, []
    me, holders, turns = secrets.token_hex(8), set(claims.values()), dict(seen.turns)
    had: list[str] = []
    ordered = sorted(keys)
    for start in range(0, len(ordered), _TOGETHER):
        some = ordered[start : start + _TOGETHER]
        with site.engine.begin() as connection:
            taken = lock_store.take(connection, sync, some, me, holders)
            lock_store.give_back(connection, sync, taken, me)
        for key in some:
            if taken.get(key) == turns.pop(key) + 1:
                turns[key] = taken[key]
            else:
                had.append(key)
    return Seen(turns, seen.until), had


def _numbers_are_wished(differences: Differences, wired: Wired) -> bool:
    """Return whether a rule gives anybody a direct number that they don't have."""
    pools = {name: NumberPool(name, pool, None) for name, pool in wired.sync.pools.items()}
    for case in differences.cases:
        given = None if case.entitlements is None else case.entitlements.single.get("number")
        held = () if case.actual is None else case.actual.numbers
        if given is None:
            continue
        value = given.value
        if isinstance(value, PoolRef):
            has = bool(value.keeps and held) or any(map(pools[value.name].has, held))
        else:
            has = value in held
        if not has:
            return True
    return False


def _joined(
    wired: Wired,
    pushed: Pushed,
    there: Collection[Person],
    known: Mapping[str, list[tuple[str, Person]]],
) -> People:
    """Return the people as all directories have them: the pushed one now, others when last read."""
    uses = uses_of(wired)
    names = [directory.name for directory in wired.directories]
    return People(
        [
            Reading(Some(name, there if name == pushed.name else said(name, known)), uses)
            for name in names
        ]
    )


def _phone_users(
    site: Site,
    wired: Wired,
    people: People,
    bindings: Collection[Binding],
    comparison: Comparison,
) -> list[PhoneUser]:
    """Return the phone users of these people: by id of the bound, by mail of the others.

    One who is bound to somebody else is nobody's here; whose mail address theirs is, is told.
    """
    bound = {binding.key for binding in bindings}
    asked = () if {"delegates", "delegate_privileges"} & wired.mapping.managed else None
    stubs = [PhoneUser(binding.phone_id, delegates=asked) for binding in bindings]
    stubs += [
        PhoneUser("", key=key, email=mail, delegates=asked)
        for mail, key in people.key_by_mail.items()
        if key not in bound
    ]
    # who is asked for by id and by mail may be told twice
    found = list({user.id: user for user in wired.phone.read_some(stubs)}.values())
    ids = {binding.phone_id for binding in bindings}
    strangers = [user.id for user in found if user.id not in ids]
    with store_reading(site.engine) as connection:
        owners = people_store.bound_to(connection, wired.sync.name, strangers)
    ours: list[PhoneUser] = []
    for user in found:
        if user.id in ids or user.id not in owners:
            ours.append(user)
        elif (key := people.key_by_mail.get(fold(user.email or ""))) is not None:
            comparison.mail_is_taken(key, user)
    return ours


def _somebody_leaves(
    wired: Wired, people: People, keys: Collection[str], comparison: Comparison
) -> bool:
    """Return whether somebody is gone, inactive or out of scope."""
    if "delegates" not in wired.mapping.managed:
        return False  # nobody asks whose delegates they are
    gone = set(keys) - people.number.keys()
    return bool(gone) or not all(map(comparison.in_scope, people.number.values()))


def _delegators(site: Site, wired: Wired, memory: Memory) -> list[PhoneUser]:
    """Return those who were once given delegates: one of them may lose a leaver."""
    keys = [key for key, what in memory.applied if what == "delegates"]
    with store_reading(site.engine) as connection:
        bound = people_store.bound_some(connection, wired.sync.name, keys)
    return [PhoneUser(binding.phone_id) for binding in bound]


def _asked(
    users: Iterable[PhoneUser],
    untold: Collection[str],
    bindings: Iterable[Binding],
    people: People,
) -> list[PhoneUser]:
    """Return the phone users, without the delegates of those (by folded key) whose can't all be told."""
    keys = {binding.phone_id: binding.key for binding in bindings}
    return [
        msgspec.structs.replace(user, delegates=None)
        if keys.get(user.id, people.key_by_mail.get(fold(user.email or ""))) in untold
        else user
        for user in users
    ]
