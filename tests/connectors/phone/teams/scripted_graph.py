"""Graph as a script: answers that a test lays down, and every request that came, by `responses`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import responses

from connectors.phone import teams
from connectors.records import Outside
from provisioner.http import make_http
from provisioner.rates import Limiter

API = "https://graph.example.org/v1.0"
TOKEN = "https://login.example.org/t/oauth2/v2.0/token"
PHONE_SKU = "e43b5b99-8dfb-405f-9987-dc307f34bcbd"
DOMESTIC_SKU = "0dab259f-bf13-4952-b7f8-7db8f131b28d"
E3_SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"

Reply = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]


class Graph:
    """Answers by method and path; a batch's items are answered from the same script.

    `waits` are the seconds that the connector slept; `lost`: so many batches get no answer; `headers`: what
    batches are answered with.
    """

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock
        self.waits: list[float] = []
        self.lost = 0
        self.headers: dict[str, str] = {}
        self.batches: list[list[dict[str, Any]]] = []
        self.items: dict[tuple[str, str], list[tuple[int, Any, dict[str, str]]]] = {}
        mock.post(TOKEN, json={"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
        mock.add_callback(responses.POST, f"{API}/$batch", callback=self._batch)
        for kind in ("users", "groups"):
            link = f"{API}/{kind}/delta?$deltatoken=d"
            mock.get(f"{API}/{kind}/delta", json={"value": [], "@odata.deltaLink": link})

    def phone(self, **config: Any) -> teams.TeamsPhone:
        """Return the connector that asks this Graph."""
        given = {
            "tenant_id": "t",
            "client_id": "c",
            "client_secret": "not-for-anyones-eyes",
            "api_url": API,
            "token_url": TOKEN,
            "limits": "unlimited",
        } | config
        outside = Outside(
            Path(),
            lambda account, rates: make_http(None, Limiter(), _nap, account=account, rates=rates),
            lambda: datetime.now(UTC),
            self.waits.append,
        )
        return teams.connect(teams.Config().load(given), outside)

    def item(self, method: str, path: str, status: int, body: Any = None, **headers: str) -> None:
        """Answer a batch's request; several answers to one are given in turn, the last one again."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.items.setdefault((method, path), []).append((status, body, told))

    def bought(self, **seats: tuple[int, int]) -> None:
        """Let the tenant have bought phone and domestic licenses: (enabled, consumed)."""
        ids = {"phone": PHONE_SKU, "domestic": DOMESTIC_SKU}
        value = [
            {
                "skuId": ids[name],
                "skuPartNumber": name,
                "appliesTo": "User",
                "capabilityStatus": "Enabled",
                "consumedUnits": used,
                "prepaidUnits": {"enabled": enabled, "warning": 0, "suspended": 0, "lockedOut": 0},
                "servicePlans": [],
            }
            for name, (enabled, used) in seats.items()
        ]
        self.mock.get(f"{API}/subscribedSkus", json={"value": value})

    def _batch(self, request: Any) -> tuple[int, dict[str, str], str]:
        if self.lost:
            self.lost -= 1
            raise ConnectionResetError("the connection broke off")
        asked = json.loads(request.body)["requests"]
        self.batches.append(asked)
        answers = []
        for each in reversed(asked):  # Graph answers in any order
            path = each["url"].partition("?")[0]
            listed = self.items[each["method"], path]
            status, body, headers = listed.pop(0) if len(listed) > 1 else listed[0]
            answer = {"id": each["id"], "status": status, "headers": headers}
            answers.append(answer if body is None else answer | {"body": body})
        return 200, self.headers, json.dumps({"responses": answers})


def _nap(seconds: float) -> None:
    """Leave out what a rate limit would have one wait."""


def error(message: str, code: str = "Request_BadRequest") -> dict[str, Any]:
    """Return Graph's error body."""
    return {"error": {"code": code, "message": message}}


def entry(id: str = "u1", *skus: str, **members: Any) -> dict[str, Any]:
    """Return a directory user who holds these products."""
    return {
        "id": id,
        "userPrincipalName": f"{id}@example.org",
        "mail": f"{id}@example.org",
        "displayName": id,
        "accountEnabled": True,
        "usageLocation": "DE",
        "assignedLicenses": [{"skuId": sku, "disabledPlans": []} for sku in skus],
        "licenseAssignmentStates": [
            {"skuId": sku, "assignedByGroup": None, "state": "Active", "error": "None"}
            for sku in skus
        ],
    } | members
