"""Around every request: its id, its line in the log, its figures, and no answer that tells too much.

An `X-Request-Id` that a client or proxy gives is kept if it is one; else a request gets one. It is in
the answer, in the access log, and in whatever else is logged meanwhile. Whatever goes wrong is answered
with a SCIM error (RFC 7644 section 3.12), also where no route of SCIM was found, in plain JSON's media
type for who takes no other; a fault of ours is 500 with the request id and nothing else, and the log has
the rest.

Environ is asked for what every request needs, and not the framework's proxies, each of which costs as
much as twenty looks into a dict.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from flask import Flask, Request, Response, request
from gunicorn.http.errors import NoMoreData, ParseException
from sqlalchemy.exc import SQLAlchemyError
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from provisioner.logs import logger
from provisioner.scim.auth import CLIENT, Client
from provisioner.scim.errors import ScimError
from provisioner.web.request_ids import HEADER, request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MEDIA_TYPE = "application/scim+json"
REQUEST_ID = "provisioner.request_id"
"""Where a request's environ has its id."""
BEGAN = "provisioner.began"
"""Where it has the time at which it began, of `time.perf_counter`."""

_HEADER_OF_CGI = "HTTP_X_REQUEST_ID"
_NOSNIFF = ("X-Content-Type-Options", "nosniff")
_CHOICE = re.compile(r"<any\([^)]*\):(\w+)>")

_QUIET = ("/healthz", "/readyz")
"""Asked every few seconds by machines: in the log only when the answer isn't 200."""


class Log(Protocol):
    """Where lines go."""

    def write(self, event: dict[str, Any]) -> None:
        """Have an event written."""


class Figures(Protocol):
    """What counts requests."""

    def began(self) -> None:
        """Count a request in."""

    def ended(self, operation: str, client: str | None, status: int, duration_s: float) -> None:
        """Count it out."""


class Around:
    """What is done at the beginning and at the end of each request, whoever answers it."""

    def __init__(self, log: Log | None, figures: Figures | None) -> None:
        self._log, self._figures = log, figures

    def began(self, environ: WSGIEnvironment) -> None:
        """Give a request its id, and count it in."""
        environ[BEGAN] = time.perf_counter()
        environ[REQUEST_ID] = id = request_id(environ.get(_HEADER_OF_CGI, ""))
        clear_contextvars()
        bind_contextvars(request_id=id)
        if self._figures is not None:
            self._figures.began()

    def ended(self, environ: WSGIEnvironment, route: str | None, status: int) -> None:
        """Count it out, and log it. `route`: the one that it took, None if there is none."""
        duration = time.perf_counter() - environ[BEGAN]
        client: Client | None = environ.get(CLIENT)
        if self._figures is not None:
            name = None if client is None else client.name
            kind = operation(environ["REQUEST_METHOD"], route)
            self._figures.ended(kind, name, status, duration)
        if self._log is not None and not (status == 200 and environ["PATH_INFO"] in _QUIET):
            self._log.write(_event(environ, route, client, status, duration))


def install(app: Flask, around: Around, max_body: int) -> None:
    """Put all of it around an application's requests; bodies have at most `max_body` bytes."""
    app.config["MAX_CONTENT_LENGTH"] = max_body

    @app.before_request
    def begin() -> None:
        around.began(request.environ)

    @app.after_request
    def end(response: Response) -> Response:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # not by proxy
        environ = asked.environ
        response.headers.extend(headers(environ))
        if response.headers.get("Content-Type") == MEDIA_TYPE:
            response.headers["Content-Type"] = media_type(environ)
        around.ended(environ, route_of(asked), response.status_code)
        return response

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> BaseResponse:
        if isinstance(error, HTTPException) and (error.code or 500) < 400:
            return error.get_response()  # a redirect
        told = scim_error(error, request.environ)
        body = msgspec.json.encode(told.body())
        return Response(body, told.status, told.headers, content_type=MEDIA_TYPE)


def headers(environ: WSGIEnvironment) -> tuple[tuple[str, str], ...]:
    """Return the headers that every answer has."""
    return (HEADER, environ[REQUEST_ID]), _NOSNIFF


def media_type(environ: WSGIEnvironment) -> str:
    """Return what SCIM's answers are called: plain JSON for who takes no other."""
    accept = environ.get("HTTP_ACCEPT", "*/*")
    plain = accept != "*/*" and _takes_plain_json_alone(accept)
    return "application/json" if plain else MEDIA_TYPE


def _takes_plain_json_alone(accept: str) -> bool:
    """Whether an Accept header names JSON, and nothing that SCIM's own media type is (section 3.8)."""
    accept = accept.lower()
    return "application/json" in accept and not any(
        each in accept for each in ("scim+json", "*/*", "application/*")
    )


def operation(method: str, route: str | None) -> str:
    """Return what kind of request it is, the same for every sync.

    >>> operation("GET", "/scim/<sync>/v2/Users/<id>")
    'GET Users/<id>'
    """
    if route is None:
        return "any unknown"
    return f"{method} {route.partition('/v2/')[2] or route}"


def route_of(request: Request) -> str | None:
    """Return the route that a request took, None if there is none: what it says of ids stays open.

    What it chooses from a few names (Users, Groups) is told.
    """
    if request.url_rule is None:
        return None
    given = request.view_args or {}
    return _CHOICE.sub(lambda match: str(given.get(match[1], "")), str(request.url_rule))


def scim_error(error: Exception, environ: WSGIEnvironment) -> ScimError:
    """Return what a failed request is answered with; what we didn't foresee is logged."""
    if isinstance(error, ScimError):
        return error
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, TimeoutError | BlockingIOError):  # the socket's own limit
        return ScimError(408, "the body didn't arrive in time")
    if isinstance(error, ParseException | NoMoreData):  # chunks that are none, a client who is gone
        return ScimError(400, "the body can't be read as it was sent", "invalidSyntax")
    if isinstance(error, SQLAlchemyError):
        logger().error("http.store_failed", exc_info=error)
        why = f"the store doesn't answer just now; request id {environ[REQUEST_ID]}"
        return ScimError(503, why, None, {"Retry-After": "5"})
    logger().error("http.crashed", exc_info=error)
    return ScimError(
        500, f"a fault on our side; the log knows it by request id {environ[REQUEST_ID]}"
    )


_SAID = {
    404: "there is nothing at this address",
    405: "this method isn't for this address",
    413: "the body is too large",
    414: "the address is too long",
    415: "the body must be application/scim+json or application/json",
}


def _of_http(error: HTTPException) -> ScimError:
    status = error.code or 500
    kept = ("Allow", "Retry-After", "Location")
    headers = {k: v for k, v in error.get_headers() if k in kept}
    return ScimError(status, _SAID.get(status, error.name), None, headers)


def _event(
    environ: WSGIEnvironment,
    route: str | None,
    client: Client | None,
    status: int,
    duration_s: float,
) -> dict[str, Any]:
    return {
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": "info",
        "event": "http.request",
        "sync": client and client.sync,
        "client": client and client.name,
        "method": environ["REQUEST_METHOD"] if route is not None else None,
        "route": route,
        "status": status,
        "duration_s": round(duration_s, 6),
        "remote": environ.get("REMOTE_ADDR"),
        "request_id": environ[REQUEST_ID],
    }
