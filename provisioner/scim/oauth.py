"""The token endpoint: OAuth 2 client credentials (RFC 6749 section 4.4), as Entra and Okta ask for it.

    POST /oauth/token   grant_type=client_credentials, with the client's id and secret in an
                        Authorization: Basic header or in the form

A client is made by `provisioner token create --oauth`. The answer is an access token for an hour, for
the sync and at most with the scope that the client was made for; scopes that aren't ours are left
out, as section 3.3 allows, because providers send what their form was filled with.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import unquote_plus

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import Engine
from werkzeug import Request

from provisioner.scim.auth import CLIENT, Client, Limiter
from provisioner.store import tokens as token_store
from provisioner.store.database import reading
from provisioner.store.tokens import Scope, Token

ACCESS_LASTS = timedelta(hours=1)
MAX_BODY = 16_384
_FORM = "application/x-www-form-urlencoded"
_BASIC = {"WWW-Authenticate": 'Basic realm="SCIM"'}


class OAuthError(Exception):
    """A request that is answered with RFC 6749's error body (section 5.2)."""

    def __init__(
        self, error: str, why: str, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(why)
        self.error, self.status, self.headers = error, status, headers or {}


def blueprint(
    engine: Engine, now: Callable[[], datetime], limiter: Limiter | None = None
) -> Blueprint:
    """Return the route, on an open store. `now` tells the time (aware, UTC)."""
    routes = Blueprint("oauth", __name__)

    @routes.post("/oauth/token", strict_slashes=False)
    def token() -> Response:
        form = _form(request)
        client = _client(engine, *_credentials(request, form), now())
        request.environ[CLIENT] = Client(client.name, client.sync, frozenset(), client.prefix)
        _refuse_haste(limiter, client)
        if form.get("grant_type") != "client_credentials":
            named = "grant_type" in form
            raise OAuthError(
                "unsupported_grant_type" if named else "invalid_request",
                "grant_type must be client_credentials",
            )
        scope = _scope(form.get("scope", ""), client)
        with engine.begin() as connection:
            moment = now()  # the store may have kept us waiting, and only the newest tokens live
            token_store.note_use(connection, client.prefix, moment)
            text = token_store.grant(connection, client, scope, moment, moment + ACCESS_LASTS)
        return _answer(200, _granted(text, scope, client, moment))

    @routes.errorhandler(OAuthError)
    def refuse(error: OAuthError) -> Response:
        response = _answer(error.status, {"error": error.error, "error_description": str(error)})
        response.headers.extend(error.headers)
        return response

    return routes


def _form(request: Request) -> dict[str, str]:
    """Return the form's parameters; an empty one counts as left out (section 3.1)."""
    if request.mimetype != _FORM:
        raise OAuthError("invalid_request", f"the body must be {_FORM}")
    request.max_content_length = MAX_BODY + 1
    # of a body that comes in chunks no more is read than that, without a word
    if (request.content_length or 0) > MAX_BODY or len(request.get_data()) > MAX_BODY:
        raise OAuthError("invalid_request", f"the body must have at most {MAX_BODY} bytes")
    lists = request.form.to_dict(flat=False)
    if any(len(values) > 1 for values in lists.values()):
        raise OAuthError("invalid_request", "a parameter is there twice")
    return {name: value for name, (value,) in lists.items() if value}


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str, bool]:
    """Return the client's id and secret, and whether they came in the header."""
    header = request.headers.get("Authorization")
    if header is None:
        if "client_id" not in form or "client_secret" not in form:
            raise OAuthError("invalid_client", "give client_id and client_secret", 401, _BASIC)
        return form["client_id"], form["client_secret"], False
    if "client_secret" in form:
        raise OAuthError("invalid_request", "give the credentials once: in the header or the form")
    scheme, _, encoded = header.strip().partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        pair = ""
    name, colon, secret = pair.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise OAuthError("invalid_client", "the Authorization header can't be read", 401, _BASIC)
    return name, secret, True


def _client(engine: Engine, name: str, secret: str, basic: bool, now: datetime) -> Token:
    """Return the client whose credentials these are; in the header they may be form-encoded, too."""
    with reading(engine) as connection:
        found = token_store.find(connection, secret)
    names = {name, unquote_plus(name)} if basic else {name}
    if found is None or found.kind != "client" or found.name not in names or not found.live(now):
        raise OAuthError(
            "invalid_client", "client id and secret don't match a live client", 401, _BASIC
        )
    return found


def _refuse_haste(limiter: Limiter | None, client: Token) -> None:
    seconds = limiter.wait(client.prefix) if limiter else 0
    if seconds > 0:
        wait = {"Retry-After": str(int(seconds) + 1)}
        raise OAuthError("temporarily_unavailable", "too many requests", 429, wait)


def _scope(asked: str, client: Token) -> Scope:
    """Return what is granted: what was asked for, within what the client may."""
    if not (asked.isascii() and asked.isprintable()):
        raise OAuthError("invalid_scope", "scope must be printable ASCII")
    wanted = set(asked.split()) & {"read", "write"}
    return "read" if client.scope == "read" or wanted == {"read"} else "write"


def _granted(text: str, scope: Scope, client: Token, moment: datetime) -> dict[str, str | int]:
    left = ACCESS_LASTS if client.expires_at is None else client.expires_at - moment
    return {
        "access_token": text,
        "token_type": "Bearer",
        "expires_in": int(min(left, ACCESS_LASTS).total_seconds()),
        "scope": scope,
    }


def _answer(status: int, body: dict[str, str] | dict[str, str | int]) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
