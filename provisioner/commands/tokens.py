"""`provisioner token`: made, rotated, listed and revoked.

A token is printed once, alone on stdout, so that a script can take it from there; everything else
is said on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.cells import cell_len

from connectors.errors import RunError
from provisioner.commands.plans import site_of
from provisioner.config import Config
from provisioner.plan.document import instant
from provisioner.report.document import dumped
from provisioner.report.figures import visible
from provisioner.report.text import Page, padded
from provisioner.store import tokens as token_store
from provisioner.store.database import reading
from provisioner.store.tokens import (
    BEGINNING,
    BELIEVED_S,
    EVERY,
    Kind,
    Scope,
    Token,
    prefix_of,
)

COLUMNS = ("name", "prefix", "kind", "scope", "sync", "created", "expires", "last used")
LONGEST_NAME = 100


def run_create(
    config: Path,
    name: str,
    scope: Scope,
    syncs: Sequence[str],
    expires: timedelta | None,
    kind: Kind,
) -> int:
    """Make a token (`bearer`), an OAuth client's secret or an operator's token, and print it."""
    _refuse_name(name)
    site = site_of(config, outside=False)
    if kind == "console":
        sync = operators_syncs(site.config, syncs)
    else:
        sync = pushed_sync(site.config, syncs[0] if syncs else None)
    now = site.now()
    end = None if expires is None else now + expires
    with site.engine.begin() as connection:
        others = token_store.named(connection, name, now)
        text = token_store.create(
            connection, name, sync=sync, scope=scope, now=now, expires_at=end, kind=kind
        )
    click.echo(text)
    _tell(_made(name, sync, scope, end, kind))
    if others:
        _tell(f"older ones of that name go on working: {', '.join(t.prefix for t in others)}")
    return 0


def run_rotate(
    config: Path, name: str, overlap: timedelta, sync: str | None, expires: timedelta | None
) -> int:
    """Make the successor of a token, print it, and have the old ones of its name end."""
    name = _without_secret(name)
    site = site_of(config, outside=False)
    now = site.now()
    with site.engine.begin() as connection:
        old = _meant(token_store.named(connection, name, now), name, sync)
        _refuse_mixture(old, name)
        model = old[-1]
        term = model.expires_at and model.expires_at - model.created_at
        end = None if (expires or term) is None else now + (expires or term or timedelta())
        text = token_store.create(
            connection,
            model.name,
            sync=model.sync,
            scope=model.scope,
            now=now,
            expires_at=end,
            kind=model.kind,
        )
        token_store.end_at(connection, old, now + overlap, now)
    click.echo(text)
    _tell(_made(model.name, model.sync, model.scope, end, model.kind))
    _tell(f"{', '.join(t.prefix for t in old)}: works until {instant(now + overlap)} at the latest")
    if not overlap:
        site.stop.sleep(BELIEVED_S)
    return 0


def run_revoke(config: Path, name: str, sync: str | None) -> int:
    """End tokens, and come back when no process takes them any more."""
    name = _without_secret(name)
    site = site_of(config, outside=False)
    now = site.now()
    with site.engine.begin() as connection:
        found = _meant(token_store.named(connection, name, now), name, sync)
        token_store.revoke(connection, found, now)
    site.stop.sleep(BELIEVED_S)
    for token in found:
        click.echo(f"revoked: {token.name} ({token.prefix}) for {_whose(token.kind, token.sync)}")
    return 0


def run_list(config: Path, form: str, *, ended: bool) -> int:
    """Print the tokens, as a table or as JSON."""
    site = site_of(config, outside=False)
    now = site.now()
    with reading(site.engine) as connection:
        found = token_store.listed(connection, now, ended=ended)
    if form == "json":
        click.echo(dumped({"tokens": [document(token) for token in found]}))
    else:
        _write_table([_row(token, now) for token in found])
    return 0


def document(token: Token) -> dict[str, Any]:
    """Return what may be told of a token, as JSON; moments in UTC."""
    return {
        "name": token.name,
        "prefix": token.prefix,
        "kind": token.kind,
        "scope": token.scope,
        "sync": token.sync,
        "created_at": instant(token.created_at),
        "expires_at": _instant(token.expires_at, None),
        "last_used_at": _instant(token.last_used_at, None),
        "revoked_at": _instant(token.revoked_at, None),
    }


def pushed_sync(config: Config, name: str | None) -> str:
    """Return the sync that a token is for: the one named, or the only one with a pushed directory.

    Raises RunError where that one has none, or where there are several to choose from.
    """
    pushed = config.pushed
    if not pushed:
        raise RunError(
            "no sync has a `pushed` directory, so there is nothing that a token would open",
            remedy="add {kind: pushed, name: …} to a sync's directories",
        )
    if name is None and len(pushed) > 1:
        raise RunError(
            "several syncs have a `pushed` directory",
            remedy=f"give --sync with one of: {', '.join(pushed)}",
        )
    if name is not None and name not in pushed:
        what = "has no `pushed` directory" if name in config.syncs else "isn't in the config"
        raise RunError(f"sync {name!r} {what}", remedy=f"--sync takes: {', '.join(pushed)}")
    return name or pushed[0]


def operators_syncs(config: Config, names: Sequence[str]) -> str:
    """Return the syncs that an operator sees, as a token has them: every one, unless some are named.

    Raises RunError for a name that isn't in the config.
    """
    for name in names:
        if name not in config.syncs:
            known = ", ".join(config.syncs)
            raise RunError(f"sync {name!r} isn't in the config", remedy=f"--sync takes: {known}")
    return ",".join(sorted(set(names))) or EVERY


def _refuse_name(name: str) -> None:
    """Raise RunError for a name that a log, a list or an OAuth client can't carry."""
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()):
        raise RunError(
            f"{name!r} is no name for a token",
            remedy=f"give 1 to {LONGEST_NAME} letters that can be printed",
        )
    if ":" in name or name.startswith(BEGINNING):
        raise RunError(
            f"{name!r} is no name for a token",
            remedy=f"a name has no colon, and begins otherwise than with {BEGINNING}",
        )


def _without_secret(name: str) -> str:
    """Return a token's prefix for the whole of it: who finds one that leaked has nothing else to name it by."""
    return prefix_of(name.strip()) or name


def _meant(found: list[Token], name: str, sync: str | None) -> list[Token]:
    """Return the tokens of one sync that are meant, the oldest first. Raises RunError if unclear."""
    ours = [token for token in found if sync in (None, token.sync)]
    if not ours:
        raise RunError(
            f"there is no live token {name!r}{f' for sync {sync}' if sync else ''}",
            remedy="`provisioner token list` shows those that there are",
        )
    if len({token.sync for token in ours}) > 1:
        syncs = ", ".join(sorted({token.sync for token in ours}))
        raise RunError(
            f"several syncs have a token {name!r}",
            remedy=f"give its prefix, or --sync with one of: {syncs}",
        )
    return ours


def _refuse_mixture(old: list[Token], name: str) -> None:
    if len({(token.kind, token.scope) for token in old}) > 1:
        raise RunError(
            f"the tokens {name!r} differ in kind or scope, so their successor isn't clear",
            remedy="give the prefix of one of them",
        )


def _made(name: str, sync: str, scope: Scope, end: datetime | None, kind: Kind) -> str:
    what = f"token {name!r}"
    if kind == "client":
        what = f"client secret (client id {name!r}; token endpoint /oauth/token)"
    until = f"until {instant(end)}" if end else "without an end"
    return f"{what} for {_whose(kind, sync)}, {scope}, {until}; shown only now"


def _whose(kind: Kind, sync: str) -> str:
    """Return what a token opens, in words."""
    syncs = "every sync" if sync == EVERY else f"sync {sync.replace(',', ', ')}"
    return f"the console, {syncs}" if kind == "console" else syncs


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _row(token: Token, now: datetime) -> list[str]:
    expires = _instant(token.expires_at, "never")
    if not token.live(now):
        expires = "revoked" if token.revoked_at else f"{expires} (over)"
    used = _instant(token.last_used_at, "never")
    made = instant(token.created_at)
    cells = (token.name, token.prefix, token.kind, token.scope, token.sync, made, expires, used)
    return [visible(text or "") for text in cells]


def _instant(moment: datetime | None, none: str | None) -> str | None:
    return none if moment is None else instant(moment)


def _write_table(rows: list[list[str]]) -> None:
    page = Page(sys.stdout, color=sys.stdout.isatty(), width=None)
    if not rows:
        page.line(0, "no tokens yet: `provisioner token create` makes one")
        return
    sizes = [max(map(cell_len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in [list(COLUMNS), *rows]:
        style = "dim" if row == list(COLUMNS) else ""
        cells = zip(row, sizes, strict=True)
        page.line(0, *((padded(text, size + 2), style) for text, size in cells))
