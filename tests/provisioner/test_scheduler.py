"""The clock: when syncs start, what never overlaps, and how it ends. Jobs are held by events, not by time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import provisioner
from connectors.errors import RunError
from provisioner.config import Schedule
from provisioner.scheduler import Alive, Job, Scheduler, View
from provisioner.wiring import utc_now

PATIENCE_S = 20.0
HOURLY = Schedule(3600.0, None)
OFTEN = Schedule(0.02, None)
LEAP_DAY = Schedule(None, "0 0 29 feb *")


class Work:
    """A job that says when it began and ends when it may; `signs` are its signs of life."""

    def __init__(self, status: int = 0) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()
        self.status = status
        self.names: list[str] = []
        self.alive: Alive = lambda: None

    def __call__(self, name: str, alive: Alive) -> int:
        self.names.append(name)
        self.alive = alive
        self.began.set()
        assert self.may_end.wait(PATIENCE_S)
        return self.status


class Clock:
    """The time by which signs of life are judged: it begins now, and is moved by hand."""

    def __init__(self) -> None:
        self.moved = timedelta()
        self._began = utc_now()

    def __call__(self) -> datetime:
        return self._began + self.moved


@contextmanager
def scheduling(
    job: Job,
    schedules: Mapping[str, Schedule],
    last: Mapping[str, datetime] = {},
    now: Any = utc_now,
) -> Iterator[Scheduler]:
    scheduler = Scheduler(schedules, job, now)
    scheduler.start(last)
    try:
        yield scheduler
    finally:
        if isinstance(job, Work):
            job.may_end.set()
        scheduler.stop()


def ended(scheduler: Scheduler, name: str = "emea") -> View:
    """Return the view of a sync once a run of it has ended."""
    with scheduler._changed:
        assert scheduler._changed.wait_for(lambda: scheduler.views()[name].ended_at, PATIENCE_S)
    return scheduler.views()[name]


def test_an_interval_begins_with_a_run_at_once() -> None:
    work = Work(status=4)
    with scheduling(work, {"emea": HOURLY}) as scheduler:
        assert work.began.wait(PATIENCE_S)
        assert scheduler.running == ["emea"]
        work.may_end.set()
        view = ended(scheduler)

    assert (view.status, view.running_since) == (4, None)
    assert view.next_start is not None
    assert timedelta(minutes=55) < view.next_start - utc_now() < timedelta(minutes=65)


def test_a_cron_moment_that_nobody_missed_is_waited_for() -> None:
    work = Work()
    with scheduling(work, {"emea": LEAP_DAY}, {"emea": utc_now()}) as scheduler:
        view = scheduler.views()["emea"]

    assert view.next_start is not None
    assert view.next_start > utc_now()
    assert work.names == []


def test_a_cron_moment_that_was_missed_while_no_daemon_ran_is_made_up_for_once() -> None:
    work = Work()
    long_ago = utc_now() - timedelta(days=20 * 365)
    with scheduling(work, {"emea": LEAP_DAY}, {"emea": long_ago}) as scheduler:
        work.may_end.set()
        view = ended(scheduler)

    assert work.names == ["emea"]
    assert view.next_start is not None
    assert view.next_start > utc_now()


def test_a_sync_that_is_still_at_work_when_it_falls_due_is_left_out_and_that_is_logged() -> None:
    work = Work()
    with capture_logs() as logs, scheduling(work, {"emea": OFTEN}):
        assert work.began.wait(PATIENCE_S)
        told = threading.Event()
        while not any(entry["event"] == "sync.left_out" for entry in logs):
            told.wait(0.01)
        assert work.names == ["emea"]


def test_two_syncs_run_side_by_side() -> None:
    both = threading.Barrier(2)

    def meet(_: str, __: Alive) -> int:
        both.wait(PATIENCE_S)
        return 0

    with scheduling(meet, {"emea": HOURLY, "apac": HOURLY}) as scheduler:
        assert [ended(scheduler, name).status for name in ("emea", "apac")] == [0, 0]


def test_a_run_that_crashes_is_a_failure_and_the_next_one_starts() -> None:
    again = threading.Event()
    runs: list[str] = []

    def crash_once(name: str, _: Alive) -> int:
        runs.append(name)
        if len(runs) == 1:
            raise KeyError("eva@example.org")
        again.set()
        return 0

    with capture_logs() as logs, scheduling(crash_once, {"emea": OFTEN}) as scheduler:
        assert again.wait(PATIENCE_S)
        assert scheduler.alive

    assert [e["sync"] for e in logs if e["event"] == "sync.crashed"] == ["emea"]


def test_a_stop_waits_for_what_is_at_work_and_starts_nothing_more() -> None:
    work = Work()
    with scheduling(work, {"emea": OFTEN}) as scheduler:
        assert work.began.wait(PATIENCE_S)
        stopping = threading.Thread(target=scheduler.stop)
        stopping.start()
        assert scheduler.running == ["emea"]
        assert stopping.is_alive()
        work.may_end.set()
        stopping.join(PATIENCE_S)

        assert not stopping.is_alive()
        assert scheduler.running == []
    assert work.names == ["emea"]


def test_a_scheduler_that_never_started_stops() -> None:
    Scheduler({"emea": HOURLY}, Work()).stop()


@pytest.mark.parametrize(
    ("schedule", "fine", "late"),
    [
        (Schedule(900.0, None), timedelta(minutes=59), timedelta(minutes=61)),
        (Schedule(28_800.0, None), timedelta(hours=23), timedelta(hours=25)),
    ],
)
def test_a_sync_is_late_after_three_moments_and_an_hour_without_a_sign_of_life(
    schedule: Schedule, fine: timedelta, late: timedelta
) -> None:
    clock, work = Clock(), Work()
    with scheduling(work, {"emea": schedule}, now=clock) as scheduler:
        assert work.began.wait(PATIENCE_S)
        clock.moved = fine
        assert not scheduler.views()["emea"].late
        clock.moved = late
        assert scheduler.views()["emea"].late
        work.alive()
        assert not scheduler.views()["emea"].late


def test_only_the_daemon_makes_a_scheduler() -> None:
    folder = Path(provisioner.__file__).parent
    makers = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if "Scheduler(" in path.read_text(encoding="utf-8")
    }

    assert makers == {"scheduler.py", "commands/daemon.py"}


def test_a_schedule_that_config_changed_is_followed_and_the_others_go_on_as_they_were() -> None:
    work = Work()
    with scheduling(work, {"emea": LEAP_DAY, "apac": LEAP_DAY, "gone": LEAP_DAY}) as scheduler:
        before = scheduler.views()
        scheduler.update({"emea": LEAP_DAY, "apac": HOURLY, "new": HOURLY})
        after = scheduler.views()
        scheduler.update({"emea": LEAP_DAY, "apac": HOURLY, "new": HOURLY})
        again = scheduler.views()

    assert after.keys() == {"emea", "apac", "new"}
    assert after["emea"].next_start == before["emea"].next_start
    for name in ("apac", "new"):
        moment = after[name].next_start
        assert moment is not None
        assert moment - utc_now() < timedelta(minutes=65)
    assert again == after


def test_a_sync_that_config_drops_comes_to_its_end_and_is_gone() -> None:
    work = Work()
    with scheduling(work, {"emea": HOURLY}) as scheduler:
        assert work.began.wait(PATIENCE_S)
        scheduler.update({})
        assert scheduler.running == ["emea"]
        work.may_end.set()
        with scheduler._changed:
            assert scheduler._changed.wait_for(lambda: not scheduler.views(), PATIENCE_S)

    assert work.names == ["emea"]


def test_a_sync_that_comes_back_while_it_is_at_work_does_not_run_twice_at_once() -> None:
    work = Work()
    with scheduling(work, {"emea": HOURLY}) as scheduler:
        assert work.began.wait(PATIENCE_S)
        scheduler.update({})
        scheduler.update({"emea": OFTEN})
        assert scheduler.running == ["emea"]
        assert work.names == ["emea"]
        work.may_end.set()
        assert ended(scheduler).status == 0


def test_a_sync_runs_at_once_when_somebody_asks_and_its_moments_stay() -> None:
    asked = Work(status=4)
    asked.may_end.set()
    with scheduling(Work(), {"emea": LEAP_DAY}, {"emea": utc_now()}) as scheduler:
        due = scheduler.views()["emea"].next_start
        scheduler.run_now("emea", asked)
        view = ended(scheduler)

    assert asked.names == ["emea"]
    assert (view.status, view.next_start) == (4, due)


def test_a_sync_without_a_schedule_runs_when_somebody_asks_and_is_shown_meanwhile() -> None:
    work = Work()
    with scheduling(work, {}) as scheduler:
        scheduler.run_now("emea")
        assert work.began.wait(PATIENCE_S)
        assert scheduler.running == ["emea"]
        assert not scheduler.views()["emea"].late
        work.may_end.set()
        with scheduler._changed:
            assert scheduler._changed.wait_for(lambda: not scheduler.running, PATIENCE_S)

        assert scheduler.views() == {}


def test_a_sync_that_is_at_work_is_not_started_again_whoever_asks() -> None:
    work = Work()
    with scheduling(work, {"emea": OFTEN}) as scheduler:
        assert work.began.wait(PATIENCE_S)
        with pytest.raises(RunError, match="at work already"):
            scheduler.run_now("emea")

    assert set(work.names) == {"emea"}


def test_a_moment_that_falls_due_while_an_asked_run_is_at_work_is_left_out() -> None:
    asked, usual = Work(), Work()
    with capture_logs() as logs, scheduling(usual, {"emea": LEAP_DAY}, {"emea": utc_now()}) as s:
        s.run_now("emea", asked)
        assert asked.began.wait(PATIENCE_S)
        s.update({"emea": OFTEN})
        told = threading.Event()
        while not any(entry["event"] == "sync.left_out" for entry in logs):
            told.wait(0.01)
        assert usual.names == []
        s.update({"emea": LEAP_DAY})
        asked.may_end.set()
        usual.may_end.set()


def test_nothing_is_started_by_a_scheduler_that_has_stopped() -> None:
    with scheduling(Work(), {}) as scheduler:
        pass

    with pytest.raises(RunError, match="doesn't run"):
        scheduler.run_now("emea")
