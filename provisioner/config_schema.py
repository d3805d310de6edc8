"""The shape of config: what each member may be, declared with marshmallow.

Loading gives plain dicts of checked values in the words of config.py's dataclasses; every message
says what to write instead. What a directory or a phone system takes is declared by its own kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

import connectors.directory
import connectors.phone
from connectors.scim_filter import FilterError, parse_filter, parse_path
from connectors.scim_schema import PHONE_USER, USER
from mappings.yaml_file import did_you_mean
from provisioner import config_fields
from provisioner.config_fields import Read
from provisioner.limits import Limit, Limits
from provisioner.secret import Secret, names_a_secret

ALIAS_FAMILIES = ("licenses", "packages", "templates", "sites")
RISKS = ("safe", "service", "destructive")
_BARE_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)


class ByKind(fields.Field[dict[str, Any]]):
    """A mapping whose `kind` names the schema that judges its other members.

    Gives `kind`, `name` (where `named`) and `options`, what that schema loaded; what is secret by
    its name, or was written as a reference, is a `Secret` in it.
    """

    def __init__(
        self,
        what: str,
        kinds: Mapping[str, str],
        module: Callable[[str], ModuleType],
        *,
        named: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.what, self.kinds, self.module = what, kinds, module
        self.own = ("kind", "name") if named else ("kind",)

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
        if "name" in self.own:
            try:
                own["name"] = Read(config_fields.name, required=True).deserialize(value.get("name"))
            except ValidationError as e:
                missing = value.get("name") is None
                errors["name"] = ["Missing data for required field."] if missing else e.messages
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
        raise ValidationError(filter_message(e)) from e


def filter_message(error: FilterError) -> str:
    """Say what is wrong with a filter and where in its text, counted from 1."""
    return f"{error.message} (at character {error.position + 1} of the filter)"


def messages_of(error: ValidationError) -> dict[Any, Any]:
    """Return an error's messages as the nested dict that they are when a schema raised it."""
    return error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}


class ServerSchema(Schema):
    """Where the daemon listens: `bind` for SCIM and health, `admin_bind` for the operators."""

    bind = Read(config_fields.bind, load_default="127.0.0.1:8080")
    admin_bind = Read(config_fields.bind, load_default="127.0.0.1:8081")
    base_url = Read(config_fields.base_url, load_default=None)
    trusted_proxies = fields.List(Read(config_fields.network), load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def _differ(self, data: dict[str, Any], **_: Any) -> None:
        if data["bind"] == data["admin_bind"] and not data["bind"].endswith(":0"):
            raise ValidationError("is the same as `bind`", "admin_bind")


class ScheduleSchema(Schema):
    """When a sync runs: every so often, or by cron."""

    every = Read(config_fields.duration(timedelta(seconds=1)))
    cron = Read(config_fields.cron)

    @validates_schema(skip_on_field_errors=True)
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("write either `every` or `cron`")


class ApprovalSchema(Schema):
    """What is applied without a person, and how long a person's approval holds."""

    automatic = fields.List(
        fields.String(validate=validate.OneOf(RISKS, error=f"must be one of: {', '.join(RISKS)}")),
        load_default=lambda: ["safe", "service"],
    )
    expires = Read(config_fields.duration(timedelta(minutes=1)), load_default=timedelta(days=14))


class LimitsSchema(Schema):
    """See `provisioner.limits.Limits`; gives one."""

    removals = Read(Limit.parse)
    changes = Read(Limit.parse)
    people_min = fields.Integer(strict=True, validate=validate.Range(min=1))
    people_drop = Read(Limit.parse)
    group_drop = Read(Limit.parse)
    column_drop = Read(Limit.parse)

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> Limits:
        return Limits(**data)


class PoolSchema(Schema):
    """Direct numbers to give: `ranges`, or what the vendor has unassigned (at a `site`)."""

    ranges = fields.List(Read(config_fields.numbers), load_default=list)
    reserved = fields.List(Read(config_fields.number), load_default=list)
    cooling = Read(config_fields.duration(), load_default=timedelta(0))
    vendor = fields.Boolean(truthy={True}, falsy={False}, load_default=False)
    site = fields.String(load_default=None, validate=validate.Length(min=1))

    @validates_schema(skip_on_field_errors=True)
    def _sources(self, data: dict[str, Any], **_: Any) -> None:
        if bool(data["ranges"]) == data["vendor"]:
            raise ValidationError("write either `ranges` or `vendor: true`")
        if data["site"] and not data["vendor"]:
            raise ValidationError("goes with `vendor: true` only", "site")
        outside = {
            i: ["is in none of the ranges"]
            for i, one in enumerate(data["reserved"])
            if data["ranges"] and not _within(one, data["ranges"])
        }
        if outside:
            raise ValidationError({"reserved": outside})


def _within(number: str, ranges: list[tuple[str, str]]) -> bool:
    return any(len(a) == len(number) and a <= number <= b for a, b in ranges)


class SyncSchema(Schema):
    """One sync: directories in order of precedence, a mapping, a phone system, and its guards."""

    directories = fields.List(
        ByKind("directory", connectors.directory.KINDS, connectors.directory.module, named=True),
        required=True,
        validate=validate.Length(min=1, error="name at least one directory"),
    )
    mapping = fields.String(required=True, validate=validate.Length(min=1))
    phone_system = ByKind(
        "phone system", connectors.phone.KINDS, connectors.phone.module, named=False, required=True
    )
    schedule = fields.Nested(ScheduleSchema, load_default=None)
    approval = fields.Nested(ApprovalSchema, load_default=lambda: ApprovalSchema().load({}))
    limits = fields.Nested(LimitsSchema, load_default=Limits())
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

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _protected_is_a_filter(self, data: Any, original: Any, **_: Any) -> None:
        """`protected` may read what a directory's columns add, however bad the rest is."""
        text = data.get("protected")
        directories = original.get("directories") if isinstance(original, dict) else None
        entries = directories if isinstance(directories, list) else []
        columns = [d.get("columns") for d in entries if isinstance(d, dict)]
        if not isinstance(text, str):
            return
        try:
            parse_filter(text, USER.extended(added_names(columns)))
        except FilterError as e:
            raise ValidationError(filter_message(e), "protected") from e


def added_names(columns: Iterable[Any]) -> frozenset[str]:
    """Return the attributes that directories' `columns` add to those that a User has.

    They are the targets that are a bare name which the schema doesn't know.
    """
    targets = [t for c in columns if isinstance(c, dict) for t in c.values() if isinstance(t, str)]
    return frozenset(t for t in targets if _BARE_NAME.fullmatch(t) and not _is_known(t))


def _is_known(name: str) -> bool:
    try:
        parse_path(name)
    except FilterError:
        return False
    return True


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
