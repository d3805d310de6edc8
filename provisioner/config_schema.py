"""The shape of config: what each member may be, declared with marshmallow.

Loading gives plain dicts of checked values in the words of config.py's dataclasses; every message
says what to write instead. What a directory or a phone system takes is declared by its own kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing, validate, validates_schema

import connectors.phone
from connectors.scim_filter import FilterError, filter_problems, parse_filter
from connectors.scim_schema import PHONE_USER
from connectors.scim_schema import Schema as Attributes
from mappings.yaml_file import Inside, did_you_mean
from provisioner import config_fields, directories
from provisioner.config_fields import Read
from provisioner.config_guards import ApprovalSchema, FreezeSchema, LimitsSchema
from provisioner.limits import Limits
from provisioner.people_schema import people_schema
from provisioner.prices import PricesSchema
from provisioner.secret import Secret, names_a_secret
from provisioner.server_config import ServerSchema

ALIAS_FAMILIES = ("licenses", "packages", "templates", "sites")


class ByKind(fields.Field[dict[str, Any]]):
    """A mapping whose `kind` names the schema that judges its other members.

    Gives `kind`, what every kind has beside (`members`: the fields that read it), and `options`, what
    that schema loaded; what is secret by its name, or was written as a reference, is a `Secret` in it.
    """

    def __init__(
        self,
        what: str,
        kinds: Mapping[str, str],
        module: Callable[[str], ModuleType],
        *,
        members: Mapping[str, fields.Field[Any]],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.what, self.kinds, self.module = what, kinds, module
        self.members = members
        self.own = ("kind", *members)

    def schema_of(self, data: Any) -> Schema | None:
        """Return the schema of the kind that `data` names, if it does; it is imported only then."""
        kind = data.get("kind") if isinstance(data, Mapping) else None
        if not isinstance(kind, str) or kind not in self.kinds:
            return None
        schema: Schema = self.module(kind).Config()
        return schema

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("must be a mapping with a `kind`")
        own, errors = self._own(value)
        schema, options = self.schema_of(value), {}
        if schema is not None:
            raw = {k: v for k, v in value.items() if k not in self.own}
            try:
                options = _veiled(schema.load(raw), raw)
            except ValidationError as e:
                errors |= messages_of(e)
        if errors:
            raise ValidationError(errors)
        return own | {"options": options}

    def _own(self, value: dict[str, Any]) -> tuple[dict[str, Any], dict[Any, Any]]:
        errors: dict[Any, Any] = {}
        kind = value.get("kind")
        if kind is None:
            errors["kind"] = ["Missing data for required field."]
        elif not isinstance(kind, str) or kind not in self.kinds:
            hint = did_you_mean(str(kind), self.kinds)
            errors["kind"] = [f"{kind!r} is no kind of {self.what}; {hint}"]
        own = {"kind": kind}
        for name, field in self.members.items():
            given = value.get(name)
            try:
                own[name] = field.deserialize(missing if given is None else given)
            except ValidationError as e:
                errors[name] = e.messages
        return own, errors


def _veiled(options: Any, raw: Mapping[str, Any]) -> Any:
    """Return `options` with what must not be shown as `Secret`s, nested mappings included."""
    if not isinstance(options, dict):
        return options
    veiled = dict(options)
    for name, value in options.items():
        written = raw.get(name)
        if isinstance(value, dict) and isinstance(written, dict):
            veiled[name] = _veiled(value, written)
        elif isinstance(value, str) and (isinstance(written, Secret) or names_a_secret(name)):
            veiled[name] = Secret(value)
    return veiled


def _phone_users(text: str) -> None:
    try:
        parse_filter(text, PHONE_USER)
    except FilterError as e:
        raise ValidationError(filter_messages(text, PHONE_USER)) from e


def filter_messages(text: str, attributes: Attributes) -> list[str]:
    """Say everything that is wrong with a filter, each in its place."""
    return [Inside(e.message, e.position) for e in filter_problems(text, attributes)]


def messages_of(error: ValidationError) -> dict[Any, Any]:
    """Return an error's messages as the nested dict that they are when a schema raised it."""
    return error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}


class ScheduleSchema(Schema):
    """When a sync runs: every so often, or by cron."""

    every = Read(config_fields.duration(timedelta(seconds=1)))
    cron = Read(config_fields.cron)

    @validates_schema(skip_on_field_errors=True)
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("write either `every` or `cron`")


class PoolSchema(Schema):
    """Direct numbers to give: `ranges` and `numbers`, or what the vendor has unassigned (at a `site`)."""

    ranges = fields.List(Read(config_fields.numbers), load_default=list)
    numbers = fields.List(Read(config_fields.number), load_default=list)
    reserved = fields.List(Read(config_fields.number), load_default=list)
    cooling = Read(config_fields.duration(), load_default=timedelta(0))
    vendor = fields.Boolean(truthy={True}, falsy={False}, load_default=False)
    site = fields.String(load_default=None, validate=validate.Length(min=1))

    @validates_schema(skip_on_field_errors=True)
    def _sources(self, data: dict[str, Any], **_: Any) -> None:
        written = bool(data["ranges"] or data["numbers"])
        if written == data["vendor"]:
            raise ValidationError(
                "write either `ranges` or `vendor: true` (single numbers in `numbers`)"
            )
        if data["site"] and not data["vendor"]:
            raise ValidationError("goes with `vendor: true` only", "site")
        outside = {
            i: ["is in none of the ranges"]
            for i, one in enumerate(data["reserved"])
            if written and one not in data["numbers"] and not _within(one, data["ranges"])
        }
        if outside:
            raise ValidationError({"reserved": outside})


def _within(number: str, ranges: list[tuple[str, str]]) -> bool:
    return any(len(a) == len(number) and a <= number <= b for a, b in ranges)


class SyncSchema(Schema):
    """One sync: directories in order of precedence, a mapping, a phone system, and its guards."""

    directories = fields.List(
        ByKind(
            "directory",
            directories.KINDS,
            directories.module,
            members={"name": Read(config_fields.name, required=True)},
        ),
        required=True,
        validate=validate.Length(min=1, error="name at least one directory"),
    )
    mapping = fields.String(required=True, validate=validate.Length(min=1))
    phone_system = ByKind(
        "phone system",
        connectors.phone.KINDS,
        connectors.phone.module,
        members={"share": Read(config_fields.share, load_default=config_fields.SHARE)},
        required=True,
    )
    default = fields.Boolean(truthy={True}, falsy={False}, load_default=False)
    schedule = fields.Nested(ScheduleSchema, load_default=None)
    approval = fields.Nested(ApprovalSchema, load_default=lambda: ApprovalSchema().load({}))
    limits = fields.Nested(LimitsSchema, load_default=Limits())
    freeze = fields.List(fields.Nested(FreezeSchema), load_default=list)
    protected = fields.String(load_default=None)
    pools = fields.Dict(
        keys=Read(config_fields.name), values=fields.Nested(PoolSchema), load_default=dict
    )
    aliases = fields.Dict(
        keys=fields.String(
            validate=validate.OneOf(ALIAS_FAMILIES, error=f"known: {', '.join(ALIAS_FAMILIES)}")
        ),
        values=fields.Dict(
            keys=fields.String(), values=fields.String(validate=validate.Length(min=1))
        ),
        load_default=dict,
    )
    manages = fields.String(load_default=None, validate=_phone_users)
    forecast = Read(config_fields.duration(), load_default=timedelta(days=90))
    prices = fields.Nested(PricesSchema, load_default=None)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _protected_is_a_filter(self, data: Any, original: Any, **_: Any) -> None:
        """`protected` may read what a directory's columns add, however bad the rest is."""
        text = data.get("protected")
        listed = original.get("directories") if isinstance(original, dict) else None
        entries = listed if isinstance(listed, list) else []
        if not isinstance(text, str):
            return
        attributes = people_schema(d for d in entries if isinstance(d, dict))
        try:
            parse_filter(text, attributes)
        except FilterError as e:
            raise ValidationError(filter_messages(text, attributes), "protected") from e


class ConfigSchema(Schema):
    """A whole config file."""

    version = fields.Integer(
        required=True, strict=True, validate=validate.Equal(1, error="must be 1")
    )
    store = Read(config_fields.store, load_default="sqlite:///provisioner.db")
    server = fields.Nested(ServerSchema, load_default=lambda: ServerSchema().load({}))
    syncs = fields.Dict(
        keys=Read(config_fields.name),
        values=fields.Nested(SyncSchema),
        required=True,
        validate=validate.Length(min=1, error="name at least one sync"),
    )
