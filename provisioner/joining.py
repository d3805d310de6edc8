"""Joining directories: one person may be in several, and is one person by one immutable key.

For each attribute the first directory in the list that has a value wins; groups are united. Two
people who claim one key, or one mail address under two keys, are a conflict: reported, and all of
them left alone, never guessed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any

from connectors.columns import Columns, Row
from connectors.records import Flaw, Person, fold
from provisioner.plan.model import Conflict
from provisioner.reads import Reading

_ABSENT = -1
_NAMED = 5
"""Keys of one conflict that its reason names; a shared mailbox may stand under thousands."""


class People:
    """The people of a sync's directories, joined. Iterate once; then conflicts and flaws are known.

    Iterating yields (folded key, person, number): the number counts from 0, `at(number)` gives that
    person again, and `number` has it by key. Afterwards `left_alone` holds the folded keys that
    nothing may be planned for, each with the reason, and `key_by_mail` the folded key of everybody
    by folded work mail.
    """

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings = readings
        self.left_alone: dict[str, str] = {}
        self.key_by_mail: dict[str, str] = {}
        self.number: dict[str, int] = {}
        # for each reading, by a person's number: their number in its spool, or _ABSENT
        self._parts = [array("q") for _ in readings]
        self._same_key: dict[str, Conflict] = {}
        self._same_mail: dict[str, set[str]] = {}

    def as_table(self) -> Columns | None:
        """Return the columns if everybody may be taken as rows: of one directory that is a table."""
        return self.readings[0].as_table() if len(self.readings) == 1 else None

    def __iter__(self) -> Iterator[tuple[str, Person, int]]:
        by_mail = self.key_by_mail
        for key, person, number in self._single() if len(self.readings) == 1 else self._several():
            emails = person.resource.get("emails")
            if emails:
                # of a single mail nothing has to be chosen, and nearly everybody has a single one
                email = emails[0].get("value") if len(emails) == 1 else person.email
                if email and by_mail.setdefault(mail := fold(str(email)), key) != key:
                    self._share_mail(mail, key)
            yield key, person, number
        self._leave_alone()

    def rows(self) -> Iterator[tuple[str, Row, int]]:
        """Yield what iterating yields, but each person as a row of the columns that `as_table` returned."""
        (reading,), (numbers,), by_key = self.readings, self._parts, self.number
        assert reading.columns is not None
        by_mail, key_column = self.key_by_mail, reading.key_column
        mail_column = reading.columns.mail
        for row, at in reading.rows():
            key = fold(row[key_column])
            number = len(by_key)
            if by_key.setdefault(key, number) != number:
                self._again(key, at)
                continue
            numbers.append(at)
            email = None if mail_column is None else row[mail_column]
            if email is not None and by_mail.setdefault(mail := fold(email), key) != key:
                self._share_mail(mail, key)
            yield key, row, number
        self._leave_alone()

    def at(self, number: int) -> Person:
        """Return the joined person whom iterating gave that number."""
        return reduce(join, [person for _, person in self.parts(number)])

    def parts(self, number: int) -> list[tuple[str, Person]]:
        """Return what each directory that has the person of that number says of them, by the directory's name."""
        return [
            (reading.name, reading.person(numbers[number]))
            for reading, numbers in zip(self.readings, self._parts, strict=True)
            if numbers[number] != _ABSENT
        ]

    @property
    def conflicts(self) -> list[Conflict]:
        """Everybody who can't be told apart, in the order of their keys."""
        shared = [self._one_mail(mail, keys) for mail, keys in self._same_mail.items()]
        return sorted([*self._same_key.values(), *shared], key=lambda c: (c.keys, c.users))

    @property
    def keyless(self) -> list[tuple[str, Flaw]]:
        """The rows without a readable key, with their directory: somebody is missing from the read."""
        return [(r.name, flaw) for r in self.readings for flaw in r.flaws if flaw.key is None]

    def _single(self) -> Iterator[tuple[str, Person, int]]:
        (reading,), (numbers,), by_key = self.readings, self._parts, self.number
        for person, at in reading:
            key = fold(person.key)
            number = len(by_key)
            if by_key.setdefault(key, number) != number:
                self._again(key, at)
                continue
            numbers.append(at)
            yield key, person, number

    def _again(self, key: str, at: int) -> None:
        """Note that the only directory has a key for the second time."""
        (reading,), (numbers,) = self.readings, self._parts
        first = reading.person(numbers[self.number[key]])
        self._two_with_one_key(key, first, reading.person(at))

    def _several(self) -> Iterator[tuple[str, Person, int]]:
        rest = [self._indexed(reading) for reading in self.readings[1:]]
        for key, person, at in self._unique(self.readings[0]):
            yield self._joined(key, person, [at, *(index.pop(key, _ABSENT) for index in rest)])
        for position, index in enumerate(rest):
            before = [_ABSENT] * (position + 1)
            for key in list(index):
                parts = [*before, *(later.pop(key, _ABSENT) for later in rest[position:])]
                yield self._joined(key, None, parts)

    def _joined(
        self, key: str, first: Person | None, parts: Sequence[int]
    ) -> tuple[str, Person, int]:
        number = self.number[key] = len(self.number)
        for numbers, at in zip(self._parts, parts, strict=True):
            numbers.append(at)
        alone = first is not None and all(at == _ABSENT for at in parts[1:])
        return key, first if first and alone else self.at(number), number

    def _indexed(self, reading: Reading) -> dict[str, int]:
        return {key: at for key, _, at in self._unique(reading)}

    def _unique(self, reading: Reading) -> Iterator[tuple[str, Person, int]]:
        seen: dict[str, int] = {}
        for person, at in reading:
            key = fold(person.key)
            if (first := seen.setdefault(key, at)) != at:
                self._two_with_one_key(key, reading.person(first), person)
                continue
            yield key, person, at

    def _two_with_one_key(self, key: str, first: Person, second: Person) -> None:
        known = self._same_key.get(key)
        places = known.where if known else (first.where,)
        users = known.users if known else (first.user,)
        reason = f"two people have the key {second.key!r}; give each their own"
        self._same_key[key] = Conflict(
            (key,), (*users, second.user), (*places, second.where), reason
        )
        self._claim_mail(key, second)

    def _claim_mail(self, key: str, person: Person) -> None:
        if person.email is not None:
            mail = fold(person.email)
            if self.key_by_mail.setdefault(mail, key) != key:
                self._share_mail(mail, key)

    def _share_mail(self, mail: str, key: str) -> None:
        self._same_mail.setdefault(mail, {self.key_by_mail[mail]}).add(key)

    def _one_mail(self, mail: str, keys: set[str]) -> Conflict:
        ordered = tuple(sorted(keys))
        named = ordered[:_NAMED]
        rest = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
        count = "two" if len(ordered) == 2 else str(len(ordered))
        listed = f"{', '.join(named)}{rest}" if rest or len(named) > 2 else " and ".join(named)
        places = tuple(self.at(self.number[key]).where for key in ordered)
        reason = f"one mail address, {mail}, under {count} keys, {listed}; mend all but one of them"
        return Conflict(ordered, (mail,), places, reason)

    def _leave_alone(self) -> None:
        """Everything is read: say who can't be told apart, and whose row can't be used."""
        for key in self._same_key:
            # which of them is "the first" was chance, so no mail of theirs is anybody else's
            for _, person in self.parts(self.number[key]):
                self._claim_mail(key, person)
        for conflict in self.conflicts:
            for key in conflict.keys:
                self.left_alone[key] = conflict.reason
        for reading in self.readings:
            for flaw in reading.flaws:
                if flaw.key is not None:
                    self.left_alone.setdefault(fold(flaw.key), f"{flaw.where}: {flaw.reason}")


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
