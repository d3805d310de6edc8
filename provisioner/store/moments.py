"""Moments in the store: UTC text in ISO 8601 to the microsecond, which sorts as text."""

from __future__ import annotations

from datetime import UTC, datetime


def written(moment: datetime) -> str:
    """Return an aware moment as the store writes it.

    >>> written(datetime(2026, 11, 23, 9, tzinfo=UTC))
    '2026-11-23T09:00:00.000000Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Return the moment that `written` wrote."""
    return datetime.fromisoformat(text)
