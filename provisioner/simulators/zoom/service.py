"""What every operation goes through: token, rate, query and body, one write a user, the log.

Zoom checks in that order, so an operation itself meets only requests that are well formed. It runs
in one transaction; a refusal leaves nothing behind, and an accepted write is logged with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

from flask import Blueprint, Flask, Response, jsonify, request
from marshmallow import Schema
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, NotFound

from .account import Account, Call, current_account, stamp
from .auth import check_token
from .errors import ZoomError
from .fields import Nothing, read, read_json
from .operation_entries import named_in, noted, of_write, operator_of
from .rates import Label

Answer: TypeAlias = tuple[Any, int]
"""A JSON body (None: no body at all) and the HTTP status."""

Handler: TypeAlias = Callable[..., Answer]
SCIM = "/scim2/"
"""What the paths of Zoom's SCIM begin with, whose refusals have other words and another body."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of Zoom's that is simulated: method, path under /v2, rate label."""

    method: str
    path: str
    label: Label


OPERATIONS: list[Operation] = []
"""Every operation that is simulated, as its module registers it."""


def user_in_path(_: dict[str, Any], path: dict[str, str]) -> Iterable[str]:
    """Return the users that a write touches: the one in its path."""
    return [path["user_id"]]


def operation(
    blueprint: Blueprint,
    method: str,
    path: str,
    label: Label,
    *,
    query: Schema | None = None,
    body: Schema | None = None,
    touches: Callable[[dict[str, Any], dict[str, str]], Iterable[str]] = user_in_path,
) -> Callable[[Handler], Handler]:
    """Register a function as one of Zoom's operations; it gets the Call and the path's parts by name.

    `query` and `body` say what the request may hold; `touches(body, path)` gives the users whom a
    write keeps busy.
    """
    query = query or Nothing()
    OPERATIONS.append(Operation(method, path, label))

    def register(handler: Handler) -> Handler:
        def view(**in_path: str) -> Response:
            account = current_account()
            check_token(account)
            _check_account(account, path)
            account.limiter.request(
                "phone" if path.startswith("/phone") else "general", label, account.clock()
            )
            given = read(query, request.args.to_dict())
            content = read_json(body, _json()) if body else {}
            call = Call(account, given, content)
            writes = method != "GET"
            users = list(touches(content, in_path)) if writes else []
            with account.writing(users) if writes else nullcontext(), account.state.transaction():
                if writes:
                    payload, status = _written(call, handler, users, in_path)
                else:
                    payload, status = handler(call, **in_path)
            return _respond(payload, status)

        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "_"), view, methods=[method])
        return handler

    return register


def _written(call: Call, handler: Handler, users: Iterable[str], in_path: dict[str, str]) -> Answer:
    """Do a write, and write it into both logs: ours of requests, and Zoom's own of operations."""
    account, path = call.account, request.path.removeprefix("/v2")
    time, operator = stamp(account.clock()), operator_of(account.state)
    with noted(account.state, [*users, *named_in(in_path)], operator, time) as others:
        answer = handler(call, **in_path)
        entry = of_write(request.method, path, call.body)
        others += [] if entry is None else [entry]
    body = request.get_json(silent=True)
    account.state.record(request.method, path, request.args.to_dict(), body, time)
    return answer


def _check_account(account: Account, path: str) -> None:
    if path.startswith("/phone") and not account.options.phone_enabled:
        raise ZoomError(403, 2031, "Zoom Phone has not been enabled for this account.")


def _json() -> object:
    if not request.is_json:
        raise ZoomError(400, 300, "Unsupported Content Type")
    try:
        content = request.get_json()
        json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (BadRequest, UnicodeEncodeError):
        if request.path.startswith(SCIM):
            raise ZoomError(400, 400, "The request body must be in JSON format.") from None
        raise ZoomError(400, 300, "Request Body should be a valid JSON object.") from None
    if content == {} and request.path.startswith(SCIM):
        raise ZoomError(400, 400, "The request JSON must not be empty.")
    return content


def _respond(payload: Any, status: int) -> Response:
    if payload is None:
        return Response(status=status)
    response = jsonify(payload)
    response.status_code = status
    return response


def answer_errors(app: Flask) -> None:
    """Answer refusals, and whatever is no operation of Zoom's, with Zoom's error body."""

    @app.errorhandler(ZoomError)
    def refuse(error: ZoomError) -> Response:
        # what is refused before SCIM comes in (the token, the rate) is refused as everywhere
        scim = request.path.startswith(SCIM) and error.status not in (401, 405, 429)
        response = _respond(error.scim_body() if scim else error.body(), error.status)
        response.headers.update(error.headers)
        return response

    @app.errorhandler(NotFound)
    def unknown(_: NotFound) -> Response:
        return refuse(ZoomError(404, 2300, "This API endpoint is not recognized."))

    @app.errorhandler(MethodNotAllowed)
    def wrong_method(error: MethodNotAllowed) -> Response:
        message = f"Request method '{request.method}' is not supported."
        allowed = {"Allow": ", ".join(sorted(error.valid_methods or ()))}
        return refuse(ZoomError(405, 405, message, headers=allowed))

    @app.errorhandler(HTTPException)
    def other(error: HTTPException) -> Response:
        status = error.code or 500
        return refuse(ZoomError(status, status, error.description or error.name))
