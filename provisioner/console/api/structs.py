"""The program's own documents in JSON Schema: what a struct is, that its schema says.

msgspec's own schemas can't tell a union of structs that have no tag, as an explanation has them.
"""

from __future__ import annotations

import inspect
import types
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

Json = dict[str, Any]
_PLAIN: dict[Any, Json] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
}


def schemas_of(*structs: type) -> dict[str, Json]:
    """Return the schemas of structs and of all that they hold, by name."""
    found: dict[str, Json] = {}
    for struct in structs:
        _add(struct, found)
    return found


def reference(struct: type) -> Json:
    """Return what stands for a struct's schema elsewhere."""
    return {"$ref": f"#/components/schemas/{struct.__name__}"}


def _add(struct: type, found: dict[str, Json]) -> None:
    if struct.__name__ in found:
        return
    found[struct.__name__] = {}  # it may hold itself
    properties, required = {}, []
    for field in msgspec.structs.fields(struct):
        properties[field.encode_name] = _schema(field.type, found)
        if field.required:
            required.append(field.encode_name)
    found[struct.__name__] = {
        "type": "object",
        "description": inspect.getdoc(struct) or "",
        "properties": properties,
        "required": required,
    }


def _schema(kind: Any, found: dict[str, Json]) -> Json:
    """Return the schema of a type as msgspec writes its values."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        _add(kind, found)
        return reference(kind)
    if origin is Literal:
        return {"type": "string", "enum": list(inner)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(each, found) for each in inner]}
    if origin in (tuple, list, frozenset):
        return {"type": "array", "items": _schema(inner[0], found)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(inner[1], found)}
    return dict(_PLAIN[kind])
