"""The calendar: what a pair of dates says on a day, in several time zones, of persons and of rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Columns
from connectors.records import Person
from connectors.scim_filter import USER
from mappings import Mapping, load_mapping
from provisioner.plan.calendar import ON_LEAVE, Calendar, Days

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAPPING = """
version: 1
dates: {start: nickName, end: title, provision: 3d, timezone: Europe/Berlin}
timezones: {Auckland: Pacific/Auckland, Honolulu: Pacific/Honolulu}
leave: {when: 'userType eq "leave"'}
rules:
  - {name: all, when: userName pr, give: {site: "{addresses.locality}"}}
"""


@pytest.fixture(scope="module")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    path: Path = tmp_path_factory.mktemp("mapping") / "mapping.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    return load_mapping(path, USER)


def resource(start: str | None, end: str | None = None, at: str | None = None) -> dict[str, object]:
    found: dict[str, object] = {"userName": "eva"}
    found |= {"nickName": start} if start is not None else {}
    found |= {"title": end} if end is not None else {}
    return found | ({"addresses": [{"locality": at}]} if at else {})


def test_whoever_has_no_dates_or_is_long_here_is_plainly_here(mapping: Mapping) -> None:
    calendar = Calendar(mapping, NOON)

    assert calendar.of(resource(None)) is None
    assert calendar.of(resource("2019-01-01", "9999-12-31")) is None


def test_who_is_on_leave_is_so_whatever_their_dates_say(mapping: Mapping) -> None:
    assert Calendar(mapping, NOON).of(resource("x") | {"userType": "leave"}) is ON_LEAVE


@pytest.mark.parametrize(
    ("site", "begins"),
    [
        ("Auckland", datetime(2026, 11, 30, 11, tzinfo=UTC)),
        ("auckland", datetime(2026, 11, 30, 11, tzinfo=UTC)),
        ("Honolulu", datetime(2026, 12, 1, 10, tzinfo=UTC)),
        ("Munich", datetime(2026, 11, 30, 23, tzinfo=UTC)),
        (None, datetime(2026, 11, 30, 23, tzinfo=UTC)),
    ],
)
def test_a_day_begins_by_the_clock_of_the_site(
    mapping: Mapping, site: str | None, begins: datetime
) -> None:
    someone = resource("2026-12-01", at=site)

    def on(moment: datetime) -> Days:
        days = Calendar(mapping, moment).of(someone)
        assert days is not None
        return days

    assert on(begins).begun
    assert not on(begins - timedelta(seconds=1)).begun
    assert on(begins - timedelta(days=3)).when == "present"
    assert on(begins - timedelta(days=3, seconds=1)).when == "early"


def test_the_last_day_is_over_at_its_midnight(mapping: Mapping) -> None:
    someone = resource(None, "2026-11-23", at="Honolulu")
    over = datetime(2026, 11, 24, 10, tzinfo=UTC)

    assert Calendar(mapping, over - timedelta(seconds=1)).of(someone) == Days(
        end=date(2026, 11, 23)
    )
    ended = Calendar(mapping, over).of(someone)
    assert (ended and ended.when, ended and ended.over) == ("ended", over)


DATES = st.one_of(
    st.none(),
    st.just("soon"),
    st.dates(date(2026, 11, 15), date(2026, 12, 10)).map(date.isoformat),
    st.datetimes(datetime(2026, 11, 15), datetime(2026, 12, 10)).map(  # noqa: DTZ001
        lambda moment: moment.strftime("%Y%m%d%H%M%SZ")
    ),
)
SITES = st.sampled_from([None, "Auckland", "Honolulu", "Munich"])


@given(
    st.lists(st.tuples(DATES, DATES, SITES, st.sampled_from([None, "leave"]))),
    st.integers(-240, 240),
)
def test_persons_and_rows_are_told_the_same_as_one_by_one(
    mapping: Mapping, people: list[tuple[str | None, ...]], hours: int
) -> None:
    now = NOON + timedelta(hours=hours)
    columns = Columns.named(["userName", "nickName", "title", "addresses.locality", "userType"])
    calendar = Calendar(mapping, now, timedelta(days=9))
    of_rows, of_persons = calendar.of_rows(columns), calendar.of_persons()
    for start, end, at, away in people:
        row = ["eva", start, end, at, away]
        found = columns.resource(row)
        alone = Calendar(mapping, now, timedelta(days=9)).of(found)
        assert of_rows(row) == of_persons(Person("eva", found)) == alone == calendar.of(found)


@given(st.dates(date(2026, 10, 1), date(2027, 2, 1)), st.integers(0, 5000), SITES)
def test_a_start_only_ever_moves_forward(
    mapping: Mapping, start: date, hours: int, site: str | None
) -> None:
    zone = ZoneInfo({"Auckland": "Pacific/Auckland", "Honolulu": "Pacific/Honolulu"}.get(site or "", "Europe/Berlin"))  # fmt: skip
    now = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=hours)
    days = Calendar(mapping, now).of(resource(start.isoformat(), at=site))
    local = now.astimezone(zone).replace(tzinfo=None)

    if local + timedelta(days=3) < datetime.combine(start, time()):
        assert days is not None
        assert (days.when, days.provision) == ("early", start - timedelta(days=3))
    elif days is not None:
        assert (days.when, days.begun) == ("present", local.date() >= start)
