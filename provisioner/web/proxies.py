"""Proxies in front of us: whose word is taken for who asks, and under which address.

`X-Forwarded-For`, `-Proto`, `-Host`, `-Port` and `-Prefix` are believed only of the peers that config
names (`trusted_proxies`); from anybody else they are what a stranger wrote. Of the list in
`X-Forwarded-For` the last address counts that is no such proxy itself.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from provisioner.hosts import HOST

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DIRECT = "provisioner.direct"
"""Where environ keeps what a believed proxy's word has replaced: the peer's own address, and Host."""

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_USUAL = {"http": ":80", "https": ":443"}
"""Ports that a URL leaves out (RFC 3986 section 6.2.3); balancers name them all the same."""


class TrustedProxies:
    """A WSGI application behind proxies at these addresses or networks."""

    def __init__(self, app: WSGIApplication, networks: Iterable[str]) -> None:
        self._app = app
        self._networks = tuple(networks)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request as who sent it to the first proxy sees it."""
        peer = environ.get("REMOTE_ADDR", "")
        if self._trusted(peer):
            environ[DIRECT] = (peer, environ.get("HTTP_HOST", ""))
            self._believe(environ)
        return self._app(environ, start_response)

    def _trusted(self, text: str) -> bool:
        return is_within(text, self._networks)

    def _believe(self, environ: WSGIEnvironment) -> None:
        self._believe_client(environ)
        scheme = _last(environ, "PROTO").lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        host, port = _last(environ, "HOST"), _last(environ, "PORT")
        if HOST.fullmatch(host):
            if port.isdecimal() and not re.search(r":\d+$", host):
                host = f"{host}:{port}"
            environ["HTTP_HOST"] = host.removesuffix(_USUAL[environ["wsgi.url_scheme"]])
        prefix = _last(environ, "PREFIX").rstrip("/")
        if _PREFIX.fullmatch(prefix):
            environ["SCRIPT_NAME"] = prefix
            path = environ.get("PATH_INFO", "")
            if path == prefix or path.startswith(f"{prefix}/"):  # else the proxy took it off
                environ["PATH_INFO"] = path.removeprefix(prefix)

    def _believe_client(self, environ: WSGIEnvironment) -> None:
        """Take the last address that isn't a proxy's; what stands before it anybody may have written."""
        for text in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            if _address(text.strip()) is None:
                return
            environ["REMOTE_ADDR"] = text.strip()
            if not self._trusted(text.strip()):
                return


def is_within(text: str, networks: Iterable[str]) -> bool:
    """Return whether a text is an IP address in one of these addresses or networks."""
    address = _address(text)
    return address is not None and any(address in _network(each) for each in networks)


@lru_cache
def _network(text: str) -> Any:
    return ipaddress.ip_network(text, strict=False)


def _address(text: str) -> Any:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _last(environ: WSGIEnvironment, name: str) -> str:
    """Return what the nearest proxy wrote."""
    return str(environ.get(f"HTTP_X_FORWARDED_{name}", "")).rpartition(",")[2].strip()
