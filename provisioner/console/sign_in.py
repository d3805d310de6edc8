"""Signing in and out: a token is shown once, and the browser has a session for it.

GET  /sign-in   the form; `next` is where to go then
POST /sign-in   `token`: a session that ends with it, after twelve hours, or at sign-out
POST /sign-out  the session is gone
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote, urlencode

from flask import Blueprint, g, redirect, request
from markupsafe import Markup
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from provisioner.console import cookies, forms
from provisioner.console.admission import Admission
from provisioner.console.forms import csrf_field
from provisioner.console.operators import for_readers, open_to_all
from provisioner.console.refusals import Refusal
from provisioner.store import tokens as token_store
from provisioner.store.audit import Entry, append
from provisioner.wiring import Site

SESSION_LASTS = timedelta(hours=12)
PATH = "/sign-in"

_HERE = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")

SignInPage = Callable[[str | None, str], str]
"""Draws the form, from what went wrong, if anything, and from where to go then."""


def plain_sign_in(problem: str | None, following: str) -> str:
    """Return the barest form that signs somebody in."""
    said = Markup('<p role="alert">{}</p>').format(problem) if problem else ""
    return Markup(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<main><h1>Sign in</h1>{}<form method="post" action="{}{}">{}'
        '<input type="hidden" name="next" value="{}"><label>Token '
        '<input type="password" name="token" autocomplete="current-password" required autofocus>'
        "</label> <button>Sign in</button></form></main></html>"
    ).format(said, request.script_root, PATH, csrf_field(), following)


def blueprint(
    site: Callable[[], Site],
    admission: Admission,
    needed: Callable[[], bool],
    page: Callable[[], SignInPage],
) -> Blueprint:
    """Return the routes. `needed`: whether anybody signs in here; `page` gives what draws the form."""
    routes = Blueprint("sign_in", __name__)

    @routes.get(PATH)
    @open_to_all
    def form() -> str | Response:
        following = _following(request.args.get("next"))
        return page()(None, following) if needed() else _go(following)

    @routes.post(PATH)
    @open_to_all
    def sign_in() -> str | Response | tuple[str, int, dict[str, str]]:
        following = _following(request.form.get("next"))
        if not needed():
            return _go(following)
        forms.check_form()
        try:
            token = admission.shown(request.form.get("token", "").strip())
        except Refusal as refusal:
            return page()(refusal.detail, following), refusal.status, refusal.headers
        moment = site().now()
        with site().engine.begin() as connection:
            text = token_store.grant(
                connection, token, token.scope, moment, moment + SESSION_LASTS, "session"
            )
            said = {"name": token.name, "prefix": token.prefix}
            append(connection, [Entry(kind="console.signed_in", detail=said)], moment)
        answer = _go(following)
        cookies.keep(answer, cookies.SESSION, text)
        return answer

    @routes.post("/sign-out")
    @for_readers
    def sign_out() -> Response:
        if "session" in g:
            _hand_back(site().engine, admission, g.session)
        answer = _go(PATH if needed() else "/")
        cookies.drop(answer, cookies.SESSION)
        return answer

    return routes


def to_sign_in() -> Response:
    """Return the way to the form, and from there to the page that was asked for."""
    return _go(PATH, None if request.full_path == "/?" else here())


def here() -> str:
    """Return the address that was asked for, from our root on, as it is written in a link."""
    query = request.query_string.decode("latin-1")
    return quote(request.path, safe="/:@!$&'()*+,;=-._~") + (f"?{query}" if query else "")


def _hand_back(engine: Engine, admission: Admission, text: str) -> None:
    given = admission.book.find(text)
    if given is not None:
        with engine.begin() as connection:
            token_store.hand_back(connection, given)
    admission.book.forget(text)


def _following(text: str | None) -> str:
    """Return the page of ours that a text names, else the first one: nobody is sent elsewhere."""
    return text if text and _HERE.fullmatch(text) else "/"


def _go(path: str, following: str | None = None) -> Response:
    query = f"?{urlencode({'next': following})}" if following else ""
    return redirect(f"{request.script_root}{path}{query}", 303)
