"""The command line of manual steps: `provisioner manual list | done`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from provisioner.cli_options import config_option


@click.group()
def manual() -> None:
    """What only a person can do in the phone system: the steps, and ticking them off."""


@manual.command(name="list")
@config_option
@click.option("--sync", metavar="S", help="One sync; default: all of them.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "html", "powershell"]),
    default="text",
    show_default=True,
    help="Markdown and HTML are checklists; PowerShell is a script for what one can do.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE")
def list_(config: Path, sync: str | None, form: str, output: Path | None) -> None:
    """List the steps that the newest plans leave to a person."""
    from provisioner.commands.manual import run_list

    sys.exit(run_list(config, sync, form, output))


@manual.command()
@config_option
@click.option("--sync", metavar="S", help="One sync; default: all of them.")
@click.option("--by", metavar="NAME", help="Who did it; default: the login name.")
@click.option("--note", metavar="TEXT", help="What there is to say about it.")
@click.option(
    "--output-of",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="What the script printed: the steps that it did.",
)
@click.argument("steps", nargs=-1, metavar="PLAN|ID...")
def done(
    config: Path,
    sync: str | None,
    by: str | None,
    note: str | None,
    output_of: Path | None,
    steps: Sequence[str],
) -> None:
    """Tick steps off: by their ids (m-…), all of a plan, or what the script did (--output-of).

    What the next read of the phone system shows is noted, and the next plan says whether it is so.
    What no read shows counts as done from now on.
    """
    from provisioner.commands.manual import run_done

    if not steps and output_of is None:
        raise click.UsageError("Name steps or plans, or give --output-of.")
    sys.exit(run_done(config, sync, steps, by, note, output_of))
