"""Errors, named by what the run does next.

TransientError: the same call may work in a moment, so it is tried again.
PersonError: this person stays as they are, and the run goes on without them.
RunError: going on could do harm, so the run stops.

Each says what failed, which object, and (as `remedy`) what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_PAUSE_S = 86_400.0
"""The longest pause that anybody is believed to ask for: after a day they are asked again."""


class ProvisionerError(Exception):
    """What every error of ours is: `message` says what failed and on what, `remedy` what to do.

    `str()` of it is both, as an operator reads them. Neither ever holds a secret or a payload.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message};\n    {self.remedy}" if self.remedy else self.message


class TransientError(ProvisionerError):
    """The same call may work in a moment.

    `retry_after_s` is what the other side asked for, in seconds, or None. `in_doubt` says that the
    call may have taken effect although no answer came (a lost reply, a 5xx): whoever sent a write
    reads back before sending it again, because no vendor offers idempotency keys. `alone` says that
    a 429 is about this one request (two at once on one user), not about the limit of its label:
    nobody else has to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        retry_after_s: float | None = None,
        in_doubt: bool = False,
        alone: bool = False,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s
        self.in_doubt = in_doubt
        self.alone = alone


def pause_s(retry_after: str, said_at: str = "", now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After asks to wait, at most a day; None where it can't be read.

    A date is counted from `said_at`, the answer's own Date, so that a clock that is wrong on either side
    doesn't matter; without one from `now`, the present moment unless given. What is past asks for no wait.
    Source: RFC 9110 section 10.2.3.

    >>> pause_s("Wed, 21 Oct 2015 07:28:20 GMT", "Wed, 21 Oct 2015 07:28:00 GMT")
    20.0
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_PAUSE_S)
    at = _date(text)
    if at is None:
        return None
    since = _date(said_at) or now or datetime.now(UTC)
    return min(max(0.0, (at - since).total_seconds()), LONGEST_PAUSE_S)


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class PersonError(ProvisionerError):
    """This person (or this one change) can't be carried out; the others go on."""


class RunError(ProvisionerError):
    """Going on could do harm or can't succeed: the run stops (exit status 1)."""


class IncompleteRead(RunError):
    """A read was cut off, unreadable, or contradicts itself: it is no read (exit status 1)."""


class ReadRefused(RunError):
    """A read arrived whole but can't be believed: empty, short, or implausible (exit status 3)."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in what a person wrote: `where` is `file:line` or `file:line:column`."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


class InputError(RunError):
    """What a person wrote (config, mapping) can't be used; holds every problem at once."""

    def __init__(self, problems: Iterable[Problem], *, remedy: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), remedy=remedy)
