"""How the daemon is, asked by the processes that serve `bind`.

/healthz and /readyz tell of the daemon, which alone knows its scheduler; the processes that answer
there pass the question on, over a Unix socket in a folder that is the daemon's own. A daemon that
doesn't answer in time is not alive.
"""

from __future__ import annotations

import http.client
import socket

from flask import Blueprint, Response

TIMEOUT_S = 3.0


def blueprint(path: str) -> Blueprint:
    """Return the routes that pass the question on to the daemon at `path`."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return _asked(path, "/healthz")

    @routes.get("/readyz")
    def readyz() -> Response:
        return _asked(path, "/readyz")

    return routes


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("daemon", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _asked(path: str, page: str) -> Response:
    connection = _Connection(path)
    try:
        connection.request("GET", page)
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        status = 503
        body = b'{"problems":["the daemon doesn\'t answer"],"status":"failing"}\n'
    finally:
        connection.close()
    response = Response(body, status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
