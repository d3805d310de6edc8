"""Zoom's door: one access token, and every request that goes through with it.

Server-to-Server OAuth has no refresh token: when a token expires (an hour) the next is asked for
with the app's own credentials, and the request that met the expired one is repeated once.
Source: Zoom, "Using Zoom APIs"; rate limits: Zoom, "API rate limits".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from connectors.errors import IncompleteRead, RunError, TransientError
from connectors.phone.zoom.answers import Refused, TokenExpired, check, check_token
from connectors.records import Http, Rate

RATES: dict[str, dict[str, Rate]] = {
    "business": {
        "phone.light": Rate(40),
        "phone.medium": Rate(20),
        "users.light": Rate(80),
        "users.medium": Rate(60),
        "users.create": Rate(80, per_day=10_000),
        "oauth": Rate(5),
    },
    "pro": {
        "phone.light": Rate(20),
        "phone.medium": Rate(10),
        "users.light": Rate(30),
        "users.medium": Rate(20),
        "users.create": Rate(30, per_day=1_500),
        "oauth": Rate(5),
    },
}
"""Requests per second and account, by Zoom's table (phone, or users, which is the general one) and
label, for the labels that this connector's requests carry. `users.create` is `POST /users` with
action `create`, which has a daily quota of its own; `oauth` is ours."""

EARLY = timedelta(minutes=2)
"""A token is renewed this long before it would expire."""

TOKEN_TRIES = 3
EXPIRED, UNKNOWN_OPERATION = 1120, 2300


def segment(text: str) -> str:
    """Return an id, a mail address or a number as one segment of a path.

    >>> segment("eva+test@example.org"), segment("a/b==")
    ('eva%2Btest@example.org', 'a%2Fb%3D%3D')
    """
    return quote(text, safe="@")


def _is_nobody(message: str) -> bool:
    text = message.lower()
    return "does not exist" in text or "invalid user id" in text


class Api:
    """Zoom's API as one account's app: requests with a token, and lists page by page."""

    def __init__(
        self,
        http: Http,
        now: Callable[[], datetime],
        *,
        api_url: str,
        token_url: str,
        account_id: str,
        client: tuple[str, str],
    ) -> None:
        self.now = now
        self._http = http
        self._api_url = api_url.rstrip("/")
        self._token_url = token_url
        self._account_id = account_id
        self._client = client
        self._lock = threading.Lock()  # a run and a push may need a new token at once
        self._token = ""
        self._expires_at: datetime | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        label: str,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Any:
        """Send one request and return its answer, decoded; None where it has no body.

        Raises what `answers.check` raises, RunError where a fresh token is refused too.
        """
        for again in (False, True):
            token = self._current_token()
            try:
                response = self._http(
                    method,
                    self._api_url + path,
                    label=label,
                    check=check,
                    headers={"Authorization": f"Bearer {token}"},
                    params=params,
                    json=json,
                )
            except TokenExpired:
                if again:
                    raise
                self._forget(token)
                continue
            try:
                return response.json()
            except ValueError:  # a 204, or a success whose body is nobody's business
                return None
        raise AssertionError("unreachable: the second round returns or raises")

    def get(self, path: str, *, label: str, params: Mapping[str, str] | None = None) -> Any:
        """Return what a GET answers."""
        return self.request("GET", path, label=label, params=params)

    def find(self, path: str, *, label: str) -> dict[str, Any] | None:
        """Return the object at `path`, None where Zoom knows no such one.

        Zoom says so by a 404, by a 400 whose message says that it doesn't exist or that the id is
        invalid, or by code 1120: the invitation has expired, and the id with it.
        """
        try:
            answer = self.get(path, label=label)
        except Refused as error:
            if error.code == UNKNOWN_OPERATION:
                raise
            if error.status == 404 or error.code == EXPIRED or _is_nobody(error.message):
                return None
            raise
        if not isinstance(answer, dict):
            raise IncompleteRead(f"GET {path} answered with something that is no object")
        return answer

    def _current_token(self) -> str:
        with self._lock:
            if self._expires_at is None or self.now() >= self._expires_at:
                self._fetch_token()
            return self._token

    def _forget(self, token: str) -> None:
        with self._lock:
            if token == self._token:  # else another thread has already fetched a new one
                self._expires_at = None

    def _fetch_token(self) -> None:
        asked_at = self.now()
        answer = self._ask_for_token()
        lifetime = answer.get("expires_in")
        seconds = lifetime if isinstance(lifetime, int) and lifetime > 0 else 3600
        self._token = str(answer["access_token"])
        self._expires_at = asked_at + max(timedelta(seconds=seconds) - EARLY, timedelta(seconds=1))

    def _ask_for_token(self) -> dict[str, Any]:
        """Ask until an answer comes: a token request that got lost did no harm."""
        for left in reversed(range(TOKEN_TRIES)):
            try:
                response = self._http(
                    "POST",
                    self._token_url,
                    label="oauth",
                    check=check_token,
                    data={"grant_type": "account_credentials", "account_id": self._account_id},
                    auth=self._client,
                )
            except TransientError as error:
                if left and error.in_doubt:
                    continue
                raise TransientError(error.message, remedy=error.remedy) from None
            answer = response.json()
            if isinstance(answer, dict):
                return answer
        raise RunError("Zoom's token service gives no token", remedy="check token_url in config")
