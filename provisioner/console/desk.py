"""The desk: what operators ask and have done, the one place that pages and API turn to.

It knows no HTTP. What it does it does by the very functions of the command line: the same guard,
approvers, freeze, adoption and audit hold. What an operator may not see isn't there for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from structlog.contextvars import bound_contextvars

from connectors.errors import RunError
from provisioner import who
from provisioner.apply import Allowance, apply_plan
from provisioner.console.cursors import decoded, encoded
from provisioner.console.errands import Begun, Errands
from provisioner.console.kept import Kept
from provisioner.console.rows import Outline, Page, SyncRow, awaiting, awaits
from provisioner.console.sync_rows import sync_rows
from provisioner.console.undos import Undos
from provisioner.credit_statements import statement_document
from provisioner.credits import configured
from provisioner.deciding import decide
from provisioner.explaining import Question, explain
from provisioner.freeze import freezes
from provisioner.letting_go import release
from provisioner.manual_steps import due_of, tick_off
from provisioner.plan.content import is_named
from provisioner.plan.explanation import Explanation
from provisioner.plan.model import Plan
from provisioner.readiness import declare
from provisioner.report.manual import Due
from provisioner.scheduled import Watched, tell_applied
from provisioner.scheduler import View
from provisioner.store import change_pages, finding, quarantine
from provisioner.store import decisions as decision_store
from provisioner.store import manual as manual_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.change_pages import EVERY, Wanted
from provisioner.store.database import reading
from provisioner.store.decisions import Decision
from provisioner.store.finding import Found
from provisioner.store.quarantine import Parked, Quarantined
from provisioner.store.reviews import with_decisions
from provisioner.store.runs import PlanRow, RunRow
from provisioner.undoing import undo_run
from provisioner.wiring import Site

T = TypeVar("T")

AT_ONCE, MOST = 50, 500
"""How many of a list are told where nobody says, and at most."""

_STARTING_S = 5.0
"""So long a sync that was started is waited for until it is on record."""


class NoSuchSync(RunError):
    """There is no such sync, or none that this operator may see."""


class Clockwork(Protocol):
    """What the desk needs of whoever runs the syncs."""

    def views(self) -> Mapping[str, View]:
        """Return how it stands with each sync that is scheduled or at work."""

    def start(self, sync: str, by: str, begun: Begun) -> None:
        """Have a sync run now; `begun` is told the run's id. Raises RunError where that can't be."""


class NoClockwork:
    """Nobody runs syncs here."""

    def views(self) -> Mapping[str, View]:
        """Return nothing."""
        return {}

    def start(self, sync: str, by: str, begun: Begun) -> None:  # noqa: ARG002 - nothing is begun
        """Refuse."""
        raise RunError("no daemon runs here", remedy=f"start it: `provisioner sync --sync {sync}`")


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all views of one desk have in common."""

    states: Kept[Mapping[str, int]] = field(default_factory=lambda: Kept(run_store.states_of))
    groups: Kept[tuple[change_pages.Group, ...]] = field(
        default_factory=lambda: Kept(change_pages.groups_of)
    )
    undos: Undos = field(default_factory=Undos)


class Desk:
    """One installation's desk. `site` gives it as it is now: config may have been read again.

    Every method raises RunError (NoSuchSync, NoSuchPlan, NoSuchRun for what isn't there) and
    StoreError; lists give at most MOST at once.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        clockwork: Clockwork | None = None,
        errands: Errands | None = None,
    ) -> None:
        self._site = site
        self._clockwork: Clockwork = clockwork or NoClockwork()
        self._errands = errands or Errands()
        self._shared = _Shared()
        self._seen: frozenset[str] | None = None

    def seen_by(self, syncs: frozenset[str] | None) -> Desk:
        """Return the desk of an operator who sees only these syncs; None: all of them."""
        desk = Desk(self._site, self._clockwork, self._errands)
        desk._shared, desk._seen = self._shared, syncs
        return desk

    # What there is

    def names(self) -> list[str]:
        """Return the syncs' names, in the order of config."""
        return self._names(None)

    def syncs(self) -> list[SyncRow]:
        """Return how it stands with each sync, in the order of config."""
        site, views = self._site(), self._clockwork.views()
        return sync_rows(site, self._names(None), views, self._shared.groups)

    def sync(self, name: str) -> SyncRow:
        """Return how it stands with one sync."""
        site, views = self._site(), self._clockwork.views()
        (row,) = sync_rows(site, self._names(name), views, self._shared.groups)
        return row

    def runs(
        self,
        sync: str | None = None,
        before: str | None = None,
        most: int = AT_ONCE,
        *,
        plan: str | None = None,
    ) -> Page[RunRow]:
        """Return runs, the newest first: those that began before the run `before`; of one plan, if given."""
        names = self._names(sync)
        if plan is not None:
            self._sync_of_plan(plan)
        if before is not None:
            self.run(before)
        with reading(self._site().engine) as connection:
            some = _within(most) + 1
            found = run_store.listed(connection, some, syncs=names, plan=plan, before=before)
        return _page(found, most, lambda run: run.id)

    def run(self, run_id: str) -> RunRow:
        """Return one run."""
        with reading(self._site().engine) as connection:
            found = run_store.run_of(connection, run_id)
        if not self._sees(found.sync):
            raise run_store.unknown(run_id)
        return found

    def started_by(self, run_id: str) -> str | None:
        """Return who began a run, as far as that is on record."""
        self.run(run_id)
        with reading(self._site().engine) as connection:
            return run_store.started_by(connection, run_id)

    def plans(
        self, sync: str | None = None, before: str | None = None, most: int = AT_ONCE
    ) -> Page[PlanRow]:
        """Return plans, the newest first: those before the plan `before`."""
        names, site = self._names(sync), self._site()
        if before is not None:
            self._sync_of_plan(before)
        with reading(site.engine) as connection:
            found = run_store.plans_listed(
                connection,
                _within(most) + 1,
                second=self._second(site),
                now=site.now(),
                syncs=names,
                before=None if before is None else int(before),
                states=self._shared.states.of,
            )
        return _page(found, most, lambda plan: plan.id)

    def plan(self, plan_id: str) -> Plan:
        """Return a whole plan as it stands now, with what is decided about it."""
        sync, site = self._sync_of_plan(plan_id), self._site()
        with reading(site.engine) as connection:
            plan = plan_store.load(connection, plan_id)
            second = site.config.approval_of(sync).second
            return with_decisions(connection, plan, second, site.now())

    def awaiting(self, plan: Plan) -> frozenset[int]:
        """Return the seqs of a plan's changes, as they stand now, that wait for somebody's approval."""
        site = self._site()
        approval = site.config.approval_of(plan.sync)
        with reading(site.engine) as connection:
            adopted = decision_store.is_adopted(connection, plan.sync)
        return frozenset(c.seq for c in plan.changes if awaits(c, approval, adopted=adopted))

    def by_two(self, plan: Plan) -> frozenset[int]:
        """Return the seqs of a plan's changes that two people must approve."""
        second = self._site().config.approval_of(plan.sync).second
        return frozenset(change.seq for change in plan.changes if is_named(change, second))

    def outline(self, plan_id: str) -> Outline:
        """Return a plan without its changes, and what they count up to."""
        sync, site = self._sync_of_plan(plan_id), self._site()
        approval, number = site.config.approval_of(sync), int(plan_id)
        windows = site.config.syncs[sync].freeze
        with reading(site.engine) as connection:
            head = plan_store.head_of(connection, plan_id)
            row = run_store.plan_row(
                connection,
                number,
                second=self._second(site),
                now=site.now(),
                states=self._shared.states.of,
            )
            groups = self._shared.groups.of(connection, [number])[number]
            newest = plan_store.newest_full(connection, sync)
            adopted = decision_store.is_adopted(connection, sync)
        return Outline(
            head=head,
            row=row,
            groups=groups,
            awaiting=awaiting(groups, approval, adopted=adopted),
            adopted=adopted,
            freezes=tuple(map(str, freezes(windows, site.now()))),
            newer=None if newest is None or int(newest) <= number else newest,
        )

    def changes(
        self, plan_id: str, wanted: Wanted = EVERY, after: int = 0, most: int = AT_ONCE
    ) -> change_pages.ChangePage:
        """Return changes of a plan in its order, each as it stands now: those that follow the seq `after`."""
        sync, site = self._sync_of_plan(plan_id), self._site()
        second = site.config.approval_of(sync).second
        with reading(site.engine) as connection:
            plan, some = plan_store.filed(connection, plan_id), _within(most)
            return change_pages.page(connection, plan, wanted, after, some, second, site.now())

    # What can be done about it

    def decide(
        self,
        plan_id: str,
        decision: Decision,
        by: str,
        only: Sequence[str] = (),
        *,
        with_needs: bool = False,
    ) -> list[str]:
        """Approve or reject a plan, or what `only` means in it, and return lines that tell it."""
        self._sync_of_plan(plan_id)
        return decide(self._site(), plan_id, decision, by, only, with_needs=with_needs)

    def apply(self, plan_id: str, allowance: Allowance, by: str) -> str:
        """Begin to carry out a plan in the background, and return the run's id."""
        sync, by = self._sync_of_plan(plan_id), who.named(by)
        site = self._site()

        def work(begun: Begun) -> None:
            began = time.monotonic()
            with bound_contextvars(sync=sync, by=by):
                progress = Watched(site.stop, lambda: None)
                allowed = replace(allowance, parked=True)
                tell_applied(
                    apply_plan(site, plan_id, allowed, progress, by=by, began=begun), began
                )

        return self._errands.run(f"plan {plan_id}", work)

    def start(self, sync: str, by: str) -> str | None:
        """Have a sync run now, and return the run's id; None where it waits for its turn."""
        self._names(sync)
        begun: Future[str] = Future()
        self._clockwork.start(sync, who.named(by), begun.set_result)
        try:
            return begun.result(_STARTING_S)
        except TimeoutError:
            return None

    def undo(self, run_id: str, by: str) -> Future[str]:
        """Begin to plan what takes back what a run did, and return the plan's id, there when it is made.

        One at a time is planned.
        """
        sync, by, site = self.run(run_id).sync, who.named(by), self._site()

        def work() -> str:
            with bound_contextvars(sync=sync, by=by):
                progress = Watched(site.stop, lambda: None)
                return undo_run(site, run_id, progress=progress, by=by).id

        return self._shared.undos.begin(self._errands, run_id, work)

    def undo_of(self, run_id: str) -> Future[str] | None:
        """Return what comes, or came, of the last undo of a run that was asked for here; None if none was."""
        self.run(run_id)
        return self._shared.undos.of(run_id)

    # People

    def find(self, sync: str, text: str, most: int = AT_ONCE) -> list[Found]:
        """Return people of whom some name holds the text, as of the last accepted read."""
        self._names(sync)
        if not text.strip():
            return []
        with reading(self._site().engine) as connection:
            return finding.like(connection, sync, text.strip(), _within(most))

    def explain(
        self,
        sync: str,
        user: str,
        why_not: tuple[str, str] | None = None,
        *,
        offline: bool = False,
    ) -> Explanation:
        """Return why somebody has what they have; `why_not`: (entitlement, value)."""
        self._names(sync)
        return explain(self._site(), sync, Question(user, why_not, offline))

    # What is left to people

    def manual(
        self, sync: str | None = None, after: str | None = None, most: int = AT_ONCE
    ) -> Page[Due]:
        """Return the open manual steps: by sync, the longest due first."""
        names, site = self._names(sync), self._site()
        place: Any = None if after is None else decoded(after, str, str, int, int)
        with reading(site.engine) as connection:
            steps = manual_store.open_steps(connection, names, place, _within(most) + 1)
        return _page(
            due_of(site, steps), most, lambda due: encoded(*manual_store.place_of(due.step))
        )

    def tick_off(self, sync: str, step: str, by: str, note: str | None = None) -> list[str]:
        """Note that a manual step is done, and return lines that tell it."""
        self._names(sync)
        return tick_off(self._site(), [sync], [step], by, note)

    def quarantine(
        self, sync: str | None = None, after: str | None = None, most: int = AT_ONCE
    ) -> tuple[list[Quarantined], Page[Parked]]:
        """Return which syncs are slowed down, and who is parked: by sync, then user."""
        names, site = self._names(sync), self._site()
        place: Any = None if after is None else decoded(after, str, str, str)
        with reading(site.engine) as connection:
            slowed = quarantine.quarantined(connection, names, site.now())
            people = quarantine.parked_people(
                connection, names, site.now(), place, _within(most) + 1
            )
        return slowed, _page(people, most, lambda one: encoded(one.sync, one.user, one.key))

    def release(self, sync: str, by: str, users: Sequence[str] = ()) -> list[str]:
        """Let people go, or everybody and the sync itself if none is named; return lines that tell it."""
        self._names(sync)
        return release(self._site(), [sync], users, by)

    def credits(self, sync: str) -> dict[str, Any] | None:
        """Return the statement of a sync's Communications Credits, None where config says nothing of any."""
        self._names(sync)
        site = self._site()
        if configured(site.config.syncs[sync]) is None:
            return None
        with reading(site.engine) as connection:
            return statement_document(connection, site.config, sync, site.now().date())

    def ready(self, sync: str, directory: str, by: str) -> str:
        """Declare a pushed directory complete, and return it in words."""
        self._names(sync)
        if self._site().config.syncs[sync].pushed != directory:
            raise RunError(
                f"sync {sync} has no pushed directory {directory!r}",
                remedy="only what is pushed to is declared ready",
            )
        return declare(self._site(), sync, who.named(by))

    # Who sees what

    def _sees(self, sync: str) -> bool:
        return sync in self._site().config.syncs and (self._seen is None or sync in self._seen)

    def _names(self, sync: str | None) -> list[str]:
        """Return the syncs that are meant: the one named, or all that this operator sees."""
        names = [name for name in self._site().config.syncs if self._sees(name)]
        if sync is None:
            return names
        if sync not in names:
            raise NoSuchSync(f"there is no sync {sync!r}", remedy="`syncs` lists those there are")
        return [sync]

    def _sync_of_plan(self, plan_id: str) -> str:
        with reading(self._site().engine) as connection:
            sync = plan_store.filed(connection, plan_id).sync
        if not self._sees(sync):
            raise plan_store.unknown(plan_id)
        return sync

    @staticmethod
    def _second(site: Site) -> dict[str, Collection[str]]:
        return {name: sync.approval.second for name, sync in site.config.syncs.items()}


def _within(most: int) -> int:
    return max(1, min(most, MOST))


def _page(found: Sequence[T], most: int, cursor: Callable[[T], str]) -> Page[T]:
    """Return a page of what was found, one more than it may hold where others follow."""
    some = tuple(found[: _within(most)])
    return Page(some, cursor(some[-1]) if len(found) > len(some) else None)
