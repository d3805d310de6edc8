"""The places that an account's requests have taken, by label: what a limiter reads and writes.

Pure arithmetic on values, so that it is the same in memory, in a file and in a database. A rate by
the second is an even pace (GCRA without a burst): a vendor who counts by the second never counts one
too many, however the network bunches them. A rate by the minute is a list of the places of that minute:
a few requests need not wait for each other. A day is counted in buckets of ten minutes.

Times are seconds of the board's clock. They hold as distances from the latest moment that was seen:
a clock that is set back takes them along, so that nobody waits for it to catch up.
"""

from __future__ import annotations

import msgspec

from connectors.records import Rate

MINUTE_S, DAY_S = 60.0, 86_400.0
BUCKET_S = 600
FIRST_PAUSE_S, LONGEST_BACK_OFF_S = 1.0, 30.0
"""A pause that the vendor named no time for: the first, and the longest that it grows to."""
LONGEST_PAUSE_S = 3600.0
"""What a vendor asks for beyond this is asked for again then: a slip of theirs must not stop a day's work."""
FORGIVEN_S = 60.0
"""After so long without another refusal, pauses begin small again."""
LET_IN = 5
"""A label that lets in so many between two refusals is not closed: the next pause is half as long."""


class Place(msgspec.Struct, frozen=True):
    """When a request may leave: in `wait_s` seconds, unless its label was paused since (`pauses`)."""

    wait_s: float
    pauses: int = 0


class Pace(msgspec.Struct, array_like=True):
    """What one label has taken.

    `next_at`: the next place of an even pace; `minute`: the places of the last minute, oldest first;
    `paused_until`; `pauses`: how many there were; `refusals`: how many in a row named no time;
    `taken`: places since the last pause was begun.
    """

    next_at: float = 0.0
    minute: list[float] = []
    paused_until: float = 0.0
    pauses: int = 0
    refusals: int = 0
    taken: int = 0

    def let_in(self, rate: Rate, seconds: float) -> int:
        """Return how many were let in, at most, in so many seconds since the last pause ended.

        Of the places some may lie ahead: whoever waits for the end of a pause has one.
        """
        if rate.per_second is None:
            return self.taken
        return min(self.taken, int(seconds * rate.per_second))


class Places(msgspec.Struct, array_like=True):
    """What an account has taken: by label, and by day (requests by bucket, counted from 1970)."""

    seen_at: float = 0.0
    paces: dict[str, Pace] = {}
    days: dict[str, dict[int, int]] = {}

    def take(self, label: str, rate: Rate, within_s: float, now: float) -> Place:
        """Take the next free place and return it; none is taken if it lies beyond `within_s`.

        Raises ValueError for a rate that isn't above zero.
        """
        if not _above_zero(rate):
            raise ValueError(f"the rate of {label!r} must be above zero: {rate}")
        self._turn_to(now)
        pace = self._pace(label, rate)
        day = self.days.setdefault(rate.day_with or label, {}) if rate.per_day is not None else {}
        at = max(
            now, pace.next_at, pace.paused_until, _minute_allows(pace, rate.per_minute, now),
            _day_allows(day, rate.per_day, now),
        )  # fmt: skip
        if at - now <= within_s:
            pace.taken += 1
            if rate.per_second is not None:
                pace.next_at = at + 1 / rate.per_second
            if rate.per_minute is not None:
                pace.minute.append(at)
            if rate.per_day is not None:
                day[int(at // BUCKET_S)] = day.get(int(at // BUCKET_S), 0) + 1
        return Place(at - now, pace.pauses)

    def pause(
        self, label: str, rate: Rate, asked_s: float | None, share: float, now: float
    ) -> float:
        """Let nobody use the label for a while, and return for how many seconds.

        `asked_s`: what the vendor asked for, None or 0 for nothing: then it is the rate's penalty, else
        a pause that doubles from refusal to refusal, of which `share` (0 to 1) is taken, and halves with
        every LET_IN requests between them. Whoever was refused during a pause of that last kind was
        sent before it: it grows no longer.
        """
        self._turn_to(now)
        pace = self._pace(label, rate)
        rest_s = pace.paused_until - now
        asked_s = asked_s or rate.penalty_s
        if not asked_s:
            if rest_s > 0:
                return rest_s
            pace.refusals = _not_forgiven(pace.refusals, pace.let_in(rate, -rest_s), -rest_s)
            asked_s = share * min(LONGEST_BACK_OFF_S, FIRST_PAUSE_S * 2.0**pace.refusals)
            pace.refusals += 1
        asked_s = min(asked_s, LONGEST_PAUSE_S)
        if asked_s > rest_s:
            pace.paused_until = now + asked_s
            pace.pauses += 1
            pace.taken = 0
        return max(asked_s, rest_s)

    def pauses(self, label: str, rate: Rate) -> int:
        """Return how often the label has been paused."""
        return self._pace(label, rate).pauses

    def _pace(self, label: str, rate: Rate) -> Pace:
        return self.paces.setdefault(rate.pace_with or label, Pace())

    def _turn_to(self, now: float) -> None:
        """Forget what is past; where the clock was set back, move everything along with it."""
        back = max(0.0, self.seen_at - now)
        self.seen_at = now
        for pace in self.paces.values():
            if back:
                pace.next_at -= back
                pace.paused_until -= back
            pace.minute = [at - back for at in pace.minute if at - back > now - MINUTE_S]
        for label, day in self.days.items():
            kept: dict[int, int] = {}
            for bucket, count in day.items():
                if _left_at(bucket) > now:
                    bucket = min(bucket, int(now // BUCKET_S)) if back else bucket
                    kept[bucket] = kept.get(bucket, 0) + count
            self.days[label] = kept


def _not_forgiven(refusals: int, let_in: int, seconds: float) -> int:
    """Return how many refusals still count when so many were let in after them, in so many seconds.

    >>> [_not_forgiven(3, *since) for since in ((4, 1), (12, 1), (80, 1), (0, 61))]
    [3, 1, 0, 0]
    """
    return 0 if seconds > FORGIVEN_S else max(0, refusals - let_in // LET_IN)


def _above_zero(rate: Rate) -> bool:
    given = [figure for figure in (rate.per_second, rate.per_minute) if figure is not None]
    return bool(given) and min(given) > 0


def _minute_allows(pace: Pace, per_minute: int | None, now: float) -> float:
    """Return the time from which one more fits into the sixty seconds before it."""
    if per_minute is None or not pace.minute:
        return now
    if len(pace.minute) < per_minute:
        return pace.minute[-1]
    return max(pace.minute[-1], pace.minute[-per_minute] + MINUTE_S)


def _left_at(bucket: int) -> float:
    """Return when the last request of a bucket is a day ago."""
    return (bucket + 1) * BUCKET_S + DAY_S


def _day_allows(day: dict[int, int], per_day: int | None, now: float) -> float:
    """Return the time from which one more fits into the 24 hours before it."""
    if per_day is None:
        return now
    if per_day <= 0:
        return float("inf")
    over = sum(day.values()) - per_day
    for bucket in sorted(day):
        if over < 0:
            break
        over -= day[bucket]
        now = _left_at(bucket)
    return now
