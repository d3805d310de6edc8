"""The command line of quarantine: `provisioner quarantine list | release`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from provisioner.cli_options import config_option


@click.group()
def quarantine() -> None:
    """People and syncs that are left alone for a while, because they failed."""


@quarantine.command(name="list")
@config_option
@click.option("--sync", metavar="S", help="One sync; default: all of them.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def list_(config: Path, sync: str | None, form: str) -> None:
    """List who is parked, why and until when, and which syncs are slowed down."""
    from provisioner.commands.quarantine import run_list

    sys.exit(run_list(config, sync, form))


@quarantine.command()
@config_option
@click.option("--sync", metavar="S", help="One sync; default: all of them.")
@click.option("--all", "everybody", is_flag=True, help="Everybody, and the sync itself.")
@click.argument("users", nargs=-1, metavar="[USER]...")
def release(config: Path, sync: str | None, users: Sequence[str], everybody: bool) -> None:
    """Let people (mails or keys) be tried again by the next run."""
    from provisioner.commands.quarantine import run_release

    if everybody == bool(users):
        raise click.UsageError("name users, or give --all")
    sys.exit(run_release(config, sync, users))
