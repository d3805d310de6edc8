"""What only Zoom's side knows when something goes wrong: its error bodies, its tokens, its seats.

Which requests a fault meets, and when, is decided elsewhere; this answers what is asked then. Zoom
declares no 5xx, so those come as its gateways would send them.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from http import HTTPStatus
from random import Random
from typing import Any, Literal

from flask import Flask

from .account import EXTENSION, Account
from .phones import seats_used
from .rates import PER_SECOND

Answer = tuple[int, dict[str, str], bytes]

_USER = re.compile(r"/v2/(?:phone/)?users/(?!(?:batch|features|summary)(?:/|$))([^/]+)")
JSON = {"Content-Type": "application/json"}
SEATS = "seats"
"""The setting that counts phone licenses."""


class ZoomFaults:
    """The account's part in whatever goes wrong with requests to it."""

    def __init__(self, app: Flask) -> None:
        self._account: Account = app.extensions[EXTENSION]

    def sort(self, method: str, path: str) -> Literal["token", "read", "list", "write"] | None:
        """Return what a request is to its caller; None for what is no operation of Zoom's."""
        if path == "/oauth/token":
            return "token"
        if not path.startswith(("/v2/", "/scim2/")):
            return None
        if method != "GET":
            return "write"
        return "read" if _USER.match(path) else "list"

    def too_many(self, retry_after_s: float | None) -> Answer:
        """Return Zoom's 429 of a second's limit; Zoom itself never says when to come back."""
        headers = {
            **JSON,
            "X-RateLimit-Category": "Light",
            "X-RateLimit-Type": "QPS",
            "X-RateLimit-Remaining": "0",
        }
        if retry_after_s is not None:
            headers["Retry-After"] = f"{retry_after_s:.0f}"
        return 429, headers, json.dumps({"code": 429, "message": PER_SECOND}).encode()

    def broken(self, status: int) -> Answer:
        """Return a gateway's page."""
        text = f"<html><head><title>{status} {HTTPStatus(status).phrase}</title></head></html>"
        return status, {"Content-Type": "text/html"}, text.encode()

    def another(self, path: str, dice: Random) -> str | None:
        """Return the same path about another user of the sort that it asks for."""
        found = _USER.match(path)
        if found is None:
            return None
        other = self._other(found[1], dice, phone=path.startswith("/v2/phone/"))
        return (
            None if other is None else path[: found.start(1)] + other["id"] + path[found.end(1) :]
        )

    def misnamed(self, body: Any, dice: Random) -> Any:
        """Return a write's answer with another user's id and address in the first one's place."""
        first = body[0] if isinstance(body, list) and body else body
        if not (isinstance(first, dict) and {"id", "email"} <= first.keys()):
            return None
        other = self._other(first["id"], dice, phone=False)
        if other is None:
            return None
        wrong = first | {"id": other["id"], "email": other["email"]}
        return [wrong, *body[1:]] if isinstance(body, list) else wrong

    def _other(self, user: str, dice: Random, *, phone: bool) -> sqlite3.Row | None:
        state = self._account.state
        table = "users u JOIN phones p ON p.id = u.id" if phone else "users u"
        with state.transaction():
            own = state.user(user)
            where = f"FROM {table} WHERE u.id <> ?"
            values = [own["id"] if own else user]
            count = state.value(f"SELECT count(*) {where}", *values)
            at = dice.randrange(count) if count else 0
            return state.row(f"SELECT u.* {where} ORDER BY u.seq LIMIT 1 OFFSET ?", *values, at)

    def touched(self, path: str, body: Any) -> Iterable[str]:
        """Return ids and mail addresses of the users in a write's path and body."""
        found = _USER.match(path)
        names = [found[1]] if found else []
        given = body if isinstance(body, dict) else {}
        people = [given.get("user_info"), *_list(given.get("users"))]
        names += [str(p["email"]) for p in people if isinstance(p, dict) and p.get("email")]
        names += [str(name) for name in _list(given.get("user_ids"))]
        with self._account.state.transaction():
            rows = [row for name in names if (row := self._account.state.user(name)) is not None]
        return {*names, *(name for row in rows for name in (row["id"], row["email"]))}

    def entries(self, body: Any) -> list[Any] | None:
        """Return the entries of a page."""
        lists = [each for each in body.values() if isinstance(each, list)] if body else []
        return lists[0] if len(lists) == 1 else None

    def expire_tokens(self) -> None:
        """Let every access token expire at this moment."""
        now = self._account.now_s()
        for token in list(self._account.tokens):
            self._account.tokens[token] = now

    def take_seat(self, dice: Random) -> Callable[[], None] | None:
        """Take a free seat of the phone license or of a calling plan, whichever are counted."""
        state = self._account.state
        with state.transaction():
            kinds: list[int | None] = [None] if self._free_phones() else []
            kinds += [
                row["type"]
                for row in state.rows(
                    "SELECT type FROM plans p WHERE subscribed >"
                    " (SELECT count(*) FROM held_plans h WHERE h.type = p.type) ORDER BY type"
                )
            ]
            if not kinds:
                return None
            kind = dice.choice(kinds)
            self._add(kind, -1)

        def give_back() -> None:
            with state.transaction():
                self._add(kind, 1)

        return give_back

    def _free_phones(self) -> bool:
        state = self._account.state
        seats = state.setting(SEATS)
        return seats is not None and seats > seats_used(state)

    def _add(self, kind: int | None, seats: int) -> None:
        state = self._account.state
        if kind is None:
            state.set(SEATS, state.setting(SEATS) + seats)
        else:
            state.run("UPDATE plans SET subscribed = subscribed + ? WHERE type = ?", seats, kind)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
