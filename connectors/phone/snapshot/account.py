"""A phone system's state while changes are carried out: who is there, and what is taken.

It holds only the users that the changes can touch, and counts the rest: a few changes to a million
users cost a few users' memory. Everything goes through `put` and `drop`, so that what users are
found by, and the seats they take, are never out of step with them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

from connectors.errors import PersonError
from connectors.phone.snapshot.lines import CatalogLine, NumberedUser, with_site
from connectors.records import Change, PhoneUser, clean, fold

Mark: TypeAlias = tuple[str, str]
"""What users are found or counted by: ("name", folded mail address), ("number", E.164) and so on."""


def name_of(user: PhoneUser) -> str | None:
    """Return what delegators name a user by: the mail address; a common area's is its name."""
    return user.email if user.email is not None or user.kind == "person" else user.display_name


def marks(user: PhoneUser) -> Iterator[Mark]:
    """Yield what a user can be found by; a trashed one's numbers are nobody's."""
    if user.key is not None:
        yield "key", fold(user.key)
    name = name_of(user)
    if name is not None:
        yield "name", fold(name)
    for delegate in user.delegates or ():
        yield "delegate", fold(delegate)
    if user.status != "trashed":
        if user.extension_number is not None:
            yield "extension", user.extension_number
        for number in user.numbers:
            yield "number", number


def seats(user: PhoneUser) -> Iterator[Mark]:
    """Yield the seats that a user takes: license and packages; in the trash none."""
    if user.status != "trashed":
        if user.license is not None:
            yield "licenses", fold(user.license)
        for package in user.packages:
            yield "packages", fold(package)


def concerned(changes: Iterable[Change]) -> set[Mark]:
    """Return the marks of everybody whom the changes can touch, but for those they name by id."""
    found: set[Mark] = set()
    for c in changes:
        found |= {("key", fold(c.key)), ("name", fold(c.user))}
        for value in (c.before, c.after):
            if isinstance(value, dict):
                value = value.get("email")
            if isinstance(value, str):
                text = clean(value)
                found |= {("name", fold(text)), ("number", text), ("extension", text)}
    return found


def new_id(key: str) -> str:
    """Return the id of a user made for a person: the same for the same key.

    So a run that is repeated can't make a second user.
    """
    return "p-" + hashlib.sha256(fold(key).encode()).hexdigest()[:20]


class Account:
    """The account that a snapshot tells of. `changed` and `added` say what is to be written."""

    def __init__(
        self, catalog: CatalogLine, users: Iterable[NumberedUser], changes: Collection[Change]
    ) -> None:
        self._names: dict[str, Mapping[str, tuple[str, int | None]] | None] = {
            "licenses": _counted(catalog.licenses),
            "packages": _counted(catalog.packages),
            "sites": None if catalog.sites is None else _counted(dict.fromkeys(catalog.sites)),
        }
        self._templates = catalog.templates
        self._numbers = catalog.numbers and {with_site(n)[0] for n in catalog.numbers}
        self._users: dict[str, PhoneUser] = {}
        self._by: dict[Mark, dict[str, None]] = {}
        self._used: Counter[Mark] = Counter()
        self._read: dict[str, NumberedUser] = {}
        self._elsewhere: set[Mark] = set()
        ids, wanted = {c.id or new_id(c.key) for c in changes}, concerned(changes)
        restoring = any(c.kind == "user.restore" for c in changes)
        for line, user in users:
            self._used.update(seats(user))
            # delegators are few, and who leaves their lists is known only when all are read
            if user.id in ids or user.delegates or not wanted.isdisjoint(marks(user)):
                self._read[user.id] = (line, user)
                self._index(user)
            elif restoring:  # what they had, and others may have now, is known only when read
                self._elsewhere.update(m for m in marks(user) if m[0] in ("number", "extension"))

    def changed(self) -> dict[int, PhoneUser | None]:
        """Return by line what became of the users that were read, None if they are gone."""
        return {
            line: self._users.get(id)
            for id, (line, was) in self._read.items()
            if self._users.get(id) != was
        }

    def added(self) -> list[PhoneUser]:
        """Return the users that were made, in order."""
        return [user for id, user in self._users.items() if id not in self._read]

    def get(self, id: str) -> PhoneUser | None:
        """Return the user of an id, as they are now."""
        return self._users.get(id)

    def having(self, kind: str, value: str) -> list[PhoneUser]:
        """Return the users with a mark ("key", "name" and "delegate" are compared folded)."""
        return [self._users[id] for id in self._by.get((kind, value), ())]

    def taken(self, kind: str, value: str) -> bool:
        """Tell whether anybody has a "number" or an "extension" that a restored user would."""
        return (kind, value) in self._elsewhere or bool(self.having(kind, value))

    def put(self, user: PhoneUser) -> None:
        """Make a user what is given here."""
        self.drop(user.id)
        self._index(user)
        self._used.update(seats(user))

    def drop(self, id: str) -> None:
        """Take a user away, if they are there."""
        user = self._users.pop(id, None)
        if user is not None:
            self._used.subtract(seats(user))
            for mark in marks(user):
                self._by[mark].pop(id, None)

    def _index(self, user: PhoneUser) -> None:
        self._users[user.id] = user
        for mark in marks(user):
            self._by.setdefault(mark, {})[user.id] = None

    # What the account has

    def known(self, family: str, name: str) -> str:
        """Return a license's, package's or site's name as the account spells it.

        Raises PersonError if the catalog tells of the family, and hasn't got it.
        """
        names = self._names[family]
        if names is None:
            return name
        if fold(name) not in names:
            raise PersonError(f"the account has no {family[:-1]} {name!r}")
        return names[fold(name)][0]

    def seat(self, family: str, name: str) -> str:
        """Return the account's spelling of a license or package that has a seat free, or refuse."""
        spelled = self.known(family, name)
        names = self._names[family]
        total = None if names is None else names[fold(name)][1]
        used = self._used[family, fold(name)]
        if total is not None and used >= total:
            raise PersonError(f"no seat of {spelled!r} is free: {used} of {total} are used")
        return spelled

    def template(self, name: str, site: str | None) -> str:
        """Return the account's spelling of a template that serves the site, or refuse."""
        if self._templates is None:
            return name
        same = [(t, s) for t, s in map(with_site, self._templates) if fold(t) == fold(name)]
        for spelled, only in same:
            if only is None or (site is not None and fold(only) == fold(site)):
                return spelled
        if same:
            raise PersonError(f"the template {name!r} is of site {same[0][1]!r}")
        raise PersonError(f"the account has no template {name!r}")

    def free_number(self, number: str) -> str:
        """Return the number if the account has it and nobody holds it, or refuse."""
        if self._numbers is not None and number not in self._numbers:
            raise PersonError(f"the account has no number {number}")
        for holder in self.having("number", number):
            raise PersonError(f"the number {number} is held by {holder.user}")
        return number


def _counted(
    family: Mapping[str, int | None] | None,
) -> Mapping[str, tuple[str, int | None]] | None:
    return None if family is None else {fold(name): (name, n) for name, n in family.items()}
