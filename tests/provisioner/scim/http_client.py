"""The receiver's routes in an application of their own, and a client that speaks to them as providers do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug import Request
from werkzeug.test import Client

from provisioner.scim.app import MEDIA_TYPE, Receiver, Routes
from provisioner.scim.errors import ScimError
from provisioner.scim.schemas import Registry
from provisioner.server_config import Intake
from provisioner.store.direct import Direct
from provisioner.web import around
from provisioner.web.around import Around
from provisioner.web.reads import Reads
from provisioner.web.request_ids import HEADER
from tests.provisioner.scim.pushing import Clock

BASE = "http://localhost/scim/v2"
"""Where such an application is, as it says itself."""

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
FRAMEWORK = "receiver.framework"
"""Where an application's extensions keep its way to a view through the framework."""

Admit = Callable[[Request, str | None], object]


def anybody(request: Request, sync: str | None) -> None:
    """Let everybody in to every sync that there is."""
    if sync is None:
        raise ScimError(404, "there is no such resource")


def application(
    store: Direct,
    *syncs: str,
    default: str | None = None,
    limits: Intake | None = None,
    base_url: str | None = None,
    registry: Registry | None = None,
    admit: Admit = anybody,
) -> Flask:
    registries = dict.fromkeys(syncs, registry or Registry.make())
    receiver = Receiver(store, registries, default, limits or Intake(), base_url, Clock())
    app = Flask("receiver", static_folder=None)
    surrounding = Around(None, None)
    around.install(app, surrounding, receiver.limits.body)
    routes = Routes(receiver, admit)
    app.register_blueprint(routes.blueprint())
    app.extensions[FRAMEWORK] = app.wsgi_app
    app.wsgi_app = Reads(app.wsgi_app, routes.got, surrounding)  # type: ignore[method-assign]
    return app


class Answer:
    """An answer, its body read."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers = response.headers
        self.text: str = response.get_data(as_text=True)
        self.body: Any = json.loads(self.text) if self.text else None

    @property
    def error(self) -> tuple[int, str | None]:
        """The status and the scimType of an error whose body is as it should be."""
        assert self.headers["Content-Type"] == MEDIA_TYPE
        assert self.body["schemas"] == [ERROR]
        assert self.body["status"] == str(self.status)
        assert self.body["detail"]
        return self.status, self.body.get("scimType")

    @property
    def ids(self) -> list[str]:
        return [each["id"] for each in self.body["Resources"]]


class Provider:
    """An identity provider's client: every request is one to this base path.

    What is read is asked for both ways to a view, and must be the same; `both_ways` says so.
    """

    def __init__(self, client: FlaskClient, path: str = "/scim/v2") -> None:
        self.client, self.path = client, path
        self.both_ways = True

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = names.pop("Content-Type", MEDIA_TYPE if body is not None else None)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        asked: dict[str, Any] = {
            "method": method,
            "data": data,
            "headers": names,
            "content_type": kind,
        }
        response = self.client.open(self.path + path, **asked)
        if method == "GET" and self.both_ways:
            self._compare(response, path, asked)
        return Answer(response)

    def _compare(self, response: Any, path: str, asked: dict[str, Any]) -> None:
        framework = Client(self.client.application.extensions[FRAMEWORK])
        other = framework.open(self.path + path, **asked)
        found = [(each.status_code, _stable(each), each.get_data()) for each in (response, other)]
        assert found[0] == found[1]

    def user(self, name: str = "eva", /, **more: Any) -> Any:
        answer = self("POST", "/Users", {"schemas": [USER], "userName": name, **more})
        assert answer.status == 201, answer.text
        return answer.body

    def group(self, name: str = "Sales", /, *members: str, **more: Any) -> Any:
        listed = [{"value": id} for id in members]
        body = {"schemas": [GROUP], "displayName": name, "members": listed, **more}
        answer = self("POST", "/Groups", body)
        assert answer.status == 201, answer.text
        return answer.body

    def patch(self, path: str, *operations: Any, **headers: str) -> Answer:
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return self("PATCH", path, body, **headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self("GET", path, **headers)


def _stable(response: Any) -> dict[str, str]:
    """Return an answer's headers, but for what is another's each time."""
    return {name: value for name, value in response.headers.items() if name != HEADER}
