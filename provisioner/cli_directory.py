"""`provisioner directory`: what an operator says of a pushed directory."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from provisioner.cli_options import config_option


@click.group()
def directory() -> None:
    """Say of a directory that our receiver fills how far it is."""


@directory.command()
@config_option
@click.option("--sync", metavar="S", help="One sync; default: the only one with such a directory.")
@click.option("--by", metavar="NAME", help="Who says so; default: the login name.")
def ready(config: Path, sync: str | None, by: str | None) -> None:
    """Declare that everybody and every membership was pushed: from now on plans take away, too."""
    from provisioner.commands.directory import run_ready

    sys.exit(run_ready(config, sync, by))
