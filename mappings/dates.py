"""Dates: from when somebody is provisioned, when they have left, who is on leave, and in which time zone.

Starts and ends are days. A day begins and ends by the clock where the person works; what a directory
writes as a date-time counts as its day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Literal

from connectors.records import fold
from connectors.scim_filter import Filter, Path

_DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{8}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_GENERALIZED = re.compile(
    r"(?P<day>\d{8})(?P<hour>\d\d)(?P<minute>\d\d)?(?P<second>\d\d)?([.,]\d+)?(?P<zone>Z|[+-]\d{2,4})",
    re.ASCII,
)

KEPT = ("license", "packages", "number", "credits", "delegates", "softphone")
"""What `leave.keep` may name; what it doesn't name of these is taken during a leave."""


@dataclass(frozen=True, slots=True)
class Dates:
    """Where a person's first and last day stand, and how they are read.

    From `provision` before the start on somebody is provisioned. `zone` is where everybody's days
    are, but for those at one of the sites in `zones`, by folded name.
    """

    start: Path | None = None
    end: Path | None = None
    provision: timedelta = timedelta(0)
    zone: tzinfo = UTC
    zones: Mapping[str, tzinfo] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The attributes that hold dates."""
        return tuple(path for path in (self.start, self.end) if path is not None)

    def zone_at(self, site: str | None) -> tzinfo:
        """Return the time zone of a site."""
        return self.zone if site is None else self.zones.get(fold(site), self.zone)


@dataclass(frozen=True, slots=True)
class Leave:
    """What becomes of people on leave, whom `when` matches: they get nothing new.

    `keep` None: they keep all that they hold, unless `do` deactivates them. Else they keep what it
    names, and lose what else there is of KEPT.
    """

    when: Filter
    do: Literal["nothing", "deactivate"] = "nothing"
    keep: frozenset[str] | None = None


def read_day(text: str) -> date | datetime:
    """Return the day that a directory's text says, or the moment, where its day depends on the zone.

    ISO 8601 days and date-times, and LDAP's generalizedTime (RFC 4517 section 3.3.13). Midnight, and
    a time without an offset, are of the day that is written. Raises ValueError for anything else.

    >>> read_day("2026-12-01"), read_day("20261201000000Z"), read_day("2026-12-01T08:30")
    (datetime.date(2026, 12, 1), datetime.date(2026, 12, 1), datetime.date(2026, 12, 1))
    >>> read_day("20261201223000.0Z")
    datetime.datetime(2026, 12, 1, 22, 30, tzinfo=datetime.timezone.utc)
    """
    text = text.strip()
    if _DAY.fullmatch(text):
        return date.fromisoformat(text)
    if _MOMENT.fullmatch(text):
        return _day_of(datetime.fromisoformat(text.upper().replace(",", ".")))
    found = _GENERALIZED.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no date")
    day = date.fromisoformat(found["day"])
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    return _day_of(
        datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=_offset(found["zone"]))
    )


def _day_of(moment: datetime) -> date | datetime:
    if moment.tzinfo is None or (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return moment.date()
    return moment


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[3:5] or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def day_in(day: date | datetime, zone: tzinfo) -> date:
    """Return the day in a time zone.

    >>> day_in(datetime(2026, 12, 1, 22, 30, tzinfo=UTC), timezone(timedelta(hours=2)))
    datetime.date(2026, 12, 2)
    """
    return day.astimezone(zone).date() if isinstance(day, datetime) else day
