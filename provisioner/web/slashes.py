"""Slashes that clients write twice: `https://…/scim/v2/` and `/Users` put together.

Such an address is served as what it means. A redirect, the framework's answer, would cost some clients their
Authorization header and others their request's body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SEVERAL = re.compile("//+")


class SingleSlashes:
    """A WSGI application that sees each of them once."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if "//" in environ["PATH_INFO"]:
            environ["PATH_INFO"] = _SEVERAL.sub("/", environ["PATH_INFO"])
        return self._app(environ, start_response)
