"""The console's door before a few routes, as a test enters by it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, jsonify, request
from werkzeug.test import TestResponse

from provisioner.config import Config, Server
from provisioner.console import door
from provisioner.store.database import open_database
from provisioner.wiring import Site, Stop

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Behind:
    """An application behind the door: `GET /` has a form, POST `/decide` and `/api/v1/decide` decide."""

    def __init__(self, folder: Path, **server: Any) -> None:
        url = f"sqlite:///{folder / 'store.db'}"
        self.now = NOW
        self.config = Config(folder / "c.yaml", url, Server(**server), {})
        self.site = Site(self.config, open_database(url), Stop(), lambda: self.now)
        self.app = Flask("behind", static_folder=None)
        self.door = door.install(self.app, lambda: self.site)
        self.app.register_blueprint(_routes())
        self.client = self.app.test_client()

    def get(self, path: str = "/api/v1/me", **given: Any) -> TestResponse:
        """Ask as a program on this machine does."""
        return self._ask("GET", path, given)

    def post(self, path: str = "/api/v1/decide", **given: Any) -> TestResponse:
        """Ask for a change as a program on this machine does."""
        return self._ask("POST", path, given)

    def form(self, **headers: str) -> str:
        """Return the text that the form of `/` was given."""
        page = self.get("/", headers=headers).text
        return page.partition('value="')[2].partition('"')[0]

    def _ask(self, method: str, path: str, given: dict[str, Any]) -> TestResponse:
        host = given.pop("host", "127.0.0.1:8081")
        headers = {"Host": host, **given.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **given)


def _routes() -> Blueprint:
    routes = Blueprint("behind", __name__)

    @routes.get("/")
    def page() -> str:
        return str(door.csrf_field())

    @routes.get("/api/v1/me")
    def me() -> Any:
        who = door.operator()
        return jsonify(name=who.name, may_decide=who.may_decide, syncs=who.syncs and [*who.syncs])

    @routes.get("/api/v1/syncs/<sync>")
    def of_sync(sync: str) -> Any:
        door.must_see(sync)
        return jsonify(sync=sync)

    @routes.post("/api/v1/decide")
    def decide() -> Any:
        body = request.get_json(silent=True) or {}
        return jsonify(by=door.decider(body.get("by")))

    @routes.post("/decide")
    def decide_by_form() -> Any:
        return door.decider(request.form.get("by"))

    @routes.get("/broken")
    @routes.get("/api/v1/broken")
    def broken() -> Any:
        raise ZeroDivisionError("a secret that nobody shall read")

    return routes
