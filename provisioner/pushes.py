"""Pushes: what identity providers send to our receiver is carried out within a moment.

The receiver marks everybody whom a change touches; here the marks of a sync are taken together after a
moment (a group that is renamed, or a PATCH with ten thousand members, is one plan and not ten
thousand), a plan is made for just these people, under the same mapping, guard and approval as any
other, and what may go is applied. The marks are cleared when that is over: a process that dies
in between plans for the same people again, and finds done what is done.

Before a person has approved the sync's first full plan everything waits, pushes too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection
from structlog.contextvars import bound_contextvars

from connectors.errors import ProvisionerError
from connectors.records import fold
from provisioner.apply import Allowance, Applied, apply_plan
from provisioner.audit.calls import collecting
from provisioner.config import PUSHED, SyncConfig
from provisioner.logs import logger
from provisioner.plan.document import instant
from provisioner.push_batches import Batch, Batches
from provisioner.push_planning import Planned, plan_pushed
from provisioner.push_stock import Stock
from provisioner.scim.pushed import Pushed
from provisioner.store import decisions as decision_store
from provisioner.store import quarantine, scim_dirty
from provisioner.store.audit import Entry, append
from provisioner.store.database import StoreError, reading
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

STORE_PAUSE_S = 5.0
"""The longest pause after our own store failed: nobody else is asked, and what waits there is due at once."""

_UNTRIED = ("planned", "approved")
"""The states of what wasn't tried, because the person is parked."""


@dataclass(slots=True)
class _Ready:
    """A connected sync: kept, because connecting takes longer than a push may."""

    wired: Wired
    mapping_at: int
    until: float


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
        self._stock, self._batches = Stock(), Batches(clock)
        self._lock = threading.Lock()  # of what follows, and of connecting
        self._pause_s = self._paused_until = 0.0
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
        """Go on until the program stops, and what is under way has ended. Raises Stopped then."""
        with bound_contextvars(sync=self._sync.name):
            try:
                while True:
                    self._site.stop.sleep(LOOK_S)
                    if self._may() and self._clock() >= self._paused_until:
                        self.begin()
            finally:
                self._batches.wait()

    def begin(self) -> None:
        """Begin to carry out what is due, in a thread of its own, if there is room beside what goes on."""
        batch = self._begun() if self._batches.has_room() else None
        if batch is not None:
            name = f"push {batch.number} of {self._sync.name}"
            threading.Thread(target=self._go, args=[batch], name=name, daemon=True).start()

    def look(self) -> bool:
        """Carry out what is due, without a pause after what failed; return whether anything was.

        What fails is logged, and tried again. Raises Stopped.
        """
        batch = self._begun(resting=False)
        if batch is not None:
            self._carry_out(batch)
        return batch is not None

    def _go(self, batch: Batch) -> None:
        with bound_contextvars(sync=self._sync.name), suppress(Stopped):
            self._carry_out(batch)

    def _begun(self, *, resting: bool = True) -> Batch | None:
        """Return a batch of what is due, None for nothing; `resting`: what rests isn't due."""
        with self._lock:
            if self._next is not None:
                (self._site, self._sync), self._next, self._ready = self._next, None, None
                self._tapped, self._calls = collecting(self._site, sync=self._sync.name)
        with self._failing():
            marks = self._due(resting=resting)
            return None if marks is None else self._batches.begin(marks)
        return None

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Log what goes wrong, and pause after it; but for a stop it ends here."""
        try:
            yield
        except Stopped:
            raise
        except StoreError as error:
            self._failed(error.message, error.remedy, STORE_PAUSE_S)
        except ProvisionerError as error:
            self._failed(error.message, error.remedy)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next push is looked at again
            self._failed(type(error).__name__, "")
            logger().error("push.crashed", exc_info=error)

    def _failed(self, reason: str, remedy: str, longest_s: float = LONGEST_PAUSE_S) -> None:
        said = {"error": self._calls.hide(reason)}
        self._calls.flush(Entry(kind="push.failed", sync=self._sync.name, detail=said))
        with self._lock:
            self._ready = None
            if (now := self._clock()) >= self._paused_until:  # several may fail for one reason
                self._pause_s = min(max(FIRST_PAUSE_S, 2 * self._pause_s), longest_s)
                self._paused_until = now + self._pause_s
        logger().warning("push.failed", error=reason, remedy=remedy, again_in_s=self._pause_s)

    def _due(self, *, resting: bool) -> Marks | None:
        """Return the marks to carry out now: as soon as the oldest one is as old as pushes coalesce."""
        taken, planned_for = self._batches.taken(resting=resting), self._batches.planned_for()
        with reading(self._site.engine) as connection:
            first_at = scim_dirty.oldest(connection, self._sync.name, taken)
            if not self._is_due(first_at):
                return None
            if not decision_store.is_adopted(connection, self._sync.name):
                self._tell_waiting()
                return None
            if self._rests(connection):
                return None
            name = self._sync.name
            marks = scim_dirty.take(connection, name, most=TOGETHER, but=taken, without=planned_for)
        return marks if marks is not None and self._is_due(marks.first_at) else None

    def _is_due(self, first_at: datetime | None) -> bool:
        return first_at is not None and self._site.now() >= first_at + self._coalesce

    def _rests(self, connection: Connection) -> bool:
        """Return whether the sync is in quarantine, because its calls mostly failed; say so once."""
        found = quarantine.quarantined(connection, [self._sync.name], self._site.now())
        until = found[0].until if found else None
        if until is not None and until != self._told_rests_until:
            logger().warning("push.quarantined", until=instant(until), reason=found[0].reason)
        self._told_rests_until = until
        return until is not None

    def _tell_waiting(self) -> None:
        if not self._told_waiting:
            self._told_waiting = True
            logger().info("push.waiting", reason="nobody has approved a full plan of this sync yet")

    def _carry_out(self, batch: Batch) -> None:
        """Plan and apply for a batch, and end it whatever comes. Raises Stopped."""
        left: Collection[int] = batch.marks.numbers
        try:
            with self._failing():
                left = self._carried_out(batch)
                with self._lock:
                    self._pause_s = self._paused_until = 0.0
        finally:
            self._batches.end(batch, left)

    def _carried_out(self, batch: Batch) -> Collection[int]:
        """Plan and apply for a batch; return the numbers of its marks that are to be taken again."""
        began, site, ready = self._clock(), self._site, self._connected()
        (pushed,) = (d for d in ready.wired.directories if isinstance(d, Pushed))
        planned = plan_pushed(
            site, ready.wired, pushed, batch.marks.people, self._stock, self._calls
        )
        self._batches.planned(batch)
        plan, result = planned.plan, None
        if plan is not None:
            try:
                self._let_go(batch, planned)
                result = apply_plan(site, plan.id, Allowance(), seen=planned.seen)
            finally:
                self._stock.end(plan)
            if result.stopped_by is not None:
                raise result.stopped_by
        left = self._left(batch, planned, result)
        with site.engine.begin() as connection:
            scim_dirty.clear(connection, batch.marks, left)
        self._tell(batch.marks, planned, result, self._clock() - began)
        return left

    def _let_go(self, batch: Batch, planned: Planned) -> None:
        """Park nobody any longer of whom something else was pushed since: that may be what was wrong."""
        site, sync, now = self._site, self._sync.name, self._site.now()
        new = self._batches.untried(batch.marks)
        with reading(site.engine) as connection:
            parked = {one.key for one in quarantine.parked_people(connection, [sync], now)}
        theirs = frozenset[str]().union(*(planned.keys.get(id, ()) for id in new))
        keys = sorted(parked & theirs)
        if not keys:
            return
        with site.engine.begin() as connection:
            quarantine.free(connection, sync, keys)
            detail = {"people": keys, "sync": False, "by": "a push"}
            append(connection, [Entry(kind="quarantine.released", sync=sync, detail=detail)], now)

    def _left(self, batch: Batch, planned: Planned, result: Applied | None) -> frozenset[int]:
        """Have those rest for a while who are to be planned for again; return their marks' numbers."""
        marks, batches = batch.marks, self._batches
        had = marks.of(planned.later)
        batches.rest(batch, had, FIRST_PAUSE_S, counts=False, behind=False)
        if batch.tries >= TRIES:
            return had
        # another run had them, or the vendor gave no answer: they go once more; the parked don't
        undone = [] if result is None else [c for c, s, _ in result.left if s not in _UNTRIED]
        users = [planned.users([fold(change.key)]) for change in undone]
        again = marks.of(frozenset[str]().union(*users)) if all(users) else frozenset(marks.numbers)
        batches.rest(
            batch, again, FIRST_PAUSE_S * 2 ** (batch.tries + 1), counts=True, behind=False
        )
        # delegates who may get, or lose, their phone by a plan that was under way
        after = marks.of(planned.again)
        batches.rest(batch, after, FIRST_PAUSE_S, counts=True, behind=True)
        return had | again | after

    def _connected(self) -> _Ready:
        """Return the sync, connected anew where its mapping changed or some minutes have passed."""
        with self._lock:
            changed_at = self._sync.mapping.stat().st_mtime_ns
            ready = self._ready
            if ready is None or ready.mapping_at != changed_at or self._clock() > ready.until:
                wired = wire(self._tapped, self._sync)
                self._stock.renew(self._site.engine, wired.phone)
                ready = _Ready(wired, changed_at, self._clock() + FRESH_S)
                self._ready = ready
            return ready

    def _tell(self, marks: Marks, planned: Planned, result: Applied | None, took_s: float) -> None:
        plan, people = planned.plan, len({id for id, _ in marks.people})
        said: dict[str, object] = {"people": people, "waited_s": _since(marks, self._site.now())}
        if planned.later:
            said["had_by_others"] = len(planned.later)  # they are planned for again
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
