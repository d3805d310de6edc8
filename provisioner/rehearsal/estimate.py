"""How long a plan's requests take at the vendor's own limits, at least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from connectors.records import Rate


class Estimate(NamedTuple):
    """The least time, `seconds`, and the label that takes it ("" for nothing); `days` that it is spread over."""

    seconds: float = 0.0
    label: str = ""
    days: int = 1


def estimate(calls: Mapping[str, int], rates: Mapping[str, Rate]) -> Estimate:
    """Return how long so many requests by label take; labels without a rate count for nothing.

    Labels go side by side, so the slowest decides. What a day's limit lets through is spread over days.

    >>> estimate({"light": 400, "heavy": 100}, {"light": Rate(40), "heavy": Rate(5)})
    Estimate(seconds=20.0, label='heavy', days=1)
    >>> estimate({"create": 25}, {"create": Rate(5, per_day=10)})
    Estimate(seconds=172801.0, label='create', days=3)
    """
    paces: Counter[str] = Counter()
    days: Counter[str] = Counter()
    for label, count in calls.items():
        if (rate := rates.get(label)) is not None:
            paces[rate.pace_with or label] += count
            if rate.per_day is not None:
                days[rate.day_with or label] += count
    slowest = max(
        (Estimate(_pace_s(count, rates[label]), label) for label, count in paces.items()),
        default=Estimate(),
    )
    for label, count in days.items():
        per_day = rates[label].per_day or count
        whole = (count - 1) // per_day
        rest_s = _pace_s(count - whole * per_day, rates[label])
        slowest = max(slowest, Estimate(whole * 86_400 + rest_s, label, whole + 1))
    return slowest


def _pace_s(count: int, rate: Rate) -> float:
    if rate.per_second:
        return count / rate.per_second
    return 0.0 if not rate.per_minute else (count - 1) // rate.per_minute * 60.0
