"""The command line of the credit ledger: `provisioner credits`, `provisioner credits add`."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import click

from connectors.credits import read_amount, read_day
from provisioner.cli_options import config_option


class _Read(click.ParamType[Any]):
    """A value that one function reads."""

    def __init__(self, name: str, read: Any) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_config = partial(config_option, required=False)


@click.group(invoke_without_command=True)
@click.pass_context
@_config
@click.option("--sync", metavar="S", help="One sync; default: every one that has credits.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def credits(context: click.Context, config: Path | None, sync: str | None, form: str) -> None:
    """Communications Credits: the balance, what lapses next, and how long they last."""
    if context.invoked_subcommand is not None:
        return
    from provisioner.commands.credits import run_credits

    sys.exit(run_credits(_given(config), sync, form))


def _given(config: Path | None) -> Path:
    if config is None:
        raise click.UsageError("give the config with -c, or in PROVISIONER_CONFIG")
    return config


@credits.command()
@_config
@click.pass_context
@click.option("--sync", metavar="S", help="One sync; default: the only one that has credits.")
@click.option("--amount", required=True, type=_Read("amount", read_amount), metavar="500")
@click.option(
    "--date", "day", type=_Read("day", read_day), metavar="2026-11-01", help="Default: today."
)
@click.option("--used", is_flag=True, help="So much was used, not bought.")
@click.option("--by", metavar="NAME", help="Who enters it; default: the login name.")
@click.option("--note", metavar="TEXT")
def add(
    context: click.Context,
    config: Path | None,
    sync: str | None,
    amount: Decimal,
    day: date | None,
    *,
    used: bool,
    by: str | None,
    note: str | None,
) -> None:
    """Enter a purchase (or, with --used, usage) that no file tells."""
    from provisioner.commands.credits import run_add

    assert context.parent is not None
    before = context.parent.params  # what stood before `add`
    config, sync = _given(config or before["config"]), sync or before["sync"]
    sys.exit(run_add(config, sync, amount, day, used=used, by=by, note=note))
