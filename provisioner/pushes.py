"""Pushes: what identity providers send to our receiver is carried out within a moment.

The receiver marks everybody whom a change touches; here the marks of a sync are taken together after a
moment (a group that is renamed, or a PATCH with ten thousand members, is one plan and not ten
thousand), a plan is made for just these people, under the same mapping, guard and approval as any
other, and what may go is applied. The marks are cleared when that is over: a process that dies
in between plans for the same people again, and finds done what is done.

Before a person has approved the sync's first full plan everything waits, pushes too.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection
from structlog.contextvars import bound_contextvars

from connectors.errors import ProvisionerError
from connectors.records import Catalog, Change, Seats, fold
from provisioner.apply import Allowance, Applied, apply_plan
from provisioner.audit.calls import collecting
from provisioner.config import PUSHED, SyncConfig
from provisioner.logs import logger
from provisioner.plan.document import instant
from provisioner.plan.model import Plan
from provisioner.push_planning import plan_pushed
from provisioner.scim.pushed import Pushed
from provisioner.store import decisions as decision_store
from provisioner.store import scim_dirty
from provisioner.store.audit import Entry
from provisioner.store.database import reading
from provisioner.store.quarantine import quarantined
from provisioner.store.scim_dirty import Marks
from provisioner.wiring import Site, Stopped, Wired, wire

LOOK_S = 0.1
"""How often the marks are looked at."""

TOGETHER = 20_000
"""Marks that are taken at once; who has more than one counts once in the plan."""

FRESH_S = 600.0
"""How old what the vendor has to give, and the connection to it, may be."""

TRIES = 3
"""How often people are planned for again of whom something was left undone; then the schedule sees them."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0
"""The pauses after something failed: the first, and the longest."""


@dataclass(slots=True)
class _Ready:
    """A connected sync, with its catalog: kept, because connecting takes longer than a push may.

    The catalog has no numbers before a push wishes one.
    """

    wired: Wired
    catalog: Catalog
    mapping_at: int
    until: float
    has_numbers: bool = False

    def offer(self, *, numbers: bool) -> Catalog:
        """Return the catalog, read anew where it lacks the numbers that are wanted."""
        if numbers and not self.has_numbers:
            self.catalog, self.has_numbers = self.wired.phone.catalog(), True
        return self.catalog


class Pushes:
    """Carries out the pushes of one sync, which has a pushed directory.

    `may` tells whether that is this process's business just now; `clock` gives seconds.
    """

    def __init__(
        self,
        site: Site,
        sync: SyncConfig,
        may: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._may = may
        self._site, self._sync, self._clock = site, sync, clock
        self._next: tuple[Site, SyncConfig] | None = None
        self._tapped, self._calls = collecting(site, sync=sync.name)
        self._ready: _Ready | None = None
        self._pause_s = 0.0
        self._tries = 0
        self._told_waiting = False
        self._told_rests_until: datetime | None = None

    def follow(self, site: Site, sync: SyncConfig) -> None:
        """Go on by another config, from the next look; for any thread to call."""
        self._next = site, sync

    @property
    def _coalesce(self) -> timedelta:
        (options,) = (d.options for d in self._sync.directories if d.kind == PUSHED)
        span: timedelta = options["coalesce"]
        return span

    def run(self) -> None:
        """Go on until the program stops. Raises Stopped then."""
        with bound_contextvars(sync=self._sync.name):
            while True:
                self._site.stop.sleep(self._pause_s or LOOK_S)
                if self._may():
                    self.look()

    def look(self) -> bool:
        """Carry out what is due; return whether anything was. What fails is logged, and tried again."""
        if self._next is not None:
            (self._site, self._sync), self._next, self._ready = self._next, None, None
            self._tapped, self._calls = collecting(self._site, sync=self._sync.name)
        try:
            marks = self._due()
            if marks is None:
                return False
            self._carry_out(marks)
        except Stopped:
            raise
        except ProvisionerError as error:
            self._failed(error.message, error.remedy)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next push is looked at again
            self._failed(type(error).__name__, "")
            logger().error("push.crashed", exc_info=error)
        return True

    def _failed(self, reason: str, remedy: str) -> None:
        self._ready = None
        said = {"error": self._calls.hide(reason)}
        self._calls.flush(Entry(kind="push.failed", sync=self._sync.name, detail=said))
        self._pause_s = min(max(FIRST_PAUSE_S, 2 * self._pause_s), LONGEST_PAUSE_S)
        logger().warning("push.failed", error=reason, remedy=remedy, again_in_s=self._pause_s)

    def _due(self) -> Marks | None:
        """Return the marks to carry out now: as soon as the oldest one is as old as pushes coalesce."""
        with reading(self._site.engine) as connection:
            marked = scim_dirty.marked(connection).get(self._sync.name)
            if marked is None or self._site.now() < marked[0] + self._coalesce:
                return None
            if not decision_store.is_adopted(connection, self._sync.name):
                self._tell_waiting()
                return None
            if self._rests(connection):
                return None
            return scim_dirty.take(connection, self._sync.name, most=TOGETHER)

    def _rests(self, connection: Connection) -> bool:
        """Return whether the sync is in quarantine, because its calls mostly failed; say so once."""
        found = quarantined(connection, [self._sync.name], self._site.now())
        until = found[0].until if found else None
        if until is not None and until != self._told_rests_until:
            logger().warning("push.quarantined", until=instant(until), reason=found[0].reason)
        self._told_rests_until = until
        return until is not None

    def _tell_waiting(self) -> None:
        if not self._told_waiting:
            self._told_waiting = True
            logger().info("push.waiting", reason="nobody has approved a full plan of this sync yet")

    def _carry_out(self, marks: Marks) -> None:
        began, ready = self._clock(), self._connected()
        (pushed,) = (d for d in ready.wired.directories if isinstance(d, Pushed))
        drawn = plan_pushed(self._site, ready.wired, pushed, marks.people, ready.offer, self._calls)
        plan, result = None, None
        if drawn is not None:
            plan, seen = drawn
            result = apply_plan(self._site, plan.id, Allowance(), seen=seen)
            ready.catalog = spent(ready.catalog, plan.changes)
        if result is not None and result.stopped_by is not None:
            raise result.stopped_by
        if result is not None and len(result.left) > result.parked and self._tries < TRIES:
            # another run had them, or the vendor gave no answer: they go once more
            self._tries += 1
            self._pause_s = FIRST_PAUSE_S * 2**self._tries
            return
        self._tries = 0
        with self._site.engine.begin() as connection:
            scim_dirty.clear(connection, marks)
        self._pause_s = 0.0
        self._tell(marks, plan, result, self._clock() - began)

    def _connected(self) -> _Ready:
        """Return the sync, connected anew where its mapping changed or some minutes have passed."""
        changed_at = self._sync.mapping.stat().st_mtime_ns
        ready = self._ready
        if ready is None or ready.mapping_at != changed_at or self._clock() > ready.until:
            wired = wire(self._tapped, self._sync)
            catalog = wired.phone.catalog(numbers=False)
            ready = _Ready(wired, catalog, changed_at, self._clock() + FRESH_S)
            self._ready = ready
        return ready

    def _tell(self, marks: Marks, plan: Plan | None, result: Applied | None, took_s: float) -> None:
        people = len({id for id, _ in marks.people})
        said: dict[str, object] = {"people": people, "waited_s": _since(marks, self._site.now())}
        if plan is not None and result is not None:
            said |= {
                "plan": plan.id,
                "changes": plan.summary.changes,
                "states": dict(result.states),
                "held": result.held,
                "waiting_for_approval": result.unapproved,
                "not_carried_out": len(result.left),
            }
        logger().info("push.carried_out", **said, duration_s=round(took_s, 3))


def _since(marks: Marks, now: datetime) -> float:
    return round((now - marks.first_at).total_seconds(), 3)


def spent(catalog: Catalog, changes: Iterable[Change]) -> Catalog:
    """Return the catalog as it is when these changes are done: fewer seats, and numbers that are taken.

    What comes free isn't counted: it is seen when the vendor is asked again.
    """
    taken: Counter[tuple[str, str]] = Counter()
    numbers: set[str] = set()
    for change in changes:
        if change.kind in ("license.assign", "package.assign"):
            taken[change.kind.partition(".")[0], fold(str(change.after))] += 1
        elif change.kind == "number.assign":
            numbers.add(str(change.after))
    return msgspec.structs.replace(
        catalog,
        licenses=_fewer(catalog.licenses, "license", taken),
        packages=_fewer(catalog.packages, "package", taken),
        numbers=catalog.numbers and tuple(n for n in catalog.numbers if n[0] not in numbers),
    )


def _fewer(
    seats: dict[str, Seats] | None, family: str, taken: Counter[tuple[str, str]]
) -> dict[str, Seats] | None:
    if seats is None:
        return None
    return {
        name: seat
        if seat.used is None
        else Seats(seat.total, seat.used + taken[family, fold(name)])
        for name, seat in seats.items()
    }
