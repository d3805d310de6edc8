"""A User resource as a service sent it, turned into the canonical one of `records.Person`.

Services spell names in any case and get types wrong in a handful of well-known ways: one object
where a list belongs, plain text where an object belongs, "True" for true. What is meant is taken;
only what would be a guess is refused. Sources: RFC 7643 sections 2.1 (names without case), 2.5 (null
is absent) and 4; an extension's attributes stand under its URN.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from connectors.records import clean
from connectors.scim_schema import USER, Attribute, Name

_LEFT_OUT = frozenset({"schemas", "meta", "password", "photos", "x509Certificates"})
"""What says nothing of the person, or must not travel: `meta` changes whenever anything does."""

_COMPLEX = {
    each.name: each
    for uri in (None, *USER.extensions)
    for each in USER.tops(uri)
    if each.type == "complex"
}
_WITH_VALUE = frozenset(name for name, each in _COMPLEX.items() if each.leaf)
"""The complex attributes that are nothing without a `value`: all but name and addresses."""

_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})


class UnreadableAttribute(ValueError):
    """An attribute whose value could only be guessed at; the text names the attribute."""


def canonical(raw: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return the resource in canonical names and types, and what in it can't be read (None: nothing).

    Unknown attributes are left out. Nothing in it is null, "" or an empty list or object. Text is
    clean (`records.clean`). What can't be read is left out and named: an `active` that is neither
    true nor false, and text with half a character (a lone surrogate), which no file or database
    would take.

    >>> canonical({"USERNAME": " eva ", "emails": {"value": "eva@example.org"}, "active": "True"})
    ({'userName': 'eva', 'emails': [{'value': 'eva@example.org'}], 'active': True}, None)
    """
    resource: dict[str, Any] = {}
    problem: str | None = None
    for name, value in raw.items():
        try:
            if isinstance(value, dict) and (uri := _extension(name)) is not None:
                for each, inner in value.items():
                    _put(resource, _find(f"{uri}:{each}"), inner)
            else:
                _put(resource, _find(name), value)
        except UnreadableAttribute as error:
            problem = str(error)
    return resource, problem


@lru_cache(maxsize=4096)
def _extension(name: str) -> str | None:
    uri = USER.known_urn(name)
    return None if uri == USER.uri else uri


@lru_cache(maxsize=4096)
def _find(name: str) -> Name | None:
    found = USER.find(name)
    return None if found is None or found.attribute.name in _LEFT_OUT else found


def _put(resource: dict[str, Any], place: Name | None, value: Any) -> None:
    if place is None or (place.sub and place.attribute.multi_valued):
        return
    read = _value(place.sub or place.attribute, value)
    if read is None:
        return
    target = resource.setdefault(place.uri, {}) if place.uri else resource
    if place.sub:  # a flat `name.givenName`, as Entra ID writes it
        target.setdefault(place.attribute.name, {})[place.sub.name] = read
    else:
        target[place.attribute.name] = read


def _value(attribute: Attribute, value: Any) -> Any:
    """Return the value in the attribute's type, None for what is absent."""
    if attribute.multi_valued:
        values = value if isinstance(value, list) else [value]
        read_one = _object if attribute.type == "complex" else _text
        return [read for each in values if (read := read_one(attribute, each))] or None
    if isinstance(value, list):
        value = next((each for each in value if each not in (None, "")), None)
    if attribute.type == "complex":
        return _object(attribute, value) or None
    if isinstance(value, dict):  # an object of `value`, where a plain one belongs
        value = value.get("value")
    if attribute.type == "boolean":
        return _boolean(attribute, value)
    return _text(attribute, value)


def _object(attribute: Attribute, value: Any) -> dict[str, Any]:
    """Return one value of a complex attribute; empty where nothing usable is in it."""
    if not isinstance(value, dict):  # a manager's id alone, a mail address alone, a name in one
        value = {"value" if attribute.name in _WITH_VALUE else "formatted": value}
    read: dict[str, Any] = {}
    for name, inner in value.items():
        sub = _part(attribute.name, name)
        if sub is not None and (kept := _value(sub, inner)) is not None:
            read[sub.name] = kept
    if attribute.name in _WITH_VALUE and "value" not in read:
        return read if attribute.name == "groups" and "display" in read else {}
    return read


@lru_cache(maxsize=4096)
def _part(attribute: str, name: str) -> Attribute | None:
    return None if name == "$ref" else _COMPLEX[attribute].part(name)


def _boolean(attribute: Attribute, value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text and attribute.name == "active":
        raise UnreadableAttribute("its active is neither true nor false")
    return None


def _text(attribute: Attribute, value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return None
    text = clean(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnreadableAttribute(f"its {attribute.name} holds half a character") from None
    return text or None
