"""The scalars of config and how each is read: durations, limits, cron, addresses, numbers.

Each is a plain function from what YAML gave to a checked value; the ValueError that it raises is
the sentence an operator reads. `Read` makes a marshmallow field of such a function.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

MAX_RANGE = 1_000_000
"""Numbers in one range: more is a slip of the pen, and would be counted one by one."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_DURATION = re.compile(r"(\d{1,6})\s*([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_E164 = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)
_BIND = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})", re.ASCII)
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


def name(value: Any) -> str:
    """Read a name that can stand in a URL and on a command line."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no name: use letters, digits, '.', '_' and '-'")
    return value


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
        if span < least:
            raise ValueError(f"{value} is too short: at least {least.total_seconds():g}s")
        return span

    return read


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


def store(value: Any) -> str:
    """Read the store's URL; it may hold a password, so no message repeats it."""
    if not isinstance(value, str) or not _STORE.fullmatch(value):
        raise ValueError("is no store: write sqlite:///FILE or postgresql+psycopg://…")
    return value
