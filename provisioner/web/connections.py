"""Connections at their edges: a request that comes too slowly, a client who stays, more than may be open.

What one client does with a connection must cost the others nothing. A thread reads a request only as long as
it comes on, and nobody waits for a client who was told that the connection ends.
"""

from __future__ import annotations

import resource
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

SILENT_S = 20
"""Seconds that a client may take for the next piece of a request, or of an answer."""

SLOWEST = 500
"""Bytes a second that a request must come at, and an answer be taken, once that was waited for as long as that."""

PARTING_S = 5.0
"""Seconds in which a client is to close its side of a connection that has ended."""

MOST = 1000
"""Connections that a worker has open at once; more wait until it takes them."""

_PIECE = 1 << 16
_OTHER_FILES, _FILES_OF_A_THREAD = 64, 12
"""Files that a worker has open beside its connections: its own, and of each thread the store's."""


def room(threads: int) -> int:
    """Return how many connections a worker of so many threads may have, each of them an open file.

    As many files as that takes are asked of the system, which gives services 1,024 unless they ask.
    """
    others = _OTHER_FILES + threads * _FILES_OF_A_THREAD
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST
    if soft < MOST + others:
        soft = MOST + others if hard == resource.RLIM_INFINITY else min(hard, MOST + others)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(threads + 1, min(MOST, soft - others))


class Paced:
    """A socket of which requests are read, each as long as it comes on; `begin` says that the next one is."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.begin()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def begin(self) -> None:
        """Have the next request's time begin."""
        self._waited_s, self._size = 0.0, 0

    def recv(self, size: int) -> bytes:
        """Return what has come. Raises TimeoutError for a request that comes too slowly."""
        late_s = self._waited_s - SILENT_S
        if late_s > 0 and self._size < late_s * SLOWEST:
            raise TimeoutError("the request comes too slowly")
        began = time.monotonic()
        data = self._sock.recv(size)
        self._waited_s += time.monotonic() - began
        self._size += len(data)
        return data


def send_all(sock: socket.socket, data: bytes) -> None:
    """Send an answer for as long as the client takes it. Raises TimeoutError for one that hardly does."""
    left = memoryview(data)
    while left:
        began = time.monotonic()
        sent = sock.send(left)  # comes back when all is taken, or after SILENT_S
        left = left[sent:]
        if left and sent < (time.monotonic() - began) * SLOWEST:
            raise TimeoutError("the answer is taken too slowly")


class Parting:
    """Connections that have ended, until the client has seen it.

    Closing one at once would throw away what the client still sends, and with it, at its side, the end of
    the answer (RFC 9112 section 9.6). `gone` is called with each that is closed.
    """

    def __init__(self, poller: selectors.BaseSelector, gone: Callable[[Any], None]) -> None:
        self._poller, self._gone = poller, gone
        self._until: dict[Any, float] = {}  # in the order of their ends

    def begin(self, conn: Any) -> None:
        """Say that nothing more comes, and take what the client sends until it closes."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self._poller.register(conn.sock, selectors.EVENT_READ, lambda _: self._drain(conn))
        except (OSError, ValueError):  # it has gone already
            self._gone(conn)
        else:
            self._until[conn] = time.monotonic() + PARTING_S

    def sweep(self) -> None:
        """Close those who were given time enough."""
        now = time.monotonic()
        while self._until:
            conn, until = next(iter(self._until.items()))
            if until > now:
                return
            self._end(conn)

    def _drain(self, conn: Any) -> None:
        try:
            more = conn.sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            self._end(conn)

    def _end(self, conn: Any) -> None:
        del self._until[conn]
        self._poller.unregister(conn.sock)
        self._gone(conn)
