"""Server-to-server OAuth: a client's id and secret buy an access token for an hour.

There is no refresh token: whoever holds an expired one asks anew. Several tokens may live at once.
Source: Zoom's "Using OAuth with server-to-server apps".
"""

from __future__ import annotations

import hmac
import secrets

from flask import Blueprint, Response, jsonify, request

from .account import Account, current_account
from .errors import ZoomError

blueprint = Blueprint("zoom_auth", __name__)

GRANT = "account_credentials"
REMEMBERED_S = 86_400
"""How long an expired token is told from one never given."""

SCOPES = "phone:read:admin phone:write:admin user:read:admin user:write:admin account:read:admin"


@blueprint.post("/oauth/token")
def grant_token() -> Response:
    """Give an access token for `grant_type=account_credentials` and `account_id` (query or form)."""
    account = current_account()
    given = request.values
    if not _knows_client(account):
        return _refuse(401, "invalid_client", "Invalid client_id or client_secret")
    if given.get("grant_type") != GRANT:
        return _refuse(400, "unsupported_grant_type", "unsupported grant type")
    wanted = account.options.account_id
    if not given.get("account_id") or wanted not in (None, given.get("account_id")):
        return _refuse(400, "invalid_request", "Bad Request")
    token = secrets.token_urlsafe(24)
    now = account.now_s()
    for old, expires in list(account.tokens.items()):
        if expires < now - REMEMBERED_S:
            account.tokens.pop(old, None)
    account.tokens[token] = now + account.options.token_life_s
    return jsonify(
        access_token=token,
        token_type="bearer",  # noqa: S106 - the token's type
        expires_in=account.options.token_life_s,
        scope=SCOPES,
        api_url=request.host_url.rstrip("/"),
    )


def _knows_client(account: Account) -> bool:
    basic = request.authorization
    if basic is None or basic.type != "basic":
        return False
    options = account.options
    return _is(basic.username, options.client_id) and _is(basic.password, options.client_secret)


def _is(given: str | None, wanted: str | None) -> bool:
    """Return whether what was shown is what is wanted; None wants anything that isn't empty."""
    if wanted is None:
        return bool(given)
    return hmac.compare_digest((given or "").encode(), wanted.encode())


def _refuse(status: int, error: str, reason: str) -> Response:
    response = jsonify(reason=reason, error=error)
    response.status_code = status
    return response


def check_token(account: Account) -> None:
    """Raise 401 code 124 unless the request bears an access token that is still good."""
    bearer = request.authorization
    token = bearer.token if bearer and bearer.type == "bearer" else None
    expires = account.tokens.get(token or "")
    if expires is None:
        raise ZoomError(401, 124, "Invalid access token.")
    if expires <= account.now_s():
        raise ZoomError(account.options.expired_token_status, 124, "Access token is expired.")
