"""`provisioner daemon`: the supervisor, which owns the schedule and starts what serves HTTP.

    signals -> Stop        lease -> scheduler -> runs        HTTP: SCIM and health; operators
                                 -> pushes -> plan and apply, for each sync with a pushed directory

It ends within ten seconds of SIGTERM or SIGINT: nothing new starts, the call in flight comes back and is
journalled, requests are answered, the lease is given back; exit status 0. What doesn't come back in
time is left behind (status 1): it is on record as sent, and the next run reads back what became of
it. A second signal ends the process at once in the same way.

SIGHUP has it read config again (at a terminal, whose end it tells of there, it stops): schedules change,
and the processes that serve are replaced by such as know the new one. A config that can't be used is
told of and changes nothing.

SCIM is served by processes of their own (provisioner/web/supervised.py), where a sync is pushed to; where
none is, this process answers for its health itself.

A config or a mapping that can't be used keeps it from starting (status 1, all problems in one event; at a
terminal in plain words). A mapping that is spoiled later fails its own sync, and the others go on.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import InputError, ProvisionerError, RunError
from provisioner.checks.files import load_files
from provisioner.commands.stopping import heard
from provisioner.config import Config, Schedule
from provisioner.console.desk import Desk
from provisioner.console.errands import Begun, Errands
from provisioner.health import StoreProbe, create_app
from provisioner.hiding import secrets_of
from provisioner.lease import PROLONG_S, Lease
from provisioner.logs import configure_logs, log_call, logger
from provisioner.plan.document import instant
from provisioner.pushes import Pushes
from provisioner.scheduled import end_killed, last_starts, resting, run_scheduled
from provisioner.scheduler import Scheduler, View
from provisioner.serving import Served
from provisioner.store.quarantine import Quarantined
from provisioner.store.rate_board import open_board
from provisioner.web import admin, daemon_metrics
from provisioner.web.supervised import Receiver
from provisioner.wiring import Site, Stop, Stopped, open_site

STOPPING_S = 9.0
"""Seconds from the first signal to the end of the process, whatever hangs."""

_ASKING = 8
"""Requests of operators that are answered at the same time: some take as long as a read."""

RECEIVING_S = 3.0
"""Seconds from the first signal for which SCIM is served while syncs come to their end."""
_IN_PART = 5
"""The status of a sync that rests, and of which nobody knows yet how it ended last."""

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
    orders = Orders(stop, deadline)
    try:
        with _obeying_signals(orders):
            daemon = Daemon(open_site(loaded, stop=stop, record=log_call), deadline)
            orders.reload = daemon.reload
            daemon.run()
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
        self.leave: Callable[[], None] = lambda: None
        """What to do last of all: end who must not outlive this process."""

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
        self.leave()
        os._exit(1)


@dataclass
class Orders:
    """What signals ask for; `reload` is called in a thread of its own."""

    stop: Stop
    deadline: Deadline
    reload: Callable[[], None] = lambda: None


class Daemon:
    """One daemon while it runs: its site, its lease, its scheduler and its server."""

    def __init__(self, site: Site, deadline: Deadline) -> None:
        """Take the address to listen on. Raises RunError if that can't be had."""
        self._site, self._deadline = site, deadline
        self._lease = Lease(site.engine, site.now)
        self._scheduler = Scheduler(_schedules(site.config), self._job, site.now)
        self._scheduling = False
        self._pushes = {
            name: Pushes(site, site.config.syncs[name], lambda: self._lease.held)
            for name in site.config.pushed
        }
        self._pushing = [
            threading.Thread(target=_push, args=[each], name=f"pushes of {name}", daemon=True)
            for name, each in self._pushes.items()
        ]
        self._probe = StoreProbe(site.engine)
        self._resting: dict[str, datetime] = {}
        views, server = self._scheduler.views, site.config.server
        named = (
            not site.config.pushed
        )  # else whoever pushes asks there too, and knows their own sync
        app = create_app(self.not_alive, self.not_ready, views, lambda: self._resting, names=named)
        self._http: Served | Receiver = (
            Served(app, server.bind)
            if not site.config.pushed
            else (Receiver(site.config.path, server.bind, app))
        )
        figures = getattr(self._http, "figures", None)
        board = open_board(site.engine) if site.config.pushed else None
        routes = [daemon_metrics.blueprint(site.engine, views, figures, board)]
        self._errands = Errands()
        desk = Desk(lambda: self._site, self, self._errands)
        operators = admin.create_app(routes, lambda: self._site, desk)
        self._admin = Served(operators, server.admin_bind, _ASKING, member="admin_bind")
        deadline.running = self._at_work
        deadline.leave = self._leave

    def run(self) -> None:
        """Serve and schedule. Raises Stopped in the end, or RunError if the schedule is another's."""
        self._http.start()
        self._admin.start()
        try:
            logger().info("http.serving", url=self._http.url, admin_url=self._admin.url)
            self._lease.acquire(self._site.stop.sleep, _tell_waiting)
            self._start()
            while True:
                self._site.stop.sleep(PROLONG_S)
                self._prolong()
        finally:
            self._end()

    def reload(self) -> None:
        """Read config again and follow it, but for what only a restart changes."""
        old = self._site.config
        try:
            new = load_files(old.path)
            schedules = _schedules(new)
            configure_logs(secrets=secrets_of(new))
            self._site = replace(self._site, config=new)
            self._scheduler.update(schedules)
            for name in self._pushes.keys() & set(new.pushed):
                self._pushes[name].follow(self._site, new.syncs[name])
        except InputError as error:
            logger().error("daemon.reload_refused", problems=list(map(str, error.problems)))
            return
        except ProvisionerError as error:
            logger().error("daemon.reload_refused", problems=[str(error)])
            return
        if kept := list(_until_restart(old, new)):
            logger().warning("daemon.needs_restart", members=kept)
        if isinstance(self._http, Receiver):
            self._http.reload()
        logger().info("daemon.reloaded", syncs=sorted(new.syncs))

    def views(self) -> dict[str, View]:
        """Return how it stands with each sync that is scheduled or at work."""
        return self._scheduler.views()

    def start(self, sync: str, by: str, begun: Begun) -> None:
        """Have a sync run now because somebody asks, also one that rests. Raises RunError."""
        if not self._lease.held:
            raise RunError("this daemon has no hold on the schedule just now", remedy="ask again")

        def job(name: str, alive: Callable[[], None]) -> int:
            status = run_scheduled(self._site, name, alive, by, begun)
            self._look_whether_it_rests(name)
            return status

        self._scheduler.run_now(sync, job)

    def not_alive(self) -> list[str]:
        """Return what only a restart mends."""
        if not self._scheduling or self._site.stop.asked():
            return []
        ended = ["the scheduler's"] if not self._scheduler.alive else []
        ended += ["the pushes'"] if not all(each.is_alive() for each in self._pushing) else []
        return [f"{name} thread has ended" for name in ended]

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
        for pushing in self._pushing:
            pushing.start()
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
        if (rests := self._look_whether_it_rests(name)) is not None:
            told = {"until": instant(rests.until), "failures": rests.failures}
            logger().warning("sync.quarantined", sync=name, **told, reason=rests.reason)
            last = self._scheduler.views()[name].status
            return _IN_PART if last is None else last
        status = run_scheduled(self._site, name, alive)
        self._look_whether_it_rests(name)
        return status

    def _look_whether_it_rests(self, name: str) -> Quarantined | None:
        """Return the sync's quarantine, if it is in one, and keep for /readyz until when."""
        found = resting(self._site, name)
        if found is None:
            self._resting.pop(name, None)
        else:
            self._resting[name] = found.until
        return found

    def _at_work(self) -> list[str]:
        """Return what the end waits for: syncs, and what operators had carried out."""
        return [*self._scheduler.running, *self._errands.running]

    def _leave(self) -> None:
        if isinstance(self._http, Receiver):
            self._http.kill()

    def _end(self) -> None:
        """Wind down: runs first, then requests, so that /readyz tells of the stop meanwhile."""
        if not self._site.stop.asked():  # not by a signal: the schedule is lost, or something broke
            self._site.stop.set()
            self._deadline.begin()
        if running := self._at_work():
            logger().info("daemon.waiting", syncs=running)
        if isinstance(self._http, Receiver):
            _after(RECEIVING_S, self._http.begin_stop)
        self._scheduler.stop()
        self._errands.end()
        for pushing in self._pushing:
            if pushing.is_alive():
                pushing.join()
        self._http.stop()
        self._admin.stop()
        try:
            self._lease.give_back()
        except SQLAlchemyError as error:
            logger().warning("lease.failed", exc_info=error)


def _schedules(config: Config) -> dict[str, Schedule]:
    return {name: sync.schedule for name, sync in config.syncs.items() if sync.schedule}


def _push(pushes: Pushes) -> None:
    """Carry out what is pushed, as long as the schedule is ours."""
    with suppress(Stopped):
        pushes.run()


def _until_restart(old: Config, new: Config) -> Iterator[str]:
    """Yield what a reload leaves as it was."""
    if new.store != old.store:
        yield "store"
    for member in ("bind", "admin_bind"):
        if getattr(new.server, member) != getattr(old.server, member):
            yield f"server.{member}"
    if set(new.pushed) != set(old.pushed):
        yield "which syncs have a `pushed` directory"


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
def _obeying_signals(orders: Orders) -> Iterator[None]:
    """Have the signals wait for one thread that takes them.

    A handler would run between any two instructions of the main thread, also while that holds the
    very lock that setting the stop needs.
    """
    awaited = heard()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)

    def obey() -> None:
        while True:
            number = signal.sigwait(awaited)
            if number == signal.SIGHUP and not sys.stderr.isatty():
                threading.Thread(target=orders.reload, name="reload", daemon=True).start()
                continue
            if orders.stop.asked():
                orders.deadline.cut_off()
            orders.deadline.begin()
            orders.stop.set()
            logger().info("daemon.stopping", signal=signal.Signals(number).name)

    threading.Thread(target=obey, name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
