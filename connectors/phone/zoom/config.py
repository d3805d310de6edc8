"""What config says of a Zoom account: the schemas, every figure and default with its meaning."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate

from connectors.phone.zoom.auth import RATES

API_URL = "https://api.zoom.us/v2"
TOKEN_URL = "https://zoom.us/oauth/token"  # noqa: S105 (an address)

_UNITS = {"h": "hours", "d": "days"}


class SecretText(fields.String):
    """Text that stays the type it came as, so that a secret goes on hiding itself."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        super()._deserialize(value, attr, data, **kwargs)
        return value


class Span(fields.Field[timedelta]):
    """A time span of hours or days, as people write it: 36h, 7d."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> timedelta:
        match = re.fullmatch(r"([1-9][0-9]{0,3})([hd])", value) if isinstance(value, str) else None
        if match is None:
            raise ValidationError(f"{value!r} is no time span, such as 36h or 7d")
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _address(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValidationError("Not an http or https address.")


def _mail(text: str) -> None:
    if not all(text.rpartition("@")[::2]):
        raise ValidationError(f"{text!r} is no mail address.")


def _domain(text: str) -> None:
    if "@" in text or "." not in text.strip("."):
        raise ValidationError(f"{text!r} is no mail domain, such as example.org.")


class Create(Schema):
    """How an account comes about: Zoom's own `action` and `type` for `POST /users`.

    `create` (the default) invites by mail, and the user is pending until they accept; `autoCreate`,
    `ssoCreate` and `custCreate` make an active user at once, where the account is set up for it.
    `type`: 1 basic (the default), 2 licensed, 4 without meetings.
    """

    action = fields.String(
        load_default="create",
        validate=validate.OneOf(["create", "autoCreate", "ssoCreate", "custCreate"]),
    )
    type = fields.Integer(strict=True, load_default=1, validate=validate.OneOf([1, 2, 4]))


class Invite(Schema):
    """What becomes of an invitation that nobody accepts: it is sent again every `resend_after`.

    At most `resend_max` times; then the plan says that they never accepted, and leaves it there.
    """

    resend_after = Span(required=True)
    resend_max = fields.Integer(strict=True, load_default=3, validate=validate.Range(1, 20))


class Config(Schema):
    """What config says of a Zoom account beside `kind`.

    `account_id`, `client_id`, `client_secret`: a Server-to-Server OAuth app's. `plan`: whose rate
    limits hold, pro or business (and above); unlimited for a simulator without limits. `create`: how
    accounts come about. `invite`: when an invitation is sent again; never, without it.
    `managed_domains`: the account's managed mail domains: with `create.action: autoCreate` nobody
    else's account can be made. `existing_accounts`: mail addresses of people who have a paid Zoom
    account of their own. `delegators_max`: for how many one delegate may answer, 15 to 32.
    `delegation_sweep`: of how many people beyond those whose delegations matter a full plan reads
    theirs, those first that were read longest ago; 0 for nobody. `job_titles`: whether reads tell
    them; Zoom does so one user at a time, so a read then takes a request for each account user.
    `subscriptions`: by calling plan the billing subscription that it is given from, where the account
    has several. `leave`: what deleting a user means, disassociate (they keep a free account of their
    own) or delete (for good); no default, and nobody is deleted without it. `activate`: whether
    whoever has a license can call, also where the account doesn't activate users by itself.
    `operation_log`: whether a plan asks Zoom's operation log by whom the phone system was changed;
    `operator`: the mail address under which that log has what our own app writes.
    """

    account_id = fields.String(required=True, validate=validate.Length(min=1))
    client_id = fields.String(required=True, validate=validate.Length(min=1))
    client_secret = SecretText(required=True, validate=validate.Length(min=1))
    api_url = fields.String(load_default=API_URL, validate=_address)
    token_url = fields.String(load_default=TOKEN_URL, validate=_address)
    plan = fields.String(load_default="business", validate=validate.OneOf(sorted(RATES)))
    create = fields.Nested(Create, load_default=lambda: Create().load({}))
    invite = fields.Nested(Invite, load_default=None, allow_none=True)
    managed_domains = fields.List(
        fields.String(validate=_domain), load_default=None, allow_none=True
    )
    existing_accounts = fields.List(fields.String(validate=_mail), load_default=list)
    delegators_max = fields.Integer(strict=True, load_default=15, validate=validate.Range(15, 32))
    delegation_sweep = fields.Integer(
        strict=True, load_default=200, validate=validate.Range(0, 100_000)
    )
    job_titles = fields.Boolean(load_default=False)
    activate = fields.Boolean(load_default=True)
    operation_log = fields.Boolean(load_default=True)
    operator = fields.String(load_default=None, allow_none=True, validate=_mail)
    subscriptions = fields.Dict(
        keys=fields.String(validate=validate.Length(min=1)),
        values=fields.String(validate=validate.Length(min=1)),
        load_default=dict,
    )
    leave = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(["disassociate", "delete"])
    )
