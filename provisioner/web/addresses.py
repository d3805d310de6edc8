"""Addresses that clients write in their own way, served as what they mean.

`https://…/scim/v2/` and `/Users` put together have a slash twice; HelloID's SCIM target asks for `/users` and
`/groups` (Tools4everBV/HelloID-Conn-Prov-Target-Generic-Scim). A redirect, the framework's answer to the
first, would cost some clients their Authorization header and others their request's body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SEVERAL = re.compile("//+")
_SMALL = re.compile("(/scim(?:/[^/]+)?/v2/)(users|groups)(?![^/])")


class PlainAddresses:
    """A WSGI application that sees each slash once, and the endpoints by their names."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ["PATH_INFO"]
        if "//" in path:
            environ["PATH_INFO"] = path = _SEVERAL.sub("/", path)
        if ("/users" in path or "/groups" in path) and (small := _SMALL.match(path)):
            environ["PATH_INFO"] = small[1] + small[2].capitalize() + path[small.end() :]
        return self._app(environ, start_response)
