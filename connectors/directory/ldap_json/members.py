"""The first of two passes: what the entries of groups say of their members.

It is made only where the text shows that some entry may say anything, because it costs reading the
file once more. A group that can't be read whole is IncompleteRead: its members would look like
people who left it. Members that are no dn are nobody's: a Flaw for that group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from connectors.directory.ldap_json.attributes import BadValue, Names, Slots, shown, texts
from connectors.directory.ldap_json.classes import GROUP, PERSON, Classes
from connectors.directory.ldap_json.dn import DnError, without_bit_string
from connectors.directory.ldap_json.entries import Entry, Export
from connectors.directory.ldap_json.groups import Groups
from connectors.errors import IncompleteRead
from connectors.records import Flaw

MEMBERS = ("member", "uniqueMember", "memberUid")

_MEMBER = re.compile(rb"member(?!of|o?$)")
_GROUP_CLASS = re.compile(rb'"(?:posix)?group')
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")  # a name may be spelled so: "\u006dember"
_LONGEST = 24
_REMEMBERED = 10_000


def may_say_members(export: Export, *, nested: bool) -> bool:
    """Return whether any entry's text looks as if it told who is in a group.

    Where nesting is followed, every group's entry does, by its own memberOf.
    """
    before = b""
    for piece in export.blocks():
        data = piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogatepass")
        text = (before + data).lower()
        if _MEMBER.search(text) or (nested and _GROUP_CLASS.search(text)):
            return True
        if b"\\" in text and _ESCAPED_LETTER.search(text):
            return True
        before = data[-_LONGEST:]
    return False


class Members:
    """Reads group entries into `groups`; `names` must have slots for MEMBERS, memberOf and objectClass.

    Where nesting is not followed, groups without members are passed over.
    """

    def __init__(self, names: Names, classes: Classes, groups: Groups, *, nested: bool) -> None:
        self._names, self._classes, self._groups = names, classes, groups
        self._class, self._member_of = names["objectClass"], names["memberOf"]
        self._slots = tuple(names[name] for name in MEMBERS)
        self._telling = {name.lower() for name in (*MEMBERS, *(["objectClass"] if nested else []))}
        self._silent: set[str] = set()  # attributes as the file spells them that tell nothing here

    def read(self, export: Export) -> Iterator[Flaw]:
        """Read every group's entry, yielding a Flaw for one with members that are no dn.

        Raises IncompleteRead for a group that can't be read whole.
        """
        for number, entry in export.entries():
            if type(entry.attributes) is not dict or self._is_silent(entry.attributes):
                continue
            slots = self._names.sort(entry.attributes)
            if self.is_group(slots):
                yield from self._read_group(entry, slots, export.place(number))

    def _is_silent(self, attributes: dict[str, object]) -> bool:
        """Whether no attribute of an entry can tell who is in a group: so of most, and found quickly."""
        if attributes.keys() <= self._silent:
            return True
        silent = [n for n in attributes if n.lower().partition(";")[0] not in self._telling]
        if len(self._silent) < _REMEMBERED:
            self._silent.update(silent)
        return len(silent) == len(attributes)

    def is_group(self, slots: Slots) -> bool:
        """Return whether it has a group's class or, where it has no class that we know, members."""
        try:
            kind = self._classes.kind(slots[self._class]) or 0
        except BadValue:
            kind = 0
        if kind & GROUP:
            return True
        return not kind & PERSON and any(slots[slot] is not None for slot in self._slots)

    def _read_group(self, entry: Entry, slots: Slots, place: str) -> Iterator[Flaw]:
        if type(entry.dn) is not str or not entry.dn.strip():
            raise _lost(place, "a group without a dn")
        place = f"{place} ({shown(entry.dn)})"
        try:
            group = self._groups.number_of_entry(entry.dn)
            by_dn, by_optional_uid, by_uid = (
                texts(name, slots[slot]) for name, slot in zip(MEMBERS, self._slots, strict=True)
            )
            for outer in texts("memberOf", slots[self._member_of]):
                self._groups.add_member(entry.dn, self._groups.number(outer))
        except (BadValue, DnError) as error:
            raise _lost(place, str(error)) from error
        for uid in by_uid:
            self._groups.add_uid(uid, group)
        strange: list[str] = []
        for member in chain(by_dn, map(without_bit_string, by_optional_uid)):
            try:
                self._groups.add_member(member, group)
            except DnError:
                strange.append(member)
        if strange:
            yield _nobody(place, strange)


def _lost(place: str, why: str) -> IncompleteRead:
    return IncompleteRead(
        f"{place}: this group's members can't be read: {why}",
        remedy="nothing was planned; mend or leave out that entry, or export all of its values",
    )


def _nobody(place: str, strange: list[str]) -> Flaw:
    more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
    return Flaw(
        place,
        None,
        f"member {strange[0][:100]!r}{more}: no distinguished name, so that nobody knows whose it is",
        "write each member's dn, or take it out of the group",
    )
