"""What config says of the receiver's schemas: extensions of an operator's own, and what to do with
attributes that no schema knows.

An extension's members are those of a schema's JSON (RFC 7643 section 7), so that one from another service can be
copied as it is; only names are needed, everything else has the RFC's defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import (
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validate,
    validates_schema,
)

from connectors.scim_attribute import Attribute
from provisioner.scim.schemas.registry import GROUP_TYPE, USER_TYPE, Registry
from provisioner.scim.schemas.types import Extension

_NAME = re.compile(r"(?:\$ref|[A-Za-z][A-Za-z0-9_-]{0,99})\Z")
_URN = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{1,31}:[A-Za-z0-9()+,.:=@;$_!*'%/?#-]{1,200}\Z")
_SIMPLE = ("string", "boolean", "decimal", "integer", "dateTime", "reference", "binary")


class _Characteristics(Schema):
    """What attributes and sub-attributes have in common (RFC 7643 section 2.2)."""

    name = fields.String(
        required=True,
        validate=validate.Regexp(
            _NAME, error="must begin with a letter, then letters, digits, '-' and '_'"
        ),
    )
    multi_valued = fields.Boolean(data_key="multiValued", load_default=False)
    description = fields.String(load_default="")
    required = fields.Boolean(load_default=False)
    case_exact = fields.Boolean(data_key="caseExact", load_default=False)
    mutability = fields.String(
        load_default="readWrite",
        validate=validate.OneOf(("readWrite", "immutable", "readOnly", "writeOnly")),
    )
    returned = fields.String(
        load_default="default", validate=validate.OneOf(("always", "never", "default", "request"))
    )
    canonical = fields.List(fields.String(), data_key="canonicalValues", load_default=list)
    references = fields.List(fields.String(), data_key="referenceTypes", load_default=list)

    @pre_load
    def _leave_out(self, data: Any, **_: Any) -> Any:
        return _without(data, "uniqueness")  # nobody checks it here

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Attribute:
        if data["type"] in ("reference", "binary"):  # RFC 7643 sections 2.3.6 and 2.3.7
            data["case_exact"] = True
        for name in data.keys() & {"canonical", "references", "sub"}:
            data[name] = tuple(data[name])
        return Attribute(**data)


class _SubAttribute(_Characteristics):
    type = fields.String(load_default="string", validate=validate.OneOf(_SIMPLE))


class _Attribute(_Characteristics):
    type = fields.String(load_default="string", validate=validate.OneOf((*_SIMPLE, "complex")))
    sub = fields.List(fields.Nested(_SubAttribute), data_key="subAttributes", load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        if data["type"] == "complex" and not data["sub"]:
            raise ValidationError("a complex attribute needs at least one", "subAttributes")
        if data["type"] != "complex" and data["sub"]:
            raise ValidationError("only a complex attribute has them", "subAttributes")
        _refuse_twins((each.name for each in data["sub"]), "subAttributes")


class ExtensionSchema(Schema):
    """One schema extension; gives an `Extension`."""

    uri = fields.String(
        required=True,
        data_key="id",
        validate=validate.Regexp(_URN, error="must be a URN, such as urn:example:scim:2.0:User"),
    )
    name = fields.String(load_default="")
    description = fields.String(load_default="")
    of = fields.String(
        data_key="resourceType", load_default="User", validate=validate.OneOf(("User", "Group"))
    )
    attributes = fields.List(
        fields.Nested(_Attribute), required=True, validate=validate.Length(min=1)
    )

    @pre_load
    def _leave_out(self, data: Any, **_: Any) -> Any:
        return _without(data, "schemas", "meta")

    @validates_schema(skip_on_field_errors=True)
    def _differ(self, data: dict[str, Any], **_: Any) -> None:
        _refuse_twins((each.name for each in data["attributes"]), "attributes")
        if any(each.schema.known_urn(data["uri"]) for each in (USER_TYPE, GROUP_TYPE)):
            raise ValidationError("is built in already", "id")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Extension:
        name = data["name"] or data["uri"].rpartition(":")[2]
        return Extension(**(data | {"name": name, "attributes": tuple(data["attributes"])}))


class SchemaOptions(Schema):
    """What a `pushed` directory says of schemas: `extensions`, and `unknown` attributes' fate."""

    extensions = fields.List(fields.Nested(ExtensionSchema), load_default=list)
    unknown_attributes = fields.String(
        data_key="unknown",
        load_default="ignore",
        validate=validate.OneOf(("ignore", "refuse")),
    )

    @validates_schema(skip_on_field_errors=True)
    def _extensions_differ(self, data: dict[str, Any], **_: Any) -> None:
        _refuse_twins((each.uri for each in data["extensions"]), "extensions")


def registry_of(options: Mapping[str, Any]) -> Registry:
    """Return the registry that a `pushed` directory's loaded options ask for."""
    return Registry.make(options.get("extensions", ()), options.get("unknown_attributes", "ignore"))


def _without(data: Any, *names: str) -> Any:
    """Return the members but for those of a copied schema that mean nothing in config."""
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in data.items() if name not in names}


def _refuse_twins(names: Iterable[str], member: str) -> None:
    seen: set[str] = set()
    for name in map(str.lower, names):
        if name in seen:
            raise ValidationError(f"{name!r} is there twice", member)
        seen.add(name)
