"""Client credentials: an application's id and secret buy an access token for an hour.

There is no refresh token: whoever holds an expired one asks anew. Errors here are Microsoft Entra's
(AADSTS…), not Graph's.
Source: Microsoft identity platform, "OAuth 2.0 client credentials flow".
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from flask import Blueprint, Response, jsonify, request

from .account import Tenant, current_tenant
from .errors import GraphError

blueprint = Blueprint("teams_auth", __name__)

SCOPE_ENDS = "/.default"
REMEMBERED_S = 86_400


@blueprint.post("/<tenant_name>/oauth2/v2.0/token")
def grant_token(tenant_name: str) -> Response:
    """Give an access token for `grant_type=client_credentials` and a scope that ends in /.default."""
    tenant = current_tenant()
    options, given = tenant.options, request.form
    if not _is(tenant_name, options.tenant):
        return _refuse(tenant, 400, "invalid_request", 90002, f"Tenant '{tenant_name}' not found.")
    if not given.get("grant_type"):
        text = "The request body must contain the following parameter: 'grant_type'."
        return _refuse(tenant, 400, "invalid_request", 900144, text)
    if given["grant_type"] != "client_credentials":
        text = "The app requested an unsupported grant type."
        return _refuse(tenant, 400, "unsupported_grant_type", 70003, text)
    if not _is(given.get("client_id"), options.client_id):
        text = f"Application with identifier '{given.get('client_id')}' was not found."
        return _refuse(tenant, 400, "unauthorized_client", 700016, text)
    if not given.get("client_assertion") and not _is(
        given.get("client_secret"), options.client_secret
    ):
        return _refuse(tenant, 401, "invalid_client", 7000215, "Invalid client secret provided.")
    if not given.get("scope", "").endswith(SCOPE_ENDS):
        text = f"The provided value for scope {given.get('scope', '')} is not valid."
        return _refuse(tenant, 400, "invalid_scope", 1002012, text)
    return jsonify(
        token_type="Bearer",  # noqa: S106 - the token's type
        expires_in=options.token_life_s,
        ext_expires_in=options.token_life_s,
        access_token=_new_token(tenant),
    )


def _new_token(tenant: Tenant) -> str:
    token = secrets.token_urlsafe(48)
    now = tenant.now_s()
    for old, expires in list(tenant.tokens.items()):
        if expires < now - REMEMBERED_S:
            tenant.tokens.pop(old, None)
    tenant.tokens[token] = now + tenant.options.token_life_s
    return token


def _is(given: str | None, wanted: str | None) -> bool:
    """Return whether what was shown is what is wanted; None wants anything that isn't empty."""
    if wanted is None:
        return bool(given)
    return hmac.compare_digest((given or "").encode(), wanted.encode())


def _refuse(tenant: Tenant, status: int, error: str, code: int, text: str) -> Response:
    body: dict[str, Any] = {
        "error": error,
        "error_description": f"AADSTS{code}: {text}",
    }
    if status == 400:
        body |= {"error_codes": [code], "timestamp": f"{tenant.now():%Y-%m-%d %H:%M:%SZ}"}
    response = jsonify(body)
    response.status_code = status
    return response


def check_token(tenant: Tenant, header: str | None) -> None:
    """Raise 401 unless the Authorization header bears an access token that is still good."""
    kind, _, token = (header or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise _unauthorized("Access token is empty.")
    expires = tenant.tokens.get(token)
    if expires is None:
        raise _unauthorized("IDX14100: JWT is not well formed.")
    if expires <= tenant.now_s():
        raise _unauthorized("Lifetime validation failed, the token is expired.")


def _unauthorized(text: str) -> GraphError:
    return GraphError(401, "InvalidAuthenticationToken", text, {"WWW-Authenticate": "Bearer"})
