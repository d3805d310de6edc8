"""The console's cookies: sent to nobody else, read by no script, and over https never without it.

The session is not even sent when somebody follows another site's link to us (SameSite=Strict), the others are
(Lax): they let nobody in, and a form in another tab would lose what it is bound to if a page that was
opened so were given a new one.

They are named for the port, because browsers share cookies between all ports of a host: two consoles on
one machine would sign each other out.
"""

from __future__ import annotations

import re

from flask import request
from werkzeug.wrappers import Response

SESSION = "session"
_KEPT_S = 90 * 86_400
_SECURE = "__Host-"
"""What browsers take over https alone, and from this very host (RFC 6265bis section 4.1.3.2)."""


def is_https() -> bool:
    """Return whether the browser came by https, as far as it or a believed proxy says."""
    return request.is_secure or request.headers.get("Origin", "").startswith("https://")


def get(name: str) -> str | None:
    """Return one of our cookies; None if it isn't there."""
    plain = _named(name)
    return request.cookies.get(_SECURE + plain) or request.cookies.get(plain) or None


def keep(response: Response, name: str, value: str) -> None:
    """Have the browser keep a cookie: the session until it is closed, others for long."""
    secure, is_session = is_https(), name == SESSION
    response.set_cookie(
        (_SECURE if secure else "") + _named(name),
        value,
        max_age=None if is_session else _KEPT_S,
        secure=secure,
        httponly=True,
        samesite="Strict" if is_session else "Lax",
    )


def drop(response: Response, name: str) -> None:
    """Have the browser forget a cookie, however it was set."""
    for prefix in (_SECURE, ""):
        secure = bool(prefix)
        response.delete_cookie(
            prefix + _named(name), secure=secure, httponly=True, samesite="Strict"
        )


def session() -> str | None:
    """Return the text of the session that the browser has."""
    return get(SESSION)


def _named(name: str) -> str:
    port = re.search(r":(\d+)$", request.host)
    return f"provisioner_{name}" + (f"_{port[1]}" if port else "")
