"""A Zoom that answers what a test tells it to, below the real carrier of requests.

Every request and scripted answer is held against Zoom's own OpenAPI file where VENDOR_SPECS names
one, so that no test teaches the connector a Zoom that doesn't exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
import responses

from connectors.phone import zoom
from connectors.phone.zoom import ZoomPhone
from connectors.records import Change, Http, Outcome, Outside, Rate
from provisioner.http import make_http
from provisioner.rates import Limiter
from tests.vendor_specs import load

BASE = "https://zoom.test/v2"
TOKEN_URL = "https://zoom.test/oauth/token"
CONFIG = {
    "account_id": "acme",
    "client_id": "app",
    "client_secret": "s3cr3t",
    "api_url": BASE,
    "token_url": TOKEN_URL,
}
Answer = tuple[int, Any] | Exception
"""Status and JSON body (None: no body), or what the connection does instead."""


class Sent(NamedTuple):
    """One request as it arrived; `what` is `METHOD /path`, `body` its parsed JSON."""

    what: str
    query: dict[str, str]
    body: Any
    token: str


def refusal(status: int, code: int, message: str) -> Answer:
    """Return Zoom's error body under an HTTP status."""
    return status, {"code": code, "message": message}


class ScriptedZoom:
    """Answers by method and path: one after the other, the last one for ever.

    What isn't scripted is a 404 of Zoom's for who is looked up, and an empty list for what is listed.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.sent: list[Sent] = []
        self.tokens = 0
        self.token_life_s = 3600
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)
        self.slept: list[float] = []
        self._answers: dict[str, list[Answer | Callable[[Sent], Answer]]] = {}
        outside = Outside(
            base=Path(), http=self._carrier, now=lambda: self.now, sleep=self.slept.append
        )
        self.phone: ZoomPhone = zoom.connect(zoom.Config().load({**CONFIG, **config}), outside)

    def on(self, what: str, *answers: Answer | Callable[[Sent], Answer]) -> None:
        """Answer `METHOD /path` with these, one after the other."""
        self._answers[what] = list(answers)

    def users(self, *users: dict[str, Any], status: str = "active") -> None:
        """Have these account users, in one status; the other statuses are empty."""
        listed = [{"type": 1, "email": f"{u.get('id')}@example.org", **u} for u in users]

        def answer(sent: Sent) -> Answer:
            found = listed if sent.query.get("status", "active") == status else []
            return 200, {"users": found, "total_records": len(found)}

        self.on("GET /users", answer)

    def listing(self, path: str, items: str, *entries: dict[str, Any]) -> None:
        """Have these entries on the only page of a list."""
        self.on(f"GET {path}", (200, {items: list(entries), "total_records": len(entries)}))

    def writes(self) -> list[tuple[str, Any]]:
        """Return what was sent but for reads: what, and the body or else the query."""
        return [(s.what, s.body or s.query) for s in self.sent if not s.what.startswith("GET")]

    def whats(self) -> list[str]:
        """Return every request sent, tokens left out."""
        return [sent.what for sent in self.sent]

    def carry_out(self, *changes: Change) -> list[Outcome]:
        """Carry the changes out to the end."""
        return list(self.phone.carry_out(changes))

    def reply(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        """Answer one request (responses' callback)."""
        parts = urlsplit(request.url or "")
        if parts.path == urlsplit(TOKEN_URL).path:
            return self._token()
        path = unquote(parts.path.removeprefix("/v2"))
        sent = Sent(
            f"{request.method} {path}",
            dict(parse_qsl(parts.query)),
            json.loads(request.body) if request.body else None,
            request.headers["Authorization"],
        )
        self.sent.append(sent)
        answer = self._answer(sent)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        self._check(sent, status, body)
        return status, {}, "" if body is None else json.dumps(body)

    def _token(self) -> tuple[int, dict[str, str], str]:
        answers = self._answers.get("token")
        if answers:
            answer = answers.pop(0)
            assert not callable(answer)
            if isinstance(answer, Exception):
                raise answer
            return answer[0], {}, json.dumps(answer[1])
        self.tokens += 1
        body = {"access_token": f"token-{self.tokens}", "expires_in": self.token_life_s}
        return 200, {}, json.dumps(body)

    def _answer(self, sent: Sent) -> Answer:
        answers = self._answers.get(sent.what)
        if not answers:
            return self._unscripted(sent)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(sent) if callable(answer) else answer

    def _unscripted(self, sent: Sent) -> Answer:
        lists = {
            "GET /users": "users",
            "GET /phone/users": "users",
            "GET /phone/rooms": "rooms",
            "GET /phone/common_areas": "common_areas",
            "GET /phone/calling_plans": "calling_plans",
            "GET /phone/sites": "sites",
            "GET /phone/setting_templates": "templates",
            "GET /phone/numbers": "phone_numbers",
        }
        if sent.what in lists:
            untotalled = sent.what in ("GET /phone/common_areas", "GET /phone/calling_plans")
            total = {} if untotalled else {"total_records": 0}
            return 200, {lists[sent.what]: [], **total}
        return refusal(404, 1001, "User does not exist.")

    @staticmethod
    def _check(sent: Sent, status: int, body: Any) -> None:
        spec = load("zoom")
        if spec is not None and status < 500 and status != 429:
            method, _, path = sent.what.partition(" ")
            spec.check(method, path, query=sent.query, body=sent.body, status=status, answer=body)

    def _carrier(self, account: str, rates: Mapping[str, Rate]) -> Http:
        limiter = Limiter(clock=lambda: len(self.sent) * 10.0)  # nobody ever waits for a place
        return make_http(None, limiter, self.slept.append, account=account, rates=rates)

    def pass_time(self, **time: float) -> None:
        """Let the clock go on."""
        self.now += timedelta(**time)


@contextmanager
def scripted_zoom(**config: Any) -> Iterator[ScriptedZoom]:
    """Give a ScriptedZoom at https://zoom.test, with a connector to it."""
    script = ScriptedZoom(config)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            mock.add_callback(method, re.compile(r"https://zoom\.test/.*"), callback=script.reply)
        yield script
