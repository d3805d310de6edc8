"""An identity provider's client, as far from ours as can be: it knows HTTP and JSON, and nothing else."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import requests

from tests.provisioner.web.served import PATIENCE_S

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PHONE = "urn:ietf:params:scim:schemas:extension:phone:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
MEDIA_TYPE = "application/scim+json"


class Reply:
    """An answer; whatever it is, it keeps to what every answer of a SCIM service must be."""

    def __init__(self, response: requests.Response) -> None:
        self.status, self.headers, self.text = (
            response.status_code,
            response.headers,
            response.text,
        )
        self.body: Any = None
        if response.content:
            self.body = response.json()
            plain = response.request.headers.get("Accept") == "application/json"
            expected = "application/json" if plain else MEDIA_TYPE
            assert self.headers["Content-Type"] == expected
        if self.status >= 400 and response.request.method != "HEAD":
            assert self.body["schemas"] == [ERROR], self.text
            assert self.body["status"] == str(self.status)
            assert self.body["detail"]
        assert "Traceback" not in self.text

    @property
    def error(self) -> tuple[int, str | None]:
        """The status and the scimType."""
        assert self.status >= 400, self.text
        return self.status, self.body.get("scimType")

    @property
    def found(self) -> list[Any]:
        """A list's resources; its figures are right."""
        assert self.status == 200, self.text
        assert self.body["schemas"] == [LIST]
        assert self.body["itemsPerPage"] == len(self.body["Resources"])
        assert self.body["totalResults"] >= len(self.body["Resources"])
        resources: list[Any] = self.body["Resources"]
        return resources

    @property
    def ids(self) -> list[str]:
        return [each["id"] for each in self.found]


class Provider:
    """A kept connection with a token. `headers` go with every request, and `always` in its query."""

    def __init__(self, url: str, token: str | None, **headers: str) -> None:
        self.url = url
        self.always = ""
        self.session = requests.Session()
        if token is not None:
            self.session.headers["Authorization"] = f"Bearer {token}"
        self.session.headers.update({k.replace("_", "-"): v for k, v in headers.items()})

    def __call__(
        self, method: str, path: str, body: Any = None, /, query: str = "", **headers: str
    ) -> Reply:
        """Send a request; a body that isn't bytes is sent as JSON. `query` goes as it is written."""
        given: dict[str, str | bytes] = {k.replace("_", "-"): v for k, v in headers.items()}
        if body is not None:
            given.setdefault("Content-Type", MEDIA_TYPE)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = requests.Request(method, self.url, headers=given, data=data)
        prepared = self.session.prepare_request(request)
        query = "&".join(filter(None, (self.always, query)))
        prepared.url = self.url + path + (f"?{query}" if query else "")
        return Reply(self.session.send(prepared, timeout=PATIENCE_S, allow_redirects=False))

    def done(self, status: int, method: str, path: str, body: Any = None, /, **more: str) -> Any:
        """Send a request that is answered with that status; return the answer's body."""
        reply = self(method, path, body, **more)
        assert reply.status == status, reply.text
        if status == 201:
            assert reply.headers["Location"] == reply.body["meta"]["location"]
            assert reply.headers["ETag"] == reply.body["meta"]["version"]
        return reply.body

    def find(self, kind: str, filter: str, more: str = "") -> list[Any]:
        """Return what a filter finds."""
        query = "filter=" + quote(filter, safe="") + (f"&{more}" if more else "")
        return self("GET", f"/{kind}", query=query).found

    def patch(self, path: str, *operations: Any, **headers: str) -> Reply:
        """Send a PATCH."""
        return self("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def user(self, name: str = "eva", /, **more: Any) -> Any:
        """Create a user."""
        return self.done(201, "POST", "/Users", {"schemas": [USER], "userName": name, **more})

    def group(self, name: str = "Sales", /, *members: str) -> Any:
        """Create a group."""
        listed = [{"value": id} for id in members]
        body = {"schemas": [GROUP], "displayName": name, "members": listed}
        return self.done(201, "POST", "/Groups", body)

    def members(self, group: str) -> set[str]:
        """Return the ids of a group's members."""
        return {each["value"] for each in self.done(200, "GET", group).get("members", [])}
