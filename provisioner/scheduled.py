"""One run of a sync with nobody at the terminal: plan, guard, approval policy, apply.

It does what `provisioner sync` does, leaves a row among the runs however it ends, and tells the log
what an operator would have seen: figures and ids, never people, whom `provisioner show` names.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from structlog.contextvars import bound_contextvars

from connectors.errors import ProvisionerError, ReadRefused
from provisioner.apply import Allowance, Applied, apply_plan
from provisioner.logs import logger
from provisioner.plan.document import instant
from provisioner.plan.model import Plan
from provisioner.planning import Request, plan_sync
from provisioner.store import audit as audit_store
from provisioner.store import quarantine
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.store.moments import moment
from provisioner.store.quarantine import Quarantined
from provisioner.store.tables import runs
from provisioner.wiring import Site, Stop, Stopped

COMMAND = "daemon"
"""What these runs are called among the runs."""

_FAILED, _REFUSED = 1, 3
_LEVELS = {0: "info", 4: "info", 3: "warning", 5: "warning"}
"""How loud an exit status is; any other is an error. That changes wait for approval is everyday."""


class Watched:
    """Progress that nobody sees: each step is a sign of life, and the place where a stop is noticed."""

    def __init__(self, stop: Stop, alive: Callable[[], None]) -> None:
        self._stop, self._alive = stop, alive

    def stage(self, text: str, total: int | None = None) -> None:
        """Note that a stage begins. Raises Stopped if the stop was asked for."""
        logger().debug("sync.stage", stage=text, total=total)
        self.advance()

    def advance(self, count: int = 1) -> None:  # noqa: ARG002 - a sign of life is all that counts
        """Note that something was done. Raises Stopped if the stop was asked for."""
        self._alive()
        if self._stop.asked():
            raise Stopped("stopped; the next run begins afresh")

    def close(self) -> None:
        """Nothing is left open."""


def run_scheduled(
    site: Site,
    name: str,
    alive: Callable[[], None],
    by: str | None = None,
    begun: Callable[[str], None] = lambda _: None,
) -> int:
    """Run one sync and return the exit status (DESIGN section 6); errors of ours are logged, not raised.

    `by`: who asked for it, None for the schedule. `begun` is told the run's id.
    """
    began = time.monotonic()
    with site.engine.begin() as connection:
        asked = {} if by is None else {"by": by}
        run = run_store.start(connection, name, COMMAND, None, site.now(), asked)
    begun(run)
    status, plan, summary = _FAILED, None, {"error": "it broke off"}
    with bound_contextvars(sync=name, run=run):
        try:
            logger().info("sync.started", **asked)
            progress = Watched(site.stop, alive)
            plan = plan_sync(site, name, Request(), progress, run)
            _tell_plan(plan, began)
            result = apply_plan(site, plan.id, Allowance(), progress, by=by)
            status, summary = result.status, tell_applied(result, began)
        except Stopped as error:
            summary = {"error": str(error)}
            logger().info("sync.stopped", reason=error.message, duration_s=_since(began))
        except ProvisionerError as error:
            status = _REFUSED if isinstance(error, ReadRefused) else _FAILED
            summary = {"error": str(error)}
            event = "sync.refused" if status == _REFUSED else "sync.failed"
            said = {"error": error.message, "remedy": error.remedy, "duration_s": _since(began)}
            _log(status)(event, status=status, **said)
        finally:
            with site.engine.begin() as connection:
                made = None if plan is None else plan.id
                run_store.end(connection, run, status, summary, site.now(), made)
            _tell_head(site)
    return status


def resting(site: Site, name: str) -> Quarantined | None:
    """Return the quarantine that a sync is in, None if it is in none; its calls mostly failed."""
    with reading(site.engine) as connection:
        return next(iter(quarantine.quarantined(connection, [name], site.now())), None)


def last_starts(connection: Connection) -> dict[str, datetime]:
    """Return when a daemon last began a run of each sync, by name."""
    newest = func.max(runs.c.started_at)
    asked = select(runs.c.sync, newest).where(runs.c.command == COMMAND).group_by(runs.c.sync)
    return {sync: moment(at) for sync, at in connection.execute(asked)}


def end_killed(connection: Connection, now: datetime) -> list[str]:
    """Note of every run that no daemon can be at work on that it broke off, and return their syncs.

    For the holder of the schedule, before its first run: what stands as running was killed.
    """
    killed = (runs.c.command == COMMAND) & runs.c.ended_at.is_(None)
    found = connection.execute(select(runs.c.id, runs.c.sync).where(killed)).all()
    for run, _ in found:
        run_store.end(connection, run, _FAILED, {"error": "the daemon was killed"}, now)
    return sorted({sync for _, sync in found})


def _tell_head(site: Site) -> None:
    """Log where the audit's chain ends: kept elsewhere, it proves what led to it."""
    with reading(site.engine) as connection:
        end = audit_store.head(connection)
    if end is not None:
        logger().info("audit.head", entries=end.entries, hash=end.hash)


def _tell_plan(plan: Plan, began: float) -> None:
    said = plan.summary
    logger().info(
        "sync.planned",
        plan=plan.id,
        people=said.people,
        unchanged=said.unchanged,
        changes=said.changes,
        removals=said.removals,
        held=said.held,
        blocked=said.blocked,
        waiting=said.waiting,
        manual=said.manual,
        conflicts=len(plan.conflicts),
        warnings=len(plan.warnings),
        duration_s=_since(began),
    )


def tell_applied(result: Applied, began: float) -> dict[str, Any]:
    """Log how it ended, and return it as the run's summary."""
    summary: dict[str, Any] = {"states": dict(result.states), "calls": dict(result.calls)}
    said: dict[str, Any] = {
        **summary,
        "held": result.held,
        "frozen": result.frozen,
        "waiting_for_approval": result.unapproved,
        "not_carried_out": len(result.left),
    }
    if result.quarantined_until is not None:
        summary["quarantined_until"] = instant(result.quarantined_until)
        said["quarantined_until"] = summary["quarantined_until"]
    stopped = result.stopped_by
    if stopped is not None:
        summary["error"] = str(stopped)
        said |= {"error": stopped.message, "remedy": stopped.remedy}
    level = "info" if isinstance(stopped, Stopped) else _LEVELS.get(result.status, "error")
    event = "sync.applied" if stopped is None else "sync.broken_off"
    duration = _since(began)
    tell = getattr(logger(), level)
    tell(
        event,
        plan=result.plan,
        apply_run=result.run,
        status=result.status,
        **said,
        duration_s=duration,
    )
    return summary


def _log(status: int) -> Callable[..., None]:
    log: Callable[..., None] = getattr(logger(), _LEVELS.get(status, "error"))
    return log


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
