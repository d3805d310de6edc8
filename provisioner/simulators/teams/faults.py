"""What only Graph's side knows when something goes wrong: its error bodies, its tokens, its seats.

Which requests a fault meets, and when, is decided elsewhere; this answers what is asked then.
"""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from random import Random
from typing import Any, Literal

from flask import Flask

from .account import EXTENSION, Tenant

Answer = tuple[int, dict[str, str], bytes]

_USER = re.compile(r"/v1\.0/(?:users|admin/teams/userConfigurations)/(?!delta(?:/|$))([^/]+)")
JSON = {"Content-Type": "application/json"}
CODES = {
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceNotAvailable",
    504: "GatewayTimeout",
}


class TeamsFaults:
    """The tenant's part in whatever goes wrong with requests to it."""

    def __init__(self, app: Flask) -> None:
        self._tenant: Tenant = app.extensions[EXTENSION]

    def sort(self, method: str, path: str) -> Literal["token", "read", "list", "write"] | None:
        """Return what a request is to its caller; None for what is no operation of Graph's."""
        if path.endswith("/oauth2/v2.0/token"):
            return "token"
        if not path.startswith("/v1.0/"):
            return None
        if method != "GET":
            return "write"
        return "read" if _USER.match(path) or "/operations" in path else "list"

    def too_many(self, retry_after_s: float | None) -> Answer:
        """Return Graph's 429; some services leave Retry-After out."""
        headers = {**JSON, "x-ms-throttle-scope": "Tenant_Application/ReadWrite"}
        if retry_after_s is not None:
            headers["Retry-After"] = f"{retry_after_s:.0f}"
        return 429, headers, self._error("TooManyRequests", "Too Many Requests")

    def broken(self, status: int) -> Answer:
        """Return Graph's body for a 5xx."""
        text = HTTPStatus(status).phrase
        return status, dict(JSON), self._error(CODES.get(status, "UnknownError"), text)

    def _error(self, code: str, message: str) -> bytes:
        id_ = str(uuid.uuid4())
        date = f"{self._tenant.now():%Y-%m-%dT%H:%M:%S}"
        inner = {"date": date, "request-id": id_, "client-request-id": id_}
        return json.dumps(
            {"error": {"code": code, "message": message, "innerError": inner}}
        ).encode()

    def another(self, path: str, dice: Random) -> str | None:
        """Return the same path about another user."""
        found = _USER.match(path)
        other = None if found is None else self._other(found[1], dice)
        if found is None or other is None:
            return None
        return path[: found.start(1)] + str(other["id"]) + path[found.end(1) :]

    def misnamed(self, body: Any, dice: Random) -> Any:
        """Return a write's answer, or one of a batch's, with another user's id and name in it."""
        if isinstance(body, dict) and isinstance(body.get("responses"), list):
            return self._misnamed_in(body["responses"], dice)
        if not (isinstance(body, dict) and {"id", "userPrincipalName"} <= body.keys()):
            return None
        other = self._other(body["id"], dice)
        if other is None:
            return None
        upn = json.loads(other["props"])["userPrincipalName"]
        return body | {"id": other["id"], "userPrincipalName": upn}

    def _misnamed_in(self, responses: list[Any], dice: Random) -> Any:
        places = [
            n for n, each in enumerate(responses) if "userPrincipalName" in each.get("body", {})
        ]
        if not places:
            return None
        at = dice.choice(places)
        wrong = self.misnamed(responses[at]["body"], dice)
        if wrong is None:
            return None
        answers = [*responses[:at], responses[at] | {"body": wrong}, *responses[at + 1 :]]
        return {"responses": answers}

    def _other(self, user: str, dice: Random) -> sqlite3.Row | None:
        state = self._tenant.state
        with state.transaction():
            own = state.user(user)
            where = "FROM users WHERE deleted IS NULL AND id <> ?"
            value = own["id"] if own else user
            count = state.value(f"SELECT count(*) {where}", value)
            at = dice.randrange(count) if count else 0
            return state.row(f"SELECT * {where} ORDER BY seq LIMIT 1 OFFSET ?", value, at)

    def touched(self, path: str, body: Any) -> Iterable[str]:
        """Return ids and names of the users in a write's path and body, a batch's too."""
        paths = [path]
        given = body if isinstance(body, dict) else {}
        names = [str(given["assignmentTargetId"])] if given.get("assignmentTargetId") else []
        paths += [
            f"/v1.0/{str(each.get('url', '')).lstrip('/')}"
            for each in given.get("requests") or ()
            if isinstance(each, dict)
        ]
        names += [found[1] for each in paths if (found := _USER.match(each))]
        with self._tenant.state.transaction():
            rows = [row for name in names if (row := self._tenant.state.user(name)) is not None]
        upns = (json.loads(row["props"])["userPrincipalName"] for row in rows)
        return {*names, *(row["id"] for row in rows), *upns}

    def entries(self, body: Any) -> list[Any] | None:
        """Return the entries of a page."""
        value = body.get("value") if isinstance(body, dict) else None
        return value if isinstance(value, list) else None

    def expire_tokens(self) -> None:
        """Let every access token expire at this moment."""
        now = self._tenant.now_s()
        for token in list(self._tenant.tokens):
            self._tenant.tokens[token] = now

    def take_seat(self, dice: Random) -> Callable[[], None] | None:
        """Take a free seat of a product whose seats are counted."""
        state = self._tenant.state
        with state.transaction():
            rows = state.rows("SELECT id FROM skus WHERE enabled > consumed ORDER BY id")
            if not rows:
                return None
            sku = dice.choice(rows)["id"]
            state.run("UPDATE skus SET enabled = enabled - 1 WHERE id = ?", sku)

        def give_back() -> None:
            with state.transaction():
                state.run("UPDATE skus SET enabled = enabled + 1 WHERE id = ?", sku)

        return give_back
