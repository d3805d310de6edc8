"""Whom a question about one person, room or common area is about, by any name that it goes by.

A key, a userName, a mail address or the phone system's id names one; so does a display name, an extension
number or a direct number, but these may be several people's. What names somebody for certain wins; then
whoever is meant is listed rather than guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from connectors.errors import ProvisionerError, RunError
from connectors.records import Person, PhoneSystem, PhoneUser, fold
from provisioner.joining import People
from provisioner.plan.explanation import Read
from provisioner.plan.happenings import Parts
from provisioner.planning import uses_of
from provisioner.progress import Progress
from provisioner.reads import Reading
from provisioner.scim.pushed import Pushed
from provisioner.store import entries as entry_store
from provisioner.store import finding, history
from provisioner.store import people as people_store
from provisioner.store.database import reading as store_reading
from provisioner.wiring import Site, Wired

_NAMED = 20


class NobodyCalledSo(RunError):
    """Nobody in a sync is called by a name."""


_NUMBER = re.compile(r"\+?[0-9][0-9 ()./-]*")


@dataclass(slots=True)
class Known:
    """One person, as they were found: `parts` as of their `reads`; `gone`: they are last known so.

    `phone_id`: the phone user who is theirs, where they were found by that one.
    """

    key: str
    parts: Parts
    reads: tuple[Read, ...]
    gone: bool = False
    notes: tuple[str, ...] = ()
    phone_id: str | None = None


class Whom:
    """Finds who is called `asked` in a sync; without a `phone`, by what directories say alone.

    `phone` makes one that may take the time of a whole read.
    """

    def __init__(
        self,
        site: Site,
        wired: Wired,
        asked: str,
        progress: Progress,
        phone: Callable[[], PhoneSystem] | None,
    ) -> None:
        self._site, self._wired, self._progress = site, wired, progress
        self._asked, self._phone = asked.strip(), phone
        self._sync = wired.sync
        self._people: People | None = None  # whoever the directories have, where they were read
        self._unread = self._unasked = ""

    def find(self) -> Known | PhoneUser:
        """Return who is meant: a person of the directories, else a phone user of nobody there.

        Raises RunError, with the nearest known names, if nobody is called so, and with all of them if
        several are.
        """
        asked = self._asked
        if known := self._remembered_as(asked, finding.names_of):
            return known
        user = None
        number = _NUMBER.fullmatch(asked) is not None
        if number:  # whose that is only the phone system knows
            user = self._phone_user()
        if user is None:
            if known := self._remembered_as(asked, finding.display_names_of) or self._read(asked):
                return known
            user = None if number else self._phone_user()
        if user is None:
            raise self._unknown()
        return self._owner(user) or user

    # In the store

    def _remembered_as(self, asked: str, names: finding.Names) -> Known | None:
        """Return whoever is remembered by this name. Raises RunError for several."""
        sync = self._sync.name
        with store_reading(self._site.engine) as connection:
            found = finding.called(connection, sync, asked, names)
            if not found and names is finding.names_of:
                key = finding.bound_as(connection, sync, asked)
                found = {} if key is None else {key: asked}
        pushed, spelled = self._pushed(), set[str]()
        if not found and pushed is not None and names is finding.names_of:
            new = list(pushed.named({asked}))
            found = {fold(person.key): person.user for person in new}
            spelled = {person.key for person in new}
        if len(found) > 1:
            raise self._several(f"{user} (key {key})" for key, user in found.items())
        return self._remembered(next(iter(found)), pushed, spelled) if found else None

    def _several(self, found: Iterable[str], what: str = "people", name: str = "key") -> RunError:
        named = sorted(found)
        rest = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        return RunError(
            f"several {what} are called {self._asked!r}: {', '.join(named[:_NAMED])}{rest}",
            remedy=f"give the {name} of the one that you mean",
        )

    def _pushed(self) -> Pushed | None:
        return next((d for d in self._wired.directories if isinstance(d, Pushed)), None)

    def _remembered(
        self, key: str, pushed: Pushed | None, spelled: Iterable[str] = ()
    ) -> Known | None:
        """Return what each directory said of a folded key, and the pushed one says now.

        `spelled`: the key as the receiver spells it, of somebody who is new to the store.
        """
        sync, order = self._sync.name, [d.name for d in self._wired.directories]
        with store_reading(self._site.engine) as connection:
            there = entry_store.known_entries(connection, sync, [key]).get(key, [])
            last = entry_store.known_entries(connection, sync, [key], gone=True).get(key, [])
            times = history.last_reads(connection, sync)
        now = dict(there)
        if pushed is not None:
            marked = [(each, each) for each in {person.key for _, person in last} | {*spelled}]
            there_now = (p for p in pushed.read_some(marked) if fold(p.key) == key)
            fresh = [pushed.with_ways(person) for person in there_now]
            now.pop(pushed.name, None)
            now |= {pushed.name: fresh[0]} if fresh else {}
        parts = now or dict(last)
        if not parts:
            return None
        reads = tuple(
            Read(
                directory=name,
                as_of=self._site.now() if pushed and name == pushed.name else times.get(name),
                has_them=name in now,
                afresh=bool(pushed and name == pushed.name),
            )
            for name in order
        )
        ordered = [(name, parts[name]) for name in order if name in parts]
        return Known(key, ordered, reads, gone=not now) if ordered else None

    # In the directories

    def _read(self, asked: str) -> Known | None:
        """Look for somebody in the directories themselves; None if nobody there is called so."""
        folded = fold(asked)
        exact: dict[str, int] = {}
        shown: dict[str, int] = {}
        try:
            for key, person, number in self._everybody():
                if finding.is_called(person, folded, finding.names_of):
                    exact[key] = number
                elif finding.is_called(person, folded, finding.display_names_of):
                    shown[key] = number
        except ProvisionerError as error:
            self._people = None
            self._unread = self._unread or f" (the directories can't be read now: {error.message})"
            return None
        people, found = self._people, exact or shown
        assert people is not None
        if len(found) > 1:
            raise self._several(f"{people.at(n).user} (key {key})" for key, n in found.items())
        for key, number in found.items():
            parts = people.parts(number)
            theirs = {name for name, _ in parts}
            reads = tuple(
                Read(
                    directory=reading.name,
                    as_of=self._site.now(),
                    has_them=reading.name in theirs,
                    afresh=True,
                )
                for reading in people.readings
            )
            note = "no accepted read has them yet, so the directories were read for this"
            return Known(key, parts, reads, notes=(note,))
        return None

    def _everybody(self) -> Iterator[tuple[str, Person, int]]:
        """Yield everybody in the directories, which are read once."""
        if self._people is not None:
            for key, number in self._people.number.items():
                yield key, self._people.at(number), number
        elif not self._unread:
            uses = uses_of(self._wired)
            readings = [Reading(d, uses, self._progress) for d in self._wired.directories]
            self._people = People(readings)
            yield from self._people
        else:
            raise RunError("they couldn't be read before")

    # In the phone system

    def _phone_user(self) -> PhoneUser | None:
        """Return the phone user who is meant. Raises RunError for several."""
        if self._phone is None:
            return None
        asked = self._asked
        stubs = [PhoneUser(asked, delegates=None), PhoneUser("", email=asked, delegates=None)]
        try:
            phone = self._phone()
            for user in phone.read_some(stubs):
                return user
            if "@" in asked:
                return None
            self._progress.stage("looking among everybody in the phone system")
            found = {u.id: u for u in phone.read() if _goes_by(u, asked)}
        except ProvisionerError as error:
            self._unasked = f" (the phone system can't be asked: {error.message})"
            return None
        if len(found) > 1:
            named = (f"{user.user} (id {user.id})" for user in found.values())
            raise self._several(named, "phone users", "id")
        return next(iter(found.values()), None)

    def _owner(self, user: PhoneUser) -> Known | None:
        """Return the person whose phone user that is: who is bound to it, else whom its key or mail names."""
        with store_reading(self._site.engine) as connection:
            bound = people_store.bound_to(connection, self._sync.name, [user.id]).get(user.id)
        if bound is not None:
            return self._remembered(bound, self._pushed())
        for name in (user.key, user.email) if user.kind == "person" else ():
            if not name:
                continue
            known = self._remembered_as(name, finding.names_of) or self._read(name)
            if known is not None and self._is_free(known.key):
                return replace(known, phone_id=user.id)
        return None

    def _is_free(self, key: str) -> bool:
        with store_reading(self._site.engine) as connection:
            return not people_store.bound_some(connection, self._sync.name, [key])

    # Nowhere

    def _unknown(self) -> NobodyCalledSo:
        asked = self._asked
        with store_reading(self._site.engine) as connection:
            names = chain(finding.known_names(connection, self._sync.name), self._names_read())
            near = finding.nearest(asked, names)
        said = f"; did you mean {' or '.join(near)}" if near else ""
        return NobodyCalledSo(
            f"nobody in sync {self._sync.name} is called {asked!r}{self._unread}{self._unasked}{said}",
            remedy="give a work mail address, a userName, a key, a phone user's id, a display name, "
            "an extension number or a direct number",
        )

    def _names_read(self) -> Iterator[str]:
        """Yield the names of those whom the directories have, if they were read for this."""
        for _, person, _ in self._everybody() if self._people is not None else ():
            yield from finding.names_of(person)
            yield from finding.display_names_of(person)


def _goes_by(user: PhoneUser, asked: str) -> bool:
    """Tell whether a phone user has this id, mail, key, display name, extension number or direct number."""
    texts = (user.email, user.key, user.display_name, user.extension_number)
    if user.id == asked or fold(asked) in {fold(text) for text in texts if text}:
        return True
    if not _NUMBER.fullmatch(asked):
        return False
    return _dialled(asked) in map(_dialled, user.numbers)


def _dialled(number: str) -> str:
    """Return a number as it is compared: its figures, whether it begins with + or 00 or neither.

    >>> _dialled("00 49 (89) 123-4") == _dialled("+49891234")
    True
    """
    figures = re.sub("[^0-9]", "", number)
    return figures if number.startswith("+") else figures.removeprefix("00")
