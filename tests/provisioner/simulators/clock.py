"""A clock for simulators that moves only when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Stands at nine on a Monday morning, in UTC, until it is advanced."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Let hours, minutes or seconds go by."""
        self.now += timedelta(**by)
