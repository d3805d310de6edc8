"""One process that answers: gunicorn's worker with threads, as ours behaves at its edges.

It ends with its parent, frees the address as soon as it stops, leaves nobody unanswered who was let
in, waits for no client for ever, and answers what is no request with a SCIM error. An answer's head and
body leave together, and a thread that has answered stays with its connection for a moment: a client that
asks again at once is served without the way through the poller, which costs as much as the answer.
"""

from __future__ import annotations

import ctypes
import os
import select
import selectors
import signal
import socket
import struct
import sys
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import msgspec
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, UnsupportedTransferCoding
from gunicorn.workers.gthread import ThreadWorker

from provisioner.logs import logger
from provisioner.scim.errors import ScimError

SILENT_S = 20
"""Seconds that a client may take for the next piece of a request, or of an answer."""

LINGER_MS = 3
"""Milliseconds that a thread waits for the next request of the client it has answered."""

_PR_SET_PDEATHSIG = 1
_TOGETHER = 1 << 16
"""Bytes of an answer that are gathered before they are sent."""
_TIMEVAL = struct.pack("@ll", SILENT_S, 0)


class _Gathering:
    """A socket whose `sendall` waits for `flush`, or for enough to be worth a call of the system."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._parts: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        if self._parts:
            gathered = b"".join(self._parts)
            self._parts, self._size = [], 0
            self._sock.sendall(gathered)


class _Ends(NamedTuple):
    """What gunicorn needs to know of a connection to answer one request on it."""

    sock: _Gathering
    client: Any
    server: Any


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker with threads; one that stops frees the address before it ends."""

    def init_process(self) -> None:
        end_with_parent(self.ppid)
        super().init_process()

    def is_parent_alive(self) -> bool:
        if not super().is_parent_alive():
            self.alive: bool = False
        return self.alive

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's; the master says TERM

    def enqueue_req(self, conn: Any) -> None:
        """Have a thread serve a connection: as soon as something has come, and not before."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, _TIMEVAL)
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.pending_conns.append(conn)
        ready = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, ready)

    def handle(self, conn: Any) -> Any:
        """Serve a connection's request, and those that follow at once; says whether it stays open."""
        while True:
            goes_on = super().handle(conn)
            if goes_on is not True or not self._asks_again(conn):
                return goes_on

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer one request; says whether the connection stays open."""
        sock = _Gathering(conn.sock)
        goes_on: bool = super().handle_request(req, _Ends(sock, conn.client, conn.server))
        sock.flush()
        return goes_on

    def _asks_again(self, conn: Any) -> bool:
        """Wait a moment for the client's next request, unless others wait for a thread."""
        if not self.alive or conn.is_http2 or self.tpool._work_queue.qsize():
            return False
        if conn.parser.unreader.buf.getvalue():
            return True  # read ahead with the body before
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        return bool(poll.poll(LINGER_MS))

    def set_accept_enabled(self, enabled: bool) -> None:
        if enabled or self.alive:
            super().set_accept_enabled(enabled)
            return
        for listening in self.sockets:  # who waits already is answered, too
            before = -1
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listening)
        super().set_accept_enabled(False)
        for listening in self.sockets:
            listening.close()

    def handle_error(self, _: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never became a request of the application's."""
        error = _unreadable(exc)
        if error.status == 500:
            logger().error("http.crashed", exc_info=exc)
        else:
            remote = addr[0] if addr else None
            logger().info("http.unreadable", status=error.status, remote=remote)
        body = msgspec.json.encode(error.body())
        head = (
            f"HTTP/1.1 {error.status} {error.detail}\r\nConnection: close\r\n"
            f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with suppress(OSError):
            client.sendall(head.encode("latin-1") + body)


def end_with_parent(parent: int) -> None:
    """Have this process told to stop (TERM) when its parent is no more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _unreadable(error: BaseException) -> ScimError:
    if isinstance(error, LimitRequestLine):
        return ScimError(414, "the address is too long")
    if isinstance(error, LimitRequestHeaders):
        return ScimError(431, "the headers are too large")
    if isinstance(error, UnsupportedTransferCoding):
        return ScimError(501, "this transfer coding isn't known here")
    if type(error).__module__.startswith("gunicorn."):
        return ScimError(400, "this is no HTTP request that can be read")
    return ScimError(500, "a fault on our side")
