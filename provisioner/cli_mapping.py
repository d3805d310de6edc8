"""The command line of mappings: `provisioner mapping test | lint`, and `provisioner schema`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.core import ParameterSource

from provisioner.cli_options import config_option


@click.group()
def mapping() -> None:
    """Mappings before they count: their examples, and rules that can't mean what they say."""


_file = click.argument(
    "file", required=False, type=click.Path(path_type=Path), metavar="[MAPPING.yaml]"
)
_sync = click.option("--sync", metavar="S", help="One sync's mapping; default: all of them.")


@mapping.command()
@_file
@lambda command: config_option(command, required=False)
@_sync
def test(file: Path | None, config: Path | None, sync: str | None) -> None:
    """Hold a mapping against its examples; ends with 1 if any comes out otherwise.

    A mapping alone needs no config: its own `attributes` then say what directories add to SCIM's.
    """
    from provisioner.commands.mapping import run_test

    sys.exit(run_test(*_chosen(file, config, sync)))


@mapping.command()
@_file
@lambda command: config_option(command, required=False)
@_sync
def lint(file: Path | None, config: Path | None, sync: str | None) -> None:
    """Find what a mapping says in vain; ends with 1 if anything is certainly wrong.

    With a config, its directories are read and its phone system's catalog is asked, too.
    """
    from provisioner.commands.mapping import run_lint

    sys.exit(run_lint(*_chosen(file, config, sync)))


def _chosen(
    file: Path | None, config: Path | None, sync: str | None
) -> tuple[Path | None, Path | None, str | None]:
    """Return mapping, config and sync: with a mapping, a config counts only if it was written there."""
    context = click.get_current_context()
    if file is not None and context.get_parameter_source("config") != ParameterSource.COMMANDLINE:
        config = None
    if file is None and config is None:
        raise click.UsageError("name a mapping, or a config with -c")
    if sync is not None and config is None:
        raise click.UsageError("--sync goes with -c")
    if file is not None and config is not None and sync is None:
        raise click.UsageError("with -c and a mapping, say by --sync whose attributes it may read")
    return file, config, sync


@click.command()
@click.argument("what", type=click.Choice(["config", "mapping"]))
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write there, not to stdout."
)
def schema(what: str, output: Path | None) -> None:
    """Write the JSON Schema of a file that people write, for editors that complete and check it."""
    from provisioner.commands.schema import run_schema

    sys.exit(run_schema(what, output))
