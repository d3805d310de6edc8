"""Zoom's rate limits: so many requests of a label in a second, and so many heavy ones in a day.

Limits belong to the account, whoever asks. The phone interface has a table of its own beside that
of all others, and two operations have limits of their own besides: inviting users, and changing
features of many. Zoom's answer to a broken daily limit names the time to come back in a header
that holds a timestamp, not seconds.

Sources: Zoom's "Rate limits" page (Business+ figures); the descriptions of POST /users and
POST /users/features; header names and values as Zoom's developer forum shows them.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from .errors import ZoomError

Label = Literal["LIGHT", "MEDIUM", "HEAVY", "RESOURCE-INTENSIVE"]
Family = Literal["phone", "general"]
COUNTED_DAILY = frozenset({"HEAVY", "RESOURCE-INTENSIVE"})

PER_SECOND = "You have reached the maximum per-second rate limit for this API. Try again later."
PER_DAY = (
    "You have reached the maximum daily rate limit for this API. Refer to the response header for "
    "details on when you can make another request."
)


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` requests within each window of `seconds` on the clock."""

    limit: int
    seconds: int = 1


@dataclass(frozen=True, slots=True)
class Rates:
    """An account's limits: by family and label, heavy requests of a family a day, and the two extras."""

    labels: Mapping[tuple[str, str], Window]
    daily: Mapping[str, int]
    invitations_daily: int
    features: Window = field(default_factory=lambda: Window(1, 10))

    def scaled(self, factor: float) -> Rates:
        """Return the same limits `factor` times as high, none below one request."""

        def scale(limit: int) -> int:
            return max(1, int(limit * factor))

        return Rates(
            labels={key: replace(w, limit=scale(w.limit)) for key, w in self.labels.items()},
            daily={family: scale(limit) for family, limit in self.daily.items()},
            invitations_daily=scale(self.invitations_daily),
            features=replace(self.features, limit=scale(self.features.limit)),
        )


BUSINESS_PLUS = Rates(
    labels={
        ("phone", "LIGHT"): Window(40),
        ("phone", "MEDIUM"): Window(20),
        ("phone", "HEAVY"): Window(10),
        ("phone", "RESOURCE-INTENSIVE"): Window(10, 60),
        ("general", "LIGHT"): Window(80),
        ("general", "MEDIUM"): Window(60),
        ("general", "HEAVY"): Window(40),
        ("general", "RESOURCE-INTENSIVE"): Window(20, 60),
    },
    daily={"phone": 30_000, "general": 60_000},
    invitations_daily=10_000,
)
"""A Business, Education, Enterprise or Partner account."""

PRO = Rates(
    labels={
        ("phone", "LIGHT"): Window(20),
        ("phone", "MEDIUM"): Window(10),
        ("phone", "HEAVY"): Window(5),
        ("phone", "RESOURCE-INTENSIVE"): Window(5, 60),
        ("general", "LIGHT"): Window(30),
        ("general", "MEDIUM"): Window(20),
        ("general", "HEAVY"): Window(10),
        ("general", "RESOURCE-INTENSIVE"): Window(10, 60),
    },
    daily={"phone": 15_000, "general": 30_000},
    invitations_daily=1_500,
)
"""A Pro account."""

DAY = 86_400


class Limiter:
    """Counts an account's requests and refuses those above its limits; safe between threads.

    Windows start at whole seconds of the clock, and days at midnight UTC.
    """

    def __init__(self, rates: Rates | None) -> None:
        """Take the limits, or None for no limits at all."""
        self._rates = rates
        self._counts: dict[tuple[str, ...], tuple[int, int]] = {}
        self._lock = threading.Lock()

    def request(self, family: Family, label: Label, now: datetime) -> None:
        """Count one request, or raise Zoom's 429 of the limit that it would break."""
        if self._rates is None:
            return
        with self._lock:
            self._count((family, label), self._rates.labels[family, label], label, now)
            if label in COUNTED_DAILY:
                self._count(("daily", family), Window(self._rates.daily[family], DAY), label, now)

    def invitation(self, now: datetime) -> None:
        """Count one POST /users with the action `create`, or raise the daily 429."""
        if self._rates is not None:
            with self._lock:
                limit = Window(self._rates.invitations_daily, DAY)
                self._count(("invitations",), limit, "LIGHT", now)

    def features(self, now: datetime) -> None:
        """Count one POST /users/features (one in 10 s), or raise the 429."""
        if self._rates is not None:
            with self._lock:
                self._count(("features",), self._rates.features, "MEDIUM", now)

    def _count(self, key: tuple[str, ...], window: Window, label: Label, now: datetime) -> None:
        current = int(now.timestamp()) // window.seconds
        start, count = self._counts.get(key, (current, 0))
        if start != current:
            count = 0
        if count >= window.limit:
            raise _too_many(window, label, now)
        self._counts[key] = (current, count + 1)


def _too_many(window: Window, label: Label, now: datetime) -> ZoomError:
    daily = window.seconds == DAY
    headers = {
        "X-RateLimit-Category": label.capitalize(),
        "X-RateLimit-Type": "Daily-limit" if daily else "QPS",
        "X-RateLimit-Limit": str(window.limit),
        "X-RateLimit-Remaining": "0",
    }
    if daily:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        headers["Retry-After"] = f"{midnight + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    return ZoomError(429, 429, PER_DAY if daily else PER_SECOND, headers=headers)
