"""The clock: starts each sync when its schedule says so, and never one sync twice at once.

- `every: 15m` runs once as soon as the scheduler starts, and then every 15 minutes from there.
- `cron: "0 2 * * *"` follows the local time of the machine (TZ), as crontab does. If its last moment
  passed while no daemon ran, it runs at the start: a machine that reboots at two each night would
  otherwise never sync.
- What fell due several times while the machine slept runs once, late. What falls due while the same
  sync is still at work is left out and logged: the next moment comes. Different syncs run side by side.
- A sync without a schedule is run only when somebody asks for it (`run_now`), as any other may be
  between its moments.

One scheduler exists in an installation (provisioner/lease.py); nothing that serves HTTP starts one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from connectors.errors import RunError
from provisioner.config import Schedule
from provisioner.logs import logger
from provisioner.wiring import utc_now

SIDE_BY_SIDE = 8
"""Syncs that run at the same time; the others wait for their turn."""

LATE_STARTS = 3
LATE_LEAST = timedelta(hours=1)
"""A sync is late when it gave no sign of life for three of its moments, and for an hour at least."""

Alive = Callable[[], None]
Job = Callable[[str, Alive], int]
"""One run of a sync, by name; it calls the given function as a sign of life while it is at work, and
returns the exit status that `provisioner sync` would end with. What it raises is logged and survived."""


@dataclass(frozen=True, slots=True)
class View:
    """How it stands with one sync. `status` is the last run's, None before the first ended.

    `running_since`: None while it doesn't run; `next_start`: None when nothing more is scheduled.
    """

    running_since: datetime | None
    ended_at: datetime | None
    status: int | None
    next_start: datetime | None
    late: bool


@dataclass(slots=True)
class _Sync:
    trigger: BaseTrigger | None  # None: it runs only because somebody asked for it
    seen: datetime
    running_since: datetime | None = None
    ended_at: datetime | None = None
    status: int | None = None

    def late(self, now: datetime) -> bool:
        if self.trigger is None:
            return False
        due: datetime | None = self.seen
        for _ in range(LATE_STARTS):
            due = due and self.trigger.get_next_fire_time(due, due)
        return due is not None and now > max(due, self.seen + LATE_LEAST)


class _Scheduler(BackgroundScheduler):  # type: ignore[misc]
    """APScheduler's, which knows whether its thread is alive."""

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


class Scheduler:
    """Runs `job` for each scheduled sync. `now` tells the time by which signs of life are judged."""

    def __init__(
        self, schedules: Mapping[str, Schedule], job: Job, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._job, self._now = job, now
        self._schedules = dict(schedules)
        self._syncs = {name: _Sync(trigger_of(s), now()) for name, s in schedules.items()}
        self._stopping = False
        self._asked: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._scheduler = _Scheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(SIDE_BY_SIDE)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(_left_out, EVENT_JOB_MAX_INSTANCES)

    def start(self, last_starts: Mapping[str, datetime] = {}) -> None:
        """Begin. `last_starts`: when each sync ran last, by an earlier daemon, where that is known."""
        now = self._now()
        for name, sync in self._syncs.items():
            sync.seen = now
            assert sync.trigger is not None, "those that are scheduled have one"
            soon = isinstance(sync.trigger, IntervalTrigger)
            if not soon and (last := last_starts.get(name)) is not None:
                missed = sync.trigger.get_next_fire_time(None, last)
                soon = missed is not None and missed <= now
            when = {"next_run_time": now} if soon else {}
            self._scheduler.add_job(self._run, sync.trigger, args=[name], id=name, **when)
        self._scheduler.start()

    def update(self, schedules: Mapping[str, Schedule]) -> None:
        """Follow these schedules from now on; one that is the same goes on as if nothing had happened.

        A sync that is at work comes to its end in any case.
        """
        triggers = {name: trigger_of(each) for name, each in schedules.items()}
        with self._changed:
            kept = {name for name, each in schedules.items() if self._schedules.get(name) == each}
            for name in self._schedules.keys() - kept:
                self._scheduler.remove_job(name)
                if name not in schedules and name not in self.running:
                    del self._syncs[name]
            self._schedules = dict(schedules)
            for name in schedules.keys() - kept:
                sync = self._syncs.setdefault(name, _Sync(triggers[name], self._now()))
                sync.trigger, sync.seen = triggers[name], self._now()
                self._scheduler.add_job(self._run, sync.trigger, args=[name], id=name)

    def run_now(self, name: str, job: Job | None = None) -> None:
        """Run a sync as soon as a thread is free, whether it has a schedule or not; its moments stay.

        `job`: in place of the usual one. Raises RunError where it is at work or asked for already, or
        nothing more may start.
        """
        with self._changed:
            if self._stopping or not self._scheduler.running:
                raise RunError("the scheduler doesn't run", remedy="nothing was started")
            sync = self._syncs.setdefault(name, _Sync(None, self._now()))
            if sync.running_since is not None or name in self._asked:
                raise RunError(
                    f"sync {name} is at work already",
                    remedy="nothing was started; wait for its end",
                )
            self._asked[name] = job or self._job
        self._scheduler.add_job(self._run_asked, args=[name])

    @property
    def alive(self) -> bool:
        """Whether the scheduler's own thread is at work."""
        return self._scheduler.alive

    def views(self) -> dict[str, View]:
        """Return how it stands with each scheduled sync, by name."""
        now = self._now()
        return {name: self._view(name, sync, now) for name, sync in list(self._syncs.items())}

    @property
    def running(self) -> list[str]:
        """The syncs that are at work now."""
        syncs = list(self._syncs.items())
        return [name for name, sync in syncs if sync.running_since is not None]

    def stop(self) -> None:
        """Start nothing more, and return when what is at work has ended."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        with self._changed:
            self._changed.wait_for(lambda: not self.running)

    def _view(self, name: str, sync: _Sync, now: datetime) -> View:
        job = self._scheduler.get_job(name)
        return View(
            running_since=sync.running_since,
            ended_at=sync.ended_at,
            status=sync.status,
            next_start=getattr(job, "next_run_time", None),
            late=sync.late(now),
        )

    def _run_asked(self, name: str) -> None:
        if name in self._asked:  # else a moment of the schedule came first, and took it along
            self._run(name)

    def _run(self, name: str) -> None:
        with self._changed:
            sync = self._syncs.get(name)
            if self._stopping or sync is None:
                return
            if sync.running_since is not None:  # somebody asked for it
                _tell_left_out(name, [self._now()])
                return
            job = self._asked.pop(name, self._job)
            sync.running_since = sync.seen = self._now()
        status = 1
        try:
            status = job(name, lambda: setattr(sync, "seen", self._now()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other syncs and the next run go on
            logger().error("sync.crashed", sync=name, exc_info=error)
        finally:
            with self._changed:
                sync.status, sync.running_since = status, None
                sync.ended_at = sync.seen = self._now()
                if (
                    name not in self._schedules
                ):  # config has dropped it meanwhile, or has none for it
                    del self._syncs[name]
                self._changed.notify_all()


def trigger_of(schedule: Schedule) -> BaseTrigger:
    """Return APScheduler's trigger for a schedule. Raises RunError if the machine's TZ isn't a time zone."""
    if schedule.cron is None:
        return IntervalTrigger(seconds=schedule.every_s, timezone=UTC)
    try:
        return CronTrigger.from_crontab(schedule.cron)
    except (ZoneInfoNotFoundError, ValueError) as error:
        # config has judged the expression itself; str() of a KeyError would be a repr
        why = str(error.args[0]).partition("\n")[0].strip()
        raise RunError(
            f"the machine's time zone can't be told: {why}", remedy="set TZ, say to Europe/Prague"
        ) from None


def _left_out(event: JobSubmissionEvent) -> None:
    """Log that a sync fell due while it was still at work."""
    _tell_left_out(event.job_id, event.scheduled_run_times)


def _tell_left_out(name: str, due: Iterable[datetime]) -> None:
    said = [at.astimezone(UTC).isoformat() for at in due]
    logger().warning("sync.left_out", sync=name, due=said, reason="it is still at work")
