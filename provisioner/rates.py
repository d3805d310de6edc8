"""Rate limits: how long a request must wait, so that nobody asks a vendor too often.

A token bucket for each (account, label), shared by all threads of this process. It holds one token:
requests of a label leave evenly spaced, never in a burst, so a vendor that counts by the second
never counts one too many, however the network bunches them. A limiter that several processes share
has the same one method.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from connectors.records import Rate

DAY_S = 86_400.0


class _Bucket:
    """The places taken in one (account, label): when the next is free, and those of the last day."""

    __slots__ = ("next_at", "taken")

    def __init__(self) -> None:
        self.next_at = 0.0
        self.taken: deque[float] = deque()  # kept only where a day has a cap


class Limiter:
    """Token buckets in memory, by (account, label); safe to call from any thread.

    `clock` gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def reserve(self, account: str, label: str, rate: Rate, within_s: float) -> float:
        """Take the next free place and return how many seconds to wait for it, 0 for none.

        Where that is longer than `within_s` no place is taken: the request must not be sent. Places
        are given in the order in which they are asked for; one that is not used is lost. `per_day`
        holds over any 24 hours.

        Raises ValueError for a rate that isn't above zero.

        >>> limiter = Limiter(clock=lambda: 0.0)
        >>> [limiter.reserve("acme", "light", Rate(per_second=20), 60) for _ in range(3)]
        [0.0, 0.05, 0.1]
        """
        if rate.per_second <= 0:
            raise ValueError(f"the rate of {label!r} must be above zero: {rate.per_second}")
        with self._lock:
            now = self._clock()
            bucket = self._buckets.setdefault((account, label), _Bucket())
            at = max(now, bucket.next_at, _day_allows(bucket.taken, rate.per_day, now))
            if at - now <= within_s:
                bucket.next_at = at + 1 / rate.per_second
                if rate.per_day is not None:
                    bucket.taken.append(at)
            return at - now


def _day_allows(taken: deque[float], per_day: int | None, now: float) -> float:
    """Return the time from which one more fits into the 24 hours before it."""
    if per_day is None:
        return now
    if per_day <= 0:
        return float("inf")
    while taken and taken[0] <= now - DAY_S:
        taken.popleft()
    return now if len(taken) < per_day else taken[-per_day] + DAY_S
