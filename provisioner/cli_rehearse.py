"""The command line of rehearsals: `provisioner rehearse PLAN`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from provisioner.cli_options import config_option


@click.command()
@config_option
@click.argument("plan")
@click.option("--allow-removals", type=click.IntRange(min=0), metavar="N")
@click.option("--allow-changes", type=click.IntRange(min=0), metavar="N")
@click.option("--despite-freeze", is_flag=True, help="As if no freeze held.")
@click.option(
    "--inventory",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="What `provisioner inventory` wrote; default: the phone system is read now.",
)
@click.option(
    "--rate-limits",
    is_flag=True,
    help="At the vendor's limits, as long as it takes; default: as fast as can be.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def rehearse(
    config: Path,
    plan: str,
    allow_removals: int | None,
    allow_changes: int | None,
    inventory: Path | None,
    form: str,
    *,
    despite_freeze: bool,
    rate_limits: bool,
) -> None:
    """Apply a plan to a simulated copy of the phone system; the real one is only read.

    As if everything were approved that nobody has rejected. Ends as `apply` would.
    """
    from provisioner.apply import Allowance
    from provisioner.commands.rehearse import run_rehearse

    allowance = Allowance(allow_removals, allow_changes, despite_freeze=despite_freeze, parked=True)
    sys.exit(run_rehearse(config, plan, allowance, inventory, form, rate_limits=rate_limits))
