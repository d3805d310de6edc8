"""A SCIM 2.0 service on this machine: a company's directory to read from, for demo and tests.

It only serves: Users and Groups from a file, by index (RFC 7644 section 3.4.2.4) and by cursor (RFC
9865), to whoever shows the token. It keeps to the RFCs unless told otherwise: `Faults` are the ways
in which real services are seen to fail.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from waitress import wasyncore
from waitress.server import create_server

Resource = dict[str, Any]
Resources = Mapping[str, Sequence[Resource]]
"""The resources of each endpoint: `{"Users": […], "Groups": […]}`."""

MEDIA_TYPE = "application/scim+json"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"

_FILTER = re.compile(r'\s*(userName|externalId|displayName|id)\s+eq\s+("(?:[^"\\]|\\.)*")\s*', re.I)


@dataclass(frozen=True, slots=True)
class Faults:
    """The ways to misbehave; none by default. A page's number, from 1, follows from where it starts.

    `total_off`: added to every totalResults. `total_from_page`: from this page on totalResults is
    one less, as if somebody had left. `total_is_page`: totalResults is the page's length. `empty`:
    lists hold no resources, whatever totalResults says. `drop_page`: the connection breaks in the
    middle of this page, `drop_times` times (None: always). `busy`: this many requests are answered
    429 first, with `retry_after` as Retry-After. `repeat`: each page but the first begins with the
    last entry of the one before, as one entry more. `ignore_start`: every page is the first one.
    `html`: a login page, with 200. `no_total`: totalResults is left out. `denied`: endpoints that
    are answered 403. `absent`: endpoints that are answered 404. `same_cursor`: nextCursor never
    moves on. `expire_cursor`: every cursor has expired.
    """

    total_off: int = 0
    total_from_page: int | None = None
    total_is_page: bool = False
    empty: bool = False
    drop_page: int | None = None
    drop_times: int | None = None
    busy: int = 0
    retry_after: str = "1"
    repeat: bool = False
    ignore_start: bool = False
    html: bool = False
    no_total: bool = False
    denied: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    same_cursor: bool = False
    expire_cursor: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """What the RFCs leave to the service.

    `pages`: what it pages by, the default method first. `max_page`: the most resources on a page.
    `user_groups`: `User.groups` with names ("full"), with ids alone ("ids"), or left out ("none").
    `group_members`: whether lists of Groups show members (a single Group always does).
    """

    pages: tuple[str, ...] = ("index", "cursor")
    max_page: int = 100
    user_groups: str = "full"
    group_members: bool = True


def load(path: Path) -> dict[str, list[Resource]]:
    """Return what a file holds: JSON lines of resources, a list of them, a ListResponse, or an
    object of `Users` and `Groups`.

    A resource is a Group if its schemas or its meta.resourceType say so, else a User. Raises
    OSError, and ValueError for what is no JSON.
    """
    text = path.read_text(encoding="utf-8-sig")
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        whole = [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(whole, dict) and ("Users" in whole or "Groups" in whole):
        return {kind: list(whole.get(kind, ())) for kind in ("Users", "Groups")}
    found: dict[str, list[Resource]] = {"Users": [], "Groups": []}
    for resource in whole if isinstance(whole, list) else whole.get("Resources", [whole]):
        found["Groups" if _is_group(resource) else "Users"].append(resource)
    return found


def _is_group(resource: Resource) -> bool:
    kind = resource.get("meta", {}).get("resourceType", "")
    return kind == "Group" or any(uri.endswith(":Group") for uri in resource.get("schemas", ()))


def create_app(
    resources: Resources,
    token: str,
    *,
    style: Style = Style(),
    faults: Faults = Faults(),
) -> Flask:
    """Return the service as a Flask app whose base is `/scim/v2`.

    `app.extensions["requests"]` is the list of what it was asked, as `GET /scim/v2/Users?…`.
    """
    app = Flask(__name__)
    service = _Service(resources, token, style, faults)
    app.extensions["requests"] = service.asked
    app.before_request(service.gate)
    base = "/scim/v2"
    app.get(f"{base}/ServiceProviderConfig")(service.config)
    app.get(f"{base}/ResourceTypes")(service.resource_types)
    app.get(f"{base}/<any(Users,Groups):kind>")(service.list)
    app.get(f"{base}/<any(Users,Groups):kind>/<key>")(service.one)
    app.register_error_handler(404, lambda _: _error(404, "there is no such endpoint"))
    app.register_error_handler(405, lambda _: _error(405, "this service can only be read"))
    return app


@contextmanager
def serve(app: Callable[..., Any], port: int = 0, *, threads: int = 8) -> Iterator[str]:
    """Serve a WSGI app on the loopback address, at a free port if 0, and give its base address.

    It stops, and its sockets are closed, when the block ends.
    """
    sockets: dict[int, Any] = {}
    server = create_server(app, sockets, host="127.0.0.1", port=port, threads=threads, ident=None)
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            wasyncore.loop(timeout=1, map=sockets, count=1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown()  # what is being answered is answered
        stop.set()
        server.pull_trigger()  # wakes the loop
        thread.join()
        wasyncore.close_all(sockets)


class _Answer(Exception):
    """An answer that isn't what was asked for."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class _Service:
    def __init__(self, resources: Resources, token: str, style: Style, faults: Faults) -> None:
        self.asked: list[str] = []
        self._kinds: dict[str, Sequence[Resource]] = {
            "Users": resources.get("Users", ()),
            "Groups": resources.get("Groups", ()),
        }
        self._token = f"Bearer {token}".encode()
        self._style = style
        self._faults = faults
        self._lock = threading.Lock()
        self._busy = faults.busy
        self._drops = 0
        self._groups_of = _groups_of(self._kinds["Groups"])

    def gate(self) -> Response | None:
        """Answer what never comes to an endpoint: no token, too many requests, a login page."""
        path = request.path.removeprefix("/scim/v2/")
        kind = path.partition("/")[0]
        with self._lock:
            self.asked.append(f"{request.method} {request.full_path.rstrip('?')}")
            self._busy -= 1
            busy = self._busy >= 0
        if not compare_digest(request.headers.get("Authorization", "").encode(), self._token):
            refusal = _error(401, "show a valid bearer token")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        if busy:
            refusal = _error(429, "too many requests")
            refusal.headers["Retry-After"] = self._faults.retry_after
            return refusal
        if self._faults.html:
            return Response("<!doctype html><title>Log in</title>", mimetype="text/html")
        if kind in self._faults.denied:
            return _error(403, "this token may not read that")
        return _error(404, "there is no such endpoint") if kind in self._faults.absent else None

    def config(self) -> Response:
        style = self._style
        no = {"supported": False}
        return _json(
            {
                "schemas": [CONFIG],
                "patch": no,
                "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0},
                "filter": {"supported": True, "maxResults": style.max_page},
                "changePassword": no,
                "sort": no,
                "etag": no,
                "authenticationSchemes": [
                    {"type": "oauthbearertoken", "name": "Bearer", "description": "A token"}
                ],
                "pagination": {
                    "cursor": "cursor" in style.pages,
                    "index": "index" in style.pages,
                    "defaultPaginationMethod": style.pages[0],
                    "defaultPageSize": style.max_page,
                    "maxPageSize": style.max_page,
                },
            }
        )

    def resource_types(self) -> Response:
        types = [
            {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
                "id": name,
                "name": name,
                "endpoint": f"/{name}s",
                "schema": f"urn:ietf:params:scim:schemas:core:2.0:{name}",
            }
            for name in ("User", "Group")
        ]
        return _json(
            {
                "schemas": [LIST],
                "totalResults": len(types),
                "startIndex": 1,
                "itemsPerPage": len(types),
                "Resources": types,
            }
        )

    def list(self, kind: str) -> Response:
        """One page of a list, whichever way it is asked for."""
        try:
            found = self._filtered(kind)
            count = self._count()
            by_cursor = "cursor" in request.args or (
                self._style.pages[0] == "cursor" and "startIndex" not in request.args
            )
            start = self._cursor() if by_cursor else max(1, _number("startIndex", 1))
        except _Answer as answer:
            return answer.response
        number = (start - 1) // max(1, count) + 1
        if self._faults.ignore_start:
            start = 1
        page = list(found[start - 1 : start - 1 + count])
        body: Resource = {"schemas": [LIST], "totalResults": len(found)}
        if not by_cursor:
            body |= {"startIndex": start}
        elif start - 1 + len(page) < len(found) and page:
            body |= {
                "nextCursor": _cursor(start if self._faults.same_cursor else start + len(page))
            }
        if self._faults.repeat and start > 1:
            page.insert(0, found[start - 2])
        shown = [self._shown(kind, each, in_list=True) for each in page]
        body |= {"itemsPerPage": len(shown), "Resources": shown}
        return self._spoilt(_json(self._lie(body, number)), number)

    def one(self, kind: str, key: str) -> Response:
        for each in self._kinds[kind]:
            if each.get("id") == key:
                return _json(self._shown(kind, each, in_list=False))
        return _error(404, f"there is no {kind[:-1]} {key}")

    def _filtered(self, kind: str) -> Sequence[Resource]:
        text = request.args.get("filter")
        if text is None:
            return self._kinds[kind]
        match = _FILTER.fullmatch(text)
        if match is None:
            raise _Answer(_error(400, "only ATTRIBUTE eq VALUE is understood", "invalidFilter"))
        name, value = match[1].lower(), json.loads(match[2])
        exact = name in (
            "externalid",
            "id",
        )  # the others compare without case (RFC 7643 section 4.1.1)
        return [each for each in self._kinds[kind] if _equal(_get(each, name), value, exact)]

    def _count(self) -> int:
        return min(self._style.max_page, max(0, _number("count", self._style.max_page)))

    def _cursor(self) -> int:
        """Return the position that the cursor stands for, from 1 (an empty one: the beginning)."""
        cursor = request.args.get("cursor", "")
        if not cursor:
            return 1
        if self._faults.expire_cursor:
            raise _Answer(_error(400, "the cursor has expired", "expiredCursor"))
        try:
            return int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except ValueError:
            raise _Answer(_error(400, "that is no cursor of ours", "invalidCursor")) from None

    def _shown(self, kind: str, resource: Resource, *, in_list: bool) -> Resource:
        """Return the resource as it is sent: with its groups, without what was asked to be left out."""
        shown = dict(resource)
        if kind == "Users" and self._kinds["Groups"]:
            groups = self._groups_of.get(str(resource.get("id")), [])
            shown |= _memberships(groups, self._style.user_groups)
        if kind == "Groups" and in_list and not self._style.group_members:
            shown.pop("members", None)
        return _selected(shown)

    def _lie(self, body: Resource, number: int) -> Resource:
        faults = self._faults
        body["totalResults"] += faults.total_off
        if faults.total_from_page is not None and number >= faults.total_from_page:
            body["totalResults"] -= 1
        if faults.total_is_page:
            body["totalResults"] = len(body["Resources"])
        if faults.empty:
            body |= {"itemsPerPage": 0, "Resources": []}
        if faults.no_total:
            del body["totalResults"]
        return body

    def _spoilt(self, response: Response, number: int) -> Response:
        """Break off in the middle where `drop_page` says so: fewer bytes than were announced."""
        with self._lock:
            limit = self._faults.drop_times
            if number != self._faults.drop_page or (limit is not None and self._drops >= limit):
                return response
            self._drops += 1
        body = response.get_data()
        cut = Response(iter([body[: len(body) // 2]]), mimetype=MEDIA_TYPE)
        cut.headers["Content-Length"] = str(len(body))
        return cut


def _groups_of(groups: Iterable[Resource]) -> dict[str, list[Resource]]:
    """Return each member's `groups` (RFC 7643 section 4.1.2): direct ones, then those by nesting."""
    named = {str(group["id"]): group for group in groups}
    direct: dict[str, list[str]] = {}
    for key, group in named.items():
        for one in group.get("members", ()):
            direct.setdefault(str(one["value"]), []).append(key)
    found: dict[str, list[Resource]] = {}
    for member, own in direct.items():
        reached = list(dict.fromkeys(own))
        for key in reached:  # grows while it is walked; each group is entered once
            reached += [outer for outer in direct.get(key, ()) if outer not in reached]
        found[member] = [
            {
                "value": key,
                "display": named[key].get("displayName", key),
                "type": "direct" if key in own else "indirect",
            }
            for key in reached
        ]
    return found


def _memberships(groups: Sequence[Resource], how: str) -> Resource:
    if how == "none" or not groups:
        return {}
    if how == "ids":
        return {"groups": [{"value": group["value"]} for group in groups]}
    return {"groups": list(groups)}


def _selected(resource: Resource) -> Resource:
    """Apply `attributes` and `excludedAttributes` (RFC 7644 section 3.4.2.5), top level only."""
    always = {"schemas", "id"}
    if wanted := request.args.get("attributes"):
        names = {name.strip().lower() for name in wanted.split(",")} | always
        return {name: value for name, value in resource.items() if name.lower() in names}
    names = {
        n.strip().lower() for n in request.args.get("excludedAttributes", "").split(",")
    } - always
    return {name: value for name, value in resource.items() if name.lower() not in names}


def _number(name: str, default: int) -> int:
    text = request.args.get(name)
    try:
        return default if text is None else int(text)
    except ValueError:
        raise _Answer(_error(400, f"{name} must be a whole number", "invalidValue")) from None


def _get(resource: Resource, name: str) -> object:
    return next((value for each, value in resource.items() if each.lower() == name), None)


def _equal(value: object, wanted: object, exact: bool) -> bool:
    if exact or not isinstance(value, str) or not isinstance(wanted, str):
        return value == wanted
    return value.casefold() == wanted.casefold()


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def _json(body: Resource, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, mimetype=MEDIA_TYPE)


def _error(status: int, detail: str, kind: str | None = None) -> Response:
    body: Resource = {"schemas": [ERROR], "status": str(status), "detail": detail}
    return _json(body | ({"scimType": kind} if kind else {}), status)
