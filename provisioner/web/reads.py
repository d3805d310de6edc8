"""GETs of users and groups, answered without the framework: what clients ask most takes the shortest way.

What Flask does around a view costs as much as finding a user and writing them out. Here the same view is
asked, and nothing else is different: ids, log, figures, headers and errors are around.py's. Every
other request, and whatever isn't plainly such a GET, is the application's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import msgspec
from werkzeug import Request

from provisioner.scim.call import Answer
from provisioner.web.around import Around, headers, media_type, scim_error

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile(r"/scim(?:/([A-Za-z0-9._-]+))?/v2/(Users|Groups)(?:/([0-9a-f]{32}))?")
_STATUS = {each.value: f"{each.value} {each.phrase}" for each in HTTPStatus}


class Read(Protocol):
    """Answers a GET: of one resource by its id, or of those that are found. Raises ScimError."""

    def __call__(
        self, asked: Request, sync: str | None, name: str, id: str | None, /
    ) -> Answer: ...


class Reads:
    """A WSGI application that has `read` answer such GETs, and `app` everything else."""

    def __init__(self, app: WSGIApplication, read: Read, around: Around) -> None:
        self._app, self._read, self._around = app, read, around

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ["REQUEST_METHOD"] == "GET" and _PATH.fullmatch(environ["PATH_INFO"])
        if not path:
            return self._app(environ, start_response)
        sync, name, id = path.groups()
        self._around.began(environ)
        told: list[tuple[str, str]] = []
        body = None
        try:
            answer = self._read(Request(environ), sync, name, id)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
            refused = scim_error(error, environ)
            status, body = refused.status, msgspec.json.encode(refused.body())
            told += refused.headers.items()
        else:
            status = answer.status
            if answer.body is not None:
                body = answer.body.encode()
            if answer.location is not None:
                told.append(("Location", answer.location))
            if answer.tag is not None:
                told.append(("ETag", answer.tag))
        if body is not None:
            told += (("Content-Type", media_type(environ)), ("Content-Length", str(len(body))))
        told += headers(environ)
        self._around.ended(environ, _route(sync, name, id), status)
        start_response(_STATUS[status], told)
        return () if body is None else (body,)


def _route(sync: str | None, name: str, id: str | None) -> str:
    """Return the route that such a GET takes, as the framework would name it."""
    return f"/scim{'' if sync is None else '/<sync>'}/v2/{name}{'' if id is None else '/<id>'}"
