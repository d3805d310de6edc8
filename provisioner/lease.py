"""The one right to keep a store's schedule: two daemons on one store would run each sync twice.

The right is a lease in the store, 30 seconds long and prolonged every 10. A daemon that stops gives it
back. One that was killed leaves it behind: on the same machine that is seen at once, and from elsewhere the
next one waits for it to lapse, half a minute at most. A daemon that sees the lease being prolonged knows that another one lives, and refuses to start.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from connectors.errors import RunError
from provisioner.apply.claim import is_dead, process_mark
from provisioner.store import runs as run_store
from provisioner.store.database import StoreError, reading
from provisioner.store.tables import leases

NAME = "scheduler"
LASTS = timedelta(seconds=30)
PROLONG_S = 10.0
_LOOK_S = 1.0


class Lease:
    """One daemon's claim to the schedule. `now` tells the time (aware, UTC)."""

    def __init__(self, engine: Engine, now: Callable[[], datetime], name: str = NAME) -> None:
        self._engine, self._now, self._name = engine, now, name
        # a container's first process is 1 again after a restart: the host and pid alone tell nothing
        self._holder = f"{process_mark(os.getpid())}:{secrets.token_hex(3)}"
        self._until: datetime | None = None

    @property
    def held(self) -> bool:
        """Whether the right is ours at this moment, as far as our own clock knows."""
        return self._until is not None and self._now() < self._until

    def prolong(self) -> None:
        """Take the lease, or hold it for longer. Raises RunError if another daemon has it."""
        now = self._now()
        with self._engine.begin() as connection:
            run_store.take_lease(connection, self._name, self._holder, now, LASTS)
        self._until = now + LASTS

    def acquire(self, sleep: Callable[[float], None], waiting: Callable[[str], None]) -> None:
        """Take the lease, waiting for a dead daemon's to lapse; `waiting` is told the holder once.

        Raises RunError if the other daemon is alive, StoreError if the store fails; `sleep` may raise to end the wait.
        """
        seen: tuple[str, str] | None = None
        while True:
            try:
                self.prolong()
            except StoreError:
                raise  # a RunError too, but nobody holds anything
            except RunError:
                found = self._found()
                if found and is_dead(found[0]):
                    self._bury(found[0])
                    continue
                if found and seen and found != seen:
                    raise _refusal(found[0]) from None
                if found and not seen:
                    waiting(found[0])
                seen = found or seen
                sleep(_LOOK_S)
            else:
                return

    def give_back(self) -> None:
        """Let the next daemon have it at once."""
        self._until = None
        with self._engine.begin() as connection:
            run_store.give_back(connection, self._name, self._holder)

    def _bury(self, holder: str) -> None:
        """Give back what a daemon has left behind that is no longer there."""
        with self._engine.begin() as connection:
            run_store.give_back(connection, self._name, holder)

    def _found(self) -> tuple[str, str] | None:
        """Return the present holder and until when, as the store has it."""
        with reading(self._engine) as connection:
            asked = select(leases.c.holder, leases.c.until).where(leases.c.name == self._name)
            row = connection.execute(asked).first()
        return None if row is None else (row.holder, row.until)


def _refusal(holder: str) -> RunError:
    return RunError(
        f"another daemon ({holder}) keeps the schedule of this store",
        remedy="stop that one first; one daemon runs all syncs of a store",
    )
