"""A tenant: one sync's part of the receiver, and what its operations need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from provisioner.scim.schemas import Registry
from provisioner.store.direct import Direct
from provisioner.store.moments import written


@dataclass(frozen=True, slots=True)
class Tenant:
    """The sync whose resources these are, what they may be made of, where they are, and the time."""

    sync: str
    registry: Registry
    store: Direct
    now: Callable[[], datetime]

    def at(self) -> str:
        """Return the present moment as the store writes it."""
        return written(self.now())
