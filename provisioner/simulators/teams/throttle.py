"""Graph's limits: resource units and writes of the directory, and requests of all services.

Directory requests cost resource units out of a bucket that refills over 10 seconds and whose size
grows with the tenant; writes have a limit of their own besides. A refused request costs as much as
an answered one. Other services (Teams administration) count only against the limit of all requests,
and leave Retry-After out.
Source: Microsoft Graph, "Throttling limits" (identity and access), "Throttling guidance".
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from .errors import GraphError

SMALL, MEDIUM, LARGE = 3_500, 5_000, 8_000
"""Resource units in 10 seconds: below 50 users, up to 500, above."""

UNITS_S = 10
WRITES, WRITES_S = 3_000, 150
REQUESTS_A_SECOND = 2_000
SHOWN_FROM = 0.8
SHOWN_TO = 1.8


def units_for(users: int) -> int:
    """Return the resource units that a tenant of so many users has in 10 seconds.

    >>> units_for(49), units_for(500), units_for(501)
    (3500, 5000, 8000)
    """
    return SMALL if users < 50 else MEDIUM if users <= 500 else LARGE


@dataclass
class _Bucket:
    """What was used of a bucket of so many units, which drains wholly within so many seconds."""

    size: float
    seconds: float
    used: float = 0
    at: float = 0

    def take(self, cost: float, now: float) -> float:
        """Use some and return the share that is used now; 1 is full, more is too much."""
        drained = max(0.0, now - self.at) * self.size / self.seconds
        self.used = max(0.0, self.used - drained)
        self.at = now
        self.used = min(self.used + cost, 2 * self.size)
        return self.used / self.size

    def wait_s(self) -> int:
        """Return after how many seconds there is room again."""
        over = max(0.0, self.used - self.size)
        return max(1, math.ceil(over * self.seconds / self.size))


class Throttle:
    """Counts requests and refuses those above the limits; safe between threads."""

    def __init__(self, counted: bool) -> None:
        self._counted = counted
        self._lock = threading.Lock()
        self._units = _Bucket(SMALL, UNITS_S)
        self._writes = _Bucket(WRITES, WRITES_S)
        self._requests = _Bucket(REQUESTS_A_SECOND, 1)

    def request(
        self, cost: int | None, writes: bool, users: int, now: float, scope: str
    ) -> dict[str, str]:
        """Count one request and return the headers of its answer, or raise Graph's 429.

        `cost` is in resource units, None for what is no part of the directory; `users` is how many
        the tenant has; `scope` names tenant and application.
        """
        headers = {} if cost is None else {"x-ms-resource-unit": str(cost)}
        if not self._counted:
            return headers
        with self._lock:
            if self._requests.take(1, now) > 1:
                raise _too_many(self._requests, 1, scope, hinted=cost is not None)
            if cost is None:
                return headers
            self._units.size = units_for(users)
            share = self._units.take(cost, now)
            if writes and (written := self._writes.take(1, now)) > 1:
                raise _too_many(self._writes, written, scope, hinted=True)
            if share > 1:
                raise _too_many(self._units, share, scope, hinted=True)
        if share >= SHOWN_FROM:
            headers["x-ms-throttle-limit-percentage"] = f"{min(share, SHOWN_TO):.1f}"
        return headers


def _too_many(bucket: _Bucket, share: float, scope: str, *, hinted: bool) -> GraphError:
    headers = {
        "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{scope}",
        "x-ms-throttle-information": "ResourceUnitLimitExceeded",
        "x-ms-throttle-limit-percentage": f"{min(share, SHOWN_TO):.1f}",
    }
    if hinted:
        headers["Retry-After"] = str(bucket.wait_s())
    return GraphError(429, "TooManyRequests", "Too Many Requests", headers)
