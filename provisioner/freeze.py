"""Freeze windows: times in which nothing is carried out, or only what they allow.

Plans are made and reviewed all the same; what is approved waits, and goes after the freeze. A day is
counted in the window's own time zone, where a week's wall clock may jump.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from connectors.records import Change
from provisioner.plan.content import is_named
from provisioner.plan.model import Plan

DESPITE = "--despite-freeze"
_WEEK = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """One freeze: a `span` (from, until; aware) or a `weekly` one (minutes since Monday, 00:00).

    `allow`: the risks and kinds of change that go ahead in it. `name` is for people.
    """

    name: str
    zone: ZoneInfo
    allow: frozenset[str] = frozenset()
    span: tuple[datetime, datetime] | None = None
    weekly: tuple[int, int] | None = None

    def end(self, now: datetime) -> datetime | None:
        """Return when the freeze that holds at `now` is over, in its own zone; None if none holds."""
        local = now.astimezone(self.zone)
        if self.span is not None:
            since, until = self.span
            return until.astimezone(self.zone) if since <= now < until else None
        assert self.weekly is not None
        start, stop = self.weekly
        minute = (local.weekday() * 24 + local.hour) * 60 + local.minute
        if (minute - start) % _WEEK >= (stop - start) % _WEEK:
            return None
        rest = timedelta(minutes=(stop - minute) % _WEEK)
        wall = local.replace(second=0, microsecond=0, tzinfo=None) + rest
        return wall.replace(tzinfo=self.zone)


class Freeze(NamedTuple):
    """A window that holds now, and when it is over."""

    window: Window
    until: datetime

    def __str__(self) -> str:
        """Return it in words: `freeze 'Christmas' until 2027-01-07 00:00 Europe/Prague`."""
        return (
            f"freeze {self.window.name!r} until {self.until:%Y-%m-%d %H:%M} {self.window.zone.key}"
        )


def freezes(windows: Iterable[Window], now: datetime) -> list[Freeze]:
    """Return the freezes that hold at a moment, the longest last."""
    found = ((window, window.end(now)) for window in windows)
    holding = [Freeze(window, until) for window, until in found if until is not None]
    return sorted(holding, key=lambda freeze: freeze.until)


def is_frozen(change: Change, holding: Collection[Freeze]) -> bool:
    """Return whether a change must wait: it goes only where every freeze that holds allows it."""
    return any(not is_named(change, freeze.window.allow) for freeze in holding)


def with_freezes(plan: Plan, windows: Sequence[Window]) -> Plan:
    """Return the plan with a warning for each freeze that holds at its moment (`as_of`)."""
    holding = freezes(windows, plan.as_of)
    if not holding:
        return plan
    said = tuple(_warning(freeze, plan.changes) for freeze in holding)
    return msgspec.structs.replace(plan, warnings=(*said, *plan.warnings))


def _warning(freeze: Freeze, changes: Sequence[Change]) -> str:
    waiting = Counter(is_frozen(change, [freeze]) for change in changes)[True]
    allowed = sorted(freeze.window.allow)
    only = f"only {', '.join(allowed)} is carried out" if allowed else "nothing is carried out"
    return (
        f"{freeze}: {only}; {waiting} of {len(changes)} changes go after it, once they are approved;"
        f" if they must now: `provisioner apply PLAN {DESPITE}`"
    )
