"""What is answered when something is refused or goes wrong, and the headers of every answer.

Under `/api/` it is a problem document (RFC 9457), elsewhere a page; neither ever tells more than was
meant: a fault of ours is its request id, and the log has the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Flask, Response, g, request
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from connectors.errors import ProvisionerError, TransientError
from provisioner.console.cursors import BadCursor
from provisioner.console.desk import NoSuchSync
from provisioner.deciding import MayNotDecide
from provisioner.letting_go import NotParked
from provisioner.logs import logger
from provisioner.manual_steps import NoSuchStep
from provisioner.plan.only import MeansNothing
from provisioner.store.plans import NoSuchPlan
from provisioner.store.runs import NoSuchRun
from provisioner.whom import NobodyCalledSo

API = "/api/"
PROBLEM = "application/problem+json"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # `no-referrer` would have browsers send `Origin: null` with our own forms (Fetch, "append a request
    # `Origin` header"), and there is nobody else whom this lets know anything
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What every answer carries, unless a route says otherwise."""

_SAID = {
    400: "the request can't be understood",
    404: "there is nothing at this address",
    405: "this method isn't for this address",
    413: "the body is too large",
    415: "the body must be application/json",
}


class Refusal(Exception):
    """A request that isn't carried out: `detail` says why, and what to do.

    `headers` go with the answer; `more` are further members of the problem document.
    """

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.title = HTTPStatus(status).phrase
        self.detail = _SAID.get(status, self.title) if detail is None else detail
        self.headers, self.more = dict(headers or {}), dict(more or {})
        super().__init__(self.detail)

    def document(self) -> dict[str, Any]:
        """Return the problem document."""
        about = {"type": "about:blank", "title": self.title, "status": self.status}
        return {**about, "detail": self.detail, **self.more}


Page = Callable[[Refusal], str]
"""Draws a refusal as a page."""


def plain_page(refusal: Refusal) -> str:
    """Return the barest page that tells a refusal; it asks for nothing more, no style and no script."""
    return Markup(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>{0}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<main><h1>{0}</h1><p>{1}</p></main></html>"
    ).format(refusal.title, refusal.detail)


def install(app: Flask, page: Callable[[], Page]) -> None:
    """Answer whatever goes wrong in an application; `page` gives what draws it."""

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> BaseResponse:
        if isinstance(error, HTTPException) and (error.code or 500) < 400:
            return error.get_response()  # a redirect
        return answer(refusal_of(error), page())

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def answer(refusal: Refusal, page: Page = plain_page) -> Response:
    """Return a refusal as whoever asks can take it."""
    if not request.path.startswith(API):
        # under a name that isn't ours a page would get neither its style nor anywhere else
        draw = plain_page if refusal.status == HTTPStatus.MISDIRECTED_REQUEST else page
        return Response(draw(refusal), refusal.status, refusal.headers, mimetype="text/html")
    body = msgspec.json.encode(refusal.document())
    return Response(body, refusal.status, refusal.headers, content_type=PROBLEM)


def refusal_of(error: Exception) -> Refusal:
    """Return what a failed request is answered with; what we didn't foresee is logged."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException):
        kept = ("Allow", "Retry-After")
        headers = {name: value for name, value in error.get_headers() if name in kept}
        return Refusal(error.code or 500, headers=headers)
    id = g.get("request_id")
    if isinstance(error, SQLAlchemyError):
        logger().error("console.store_failed", exc_info=error)
        why = f"the store doesn't answer just now; request id {id}"
        return Refusal(503, why, headers={"Retry-After": "5"})
    if isinstance(error, ProvisionerError):
        return _of_ours(error)
    logger().error("console.crashed", exc_info=error)
    return Refusal(500, f"a fault on our side; the log knows it by request id {id}")


_NOT_THERE = (NoSuchSync, NoSuchPlan, NoSuchRun, NoSuchStep, NotParked, NobodyCalledSo)


def _of_ours(error: ProvisionerError) -> Refusal:
    """Return what is answered where the program itself says why nothing was done."""
    said = "; ".join(filter(None, (error.message, error.remedy)))
    if isinstance(error, TransientError):
        return Refusal(503, said, headers={"Retry-After": "5"})
    if isinstance(error, _NOT_THERE):
        return Refusal(404, error.message)
    if isinstance(error, MayNotDecide):
        return Refusal(403, said)
    if isinstance(error, MeansNothing):
        faults = [{"detail": line, "pointer": "#/only"} for line in error.message.split("\n")]
        return Refusal(422, said, more={"errors": faults})
    return Refusal(400 if isinstance(error, BadCursor) else 409, said)
