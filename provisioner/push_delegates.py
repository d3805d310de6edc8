"""Whom the delegates of those are whom a push touched: in whichever directory, by whichever name.

Who may bear a name is found by the index of the last accepted read, and in the receiver's store as it is now;
just these people are read, and of the phone system just their users. What only a plan for everybody can
tell is left to that: a common area's name, and delegates whose own phone that plan would change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.records import Person, PhoneUser, fold
from provisioner.calling import Callings, bearing, callings_of
from provisioner.joining import People
from provisioner.memory import Memory
from provisioner.plan.called import mail_of, shares
from provisioner.plan.compare import Comparison
from provisioner.scim.pushed import Pushed
from provisioner.store import entries as entry_store
from provisioner.store import people as people_store
from provisioner.store.database import reading as store_reading
from provisioner.store.entry_names import has_names
from provisioner.wiring import Site, Wired

Known = Mapping[str, Sequence[tuple[str, Person]]]
"""What each directory said of people at its last accepted read, by folded key."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Those whom a push touched: joined, as they were pushed, and as all directories had them last."""

    people: People
    there: Collection[Person]
    known: Known


@dataclass(frozen=True, slots=True)
class Delegates:
    """What is known of their delegates.

    `untold`: folded keys of those of whose delegates some couldn't be told: the next full plan, which
    knows everybody, decides about theirs. `callings`: what they and their delegates are called.
    """

    untold: frozenset[str] = frozenset()
    callings: Callings | None = None


def show_delegates(
    site: Site, wired: Wired, pushed: Pushed, touched: Touched, comparison: Comparison
) -> Delegates:
    """Show the comparison who the delegates of those are whom a push touched, and return that."""
    if "delegates" not in wired.mapping.managed:
        return Delegates()
    wishes = dict(_wishes(wired, touched.people, comparison))
    names = {name for wished in wishes.values() for name in wished}
    if not names:
        return Delegates()
    with store_reading(site.engine) as connection:
        if len(wired.directories) > 1 and not has_names(connection, wired.sync.name):
            return Delegates(frozenset(wishes))  # nobody knows yet what the others call people
    callings = _callings(site, wired, pushed, touched, names)
    users = _phone_users(site, wired, touched, callings, names)
    comparison.add_bystanders(callings.mails, users.values(), callings.shared)
    told = {name for name in names if _is_told(name, wired, touched, callings, users)}
    untold = frozenset(key for key, wished in wishes.items() if wished - told)
    return Delegates(untold, callings)


def _wishes(wired: Wired, people: People, comparison: Comparison) -> Iterator[tuple[str, set[str]]]:
    """Yield the folded keys of those who shall have delegates, with their names."""
    for key, number in people.number.items():
        if not comparison.in_scope(number):
            continue  # a leaver has no delegates, whoever they would be
        wished = wired.mapping.entitlements(people.at(number)).many.get("delegates", {})
        if wished:
            yield key, set(wished)


def _callings(
    site: Site, wired: Wired, pushed: Pushed, touched: Touched, names: Collection[str]
) -> Callings:
    """Return what those are called who may be meant, and those whom the push touched."""
    sync = wired.sync.name
    with store_reading(site.engine) as connection:
        near = bearing(connection, sync, names)
    now = {fold(person.key): person for person in pushed.named(names)}
    marked = [(person.key, person.key) for parts in near.values() for _, person in parts]
    now |= {fold(person.key): person for person in pushed.read_some(marked)}
    with store_reading(site.engine) as connection:
        near |= entry_store.known_entries(connection, sync, now.keys() - near.keys())
    own = {fold(person.key) for person in touched.there} | touched.known.keys()
    there = [*touched.there, *(person for key, person in now.items() if key not in own)]
    return callings_of(
        [
            (name, there if name == pushed.name else said(name, {**touched.known, **near}))
            for name in (directory.name for directory in wired.directories)
        ]
    )


def said(name: str, known: Known) -> list[Person]:
    """Return what a directory said of these people at its last accepted read."""
    return [person for parts in known.values() for where, person in parts if where == name]


def _phone_users(
    site: Site, wired: Wired, touched: Touched, callings: Callings, names: Iterable[str]
) -> dict[str, PhoneUser]:
    """Return the phone users of those whom names mean, by folded mail; by id of the bound, else by mail."""
    people, ours = callings.people, touched.people.number.keys()
    keys = {key for name in names if (key := callings.key(name)) is not None} - ours
    with store_reading(site.engine) as connection:
        bound = people_store.bound_some(connection, wired.sync.name, keys)
    owners = {binding.phone_id: binding.key for binding in bound}
    stubs = [PhoneUser(id, delegates=None) for id in owners]
    for key in sorted(keys.difference(owners.values())):
        person = people.at(people.number[key])
        stubs.append(PhoneUser("", key=person.key, email=person.email, delegates=None))
    strangers = {fold(name) for name in names if "@" in name and callings.key(name) is None}
    stubs += [PhoneUser("", email=mail, delegates=None) for mail in sorted(strangers)]
    found = list(wired.phone.read_some(stubs)) if stubs else []
    callings.meet((owners[user.id], user.email) for user in found if user.id in owners)
    return {fold(user.email): user for user in found if user.email}


def _is_told(
    name: str,
    wired: Wired,
    touched: Touched,
    callings: Callings,
    users: Mapping[str, PhoneUser],
) -> bool:
    """Return whether a plan for everybody would tell no other about the delegate of that name."""
    mail = mail_of(callings.mails, name)
    user = users.get(mail or fold(name))
    if mail is None:
        return user is not None or shares(callings.shared, name)
    key = callings.people.key_by_mail.get(callings.in_directory(mail))
    if key is None or key in touched.people.number:
        return key is not None
    person = callings.people.at(callings.people.number[key])
    serves = user is not None and user.license is not None
    if wired.phone.abilities.delegation_needs_package:
        serves = serves and user is not None and bool(user.packages)
    return serves == wired.mapping.in_scope(person)


def renamed(wired: Wired, pushed: Pushed, touched: Touched, memory: Memory) -> Iterator[str]:
    """Yield in a sentence how many are called otherwise than before, where that may be of delegates."""
    if not any(what == "delegates" for _, what in memory.applied):
        return
    before = {fold(person.key): person for person in said(pushed.name, touched.known)}
    others = sum(_is_called_otherwise(before.get(fold(p.key)), p) for p in touched.there)
    if others and "delegates" in wired.mapping.managed:
        who = "1 person has" if others == 1 else f"{others} people have"
        yield (
            f"{who} another mail address or userName now: the next full plan looks at whose"
            " delegates they are"
        )


def _is_called_otherwise(before: Person | None, now: Person) -> bool:
    if before is None:
        return False
    name = "userName"
    return before.email != now.email or before.resource.get(name) != now.resource.get(name)
