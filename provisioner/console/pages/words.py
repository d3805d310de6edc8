"""What pages say of moments, of how runs ended, and of lines that a decision or a run told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from connectors.errors import ProvisionerError
from provisioner.plan.document import instant
from provisioner.report import figures
from provisioner.report.explanation import age
from provisioner.report.history import ENDED


def address(path: str, *given: tuple[str, str | None]) -> str:
    """Return an address of ours that asks for this; what is empty is left out.

    >>> address("/plans", ("sync", "emea & co"), ("before", None))
    '/plans?sync=emea+%26+co'
    """
    query = urlencode([each for each in given if each[1]], errors="replace")
    return f"{path}?{query}" if query else path


class Moment(NamedTuple):
    """A moment: as machines read it, in UTC for people, and how long ago it was or until then."""

    iso: str
    words: str
    ago: str


class Badge(NamedTuple):
    """A few words that stand out; `tone` is a class of the style sheet."""

    tone: str
    words: str


class Act(NamedTuple):
    """Something that can be done, as a link to the page that asks for it.

    `what` ends the name for whoever hears it away from its place; `tone`: go, stop or "".
    """

    name: str
    href: str
    tone: str = ""
    what: str = ""


class Said(NamedTuple):
    """One line that was told: how far it is indented, and its pieces, of which every second is code."""

    depth: int
    pieces: list[str]


class Told(NamedTuple):
    """What is said on the page after something was done; `tone`: calm, stop or "" (look at it)."""

    title: str
    lines: Sequence[Said]
    tone: str = "calm"
    links: Sequence[Act] = ()


def moment(at: datetime, now: datetime) -> Moment:
    """Return a moment as it is shown at `now`; both are aware, in UTC.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 9, 12, tzinfo=UTC))
    Moment(iso='2026-11-23T09:00:00Z', words='2026-11-23 09:00', ago='12 minutes ago')
    """
    seconds = (now - at).total_seconds()
    if abs(seconds) < 1:
        ago = "now"
    else:
        ago = f"{age(seconds)} ago" if seconds > 0 else f"in {age(-seconds)}"
    return Moment(instant(at), f"{at:%Y-%m-%d %H:%M}", ago)


def moment_or_none(at: datetime | None, now: datetime) -> Moment | None:
    """Return a moment as `moment` does, None for none."""
    return None if at is None else moment(at, now)


def said(text: str) -> list[Said]:
    """Return told text a line at a time; its indentation says what belongs to which.

    >>> said("plan 7: 2 changes approved\\n  2 need more: `provisioner show 7`")[1]
    Said(depth=1, pieces=['2 need more: ', 'provisioner show 7', ''])
    """
    lines = (line for line in text.split("\n") if line.strip())
    return [Said(min(3, _indent(line) // 2), figures.pieces(line.strip())) for line in lines]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def told(title: str, lines: Iterable[str], tone: str = "calm", links: Sequence[Act] = ()) -> Told:
    """Return what was told below a title of its own."""
    return Told(title, said("\n".join(lines)), tone, links)


def why(error: ProvisionerError) -> list[str]:
    """Return why something wasn't done, and what to do, a line each."""
    return [error.message, *filter(None, [error.remedy])]


_TONES = {0: "done", 1: "failed", 3: "held", 4: "waiting", 5: "stale"}


def ended(status: int | None, *, running: bool = False) -> Badge:
    """Return how a run ended, by its exit status (DESIGN section 6).

    >>> ended(4), ended(None, running=True)
    (Badge(tone='waiting', words='waits for approval'), Badge(tone='running', words='at work'))
    """
    if status is None:
        return Badge("running", "at work") if running else Badge("failed", "cut off")
    return Badge(_TONES.get(status, ""), ENDED.get(status, f"status {status}"))


_STATES = {
    "to approve": "waiting",
    "held": "held",
    "failed": "failed",
    "stale": "stale",
    "skipped": "stale",
    "manual": "manual",
    "sent": "running",
    "settling": "running",
    "approved": "approved",
    "planned": "",
    "done": "done",
    "rejected": "",
}
"""States of changes, those first that somebody should look at, each with its tone."""


def states(counts: Mapping[str, int]) -> list[Badge]:
    """Return how many changes are in which state, those first that somebody should look at.

    >>> states({"done": 2, "held": 1}), states({"planned": 1})
    ([Badge(tone='held', words='1 held'), Badge(tone='done', words='2 done')], [Badge(tone='', words='1 to be done')])
    """
    known = [*_STATES, *sorted(counts.keys() - _STATES.keys())]
    return [
        Badge(_STATES.get(name, ""), f"{counts[name]:,} {_IN_WORDS.get(name, name)}")
        for name in known
        if counts.get(name)
    ]


_IN_WORDS = {"planned": "to be done"}


def took(seconds: float) -> str:
    """Return how long something took.

    >>> took(0.2), took(75), took(7300)
    ('under a second', '1 minute 15 s', '2 hours 1 min')
    """
    if seconds < 1:
        return "under a second"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{figures.counted(hours, 'hour', 'hours')} {minutes_left} min"
    if minutes:
        return f"{figures.counted(minutes, 'minute', 'minutes')} {rest} s"
    return f"{rest} s"
