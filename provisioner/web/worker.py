"""One process that answers: gunicorn's worker with threads, as ours behaves at its edges.

It ends with its parent, frees the address as soon as it stops, leaves nobody unanswered who was let
in, waits for no client for ever, and answers what is no request with a SCIM error.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import socket
import struct
import sys
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, UnsupportedTransferCoding
from gunicorn.workers.gthread import ThreadWorker

from provisioner.logs import logger
from provisioner.scim.errors import ScimError

SILENT_S = 20
"""Seconds that a client may take for the next piece of a request, or of an answer."""

_PR_SET_PDEATHSIG = 1
_TIMEVAL = struct.pack("@ll", SILENT_S, 0)


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
