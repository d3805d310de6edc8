"""Zoom Phone: account users, their phone licenses, calling plans, sites, templates, numbers, delegates.

A phone user is an account user with the feature `zoom_phone`; one who was invited is pending, and
can have nothing of phone before they accept. What Zoom shows is late by some seconds after a write
(desk.py), so a read straight after a run may still miss what the run added; the next one has it.
The trash, 30 days in which a phone user can be restored, exists in Zoom's web portal only.
Source: Zoom's OpenAPI documents for Zoom Phone and Users.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate

from connectors.errors import RunError, TransientError
from connectors.phone.zoom import calls, writing
from connectors.phone.zoom.answers import Refused
from connectors.phone.zoom.auth import RATES, Api, Token
from connectors.phone.zoom.catalog import Lookups, read_catalog
from connectors.phone.zoom.desk import Desk, Options
from connectors.phone.zoom.lists import whole
from connectors.phone.zoom.reading import Reader
from connectors.records import Abilities, Call, Catalog, Change, Outcome, Outside, PhoneUser

API_URL = "https://api.zoom.us/v2"
TOKEN_URL = "https://zoom.us/oauth/token"  # noqa: S105 (an address)
MAX_DELEGATES = 15
SIDE_BY_SIDE = 16
"""Calls under way at once: Zoom answers in a few tenths of a second, and lets forty a second begin."""

PORTAL = "In the Zoom web portal (zoom.us, as an administrator): "
TO_USERS = PORTAL + "Phone System Management > Users & Rooms > Users; "
MANUAL = {
    "user.trash": (
        TO_USERS + "find {user}, open the menu (…) in their row, choose Move to Trash and confirm."
        " They stay in the trash for 30 days, then they are deleted for good. Where the menu has no"
        " such choice, turn on Account Management > Account Settings > Zoom Phone >"
        " Soft Delete Users first."
    ),
    "user.restore": (
        TO_USERS + "open Trash, find {user}, choose Restore and confirm. This works for 30 days"
        " after they were moved there. Check their package and numbers afterwards: both were free"
        " for others meanwhile."
    ),
}
"""What only a person can do, step by step (Zoom support: "Changing Zoom Phone soft deletion settings")."""


class SecretText(fields.String):
    """Text that stays the type it came as, so that a secret goes on hiding itself."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        super()._deserialize(value, attr, data, **kwargs)
        return value


def _address(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValidationError("Not an http or https address.")


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


class Config(Schema):
    """What config says of a Zoom account beside `kind`.

    `account_id`, `client_id`, `client_secret`: a Server-to-Server OAuth app's. `plan`: whose rate
    limits hold, pro or business (and above); unlimited for a simulator without limits. `create`: how accounts come about. `delegators_max`:
    for how many one delegate may answer. `job_titles`: whether reads tell them; Zoom does so one
    user at a time, so a read then takes a request for each account user. `leave`: what deleting a user means, disassociate (they
    keep a free account of their own) or delete (for good); no default, and nobody is deleted
    without it.
    """

    account_id = fields.String(required=True, validate=validate.Length(min=1))
    client_id = fields.String(required=True, validate=validate.Length(min=1))
    client_secret = SecretText(required=True, validate=validate.Length(min=1))
    api_url = fields.String(load_default=API_URL, validate=_address)
    token_url = fields.String(load_default=TOKEN_URL, validate=_address)
    plan = fields.String(load_default="business", validate=validate.OneOf(sorted(RATES)))
    create = fields.Nested(Create, load_default=lambda: Create().load({}))
    delegators_max = fields.Integer(strict=True, load_default=15, validate=validate.Range(1, 32))
    job_titles = fields.Boolean(load_default=False)
    leave = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(["disassociate", "delete"])
    )


def connect(config: Mapping[str, Any], outside: Outside) -> ZoomPhone:
    """Return the phone system that config describes; `config` is what `Config` loaded."""
    account, token_url = str(config["account_id"]), str(config.get("token_url", TOKEN_URL))
    secret = str(config["client_secret"]).strip()
    app = hashlib.sha256(repr((token_url, account, config["client_id"], secret)).encode())
    api = Api(
        outside.http(f"zoom {account}", RATES[config.get("plan", "business")]),
        outside.now,
        api_url=str(config.get("api_url", API_URL)),
        token_url=token_url,
        account_id=account,
        client=(str(config["client_id"]), secret),
        token=outside.kept.setdefault(f"zoom token {app.hexdigest()}", Token()),
    )
    create = config.get("create") or {}
    options = Options(
        action=create.get("action", "create"),
        account_type=create.get("type", 1),
        leave=config.get("leave"),
    )
    able = abilities(
        options.action, config.get("delegators_max", 15), bool(config.get("job_titles"))
    )
    return ZoomPhone(api, options, able)


def abilities(action: str, delegators_max: int, job_titles: bool) -> Abilities:
    """Return what Zoom can do for an account whose users come about by this `action`."""
    joiner = "user.invite" if action == "create" else "user.create"
    return Abilities(
        kinds=frozenset(
            {
                joiner,
                "user.activate",
                "user.deactivate",
                "user.delete",
                "profile.update",
                "license.assign",
                "license.remove",
                "package.assign",
                "package.remove",
                "template.apply",
                "site.set",
                "extension.set",
                "number.assign",
                "number.release",
                "delegate.add",
                "delegate.remove",
                "delegation.set",
            }
        ),
        manual=MANUAL,
        joiner=joiner,
        unreadable=frozenset({"template"} if job_titles else {"template", "profile.job_title"}),
        pending=frozenset({"profile.update", "user.delete"}),
        max_delegates=MAX_DELEGATES,
        max_delegators=delegators_max,
        needs_email=True,
        keeps=frozenset({"template", "site", "extension_number"}),
        profile=frozenset({"display_name", "email", "department", "job_title"}),
        license_takes=frozenset({"packages", "numbers", "delegates"}),
        last_package_takes=frozenset({"numbers"}),
        deactivation_takes=frozenset({"license", "packages", "numbers", "delegates"}),
        side_by_side=SIDE_BY_SIDE,
    )


class ZoomPhone:
    """One Zoom account as a phone system (`connectors.records.PhoneSystem`)."""

    def __init__(self, api: Api, options: Options, able: Abilities) -> None:
        self.abilities = able
        self._api = api
        self._lookups = Lookups(api)
        titles = "profile.job_title" not in able.unreadable
        self._reader = Reader(api, self._lookups, job_titles=titles, hands=able.side_by_side)
        self._desk = Desk(api, self._lookups, self._reader, options)

    def catalog(self) -> Catalog:
        """Return what the account has to give; phone licenses aren't counted by Zoom."""
        self._lookups.forget()
        with whole():
            return read_catalog(self._api, self._lookups)

    def read(self, delegators: Iterable[str] = ()) -> Iterator[PhoneUser]:
        """Yield every phone user once; delegations only of these ids or folded mail addresses.

        Raises IncompleteRead for a list that is cut off or contradicts itself, ReadRefused for one
        that is short of its own total.
        """
        self._lookups.forget()
        with whole():
            yield from self._reader.read(delegators)

    def read_some(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        """Yield a fresh read of each of these users who is still there, delegates and all."""
        with whole():
            yield from self._reader.read_some(users)

    def calls(self, changes: Iterable[Change]) -> list[Call]:
        """Group changes into the fewest calls, each after what it needs; pure (calls.py)."""
        return calls.group(changes)

    def carry_out(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        """Carry the changes out, yielding an Outcome for each as its call returns (writing.py)."""
        return writing.carry_out(self._desk, changes)

    def check(self) -> None:
        """Raise a RunError unless the credentials work, both lists can be read, and phone is on."""
        for path, label in (("/users", "users.medium"), ("/phone/users", "phone.medium")):
            try:
                self._api.get(path, label=label, params={"page_size": "1"})
            except (Refused, TransientError) as error:
                raise RunError(
                    f"the Zoom account can't be read: {error.message}", remedy=error.remedy
                ) from None
