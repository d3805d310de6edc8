"""Values as clients send them, read into what is kept: checks compiled once from the declarations.

A reader takes what JSON gave and returns the canonical value, or None for what is unset: null, blank
text, and an empty list or object (RFC 7643 section 2.5). Text is clean, as a Person's is: in Unicode
NFC without surrounding blanks. What an attribute can't hold is refused with its path. Where real clients
write something else, it is read so:

- "True" and "False" for booleans, in any case (Microsoft, "Known issues and resolutions with SCIM
  2.0 protocol compliance of the Microsoft Entra user provisioning service").
- One object where a list of them belongs; a member that says only its `$ref`; a manager's id as bare
  text; roles, entitlements and members as bare texts, and mail addresses so in a list (wso2/product-is
  issue 21040); roles and entitlements whose text is a JSON object of `value` and `displayName`
  (Microsoft, "Customize user provisioning attribute-mappings", AppRoleAssignments).
- `[{"value": X}]` where X alone belongs (the same "Known issues", behavior before December 2018), each
  value of a list too, and a text for the object that a PATCH's brackets choose (grokability/snipe-it
  pull request 19183).
- A number for text in an extension: employee and extension numbers are often numbers at home.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

from connectors.records import fold
from connectors.scim_attribute import Attribute
from connectors.scim_filter_compare import instant
from provisioner.scim.errors import invalid_syntax, invalid_value
from provisioner.scim.references import id_in

Reader: TypeAlias = Callable[[Any], Any]
Sub: TypeAlias = tuple[str, Reader]
"""A sub-attribute's canonical name and its reader."""

MAX_TEXT = 64 * 1024
"""Characters that a text may have."""
MAX_INDEXED = 512
"""Characters of a text that a database index holds: in any script it fits into an index row."""
MAX_VALUES = 500
"""Values that a multi-valued attribute may have; members are not counted here."""

_INDEXED = frozenset({"userName", "externalId", "displayName", "emails.value", "members.value"})
_BARE = frozenset({"roles", "entitlements", "members", "manager"})
"""Where text alone stands for an object's `value`."""
_BARE_LISTED = _BARE | {"emails"}
_JSON_TEXTS = frozenset({"roles", "entitlements"})
_OTHER_NAMES = {
    "manager": {"managerid": "value"},  # SCIM 1.1
    "roles": {"displayname": "display"},
    "entitlements": {"displayname": "display"},
}
_SAYS_NOTHING = frozenset({"type", "primary"})
"""Sub-attributes that alone make no address: they only say which one it would be."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]*+={0,2}\s*+")
_INTEGER = re.compile(r"-?[0-9]{1,18}")


def compiled(attribute: Attribute, path: str, *, extension: bool, refuse_unknown: bool) -> Reader:
    """Return what reads an attribute's whole value; `path` is how errors name it.

    What clients can't set (readOnly) is never read, and a password is checked and forgotten.
    """
    if attribute.mutability == "readOnly":
        return nothing
    one = _single(attribute, path, extension=extension, refuse_unknown=refuse_unknown)
    read = _several(attribute, path, one) if attribute.multi_valued else one
    if attribute.mutability != "writeOnly":
        return read

    def forget(value: Any) -> None:
        read(value)

    return forget


def element(attribute: Attribute, path: str, *, extension: bool, refuse_unknown: bool) -> Reader:
    """Return what reads one value of a multi-valued attribute."""
    if attribute.mutability == "readOnly":
        return nothing
    return _single(attribute, path, extension=extension, refuse_unknown=refuse_unknown)


def assigner(attribute: Attribute, path: str, *, extension: bool, refuse_unknown: bool) -> Reader:
    """Return what reads an object of sub-attributes to set, with None for each that is to be unset."""
    subs = _sub_readers(attribute, path, extension=extension, refuse_unknown=refuse_unknown)
    return _complex(attribute, path, subs, refuse_unknown, assign=True)


def nothing(_value: Any) -> None:
    """Read what is not the client's to say."""


def _single(attribute: Attribute, path: str, *, extension: bool, refuse_unknown: bool) -> Reader:
    if attribute.type != "complex":
        if attribute.type in ("string", "reference"):
            return _text(path, numbers=extension)
        return _SCALARS[attribute.type](path)
    subs = _sub_readers(attribute, path, extension=extension, refuse_unknown=refuse_unknown)
    return _complex(attribute, path, subs, refuse_unknown, assign=False)


def _sub_readers(
    attribute: Attribute, path: str, *, extension: bool, refuse_unknown: bool
) -> dict[str, Sub]:
    readers: dict[str, Sub] = {}
    for each in attribute.sub:
        inner = f"{path}.{each.name}"
        read = compiled(each, inner, extension=extension, refuse_unknown=refuse_unknown)
        readers[each.name] = each.name, read
    return readers


def _several(attribute: Attribute, path: str, one: Reader) -> Reader:
    most = None if path == "members" else MAX_VALUES
    plain = attribute.type != "complex"

    def read(value: Any) -> list[Any] | None:
        if type(value) is not list:
            if value is None or value == "":
                return None
            if type(value) is not dict and attribute.type == "complex" and path not in _BARE:
                raise invalid_value(f"{path}: expected a list of objects")
            value = [value]
        if most is not None and len(value) > most:
            raise invalid_value(f"{path}: more than {most} values")
        if plain:
            value = [each["value"] if _wraps(each) else each for each in value]
        found = [kept for each in value if (kept := one(each)) is not None]
        return distinct(path, found) if len(found) > 1 else found or None

    return read


def _wraps(value: Any) -> bool:
    """Whether an object stands for the one plain value in it."""
    return type(value) is dict and "value" in value and type(value["value"]) not in (dict, list)


def distinct(path: str, values: list[Any]) -> list[Any]:
    """Return the values without repetitions; raises 400 if two are primary (RFC 7643 section 2.4).

    What has the same `value` and `type` twice is one value, of which the later says more.
    """
    seen: dict[Any, Any] = {}
    primary = 0
    for each in values:
        if type(each) is dict:
            key = _same(each)
            seen[key] = seen[key] | each if key in seen else each
        else:
            seen.setdefault(each, each)
    kept = list(seen.values())
    for each in kept:
        if type(each) is dict and each.get("primary") is True:
            primary += 1
    if primary > 1:
        raise invalid_value(f"{path}: more than one value is primary")
    return kept


def _same(value: dict[str, Any]) -> Any:
    """Return something hashable that two objects share if they are the same value of an attribute."""
    held, type = value.get("value"), value.get("type")
    if held is None or isinstance(held, list) or isinstance(type, list):
        return identity(value)
    return held, type


def identity(value: dict[str, Any]) -> Any:
    """Return something hashable that two objects share only if they are equal."""
    try:
        return frozenset(value.items())
    except TypeError:  # a sub-attribute of several values
        return json.dumps(value, sort_keys=True)


def says_nothing(value: dict[str, Any], attribute: Attribute) -> bool:
    """Whether an object is none of the attribute's values: it lacks the `value` that makes one.

    Where there is no such sub-attribute (addresses), it has nothing but a type, or is primary.
    """
    if attribute.leaf is not None:
        return "value" not in value
    return value.keys() <= _SAYS_NOTHING


def _complex(
    attribute: Attribute, path: str, subs: dict[str, Sub], refuse_unknown: bool, *, assign: bool
) -> Reader:
    """Return what reads one object; to `assign` means to keep what is unset, and to demand nothing."""
    folded = {fold(name): each for name, each in subs.items()}
    folded |= {other: subs[name] for other, name in _OTHER_NAMES.get(attribute.name, {}).items()}
    prunes = attribute.multi_valued and not assign
    plain = attribute.multi_valued and attribute.leaf is not None
    texts = attribute.name in _JSON_TEXTS
    required = [each.name for each in attribute.sub if each.required and not assign]

    def read(value: Any) -> dict[str, Any] | None:
        if type(value) is not dict:
            if assign and plain and type(value) is str and value:
                value = {"value": value}
            value = _members(attribute.name, path, value)
            if value is None:
                return None
        made: dict[str, Any] = {}
        for name, inner in value.items():
            known = subs.get(name) or folded.get(fold(name))
            if known is not None:
                kept = known[1](inner)
                if kept is not None or (assign and known[1] is not nothing):
                    made[known[0]] = kept
            elif refuse_unknown:
                raise invalid_syntax(f"{path} has no sub-attribute {_shown(name)}")
        if texts:
            made = _told_by_text(made, subs)
        for name in required:
            if name not in made and not (name == "value" and _referred(made)):
                raise invalid_value(f"{path}.{name} is required")
        if prunes and says_nothing(made, attribute):
            return None
        return made if made or assign else None

    return read


def _referred(made: dict[str, Any]) -> bool:
    """Take the id from the end of a reference that stands alone (RFC 7643 section 2.4); whether there is one."""
    id = id_in(str(made.get("$ref") or ""))
    if id:
        made["value"] = id
    return bool(id)


def _members(name: str, path: str, value: Any) -> dict[str, Any] | None:
    """Return the members of what should be an object; None for what is unset."""
    if type(value) is not dict:
        if value is None or value == "":
            return None
        if name in _BARE_LISTED and type(value) is str:
            value = {"value": value}
        else:
            value = _unwrapped(value, path, "an object")
    members: dict[str, Any] | None = value
    return members


def _told_by_text(made: dict[str, Any], subs: dict[str, Sub]) -> dict[str, Any]:
    """Return a role whose value is an object as JSON text, with that object's value and display name.

    As often as it takes: what is kept is read as it is.
    """
    while str(made.get("value", "")).startswith("{"):
        try:
            inner = json.loads(made["value"])
        except (ValueError, RecursionError):
            break
        if not isinstance(inner.get("value"), str):
            break
        told = {"value": inner["value"], "display": inner.get("displayName")}
        kept = {name: subs[name][1](text) for name, text in told.items()}
        if kept["value"] is None:
            break
        made = {**{k: v for k, v in kept.items() if v is not None}, **made, "value": kept["value"]}
    return made


def _unwrapped(value: Any, path: str, expected: str) -> Any:
    """Return X of `[{"value": X}]` or `[X]`, None of an empty list; raises 400 for anything else."""
    if value == []:
        return None
    if type(value) is not list or len(value) != 1:
        _refuse(path, expected)
    only, object_wanted = value[0], expected == "an object"
    if type(only) is dict and not object_wanted:
        only = only.get("value")
    if type(only) is list or (type(only) is dict) != object_wanted:
        _refuse(path, expected)
    return only


def _refuse(path: str, expected: str) -> NoReturn:
    raise invalid_value(f"{path}: expected {expected}")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:77]}...")


def _text(path: str, *, numbers: bool) -> Reader:
    most = MAX_INDEXED if path in _INDEXED else MAX_TEXT

    def read(value: Any) -> str | None:
        if type(value) is not str:
            if value is None:
                return None
            if numbers and type(value) is int:
                return str(value) if -(10**30) < value < 10**30 else _refuse(path, "text")
            value = _unwrapped(value, path, "text")
            return None if value is None else read(value)
        if len(value) > most:
            raise invalid_value(f"{path}: more than {most} characters")
        if not value.isascii():
            value = _normal(value, path)
        if "\x00" in value:
            raise invalid_value(f"{path}: a NUL character can't be kept")
        return value.strip() or None

    return read


def _normal(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise invalid_value(f"{path}: half a character (a lone surrogate)") from None
    return unicodedata.normalize("NFC", value)


def _boolean(path: str) -> Reader:
    def read(value: Any) -> bool | None:
        if value is True or value is False or value is None:
            return value
        if type(value) is str:
            word = value.strip().lower()
            if word in ("true", "false"):
                return word == "true"
            return None if not word else _refuse(path, "true or false")
        if type(value) is list:
            return read(_unwrapped(value, path, "true or false"))
        _refuse(path, "true or false")

    return read


def _integer(path: str) -> Reader:
    def read(value: Any) -> int | None:
        if value is None or value == "":
            return None
        if type(value) is str and _INTEGER.fullmatch(value.strip()):
            value = int(value)
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and -(2**63) <= value < 2**63:
            return value
        _refuse(path, "a whole number")

    return read


def _decimal(path: str) -> Reader:
    def read(value: Any) -> int | float | None:
        if value is None or value == "":
            return None
        if type(value) is int and -(2**63) <= value < 2**63:
            return value
        if type(value) is float and value - value == 0:  # neither infinite nor NaN
            return value
        _refuse(path, "a number")

    return read


def _date_time(path: str) -> Reader:
    text = _text(path, numbers=False)

    def read(value: Any) -> str | None:
        found: str | None = text(value)
        if found is not None and (len(found) > 100 or instant(found) is None):
            _refuse(path, 'a date and time like "2026-11-23T09:00:00Z"')
        return found

    return read


def _binary(path: str) -> Reader:
    text = _text(path, numbers=False)

    def read(value: Any) -> str | None:
        found: str | None = text(value)
        if found is not None and not _BASE64.fullmatch(found):
            _refuse(path, "base64")
        return found

    return read


_SCALARS: dict[str, Callable[[str], Reader]] = {
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "dateTime": _date_time,
    "binary": _binary,
}
