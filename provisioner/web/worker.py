"""One process that answers: gunicorn's worker with threads, as ours behaves at its edges.

It ends with its parent, frees the address as soon as it stops, leaves nobody unanswered who was let
in, waits for no client for ever (connections.py), and answers what is no request with a SCIM error. An answer's head and
body leave together, and a thread that has answered stays with its connection for a moment: a client that
asks again at once is served without the way through the poller, which costs as much as the answer. Whoever asks
for health has threads apart: a store that keeps all others waiting has nobody killed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import selectors
import signal
import socket
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import msgspec
from gunicorn.http import get_parser
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, UnsupportedTransferCoding
from gunicorn.workers.gthread import ThreadWorker

from provisioner.logs import logger
from provisioner.scim.errors import ScimError
from provisioner.web.connections import SILENT_S, Paced, Parting, send_all

LINGER_MS = 3
"""Milliseconds that a thread waits for the next request of the client it has answered."""

_PR_SET_PDEATHSIG = 1
_TOGETHER = 1 << 16
"""Bytes of an answer that are gathered before they are sent."""
_TIMEVAL = struct.pack("@ll", SILENT_S, 0)
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Why the system may refuse to open a connection, and grant it in a moment."""
_PAUSE_S = 0.05
_HEALTH = (b"GET /healthz", b"GET /readyz", b"HEAD /healthz", b"HEAD /readyz")
_HEALTH_THREADS = 2


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
            send_all(self._sock, gathered)


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

    def run(self) -> None:
        self._parting = Parting(self.poller, self._let_go)
        self._aside = ThreadPoolExecutor(_HEALTH_THREADS, thread_name_prefix="health")
        super().run()
        self._aside.shutdown(wait=False)

    def accept(self, listening: Any) -> None:
        """Take a connection; where no file more can be opened, it waits."""
        try:
            super().accept(listening)
        except OSError as error:
            if error.errno not in _SHORT:
                raise
            time.sleep(_PAUSE_S)

    def enqueue_req(self, conn: Any) -> None:
        """Have a thread serve a connection: as soon as something has come, and not before."""
        if conn.initialized or conn.data_ready:
            conn.aside = _asks_for_health(conn.sock)
            done = (self._aside if conn.aside else self.tpool).submit(self.handle, conn)
            done.add_done_callback(
                lambda done: self.method_queue.defer(self.finish_request, conn, done)
            )
            return
        conn.paced = Paced(conn.sock)
        conn.parser = get_parser(self.cfg, conn.paced, conn.client)
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
            conn.paced.begin()
            goes_on = super().handle(conn)
            if goes_on is not True or not self._asks_again(conn):
                return goes_on

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer one request; says whether the connection stays open."""
        sock = _Gathering(conn.sock)
        goes_on: bool = super().handle_request(req, _Ends(sock, conn.client, conn.server))
        sock.flush()
        return goes_on

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Keep a connection for the next request, or part with it: without waiting for who stays."""
        goes_on = not fs.cancelled() and fs.exception() is None and fs.result()
        if goes_on:
            super().finish_request(conn, fs)
        else:
            self._parting.begin(conn)

    def murder_pending(self) -> None:
        super().murder_pending()
        self._parting.sweep()

    def _let_go(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def _asks_again(self, conn: Any) -> bool:
        """Wait a moment for the client's next request, unless others wait for a thread."""
        if not self.alive or conn.aside or conn.is_http2 or self.tpool._work_queue.qsize():
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


def _asks_for_health(sock: socket.socket) -> bool:
    """Look at what a client has sent, without taking it."""
    try:
        return sock.recv(32, socket.MSG_PEEK | socket.MSG_DONTWAIT).startswith(_HEALTH)
    except OSError:
        return False


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
