"""The command line of tokens: `provisioner token create | rotate | list | revoke`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import click

from provisioner.cli_options import config_option


def _duration(least: timedelta) -> Callable[[object, object, str | None], timedelta | None]:
    """Return what reads a length of time as config writes it: 90s, 15m, 24h, 7d or 2w."""

    def read(_: object, __: object, written: str | None) -> timedelta | None:
        from provisioner.config_fields import duration

        try:
            return None if written is None else duration(least)(written)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return read


@click.group()
def token() -> None:
    """Tokens for whoever speaks to the SCIM receiver, or signs in at the operators' console."""


def _expires(what: str) -> Callable[..., Any]:
    at_least = _duration(timedelta(seconds=1))
    return click.option("--expires", callback=at_least, metavar="90d", help=what)


def _sync(what: str) -> Callable[..., Any]:
    return click.option("--sync", metavar="S", help=what)


@token.command()
@config_option
@click.option("--name", required=True, metavar="N", help="Whose it is; log and audit name it so.")
@click.option(
    "--scope",
    type=click.Choice(["read", "write"]),
    default="write",
    show_default=True,
    help="write includes read; at the console: to decide, or only to look.",
)
@click.option(
    "--sync",
    "syncs",
    multiple=True,
    metavar="S",
    help="Whose receiver it opens; default: the only one with a pushed directory. At the console: what"
    " they see, several if given again; default: every sync.",
)
@_expires("After which it ends; default: never.")
@click.option(
    "--oauth",
    is_flag=True,
    help="Make a client secret for OAuth 2 client credentials; NAME is the client id.",
)
@click.option(
    "--console", is_flag=True, help="Make an operator's token for the console; NAME decides there."
)
def create(
    config: Path,
    name: str,
    scope: Literal["read", "write"],
    syncs: tuple[str, ...],
    expires: timedelta | None,
    oauth: bool,
    console: bool,
) -> None:
    """Make a token and print it, this once, alone on stdout."""
    from provisioner.commands.tokens import run_create

    if oauth and console:
        raise click.UsageError("--oauth and --console exclude each other")
    if len(syncs) > 1 and not console:
        raise click.UsageError("--sync is given once, but for --console")
    kind: Literal["client", "console", "bearer"]
    kind = "client" if oauth else "console" if console else "bearer"
    sys.exit(run_create(config, name, scope, syncs, expires, kind))


@token.command()
@config_option
@click.argument("name", metavar="NAME")
@click.option(
    "--overlap",
    callback=_duration(timedelta(0)),
    metavar="7d",
    default="7d",
    show_default=True,
    help="For how long the old one goes on working.",
)
@_sync("Where several syncs have a token of that name.")
@_expires("After which the new one ends; default: the old one's own term.")
def rotate(
    config: Path, name: str, overlap: timedelta, sync: str | None, expires: timedelta | None
) -> None:
    """Make a successor of a token (its name or prefix), and end the old one in a while."""
    from provisioner.commands.tokens import run_rotate

    sys.exit(run_rotate(config, name, overlap, sync, expires))


@token.command(name="list")
@config_option
@click.option("--all", "ended", is_flag=True, help="Also those that are revoked or expired.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def list_(config: Path, ended: bool, form: str) -> None:
    """List tokens: name, prefix, scope, sync, when made, used and ended; never the token."""
    from provisioner.commands.tokens import run_list

    sys.exit(run_list(config, form, ended=ended))


@token.command()
@config_option
@click.argument("name", metavar="NAME")
@_sync("Where several syncs have a token of that name.")
def revoke(config: Path, name: str, sync: str | None) -> None:
    """End a token (its prefix, or the token itself), or all of a name, now and for good."""
    from provisioner.commands.tokens import run_revoke

    sys.exit(run_revoke(config, name, sync))
