"""The second pass: every person's entry as a Person, or as a Flaw where it can't be used.

A person whose memberships, switch or name can't be read is a Flaw with their key, and stays as they
are; what has no key can only be counted as somebody missing. Which attribute is the key is settled
by the first person of the file, and a later one that contradicts it ends the read: keys that changed
their meaning would make everybody a leaver and a joiner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connectors.directory.ldap_json.attributes import BadValue, Names, Slots, shown, texts
from connectors.directory.ldap_json.classes import PERSON, Classes
from connectors.directory.ldap_json.columns import Columns, Resource
from connectors.directory.ldap_json.dn import DnError, normal
from connectors.directory.ldap_json.entries import Entry, Export
from connectors.directory.ldap_json.groups import Group, Groups
from connectors.errors import IncompleteRead
from connectors.records import Flaw, Person
from connectors.scim_filter import Path, parse_path

_EXTERNAL_ID = parse_path("externalId")
_MEND = "mend the entry in the directory, or the attribute in the export"
_SHAPE = 'every entry is {"dn": …, "attributes": {name: [values]}}: mend it, or leave it out'


class Key:
    """Which attribute is the person's key: config's, else externalId if the first has it, else `join`."""

    def __init__(self, configured: Path | None, join: Path) -> None:
        self._path = configured
        self._join = join
        self._bare = False  # the first person had no externalId

    def of(self, resource: Resource, export: Export, number: int) -> str | None:
        """Return the key of the person whose entry has that number; None where they have none.

        Raises IncompleteRead if this person has an externalId and the first had none.
        """
        if self._path is None:
            self._bare = "externalId" not in resource
            self._path = self._join if self._bare else _EXTERNAL_ID
        elif self._bare and "externalId" in resource and self._path != _EXTERNAL_ID:
            raise IncompleteRead(
                f"{export.place(number)} has an externalId, which the file's first person has not: "
                "people can't be told apart by it, nor without it",
                remedy="say with `key:` which attribute never changes",
            )
        return self.known(resource)

    def known(self, resource: Resource) -> str | None:
        """Return the key of somebody who can't be used, as far as it can be told."""
        values = (self._path or _EXTERNAL_ID).values(resource)
        return str(values[0]) if values else None

    def __str__(self) -> str:
        return (self._path or _EXTERNAL_ID).text


class People:
    """Makes people of entries; `names` must have slots for uid, memberOf and objectClass.

    `is_group` tells of an entry without any class whether it is none of theirs, but a group.
    """

    def __init__(
        self,
        names: Names,
        classes: Classes,
        columns: Columns,
        groups: Groups,
        key: Key,
        is_group: Callable[[Slots], bool],
    ) -> None:
        self._names, self._classes, self._columns = names, classes, columns
        self._groups, self._key, self._is_group = groups, key, is_group
        self._class, self._member_of, self._uid = (
            names["objectClass"],
            names["memberOf"],
            names["uid"],
        )

    def read(self, export: Export) -> Iterator[Person | Flaw]:
        """Yield everybody in the file's order."""
        for number, entry in export.entries():
            if type(entry.attributes) is not dict or not entry.attributes:
                yield _flaw(
                    export.place(number), entry.dn, None, "the entry has no attributes", _SHAPE
                )
                continue
            slots = self._names.sort(entry.attributes)
            try:
                kind = self._classes.kind(slots[self._class])
            except BadValue as error:
                yield self._unusable(export.place(number), entry, slots, error)
                continue
            if kind is None and not self._is_group(slots):
                why = "the entry has no objectClass, so that nobody knows whether it is a person"
                yield _flaw(export.place(number), entry.dn, None, why, "export objectClass as well")
            elif kind and kind & PERSON:
                yield self._person(entry, slots, export, number)

    def _person(self, entry: Entry, slots: Slots, export: Export, number: int) -> Person | Flaw:
        try:
            dn = _dn(entry)
            resource = self._columns.resource(slots)
            if groups := self._groups_of(dn, slots):
                resource["groups"] = groups
        except BadValue as error:
            return self._unusable(export.place(number), entry, slots, error)
        key = self._key.of(resource, export, number)
        if key is None:
            why = f"{resource.get('userName', 'the entry')} has no {self._key}, which is the key"
            return _flaw(export.place(number), dn, None, why, "fill it in, or set another `key:`")
        return Person(key, resource, dn)

    def _groups_of(self, dn: str, slots: Slots) -> list[Group]:
        """Return a person's groups. Raises BadValue."""
        try:
            name = normal(dn)
        except DnError as error:
            raise BadValue(f"the entry's dn is no distinguished name: {error}") from None
        try:
            named = self._groups.named(slots[self._member_of])
        except DnError as error:
            raise BadValue(f"a value of memberOf is no distinguished name: {error}") from None
        uids = texts("uid", slots[self._uid]) if self._groups.by_uid else ()
        return self._groups.of(name, uids, named)

    def _unusable(self, place: str, entry: Entry, slots: Slots, error: BadValue) -> Flaw:
        key = self._key.known(self._columns.readable(slots))
        return _flaw(place, entry.dn, key, str(error))


def _dn(entry: Entry) -> str:
    if type(entry.dn) is not str or not entry.dn.strip():
        raise BadValue("the entry has no dn" if entry.dn is None else "the entry's dn is no text")
    return entry.dn


def _flaw(place: str, dn: object, key: str | None, reason: str, remedy: str = _MEND) -> Flaw:
    where = f"{place} ({shown(dn)})" if isinstance(dn, str) and dn.strip() else place
    return Flaw(where, key, reason, remedy)
