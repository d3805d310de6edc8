"""What the tests of the families of changes stand on: a mapping that manages so much and no more."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

from connectors.records import Abilities, Catalog
from mappings import Mapping
from provisioner.memory import Memory
from provisioner.plan.draft import Ground

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def ground(
    *managed: str, abilities: Abilities | None = None, memory: Memory | None = None
) -> Ground:
    """Return the ground of a plan whose mapping mentions these entitlements."""
    return Ground(
        mapping=cast(Mapping, SimpleNamespace(managed=frozenset(managed), existing_account=None)),
        abilities=abilities or Abilities(kinds=frozenset()),
        catalog=Catalog(),
        memory=memory or Memory(adopted=True),
        pools={},
        as_of=NOW,
        now=NOW,
        mails={},
        phone_users={},
        delegators_of={},
        grace_s=lambda _: 0,
    )
