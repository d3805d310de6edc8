"""The console's door before a few routes, as a test enters by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, jsonify, request
from werkzeug.test import TestResponse

from provisioner.config import Config, Server
from provisioner.console import door
from provisioner.console_config import ConsoleConfig
from provisioner.store import tokens as token_store
from provisioner.store.database import open_database
from provisioner.store.tokens import BELIEVED_S, EVERY
from provisioner.wiring import Site, Stop

NOBODY_SIGNS_IN = ConsoleConfig(sign_in="none")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Behind:
    """An application behind the door: `GET /` has a form, POST `/decide` and `/api/v1/decide` decide.

    `decided`: who decided, as often as somebody did. `seconds` is the clock by which tokens are believed and
    attempts are counted.
    """

    def __init__(
        self, folder: Path, console: ConsoleConfig = NOBODY_SIGNS_IN, **server: Any
    ) -> None:
        url = f"sqlite:///{folder / 'store.db'}"
        self.now, self.seconds = NOW, 0.0
        self.decided: list[str] = []
        self.site = Site(
            Config(folder / "c.yaml", url, Server(console=console, **server), {}),
            open_database(url),
            Stop(),
            lambda: self.now,
        )
        self.app = Flask("behind", static_folder=None)
        self.door = door.install(self.app, lambda: self.site)
        self.door.admission.book._clock = lambda: self.seconds
        self.door.admission._attempts._clock = lambda: self.seconds
        self.app.register_blueprint(_routes(self.decided))
        self.client = self.app.test_client()

    def get(self, path: str = "/api/v1/me", **given: Any) -> TestResponse:
        """Ask as a program on this machine does, unless `host`, `peer` or `headers` say otherwise."""
        return self._ask("GET", path, given)

    def post(self, path: str = "/api/v1/decide", **given: Any) -> TestResponse:
        """Ask for a change, likewise."""
        return self._ask("POST", path, given)

    def form(self, path: str = "/", **given: Any) -> str:
        """Return the text that the form of a page was given."""
        page = self.get(path, **given).text
        return page.partition('name="csrf" value="')[2].partition('"')[0]

    def token(self, name: str = "eva", **members: Any) -> str:
        """Make a token: an operator's, of every sync, to decide, unless `members` say otherwise."""
        made: dict[str, Any] = {"sync": EVERY, "scope": "write", "kind": "console"}
        made |= {"now": self.now, "expires_at": None} | members
        with self.site.engine.begin() as connection:
            return token_store.create(connection, name, **made)

    def revoke(self, text: str) -> None:
        """End a token, and wait until nobody believes it."""
        with self.site.engine.begin() as connection:
            found = token_store.find(connection, text)
            assert found is not None
            token_store.revoke(connection, [found], self.now)
        self.seconds += BELIEVED_S

    def sign_in(self, text: str, following: str = "/", **given: Any) -> TestResponse:
        """Show a token at the form."""
        asked = {key: given[key] for key in ("host", "peer") if key in given}
        data = {"token": text, "next": following, "csrf": self.form("/sign-in", **asked)}
        return self.post("/sign-in", data=data, **given)

    def lapse(self, span: timedelta) -> None:
        """Have time pass."""
        self.now += span
        self.seconds += span.total_seconds()

    def _ask(self, method: str, path: str, given: dict[str, Any]) -> TestResponse:
        host, peer = given.pop("host", "127.0.0.1:8081"), given.pop("peer", "127.0.0.1")
        return self.client.open(
            path,
            method=method,
            base_url="http://127.0.0.1:8081",
            headers={"Host": host, **given.pop("headers", {})},
            environ_base={"REMOTE_ADDR": peer},
            **given,
        )


def bearer(text: str) -> dict[str, str]:
    """Return the header that shows a token."""
    return {"Authorization": f"Bearer {text}"}


def _routes(decided: list[str]) -> Blueprint:
    routes = Blueprint("behind", __name__)

    @routes.get("/")
    def page() -> str:
        return f"<form>{door.csrf_field()}</form>"

    @routes.get("/api/v1/me")
    def me() -> Any:
        who = door.operator()
        return jsonify(
            name=who.name, may_decide=who.may_decide, syncs=who.syncs and sorted(who.syncs)
        )

    @routes.get("/api/v1/syncs/<sync>")
    def of_sync(sync: str) -> Any:
        door.must_see(sync)
        return jsonify(sync=sync)

    @routes.post("/api/v1/decide")
    def decide() -> Any:
        body = request.get_json(silent=True, force=True) or {}
        decided.append(door.decider(body.get("by")))
        return jsonify(by=decided[-1])

    @routes.get("/name")
    def name() -> str:
        return door.remembered_name() or ""

    @routes.get("/style.css")
    @door.open_to_all
    def style() -> str:
        return "p {}"

    @routes.get("/metrics")
    def metrics() -> str:
        return "up 1"

    @routes.post("/decide")
    def decide_by_form() -> Any:
        decided.append(door.decider(request.form.get("by")))
        return decided[-1]

    @routes.get("/broken")
    @routes.get("/api/v1/broken")
    def broken() -> Any:
        raise ZeroDivisionError("a secret that nobody shall read")

    return routes
