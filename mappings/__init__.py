"""Mappings: who should have what.

`load_mapping` reads a mapping file, checked whole; the `Mapping` says whether a person is in scope and
gives their `Entitlements`, each with the rule that says so. Nothing here does any I/O but that.
"""

from mappings.entitlements import Entitlements, Given, PoolRef
from mappings.load import load_mapping
from mappings.mapping import Mapping
from mappings.rules import Leavers, Loser, Rule

__all__ = [
    "Entitlements",
    "Given",
    "Leavers",
    "Loser",
    "Mapping",
    "PoolRef",
    "Rule",
    "load_mapping",
]
