"""A client of the Teams simulator for its tests. Time stands still unless a test moves the clock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from provisioner.simulators.teams import Loaded, Options, create_app, load_snapshot
from provisioner.simulators.teams.skus import CREDITS, PLAN_IDS, TEAMS_PHONE, product_named
from tests.provisioner.simulators.clock import Clock

TOKEN = "/simulated-tenant/oauth2/v2.0/token"
CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": "simulated-client",
    "client_secret": "simulated-secret",
    "scope": "https://graph.microsoft.com/.default",
}
E3, E5 = (product_named(name).id for name in ("Microsoft 365 E3", "Microsoft 365 E5"))
DOMESTIC = product_named("MCOPSTN1").id
INTERNATIONAL = product_named("MCOPSTN2").id
PHONE, CREDIT = TEAMS_PHONE, CREDITS
MCOEV, TEAMS1, MCOPSTN1 = (PLAN_IDS[name] for name in ("MCOEV", "TEAMS1", "MCOPSTN1"))
NUMBERS = "/admin/teams/telephoneNumberManagement"
PLAN_NAME = product_named("MCOPSTN1").name
PHONE_NAME = product_named("MCOEV").name


class Reply(NamedTuple):
    """An answer: HTTP status, parsed body (None without one), headers."""

    status: int
    json: Any
    headers: dict[str, str]

    @property
    def error(self) -> tuple[int, str]:
        """The HTTP status and the error's code."""
        return self.status, self.json["error"]["code"]

    @property
    def message(self) -> str:
        """The error's message."""
        return str(self.json["error"]["message"])

    @property
    def value(self) -> list[Any]:
        """The entries of a list."""
        return list(self.json["value"])


class Graph:
    """One simulated tenant and a client that holds a token for it."""

    def __init__(self, lines: Iterable[dict[str, Any]] = (), **options: Any) -> None:
        self.clock = Clock()
        options.setdefault("throttled", False)
        self.app = create_app(options=Options(**options), clock=self.clock)
        self.loaded: Loaded = load_snapshot(self.app, [json.dumps(line) for line in lines])
        self.http = self.app.test_client()
        self.token = self.new_token()

    def new_token(self) -> str:
        answer = self.http.post(TOKEN, data=CREDENTIALS)
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["access_token"])

    def get(self, path: str, **query: object) -> Reply:
        """GET; names of the query are given without their dollar sign."""
        return self.call("GET", path, query={f"${k}": v for k, v in query.items()})

    def post(self, path: str, body: object) -> Reply:
        return self.call("POST", path, body)

    def patch(self, path: str, body: object) -> Reply:
        return self.call("PATCH", path, body)

    def delete(self, path: str) -> Reply:
        return self.call("DELETE", path)

    def follow(self, link: str, **headers: str) -> Reply:
        """GET an address that an answer gave."""
        parts = urlsplit(link)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        path = unquote(parts.path).removeprefix("/v1.0")
        return self.call("GET", path, query=query, headers=headers)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        texts = {k: str(v) for k, v in (query or {}).items()}
        answer = self.http.open(
            f"/v1.0{path}",
            method=method,
            query_string=texts,
            json=body,
            headers={"Authorization": f"Bearer {self.token}"} | (headers or {}),
        )
        parsed = answer.get_json() if answer.data else None
        return Reply(answer.status_code, parsed, dict(answer.headers))

    def assign(self, user: str, *add: str, remove: Iterable[str] = ()) -> Reply:
        """Add and remove products by GUID."""
        licenses = [{"skuId": sku, "disabledPlans": []} for sku in add]
        body = {"addLicenses": licenses, "removeLicenses": list(remove)}
        return self.post(f"/users/{user}/assignLicense", body)

    def skus_of(self, user: str) -> set[str]:
        """Return the products that a user has."""
        licenses = self.get(f"/users/{user}", select="assignedLicenses").json["assignedLicenses"]
        return {each["skuId"] for each in licenses}

    def seats(self, sku: str) -> tuple[int, int]:
        """Return (enabled, consumed) units of a product."""
        entry = next(each for each in self.get("/subscribedSkus").value if each["skuId"] == sku)
        return entry["prepaidUnits"]["enabled"], entry["consumedUnits"]

    def portal(self, what: str, body: object) -> Any:
        """Do what an administrator does."""
        answer = self.http.post(f"/_portal/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def state(self) -> list[dict[str, Any]]:
        """Return the tenant's lines."""
        return [json.loads(line) for line in self.http.get("/_portal/state").text.splitlines()]

    def log(self) -> list[dict[str, Any]]:
        """Return the accepted writes."""
        return [json.loads(line) for line in self.http.get("/_portal/log").text.splitlines()]

    def order(self, kind: str, body: dict[str, Any]) -> str:
        """Order a number and return the operation's address."""
        answer = self.post(f"{NUMBERS}/numberAssignments/{kind}Number", body)
        assert answer.status == 202, answer
        return answer.headers["Location"]

    def outcome(self, location: str) -> tuple[str, str | None]:
        """Return an operation's status and, where it failed, why."""
        operation = self.follow(location).json["value"]
        return operation["status"], operation["numbers"][0]["statusDetail"]

    def give_number(self, user: str, number: str) -> tuple[str, str | None]:
        """Order a calling-plan number and wait."""
        body = {"telephoneNumber": number, "assignmentTargetId": user, "numberType": "callingPlan"}
        location = self.order("assign", body)
        self.clock.advance(seconds=5)
        return self.outcome(location)


def person(name: str, **members: Any) -> dict[str, Any]:
    """Return a snapshot line of somebody in Germany who holds Microsoft 365 E3."""
    return {
        "id": f"id-{name}",
        "email": f"{name}@example.org",
        "display_name": name.title(),
        "usage_location": "DE",
        "vendor": {"licenses": ["Microsoft 365 E3"]},
    } | members


def caller(name: str, *numbers: str) -> dict[str, Any]:
    """Return a snapshot line of somebody with Teams Phone and the domestic plan."""
    return person(name, license="teams_phone", packages=[PLAN_NAME], numbers=list(numbers))


def catalog(**members: Any) -> dict[str, Any]:
    """Return a catalog line."""
    return {"catalog": members}
