"""Tokens: who may speak to the receiver, for which sync, to read or to write.

A token is `prov_PREFIX_SECRET`. The beginning is no secret: it finds the row, it names the token in
lists and logs, and scanners for leaked secrets know it. The rest is 256 random bits, so a plain
SHA-256 of the whole is enough to keep: nobody can try them out, whereas a slow hash, which is there
for what people think up, would cost every request what it costs a thief.

Three kinds are in one table: a bearer token, the secret of an OAuth client, and the short-lived
access token that such a client is given; the last are rows too, not signed statements, so that
whoever steals a copy of the store can sign nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, or_, select, update

from provisioner import who
from provisioner.store.audit import Entry, append
from provisioner.store.moments import moment, written
from provisioner.store.tables import tokens

Kind = Literal["bearer", "client", "access"]
Scope = Literal["read", "write"]

BEGINNING = "prov_"
"""What every token begins with."""

USE_IS_NOTED = timedelta(minutes=1)
"""How exact `last_used_at` is: a request seldom costs a write."""

MAX_ACCESS_TOKENS = 100
"""Live access tokens of one client; who asks for more loses the oldest."""

BELIEVED_S = 1.0
"""Seconds for which a process goes on with what it looked up: an end made early reaches all by then."""

_BY_PREFIX = select(tokens).where(tokens.c.prefix == bindparam("prefix"))  # every request asks
_TOKEN = re.compile(rf"({BEGINNING}[0-9a-f]{{12}})_[0-9a-f]{{64}}")


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of one token. Moments are aware, UTC; `client` is an access token's, by prefix."""

    prefix: str
    name: str
    kind: Kind
    sync: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    client: str | None
    sha256: str = field(repr=False)

    def live(self, now: datetime) -> bool:
        """Return whether it opens anything at that moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def prefix_of(text: str) -> str | None:
    """Return what finds a token's row, None for what can't be a token of ours."""
    whole = _TOKEN.fullmatch(text)
    return whole and whole[1]


def create(
    connection: Connection,
    name: str,
    *,
    sync: str,
    scope: Scope,
    now: datetime,
    expires_at: datetime | None,
    kind: Kind = "bearer",
    client: str | None = None,
) -> str:
    """Record a new token and return it whole: this is the only moment at which anybody has it."""
    prefix = f"{BEGINNING}{secrets.token_hex(6)}"
    text = f"{prefix}_{secrets.token_hex(32)}"
    connection.execute(
        tokens.insert().values(
            prefix=prefix,
            name=name,
            kind=kind,
            sha256=_sha256(text),
            sync=sync,
            scope=scope,
            client=client,
            created_at=written(now),
            expires_at=None if expires_at is None else written(expires_at),
        )
    )
    if kind != "access":
        ends = None if expires_at is None else written(expires_at)
        _record(connection, "token.created", prefix, name, sync, now, scope=scope, expires_at=ends)
    return text


def find(connection: Connection, text: str) -> Token | None:
    """Return the token that a text is, live or not; None if it is none of ours."""
    prefix = prefix_of(text)
    if prefix is None:
        return None
    row = connection.execute(_BY_PREFIX, {"prefix": prefix}).first()
    if row is None or not hmac.compare_digest(row.sha256, _sha256(text)):
        return None
    return _token(row)


def listed(connection: Connection, now: datetime, *, ended: bool = False) -> list[Token]:
    """Return tokens and clients by name, the oldest first; those that `ended` only if asked for."""
    asked = select(tokens).where(tokens.c.kind != "access")
    found = connection.execute(asked.order_by(tokens.c.name, tokens.c.created_at, tokens.c.prefix))
    return [token for token in map(_token, found) if ended or token.live(now)]


def named(connection: Connection, name: str, now: datetime) -> list[Token]:
    """Return the live tokens and clients of a name or a prefix."""
    return [token for token in listed(connection, now) if name in (token.name, token.prefix)]


def revoke(connection: Connection, found: Iterable[Token], now: datetime) -> None:
    """End tokens for good, with the access tokens of those that are clients."""
    for token in found:
        _record(connection, "token.revoked", token.prefix, token.name, token.sync, now)
        connection.execute(
            update(tokens)
            .where(_theirs(token), tokens.c.revoked_at.is_(None))
            .values(revoked_at=written(now))
        )


def end_at(connection: Connection, found: Iterable[Token], end: datetime, now: datetime) -> None:
    """Have tokens expire at a moment, unless they do before."""
    later = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > written(end))
    for token in found:
        ends = {"expires_at": written(end)}
        _record(connection, "token.ends", token.prefix, token.name, token.sync, now, **ends)
        connection.execute(update(tokens).where(_theirs(token), later).values(**ends))


def note_use(connection: Connection, prefix: str, now: datetime) -> None:
    """Note that a token was used, unless that was noted a moment ago."""
    connection.execute(
        update(tokens)
        .where(
            tokens.c.prefix == prefix,
            or_(
                tokens.c.last_used_at.is_(None),
                tokens.c.last_used_at <= written(now - USE_IS_NOTED),
            ),
        )
        .values(last_used_at=written(now))
    )


def grant(connection: Connection, client: Token, scope: Scope, now: datetime, end: datetime) -> str:
    """Give an OAuth client an access token until `end`, and clear away what it had before.

    A client's own end cuts the access token's short.
    """
    ours = tokens.c.client == client.prefix
    newest = select(tokens.c.prefix).where(ours).order_by(tokens.c.created_at.desc())
    kept = newest.limit(MAX_ACCESS_TOKENS - 1).scalar_subquery()
    connection.execute(
        delete(tokens).where(
            ours, or_(tokens.c.expires_at <= written(now), tokens.c.prefix.not_in(kept))
        )
    )
    return create(
        connection,
        client.name,
        sync=client.sync,
        scope=scope,
        now=now,
        expires_at=end if client.expires_at is None else min(end, client.expires_at),
        kind="access",
        client=client.prefix,
    )


def _theirs(token: Token) -> ColumnElement[bool]:
    return or_(tokens.c.prefix == token.prefix, tokens.c.client == token.prefix)


def _record(
    connection: Connection,
    kind: str,
    prefix: str,
    name: str,
    sync: str,
    now: datetime,
    **more: str | None,
) -> None:
    detail = {"prefix": prefix, "name": name, **more, "by": who.login(), "version": who.version()}
    append(connection, [Entry(kind=kind, sync=sync, detail=detail)], now)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _token(row: Row[Any]) -> Token:
    return Token(
        prefix=row.prefix,
        name=row.name,
        kind=row.kind,
        sync=row.sync,
        scope=row.scope,
        created_at=moment(row.created_at),
        expires_at=_moment(row.expires_at),
        revoked_at=_moment(row.revoked_at),
        last_used_at=_moment(row.last_used_at),
        client=row.client,
        sha256=row.sha256,
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)
