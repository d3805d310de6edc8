"""Which LDAP attribute gives which attribute of the person (config's `columns`, and the defaults).

Several attributes may give one path: the first of them that has a value is taken, in the order
written. Naming a path in `columns` replaces every default for it, since a key or a name that came
from one attribute for some people and from another for the rest would be no key at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from connectors.directory.ldap_json.attributes import BadValue, Names, Slots, first, texts, truth
from connectors.records import ENTERPRISE
from connectors.scim_filter import USER, Path, parse_path
from connectors.scim_schema import Attribute

WORK_EMAIL = 'emails[type eq "work"].value'

DEFAULTS = (
    ("uid", "userName"),
    ("sAMAccountName", "userName"),
    ("entryUUID", "externalId"),
    ("objectGUID", "externalId"),
    ("mail", WORK_EMAIL),
    ("givenName", "name.givenName"),
    ("sn", "name.familyName"),
    ("displayName", "displayName"),
    ("cn", "displayName"),
    ("l", 'addresses[type eq "work"].locality'),
    ("departmentNumber", f"{ENTERPRISE}:department"),
    ("department", f"{ENTERPRISE}:department"),
    ("title", "title"),
    ("manager", f"{ENTERPRISE}:manager.value"),
)
"""LDAP attribute and SCIM path, the preferred one of a path first (RFC 2798, RFC 4519; Active Directory)."""

_DISABLED = 0x2  # Microsoft, "UserAccountControl property flags": ACCOUNTDISABLE
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,20}")

_PROBE = "\0"

Resource = dict[str, Any]
Column = tuple[str, Path]
"""An LDAP attribute, and the path that it gives."""

Take = Callable[[Slots, Resource], bool]
"""Reads one path's value from an entry's slots and puts it into a resource; False if there is none."""


def read_columns(columns: Mapping[str, str]) -> list[Column]:
    """Return every attribute with the path that it gives, those of config first.

    Raises FilterError for a path that is unknown, ValueError for one that nothing can be put at.
    """
    custom = [(name.strip(), read_path(path, columns)) for name, path in columns.items()]
    taken = {path for _, path in custom}
    moved = {(name.lower(), path.attribute) for name, path in custom}
    defaults = [(name, parse_path(text)) for name, text in DEFAULTS]
    return custom + [
        (name, path)
        for name, path in defaults
        if path not in taken and (name.lower(), path.attribute) not in moved
    ]


def read_path(text: str, columns: Mapping[str, str]) -> Path:
    """Read a path of config's; plain names that SCIM doesn't know are known if `columns` gives them.

    Raises FilterError for one that is unknown, ValueError for one that nothing can be put at.
    """
    added = [p for p in columns.values() if USER.resolve(p) is None and not set(p) & set('.[:" ')]
    path = parse_path(text, USER.extended(added))
    leaf = path.leaf
    if path.attribute == "groups":
        raise ValueError("groups come from memberOf, and from the members of group entries")
    if not path.writable or leaf is None or _holds_no_text(path, leaf):
        raise ValueError(f"an attribute can't give {path.text}: name a sub-attribute that is text")
    return path


def _holds_no_text(path: Path, leaf: Attribute) -> bool:
    plain_list = path.definition.multi_valued and path.definition.type != "complex"  # `schemas`
    return plain_list or leaf.type in ("complex", "binary")


class Columns:
    """Makes a person's resource of an entry; `names` must have a slot for every column's attribute.

    Where no column gives `active`, Active Directory's userAccountControl and 389 Directory Server's
    nsAccountLock do; where neither stands in the entry, it is unset.
    """

    def __init__(self, columns: Iterable[Column], names: Names) -> None:
        by_path: dict[Path, list[str]] = {}
        for name, path in columns:
            by_path.setdefault(path, []).append(name)
        # Brackets last: a value that they select may be one of those that are there already.
        paths = sorted(by_path, key=lambda path: path.part is not None)
        self._takes = [
            _first_of([_taker(names[name], name, path) for name in by_path[path]]) for path in paths
        ]
        self._switches = not any(path.attribute == "active" for path in by_path)
        self._control = names["userAccountControl"]
        self._lock = names["nsAccountLock"]

    def resource(self, slots: Slots) -> Resource:
        """Return the resource. Raises BadValue."""
        resource: Resource = {}
        for take in self._takes:
            take(slots, resource)
        if self._switches:
            self._switch(slots, resource)
        return resource

    def readable(self, slots: Slots) -> Resource:
        """Return what can be read of the resource, for the key of a person who can't be used."""
        resource: Resource = {}
        for take in self._takes:
            with suppress(BadValue):
                take(slots, resource)
        return resource

    def _switch(self, slots: Slots, resource: Resource) -> None:
        control, lock = slots[self._control], slots[self._lock]
        if lock is not None and (locked := truth("nsAccountLock", lock)) is not None:
            resource["active"] = not locked
        if control is not None and (flags := first("userAccountControl", control)):
            if not _WHOLE_NUMBER.fullmatch(flags):
                raise BadValue(f"userAccountControl is {flags[:40]!r}, which is no whole number")
            enabled = not int(flags) & _DISABLED
            resource["active"] = enabled and resource.get("active", True)


def _first_of(takes: Sequence[Take]) -> Take:
    """Return what tries one after the other until one finds a value."""
    if len(takes) == 1:
        return takes[0]

    def take(slots: Slots, resource: Resource) -> bool:
        for each in takes:  # noqa: SIM110 (any() would make a generator for each person)
            if each(slots, resource):
                return True
        return False

    return take


def _taker(slot: int, name: str, path: Path) -> Take:
    """Return what reads the attribute in that slot and puts its value where the path leads."""
    if path.text == WORK_EMAIL:
        return _emails_taker(slot, name)
    if path.leaf and path.leaf.type == "boolean":
        return _truth_taker(slot, name, path)
    put = _putter(path)

    def take(slots: Slots, resource: Resource) -> bool:
        text = "" if (values := slots[slot]) is None else first(name, values)
        if text:
            put(resource, text)
        return text != ""

    return take


def _truth_taker(slot: int, name: str, path: Path) -> Take:
    def take(slots: Slots, resource: Resource) -> bool:
        value = truth(name, slots[slot])
        if value is not None:
            path.put(resource, value)
        return value is not None

    return take


def _emails_taker(slot: int, name: str) -> Take:
    """Return what takes mail addresses: the first is the work address and the primary one."""

    def take(slots: Slots, resource: Resource) -> bool:
        work, *others = texts(name, slots[slot]) or [""]
        if not work:
            return False
        emails = resource.setdefault("emails", [])
        emails.append({"value": work, "type": "work", "primary": True})
        if others:
            more = dict.fromkeys(others)
            emails += [{"value": each, "type": "other"} for each in more if each != work]
        return True

    return take


def _putter(path: Path) -> Callable[[Resource, str], None]:
    """Return what `path.put` does, in fewer steps: the shape that it makes is looked at once."""
    probe: Resource = {}
    path.put(probe, _PROBE)
    ((top, made),) = probe.items()
    if made == _PROBE:
        return lambda resource, text: resource.__setitem__(top, text)
    inner = made[0] if isinstance(made, list) else made
    members = [member for member, value in inner.items() if value == _PROBE]
    if len(members) != 1:  # the enterprise extension's manager has one more level
        return path.put
    (member,) = members

    def put_into_object(resource: Resource, text: str) -> None:
        if (held := resource.get(top)) is None:
            resource[top] = {member: text}
        else:
            held[member] = text

    def put_into_list(resource: Resource, text: str) -> None:
        if top in resource:
            path.put(resource, text)
        else:
            resource[top] = [{**inner, member: text}]

    return put_into_list if isinstance(made, list) else put_into_object
