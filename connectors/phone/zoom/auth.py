"""Zoom's door: one access token, and every request that goes through with it.

Server-to-Server OAuth has no refresh token: when a token expires (an hour) the next is asked for
with the app's own credentials, and the request that met the expired one is repeated once.
Source: Zoom, "Using Zoom APIs"; rate limits: Zoom, "API rate limits".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from copy import copy
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests

from connectors.errors import IncompleteRead, ProvisionerError, RunError, TransientError
from connectors.phone.zoom.answers import Refused, TokenExpired, check, check_about, check_token
from connectors.records import Http, Rate

RATES: dict[str, dict[str, Rate]] = {
    "business": {
        "phone.light": Rate(40),
        "phone.medium": Rate(20),
        "phone.heavy": Rate(10, per_day=30_000),
        "phone.intensive": Rate(per_minute=10, per_day=30_000, day_with="phone.heavy"),
        "users.light": Rate(80),
        "users.medium": Rate(60),
        "users.heavy": Rate(40, per_day=60_000),
        "users.intensive": Rate(per_minute=20, per_day=60_000, day_with="users.heavy"),
        "users.create": Rate(80, per_day=10_000, pace_with="users.light"),
        "oauth": Rate(5),
    },
    "pro": {
        "phone.light": Rate(20),
        "phone.medium": Rate(10),
        "phone.heavy": Rate(5, per_day=15_000),
        "phone.intensive": Rate(per_minute=5, per_day=15_000, day_with="phone.heavy"),
        "users.light": Rate(30),
        "users.medium": Rate(20),
        "users.heavy": Rate(10, per_day=30_000),
        "users.intensive": Rate(per_minute=10, per_day=30_000, day_with="users.heavy"),
        "users.create": Rate(30, per_day=1_500, pace_with="users.light"),
        "oauth": Rate(5),
    },
}
RATES["unlimited"] = dict.fromkeys(RATES["business"], Rate(1000))
"""An account's limits, by Zoom's table (phone, or users, which is the general one) and label. What is
resource-intensive shares a day with what is heavy. `users.create` is `POST /users` with action
`create`: light, and with a daily quota of its own. `oauth` is ours. No account of Zoom's is
unlimited; a simulator that keeps no limits is."""

EARLY = timedelta(minutes=2)
"""A token is renewed this long before it would expire."""

TOLD_FOR = timedelta(seconds=2)
"""So long whoever wants a token is told that there is none: as long as threads may wait for one answer."""

TOKEN_TRIES = 5
TOKENS = 6
"""So many tokens that were in use may be refused to one request; others end while it waits to leave."""
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


class Token:
    """The access token of one app, shared by all who speak for it: a new one ends none, but costs a call.

    One thread asks, the others wait. Where it is refused, or the service is down, they are told so too,
    instead of asking one after the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = ""
        self._expires_at: datetime | None = None
        self._failed: tuple[datetime, ProvisionerError] | None = None

    def get(self, now: Callable[[], datetime], fetch: Callable[[], tuple[str, datetime]]) -> str:
        """Return the token; where there is none, what `fetch` returns: a token, and until when to use it.

        Raises what `fetch` raises, or raised a moment ago.
        """
        with self._lock:
            if self._expires_at is not None and now() < self._expires_at:
                return self._text
            if self._failed is not None and abs(now() - self._failed[0]) < TOLD_FOR:
                raise copy(self._failed[1])
            try:
                self._text, self._expires_at = fetch()
            except (RunError, TransientError) as error:
                self._failed = now(), copy(error)
                raise
            return self._text

    def forget(self, text: str) -> bool:
        """Don't use a token that was refused any more; return whether it was in use until now.

        Another one that has come since is kept: that an old one is refused tells nothing of it.
        """
        with self._lock:
            in_use = text == self._text and self._expires_at is not None
            if in_use:
                self._expires_at = None
            return in_use


class Api:
    """Zoom's API as one account's app: requests with a token, and lists page by page.

    `token`: the app's, where others of the same app share it.
    """

    def __init__(
        self,
        http: Http,
        now: Callable[[], datetime],
        *,
        api_url: str,
        token_url: str,
        account_id: str,
        client: tuple[str, str],
        token: Token | None = None,
    ) -> None:
        self.now = now
        self._http = http
        self._api_url = api_url.rstrip("/")
        self._token_url = token_url
        self._account_id = account_id
        self._client = client
        self._token = token or Token()

    def request(
        self,
        method: str,
        path: str,
        *,
        label: str,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        check: Callable[[requests.Response], None] = check,
    ) -> Any:
        """Send one request and return its answer, decoded; None where it has no body.

        Raises what `check` raises, RunError where fresh tokens are refused too.
        """
        left = TOKENS
        while True:
            token = self._token.get(self.now, self._fetch_token)
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
                left -= self._token.forget(token)
                if not left:
                    raise
                continue
            try:
                return response.json()
            except ValueError:  # a 204, or a success whose body is nobody's business
                return None

    def get(
        self,
        path: str,
        *,
        label: str,
        params: Mapping[str, str] | None = None,
        check: Callable[[requests.Response], None] = check,
    ) -> Any:
        """Return what a GET answers."""
        return self.request("GET", path, label=label, params=params, check=check)

    def find(self, path: str, *, label: str, about: str | None = None) -> dict[str, Any] | None:
        """Return the object at `path`, None where Zoom knows no such one.

        `about`: the user (id or mail address) whom the answer must name. Zoom says so by a 404, by a 400 whose message says that it doesn't exist or that the id is
        invalid, or by code 1120: the invitation has expired, and the id with it.
        """
        try:
            answer = self.get(path, label=label, check=check_about(about) if about else check)
        except Refused as error:
            if error.code == UNKNOWN_OPERATION:
                raise
            if error.status == 404 or error.code == EXPIRED or _is_nobody(error.message):
                return None
            raise
        if not isinstance(answer, dict):
            raise IncompleteRead(f"GET {path} answered with something that is no object")
        return answer

    def _fetch_token(self) -> tuple[str, datetime]:
        asked_at = self.now()
        answer = self._ask_for_token()
        lifetime = answer.get("expires_in")
        seconds = lifetime if isinstance(lifetime, int) and lifetime > 0 else 3600
        lasts = max(timedelta(seconds=seconds) - EARLY, timedelta(seconds=1))
        return str(answer["access_token"]), asked_at + lasts

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
