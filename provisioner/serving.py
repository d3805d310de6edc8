"""Serving a WSGI application from a thread of this process, and ending without dropping a request.

waitress's own end drops what is in flight; here no new connection is taken, requests at work are
answered, and their answers are on the wire before the process goes. It also takes a request that tells its
length in two ways, and goes on with what follows; here that is refused, lest a proxy in front sees one
request where we see two, and the second has headers that the proxy never wrote (RFC 9112 section 11.2).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server

from provisioner.web.listening import refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 4
MOST_BYTES = 1_000_000
"""The largest body that is taken in: whoever listens here gets questions, and small orders."""

DRAIN_S = 5.0
_FLUSH_S = 1.0


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """waitress's reader of a request's head, which sees one length or none."""

    def parse_header(self, header_plus: bytes) -> None:
        """Read a head. Raises ParsingError, which is answered 400, and the connection closed."""
        super().parse_header(header_plus)
        # the coding is gone from the headers where it is gone by: not in HTTP/1.0, which knows none
        if "TRANSFER_ENCODING" in self.headers or (
            self.chunked and "CONTENT_LENGTH" in self.headers
        ):
            raise ParsingError("The body's length is told in two ways")


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser


class Served:
    """An application that answers at `bind` from `start` until `stop`."""

    def __init__(
        self, app: WSGIApplication, bind: str, threads: int = THREADS, member: str = "bind"
    ) -> None:
        """Take the address. Raises RunError if that can't be.

        It is `HOST:PORT`, port 0 for any free one, or `unix:PATH` for a socket that only its owner's
        processes may use. `member` is what config calls it.
        """
        where = {"listen": bind}
        if bind.startswith("unix:"):
            where = {"unix_socket": bind.removeprefix("unix:"), "unix_socket_perms": "600"}
        self._sockets: dict[int, Any] = {}  # waitress's own: listening sockets and connections
        try:
            self._server = create_server(
                app,
                map=self._sockets,
                threads=threads,
                ident=None,
                asyncore_use_poll=True,  # select() breaks down at the 1,024th open file
                max_request_body_size=MOST_BYTES,
                # proxies are believed by provisioner/web/proxies.py or not at all
                clear_untrusted_proxy_headers=False,
                **where,
            )
        except (OSError, ValueError) as error:
            raise refusal(bind, error, member) from None
        for each in self._sockets.values():
            if hasattr(each, "channel_class"):
                each.channel_class = _Channel
        self._thread = threading.Thread(target=self._server.run, name=f"http {bind}", daemon=True)

    @property
    def url(self) -> str:
        """Where it answers, `http://HOST:PORT`; the first address if the host has several."""
        listens = getattr(self._server, "effective_listen", None)
        host, port = (
            listens[0]
            if listens
            else (
                self._server.effective_host,
                self._server.effective_port,
            )
        )
        return f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections, answer what is at work, and return."""
        for each in list(self._sockets.values()):
            if getattr(each, "accepting", False):
                each.accepting = False
        self._server.task_dispatcher.shutdown(cancel_pending=False, timeout=DRAIN_S)
        _wait_until(lambda: not any(map(_unsent, list(self._sockets.values()))), _FLUSH_S)
        self._let_go()

    def _let_go(self) -> None:
        """Close every socket, in the thread that works on them; it ends then."""
        triggers = [each for each in self._sockets.values() if hasattr(each, "pull_trigger")]
        if self._thread.is_alive() and triggers:
            triggers[0].pull_trigger(self._close)
            self._thread.join(_FLUSH_S)
        elif not self._thread.is_alive():
            self._close()

    def _close(self) -> None:
        for each in list(self._sockets.values()):
            each.close()


def _unsent(connection: Any) -> bool:
    return bool(getattr(connection, "total_outbufs_len", 0))


def _wait_until(true: Callable[[], bool], within_s: float) -> None:
    until = time.monotonic() + within_s
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
