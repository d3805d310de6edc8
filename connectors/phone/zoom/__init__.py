"""Zoom Phone: account users, their phone licenses, calling plans, sites, templates, numbers, delegates.

A phone user is an account user with the feature `zoom_phone`; one who was invited is pending, and
can have nothing of phone before they accept. What Zoom shows is late by some seconds after a write
(desk.py), so a read straight after a run may still miss what the run added; the next one has it.
What only Zoom's web portal can do is in capabilities.py; README.md beside this file is for operators.
Source: Zoom's OpenAPI documents for Zoom Phone and Users.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.errors import RunError, TransientError
from connectors.operations import Operation
from connectors.phone.zoom import calls, writing
from connectors.phone.zoom.answers import Refused
from connectors.phone.zoom.auth import RATES, Api, Token
from connectors.phone.zoom.capabilities import MANUAL, abilities
from connectors.phone.zoom.catalog import Lookups, read_catalog
from connectors.phone.zoom.config import API_URL, TOKEN_URL, Config
from connectors.phone.zoom.desk import Desk, Options
from connectors.phone.zoom.lists import whole
from connectors.phone.zoom.operations import read_operations
from connectors.phone.zoom.reading import Reader
from connectors.records import Abilities, Call, Catalog, Change, Outcome, Outside, PhoneUser

__all__ = ["MANUAL", "Config", "ZoomPhone", "abilities", "connect"]

NAME = "Zoom"


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
        activate=config.get("activate", True),
    )
    invite = config.get("invite")
    able = abilities(
        options.action,
        config.get("delegators_max", 15),
        bool(config.get("job_titles")),
        account_type=options.account_type,
        leave=options.leave,
        domains=config.get("managed_domains"),
        existing=config.get("existing_accounts") or (),
        sweep=config.get("delegation_sweep", 0),
        resend=(invite["resend_after"], invite["resend_max"]) if invite else None,
    )
    return ZoomPhone(
        api,
        options,
        able,
        config.get("subscriptions") or {},
        log=NAME if config.get("operation_log", True) else None,
        operator=config.get("operator"),
    )


class ZoomPhone:
    """One Zoom account as a phone system (`connectors.records.PhoneSystem`), with its operation log.

    `log`: what it is called, None where nobody shall ask it; `operator`: under whose mail address our own
    writes are in it.
    """

    def __init__(
        self,
        api: Api,
        options: Options,
        able: Abilities,
        subscriptions: Mapping[str, str],
        *,
        log: str | None = None,
        operator: str | None = None,
    ) -> None:
        self.abilities = able
        self.log = log
        self._operator = operator
        self._api = api
        self._account_type = options.account_type
        self._lookups = Lookups(api, subscriptions)
        titles = "profile.job_title" not in able.unreadable
        self._reader = Reader(
            api,
            self._lookups,
            job_titles=titles,
            hands=able.side_by_side,
            activates=options.activate,
        )
        self._desk = Desk(api, self._lookups, self._reader, options)

    def catalog(self, *, numbers: bool = True) -> Catalog:
        """Return what the account has to give, its free numbers if wanted; Zoom counts no phone licenses."""
        self._lookups.forget()
        with whole():
            return read_catalog(
                self._api, self._lookups, account_type=self._account_type, numbers=numbers
            )

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

    def operations(self, since: datetime) -> Iterator[Operation]:
        """Yield what administrators did since then (operations.py)."""
        return read_operations(self._api, since, self._operator)

    def check(self) -> None:
        """Raise a RunError unless the credentials work, both lists can be read, and phone is on."""
        for path, label in (("/users", "users.medium"), ("/phone/users", "phone.medium")):
            try:
                self._api.get(path, label=label, params={"page_size": "1"})
            except (Refused, TransientError) as error:
                raise RunError(
                    f"the Zoom account can't be read: {error.message}", remedy=error.remedy
                ) from None
