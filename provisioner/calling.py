"""Whom names mean, found without reading everybody.

A full plan knows what everybody is called (plan/called.py). Who plans for a few people, or asks what a
name meant before, finds those who may bear it by the index of the last accepted read, reads just them,
and asks the same question of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from connectors.records import Person, fold
from provisioner.joining import People
from provisioner.plan.called import Called, folded_name, mail_of
from provisioner.plan.differences import Case, Differences
from provisioner.plan.look import Names
from provisioner.plan.meanings import Meanings
from provisioner.plan.name_index import checksum
from provisioner.reads import Reading, Uses
from provisioner.store import entries as entry_store
from provisioner.store.entry_names import called, has_names

_NOTHING = Uses((), frozenset())


@dataclass(slots=True)
class Some:
    """A directory of which only some people are read."""

    name: str
    people: Collection[Person]

    def read(self) -> Iterator[Person]:
        """Yield them."""
        return iter(self.people)

    def check(self) -> None:
        """Nothing can be wrong with it."""


@dataclass(slots=True)
class Callings:
    """What some people are called: the mail by folded name, and the names that several of them bear."""

    people: People
    mails: dict[str, str] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    _theirs: dict[str, str] = field(default_factory=dict)

    def key(self, name: str) -> str | None:
        """Return the folded key of whom a name means, None where nobody, or several."""
        mail = mail_of(self.mails, name)
        return None if mail is None else self.people.key_by_mail.get(self.in_directory(mail))

    def meet(self, known: Iterable[tuple[str, str | None]]) -> None:
        """Take in by which mails the phone system knows people, by folded key: names lead to these."""
        there: dict[str, str] = {}
        for key, mail in known:
            own = self.people.at(self.people.number[key]).email
            if mail is not None and own is not None and fold(mail) != fold(own):
                there[fold(own)] = fold(mail)
        self._theirs = {theirs: own for own, theirs in there.items()}
        self.mails = {name: there.get(mail, mail) for name, mail in self.mails.items()}

    def in_directory(self, mail: str) -> str:
        """Return the folded mail that somebody has in the directories, by that in the phone system."""
        return self._theirs.get(mail, mail)


def callings_of(readings: Sequence[tuple[str, Collection[Person]]]) -> Callings:
    """Return what these people are called; they come by directory, in the order of config."""
    found = Callings(People([Reading(Some(*each), _NOTHING) for each in readings]))
    collected = Called(found.mails, found.shared)
    collected.people = found.people
    for key, person, number in found.people:
        if (mail := person.email) is not None:
            resource = person.resource
            names = Names(
                person.key, mail, resource.get("userName"), person.where, resource.get("id")
            )
            collected.add(fold(mail), key, names, number)
    collected.settle()
    return found


def bearing(
    connection: Connection, sync: str, names: Iterable[str]
) -> dict[str, list[tuple[str, Person]]]:
    """Return what each directory said of all who bear one of the names, or have it as a key, by key.

    Entries don't keep where people were read, which may be a name, as a dn is: the index tells whose it is.
    """
    spellings = {each for name in names for each in (fold(name), folded_name(name))}
    found = called(connection, sync, spellings)
    keys = {key for bearers in found.values() for _, key in bearers}
    known = entry_store.entries_like(connection, sync, keys | set(map(checksum, spellings)))
    names_of: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name, bearers in sorted(found.items()):
        for bearer in bearers:
            names_of[bearer].append(name)
    return {
        key: [(where, _placed(person, names_of[where, of_key])) for where, person in parts]
        for key, parts in known.items()
        for of_key in [checksum(key)]
    }


def _placed(person: Person, names: Sequence[str]) -> Person:
    """Return a person with the place where they were read, if that is one of the names they bear."""
    resource = person.resource
    others = (person.key, person.email, resource.get("userName"), resource.get("id"))
    told = {folded_name(other) for other in others if other}
    where = next((name for name in names if name not in told), person.where)
    return Person(person.key, resource, where)


def meanings_of(
    connection: Connection,
    sync: str,
    differences: Differences,
    people: People,
    directories: Sequence[str],
) -> Meanings:
    """Return what the names of those delegates mean, and meant, who are otherwise than wished.

    Nothing where nobody kept what names meant.
    """
    names = {name for case in differences.cases for name in _unlike(case, differences.mails)}
    if not names or not has_names(connection, sync):
        return {}
    before = callings_of(by_directory(bearing(connection, sync, names), directories))
    found: dict[str, tuple[str | None, str | None]] = {}
    for name in names:
        mail = mail_of(differences.mails, name)
        now = None if mail is None else people.key_by_mail.get(mail)
        if mail is None or now is not None:  # else the phone system knows them by another mail
            found[fold(name)] = before.key(name), now
    return found


def by_directory(
    known: Mapping[str, Iterable[tuple[str, Person]]], directories: Sequence[str]
) -> list[tuple[str, list[Person]]]:
    """Return people, given by key, by directory."""
    parts = [part for each in known.values() for part in each]
    return [(name, [p for where, p in parts if where == name]) for name in directories]


def _unlike(case: Case, mails: Mapping[str, str]) -> Iterable[str]:
    """Return the names of somebody's delegates, if those whom they have are others."""
    given, actual = case.entitlements, case.actual
    if given is None or actual is None or case.standing != "in_scope":
        return ()
    wished = given.many.get("delegates", {})
    if actual.delegates is None:
        return wished
    held = set(map(fold, actual.delegates))
    return wished if {mail_of(mails, n) or fold(n) for n in wished} != held else ()
