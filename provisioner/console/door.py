"""The console's door: who may in, and as whom. Everything on `admin_bind` but /metrics is behind it.

    install(app, site)          once; puts it before every route of the application
    operator()                  who asks, in any route
    may_see(sync), must_see     whether a sync exists for them
    decider(given)              the name under which they decide
    csrf_field()                in every form that changes something
    Refusal(status, detail)     what a route raises; a problem document under /api/, a page elsewhere

In its order: under which name we are asked, whether another site's page asks, who asks, whether they
may decide, and whether a form is ours. Config may be read again at any time; what it says of the
console holds from the next request on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from markupsafe import Markup
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.wrappers import Response as BaseResponse

from provisioner.console import forms, operators, refusals, sign_in
from provisioner.console.admission import Admission
from provisioner.console.attempts import Attempts
from provisioner.console.forms import csrf_field, csrf_token
from provisioner.console.operators import (
    Operator,
    decider,
    for_readers,
    may_see,
    must_decide,
    must_see,
    open_to_all,
    operator,
    remembered_name,
)
from provisioner.console.origins import (
    SAFE,
    check_host,
    check_origin,
    comes_from_elsewhere,
    is_browser,
)
from provisioner.console.refusals import API, Page, Refusal, plain_page
from provisioner.console.sign_in import SignInPage, here, plain_sign_in, to_sign_in
from provisioner.console_config import ConsoleConfig, sign_in_at
from provisioner.logs import logger
from provisioner.serving import MOST_BYTES
from provisioner.token_book import TokenBook
from provisioner.web.proxies import TrustedProxies
from provisioner.web.request_ids import HEADER, request_id
from provisioner.wiring import Site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = [
    "Door",
    "Operator",
    "Refusal",
    "csrf_field",
    "csrf_token",
    "decider",
    "for_readers",
    "install",
    "may_see",
    "must_decide",
    "must_see",
    "open_to_all",
    "operator",
    "remembered_name",
]

METRICS = "/metrics"


def install(app: Flask, site: Callable[[], Site]) -> Door:
    """Put the door before every route of an application, and return it.

    `site` gives the installation as it is now; the address that it names now is the one we listen at.
    """
    door = Door(app, site)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES
    app.wsgi_app = _Behind(app.wsgi_app, door.proxies)  # type: ignore[method-assign]
    refusals.install(app, lambda: door.page)
    app.before_request(door.enter)
    app.after_request(door.leave)
    app.register_blueprint(
        sign_in.blueprint(
            site,
            door.admission,
            lambda: door.settings().sign_in == "token",
            lambda: door.sign_in_page,
        )
    )
    return door


class Door:
    """What stands before the routes. `page` and `sign_in_page` may be replaced by better-looking ones."""

    def __init__(self, app: Flask, site: Callable[[], Site]) -> None:
        self.page: Page = plain_page
        self.sign_in_page: SignInPage = plain_sign_in
        self._app, self._site = app, site
        self._listens_at = site().config.server.admin_bind
        book = TokenBook(site().engine, lambda: site().now())
        self.admission = Admission(book, lambda: site().now(), Attempts())

    def settings(self) -> ConsoleConfig:
        """Return what config says of the console, for the address that it listens at until a restart."""
        console = self._site().config.server.console
        return replace(console, sign_in=sign_in_at(self._listens_at, console.sign_in))

    def proxies(self) -> tuple[str, ...]:
        """Return whose X-Forwarded headers are believed."""
        server = self._site().config.server
        return (*server.trusted_proxies, *server.console.proxies)

    def enter(self) -> BaseResponse | None:
        """Let a request in: return nothing, or where to go instead. Raises Refusal."""
        _begin()
        settings = self.settings()
        if request.path != METRICS or is_browser(request):
            # a scraper asks under any name, and no page can have a browser pass for one
            check_host(request, {*settings.hosts, self._listens_at.rpartition(":")[0].lower()})
        if request.path == METRICS:
            return None
        check_origin(request)
        if self._marked("open_to_all"):
            return None
        try:
            operators.let_in(self.admission.operator(settings))
        except Refusal as refusal:
            if way := _way_in(refusal, settings):
                return way
            raise
        if request.method not in SAFE:
            if not g.get("bearer") and not request.path.startswith(API):
                forms.check_form()
            if not self._marked("for_readers"):
                must_decide()
        return None

    def leave(self, response: Response) -> Response:
        """Have the browser keep what the next request needs, and the log what this one was."""
        forms.keep_visit(response)
        operators.remember(response)
        response.headers[HEADER] = g.request_id
        if request.path != METRICS or response.status_code != 200:
            _log(response)
        return response

    def _marked(self, mark: str) -> bool:
        return getattr(self._app.view_functions.get(request.endpoint or ""), mark, False)


def _begin() -> None:
    g.request_id = request_id(request.headers.get(HEADER, ""))
    g.began = time.perf_counter()
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _way_in(refusal: Refusal, settings: ConsoleConfig) -> BaseResponse | None:
    """Return the way to the sign-in for whoever asks for a page and has no session."""
    asks_for_page = request.method in ("GET", "HEAD") and not request.path.startswith(API)
    if refusal.status != 401 or not asks_for_page or "Authorization" in request.headers:
        return None
    if settings.sign_in != "token":
        return None
    return _again() if comes_from_elsewhere(request) else to_sign_in()


def _again() -> Response:
    """Return a page that asks for itself anew: from there the browser sends our cookies, too."""
    return Response(
        Markup(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>One moment</title>'
            '<meta http-equiv="refresh" content="0; url={0}"><a href="{0}">Go on</a></html>'
        ).format(request.script_root + here()),
        mimetype="text/html",
    )


def _log(response: Response) -> None:
    asking: Operator | None = g.get("operator")
    logger().info(
        "console.request",
        method=request.method,
        route=None if request.url_rule is None else str(request.url_rule),
        status=response.status_code,
        duration_s=round(time.perf_counter() - g.began, 6),
        operator=None if asking is None else asking.name,
        remote=request.remote_addr,
    )


class _Behind:
    """An application behind the proxies that config names at that moment."""

    def __init__(self, app: WSGIApplication, networks: Callable[[], tuple[str, ...]]) -> None:
        self._app, self._networks = app, networks

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        return TrustedProxies(self._app, self._networks())(environ, start_response)
