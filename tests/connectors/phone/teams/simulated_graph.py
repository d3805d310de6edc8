"""A simulated tenant in this process, connectors to it, and troubles between the two.

Time stands still unless a test moves the clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.adapters import BaseAdapter

from connectors.phone import teams
from connectors.phone.teams import TeamsPhone
from connectors.records import Change, Http, Outcome, Outside, PhoneUser, Rate, Value
from provisioner.http import make_http, new_session
from provisioner.rates import Limiter
from provisioner.simulators.teams import Options, create_app, load_snapshot

HOST = "https://graph.test"


class SimulatedGraph(BaseAdapter):
    """The tenant. `asked`: the paths of all requests, a batch's as its own alone.

    `troubles`: for a part of an address, the answers that the next requests to it get instead.
    """

    def __init__(self, lines: Iterable[Mapping[str, Any]] = (), **options: Any) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)
        chosen = {"throttled": False, "operation_s": 0, "token_life_s": 10**8} | options
        self.options = Options(**chosen)
        self.app = create_app(options=self.options, clock=lambda: self.now)
        load_snapshot(self.app, [json.dumps(line) for line in lines])
        self.asked: list[str] = []
        self.troubles: dict[str, list[tuple[int, Any]]] = {}
        self._client = self.app.test_client()
        self._session = new_session()
        self._session.mount(HOST, self)

    def phone(self, kept: dict[str, Any] | None = None, **config: Any) -> TeamsPhone:
        """Return a connector; those with the same `kept` are of one process."""

        def carrier(account: str, rates: Mapping[str, Rate]) -> Http:
            return make_http(
                None, Limiter(), _nap, account=account, rates=rates, session=self._session
            )

        given = {
            "tenant_id": self.options.tenant,
            "client_id": self.options.client_id,
            "client_secret": self.options.client_secret,
            "api_url": f"{HOST}/v1.0",
            "token_url": f"{HOST}/{self.options.tenant}/oauth2/v2.0/token",
            "limits": "unlimited",
            "usage_location": "DE",
            "accounts": True,
        } | config
        outside = Outside(Path(), carrier, lambda: self.now, _nap, {} if kept is None else kept)
        return teams.connect(teams.Config().load(given), outside)

    def in_full(self) -> dict[str, PhoneUser]:
        """Return everybody, as a process reads that has read nothing before."""
        return users(self.phone())

    def pass_by(self, **by: float) -> None:
        """Let time go on."""
        self.now += timedelta(**by)

    def portal(self, what: str, **given: Any) -> Any:
        """Do what an administrator does, as far as it can be done."""
        return self._client.post(f"/_portal/{what}", json=given).get_json()

    def call(self, method: str, path: str, body: Any = None) -> int:
        """Do what another app does; return HTTP's status."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.options.client_id,
            "client_secret": self.options.client_secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        where = f"/{self.options.tenant}/oauth2/v2.0/token"
        token = self._client.post(where, data=form).get_json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        told = self._client.open(f"/v1.0{path}", method=method, json=body, headers=headers)
        return int(told.status_code)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer a request."""
        url = urlsplit(str(request.url))
        path = unquote(url.path).removeprefix("/v1.0")
        if "oauth2" not in path:
            self.asked.append(path)
        for part, answers in self.troubles.items():
            if part in unquote(str(request.url)) and answers:
                status, body = answers.pop(0)
                return _response(request, status, json.dumps(body).encode(), {})
        told = self._client.open(
            unquote(url.path),
            method=request.method,
            query_string=dict(parse_qsl(url.query, keep_blank_values=True)),
            data=request.body,
            headers=dict(request.headers),
            base_url=HOST,
        )
        return _response(request, told.status_code, told.data, dict(told.headers))

    def close(self) -> None:
        """Nothing is open."""


def users(phone: TeamsPhone) -> dict[str, PhoneUser]:
    """Read everybody, by id."""
    return {user.id: user for user in phone.read()}


def carried_out(
    phone: TeamsPhone, kind: str, id: str, before: Value = None, after: Value = None
) -> list[Outcome]:
    """Carry one change out."""
    who = f"{id}@example.org"
    change = Change(seq=1, kind=kind, user=who, key=id, id=id, before=before, after=after)
    return list(phone.carry_out([change]))


def _response(
    request: requests.PreparedRequest, status: int, content: bytes, headers: Mapping[str, str]
) -> requests.Response:
    response = requests.Response()
    response.status_code, response.request, response.url = status, request, str(request.url)
    response._content = content
    response.headers.update(headers)
    return response


def _nap(_: float) -> None:
    """Wait for nothing."""
