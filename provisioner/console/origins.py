"""Where a request comes from: under which name we were asked, and by whose page.

A page of a stranger can have the operator's browser ask us: as itself (cross-site requests), or after its
own name has come to mean our address (DNS rebinding). The first is told by what browsers say of a
request, the second by the name in Host, which is the stranger's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from werkzeug import Request

from provisioner.console.refusals import API, Refusal
from provisioner.hosts import HOST
from provisioner.web.proxies import DIRECT

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1)."""

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")


def check_host(request: Request, names: Collection[str]) -> None:
    """Raise Refusal 400 or 421 if we were asked under a name that isn't ours.

    `names` are lower-case. An address is nobody's name, and so is always ours; `localhost` is too, which
    browsers resolve by themselves (RFC 6761 section 6.3). Where a proxy's word was believed, the name that
    the proxy itself used counts as well: a page may write any X-Forwarded-Host.
    """
    environ = request.environ
    _, direct = environ.get(DIRECT) or ("", environ.get("HTTP_HOST", ""))
    for written in (direct, environ.get("HTTP_HOST", "")):
        _check_name(written, names)


def is_browser(request: Request) -> bool:
    """Return whether a browser asks: each sends a language, which its pages can change and not take away."""
    return "HTTP_ACCEPT_LANGUAGE" in request.environ or "HTTP_SEC_FETCH_MODE" in request.environ


def comes_from_elsewhere(request: Request) -> bool:
    """Return whether the operator followed another site's link to us: such a request has no session.

    That cookie is SameSite=Strict; the same request from our own page has it.
    """
    headers = request.headers
    moves = headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET"
    return moves and headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


def _check_name(written: str, names: Collection[str]) -> None:
    found = HOST.fullmatch(written)
    if found is None:
        raise Refusal(400, "the request has no Host that could be ours")
    name = found["name"].lower().rstrip(".")
    if name in names or name == "localhost" or name.endswith(".localhost") or _is_address(name):
        return
    raise Refusal(
        421,
        f"this console isn't called {name}: ask it by its address, or name it in config"
        f" (`server: {{console: {{hosts: [{name}]}}}}`)",
    )


def check_origin(request: Request) -> None:
    """Raise Refusal 403 if another site's page sent a request that changes something.

    As Go's CrossOriginProtection decides it: Sec-Fetch-Site, which no page can write; where it is missing
    (older browsers, or plain http) Origin must name the host that was asked; where both are missing it is
    no browser. Raises Refusal 415 for what a form could send to the API, which takes JSON.
    """
    if request.method in SAFE:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    same = site in ("same-origin", "none")
    if site is None:
        same = origin is None or origin.partition("://")[2].lower() == request.host.lower()
    if not same:
        raise Refusal(403, "another site's page asked for this, so nothing was done")
    if request.path.startswith(API) and request.mimetype in _FORMS:
        raise Refusal(415)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
