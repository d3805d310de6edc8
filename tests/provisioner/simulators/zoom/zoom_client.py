"""A client of the Zoom simulator for its tests. Time stands still unless a test moves the clock."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from provisioner.simulators.zoom import Loaded, Options, create_app, load_snapshot
from tests.provisioner.simulators.clock import Clock

TOKEN_QUERY = {"grant_type": "account_credentials", "account_id": "simulated-account"}
CREDENTIALS = ("simulated-client", "simulated-secret")
UNLIMITED = "US/CA Unlimited Calling Plan"
METERED = "US/CA Metered Calling Plan"
MAIN = "Main Site"


class Reply(NamedTuple):
    """An answer: HTTP status, parsed body (None without one), headers."""

    status: int
    json: Any
    headers: dict[str, str]

    @property
    def error(self) -> tuple[int, int]:
        """The HTTP status and the code in the body."""
        return self.status, self.json["code"]

    @property
    def fields(self) -> list[str]:
        """The names of the fields that were refused."""
        return [error["field"] for error in self.json.get("errors", ())]


class Zoom:
    """One simulated account and a client that holds a token for it."""

    def __init__(self, lines: Iterable[dict[str, Any]] = (), **options: Any) -> None:
        self.clock = Clock()
        options.setdefault("rates", None)
        self.app = create_app(options=Options(**options), clock=self.clock)
        self.loaded: Loaded = load_snapshot(self.app, [json.dumps(line) for line in lines])
        self.http = self.app.test_client()
        self.token = self.new_token()

    def new_token(self) -> str:
        answer = self.http.post("/oauth/token", query_string=TOKEN_QUERY, auth=CREDENTIALS)
        assert answer.status_code == 200
        return str(answer.get_json()["access_token"])

    def get(self, path: str, **query: object) -> Reply:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: object) -> Reply:
        return self.call("POST", path, body)

    def put(self, path: str, body: object) -> Reply:
        return self.call("PUT", path, body)

    def patch(self, path: str, body: object) -> Reply:
        return self.call("PATCH", path, body)

    def delete(self, path: str, **query: object) -> Reply:
        return self.call("DELETE", path, query=query)

    def call(
        self, method: str, path: str, body: object = None, query: dict[str, Any] | None = None
    ) -> Reply:
        asked = {name: str(value) for name, value in (query or {}).items()}
        answer = self.http.open(
            path if path.startswith("/scim2/") else f"/v2{path}",
            method=method,
            query_string=asked,
            headers={"Authorization": f"Bearer {self.token}"},
            data=None if body is None else json.dumps(body),
            content_type=None if body is None else "application/json",
        )
        return Reply(
            answer.status_code,
            answer.get_json() if answer.data else None,
            dict(answer.headers),
        )

    def portal(self, action: str, **given: object) -> Any:
        """Do what only the web portal can; give its answer."""
        answer = self.http.post(f"/_portal/{action}", json=given)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def log(self) -> list[dict[str, Any]]:
        """Every accepted write."""
        return [json.loads(line) for line in self.http.get("/_portal/log").text.splitlines()]

    def state(self) -> list[dict[str, Any]]:
        """The account as snapshot lines, the catalog first."""
        return [json.loads(line) for line in self.http.get("/_portal/state").text.splitlines()]

    def line(self, email: str) -> dict[str, Any]:
        """One person's snapshot line."""
        return next(line for line in self.state()[1:] if line["email"] == email)

    def site_id(self, name: str) -> str:
        sites = self.get("/phone/sites").json["sites"]
        return next(str(site["id"]) for site in sites if site["name"] == name)

    def extension_id(self, user: str) -> str:
        return str(self.get(f"/phone/users/{user}").json["extension_id"])

    def template_id(self, name: str, site: str) -> str:
        found = self.get("/phone/setting_templates", site_id=self.site_id(site)).json["templates"]
        return next(str(template["id"]) for template in found if template["name"] == name)


def person(name: str, **members: Any) -> dict[str, Any]:
    """A snapshot line of an account user without a phone."""
    given = {"id": f"id-{name}", "email": f"{name}@example.org", "display_name": name.title()}
    return given | members


def phone_user(name: str, **members: Any) -> dict[str, Any]:
    """A snapshot line of a phone user with a calling plan."""
    return person(
        name, **{"license": "zoom_phone", "packages": [UNLIMITED], "site": MAIN} | members
    )


def catalog(**members: Any) -> dict[str, Any]:
    """A catalog line."""
    return {"catalog": members}
