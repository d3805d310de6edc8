"""What an entry is, by its object classes: a person, a group, both or neither."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.directory.ldap_json.attributes import texts

PEOPLE = ("inetOrgPerson", "person", "organizationalPerson", "user", "posixAccount")
GROUPS = ("groupOfNames", "groupOfUniqueNames", "groupOfEntries", "group", "posixGroup")
NO_PEOPLE = ("computer", "contact")
"""Classes of Active Directory that build on `user` and `person`: machines, and people elsewhere."""

PERSON, GROUP, NOBODY = 1, 2, 4
_REMEMBERED = 10_000


class Classes:
    """The classes that matter, in any case. `people`: those that make a person, else the default's.

    A computer or a contact is a person only where `people` names that very class.
    """

    def __init__(self, people: Iterable[str] | None = None) -> None:
        wanted = {name.strip().lower() for name in people or PEOPLE}
        self._meaning = dict.fromkeys(wanted, PERSON)
        for name in GROUPS:
            self._meaning[name.lower()] = self._meaning.get(name.lower(), 0) | GROUP
        self._meaning |= {name: NOBODY for name in NO_PEOPLE if name not in wanted}
        self._seen: dict[str, int] = {}

    def kind(self, object_class: Any) -> int | None:
        """Return PERSON, GROUP, both added or 0; None without any class. Raises BadValue."""
        if type(object_class) is not list:
            object_class = texts("objectClass", object_class)
        kind = 0
        for name in object_class:
            found = self._seen.get(name) if type(name) is str else None
            kind |= self._learn(name) if found is None else found
        if kind & NOBODY:
            kind &= GROUP
        return kind if object_class else None

    def _learn(self, name: Any) -> int:
        kind = 0
        for text in texts("objectClass", name):
            kind |= self._meaning.get(text.lower(), 0)
        if type(name) is str and len(self._seen) < _REMEMBERED:
            self._seen[name] = kind
        return kind
