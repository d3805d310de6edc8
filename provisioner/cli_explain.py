"""`provisioner explain`: its words; what it does is in provisioner/commands/explain.py."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from provisioner.cli_options import config_option


@click.command()
@config_option
@click.argument("user")
@click.option("--sync", metavar="S", help="One sync; default: the only one.")
@click.option(
    "--why-not",
    "asked",
    multiple=True,
    metavar="ENTITLEMENT=VALUE",
    help="Why they don't have that: which condition failed, or which rule came first.",
)
@click.option("--offline", is_flag=True, help="Don't ask the phone system what it has.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE")
def explain(
    config: Path,
    user: str,
    sync: str | None,
    asked: tuple[str, ...],
    form: str,
    output: Path | None,
    *,
    offline: bool,
) -> None:
    """Why somebody has what they have: every entitlement, its rule, and what happened last.

    USER is a work mail address, a userName, a key, a phone user's id, a display name, an extension
    number or a direct number; where several are meant they are listed.
    """
    from provisioner.commands.explain import run_explain

    if len(asked) > 1:
        raise click.UsageError("--why-not asks about one thing: run it again for another")
    why_not = next(iter(asked), None)
    sys.exit(run_explain(config, sync, user, why_not, form, output, offline=offline))
