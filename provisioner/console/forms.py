"""What a form carries to prove that it is ours: a text that only who was given the form can know.

It is bound to the session, or, where there is none, to a cookie of this browser and the operator's name.
The check of where a request comes from (origins.py) should stop others before; this holds where a browser
says nothing of that.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flask import Response, g, request
from markupsafe import Markup

from provisioner.console import cookies
from provisioner.console.operators import Operator
from provisioner.console.refusals import Refusal

FIELD = "csrf"
HEADER = "X-CSRF-Token"
_VISIT = "visit"
_KEY = secrets.token_bytes(32)


def csrf_field() -> Markup:
    """Return the hidden field that every form which changes something must have."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, csrf_token())


def csrf_token() -> str:
    """Return what the field holds; a script sends it as X-CSRF-Token."""
    if "session" not in g and "visit" not in g:
        g.visit = cookies.get(_VISIT) or secrets.token_urlsafe(24)
    return _token()


def check_form() -> None:
    """Raise Refusal 403 unless the request has the text that its form was given."""
    g.visit = cookies.get(_VISIT) or ""
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    known = "session" in g or bool(g.visit)
    if not (known and hmac.compare_digest(given.encode(), _token().encode())):
        raise Refusal(
            403, "this form is too old or not ours, so nothing was done: load its page again"
        )


def keep_visit(response: Response) -> None:
    """Have the browser keep what its forms are bound to, if one was given out."""
    visit = g.get("visit")
    if visit and visit != cookies.get(_VISIT):
        cookies.keep(response, _VISIT, visit)


def _token() -> str:
    if (session := g.get("session")) is not None:
        return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()
    asking: Operator | None = g.get("operator")
    name = "" if asking is None else asking.name or ""
    return hmac.new(_KEY, f"{g.visit}\n{name}".encode(), hashlib.sha256).hexdigest()
