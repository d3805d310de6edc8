"""Directories: where people come from. One file for each kind, one line here.

Each file has `Config`, the marshmallow schema of what config says beside `kind` and `name`, and
`connect(name, config, outside, join)`, which gives a `Directory` (connectors/records.py). `join` is
the mapping's join, an attribute path: a directory that gives no better key takes that.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

KINDS = {
    "csv": "connectors.directory.csv_file",
    "ldap_json": "connectors.directory.ldap_json",
    "scim_endpoint": "connectors.directory.scim_endpoint",
}


def module(kind: str) -> ModuleType:
    """Return the module of a kind; it is imported when first asked for. Raises KeyError."""
    return import_module(KINDS[kind])
