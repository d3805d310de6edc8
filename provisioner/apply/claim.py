"""The claim to apply something alone: two runs of apply at once would send everything twice.

A full plan claims its sync, a plan for some people only itself, so that a push overtakes a long
apply; people are locked one by one (store/locks.py). It is a lease in the store, prolonged while the run
lives and whenever something is about to be sent. A run that lost it (its machine slept) sends nothing
more. A run that was killed leaves it behind; on the same machine that is seen at once, from elsewhere it
lapses within a minute.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from connectors.errors import RunError
from provisioner.store import runs as run_store
from provisioner.store.database import StoreError

LASTS = timedelta(seconds=60)
_BEAT_S = 15.0


class Claim:
    """One run's claim. `now` tells the time (aware, UTC); `holder` names the run that has it."""

    def __init__(self, engine: Engine, name: str, now: Callable[[], datetime]) -> None:
        self._engine, self._name, self._now = engine, name, now
        self.holder = f"{process_mark(os.getpid())}:{secrets.token_hex(4)}"

    def take(self, connection: Connection) -> None:
        """Take it, from a dead process too. Raises RunError if another one is at work."""
        held = run_store.lease(connection, self._name)
        if held is not None and is_dead(held.holder):
            run_store.give_back(connection, self._name, held.holder)
        run_store.take_lease(connection, self._name, self.holder, self._now(), LASTS)

    def hold(self, connection: Connection) -> None:
        """Hold it for longer, within the transaction that sends. Raises RunError if it is lost."""
        if not self._prolong(connection):
            raise RunError(
                f"this run lost its claim to {self._name}: it stood still for too long, and another"
                " one may have gone on from there",
                remedy="nothing more was sent; apply again when that one has ended",
            )

    def give_back(self, connection: Connection) -> None:
        """Let the next run begin at once."""
        run_store.give_back(connection, self._name, self.holder)

    def living(self, connection: Connection) -> dict[str, str]:
        """Return the claims of runs that live, this one among them: the holder by the claim's name."""
        return living(connection, self._now())

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep it alive meanwhile, also while a call or a wait takes long."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(_BEAT_S):
                try:
                    with self._engine.begin() as connection:
                        self._prolong(connection)
                except StoreError:
                    continue  # what is to be sent next will tell

        thread = threading.Thread(target=beat, name=f"claim {self._name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _prolong(self, connection: Connection) -> bool:
        return run_store.prolong_lease(connection, self._name, self.holder, self._now(), LASTS)


def living(connection: Connection, now: datetime) -> dict[str, str]:
    """Return the claims of runs that live: the holder by the claim's name."""
    found = run_store.leases_held(connection, now)
    return {name: holder for name, holder in found.items() if not is_dead(holder)}


def process_mark(pid: int) -> str:
    """Return what names a process of this machine for good: host, pid, place, and when it began.

    The place is this boot of this machine, and the container: only there does the pid mean anything.
    """
    return f"{socket.gethostname()}:{pid}:{_place()}:{_began(pid)}"


def is_dead(holder: str) -> bool:
    """Return whether a holder is surely dead: a process of this place that is no longer there."""
    _, pid, place, *_ = [*holder.split(":"), "", "", ""]
    if not (pid.isascii() and pid.isdigit() and place and place == _place()):
        return False
    return not holder.startswith(process_mark(int(pid)) + ":")


def _place() -> str:
    """Return this boot and process namespace, hashed; "" where the system doesn't tell (no /proc)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return hashlib.sha256(f"{socket.gethostname()} {boot} {space}".encode()).hexdigest()[:12]


def _began(pid: int) -> str:
    """Return when a process began, in the kernel's own ticks; "" if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    after_name = stat.rpartition(")")[2].split()
    return "" if after_name[0] in "ZX" else after_name[19]
