"""The scalars of config and how each is read: durations, limits, cron, addresses, numbers.

Each is a plain function from what YAML gave to a checked value; the ValueError that it raises is
the sentence an operator reads. `Read` makes a marshmallow field of such a function.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from marshmallow import ValidationError, fields

from mappings.yaml_file import did_you_mean

MAX_RANGE = 1_000_000
"""Numbers in one range: more is a slip of the pen, and would be counted one by one."""

SHARE = 0.95
"""How much of a vendor's rate limits is ours, where config doesn't say."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*%", re.ASCII)
_DURATION = re.compile(r"(\d{1,6})\s*([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_E164 = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = rf"({'|'.join(_DAYS)}) ([01]\d|2[0-3]):([0-5]\d)"
_WEEKLY = re.compile(f"{_CLOCK} ?- ?{_CLOCK}", re.ASCII | re.IGNORECASE)
_BIND = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})", re.ASCII)
_SIZE = re.compile(r"(\d{1,9})\s*([KM]B)?", re.ASCII)
_SIZES = {None: 1, "KB": 1000, "MB": 1_000_000}
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
)
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_RATE = re.compile(r"(\d{1,6})\s*/\s*([smh])", re.ASCII)
_STORE = re.compile(r"sqlite(?:\+pysqlite)?://(?:|/.+)|postgresql(?:\+psycopg)?://.+")


class Read(fields.Field[Any]):
    """A field that one function reads; its ValueError is the field's error."""

    def __init__(self, read: Callable[[Any], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.read = read

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        try:
            return self.read(value)
        except ValueError as e:
            raise ValidationError(str(e)) from e


class OneOrMore(fields.List[Any]):
    """A list whose only entry may stand there without being one."""

    def schema_of(self, data: Any) -> object:
        """Return what judges the members of `data`: the entry's own schema, if it stands alone."""
        inner = self.inner
        return inner.schema if isinstance(inner, fields.Nested) and self._alone(data) else self

    def _alone(self, data: Any) -> bool:
        return isinstance(data, dict if isinstance(self.inner, fields.Nested) else str)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if not self._alone(value):
            return super()._deserialize(value, *args, **kwargs)
        return [self.inner.deserialize(value)]


def name(value: Any) -> str:
    """Read a name that can stand in a URL and on a command line."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no name: use letters, digits, '.', '_' and '-'")
    return value


LONGEST = timedelta(days=36_500)
"""No span in config is longer, so that every day that is worked out with one is a day of the calendar."""


def duration(least: timedelta = timedelta(0)) -> Callable[[Any], timedelta]:
    """Return what reads a length of time: a whole number and a unit (`90s`, `15m`, `24h`, `7d`, `2w`).

    >>> duration()("15m")
    datetime.timedelta(seconds=900)
    """

    def read(value: Any) -> timedelta:
        written = _DURATION.fullmatch(str(value).strip())
        if written is None:
            raise ValueError(f"{value!r} is no duration: write 90s, 15m, 24h, 7d or 2w")
        span = timedelta(**{_UNITS[written[2]]: int(written[1])})
        if span > LONGEST:
            raise ValueError(f"{value} is too long: at most {LONGEST.days}d")
        if span < least:
            raise ValueError(f"{value} is too short: at least {least.total_seconds():g}s")
        return span

    return read


def share(value: Any) -> float:
    """Read a part of a whole, as a percentage above 0 and up to 100.

    >>> share("90%")
    0.9
    """
    written = _SHARE.fullmatch(str(value).strip())
    part = float(written[1]) / 100 if written else 0.0
    if not 0 < part <= 1:
        raise ValueError(f"{value!r} is no share: write a percentage above 0% and up to 100%")
    return part


def cron(value: Any) -> str:
    """Read five fields as crontab(5) has them, judged by APScheduler, which will follow them."""
    from apscheduler.triggers.cron import CronTrigger  # costs as much as all the rest of config

    text = str(value)
    try:
        trigger = CronTrigger.from_crontab(text, timezone=UTC)
    except ValueError as e:
        raise ValueError(f"{text!r} is no cron expression: {e}") from e
    if re.search(r"\d", text.split()[4].partition("/")[0]):
        # 0 is Sunday to cron and Monday to APScheduler: nobody should have to know
        raise ValueError("write weekdays as names (mon-fri), not as figures")
    if trigger.get_next_fire_time(None, datetime(2024, 1, 1, tzinfo=UTC)) is None:
        raise ValueError(f"{text!r} never comes")
    return text


def numbers(value: Any) -> tuple[str, str]:
    """Read a range of direct numbers, both ends included, or one number: (first, last).

    >>> numbers("+4989123400-+4989123499")
    ('+4989123400', '+4989123499')
    """
    first, dash, last = (part.strip() for part in str(value).partition("-"))
    last = last if dash else first
    for end in (first, last):
        number(end)
    if len(first) != len(last):
        raise ValueError(f"{first} and {last} differ in length")
    if first > last:
        raise ValueError(f"{first} comes after {last}")
    if int(last) - int(first) >= MAX_RANGE:
        raise ValueError(f"{first}-{last} has more than {MAX_RANGE:,} numbers")
    return first, last


def number(value: Any) -> str:
    """Read one direct number (E.164: a plus and up to 15 digits)."""
    text = str(value).strip()
    if not _E164.fullmatch(text):
        raise ValueError(f"{text!r} is no E.164 number: write +49… with digits only")
    return text


def bind(value: Any) -> str:
    """Read `HOST:PORT` to listen on; port 0 takes any free one."""
    written = _BIND.fullmatch(str(value))
    if written is None or int(written[1]) > 65_535:
        raise ValueError(f"{value!r} is no HOST:PORT to listen on")
    return written[0]


def base_url(value: Any) -> str:
    """Read the URL under which others reach us, without a final slash."""
    try:
        parts = urlsplit(str(value))
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{value!r} is no base URL: write https://HOST[/PATH]")
    return str(value).rstrip("/")


def network(value: Any) -> str:
    """Read an IP address or a network (`10.0.0.0/8`)."""
    try:
        ipaddress.ip_network(str(value), strict=False)
    except ValueError as e:
        raise ValueError(f"{value!r} is no IP address or network") from e
    return str(value)


def host_name(value: Any) -> str:
    """Read a host's name, without a port, and return it in lower case."""
    text = str(value).lower().rstrip(".")
    if not isinstance(value, str) or not _HOST_NAME.fullmatch(text):
        raise ValueError(f"{value!r} is no host name: write console.example.org, without a port")
    return text


def header_name(value: Any) -> str:
    """Read the name of an HTTP header."""
    if not isinstance(value, str) or not _HEADER.fullmatch(value):
        raise ValueError(f"{value!r} is no name of a header: write X-Forwarded-User")
    return value


def size(value: Any) -> int:
    """Read a number of bytes: plain, or with KB or MB.

    >>> size("10MB"), size(4096)
    (10000000, 4096)
    """
    written = _SIZE.fullmatch(str(value).strip())
    if written is None or isinstance(value, bool):
        raise ValueError(f"{value!r} is no size: write 512KB or 10MB")
    count = int(written[1]) * _SIZES[written[2]]
    if not 1000 <= count <= 1_000_000_000:
        raise ValueError(f"{value} is out of bounds: 1KB to 1000MB")
    return count


def rate(value: Any) -> float:
    """Read a rate and return it as requests a second.

    >>> rate("50/s"), rate("30/m")
    (50.0, 0.5)
    """
    written = _RATE.fullmatch(str(value).strip())
    if written is None or int(written[1]) == 0:
        raise ValueError(f"{value!r} is no rate: write 50/s, 600/m or 10000/h")
    return int(written[1]) / {"s": 1, "m": 60, "h": 3600}[written[2]]


def keys_url(value: Any) -> str:
    """Read the address of somebody's public keys: https, or http on this machine."""
    try:
        parts = urlsplit(str(value))
        host = parts.hostname or ""
        local = host in ("localhost", "127.0.0.1", "::1")
        good = bool(host) and (parts.scheme == "https" or (local and parts.scheme == "http"))
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{value!r} is no https:// address")
    return str(value)


def store(value: Any) -> str:
    """Read the store's URL; it may hold a password, so no message repeats it."""
    if not isinstance(value, str) or not _STORE.fullmatch(value):
        raise ValueError("is no store: write sqlite:///FILE or postgresql+psycopg://…")
    return value


def moment(value: Any) -> date | datetime:
    """Read a day (`2026-12-20`) or a moment (`2026-12-20 16:00`, with an offset or without).

    >>> moment("2026-12-20"), moment("2026-12-20 16:00")
    (datetime.date(2026, 12, 20), datetime.datetime(2026, 12, 20, 16, 0))
    """
    text = str(value).strip()
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        if _DAY.match(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # told below
    raise ValueError(f"{text!r} is no day or moment: write 2026-12-20 or 2026-12-20 16:00")


def week_span(value: Any) -> tuple[str, int, int]:
    """Read a part of every week; return its text, and both ends in minutes since Monday, 00:00.

    >>> week_span("Fri 16:00 - Mon 07:00")
    ('Fri 16:00 - Mon 07:00', 6720, 420)
    """
    text = " ".join(str(value).split())
    found = _WEEKLY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no part of a week: write Fri 16:00 - Mon 07:00")
    ends = [
        (_DAYS.index(day.lower()) * 24 + int(hour)) * 60 + int(minute)
        for day, hour, minute in (found.groups()[:3], found.groups()[3:])
    ]
    if ends[0] == ends[1]:
        raise ValueError(f"{text!r} ends where it begins")
    return text, ends[0], ends[1]


def zone(value: Any) -> ZoneInfo:
    """Read a time zone by its name in the IANA database."""
    try:
        return ZoneInfo(str(value))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        hint = did_you_mean(str(value), available_timezones())
        hint = f"; {hint}" if hint.startswith("did") else ": write it like Europe/Prague"
        raise ValueError(f"{value!r} is no time zone{hint}") from None
