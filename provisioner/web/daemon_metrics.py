"""/metrics, for Prometheus: the daemon's own figures beside those of the processes that serve `bind`,
its own and those of every `provisioner receiver` on the same store.

It names syncs and clients, so it is served on `admin_bind` alone. What the store says is asked at most
every few seconds, however many ask.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from provisioner.logs import logger
from provisioner.rates import Board
from provisioner.scheduler import View
from provisioner.store.database import reading
from provisioner.store.figures import LastRun, Waiting, last_runs, newest_states, waiting_pushes
from provisioner.web.board_figures import AllReceivers

_ASKED_EVERY_S = 5.0
_OPEN = ("planned", "held", "manual", "approved", "sent", "settling", "failed", "stale")
"""States that somebody may have to look at; each is told, also when no change is in it."""


def blueprint(
    engine: Engine,
    views: Callable[[], Mapping[str, View]],
    folder: str | None,
    board: Board | None = None,
) -> Blueprint:
    """Return the route.

    `folder`: where the processes count that serve `bind`, None if there are none; `board`: where receivers
    elsewhere tell what they counted.
    """
    registry = CollectorRegistry()
    registry.register(SyncFigures(engine, views))
    ProcessCollector(registry=registry)
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
        body = encoder(registry)
        if folder is not None or board is not None:
            theirs = CollectorRegistry()
            theirs.register(AllReceivers(folder, board))
            body = encoder(theirs).removesuffix(b"# EOF\n") + body
        return Response(body, content_type=content_type)

    return routes


class SyncFigures(Collector):
    """How the syncs are: from the scheduler, and from the store."""

    def __init__(
        self,
        engine: Engine,
        views: Callable[[], Mapping[str, View]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._views, self._clock = engine, views, clock
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._runs: dict[str, LastRun] = {}
        self._states: dict[str, dict[str, int]] = {}
        self._waiting: dict[str, Waiting] = {}
        self._store_up = True

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the names are known without asking the store for them."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of this moment."""
        with self._lock:
            self._ask()
            runs, states, waiting = self._runs, self._states, self._waiting
            store_up = self._store_up
        up = GaugeMetricFamily("provisioner_store_up", "1 while the store answers.")
        up.add_metric([], store_up)
        yield up
        yield from _of_schedule(self._views())
        yield from _of_runs(runs)
        yield from _of_pushes(waiting)
        counts = GaugeMetricFamily(
            "provisioner_changes",
            "Changes of each sync's newest full plan, by state.",
            labels=["sync", "state"],
        )
        for sync, found in sorted(states.items()):
            for state in dict.fromkeys((*_OPEN, *found)):
                counts.add_metric([sync, state], found.get(state, 0))
        yield counts

    def _ask(self) -> None:
        now = self._clock()
        if self._asked_at is not None and now - self._asked_at < _ASKED_EVERY_S:
            return
        self._asked_at = now
        try:
            with reading(self._engine) as connection:
                self._runs, self._states = last_runs(connection), newest_states(connection)
                self._waiting = waiting_pushes(connection)
            self._store_up = True
        except SQLAlchemyError as error:
            self._store_up = False
            logger().error("store.failed", exc_info=error)


def _of_schedule(views: Mapping[str, View]) -> Iterator[Metric]:
    running = _family("provisioner_sync_running", "1 while a sync is at work.")
    late = _family("provisioner_sync_late", "1 while a scheduled sync gives no sign of life.")
    due = _family("provisioner_sync_next_start_timestamp_seconds", "When a sync starts next.")
    for sync, view in sorted(views.items()):
        running.add_metric([sync], view.running_since is not None)
        late.add_metric([sync], view.late)
        if view.next_start is not None:
            due.add_metric([sync], view.next_start.timestamp())
    yield from (running, late, due)


def _of_runs(runs: Mapping[str, LastRun]) -> Iterator[Metric]:
    ended = _family("provisioner_sync_last_end_timestamp_seconds", "When a sync's last run ended.")
    status = _family("provisioner_sync_last_status", "The exit status of a sync's last run.")
    for sync, run in sorted(runs.items()):
        ended.add_metric([sync], run.ended_at.timestamp())
        status.add_metric([sync], run.status)
    yield from (ended, status)


def _of_pushes(waiting: Mapping[str, Waiting]) -> Iterator[Metric]:
    people = _family(
        "provisioner_pushed_people_waiting", "People changed, and not planned for yet."
    )
    since = _family("provisioner_pushes_waiting_since_timestamp_seconds", "When the first changed.")
    for sync, found in sorted(waiting.items()):
        people.add_metric([sync], found.people)
        since.add_metric([sync], found.since.timestamp())
    yield from (people, since)


def _family(name: str, says: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, labels=["sync"])
