"""`provisioner daemon`: the supervisor, which owns the schedule and starts what serves HTTP.

    signals -> Stop        lease -> scheduler -> runs        HTTP: health

It ends within ten seconds of SIGTERM, SIGINT or SIGHUP: nothing new starts, the call in flight comes back and is
journalled, requests are answered, the lease is given back; exit status 0. What doesn't come back in
time is left behind (status 1): it is on record as sent, and the next run reads back what became of
it. A second signal ends the process at once in the same way.

A config or a mapping that can't be used keeps it from starting (status 1, all problems in one event; at a
terminal in plain words). A mapping that is spoiled later fails its own sync, and the others go on.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import InputError, ProvisionerError
from provisioner.checks.files import load_files
from provisioner.commands.stopping import heard
from provisioner.config import Config, Schedule
from provisioner.health import StoreProbe, create_app
from provisioner.lease import PROLONG_S, Lease
from provisioner.logs import configure_logs, log_call, logger, secrets_of
from provisioner.scheduled import end_killed, last_starts, run_scheduled
from provisioner.scheduler import Scheduler
from provisioner.serving import Served
from provisioner.wiring import Site, Stop, Stopped, open_site

STOPPING_S = 9.0
"""Seconds from the first signal to the end of the process, whatever hangs."""

_TELLING_S = 0.5
"""Seconds in which the log must have taken the last event."""


def run_daemon(config: Path) -> int:
    """Run the syncs on their schedules until told to stop, and return the exit status."""
    configure_logs()
    try:
        loaded = load_files(config)
    except InputError as error:
        if sys.stderr.isatty():
            raise
        logger().error("daemon.refused", problems=list(map(str, error.problems)))
        return 1
    configure_logs(secrets=secrets_of(loaded))
    stop = Stop()
    deadline = Deadline()
    try:
        with _obeying_signals(stop, deadline):
            Daemon(open_site(loaded, stop=stop, record=log_call), deadline).run()
    except Stopped:
        logger().info("daemon.stopped")
        return 0
    except ProvisionerError as error:
        logger().error("daemon.failed", error=error.message, remedy=error.remedy)
    except Exception as error:  # noqa: BLE001 - Python's own traceback would quote what it held
        logger().error("daemon.crashed", exc_info=error)
    return 1


class Deadline:
    """The end of the process a while after it began to stop, whatever hangs."""

    def __init__(self) -> None:
        self.running: Callable[[], list[str]] = list
        """What to name as left behind: the syncs at work."""

    def begin(self) -> None:
        """Begin to count."""
        _after(STOPPING_S, self.cut_off)

    def cut_off(self) -> None:
        """End the process now; threads that hang can't be ended in any other way."""
        _after(_TELLING_S, lambda: os._exit(1))  # the log itself may be what hangs
        logger().error(
            "daemon.cut_off",
            syncs=self.running(),
            reason="something didn't come back in time; what was sent is on record,"
            " and the next run reads back what became of it",
        )
        os._exit(1)


class Daemon:
    """One daemon while it runs: its site, its lease, its scheduler and its server."""

    def __init__(self, site: Site, deadline: Deadline) -> None:
        """Take the address to listen on. Raises RunError if that can't be had."""
        self._site, self._deadline = site, deadline
        self._lease = Lease(site.engine, site.now)
        self._scheduler = Scheduler(_schedules(site.config), self._job, site.now)
        self._scheduling = False
        self._probe = StoreProbe(site.engine)
        app = create_app(self.not_alive, self.not_ready, self._scheduler.views)
        self._http = Served(app, site.config.server.bind)
        deadline.running = lambda: self._scheduler.running

    def run(self) -> None:
        """Serve and schedule. Raises Stopped in the end, or RunError if the schedule is another's."""
        self._http.start()
        try:
            logger().info("http.serving", url=self._http.url)
            self._lease.acquire(self._site.stop.sleep, _tell_waiting)
            self._start()
            while True:
                self._site.stop.sleep(PROLONG_S)
                self._prolong()
        finally:
            self._end()

    def not_alive(self) -> list[str]:
        """Return what only a restart mends."""
        ended = self._scheduling and not self._scheduler.alive and not self._site.stop.asked()
        return ["the scheduler's thread has ended"] if ended else []

    def not_ready(self) -> list[str]:
        """Return why the daemon can't do its work just now."""
        problems = [*self.not_alive(), *self._probe.problems()]
        if self._site.stop.asked():
            problems.append("it is stopping")
        elif not self._scheduling:
            problems.append("it waits for the schedule, which another daemon held last")
        elif not self._lease.held:
            problems.append("it has no hold on the schedule: the store didn't take its claim")
        return problems

    def _start(self) -> None:
        with self._site.engine.begin() as connection:
            killed = end_killed(connection, self._site.now())
            last = last_starts(connection)
        if killed:
            logger().warning("daemon.was_killed", syncs=killed)
        self._scheduler.start(last)
        self._scheduling = True
        views = self._scheduler.views()
        logger().info(
            "daemon.started",
            pid=os.getpid(),
            next_starts={name: view.next_start for name, view in views.items()},
            without_schedule=sorted(self._site.config.syncs.keys() - views.keys()),
        )

    def _prolong(self) -> None:
        """Hold the lease for longer; a store that fails is asked again, a rival ends this daemon."""
        try:
            self._lease.prolong()
        except SQLAlchemyError as error:
            logger().error("lease.failed", held=self._lease.held, exc_info=error)

    def _job(self, name: str, alive: Callable[[], None]) -> int:
        if not self._lease.held:
            reason = "this daemon has no hold on the schedule just now"
            logger().error("sync.left_out", sync=name, reason=reason)
            return 1
        return run_scheduled(self._site, name, alive)

    def _end(self) -> None:
        """Wind down: runs first, then requests, so that /readyz tells of the stop meanwhile."""
        if not self._site.stop.asked():  # not by a signal: the schedule is lost, or something broke
            self._site.stop.set()
            self._deadline.begin()
        if running := self._scheduler.running:
            logger().info("daemon.waiting", syncs=running)
        self._scheduler.stop()
        self._http.stop()
        try:
            self._lease.give_back()
        except SQLAlchemyError as error:
            logger().warning("lease.failed", exc_info=error)


def _schedules(config: Config) -> dict[str, Schedule]:
    return {name: sync.schedule for name, sync in config.syncs.items() if sync.schedule}


def _tell_waiting(holder: str) -> None:
    logger().warning(
        "lease.waiting",
        holder=holder,
        reason="another daemon keeps the schedule, or kept it and was killed: half a minute shows",
    )


def _after(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


@contextmanager
def _obeying_signals(stop: Stop, deadline: Deadline) -> Iterator[None]:
    """Have the signals wait for one thread that takes them.

    A handler would run between any two instructions of the main thread, also while that holds the
    very lock that setting the stop needs.
    """
    awaited = heard()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)

    def obey() -> None:
        while True:
            number = signal.sigwait(awaited)
            if stop.asked():
                deadline.cut_off()
            deadline.begin()
            stop.set()
            logger().info("daemon.stopping", signal=signal.Signals(number).name)

    threading.Thread(target=obey, name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
