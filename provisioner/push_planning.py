"""Planning for those whom a push touched, and nobody else.

It is the same comparison, plan, guard and record as for everybody, fed with a few people: what was
pushed is read from the receiver's store, the other directories are taken as they were at their last
accepted read, and of the phone system only these people's users are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Protocol

import msgspec

from connectors.records import Catalog, Person, PhoneUser, fold
from mappings.entitlements import PoolRef
from provisioner.apply.ahead import Seen
from provisioner.apply.claim import living
from provisioner.audit.calls import Calls
from provisioner.bases import Digested
from provisioner.calling import Some
from provisioner.joining import People
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
from provisioner.reads import Reading
from provisioner.scim.pushed import Marked, Pushed
from provisioner.store import entries as entry_store
from provisioner.store import locks as lock_store
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store.database import reading as store_reading
from provisioner.wiring import Site, Wired

FRESH = timedelta(seconds=10)
"""How long a read of the phone system is as good as one before the first write."""


def plan_pushed(
    site: Site,
    wired: Wired,
    pushed: Pushed,
    marked: Collection[Marked],
    offer: Offer,
    calls: Calls,
) -> tuple[Plan, Seen] | None:
    """Plan for whom the marks name; return the recorded plan, None if there is nothing to say.

    With the plan comes whom it read, so that they needn't be read again.

    What `offer` gives may be some minutes old. `calls`, which collects the connected sync's, goes on record
    with the plan. Raises what planning a sync raises; then nothing was recorded.
    """
    sync, now = wired.sync, site.now()
    there = list(pushed.read_some(marked))
    keys = {fold(key) for key in (*pushed.keys_of(marked), *(person.key for person in there))}
    with store_reading(site.engine) as connection:
        memory = plan_store.remembered(connection, sync.name, now, keys)
        known = entry_store.known_entries(connection, sync.name, keys)
        bindings = people_store.bound_some(connection, sync.name, keys)
        cold = warming_of(connection, wired)
        bound = people_store.count_bound(connection, sync.name)
        seen = Seen(
            lock_store.turns(connection, sync.name, keys, set(living(connection, now).values())),
            now + FRESH,
        )
    people = _joined(wired, pushed, there, known)
    comparison = comparison_of(wired, memory, now)
    comparison.add_people(people)
    comparison.leave_out(offer(numbers=False).without)
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
    # limits are shares of everybody, whomever a plan is for
    joiners = [c for c in differences.cases if c.standing == "in_scope" and c.actual is None]
    differences.people = max(differences.people, bound + len(joiners))
    drawing = Drawing(
        wired=wired,
        people=people,
        differences=differences,
        catalog=offer(numbers=_numbers_are_wished(differences, wired)),
        memory=memory,
        bindings=digested.sha256,
        warming=cold,
        as_of=now,
        now=now,
        scope=PUSH,
        notes=tuple(renamed(wired, pushed, touched, memory)),
        delegates=delegates.callings,
    )
    plan = draw_up(site, drawing)
    with site.engine.begin() as connection:
        calls.append(connection)
        people_store.learn(connection, sync.name, differences.learned, now, adopted=memory.adopted)
        says = plan.changes or plan.blocked or plan.waiting or plan.conflicts
        if not says and not plan_store.has_open(connection, sync.name, keys):
            return None
        second, said = sync.approval.second, wired.mapping.sha256
        return plan_store.record(connection, plan, keys, second, mapping=said), seen


class Offer(Protocol):
    """Gives what the phone system has to give: its numbers, a long list, only where they matter."""

    def __call__(self, *, numbers: bool) -> Catalog: ...


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
    found = list(wired.phone.read_some(stubs))
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
