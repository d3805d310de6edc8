"""Who runs the program, and which version of it: what the record says of whoever did something."""

from __future__ import annotations

import getpass
import os
from functools import cache
from importlib import metadata

from connectors.errors import RunError
from connectors.records import clean

LONGEST_NAME = 200


def login() -> str:
    """Return the login name of whoever runs this process, or their number where they have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def named(by: str | None) -> str:
    """Return the name under which somebody does something: the one given, else the login name.

    Raises RunError for a text that is nobody's name.
    """
    name = clean(login() if by is None else by)
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise RunError(
            f"{name!r} is nobody's name", remedy="nothing was recorded; give one with --by"
        )
    return name


@cache
def version() -> str:
    """Return this program's version; "unknown" where it runs without being installed."""
    try:
        return metadata.version("phone-provisioner")
    except metadata.PackageNotFoundError:
        return "unknown"
