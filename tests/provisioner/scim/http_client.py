"""The receiver's routes in an application of their own, and a client that speaks to them as providers do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException

from provisioner.scim.app import MEDIA_TYPE, Receiver, blueprint
from provisioner.scim.errors import ScimError
from provisioner.scim.schemas import Registry
from provisioner.server_config import Intake
from provisioner.store.direct import Direct
from tests.provisioner.scim.pushing import Clock

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

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
    app.config["MAX_CONTENT_LENGTH"] = receiver.limits.body
    app.register_blueprint(blueprint(receiver, admit))

    @app.errorhandler(ScimError)
    def refuse(error: ScimError) -> Response:
        return Response(
            json.dumps(error.body()), error.status, error.headers, content_type=MEDIA_TYPE
        )

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        return refuse(ScimError(error.code or 500, error.name))

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
    """An identity provider's client: every request is one to this base path."""

    def __init__(self, client: FlaskClient, path: str = "/scim/v2") -> None:
        self.client, self.path = client, path

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = names.pop("Content-Type", MEDIA_TYPE if body is not None else None)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        response = self.client.open(
            self.path + path, method=method, data=data, headers=names, content_type=kind
        )
        return Answer(response)

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
