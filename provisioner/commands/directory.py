"""`provisioner directory ready`."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.commands.plans import site_of, sync_name
from provisioner.readiness import declare


def run_ready(config: Path, sync: str | None, by: str | None) -> int:
    """Note that a sync's pushed directory is complete, and say so."""
    site = site_of(config)
    pushed = site.config.pushed
    name = pushed[0] if sync is None and len(pushed) == 1 else sync_name(site.config, sync)
    click.echo(declare(site, name, by))
    return 0
