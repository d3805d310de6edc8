"""`provisioner audit`: the words of its commands; what they do is in provisioner/commands/audit.py."""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import click

from provisioner.cli_options import config_option, moment_of

_DAY = len("2027-01-31")


@click.group()
def audit() -> None:
    """What was read, planned, decided, sent and done, on record for good."""


@audit.command()
@partial(config_option, required=False)
@click.option(
    "--file",
    "exported",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Look at an exported file, not at the store.",
)
@click.option("--extract", is_flag=True, help="The file was exported by --sync, --user or --run.")
@click.option("--head", metavar="HASH", help="An entry must have this hash, noted down before.")
def verify(config: Path | None, exported: Path | None, extract: bool, head: str | None) -> None:
    """Prove that no entry was altered, removed, put in or moved; else name the first, and end with 1.

    Whoever can write the whole database can write the whole record anew. Keep the head that is
    printed here, or logged by the daemon, somewhere else: `--head` then proves that what led to it is
    as it was.
    """
    from provisioner.commands.audit import run_verify, run_verify_file

    if exported is not None:
        sys.exit(run_verify_file(exported, head, extract=extract))
    if config is None:
        raise click.UsageError("give -c CONFIG, or --file with an exported file")
    if extract:
        raise click.UsageError("--extract goes with --file")
    sys.exit(run_verify(config, head))


@audit.command()
@config_option
@click.option("--since", metavar="DATE", help="From that day (2027-01-31) or moment on, UTC.")
@click.option("--until", metavar="DATE", help="To the end of that day, or before that moment.")
@click.option("--sync", metavar="S", help="What is of that sync.")
@click.option("--user", metavar="U", help="About that person: mail address, key or vendor's id.")
@click.option("--run", metavar="R", help="What is of that run.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE")
def export(
    config: Path,
    since: str | None,
    until: str | None,
    sync: str | None,
    user: str | None,
    run: str | None,
    output: Path | None,
) -> None:
    """Write entries as JSON lines, each with its hash and the one before: a file proves itself."""
    from provisioner.commands.audit import Chosen, run_export

    first, last = moment_of("--since", since), moment_of("--until", until)
    if last is not None and until is not None and len(until) == _DAY:
        last += timedelta(days=1)
    sys.exit(run_export(config, Chosen(first, last, sync, user, run), output))
