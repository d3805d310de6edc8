"""Who runs the program, and which version of it: what the record says of whoever did something."""

from __future__ import annotations

import getpass
import os
from functools import cache
from importlib import metadata


def login() -> str:
    """Return the login name of whoever runs this process, or their number where they have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


@cache
def version() -> str:
    """Return this program's version; "unknown" where it runs without being installed."""
    try:
        return metadata.version("phone-provisioner")
    except metadata.PackageNotFoundError:
        return "unknown"
