"""Figures of the requests that receivers without a daemon above them answer: on the installation's board.

`provisioner receiver` opens `bind` alone, so nobody can ask it. It counts as the daemon's own processes
do (metrics.py), and every few seconds adds that to what is on the board that all processes of
an installation share; the daemon adds it to its own on `admin_bind`. What a receiver counted in its last
seconds is lost if it is killed.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import ProvisionerError
from provisioner.logs import logger
from provisioner.rates import Board
from provisioner.web.metrics import BUCKETS_S, DURATIONS, NOBODY, REQUESTS, collected

NAME = "figures of receivers"
EVERY_S = 5.0

_MOST = 5000
"""Series that are kept; clients of further ones are counted together."""
_OTHERS = "others"


class _Times(msgspec.Struct, array_like=True):
    """Durations: their sum in seconds, and how many fell into each bucket, the one without end last."""

    total_s: float
    counts: list[int]


class _Figures(msgspec.Struct, array_like=True):
    """`requests` by operation, client and status; `times` by operation and client."""

    requests: dict[str, int] = {}
    times: dict[str, _Times] = {}

    def add(self, other: _Figures) -> None:
        """Count in what another has."""
        for key, count in other.requests.items():
            key = _within(key, self.requests)
            self.requests[key] = self.requests.get(key, 0) + count
        for key, times in other.times.items():
            key = _within(key, self.times)
            own = self.times.setdefault(key, _Times(0.0, [0] * len(times.counts)))
            own.total_s += times.total_s
            own.counts = [a + b for a, b in zip(own.counts, times.counts, strict=True)]


def _within(key: str, kept: dict[str, object] | dict[str, int] | dict[str, _Times]) -> str:
    if key in kept or len(kept) < _MOST:
        return key
    operation, _, *status = key.split("\t")
    return "\t".join((operation, _OTHERS, *status))


def _read(written: bytes) -> _Figures:
    try:
        return msgspec.msgpack.decode(written, type=_Figures) if written else _Figures()
    except msgspec.DecodeError:  # another version's
        return _Figures()


class BoardFigures:
    """Counts requests by operation and client, and tells the board from a thread of its own."""

    def __init__(self, board: Board, every_s: float = EVERY_S) -> None:
        self._board, self._every_s = board, every_s
        self._requests: Counter[str] = Counter()
        self._times: dict[str, _Times] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def began(self) -> None:
        """Requests at work aren't told: they would be over."""

    def ended(self, operation: str, client: str | None, status: int, duration_s: float) -> None:
        """Count a request."""
        key = f"{operation}\t{client or NOBODY}"
        bucket = bisect_left(BUCKETS_S, duration_s)
        with self._lock:
            self._requests[f"{key}\t{status}"] += 1
            times = self._times.get(key)
            if times is None:
                times = self._times[key] = _Times(0.0, [0] * (len(BUCKETS_S) + 1))
            times.total_s += duration_s
            times.counts[bucket] += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="figures", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Tell the board what it hasn't been told."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(self._every_s)
        self._tell()

    def _run(self) -> None:
        while not self._closing.wait(self._every_s):
            self._tell()

    def _tell(self) -> None:
        with self._lock:
            new = _Figures(dict(self._requests), self._times)
            self._requests, self._times = Counter(), {}
        if not new.requests:
            return

        def add(written: bytes, _: float) -> tuple[bytes, None]:
            kept = _read(written)
            kept.add(new)
            return msgspec.msgpack.encode(kept), None

        try:
            self._board.rewrite(NAME, add)
        except (SQLAlchemyError, ProvisionerError) as error:
            logger().warning("http.figures_not_told", exc_info=error)


class AllReceivers(Collector):
    """What the daemon's own processes counted in a folder, if there is one, and what the board says."""

    def __init__(self, folder: str | None, board: Board | None) -> None:
        self._folder, self._board = folder, board

    def collect(self) -> Iterable[Metric]:
        """Return the figures of this moment."""
        found: dict[str, Metric] = {}
        if self._folder is not None:
            own = CollectorRegistry()
            collected(self._folder, own)
            found = {metric.name: metric for metric in own.collect()}
        if self._board is not None:
            for family in _families(self._board):
                if family.samples:
                    _add(found.setdefault(family.name, family), family)
        return found.values()


def _add(own: Metric, other: Metric) -> None:
    """Add another metric's samples to those of one of the same name."""
    if own is other:
        return
    values = {(s.name, frozenset(s.labels.items())): s for s in own.samples}
    for sample in other.samples:
        key = sample.name, frozenset(sample.labels.items())
        before = values.get(key)
        value = sample.value + (before.value if before else 0)
        values[key] = sample._replace(value=value)
    own.samples = list(values.values())


def _families(board: Board) -> Iterator[Metric]:
    try:
        figures = _read(board.read(NAME))
    except (SQLAlchemyError, ProvisionerError) as error:
        logger().warning("http.figures_not_read", exc_info=error)
        return
    requests = CounterMetricFamily(*REQUESTS, labels=["operation", "client", "status"])
    for key, count in sorted(figures.requests.items()):
        requests.add_metric(key.split("\t"), count)
    yield requests
    durations = HistogramMetricFamily(*DURATIONS, labels=["operation", "client"])
    ends = [str(floatToGoString(end)) for end in (*BUCKETS_S, float("inf"))]  # type: ignore[no-untyped-call]
    for key, times in sorted(figures.times.items()):
        reached, buckets = 0, list[tuple[str, float]]()
        for end, count in zip(ends, times.counts, strict=True):
            reached += count
            buckets.append((end, reached))
        durations.add_metric(key.split("\t"), buckets, times.total_s)
    yield durations
