"""Joining directories: one person may be in several, and is one person by one immutable key.

For each attribute the first directory in the list that has a value wins; groups are united. Two
people who claim one key, or one mail address under two keys, are a conflict: reported, and all of
them left alone, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any

from connectors.records import Flaw, Person, fold
from provisioner.plan.model import Conflict
from provisioner.reads import Reading, Spool, digest, encode_person


class People:
    """The people of a sync's directories, joined. Iterate once; then conflicts and flaws are known.

    Iterating yields (folded key, person, offset); `at(offset)` gives that person again. Afterwards
    `left_alone` holds the folded keys that nothing may be planned for, each with the reason, and
    `key_by_mail` the folded key of everybody by folded work mail.
    """

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings = readings
        self.left_alone: dict[str, str] = {}
        self.key_by_mail: dict[str, str] = {}
        self._conflicts: dict[tuple[str, ...], Conflict] = {}
        self._spool: Spool = readings[0].spool if len(readings) == 1 else Spool()
        self._parts: dict[str, list[int | None]] = {}

    def __iter__(self) -> Iterator[tuple[str, Person, int]]:
        joined = self._single() if len(self.readings) == 1 else self._several()
        by_mail = self.key_by_mail
        for key, person, at in joined:
            if (email := person.email) is not None:
                mail = fold(email)
                other = by_mail.setdefault(mail, key)
                if other != key:
                    self._one_mail_two_keys(mail, other, key, person)
            yield key, person, at
        for reading in self.readings:
            for flaw in reading.flaws:
                if flaw.key is not None:
                    self.left_alone.setdefault(fold(flaw.key), f"{flaw.where}: {flaw.reason}")

    def at(self, offset: int) -> Person:
        """Return the joined person at an offset that iterating gave."""
        return self._spool.person(offset)

    def parts(self, key: str, offset: int) -> list[tuple[str, Person]]:
        """Return what each directory that has the person says of them, by the directory's name."""
        if len(self.readings) == 1:
            return [(self.readings[0].name, self.at(offset))]
        return [
            (reading.name, reading.spool.person(at))
            for reading, at in zip(self.readings, self._parts[key], strict=True)
            if at is not None
        ]

    @property
    def conflicts(self) -> list[Conflict]:
        """Everybody who can't be told apart, in the order of their keys."""
        return [self._conflicts[keys] for keys in sorted(self._conflicts)]

    @property
    def keyless(self) -> list[tuple[str, Flaw]]:
        """The rows without a readable key, with their directory: somebody is missing from the read."""
        return [(r.name, flaw) for r in self.readings for flaw in r.flaws if flaw.key is None]

    def _single(self) -> Iterator[tuple[str, Person, int]]:
        seen: dict[str, int] = {}
        for person, at in self.readings[0]:
            key = fold(person.key)
            first = seen.setdefault(key, at)
            if first != at:
                self._two_with_one_key(key, self._spool.person(first), person)
                continue
            yield key, person, at

    def _several(self) -> Iterator[tuple[str, Person, int]]:
        rest = [self._indexed(reading) for reading in self.readings[1:]]
        for person, at in self._unique(self.readings[0]):
            key = fold(person.key)
            yield self._joined(key, [at, *(index.pop(key, None) for index in rest)])
        for position, index in enumerate(rest):
            before: list[int | None] = [None] * (position + 1)
            for key in list(index):
                yield self._joined(
                    key, [*before, *(later.pop(key, None) for later in rest[position:])]
                )

    def _joined(self, key: str, parts: list[int | None]) -> tuple[str, Person, int]:
        self._parts[key] = parts
        people = [
            reading.spool.person(at)
            for reading, at in zip(self.readings, parts, strict=True)
            if at is not None
        ]
        person = reduce(join, people)
        data = encode_person(person)
        return key, person, self._spool.add(data, digest(data), person.where)

    def _indexed(self, reading: Reading) -> dict[str, int]:
        return {fold(person.key): at for person, at in self._unique(reading)}

    def _unique(self, reading: Reading) -> Iterator[tuple[Person, int]]:
        seen: dict[str, int] = {}
        for person, at in reading:
            key = fold(person.key)
            first = seen.setdefault(key, at)
            if first != at:
                self._two_with_one_key(key, reading.spool.person(first), person)
                continue
            yield person, at

    def _two_with_one_key(self, key: str, first: Person, second: Person) -> None:
        known = self._conflicts.get((key,))
        places = known.where if known else (first.where,)
        users = known.users if known else (first.user,)
        reason = f"two people have the key {second.key!r}; give each their own"
        self._leave_alone(Conflict((key,), (*users, second.user), (*places, second.where), reason))

    def _one_mail_two_keys(self, mail: str, first: str, second: str, person: Person) -> None:
        keys = tuple(sorted((first, second)))
        reason = (
            f"one mail address, {mail}, under two keys, {keys[0]} and {keys[1]}; mend one of them"
        )
        self._leave_alone(Conflict(keys, (mail,), (person.where,), reason))

    def _leave_alone(self, conflict: Conflict) -> None:
        self._conflicts[conflict.keys] = conflict
        for key in conflict.keys:
            self.left_alone[key] = conflict.reason


def join(first: Person, second: Person) -> Person:
    """Return one person of two with the same key: `first` wins attribute by attribute.

    Complex attributes (name, the enterprise extension) are joined member by member; of a
    multi-valued attribute the first directory's values stand; groups are united.
    """
    resource = dict(first.resource)
    for name, value in second.resource.items():
        held = resource.get(name)
        if held is None:
            resource[name] = value
        elif name == "groups":
            resource[name] = _united(held, value)
        elif isinstance(held, dict) and isinstance(value, dict):
            resource[name] = {**value, **held}
    return Person(first.key, resource, f"{first.where}, {second.where}")


def _united(held: list[dict[str, Any]], more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {(group.get("value"), group.get("display")) for group in held}
    return held + [g for g in more if (g.get("value"), g.get("display")) not in names]
