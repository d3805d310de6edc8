"""The calendar: who is not here yet, who has left by now, who is on leave, on the day of the plan.

Of a million people nearly all are simply here. So a pair of dates is worked out once, in every time
zone that the mapping knows; only where the zones disagree is a person's own site asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Literal, TypeAlias

from connectors.columns import Columns, Row, Untold
from connectors.records import Person
from connectors.scim_filter import Path
from mappings import Mapping
from mappings.dates import Dates, day_in, read_day
from mappings.signature import row_signature, signature

_LIMIT = 100_000
"""Pairs of dates that are remembered before remembering starts afresh."""
_RECENT = timedelta(days=31)
"""For how long after a start or an end it is told as the reason of what follows."""

When: TypeAlias = Literal["present", "early", "ended", "unclear", "on_leave"]
Resource: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Days:
    """What the calendar says of somebody on the day of the plan.

    `when`: present; early (before they are provisioned); ended; unclear (with the `reason`: they are
    left alone); on_leave. `start` and `end` are days where the person works, None where they are far
    from today and nothing is to be said of them; `provision`: the day
    from which somebody who is early is provisioned. `begun`: the start is today or past. `over`: the
    moment after the last day.
    """

    when: When = "present"
    start: date | None = None
    end: date | None = None
    provision: date | None = None
    begun: bool = True
    over: datetime | None = None
    reason: str = ""

    def because(self) -> str | None:
        """Return in words what the calendar has to do with a change; None if it has nothing to."""
        if self.when == "on_leave":
            return "on leave"
        if self.when == "ended":
            return f"ended on {self.end}"
        if self.start is None:
            return None
        return f"starts on {self.start}"

    def in_words(self) -> str | None:
        """Return what keeps somebody from being planned for as others; None if nothing does."""
        return {
            "present": None,
            "on_leave": "on leave: they are given nothing new",
            "early": f"starts on {self.start}: provisioned from {self.provision} on",
            "ended": f"ended on {self.end}: a leaver since then",
            "unclear": f"left alone: {self.reason}",
        }[self.when]


ON_LEAVE = Days("on_leave")


def standing_on(days: Days | None, otherwise: str) -> str:
    """Return how somebody stands whose standing is `otherwise` as far as scope goes."""
    if days is ON_LEAVE:
        return "on_leave"
    if otherwise != "in_scope" or days is None or days.when == "present":
        return otherwise
    return days.when


class Calendar:
    """What one mapping's dates and leave say of people on one day.

    `horizon`: how far ahead an end matters, for the forecast. Whoever is plainly here is None.
    """

    def __init__(
        self, mapping: Mapping, as_of: datetime, horizon: timedelta = timedelta(0)
    ) -> None:
        self._mapping, self._dates, self._leave = mapping, mapping.dates or Dates(), mapping.leave
        self._as_of = as_of.astimezone(UTC)
        self._until = as_of.date() + horizon
        dates = self._dates
        self._zones = list(dict.fromkeys([dates.zone, *dates.zones.values()]))
        self._known: dict[tuple[object, object], Days | None] = {}
        self._several: dict[tuple[object, object], MappingOf[tzinfo, Days | None]] = {}

    @classmethod
    def of_mapping(
        cls, mapping: Mapping, as_of: datetime | None, horizon: timedelta = timedelta(0)
    ) -> Calendar | None:
        """Return the mapping's calendar; None where it has no dates and knows no leave."""
        if as_of is None or (mapping.dates is None and mapping.leave is None):
            return None
        return cls(mapping, as_of, horizon)

    def of(self, resource: Resource) -> Days | None:
        """Return what it says of the person with this resource."""
        if self._leave is not None and self._leave.when.matches(resource):
            return ON_LEAVE
        return self._by_dates(resource)

    def sees(self, days: Days) -> bool:
        """Return whether somebody who is early is provisioned within the horizon."""
        return days.provision is not None and days.provision <= self._until

    def of_persons(self) -> Callable[[Person], Days | None]:
        """Return what says the same of many people, one after another."""
        if self._leave is None:
            return lambda person: self._by_dates(person.resource)
        leave = self._leave.when
        away = _remembering(signature([leave.tree]), leave.matches)
        return lambda p: ON_LEAVE if away(p.resource) else self._by_dates(p.resource)

    def _by_dates(self, resource: Resource) -> Days | None:
        start, end = (_first(path, resource) for path in (self._dates.start, self._dates.end))
        return self._days(start, end, lambda: resource)

    def of_rows(self, columns: Columns) -> Callable[[Row], Days | None]:
        """Return what says the same of the rows of a table."""
        away = None
        if self._leave is not None:
            leave = self._leave.when
            bits = row_signature([leave.tree], columns)
            away = _remembering(bits, lambda row: leave.matches(columns.resource(row)))
        start_of, end_of = (_cell(p, columns) for p in (self._dates.start, self._dates.end))

        def of(row: Row) -> Days | None:
            if away is not None and away(row):
                return ON_LEAVE
            return self._days(start_of(row), end_of(row), lambda: columns.resource(row))

        return of

    def _days(self, start: object, end: object, resource: Callable[[], Resource]) -> Days | None:
        if start is None and end is None:
            return None
        key = (start, end)
        try:
            return self._known[key]
        except KeyError:
            pass
        several = self._several.get(key)
        if several is None:
            if len(self._known) + len(self._several) > _LIMIT:
                self._known.clear()
                self._several.clear()
            several = {zone: self._decide(start, end, zone) for zone in self._zones}
            said = list(several.values())
            if all(each == said[0] for each in said):
                self._known[key] = said[0]
                return said[0]
            self._several[key] = several
        return several[self._dates.zone_at(self._site(resource()))]

    def _site(self, resource: Resource) -> str | None:
        """Return where somebody works: the site that the mapping gives them, else their locality."""
        given = self._mapping.entitlements(Person("", resource)).single.get("site")
        if given is not None:
            return str(given.value)
        addresses = resource.get("addresses") or [{}]
        chosen = next((a for a in addresses if a.get("type") == "work"), addresses[0])
        at = chosen.get("locality")
        return None if at is None else str(at)

    def _decide(self, start: object, end: object, zone: tzinfo) -> Days | None:
        try:
            first, last = _day(self._dates.start, start, zone), _day(self._dates.end, end, zone)
        except ValueError as error:
            return Days("unclear", reason=str(error))
        if first is not None and last is not None and last < first:
            return Days("unclear", reason=f"ends on {last}, before it starts on {first}")
        now = self._as_of.astimezone(zone).replace(tzinfo=None)
        provision = self._dates.provision
        if first is not None and now + provision < datetime.combine(first, time()):
            return Days(
                "early", first, last, (datetime.combine(first, time()) - provision).date(), False
            )
        begun = first is None or now.date() >= first
        if last is not None and now.date() > last:
            over = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
            return Days("ended", first, last, over=over)
        ends = last is not None and last <= self._until
        recent = first is not None and first > now.date() - _RECENT
        if not (ends or recent):
            return None
        return Days("present", first if recent else None, last if ends else None, begun=begun)


def _remembering(bits: Callable[[Any], int], test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return the test, asked once for each signature."""
    known: dict[int, bool] = {}

    def remembered(item: Any) -> bool:
        found = known.get(signed := bits(item))
        if found is None:
            if len(known) >= _LIMIT:
                known.clear()
            found = known[signed] = test(item)
        return found

    return remembered


def _first(path: Path | None, resource: Resource) -> object:
    return None if path is None else next(iter(path.values(resource)), None)


def _cell(path: Path | None, columns: Columns) -> Callable[[Row], object]:
    """Return what reads a date from a row."""
    if path is None:
        return lambda _: None
    try:
        place = columns.place(path)
    except Untold:
        return lambda row: _first(path, columns.resource(row))
    return (lambda _: None) if place is None else (lambda row: row[place])


def _day(path: Path | None, value: object, zone: tzinfo) -> date | None:
    if path is None or value is None:
        return None
    try:
        if not isinstance(value, str):
            raise TypeError
        return day_in(read_day(value), zone)
    except (ValueError, TypeError, OverflowError):
        name = path.text.rsplit(":", 1)[-1]
        raise ValueError(f"{name} {str(value)[:40]!r} is no date: write 2026-12-01") from None
