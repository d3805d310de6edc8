"""The console's cookies: sent to nobody else, read by no script, and over https never without it.

They are named for the port, because browsers share cookies between all ports of a host: two consoles on
one machine would sign each other out.
"""

from __future__ import annotations

import re

from flask import request
from werkzeug.wrappers import Response

_SECURE = "__Host-"
"""What browsers take over https alone, and from this very host (RFC 6265bis section 4.1.3.2)."""


def is_https() -> bool:
    """Return whether the browser came by https, as far as it or a believed proxy says."""
    return request.is_secure or request.headers.get("Origin", "").startswith("https://")


def get(name: str) -> str | None:
    """Return one of our cookies; None if it isn't there."""
    plain = _named(name)
    return request.cookies.get(_SECURE + plain) or request.cookies.get(plain) or None


def keep(response: Response, name: str, value: str, max_age_s: int | None = None) -> None:
    """Have the browser keep a cookie: for so long, or until it is closed."""
    secure = is_https()
    response.set_cookie(
        (_SECURE if secure else "") + _named(name),
        value,
        max_age=max_age_s,
        secure=secure,
        httponly=True,
        samesite="Strict",
    )


def drop(response: Response, name: str) -> None:
    """Have the browser forget a cookie, however it was set."""
    for prefix in (_SECURE, ""):
        secure = bool(prefix)
        response.delete_cookie(
            prefix + _named(name), secure=secure, httponly=True, samesite="Strict"
        )


SESSION = "session"


def session() -> str | None:
    """Return the text of the session that the browser has."""
    return get(SESSION)


def _named(name: str) -> str:
    port = re.search(r":(\d+)$", request.host)
    return f"provisioner_{name}" + (f"_{port[1]}" if port else "")
