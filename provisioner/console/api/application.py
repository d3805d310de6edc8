"""The API's routes in an application: what is asked is loaded, what is told is written, once for all."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from flask import Blueprint, Response, request

from provisioner.console.api.handlers import ROUTES
from provisioner.console.api.loading import checked_path, loaded_body, loaded_query
from provisioner.console.api.openapi import BASE, document_of
from provisioner.console.api.routes import Answer, Given, Route
from provisioner.console.desk import Desk
from provisioner.console.door import operator
from provisioner.report.document import dumped

_PARAMETER = re.compile(r"{(\w+)}")


def blueprint(desk: Desk) -> Blueprint:
    """Return the API's routes over a desk; each request sees what its operator may see."""
    api = Blueprint("api", __name__, url_prefix=BASE)
    for route in ROUTES.listed:
        # a key may have slashes in it
        path = _PARAMETER.sub(lambda m: f"<{'path:' * (m[1] == 'user')}{m[1]}>", route.path)
        api.add_url_rule(
            path,
            route.name,
            _view(desk, route),
            methods=[route.method.upper()],
            strict_slashes=True,
        )
    documents = {named: dumped(document_of(ROUTES.listed, named=named)) for named in (True, False)}

    @api.get("/openapi.json")
    def openapi() -> Response:
        document = documents[operator().name is not None]
        return Response(document, mimetype="application/json")

    return api


def _view(desk: Desk, route: Route) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        given_path = checked_path(path)
        query = loaded_query(request, route.query)
        body, by = ({}, "") if route.accepts is None else loaded_body(request, route.accepts)
        seen = desk.seen_by(operator().syncs)
        answer = route.handler(seen, Given(given_path, query, body, by))
        return answer if isinstance(answer, Response) else _response(answer, route.status)

    return view


def _response(answer: Answer, status: int) -> Response:
    response = Response(dumped(answer.document), status, mimetype="application/json")
    if answer.location is not None:
        response.headers["Location"] = request.script_root + BASE + quote(answer.location)
    return response
