"""Microsoft Teams Phone: licenses, calling plans, Communications Credits, numbers and policies.

A phone user is a user of the tenant's directory (Microsoft Entra ID), active before this program ever
looks: what makes them one are licenses, and what Teams makes of those. The chain is Teams, Teams Phone,
calling plan, number; Teams learns of a calling plan up to a day after the directory did, and a number
waits for that. Call delegation no app may write: that is a script that a person runs (script.py).
Source: Microsoft Graph v1.0 reference; Microsoft Teams documentation. README.md beside this file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate

from connectors.credits import CreditsConfig
from connectors.errors import ProvisionerError, RunError
from connectors.phone.teams import calls, script, writing
from connectors.phone.teams.accounts import ATTRIBUTES
from connectors.phone.teams.api import RATES, Api, Token
from connectors.phone.teams.delta import UserList
from connectors.phone.teams.desk import Desk
from connectors.phone.teams.entries import Entries, whole
from connectors.phone.teams.licensing import KINDS as LICENSING
from connectors.phone.teams.memory import Memory
from connectors.phone.teams.policies import PolicyIds, Templates
from connectors.phone.teams.reading import Reader
from connectors.phone.teams.tenant import CALLING_PLAN, CONFERENCING, Tenant
from connectors.records import Abilities, Call, Catalog, Change, Outcome, Outside, PhoneUser

API_URL = "https://graph.microsoft.com/v1.0"
TOKEN_URL = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"  # noqa: S105 (an address)
SIDE_BY_SIDE = 8
ONE_LOOK = timedelta(minutes=10)
KEYS = ("employeeId", "onPremisesImmutableId", "id", "userPrincipalName")

ENTRA = "In the Microsoft Entra admin center: "
DELEGATION = (
    " (`provisioner manual list --format powershell` writes a script for all of these; or the user"
    " does it: Teams > Settings > Calls > Manage delegates)"
)
MANUAL = {
    "delegate.add": "Microsoft lets no app change call delegation: let {after} answer for {user}"
    + DELEGATION,
    "delegate.remove": "Microsoft lets no app change call delegation: let {before} no longer answer"
    " for {user}" + DELEGATION,
    "delegation.set": "Microsoft lets no app change call delegation: let {user}'s delegates {after}"
    + DELEGATION,
}
"""What only a person can do."""
ACCOUNTS = {
    "user.create": ENTRA
    + "Users > New user: make an account for {user}, or wait until the directory"
    " brings it; config has `accounts: true` to have it made.",
    "user.activate": ENTRA
    + "sign-in is blocked for {user}. If they may sign in again: Users > {user}"
    " > Edit > Account enabled.",
    "user.deactivate": ENTRA + "Users > {user} > Edit: block sign-in.",
}
"""What else is left to a person where config doesn't have `accounts`."""

FUND = (
    "fund Communications Credits (Teams admin center > Users, or Microsoft 365 admin center >"
    " Billing): seats of their license appear with the funding"
)
SETTLED_BY_MCA = (
    "communication credits need no license here: the tenant has a Microsoft Customer Agreement, and"
    " config says that auto-recharge is on"
)
NOT_BY_MCA = (
    "communication credits can't be bought under a Microsoft Customer Agreement, and config doesn't say"
    " that auto-recharge is on: who is to have them may be unable to dial. Switch it on, and set"
    " credits.auto_recharge.on"
)


_SPAN = re.compile(r"^([0-9]{1,4})([mhd])$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class SecretText(fields.String):
    """Text that stays the type it came as, so that a secret goes on hiding itself."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        super()._deserialize(value, attr, data, **kwargs)
        return value


def _address(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValidationError("Not an http or https address.")


class Config(Schema):
    """What config says of a tenant beside `kind`.

    `tenant_id`, `client_id`, `client_secret`: an app registration's. `usage_location`: the country
    (ISO 3166, two letters) of whoever is licensed and has none. `credits`: how calls are paid for.
    `templates`: by name, the policy of each type that it gives. `locations`: ids of emergency locations
    by name. `key`: the user's attribute that a mapping's `join` is matched with. `accounts`: whether
    users may be made, blocked and unblocked; else those are manual steps. `full_read`: the longest time
    between reads of the whole directory, between which only what changed is read; 0h: each is whole.
    `limits`: whose rate limits hold, microsoft, or unlimited for a simulator without limits.
    """

    tenant_id = fields.String(required=True, validate=validate.Length(min=1))
    client_id = fields.String(required=True, validate=validate.Length(min=1))
    client_secret = SecretText(required=True, validate=validate.Length(min=1))
    api_url = fields.String(load_default=API_URL, validate=_address)
    token_url = fields.String(load_default=None, allow_none=True, validate=_address)
    usage_location = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp("^[A-Z]{2}$", error="Not a country code of two capitals."),
    )
    credits = fields.Nested(CreditsConfig, load_default=None, allow_none=True)
    templates = fields.Dict(
        keys=fields.String(validate=validate.Length(min=1)),
        values=fields.Dict(keys=fields.String(), values=fields.String()),
        load_default=dict,
    )
    locations = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    key = fields.String(load_default="employeeId", validate=validate.OneOf(KEYS))
    accounts = fields.Boolean(load_default=False)
    full_read = fields.String(
        load_default="24h",
        validate=validate.Regexp(_SPAN, error="Not a time such as 30m, 24h or 2d."),
    )
    limits = fields.String(load_default="microsoft", validate=validate.OneOf(sorted(RATES)))


def connect(config: Mapping[str, Any], outside: Outside) -> TeamsPhone:
    """Return the phone system that config describes; `config` is what `Config` loaded."""
    tenant_id = str(config["tenant_id"])
    token_url = str(config.get("token_url") or TOKEN_URL.format(tenant=tenant_id))
    secret = str(config["client_secret"]).strip()
    api_url = str(config.get("api_url", API_URL))
    app = hashlib.sha256(repr((token_url, config["client_id"], secret)).encode()).hexdigest()
    api = Api(
        outside.http(f"teams {tenant_id}", RATES[config.get("limits", "microsoft")]),
        outside.now,
        outside.sleep,
        api_url=api_url,
        token_url=token_url,
        client=(str(config["client_id"]), secret),
        token=outside.kept.setdefault(f"teams token {app}", Token()),
    )
    tenant = Tenant(api, config.get("locations") or {})
    templates = Templates(config.get("templates") or {})
    entries = Entries(api)
    memory = outside.kept.setdefault(f"teams users {app} {api_url}", Memory())
    users = UserList(entries, tenant.used, memory, _span(config.get("full_read", "24h")))
    reader = Reader(users, entries, tenant, templates, key=config.get("key", "employeeId"))
    desk = Desk(api, tenant, reader, templates, PolicyIds(api))
    able = abilities(
        config.get("credits") or {},
        accounts=bool(config.get("accounts")),
        location=config.get("usage_location"),
    )
    return TeamsPhone(desk, able)


def _span(text: str) -> timedelta:
    """Return what a time in config means.

    >>> _span("24h")
    datetime.timedelta(days=1)
    """
    found = _SPAN.match(text)
    assert found is not None  # Config let it in
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def abilities(
    credits: Mapping[str, Any], *, accounts: bool, location: str | None = None
) -> Abilities:
    """Return what a tenant can do that pays for calls in this way, with config's usage location."""
    kinds = {
        *LICENSING,
        "profile.update",
        "user.trash",
        "user.delete",
        "user.restore",
        "template.apply",
        "number.assign",
        "number.release",
        "emergency.set",
    }
    needless: dict[str, str] = {}
    warns: frozenset[str] = frozenset()
    if credits.get("agreement") == "mca":
        is_on = bool((credits.get("auto_recharge") or {}).get("on"))
        needless["credit.assign"] = SETTLED_BY_MCA if is_on else NOT_BY_MCA
        warns = frozenset() if is_on else frozenset({"credit.assign"})
    return Abilities(
        kinds=frozenset(kinds | (ACCOUNTS.keys() if accounts else set())),
        manual=MANUAL if accounts else MANUAL | ACCOUNTS,
        joiner="user.create",
        unreadable=frozenset({"delegates", "delegate_privileges"}),
        max_delegates=script.MOST,
        needs_email=True,
        profile=frozenset(ATTRIBUTES),
        license_takes=frozenset({"packages"}),
        last_package_takes=frozenset({"numbers"}),
        restore_brings=frozenset({"license", "packages", "credits"}),
        needless=needless,
        needless_warns=warns,
        credit_bases=frozenset({CONFERENCING, CALLING_PLAN}),
        shortage={"credits": FUND},
        keeps=frozenset({"profile.usage_location"}),
        located=frozenset(kind for kind in LICENSING if kind.endswith(".assign")),
        location=location,
        script=script.script,
        side_by_side=SIDE_BY_SIDE,
    )


class TeamsPhone:
    """One tenant as a phone system (`connectors.records.PhoneSystem`)."""

    def __init__(self, desk: Desk, able: Abilities) -> None:
        self.abilities = able
        self._desk = desk
        self._looked: set[str] = set()  # which halves of a look at the tenant were had
        self._looked_at = desk.api.now()

    def catalog(self, *, numbers: bool = True) -> Catalog:
        """Return what the tenant has to give: seats as subscribed, numbers that nobody holds if wanted."""
        self._look("catalog")
        with whole():
            return self._desk.tenant.catalog(numbers=numbers)

    def read(self, delegators: Iterable[str] = ()) -> Iterator[PhoneUser]:  # noqa: ARG002
        """Yield every directory user once, deleted ones too; who answers for whom no app is told.

        Raises IncompleteRead for a list that is cut off or can't be understood.
        """
        self._look("users")
        with whole():
            yield from self._desk.reader.read()

    def read_some(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        """Yield a fresh read of each of these users who is still there."""
        with whole():
            yield from self._desk.reader.read_some(users)

    def calls(self, changes: Iterable[Change]) -> list[Call]:
        """Group changes into the fewest calls, each after what it needs; pure (calls.py)."""
        return calls.group(changes)

    def carry_out(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        """Carry the changes out, yielding an Outcome for each as its call returns (writing.py).

        Whoever they are about is looked at by the next reads, whatever a delta query tells by then.
        """
        self._looked |= {"catalog", "users"}  # whoever looks next looks afresh
        wanted = list(changes)
        self._desk.reader.wrote(change.id or change.user for change in wanted)
        return self._carried_out(wanted)

    def _carried_out(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        for outcome in writing.carry_out(self._desk, changes):
            if outcome.id:
                self._desk.reader.wrote([outcome.id])
            yield outcome

    def check(self) -> None:
        """Raise a RunError unless the credentials work and everything that is read can be."""
        api = self._desk.api
        for path, label in (
            ("/subscribedSkus", "directory.read"),
            ("/users", "directory.read"),
            ("/admin/teams/userConfigurations", "teams.read"),
            ("/admin/teams/telephoneNumberManagement/numberAssignments", "teams.read"),
        ):
            params = {"$top": "1"} if path != "/subscribedSkus" else None
            try:
                api.get(path, label=label, params=params)
            except RunError:
                raise
            except ProvisionerError as error:
                raise RunError(
                    f"the tenant can't be read: {error.message}", remedy=error.remedy
                ) from None

    def _look(self, half: str) -> None:
        """Forget what was looked up, unless it was a moment ago, for the other half of the same look.

        Microsoft asks not to poll Teams' lists: catalog and users of one run share them.
        """
        now = self._desk.api.now()
        if half in self._looked or not now - ONE_LOOK < self._looked_at <= now:
            self._desk.tenant.forget()
            self._desk.policy_ids.forget()
            self._looked, self._looked_at = set(), now
        self._looked.add(half)
