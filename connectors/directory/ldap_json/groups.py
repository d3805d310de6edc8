"""Who is in which group: `memberOf` on people, and `member`, `uniqueMember`, `memberUid` on groups.

Both ways say the same and are united. A group is known by its dn whoever mentions it; one that has
an entry is shown with the dn as its entry spells it. What groups say of their members is kept as
four bytes a membership, under the member's normal dn: it may be a person or another group, which
only the rest of the file tells. Members that nobody turns out to be cost their memory and no more.
A primary group (`gidNumber`, `primaryGroupID`) is no membership that the directory lists.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.directory.ldap_json.attributes import texts
from connectors.directory.ldap_json.dn import first_value, normal
from connectors.records import clean, fold

Group = dict[str, Any]
"""A value of SCIM's `groups`: `value` is the group's dn, `display` its first RDN's value.

An inherited one has `type: indirect`, and in `via` the dn of the group that is its member; where there
are more ways into it, in `also_via` those of the others."""

_NUMBER = struct.Struct("=I")
_SHARED, _SHORT = 100_000, 80


class Groups:
    """The groups of one read. Without `nested`, people have those that they are direct members of."""

    def __init__(self, *, nested: bool) -> None:
        self._nested = nested
        self._numbers: dict[str, int] = {}  # by normal dn
        self._spelled: dict[str, int] = {}  # by dn as somebody wrote it
        self._names: list[str] = []  # normal dn by number
        self._groups: list[Group] = []
        self._inherited: dict[tuple[int, tuple[int, ...]], Group] = {}  # and its members' numbers
        self._of_dn = _Memberships()
        self._of_uid = _Memberships()

    def number(self, dn: str) -> int:
        """Return the group's number, which it gets when it is first mentioned. Raises DnError."""
        number = self._spelled.get(dn)
        if number is None:
            name = normal(dn)
            if (number := self._numbers.get(name)) is None:
                number = self._numbers[name] = len(self._groups)
                self._names.append(name)
                self._groups.append(_group(dn))
            self._spelled[dn] = number
        return number

    def number_of_entry(self, dn: str) -> int:
        """Return the number of a group that has an entry, whose spelling it will bear."""
        number = self.number(dn)
        self._groups[number] = _group(dn)
        return number

    @property
    def by_uid(self) -> bool:
        """Whether any group names its members by uid."""
        return bool(self._of_uid)

    def add_member(self, dn: str, group: int) -> None:
        """Note that the entry of that dn is in the group. Raises DnError."""
        self._of_dn.add(normal(dn), group)

    def add_uid(self, uid: str, group: int) -> None:
        """Note that the person with that uid is in the group (posixGroup)."""
        self._of_uid.add(fold(uid), group)

    def named(self, member_of: Any) -> list[int]:
        """Return the numbers of the groups that memberOf names, its values as the file gives them.

        Raises BadValue, and DnError for a value that is no dn.
        """
        try:
            return [self._spelled[dn] for dn in member_of]
        except (KeyError, TypeError):  # one is new, or isn't text at all
            return [self.number(dn) for dn in texts("memberOf", member_of)]

    def of(self, name: str, uids: Iterable[str], named: Iterable[int]) -> list[Group]:
        """Return the groups of a person with that normal dn: those `named` come first, inherited ones last."""
        numbers = [*named, *self._of_dn.get(name)]
        for uid in uids:
            numbers += self._of_uid.get(fold(uid))
        groups, direct = self._groups, dict.fromkeys(numbers)
        held = [groups[number] for number in direct]
        return [*held, *self._outer(list(direct))] if self._nested else held

    def _outer(self, numbers: list[int]) -> Iterator[Group]:
        """Yield the groups that these are in, and those that they are in; a circle ends where it began."""
        direct, ways = set(numbers), dict[int, list[int]]()
        for number in numbers:  # it grows meanwhile
            for outer in self._of_dn.get(self._names[number]):
                if outer in direct:
                    continue
                if outer not in ways:
                    ways[outer] = []
                    numbers.append(outer)
                ways[outer].append(number)
        for outer, inner in ways.items():
            yield self._by_way_of(outer, tuple(inner))

    def _by_way_of(self, number: int, inner: tuple[int, ...]) -> Group:
        group = self._inherited.get((number, inner))
        if group is None:
            via, *others = [self._groups[n]["value"] for n in inner]
            group = self._groups[number] | {"type": "indirect", "via": via}
            group |= {"also_via": others} if others else {}
            self._inherited[number, inner] = group
        return group


class _Memberships:
    """Group numbers by member, packed; members of the same few groups share one object."""

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}
        self._shared: dict[bytes, bytes] = {}

    def add(self, member: str, group: int) -> None:
        held, number = self._packed.get(member, b""), _NUMBER.pack(group)
        if held.endswith(number):  # a group's members come together, some twice
            return
        held += number
        if len(held) <= _SHORT and len(self._shared) < _SHARED:
            held = self._shared.setdefault(held, held)
        self._packed[member] = held

    def __bool__(self) -> bool:
        return bool(self._packed)

    def get(self, member: str) -> Iterable[int]:
        held = self._packed.get(member)
        return memoryview(held).cast("I") if held else ()


def _group(dn: str) -> Group:
    return {"value": clean(dn), "display": clean(first_value(dn))}
