"""Tokens: who may speak to the receiver or to the console, for which sync, to read or to write.

A token is `prov_PREFIX_SECRET`. The beginning is no secret: it finds the row, it names the token in
lists and logs, and scanners for leaked secrets know it. The rest is 256 random bits, so a plain
SHA-256 of the whole is enough to keep: nobody can try them out, whereas a slow hash, which is there
for what people think up, would cost every request what it costs a thief.

The receiver knows a bearer token, the secret of an OAuth client, and the short-lived access token that
such a client is given; the console an operator's token, and the session that a browser is given for it.
All are in one table, each opens its own door only, and those that are given are rows too, not signed
statements, so that whoever steals a copy of the store can sign nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, or_, select, update

from provisioner import who
from provisioner.store.audit import Entry, append
from provisioner.store.moments import moment, written
from provisioner.store.tables import tokens

Kind = Literal["bearer", "client", "access", "console", "session"]
Given = Literal["access", "session"]
"""What is made of another token, for a while: it ends with that one, and no list shows it."""
Scope = Literal["read", "write"]

BEGINNING = "prov_"
"""What every token begins with."""

EVERY = "*"
"""What stands for every sync, in an operator's token."""

USE_IS_NOTED = timedelta(minutes=1)
"""How exact `last_used_at` is: a request seldom costs a write."""

MAX_GIVEN = 100
"""Live access tokens of one client, or sessions of one operator's token; more end the oldest."""

BELIEVED_S = 1.0
"""Seconds for which a process goes on with what it looked up: an end made early reaches all by then."""

_owners = tokens.alias("owners")
_BY_PREFIX = (  # every request asks
    select(
        tokens,
        _owners.c.revoked_at.label("owner_revoked"),
        _owners.c.expires_at.label("owner_ends"),
    )
    .select_from(tokens.outerjoin(_owners, _owners.c.prefix == tokens.c.client))
    .where(tokens.c.prefix == bindparam("prefix"))
)
_TOKEN = re.compile(rf"({BEGINNING}[0-9a-f]{{12}})_[0-9a-f]{{64}}")


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of one token. Moments are aware, UTC.

    `sync` is the one that it is for; an operator's, and a session's, may have several with commas, or
    EVERY. `client`: of which token, by prefix, an access token or a session was given.
    """

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

    @property
    def syncs(self) -> frozenset[str] | None:
        """The syncs that it is for; None for every one."""
        return None if self.sync == EVERY else frozenset(self.sync.split(","))

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
    if client is None:
        ends = None if expires_at is None else written(expires_at)
        _record(connection, "token.created", prefix, name, sync, now, scope=scope, expires_at=ends)
    return text


def find(connection: Connection, text: str) -> Token | None:
    """Return the token that a text is, live or not; None if it is none of ours.

    What was given for another token has ended with that one, also where it was given while that ended.
    """
    prefix = prefix_of(text)
    if prefix is None:
        return None
    row = connection.execute(_BY_PREFIX, {"prefix": prefix}).first()
    if row is None or not hmac.compare_digest(row.sha256, _sha256(text)):
        return None
    token, revoked, ends = _token(row), _moment(row.owner_revoked), _moment(row.owner_ends)
    if ends is not None and (token.expires_at is None or ends < token.expires_at):
        token = replace(token, expires_at=ends)
    return token if revoked is None else replace(token, revoked_at=token.revoked_at or revoked)


def listed(connection: Connection, now: datetime, *, ended: bool = False) -> list[Token]:
    """Return tokens and clients by name, the oldest first; those that `ended` only if asked for."""
    asked = select(tokens).where(tokens.c.client.is_(None))
    found = connection.execute(asked.order_by(tokens.c.name, tokens.c.created_at, tokens.c.prefix))
    return [token for token in map(_token, found) if ended or token.live(now)]


def named(connection: Connection, name: str, now: datetime) -> list[Token]:
    """Return the live tokens and clients of a name or a prefix."""
    return [token for token in listed(connection, now) if name in (token.name, token.prefix)]


def revoke(connection: Connection, found: Iterable[Token], now: datetime) -> None:
    """End tokens for good, with the access tokens and sessions that were given for them."""
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


def grant(
    connection: Connection,
    client: Token,
    scope: Scope,
    now: datetime,
    end: datetime,
    kind: Given = "access",
) -> str:
    """Give an OAuth client an access token, or an operator a session, until `end`; return it whole.

    Clears away what they had before. A client's own end cuts it short.
    """
    ours = tokens.c.client == client.prefix
    newest = select(tokens.c.prefix).where(ours).order_by(tokens.c.created_at.desc())
    kept = newest.limit(MAX_GIVEN - 1).scalar_subquery()
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
        kind=kind,
        client=client.prefix,
    )


def hand_back(connection: Connection, given: Token) -> None:
    """Forget an access token or a session that its owner needs no more."""
    connection.execute(
        delete(tokens).where(tokens.c.prefix == given.prefix, tokens.c.client.is_not(None))
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
    if several := sync == EVERY or "," in sync:
        detail["syncs"] = sync
    append(connection, [Entry(kind=kind, sync=None if several else sync, detail=detail)], now)


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
