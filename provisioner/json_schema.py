"""JSON Schemas of what people write, made from the marshmallow schemas that judge it.

Editors complete and check with them while a person types. They refuse only what loading refuses, too;
what a JSON Schema can't say (a filter's words, a pool that must exist) `provisioner check` does.
Draft 2020-12, https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from marshmallow import Schema, fields, validate

from connectors import credits
from mappings import life_cycle_schema, scalars
from mappings import schema as mapping_schema
from mappings.entitlements import ENTITLEMENTS
from mappings.schema import MappingSchema
from provisioner.config_fields import OneOrMore, Read
from provisioner.config_schema import ByKind, ConfigSchema
from provisioner.json_schema_words import READ, WORDS

Json: TypeAlias = dict[str, Any]

_TEXT: Json = {"type": "string", "pattern": r"\S"}
_SEPARATOR = r"[\s().\-/]*"
_NUMBER = rf"^\s*(tel:)?{_SEPARATOR}\+{_SEPARATOR}[1-9]({_SEPARATOR}[0-9]){{4,14}}{_SEPARATOR}$"
_REFERENCE: Json = {
    "description": "A value kept outside of this file: an environment variable, or a file's content.",
    "oneOf": [
        {
            "type": "object",
            "properties": {name: {"description": said, **_TEXT}},
            "required": [name],
            "additionalProperties": False,
        }
        for name, said in (
            ("env", "The environment variable that holds it."),
            ("file", "The file that holds it, relative to this one."),
        )
    ],
}


def config_schema() -> Json:
    """Return the JSON Schema of a config file."""
    return _Writer(references=True).document(ConfigSchema(), "Config of provisioner")


def mapping_file_schema() -> Json:
    """Return the JSON Schema of a mapping file."""
    return _Writer(references=False).document(MappingSchema(), "Mapping of provisioner")


class _Writer:
    """Writes one document; nested schemas stand once, under `$defs`."""

    def __init__(self, *, references: bool) -> None:
        self._references = references
        self._defs: dict[str, Json] = {}

    def document(self, schema: Schema, title: str) -> Json:
        """Return the whole document for the file that `schema` judges."""
        body = self._object(schema)
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": title,
            **body,
            "$defs": dict(sorted(self._defs.items())),
        }

    def _object(self, schema: Schema, more: Mapping[str, Json] | None = None) -> Json:
        members = {f.data_key or name: f for name, f in schema.fields.items()}
        owner = type(schema).__name__
        made: Json = {
            "type": "object",
            "properties": {
                **(more or {}),
                **{n: self._member(owner, n, f) for n, f in members.items()},
            },
            "required": [*(more or {}), *(name for name, f in members.items() if f.required)],
            "additionalProperties": False,
        }
        if not made["required"]:
            del made["required"]
        said = inspect.cleandoc(type(schema).__doc__ or "").partition("\n\n")[0]
        return {"description": " ".join(said.split()), **made} if said else made

    def _member(self, owner: str, name: str, field: Any) -> Json:
        made = self._field(field)
        words = (
            field.metadata.get("description") or WORDS.get((owner, name)) or WORDS.get(("", name))
        )
        if words:
            made = {"description": words, **{k: v for k, v in made.items() if k != "description"}}
        default = field.load_default
        if isinstance(default, str | int | bool):
            made["default"] = default
        return made

    def _field(self, field: Any) -> Json:
        made = self._of_type(field)
        for each in field.validators:
            made |= _validated(each, made)
        return _or_null(made) if field.allow_none else made

    def _of_type(self, field: Any) -> Json:
        own = _OWN.get(type(field))
        if own is not None:
            return own(self)
        if isinstance(field, fields.Nested):
            return self.reference_to(field.schema)
        if isinstance(field, ByKind):
            return self._by_kind(field)
        if isinstance(field, OneOrMore):
            item = self._field(field.inner)
            return {"anyOf": [item, {"type": "array", "items": item}]}
        if isinstance(field, fields.List):
            return {"type": "array", "items": self._field(field.inner)}
        if isinstance(field, fields.Dict):
            return self._dict(field)
        return self._scalar(field)

    def reference_to(self, schema: Schema) -> Json:
        """Return a reference to the definition of a schema, made when it is first asked for."""
        name = type(schema).__name__.removesuffix("Schema")
        if name not in self._defs:
            self._defs[name] = {}
            self._defs[name] = self._object(schema)
        return {"$ref": f"#/$defs/{name}"}

    def _dict(self, field: fields.Dict) -> Json:
        made: Json = {"type": "object"}
        if field.value_field is not None:
            made["additionalProperties"] = self._field(field.value_field)
        if field.key_field is not None:
            names = self._plain(field.key_field)
            if names := {k: v for k, v in names.items() if k in ("pattern", "enum")}:
                made["propertyNames"] = names
        return made

    def _plain(self, field: Any) -> Json:
        """Return a field's schema without the reference that a value of config may be."""
        made = _PLAIN.get(type(field), lambda _: {})(field)
        for each in field.validators:
            made |= _validated(each, made)
        return made

    def _scalar(self, field: Any) -> Json:
        made = next((make(field) for kind, make in _PLAIN.items() if isinstance(field, kind)), {})
        if self._references and made.get("type") == "string":
            for each in field.validators:
                made |= _validated(each, made)
            self._defs["Reference"] = _REFERENCE
            return {"anyOf": [made, {"$ref": "#/$defs/Reference"}]}
        return made

    def _by_kind(self, field: ByKind) -> Json:
        """Return a choice by `kind`: each has its own members, and those that every kind has."""
        choices = []
        for kind in sorted(field.kinds):
            schema = field.schema_of({"kind": kind})
            assert schema is not None
            members = {n: self._member("ByKind", n, f) for n, f in field.members.items()}
            made = self._object(schema, {"kind": {"const": kind}})
            made["properties"] |= members
            made["required"] += [n for n, f in field.members.items() if f.required]
            choices.append({"if": {"properties": {"kind": {"const": kind}}}, "then": made})
        return {
            "type": "object",
            "properties": {
                "kind": {"description": f"Which {field.what} it is.", "enum": sorted(field.kinds)}
            },
            "required": ["kind"],
            "allOf": choices,
        }


def _or_null(made: Json) -> Json:
    if isinstance(made.get("type"), str) and "enum" not in made:
        return {**made, "type": [made["type"], "null"]}
    return {"anyOf": [made, {"type": "null"}]}


def _validated(validator: object, made: Json) -> Json:
    """Return what a marshmallow validator adds; nothing for one that a JSON Schema can't say."""
    if "anyOf" in made:
        return {}  # said where the alternatives are
    if isinstance(validator, validate.OneOf):
        return {"enum": list(validator.choices)}
    if isinstance(validator, validate.Equal):
        return {"const": validator.comparable}
    if isinstance(validator, validate.Range):
        found = {"minimum": validator.min, "maximum": validator.max}
        return {name: value for name, value in found.items() if value is not None}
    if isinstance(validator, validate.Length):
        suffix = {"string": "Length", "array": "Items", "object": "Properties"}.get(
            str(made.get("type")), ""
        )
        found = {f"min{suffix}": validator.min, f"max{suffix}": validator.max}
        return {n: v for n, v in found.items() if suffix and v is not None}
    if isinstance(validator, validate.Regexp) and not validator.regex.flags & re.IGNORECASE:
        return {"pattern": f"^(?:{validator.regex.pattern!s})"}
    return {}


def _read(field: Read) -> Json:
    return dict(READ.get(getattr(field.read, "__qualname__", ""), {}))


_PLAIN: Mapping[type, Callable[[Any], Json]] = {
    Read: _read,
    fields.String: lambda _: {"type": "string"},
    fields.Integer: lambda _: {"type": "integer"},
    fields.Boolean: lambda _: {"type": "boolean"},
}


def _names(_: object) -> Json:
    return {"enum": list(ENTITLEMENTS)}


def _number(_: object) -> Json:
    pool = {
        "type": "object",
        "properties": {
            "pool": {
                "description": "The pool, of those in config, whose numbers are given.",
                "type": "string",
                "pattern": r"^[^{]*\S[^{]*$",
            },
            "on_move": {
                "description": "Whether whoever holds another number keeps it, or swaps it.",
                "enum": ["keep", "swap"],
            },
        },
        "required": ["pool"],
        "additionalProperties": False,
    }
    text = {"type": "string", "anyOf": [{"pattern": r"\{"}, {"pattern": _NUMBER}]}
    return {"anyOf": [text, pool]}


def _extension_number(_: object) -> Json:
    digits = {"type": "string", "pattern": r"^\s*[0-9]+\s*$|\{"}
    return {"anyOf": [digits, {"type": "integer", "minimum": 0}]}


def _take(writer: _Writer) -> Json:
    written = {"type": "string", "pattern": r"^[^{]*\S[^{]*$"}
    values = writer._object(mapping_schema.TakeSchema())
    said = "The values that neither later rules nor defaults give."
    listed = {"description": said, "type": "array", "items": written}
    values["properties"] = dict.fromkeys(values["properties"], listed)
    names = _names(None)
    return {"anyOf": [names, values, {"type": "array", "items": {"anyOf": [names, values]}}]}


def _exclusive(_: object) -> Json:
    names = _names(None)
    return {"anyOf": [{"type": "boolean"}, names, {"type": "array", "items": names}]}


def _lookup(writer: _Writer) -> Json:
    table = {"type": "object", "additionalProperties": _TEXT, "not": {"required": ["file"]}}
    return {"anyOf": [table, writer.reference_to(mapping_schema.LookupFileSchema())]}


def _duration(_: object) -> Json:
    return {"anyOf": [{"type": "string", "pattern": r"^\s*[0-9]{1,6}[mhd]\s*$"}, {"const": 0}]}


def _graces(writer: _Writer) -> Json:
    each = writer.reference_to(life_cycle_schema.GracesSchema())
    return {"anyOf": [*_duration(None)["anyOf"], each]}


def _amounts(writer: _Writer) -> Json:
    listed = {"type": "array", "items": writer.reference_to(credits.EntryConfig())}
    return {"anyOf": [listed, writer.reference_to(credits.TableConfig())]}


_OWN: Mapping[type, Callable[[_Writer], Json]] = {
    scalars.Text: lambda _: dict(_TEXT),
    scalars.Texts: lambda _: {"type": "array", "items": dict(_TEXT)},
    scalars.Truth: lambda _: {"type": "boolean"},
    scalars.Version: lambda _: {"const": scalars.VERSION},
    scalars.Number: _number,
    scalars.ExtensionNumber: _extension_number,
    scalars.Duration: _duration,
    scalars.Zone: lambda _: {"type": "string", "pattern": r"\S"},
    life_cycle_schema.Graces: _graces,
    mapping_schema.Take: _take,
    mapping_schema.Exclusive: _exclusive,
    mapping_schema.LookupTable: _lookup,
    credits.ListOrTable: _amounts,
    credits.Amount: lambda _: dict(READ["amount"]),
    credits.Day: lambda _: dict(READ["day"]),
}
