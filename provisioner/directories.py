"""Every kind of directory: those that are outside (connectors/directory/), and what is pushed to us."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from connectors import directory

KINDS = {**directory.KINDS, "pushed": "provisioner.scim.pushed"}


def module(kind: str) -> ModuleType:
    """Return the module of a kind; it is imported when first asked for. Raises KeyError."""
    return import_module(KINDS[kind])
