"""What clients wrap a PATCH operation's value in, taken off.

- Its attribute's own name once more: `{"members": [...]}` for the path `members` (Tirasa/ConnIdSCIMBundle; the
  changelog of pingidentity/scim2, 4.1.0).
- JSON text, the whole value or each one of a list (Captain-P-Goldfish/SCIM-SDK issues 201 and 404).
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from connectors.scim_attribute import Attribute

_READ_AS_TEXT = frozenset({"roles", "entitlements"})
"""What values.py reads out of JSON text itself, by rules of its own."""


def unwrapped(attribute: Attribute, value: Any) -> Any:
    """Return what is meant by a value of a whole attribute, or of one value of a complex one."""
    if attribute.type == "complex" and attribute.name not in _READ_AS_TEXT:
        value = out_of_text(value)
    if attribute.multi_valued and isinstance(value, dict):
        names = [name.lower() for name in value]
        if names == [attribute.name.lower()]:
            return next(iter(value.values()))
    return value


def out_of_text(value: Any) -> Any:
    """Return the objects that JSON text says; any other value as it is."""
    if isinstance(value, list):
        inner = [out_of_text(each) if isinstance(each, str) else each for each in value]
        return inner[0] if len(inner) == 1 and isinstance(inner[0], list) else inner
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def objects(values: Any) -> list[Any]:
    """Return the values of a multi-valued attribute that are told by their `value` alone."""
    listed = values if isinstance(values, list) else [values]
    return [{"value": each} if isinstance(each, str) else each for each in listed if each != ""]
