"""Figures of the requests that the receiver's processes answer, for Prometheus.

Each process counts in a file of its own in a folder that they share (prometheus_client's
multiprocess mode, which needs PROMETHEUS_MULTIPROC_DIR before it is imported); the daemon adds them up
on `admin_bind`. What a process that died has counted stays counted. Receivers without a daemon above
them count otherwise: board_figures.py.
"""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus_client knows the folder."""

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
NOBODY = "-"
REQUESTS = "provisioner_http_requests", "Requests answered on the public address."
DURATIONS = (
    "provisioner_http_request_duration_seconds",
    "Seconds from a request's arrival to its answer.",
)
"""The figures' names, and what they are."""
_KEPT = 2000


class RequestFigures:
    """Counts requests by operation (`GET Users/<id>`) and by the client's name."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        # with a registry of its own where several are made in one process; its values are in the files
        registry = registry or CollectorRegistry()
        self._requests = Counter(
            *REQUESTS,
            ["operation", "client", "status"],
            registry=registry,
        )
        self._durations = Histogram(
            *DURATIONS,
            ["operation", "client"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._in_flight = Gauge(
            "provisioner_http_requests_in_flight",
            "Requests being worked on.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        # finding these by their labels takes longer than counting
        self._counters = lru_cache(_KEPT)(self._requests.labels)
        self._timers = lru_cache(_KEPT)(self._durations.labels)

    def began(self) -> None:
        """Count a request in."""
        self._in_flight.inc()

    def ended(self, operation: str, client: str | None, status: int, duration_s: float) -> None:
        """Count a request out."""
        self._in_flight.dec()
        name = client or NOBODY
        self._counters(operation, name, str(status)).inc()
        self._timers(operation, name).observe(duration_s)


def collected(folder: str, registry: CollectorRegistry) -> None:
    """Have a registry add up what the processes that share a folder have counted."""
    multiprocess.MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]


def process_ended(pid: int) -> None:
    """Forget what only a living process has: its requests in flight."""
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
