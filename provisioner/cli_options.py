"""Options that many commands take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def config_option(command: _Command, *, required: bool = True) -> _Command:
    """Add -c/--config, which may come from PROVISIONER_CONFIG."""
    return click.option(
        "-c",
        "--config",
        "config",
        required=required,
        envvar="PROVISIONER_CONFIG",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The configuration (or set PROVISIONER_CONFIG).",
    )(command)


_YEARS = range(1970, 3000)
"""What an option may ask about: far enough from both ends of the calendar to reckon with."""


def moment_of(option: str, text: str | None) -> datetime | None:
    """Return the moment that an option's text says; a day is its beginning, and UTC is meant.

    Raises click.UsageError for anything else; None stays None.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option} takes a day like 2027-01-31, not {text!r}") from None
    if moment.year not in _YEARS:
        raise click.UsageError(
            f"{option} takes a day from {_YEARS[0]} to {_YEARS[-1]}, not {text!r}"
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
