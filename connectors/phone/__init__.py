"""Phone systems: what is provisioned. One file or folder for each kind, one line here.

Each has `Config`, the marshmallow schema of what config says beside `kind`, and
`connect(config, outside)`, which gives a `PhoneSystem` (connectors/records.py).
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

KINDS = {
    "snapshot": "connectors.phone.snapshot",
    "teams": "connectors.phone.teams",
    "zoom": "connectors.phone.zoom",
}


def module(kind: str) -> ModuleType:
    """Return the module of a kind; it is imported when first asked for. Raises KeyError."""
    return import_module(KINDS[kind])
