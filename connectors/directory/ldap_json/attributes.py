"""An entry's attributes as text: names without case, options, bare values, binary ones.

An entry's attributes are sorted into slots, one for each attribute that somebody wants, because
looking a name up once is all that a million entries have time for. What comes under one name in
two cases is united. Of a name with options (`displayName;lang-de`) the plain attribute wins; where
there is none, the first in the file. Active Directory hands out long lists in parts
(`member;range=0-1499`): they are put together, and reading a list that lacks a part is an error.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from connectors.records import clean

Slots = list[Any]
"""What an entry says, by slot: the values as the file gives them, None where it says nothing."""


class _Unfinished(NamedTuple):
    """What stands for values of which a part is missing, from number `since` on."""

    since: int


_UNWANTED, _OPTIONED = -1, -2
_REMEMBERED = 10_000
_RANGE = re.compile(r"range=(\d{1,9})-(\d{1,9}|\*)")
_LAYOUT = "\t\n\r"  # the control characters that an address may hold


class BadValue(ValueError):
    """Values that can't be read; the message names the attribute and why."""


class Names:
    """The attributes that are wanted, each with its slot in the order given."""

    def __init__(self, wanted: Iterable[str]) -> None:
        names = dict.fromkeys(name.lower() for name in wanted)
        self._slots = {name: slot for slot, name in enumerate(names)}
        self._seen: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        """Return the slot of a wanted attribute."""
        return self._slots[name.lower()]

    def sort(self, attributes: Mapping[str, Any]) -> Slots:
        """Return an entry's values by slot."""
        slots: Slots = [None] * len(self._slots)
        optioned: list[str] = []
        for name, values in attributes.items():
            slot = self._seen.get(name)
            if slot is None:
                slot = self._learn(name)
            if slot >= 0:
                slots[slot] = values if slots[slot] is None else _both(slots[slot], values)
            elif slot == _OPTIONED:
                optioned.append(name)
        if optioned:
            self._sort_optioned(slots, optioned, attributes)
        return slots

    def _learn(self, name: str) -> int:
        folded = name.lower()
        base, has_options, _ = folded.partition(";")
        slot = self._slots.get(folded, _UNWANTED)
        if slot == _UNWANTED and has_options and base in self._slots:
            slot = _OPTIONED
        if len(self._seen) < _REMEMBERED:
            self._seen[name] = slot
        return slot

    def _sort_optioned(self, slots: Slots, names: list[str], attributes: Mapping[str, Any]) -> None:
        parts: dict[int, list[tuple[tuple[str, str], Any]]] = {}
        for name in names:
            base, _, options = name.lower().partition(";")
            slot = self._slots[base]
            if found := _RANGE.search(options):
                parts.setdefault(slot, []).append(((found[1], found[2]), attributes[name]))
            elif slots[slot] is None:
                slots[slot] = attributes[name]
        for slot, ranges in parts.items():
            since = _first_missing(bounds for bounds, _ in ranges)
            for _, values in ranges:
                slots[slot] = values if slots[slot] is None else _both(slots[slot], values)
            if since is not None:
                slots[slot] = _Unfinished(since)


def shown(dn: str) -> str:
    """Return the beginning of a dn that may hold anything, for messages."""
    dn = dn[:200]
    return dn if dn.isprintable() else ascii(dn)[1:-1]


def texts(name: str, values: Any) -> list[str]:
    """Return every value as text, clean, in order; blank ones are left out. Raises BadValue."""
    if values is None:
        return []
    if isinstance(values, _Unfinished):
        raise BadValue(
            f"the server gave {name} in parts, and those from number {values.since} on are missing"
        )
    if not isinstance(values, list):
        values = [values]
    return [text for value in values if value is not None and (text := _text(name, value))]


def first(name: str, values: Any) -> str:
    """Return the first value as text, clean; "" where there is none. Raises BadValue."""
    if type(values) is list and values and type(text := values[0]) is str:
        text = text.strip()
        if text.isascii() and text and text.isprintable():  # nothing to clean or to refuse
            return text
    return next(iter(texts(name, values)), "")


def truth(name: str, values: Any) -> bool | None:
    """Return an LDAP Boolean (TRUE or FALSE, RFC 4517 section 3.3.3); None where there is none."""
    text = first(name, values).lower()
    if text not in ("", "true", "false"):
        raise BadValue(f"{name} is {text[:40]!r}, which is neither TRUE nor FALSE")
    return text == "true" if text else None


def _both(some: Any, more: Any) -> list[Any]:
    return [
        *(some if isinstance(some, list) else [some]),
        *(more if isinstance(more, list) else [more]),
    ]


def _first_missing(ranges: Iterable[tuple[str, str]]) -> int | None:
    """Return the number (from 0) of the first value that no part holds; None if they are all there."""
    wanted = 0
    for begin, end in sorted((int(begin), end) for begin, end in ranges):
        if begin > wanted:
            break
        if end == "*":
            return None
        wanted = max(wanted, int(end) + 1)
    return wanted


def _text(name: str, value: Any) -> str:
    if type(value) is not str:
        value = _converted(name, value)
    text = clean(value)
    if not text.isprintable() and not all(c.isprintable() or _harmless(c) for c in text):
        raise BadValue(f"a value of {name} holds a control character or half a surrogate pair")
    return text


def _harmless(letter: str) -> bool:
    """Whether a letter that isn't printable may stand in a name: other blanks, joiners, private use."""
    return letter in _LAYOUT or not (
        letter < " " or "\x7f" <= letter < "\xa0" or "\ud800" <= letter < "\ue000"
    )


def _converted(name: str, value: Any) -> str:
    """Return a value that isn't text as LDAP would write it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict) and isinstance(encoded := value.get("base64"), str):
        try:
            return _binary(name, base64.b64decode("".join(encoded.split()), validate=True))
        except binascii.Error as error:
            raise BadValue(f"a value of {name} is no base64 ({error})") from None
    shape = "an object" if isinstance(value, dict) else "a list within a list"
    raise BadValue(f'a value of {name} is {shape}: text or {{"base64": …}} is expected')


def _binary(name: str, data: bytes) -> str:
    """Return octets as text: a GUID's as such, UTF-8 decoded (as LDIF wraps it), others in base64."""
    if name.lower() == "objectguid":
        if len(data) != 16:
            raise BadValue(f"{name} has {len(data)} bytes, not 16")
        return str(uuid.UUID(bytes_le=data))  # Microsoft: the first three fields little-endian
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    return text if text.isprintable() else base64.b64encode(data).decode()
