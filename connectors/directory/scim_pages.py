"""A SCIM service's lists, read to their end and checked against the service's own total.

Services page by index (RFC 7644 section 3.4.2.4) or by cursor (RFC 9865). Many do it wrong: they
send fewer than asked, the same page for ever, an entry twice, a total that counts this page alone.
A list that breaks off would read as a building full of leavers, so every way of ending but the
right one is an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple

import msgspec
import requests

from connectors.errors import IncompleteRead, ReadRefused, RunError, TransientError
from connectors.records import Http

Resource = dict[str, Any]
Pages = Literal["index", "cursor"]

_MOST_BARREN = 100
"""Pages in a row without anything new before a chain of cursors counts as endless."""

_AFRESH = "nothing was planned; the next run reads it afresh"


class Declined(RunError):
    """The service answered the GET of `path` with the error `status` (HTTP's)."""

    def __init__(self, message: str, *, remedy: str, path: str, status: int) -> None:
        super().__init__(message, remedy=remedy)
        self.path = path
        self.status = status

    @property
    def not_offered(self) -> bool:
        """True where the service has no such endpoint, rather than that it keeps it from us."""
        return self.status in (404, 501)


class Page(NamedTuple):
    """One ListResponse: its resources, its totalResults and its nextCursor, None where absent."""

    resources: list[Any]
    total: int | None
    next: str | None


class Service:
    """A SCIM service: `url` ends before /Users; `pages` None asks its ServiceProviderConfig."""

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        http: Http,
        sleep: Callable[[float], None],
        pages: Pages | None,
        page_size: int,
    ) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._token = token
        self._http = http
        self._sleep = sleep
        self._pages = pages
        self._page_size = page_size

    def resources(
        self, kind: str, params: Mapping[str, str] | None = None
    ) -> Iterator[tuple[str, Resource]]:
        """Yield (where, resource) of every resource of a list once, in the service's order.

        `kind` is the endpoint, Users or Groups. `where` names the resource in messages; what is no
        JSON object comes as an empty one. Raises ReadRefused, after the last, if there were fewer or
        more than totalResults, and IncompleteRead if the list can't be followed to its end.
        """
        tally = _Tally(self._name, kind)
        follow = self._by_cursor if self.paging == "cursor" else self._by_index
        for resources in follow(kind, dict(params or {}), tally):
            yield from tally.fresh(resources)
            self._sleep(0)  # between pages a stop is noticed
        tally.verify()

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, once: bool = False
    ) -> Resource:
        """Return the JSON object at a path below the service's url.

        `once`: a server error is the answer, and isn't tried again. Raises Declined for an answer
        that is an error, IncompleteRead for one that isn't SCIM, and TransientError when no try
        brought an answer.
        """
        answer: Resource = {}

        def check(response: requests.Response) -> None:
            nonlocal answer
            self._refuse(path, response, once)
            answer = self._decoded(path, response)

        self._http(
            "GET",
            f"{self._url}/{path}",
            check=check,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/scim+json, application/json",
            },
            params=params,
        )
        return answer

    @cached_property
    def paging(self) -> Pages:
        """How lists are paged: as config says, else as the ServiceProviderConfig, else by index."""
        if self._pages is not None:
            return self._pages
        method = str(member(self._pagination, "defaultPaginationMethod") or "").lower()
        if method in ("index", "cursor"):
            return "cursor" if method == "cursor" else "index"
        return "cursor" if _is_true(member(self._pagination, "cursor")) else "index"

    def page(self, kind: str, params: Mapping[str, str], *, once: bool = False) -> Page:
        """Return one page of a list; raises as `get` does."""
        answer = self.get(kind, params, once=once)
        resources = member(answer, "Resources")
        total = _count(member(answer, "totalResults"))
        if resources is None and total is not None:
            resources = []
        if not isinstance(resources, list):
            raise IncompleteRead(
                f"{self._name}: the answer to GET {kind} is no SCIM ListResponse",
                remedy="`url` must be the service's SCIM 2.0 base, the part before /Users",
            )
        following = member(answer, "nextCursor")
        return Page(resources, total, str(following) if following else None)

    @cached_property
    def _pagination(self) -> Resource:
        """The ServiceProviderConfig's `pagination` (RFC 9865 section 4), empty where it has none."""
        try:
            announced = member(self.get("ServiceProviderConfig"), "pagination")
        except (Declined, IncompleteRead):
            return {}  # RFC 7644 asks for the endpoint, but Users can be read without it
        return announced if isinstance(announced, dict) else {}

    @cached_property
    def _size(self) -> str:
        """`count`: never more than the service says it takes, as some refuse that (invalidCount)."""
        most = None if self._pages else _count(member(self._pagination, "maxPageSize"))
        return str(min(self._page_size, most or self._page_size))

    def _by_index(self, kind: str, params: dict[str, str], tally: _Tally) -> Iterator[list[Any]]:
        """Yield pages from startIndex 1 until the total is reached, or a page brings nothing new.

        The next page starts after what was new, not after what was asked: a page may be smaller
        than `count`, and an entry sent twice must not push another one out.
        """
        while True:
            start = tally.count + 1
            page = self.page(kind, {**params, "startIndex": str(start), "count": self._size})
            if page.total is None:
                raise IncompleteRead(
                    f"{self._name}: the answer to GET {kind} has no totalResults",
                    remedy="without it nobody can tell whether a list is whole; "
                    "if the service pages by cursor, set `pages: cursor`",
                )
            tally.promise(page.total)
            yield page.resources
            if tally.count < start or tally.too_many:
                return
            if tally.count == page.total:
                yield self._beyond(kind, params, start=tally.count + 1)
                return

    def _beyond(self, kind: str, params: dict[str, str], start: int) -> list[Any]:
        """Return what stands behind the last one that the total promised: nothing, if it is true.

        Some services give this page's length for a total; believing it would lose everybody else.
        What they answer where nothing is left is their own affair: an error, or the last page again.
        """
        asked = {**params, "startIndex": str(start), "count": self._size}
        try:
            page = self.page(kind, asked, once=True)
        except (Declined, IncompleteRead):
            return []
        # What has no id can't be told from what came already, so it proves nothing.
        return [each for each in page.resources if isinstance(each, dict) and member(each, "id")]

    def _by_cursor(self, kind: str, params: dict[str, str], tally: _Tally) -> Iterator[list[Any]]:
        """Yield pages from the empty cursor until one names no next; a total may be left out."""
        cursor, barren = "", 0
        while True:
            page = self.page(kind, {**params, "cursor": cursor, "count": self._size})
            tally.promise(page.total)
            before = tally.count
            yield page.resources
            barren = 0 if tally.count > before else barren + 1
            if page.next is None or tally.too_many:
                return
            if page.next == cursor or barren == _MOST_BARREN:
                raise IncompleteRead(
                    f"{self._name}: the cursors of {kind} lead in a circle after {tally.count}",
                    remedy="if the service pages by index, set `pages: index`",
                )
            cursor = page.next

    def _refuse(self, path: str, response: requests.Response, once: bool) -> None:
        status = response.status_code
        if status == 200:
            return
        what = f"GET {path} was answered {status}{self._reason(response)}"
        if status in (408, 425, 429) or (status >= 500 and status not in (501, 505) and not once):
            raise TransientError(what, in_doubt=status != 429)
        remedies = {
            401: "the token isn't accepted: renew it, and correct `token` in config",
            403: f"the token may not read {path.partition('/')[0]}: grant it that at the service",
            404: _AFRESH
            if "/" in path  # a group that was in the list a moment ago
            else "`url` must be the service's SCIM 2.0 base, the part before /Users",
        }
        raise Declined(
            f"{self._name}: {what}", remedy=remedies.get(status, _AFRESH), path=path, status=status
        )

    def _reason(self, response: requests.Response) -> str:
        """Return scimType and detail of a SCIM error (RFC 7644 section 3.12), cut short."""
        try:
            error = json.loads(response.content)
        except (ValueError, RecursionError):
            return ""
        if not isinstance(error, dict):
            return ""
        said = [str(text) for name in ("scimType", "detail") if (text := member(error, name))]
        text = " ".join(": ".join(said).replace(self._token, "***").split())
        return f" ({text[:200]})" if text else ""

    def _decoded(self, path: str, response: requests.Response) -> Resource:
        """Return the body as an object. A body that begins as one but isn't whole is fetched again."""
        body = response.content.removeprefix(b"\xef\xbb\xbf").strip()
        decoded = _json(body)
        if isinstance(decoded, dict):
            return decoded
        if decoded is None and (not body or body.startswith(b"{")):
            raise TransientError(
                f"the answer to GET {path} breaks off or is no JSON", in_doubt=True
            )
        kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
        raise IncompleteRead(
            f"{self._name}: the answer to GET {path} is no SCIM ({kind})",
            remedy="a page for browsers comes where `url` isn't the SCIM 2.0 base or a login is asked",
        )


class _Tally:
    """What a list promised and what came."""

    def __init__(self, name: str, kind: str) -> None:
        self._name = name
        self._kind = kind
        self._promised: int | None = None
        self._came = 0
        self._seen: set[int] = set()  # hashes of ids, at half the room

    @property
    def count(self) -> int:
        """How many came that had not come before."""
        return self._came

    @property
    def too_many(self) -> bool:
        return self._promised is not None and self._came > self._promised

    def promise(self, total: int | None) -> None:
        """Take note of a page's totalResults. Raises IncompleteRead if it isn't what it was."""
        if self._promised is None:
            self._promised = total
        elif total not in (None, self._promised):
            raise IncompleteRead(
                f"{self._name} changed while it was read: "
                f"{self._promised} {self._kind} at first, {total} after {self._came}",
                remedy=_AFRESH,
            )

    def fresh(self, resources: list[Any]) -> Iterator[tuple[str, Resource]]:
        """Yield what has not come before. What has no id counts as new."""
        for each in resources:
            resource = each if isinstance(each, dict) else {}
            if key := text_of(member(resource, "id")):
                if hash(key) in self._seen:  # two ids, one hash: it would end short, and be refused
                    continue
                self._seen.add(hash(key))
            self._came += 1
            yield (f"{self._kind}/{key}" if key else f"{self._kind} no. {self._came}"), resource

    def verify(self) -> None:
        """Raise ReadRefused unless as many came as were promised."""
        if self._promised in (None, self._came):
            return
        few = self._came < (self._promised or 0)
        raise ReadRefused(
            f"{self._name} gave {self._came} of {self._promised} {self._kind}"
            if few
            else f"{self._name} promised {self._promised} {self._kind} and gave {self._came} or more",
            remedy=f"{_AFRESH}; if it stays so, `pages` in config says how the service pages",
        )


def member(container: Mapping[str, Any], name: str) -> Any:
    """Return a member by its name in any case (RFC 7643 section 2.1); None if absent."""
    if name in container:
        return container[name]
    folded = name.lower()
    return next((value for each, value in container.items() if each.lower() == folded), None)


def text_of(value: Any) -> str | None:
    """Return an id as text (some services send numbers); None for what isn't one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def _json(body: bytes) -> Any:
    """Return the decoded body, None where it can't be decoded."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass  # the slower one takes half a character in somebody's name (a lone surrogate), too
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _count(value: Any) -> int | None:
    """Return a count, which some services send as text; None for what isn't one."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:18])
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
