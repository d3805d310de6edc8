"""JWTs of other issuers (RFC 7519): whoever an issuer in config vouches for may push.

A token is good if one of that issuer's keys signed it, with a method that the config allows, for this
audience, and now is between its `nbf` and `exp`, give or take a minute. `none` and methods with a
shared secret are never allowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jwt
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAudienceError,
    PyJWTError,
)

from provisioner.scim.auth import READS, WRITES, Client, invalid_token
from provisioner.scim.errors import ScimError
from provisioner.scim.jwt_keys import KeySet, NoKeys, from_file, from_url
from provisioner.server_config import JwtConfig
from provisioner.store.tokens import Scope

SKEW_S = 60
"""How far an issuer's clock may be from ours."""

LONGEST = 16_384
_NAMES = ("azp", "appid", "client_id", "sub")
_NONE: frozenset[Scope] = frozenset()


class Issuers:
    """The issuers that config names, and their keys. `only` is the sync of those that name none."""

    def __init__(self, configs: Sequence[JwtConfig], only: str) -> None:
        self._issuers = [
            (config, KeySet(_source(config)), config.sync or only) for config in configs
        ]

    def client(self, text: str) -> Client:
        """Return whose token it is. Raises ScimError 401, or 503 if the issuer's keys can't be had."""
        header, claimed = _unverified(text)
        ours = [each for each in self._issuers if each[0].issuer == claimed.get("iss")]
        if not ours:
            raise invalid_token("the token isn't of an issuer that is known here")
        # one issuer may open several syncs, each under an audience of its own
        config, keys, sync = next((each for each in ours if _is_for(claimed, each[0])), ours[0])
        return _client(_verified(text, header, config, keys), config, sync)


def _source(config: JwtConfig) -> Callable[[], bytes]:
    return from_file(config.jwks) if config.jwks else from_url(config.jwks_url or "")


def _unverified(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a token's header and claims, which anybody may have written."""
    if len(text) <= LONGEST:
        try:
            decoded = jwt.decode_complete(text, options={"verify_signature": False})
            return decoded["header"], decoded["payload"]
        except (PyJWTError, ValueError, RecursionError):
            pass
    raise invalid_token("the token can't be read")


def _is_for(claimed: dict[str, Any], config: JwtConfig) -> bool:
    audience = claimed.get("aud")
    return any(
        a in config.audience for a in (audience if isinstance(audience, list) else [audience])
    )


def _verified(text: str, header: dict[str, Any], config: JwtConfig, keys: KeySet) -> dict[str, Any]:
    alg, kid = header.get("alg"), header.get("kid")
    if alg not in config.algorithms:
        raise invalid_token("the token isn't signed in a way that is allowed")
    try:
        fitting = keys.fitting(kid, alg)
    except NoKeys as none:
        raise ScimError(
            503,
            "the issuer's keys can't be had just now",
            headers={"Retry-After": str(math.ceil(none.again_in_s))},
        ) from None
    if len(fitting) != 1:
        raise invalid_token("the token names no key of its issuer")
    try:
        return jwt.decode(
            text,
            key=fitting[0].public,
            algorithms=[alg],
            audience=config.audience,
            issuer=config.issuer,
            leeway=SKEW_S,
            options={"require": ["exp", "iss", "aud"]},
        )
    except ExpiredSignatureError:
        raise invalid_token("the token has expired") from None
    except ImmatureSignatureError:
        raise invalid_token("the token isn't valid yet") from None
    except InvalidAudienceError:
        raise invalid_token("the token is for another audience") from None
    except (PyJWTError, ValueError, TypeError):
        raise invalid_token("the token isn't valid") from None


def _client(claims: dict[str, Any], config: JwtConfig, sync: str) -> Client:
    found = (claims.get(claim) for claim in _NAMES)
    names = (n for n in found if isinstance(n, str) and 0 < len(n) <= 100 and n.isprintable())
    name = next(names, "jwt")
    return Client(name, sync, _scopes(claims, config), f"{config.issuer} {name}")


def _scopes(claims: dict[str, Any], config: JwtConfig) -> frozenset[Scope]:
    if config.scope_claim is None:
        return WRITES
    value = claims.get(config.scope_claim)
    given = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    if config.write in given:
        return WRITES
    return READS if config.read in given else _NONE
