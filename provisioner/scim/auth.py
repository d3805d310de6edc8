"""Who may ask what of the receiver: bearer tokens of our own, and JWTs of issuers that config names.

Whoever isn't known gets 401 in RFC 6750's forms, whatever they asked for. Whoever is known, but asks
for another sync, gets the same 404 as for a sync that isn't there: nobody learns who else is served
here. Only then comes what a token may do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine
from werkzeug import Request

from provisioner.scim.errors import ScimError
from provisioner.store.tokens import Scope, Token, prefix_of
from provisioner.token_book import TokenBook

CLIENT = "provisioner.client"
"""Where a request's environ names its Client, for the log and the metrics."""

REALM = 'Bearer realm="SCIM"'
KINDS = ("bearer", "access")
"""The tokens that open the receiver: a client's secret is for the token endpoint, an operator's for the console."""

WRITES: frozenset[Scope] = frozenset({"read", "write"})
READS: frozenset[Scope] = frozenset({"read"})


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: `name` as the token's maker called it; `sync` is the one that they may ask for.

    `key` tells this client from all others, for counting what they ask.
    """

    name: str
    sync: str
    scopes: frozenset[Scope]
    key: str


class Limiter(Protocol):
    """Counts what each client asks."""

    def wait(self, key: str) -> float:
        """Return for how many seconds a client must wait, 0 if this request may pass."""


class Jwts(Protocol):
    """Reads other issuers' tokens."""

    def client(self, text: str) -> Client:
        """Return whose token it is. Raises ScimError 401 if it isn't valid."""


class Authenticator:
    """The receiver's door. `now` tells the time (aware, UTC)."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        *,
        jwts: Jwts | None = None,
        limiter: Limiter | None = None,
    ) -> None:
        self.book = TokenBook(engine, now)
        self._now, self._jwts, self._limiter = now, jwts, limiter

    def admit(self, request: Request, sync: str | None) -> Client:
        """Return who asks for a sync's resources; None is a sync that there isn't.

        Raises ScimError: 401 for nobody we know, 404 for whoever may not ask for that sync, 429 if
        they ask too often, 403 if they may only read.
        """
        client = self.authenticate(request)
        if client.sync != sync:
            raise ScimError(404, "there is no such resource")
        if self._limiter is not None and (seconds := self._limiter.wait(client.key)) > 0:
            raise ScimError(
                429,
                "too many requests with this token; wait as Retry-After says",
                headers={"Retry-After": str(math.ceil(seconds))},
            )
        needed: Scope = "write" if writes(request) else "read"
        if needed not in client.scopes:
            raise _refused(403, f"this token may not {needed}", "insufficient_scope", needed)
        return client

    def authenticate(self, request: Request) -> Client:
        """Return who asks. Raises ScimError 401."""
        client = self._client(credentials(request))
        request.environ[CLIENT] = client
        return client

    def _client(self, text: str) -> Client:
        if self._jwts is not None and text.count(".") == 2:
            return self._jwts.client(text)
        token = self.book.find(text) if prefix_of(text) else None
        if token is None or token.kind not in KINDS:
            raise invalid_token("the token isn't known")
        if not token.live(self._now()):
            # only whoever has the whole token learns that it was one
            raise invalid_token(f"the token {'was revoked' if token.revoked_at else 'has expired'}")
        self.book.used(token)
        return _client_of(token)


def credentials(request: Request) -> str:
    """Return a request's bearer token. Raises ScimError 401 where there is none."""
    scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise ScimError(
            401,
            "give a bearer token in the Authorization header",
            None,
            {"WWW-Authenticate": REALM},
        )
    return text.strip()


def writes(request: Request) -> bool:
    """Return whether a request would change something: a search by POST doesn't."""
    return request.method not in ("GET", "HEAD", "OPTIONS") and not (
        request.method == "POST" and request.path.rstrip("/").endswith("/.search")
    )


def invalid_token(why: str) -> ScimError:
    """A token that opens nothing (RFC 6750 section 3.1)."""
    return _refused(401, why, "invalid_token")


def _refused(status: int, why: str, error: str, scope: str | None = None) -> ScimError:
    wanted = f', scope="{scope}"' if scope else ""
    told = f'{REALM}, error="{error}", error_description="{why}"{wanted}'
    return ScimError(status, why, None, {"WWW-Authenticate": told})


def _client_of(token: Token) -> Client:
    scopes = WRITES if token.scope == "write" else READS
    return Client(token.name, token.sync, scopes, token.client or token.prefix)
