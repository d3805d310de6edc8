"""The shape of what config says about care: who approves what, and how much at once.

Declared with marshmallow, like the rest of config's shape (config_schema.py), of which it is a part.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from connectors.records import clean, fold
from mappings.yaml_file import did_you_mean
from provisioner import config_fields
from provisioner.config_fields import Read
from provisioner.freeze import Window
from provisioner.limits import Limit, Limits
from provisioner.plan.content import KINDS

RISKS = ("safe", "service", "destructive")
LONGEST_NAME = 200
"""Characters of an approver's name."""


def risk_or_kind(value: Any) -> str:
    """Read a risk or a kind of change.

    >>> risk_or_kind("safe"), risk_or_kind("number.release")
    ('safe', 'number.release')
    """
    if isinstance(value, str) and (value in RISKS or value in KINDS):
        return value
    text = str(value)
    hint = did_you_mean(text, [*RISKS, *KINDS])
    raise ValueError(
        f"{text!r} must be one of: {', '.join(RISKS)}, or a kind of change like delegate.add"
        + (f"; {hint}" if hint.startswith("did") else "")
    )


def kind(value: Any) -> str:
    """Read a kind of change."""
    if isinstance(value, str) and value in KINDS:
        return value
    raise ValueError(f"{value!r} is no kind of change; {did_you_mean(str(value), KINDS)}")


def approver(value: Any) -> str:
    """Read the name of somebody who may approve."""
    name = clean(value) if isinstance(value, str) else ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(f"{value!r} is nobody's name: write a login name or what `--by` gives")
    return name


class ApprovalSchema(Schema):
    """Who has to approve what; see `provisioner.config.Approval`."""

    automatic = fields.List(Read(risk_or_kind), load_default=lambda: ["safe", "service"])
    expires = Read(config_fields.duration(timedelta(minutes=1)), load_default=timedelta(days=14))
    approvers = fields.List(
        Read(approver),
        load_default=None,
        validate=validate.Length(min=1, error="name somebody, or leave it out for anybody"),
    )
    second = fields.List(Read(risk_or_kind), load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def _can_be_kept(self, data: dict[str, Any], **_: Any) -> None:
        both = [name for name in data["second"] if name in data["automatic"]]
        if both:
            raise ValidationError(
                f"{', '.join(both)} can't be automatic and take a second approver", "second"
            )
        names = data["approvers"]
        if data["second"] and names is not None and len({fold(name) for name in names}) < 2:
            raise ValidationError("a second approver takes two different names", "approvers")


class LimitsSchema(Schema):
    """See `provisioner.limits.Limits`; gives one."""

    removals = Read(Limit.parse)
    changes = Read(Limit.parse)
    people_min = fields.Integer(strict=True, validate=validate.Range(min=1))
    people_drop = Read(Limit.parse)
    group_drop = Read(Limit.parse)
    column_drop = Read(Limit.parse)
    kinds = fields.Dict(keys=Read(kind), values=Read(Limit.parse))

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> Limits:
        return Limits(**data)


class FreezeSchema(Schema):
    """When nothing is carried out: from a day or moment until another, or every week; gives a Window."""

    name = fields.String(validate=validate.Length(min=1, max=LONGEST_NAME))
    since = Read(config_fields.moment, data_key="from")
    until = Read(config_fields.moment)
    weekly = Read(config_fields.week_span)
    zone = Read(config_fields.zone, load_default=ZoneInfo("UTC"))
    allow = fields.List(Read(risk_or_kind), load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def _one_way(self, data: dict[str, Any], **_: Any) -> None:
        span = {"since", "until"} & data.keys()
        if ("weekly" in data) == bool(span):
            raise ValidationError("write either `from` and `until`, or `weekly`")
        if span and len(span) < 2:
            raise ValidationError("`from` and `until` go together")
        if span:
            first, last = _span(data)
            if first >= last:
                raise ValidationError("is not after `from`", "until")

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> Window:
        weekly, span = data.get("weekly"), None if "weekly" in data else _span(data)
        name = data.get("name")
        return Window(
            name=name or (weekly[0] if weekly else f"{data['since']} to {data['until']}"),
            zone=data["zone"],
            allow=frozenset(data["allow"]),
            span=span,
            weekly=weekly and weekly[1:],
        )


def _span(data: dict[str, Any]) -> tuple[datetime, datetime]:
    """Return the two moments; a day as `until` is the whole day."""
    zone, first, last = data["zone"], data["since"], data["until"]
    if not isinstance(last, datetime):
        last += timedelta(days=1)
    return _in_zone(first, zone), _in_zone(last, zone)


def _in_zone(value: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    return value if value.tzinfo else value.replace(tzinfo=zone)
