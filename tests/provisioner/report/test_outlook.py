"""Cost and forecast in words: bounded, and never without what somebody has to do something about."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec

from provisioner.plan.model import Cost, Forecast, PoolUse
from provisioner.report import outlook
from tests.provisioner.report.plans import whole_plan

FIRST = date(2026, 11, 24)


def ahead(*short: int) -> list[outlook.Day]:
    days = tuple(
        Forecast("license:phone", (FIRST + timedelta(days=n)).isoformat(), 100 + s, s, 1, 0)
        for n, s in enumerate(short)
    )
    plan = whole_plan()
    summary = msgspec.structs.replace(plan.summary, pools={"license:phone": PoolUse(100, 9, 9)})
    as_of = datetime(2026, 11, 23, tzinfo=UTC)
    return outlook.forecast(
        msgspec.structs.replace(plan, forecast=days, summary=summary, as_of=as_of)
    )


def test_a_day_says_how_many_are_short_and_why() -> None:
    assert ahead(0, 12)[1] == outlook.Day(
        "25 November",
        "license:phone",
        "12 short on 25 November",
        "1 claimed; 112 wanted of 100",
    )


def test_a_long_forecast_keeps_the_days_on_which_seats_run_short() -> None:
    told = outlook.told(ahead(*[0] * 80, 3))

    assert len(told) == outlook.MOST_DAYS
    assert (told[0].day, told[-1].short) == ("24 November", "3 short on 12 February 2027")


def test_departments_are_told_by_what_they_cost_and_the_rest_together() -> None:
    departments = {f"D{n:02}": f"{n}.00" for n in range(25)}
    plan = whole_plan()
    summary = msgspec.structs.replace(plan.summary, cost=Cost("EUR", "300.00", {}, departments))

    told = outlook.by_department(msgspec.structs.replace(plan, summary=summary))

    assert told[0] == outlook.Amount("D24", "+24.00 EUR")
    assert told[-1] == outlook.Amount("5 more", "+10.00 EUR")
