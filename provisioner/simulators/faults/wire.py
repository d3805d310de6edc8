"""The wire itself: an application's answer as a value, and connections that end before their time."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, NoReturn

from waitress.channel import ClientDisconnected

from .vendor import Answer

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: on, and no time to linger: closing sends a reset."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: the status line's text, headers in order, the whole body."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether it is a success."""
        return self.status.startswith("2")

    def with_body(self, body: bytes) -> Reply:
        """Return the same answer with another body, of that length."""
        kept = tuple((k, v) for k, v in self.headers if k.lower() != "content-length")
        return replace(self, headers=(*kept, ("Content-Length", str(len(body)))), body=body)

    def send(self, start: Start) -> list[bytes]:
        """Answer with it."""
        start(self.status, list(self.headers))
        return [self.body]


def reply_of(answer: Answer) -> Reply:
    """Return a vendor's answer as it goes on the wire."""
    status, headers, body = answer
    line = f"{status} {HTTPStatus(status).phrase}"
    return Reply(line, (*headers.items(), ("Content-Length", str(len(body)))), body)


def ask(app: Application, environ: Environ) -> Reply:
    """Have the application handle the request to its end, and return its answer."""
    begun: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
        begun[:] = [status, headers]
        return written.append

    written: list[bytes] = []
    answer = app(environ, start)
    try:
        body = b"".join([*written, *answer])
    finally:
        if hasattr(answer, "close"):
            answer.close()
    return Reply(begun[0], tuple(begun[1]), body)


def break_off(environ: Environ, *, reset: bool = True) -> NoReturn:
    """End the connection without (more of) an answer, by a TCP reset or by closing it.

    waitress hands an application no socket; but a method of the connection's is in the environ, and
    the connection is dropped when ClientDisconnected is raised. Elsewhere a ConnectionError is raised.
    """
    method = environ.get("waitress.client_disconnected")
    channel = getattr(method, "__self__", None)
    if channel is None:
        raise ConnectionResetError("the simulator dropped the connection")
    if reset:
        channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    raise ClientDisconnected


def half_of(reply: Reply, environ: Environ, start: Start) -> Iterator[bytes]:
    """Announce the whole answer, send half of it, and close the connection."""
    start(reply.status, list(reply.headers))
    yield reply.body[: max(1, len(reply.body) // 2)]
    break_off(environ, reset=False)
