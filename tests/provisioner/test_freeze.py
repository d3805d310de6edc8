"""Freeze windows: when they hold, when they end, and what may go in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.config_guards import FreezeSchema
from provisioner.freeze import Window, freezes, is_frozen, with_freezes
from tests.provisioner.store.made import a_plan, change

PRAGUE = ZoneInfo("Europe/Prague")


def window(**members: object) -> Window:
    loaded: Window = FreezeSchema().load(members)
    return loaded


def prague(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PRAGUE)


CHRISTMAS = window(**{"from": "2026-12-20", "until": "2027-01-06", "zone": "Europe/Prague"})
WEEKEND = window(weekly="Fri 16:00 - Mon 07:00", zone="Europe/Prague", name="weekend")
MORNINGS = window(weekly="mon 08:00-mon 10:00")


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-12-19 23:59:59", False),
        ("2026-12-20 00:00:00", True),
        ("2027-01-06 23:59:59", True),
        ("2027-01-07 00:00:00", False),
    ],
)
def test_a_day_as_the_end_is_the_whole_day_in_its_zone(at: str, holds: bool) -> None:
    assert bool(freezes([CHRISTMAS], prague(at).astimezone(UTC))) == holds


def test_a_moment_as_the_end_is_that_moment() -> None:
    exact = window(**{"from": "2026-12-20T16:00+01:00", "until": "2026-12-20 18:00", "zone": "UTC"})

    ends = [exact.end(datetime(2026, 12, 20, hour, tzinfo=UTC)) for hour in (14, 15, 17, 18)]

    assert [end is not None for end in ends] == [False, True, True, False]
    assert ends[1] == datetime(2026, 12, 20, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-11-27 15:59", None),  # a Friday
        ("2026-11-27 16:00", "2026-11-30 07:00"),
        ("2026-11-29 23:59", "2026-11-30 07:00"),
        ("2026-11-30 06:59", "2026-11-30 07:00"),
        ("2026-11-30 07:00", None),
        ("2026-12-02 12:00", None),
    ],
)
def test_a_part_of_every_week_may_pass_its_end(at: str, end: str | None) -> None:
    assert WEEKEND.end(prague(at).astimezone(UTC)) == (end and prague(end))


def test_a_weekly_freeze_goes_by_the_wall_clock_when_it_jumps() -> None:
    """In Prague it is 02:00, then 03:00, on Sunday the 29th of March 2026, and twice 02:00 on October 25."""
    for saturday, monday in (("2026-03-28", "2026-03-30"), ("2026-10-24", "2026-10-26")):
        end = WEEKEND.end(prague(f"{saturday} 12:00"))
        assert end == prague(f"{monday} 07:00")
        assert WEEKEND.end(end - timedelta(seconds=1)) == end
        assert WEEKEND.end(end) is None


@given(st.integers(0, 500_000_000))
def test_whenever_a_freeze_holds_it_ends_later_and_holds_until_then(seconds: int) -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    for each in (WEEKEND, MORNINGS):
        end = each.end(at)
        if end is not None:
            assert at < end <= at + timedelta(days=3, hours=16)
            assert each.end(end) is None
            assert each.end(end - timedelta(microseconds=1)) == end


def test_a_change_goes_where_every_freeze_allows_it() -> None:
    at = prague("2026-12-26 12:00")  # a Saturday in both
    safe = window(weekly="Fri 16:00 - Mon 07:00", zone="Europe/Prague", allow=["safe"])
    kind = window(
        **{"from": "2026-12-20", "until": "2027-01-06", "allow": ["safe", "number.release"]}
    )
    both = freezes([safe, kind], at)

    assert [f.window for f in both] == [safe, kind], "the longest last"
    assert not is_frozen(change(1), both)
    assert is_frozen(change(1, "number.release", risk="destructive"), both)
    assert not is_frozen(change(1, "number.release", risk="destructive"), freezes([kind], at))
    assert is_frozen(change(1), freezes([CHRISTMAS], at))
    assert not is_frozen(change(1), [])


def test_a_plan_in_a_freeze_says_so_first_with_the_command() -> None:
    plan = a_plan(
        change(1), change(2, risk="service"), as_of=prague("2026-12-24 18:00"), warnings=("w",)
    )
    allowing = window(
        **{"from": "2026-12-20", "until": "2026-12-31", "allow": ["safe"], "name": "Christmas"}
    )

    assert with_freezes(plan, [allowing]).warnings == (
        "freeze 'Christmas' until 2027-01-01 00:00 UTC: only safe is carried out; 1 of 2 changes go"
        " after it, once they are approved; if they must now: `provisioner apply PLAN --despite-freeze`",
        "w",
    )
    assert with_freezes(plan, [MORNINGS]) == plan


def test_a_freeze_without_a_name_is_called_by_its_time() -> None:
    assert (CHRISTMAS.name, MORNINGS.name) == ("2026-12-20 to 2027-01-06", "mon 08:00-mon 10:00")
