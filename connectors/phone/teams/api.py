"""Graph's door: one access token, pages, and batches of twenty.

Every write to the directory goes through `$batch`, alone if need be, so that the limit of writes
holds whatever a batch holds. In a batch each item is throttled on its own: those that were are sent
again after the longest wait that any of them was told; the others are done.
Source: Microsoft Graph, "Combine multiple HTTP requests using JSON batching", "Throttling limits".
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import requests

from connectors.errors import IncompleteRead, RunError, TransientError
from connectors.phone.teams.answers import (
    Answer,
    Refused,
    TokenExpired,
    check,
    check_token,
    retry_after_s,
)
from connectors.records import Http, Rate

GRAPH_HOSTS = frozenset(
    {
        "graph.microsoft.com",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
        "microsoftgraph.chinacloudapi.cn",
    }
)
"""Graph's own names, in every cloud."""
_VERSION = re.compile(r"/(v1\.0|beta)(?=/)")
SCOPE = "https://graph.microsoft.com/.default"
BATCH = 20
AFRESH = "nothing was planned; the next run starts afresh"

RATES: dict[str, dict[str, Rate]] = {
    "microsoft": {
        "directory.read": Rate(50),
        "directory.batch": Rate(10, reads=True),
        "directory.write": Rate(per_minute=60),
        "teams.read": Rate(20),
        "teams.write": Rate(10),
        "oauth": Rate(5),
    },
}
RATES["unlimited"] = {
    label: Rate(1000, reads=rate.reads) for label, rate in RATES["microsoft"].items()
}
"""Requests a tenant takes from one app. The directory gives a small tenant 3,500 resource units in 10
seconds: a `directory.read` costs 3 at most, a `directory.batch` (20 reads with `$select`) 20, so that
both together stay within. It takes 3,000 writes in 150 seconds: a `directory.write` is a batch of 20.
For Teams administration Microsoft tells no figure; `teams.…` are ours."""

EARLY = timedelta(minutes=2)
TOKENS, TOKEN_TRIES = 6, 5
THROTTLED, UNAUTHORIZED = 429, 401
ROUNDS = 6
PAUSE_S, LONGEST_S = 1.0, 120.0


class Item(NamedTuple):
    """One request of a batch: `path` under the API's version, without its host."""

    method: str
    path: str
    body: Any = None


class Token:
    """The access token of one app, shared by all who speak for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = ""
        self._expires_at: datetime | None = None

    def get(self, now: Callable[[], datetime], fetch: Callable[[], tuple[str, datetime]]) -> str:
        """Return the token; where there is none, what `fetch` returns. One thread asks, others wait."""
        with self._lock:
            if self._expires_at is None or now() >= self._expires_at:
                self._text, self._expires_at = fetch()
            return self._text

    def forget(self, text: str = "") -> bool:
        """Don't use a token that was refused any more, "" for the present one.

        Returns whether it was in use until now: another one may have come since.
        """
        with self._lock:
            in_use = text in ("", self._text) and self._expires_at is not None
            if in_use:
                self._expires_at = None
            return in_use


def segment(text: str) -> str:
    """Return text as one segment of a path.

    >>> segment("eva+test@example.org")
    'eva%2Btest%40example.org'
    """
    return quote(text, safe="")


def quoted(text: str) -> str:
    """Return text as a string of an OData filter.

    >>> quoted("o'hara@example.org")
    "'o''hara@example.org'"
    """
    return "'" + text.replace("'", "''") + "'"


class Api:
    """Graph as one tenant's app. `sleep` waits, in seconds."""

    def __init__(
        self,
        http: Http,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        *,
        api_url: str,
        token_url: str,
        client: tuple[str, str],
        token: Token | None = None,
    ) -> None:
        self.now, self.sleep = now, sleep
        self._http, self._token = http, token or Token()
        self._api_url, self._token_url = api_url.rstrip("/"), token_url
        self._client = client

    def request(
        self,
        method: str,
        path: str,
        *,
        label: str,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> requests.Response:
        """Send one request, with a fresh token where one was refused, and return its answer.

        `path` is under the API, or the whole address of one of its pages. Raises what `check` raises.
        """
        left = TOKENS
        while True:
            token = self._token.get(self.now, self._fetch_token)
            try:
                return self._http(
                    method,
                    self._address(path),
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

    def get(self, path: str, *, label: str, params: Mapping[str, str] | None = None) -> Any:
        """Return what a GET answers."""
        return self.request("GET", path, label=label, params=params).json()

    def entries(
        self, path: str, *, label: str, params: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield every entry of a list, page by page, in Graph's order.

        Raises IncompleteRead where a page can't be had or understood: half a list is no list.
        """
        seen: set[str] = set()
        try:
            page = self.get(path, label=label, params=params)
            while True:
                value = page.get("value") if isinstance(page, dict) else None
                if not isinstance(value, list) or not all(isinstance(e, dict) for e in value):
                    raise IncompleteRead(
                        f"the list {path} has a page without values", remedy=AFRESH
                    )
                yield from value
                link = page.get("@odata.nextLink")
                if not link:
                    return
                if link in seen:
                    raise IncompleteRead(f"the list {path} runs in a circle", remedy=AFRESH)
                seen.add(link)
                page = self.get(str(link), label=label)
        except Refused as error:
            raise IncompleteRead(
                f"the list {path} can't be read: {error.message}", remedy=error.remedy or AFRESH
            ) from None

    def batch(self, items: Sequence[Item], *, label: str) -> list[Answer]:
        """Send any number of requests, twenty at a time, and return their answers in order.

        What is throttled is sent again, and so are what met an expired token, a GET that failed at
        Microsoft's end, and a whole batch of GETs that got no answer; an answer that stays so is
        returned as it is.
        """
        answers: list[Answer] = []
        for start in range(0, len(items), BATCH):
            answers += self._batch(items[start : start + BATCH], label)
        return answers

    def _batch(self, items: Sequence[Item], label: str) -> list[Answer]:
        answers: dict[int, Answer] = {}
        open_ = list(range(len(items)))
        vain = 0  # rounds, one after the other, that brought nothing
        while True:
            try:
                answers |= self._post(items, open_, label)
            except TransientError:
                # unlike writes, reads can be sent again whatever became of them
                if vain + 1 == ROUNDS or any(items[n].method != "GET" for n in open_):
                    raise
            left = [n for n in open_ if n not in answers or _again(items[n], answers[n])]
            vain = vain + 1 if len(left) == len(open_) else 0
            if not left or vain == ROUNDS:
                return [answers[n] for n in range(len(items))]
            open_ = left
            known = [answers[n] for n in open_ if n in answers]
            if any(answer.status == UNAUTHORIZED for answer in known):
                self._token.forget()
            self.sleep(_pause_s(known, vain))

    def _post(self, items: Sequence[Item], chosen: Sequence[int], label: str) -> dict[int, Answer]:
        body = {"requests": [_entry(n, items[n]) for n in chosen]}
        response = self.request("POST", "/$batch", label=label, json=body)
        told, said_at = response.json(), response.headers.get("Date")
        common = {"Date": said_at} if said_at else {}  # an item may ask to wait until a date
        listed = told.get("responses") if isinstance(told, dict) else None
        answers: dict[int, Answer] = {}
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and str(each.get("id")).isdigit():
                status = each.get("status")
                own = each.get("headers") or {}
                headers = common | {str(k): str(v) for k, v in own.items()}
                answers[int(each["id"])] = Answer(int(status or 0), each.get("body"), headers)
        if missing := [n for n in chosen if n not in answers]:
            raise TransientError(
                f"a batch was answered without {len(missing)} of its {len(chosen)} requests",
                in_doubt=any(items[n].method != "GET" for n in missing),
            )
        return answers

    def located(self, at: str) -> str:
        """Return the whole address that a Location means: whole, from the host's root, or under the API."""
        api = urlsplit(self._api_url)
        if urlsplit(at).scheme:
            return at
        if api.path and at.startswith(f"{api.path}/"):
            return f"{api.scheme}://{api.netloc}{at}"
        return f"{self._api_url}/{at.lstrip('/')}"

    def _address(self, path: str) -> str:
        """Return the whole address; a page's must be on the API's own host, as the token goes along.

        What Graph names itself by is asked for there too: a proxy hands Graph's links on as they are.
        """
        if path.startswith("/"):
            return self._api_url + path
        link = urlsplit(path)
        if link[:2] == urlsplit(self._api_url)[:2]:
            return path
        if link.hostname in GRAPH_HOSTS and (under := _VERSION.match(link.path)):
            query = f"?{link.query}" if link.query else ""
            return f"{self._api_url}{link.path[under.end() :]}{query}"
        raise IncompleteRead(
            "a list's next page is on another host than the API",
            remedy="check api_url in config",
        )

    def _fetch_token(self) -> tuple[str, datetime]:
        asked_at = self.now()
        answer = self._ask_for_token()
        lifetime = answer.get("expires_in")
        seconds = int(str(lifetime)) if str(lifetime).isdigit() else 3600
        lasts = max(timedelta(seconds=seconds) - EARLY, timedelta(seconds=1))
        return str(answer["access_token"]), asked_at + lasts

    def _ask_for_token(self) -> dict[str, Any]:
        """Ask until an answer comes: a token request that got lost did no harm."""
        client_id, secret = self._client
        data = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": SCOPE,
        }
        for left in reversed(range(TOKEN_TRIES)):
            try:
                response = self._http(
                    "POST", self._token_url, label="oauth", check=check_token, data=data
                )
            except TransientError as error:
                if left and error.in_doubt:
                    continue
                raise TransientError(error.message, remedy=error.remedy) from None
            answer = response.json()
            if isinstance(answer, dict):
                return answer
        raise RunError(
            "Microsoft's token service gives no token", remedy="check token_url in config"
        )


def _entry(n: int, item: Item) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": str(n), "method": item.method, "url": item.path}
    if item.body is not None:
        entry |= {"headers": {"Content-Type": "application/json"}, "body": item.body}
    return entry


def _again(item: Item, answer: Answer) -> bool:
    if answer.status in (THROTTLED, UNAUTHORIZED):  # neither was carried out
        return True
    return answer.status >= 500 and item.method == "GET"


def _pause_s(answers: Sequence[Answer], vain: int) -> float:
    """Return the longest wait that any of the answers asks for; where none says, one that grows in vain."""
    asked = [s for a in answers if (s := retry_after_s(a.headers)) is not None]
    return min(max(asked, default=PAUSE_S * 2**vain), LONGEST_S)
