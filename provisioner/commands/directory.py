"""Declaring a pushed directory ready: identity providers send people first, and memberships for hours."""

from __future__ import annotations

from pathlib import Path

import click

from connectors.errors import RunError
from provisioner.commands.plans import site_of, sync_name
from provisioner.config import Config
from provisioner.store.database import reading
from provisioner.store.warming import declare_ready, warming
from provisioner.who import login


def run_ready(config: Path, sync: str | None, by: str | None) -> int:
    """Note that a sync's pushed directory is complete, and say so."""
    site = site_of(config)
    name = _with_pushed(site.config, sync)
    directory = site.config.syncs[name].pushed
    assert directory is not None
    with reading(site.engine) as connection:
        cold = warming(connection, name, [directory])
    if not cold:
        click.echo(f"directory {directory} of sync {name} is ready already")
        return 0
    with site.engine.begin() as connection:
        declare_ready(connection, name, directory, by or login(), site.now())
    click.echo(
        f"directory {directory} of sync {name} is ready: the next plan takes away what nobody has"
        " a right to any more; leavers' grace begins with it"
    )
    return 0


def _with_pushed(config: Config, sync: str | None) -> str:
    """Return the sync that is meant. Raises RunError if it has no pushed directory."""
    having = [name for name, each in config.syncs.items() if each.pushed is not None]
    if sync is None and len(having) == 1:
        return having[0]
    name = sync_name(config, sync)
    if name not in having:
        raise RunError(
            f"sync {name} has no pushed directory",
            remedy=f"those that have one: {', '.join(having) or 'none'}",
        )
    return name
