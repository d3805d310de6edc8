"""By whom the phone system was changed: asked of the vendor's own log, for plans that hold new drift.

Other plans ask nothing. The log is read within bounds and in little time; where it can't be, for want
of a right, say, the reasons just say no more.
"""

from __future__ import annotations

import logging
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile

from connectors import phone as phones
from connectors.errors import ProvisionerError
from connectors.operations import Operation, OperationLog
from connectors.records import Change, PhoneUser, fold
from provisioner.config import SyncConfig
from provisioner.memory import Memory
from provisioner.plan.differences import Differences
from provisioner.plan.mentions import name_mark
from provisioner.plan.model import Plan
from provisioner.plan.operators import Evidence, unexplained, with_operators
from provisioner.store.carried_out import written_since
from provisioner.store.database import reading
from provisioner.wiring import MOMENT_S, Site, Stop, Stopped

PATIENCE_S = 10.0
"""So long a plan may wait for the log, but for one answer that is under way then."""

_log = logging.getLogger(__name__)


class _Brief(Stop):
    """Lets a request wait for its place in a rate and for a quick second try, and for nothing longer."""

    def __init__(self, other: Stop) -> None:
        super().__init__()
        self._other = other
        self._ends_at = float("inf")

    def begin(self) -> None:
        """Count the time from now on."""
        self._ends_at = time.monotonic() + PATIENCE_S

    def over(self) -> bool:
        """Return whether the time is used up, or the program was asked to stop."""
        return self._other.asked() or time.monotonic() > self._ends_at

    def pause(self, seconds: float) -> None:
        """Wait a moment; raises Stopped for longer, and when the time is used up."""
        if seconds > MOMENT_S or self.over():
            raise Stopped("the log doesn't answer now")
        super().pause(seconds)


def log_told(site: Site, sync: SyncConfig) -> Iterator[str]:
    """Yield a line for `check`: whether the log can be read; none where there is no log."""
    phone = _log_of(site, sync, _Brief(site.stop))
    if phone is None:
        return
    try:
        next(phone.operations(site.now()), None)
    except ProvisionerError as error:
        yield f"  operation log: can't be read, so plans tell of nobody who changed it: {error.message}"
    else:
        yield "  operation log: can be read"


def _log_of(site: Site, sync: SyncConfig, stop: Stop) -> OperationLog | None:
    """Return a sync's phone system if it has a log, and config wants it asked; waits are the stop's."""
    outside = replace(site, stop=stop).outside_with(sync.phone_system.share)
    phone = phones.module(sync.phone_system.kind).connect(sync.phone_system.options, outside)
    return phone if isinstance(phone, OperationLog) and phone.log is not None else None


class Asking:
    """One plan's questions to the log; whoever has none is asked nothing."""

    def __init__(self, site: Site, sync: SyncConfig) -> None:
        self._site, self._sync = site, sync
        self._stop = _Brief(site.stop)
        self._phone = _log_of(site, sync, self._stop)
        self._names = array("q")  # hashes of every display name there

    def watched(self, users: Iterable[PhoneUser]) -> Iterable[PhoneUser]:
        """Return phone users on their way by, noting what they are called."""
        return users if self._phone is None else self._noted(users)

    def _noted(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        for user in users:
            if (mark := name_mark(user.display_name)) is not None:
                self._names.append(hash(mark.text))
            yield user

    def told(self, plan: Plan, memory: Memory, differences: Differences) -> Plan:
        """Return the plan with whoever changed the phone system, as far as the log tells."""
        phone, since = self._phone, memory.planned_at
        changes = [] if phone is None or since is None else unexplained(plan, memory)
        if not changes or phone is None or phone.log is None or since is None:
            return plan
        until = self._site.now()
        operations: list[Operation] = []
        self._stop.begin()
        try:
            with suppress(Stopped):
                operations.extend(
                    takewhile(lambda _: not self._stop.over(), phone.operations(since))
                )
        except ProvisionerError as error:
            _log.info("%s's operation log can't be read: %s", phone.log, error.message)
        if not operations:
            return plan
        people = {case.key: case.actual for case in differences.cases if case.actual is not None}
        with reading(self._site.engine) as connection:
            keys = {fold(change.key) for change in changes}
            written = written_since(connection, plan.sync, since, keys)
        evidence = Evidence(
            log=phone.log,
            operations=operations,
            since=since,
            until=max(until, self._site.now()),
            written=written,
            people=people,
            shared_names=self._shared(changes, people),
        )
        return with_operators(plan, changes, evidence)

    def _shared(self, changes: Iterable[Change], people: dict[str, PhoneUser]) -> frozenset[str]:
        """Return the names of these people that somebody else in the account has too."""
        users = (people.get(fold(change.key)) for change in changes)
        marks = (name_mark(user.display_name) for user in users if user is not None)
        wanted = {hash(mark.text): mark.text for mark in marks if mark is not None}
        counts = Counter(known for known in self._names if known in wanted)
        return frozenset(text for known, text in wanted.items() if counts[known] != 1)
