"""What every operation goes through: token, throttling, query and body, one transaction, the log.

Graph checks in that order, so an operation itself meets only requests that are well formed. Before
each one, whatever became due in the background (groups' licenses, orders for numbers) is done. A
refusal leaves nothing behind, and an accepted write is logged with it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from . import background
from .account import Call, Tenant, current_tenant
from .auth import check_token
from .errors import GraphError, malformed
from .fields import Kind, check

Answer: TypeAlias = tuple[Any, int]
"""A JSON body (None: no body at all) and the HTTP status; headers may follow as a third part."""

Handler: TypeAlias = Callable[..., tuple[Any, ...]]
PREFIX = "/v1.0"

LIST = frozenset({"$top", "$filter", "$search", "$orderby", "$select", "$count", "$skiptoken"})
ONE = frozenset({"$select", "$expand"})


@dataclass(frozen=True, slots=True)
class Body:
    """What a body may and must hold; `what` names it in messages."""

    what: str
    members: dict[str, Kind]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of Graph's that is simulated: method and path under /v1.0."""

    method: str
    path: str


OPERATIONS: list[Operation] = []
"""Every operation that is simulated, as its module registers it."""


def operation(
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    cost: int | None = None,
    query: frozenset[str] = frozenset(),
    body: Body | None = None,
) -> Callable[[Handler], Handler]:
    """Register a function as one of Graph's operations; it gets the Call and the path's parts by name.

    `cost` is in resource units before what the query changes, None outside the directory.
    """
    OPERATIONS.append(Operation(method, path))

    def register(handler: Handler) -> Handler:
        def view(**in_path: str) -> Response:
            tenant = current_tenant()
            check_token(tenant, request.headers.get("Authorization"))
            given = _query()
            headers = _throttle(tenant, cost, given, method != "GET")
            _check_query(given, query)
            content = check(_json(), body.members, body.required, body.what) if body else {}
            call = Call(tenant, given, content, base_url(), _prefer(), _eventual())
            background.catch_up(tenant)
            with tenant.state.transaction():
                payload, status, *more = handler(call, **in_path)
                if method != "GET":
                    _log(tenant, method)
            return respond(payload, status, headers | (more[0] if more else {}))

        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "_"), view, methods=[method])
        return handler

    return register


def base_url() -> str:
    """Return the address of the API as the client sees it."""
    return f"{request.host_url.rstrip('/')}{PREFIX}"


def _query() -> dict[str, str]:
    """Return the query, names in lower case."""
    return {name.lower(): value for name, value in request.args.items()}


def _throttle(
    tenant: Tenant, cost: int | None, given: dict[str, str], writes: bool
) -> dict[str, str]:
    if cost is not None and not writes:
        cost = max(1, cost - ("$select" in given) + ("$expand" in given))
    with tenant.state.transaction():
        users = tenant.state.setting("users") or 0
    scope = f"{tenant.options.client_id or 'client'}/{tenant.options.tenant or 'tenant'}"
    return tenant.throttle.request(cost, writes, users, tenant.now_s(), scope)


def _check_query(given: dict[str, str], known: frozenset[str]) -> None:
    for name in given:
        if name not in known:
            raise malformed(f"The query parameter '{name}' is not supported.")


def _json() -> Any:
    if not request.is_json:
        raise malformed("A valid Content-Type header with the value application/json is required.")
    try:
        content = json.loads(request.get_data())
        json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair is no text
        return content
    except ValueError:
        raise malformed("Unable to read JSON request payload. The payload must be JSON.") from None


def _prefer() -> dict[str, str]:
    """Return the preferences that were stated, by name."""
    parts = (part.strip().partition("=") for part in request.headers.get("Prefer", "").split(","))
    return {name.lower(): value.strip('"') for name, _, value in parts if name}


def _eventual() -> bool:
    return request.headers.get("ConsistencyLevel", "").lower() == "eventual"


def _log(tenant: Tenant, method: str) -> None:
    path = unquote(request.path).removeprefix(PREFIX)
    body = request.get_json(silent=True)
    tenant.state.record(method, path, request.args.to_dict(), body, tenant.stamp())


def respond(payload: Any, status: int, headers: dict[str, str]) -> Response:
    """Return an answer with the headers that Graph puts on every one."""
    response = Response(status=status) if payload is None else jsonify(payload)
    response.status_code = status
    response.headers.update(headers)
    response.headers["request-id"] = str(uuid.uuid4())
    sent = request.headers.get("client-request-id")
    response.headers["client-request-id"] = sent or response.headers["request-id"]
    if payload is not None:
        response.headers["OData-Version"] = "4.0"
    return response


def refusal(error: GraphError) -> Response:
    """Return the answer of an error."""
    date = f"{current_tenant().now():%Y-%m-%dT%H:%M:%S}"
    body = error.body(date, str(uuid.uuid4()), request.headers.get("client-request-id"))
    return respond(body, error.status, error.headers)


def answer_errors(app: Flask) -> None:
    """Answer refusals, and whatever is no operation of Graph's, with Graph's error body."""
    app.register_error_handler(GraphError, refusal)

    @app.errorhandler(NotFound)
    def unknown(_: NotFound) -> Response:
        segment = request.path.removeprefix(PREFIX).strip("/").rpartition("/")[2]
        text = f"Resource not found for the segment '{segment}'."
        return refusal(GraphError(400, "BadRequest", text))

    @app.errorhandler(MethodNotAllowed)
    def wrong_method(error: MethodNotAllowed) -> Response:
        text = "Specified HTTP method is not allowed for the request target."
        allowed = {"Allow": ", ".join(sorted(error.valid_methods or ()))}
        return refusal(GraphError(405, "Request_BadRequest", text, allowed))

    @app.errorhandler(HTTPException)
    def other(error: HTTPException) -> Response:
        return refusal(GraphError(error.code or 500, "BadRequest", error.description or error.name))
