"""Listening on an address, or saying in plain words why that can't be."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator

from connectors.errors import RunError

BACKLOG = 1024
"""Connections that wait to be taken, while processes come and go."""

PATIENCE_S = 1.0
_PAUSE_S = 0.05
_NOT_HERE = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


def listen(bind: str) -> list[socket.socket]:
    """Return sockets that listen at `HOST:PORT`, one for each address of the host.

    Port 0 takes any free one, the same for all. Who was killed a moment ago may still be letting go of
    the address, so one that is taken is tried again for a second. Raises RunError if it can't be had.
    """
    host, _, port = bind.rpartition(":")
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return list(_listening(host.strip("[]"), int(port)))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise refusal(bind, error) from None
            time.sleep(_PAUSE_S)


def url_of(listening: socket.socket) -> str:
    """Return where a socket listens, `http://HOST:PORT`, an IPv6 host in brackets."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def refusal(bind: str, error: OSError | ValueError, member: str = "bind") -> RunError:
    """Return what an operator is told of an address, a `member` of config, that can't be listened on."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return RunError(
            f"{bind} is taken by another program",
            remedy=f"stop that one, or give `server: {{{member}: …}}` another port",
        )
    why = "no such host"
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror):
        why = error.strerror or why
    return RunError(
        f"{bind} can't be listened on: {why}",
        remedy=f"correct `server: {{{member}: …}}` in config",
    )


def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket for each address; one that this machine doesn't have is left out beside others."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                made.append(_bound(family, kind, protocol, (address[0], port, *address[2:])))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                missing = error
                continue
            port = port or made[-1].getsockname()[1]
        if missing is not None and not made:
            raise missing
    except OSError:
        for each in made:
            each.close()
        raise
    yield from made


def _bound(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made
