"""The console's door: who may in, and as whom. Everything on `admin_bind` but /metrics is behind it.

install(app, site)          once; puts it before every route of the application
operator()                  who asks, in any route
may_see(sync), must_see     whether a sync exists for them
decider(given)              the name under which they decide
csrf_field()                in every form that changes something
Refusal(status, detail)     what a route raises; a problem document under /api/, a page elsewhere
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from provisioner.console import forms, operators, refusals
from provisioner.console.forms import csrf_field, csrf_token
from provisioner.console.operators import (
    Operator,
    decider,
    may_see,
    must_see,
    operator,
    remembered_name,
)
from provisioner.console.origins import SAFE, check_host, check_origin
from provisioner.console.refusals import API, Page, Refusal, plain_page
from provisioner.wiring import Site

__all__ = [
    "Door",
    "Operator",
    "Refusal",
    "csrf_field",
    "csrf_token",
    "decider",
    "install",
    "may_see",
    "must_see",
    "open_to_all",
    "operator",
    "remembered_name",
]

MOST_BYTES = 1_000_000
"""The largest body: a decision on every change of a big plan, each by its own field."""

_METRICS = "/metrics"
_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_View = TypeVar("_View", bound=Callable[..., Any])


def open_to_all(view: _View) -> _View:
    """Mark a view that needs no sign-in: the sign-in page, and what it looks like."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def install(app: Flask, site: Callable[[], Site]) -> Door:
    """Put the door before every route of an application, and return it."""
    door = Door(app, site)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    refusals.install(app, lambda: door.page)
    app.before_request(door.enter)
    app.after_request(door.leave)
    return door


class Door:
    """What stands before the routes. `page` draws refusals; the pages put their own there."""

    def __init__(self, app: Flask, site: Callable[[], Site]) -> None:
        self.page: Page = plain_page
        self._app, self._site = app, site

    def enter(self) -> None:
        """Let a request in, or raise Refusal."""
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _ID.fullmatch(given) else secrets.token_hex(16)
        clear_contextvars()
        bind_contextvars(request_id=g.request_id)
        if request.path == _METRICS:
            return
        check_host(request, ())
        check_origin(request)
        if getattr(self._app.view_functions.get(request.endpoint or ""), "open_to_all", False):
            return
        operators.let_in(self._asking())
        if request.method in SAFE:
            return
        if not request.path.startswith(API):
            forms.check_form()
        if not operator().may_decide:
            raise Refusal(403, "this operator may look, and not decide")

    def leave(self, response: Response) -> Response:
        """Have the browser keep what the next request needs."""
        forms.keep_visit(response, secure=request.is_secure)
        operators.remember(response, secure=request.is_secure)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response

    def _asking(self) -> Operator:
        host = self._site().config.server.admin_bind.rpartition(":")[0].strip("[]")
        if host in ("localhost", "127.0.0.1", "::1"):
            return Operator()
        raise Refusal(401, "nobody can sign in here")
