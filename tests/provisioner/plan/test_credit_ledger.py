"""The credit ledger: first in, first out, twelve months, and how long it lasts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.credits import AutoRecharge, Entry
from provisioner.plan.credit_ledger import (
    Ledger,
    rate,
    runs_out,
    soon,
    standing,
    warnings,
    year_after,
)

TODAY = date(2026, 11, 23)
ON, OFF = AutoRecharge(True, Decimal(50), Decimal(200)), AutoRecharge(False)


def entry(day: str, amount: str) -> Entry:
    return Entry(date.fromisoformat(day), Decimal(amount))


def ledger(bought: dict[str, str], used: dict[str, str] | None = None, **about: object) -> Ledger:
    return Ledger(
        tuple(entry(*each) for each in bought.items()),
        tuple(entry(*each) for each in (used or {}).items()),
        **about,  # type: ignore[arg-type]
    )


def test_usage_is_taken_from_the_oldest_purchase_first() -> None:
    now = standing(ledger({"2026-01-01": "100", "2026-06-01": "100"}, {"2026-07-01": "130"}), TODAY)

    assert [(lot.bought.month, lot.left) for lot in now.lots] == [(6, Decimal(70))]
    assert (now.balance, now.used) == (Decimal(70), Decimal(130))


def test_what_is_left_of_a_purchase_lapses_twelve_months_after_its_date() -> None:
    bought = ledger({"2025-11-23": "100", "2026-01-01": "10"})

    eve, day = standing(bought, TODAY - timedelta(days=1)), standing(bought, TODAY)

    assert (eve.balance, eve.lapsed) == (Decimal(110), Decimal(0))
    assert (day.balance, day.lapsed) == (Decimal(10), Decimal(100))
    assert eve.next_lapse == (TODAY, Decimal(100))
    assert day.next_lapse == (date(2027, 1, 1), Decimal(10))


def test_what_lapsed_covers_no_usage_that_comes_after() -> None:
    late = standing(ledger({"2025-01-01": "100"}, {"2026-01-01": "30"}), TODAY)

    assert (late.used, late.lapsed, late.uncovered) == (Decimal(0), Decimal(100), Decimal(30))


def test_what_is_dated_later_has_not_happened_yet() -> None:
    assert standing(ledger({"2026-12-01": "100"}), TODAY).balance == 0


def test_purchases_of_one_day_come_before_its_usage() -> None:
    assert standing(ledger({"2026-11-01": "100"}, {"2026-11-01": "40"}), TODAY).balance == 60


def test_the_rate_is_the_mean_of_the_last_thirty_days_or_since_the_first_usage() -> None:
    assert rate(ledger({}, {"2026-10-01": "900", "2026-11-20": "60"}), TODAY) == Fraction(2)
    assert rate(ledger({}, {"2026-11-14": "50"}), TODAY) == Fraction(5)
    assert rate(ledger({}), TODAY) == 0


def test_credits_run_out_on_the_day_that_they_do_not_cover() -> None:
    some = ledger({"2026-11-01": "170"}, {"2026-11-14": "50"})

    assert runs_out(some, TODAY) == TODAY + timedelta(days=24)  # 120 left, 5 a day
    assert soon(some, TODAY) == runs_out(some, TODAY)


def test_what_lapses_before_it_is_used_does_not_last() -> None:
    some = ledger({"2025-12-03": "1000", "2026-11-01": "25"}, {"2026-11-14": "50"})

    assert runs_out(some, TODAY) == TODAY + timedelta(days=10 + 5)


def test_unused_credits_last_until_they_lapse() -> None:
    assert runs_out(ledger({"2026-11-01": "100"}), TODAY) == date(2027, 11, 1)
    assert soon(ledger({"2026-11-01": "100"}), TODAY) is None
    assert runs_out(ledger({}), TODAY) == TODAY


def test_with_auto_recharge_or_paid_afterwards_they_do_not_run_out() -> None:
    assert runs_out(ledger({}, auto_recharge=ON), TODAY) is None
    assert runs_out(ledger({}, agreement="mca"), TODAY) is None


def test_a_plan_warns_where_nothing_is_left_and_nothing_recharges() -> None:
    empty, funded = ledger({}, auto_recharge=OFF), ledger({"2026-11-01": "1"})

    assert "no balance is left and auto-recharge is not on" in warnings(empty, 12, 0, TODAY)[0]
    assert warnings(empty, 12, 0, TODAY)[0].startswith("12 people rely on Communications Credits")
    assert warnings(empty, 0, 0, TODAY) == ()
    assert warnings(funded, 12, 0, TODAY) == ()
    assert warnings(ledger({}, auto_recharge=ON), 12, 0, TODAY) == ()


def test_a_plan_warns_of_people_for_whom_there_is_no_license() -> None:
    (said,) = warnings(ledger({"2026-11-01": "9"}), 12, 3, TODAY)

    assert said.startswith("3 of 12 who rely on Communications Credits can't dial out")
    assert "fund Communications Credits" in said


@pytest.mark.parametrize("recharge", [None, OFF])
def test_a_customer_agreement_needs_auto_recharge_and_no_balance(
    recharge: AutoRecharge | None,
) -> None:
    (said,) = warnings(ledger({}, agreement="mca", auto_recharge=recharge), 2, 2, TODAY)

    assert "nothing says that auto-recharge is on" in said
    assert warnings(ledger({}, agreement="mca", auto_recharge=ON), 2, 0, TODAY) == ()


days = st.dates(date(2024, 1, 1), date(2028, 12, 31))
amounts = st.decimals("0.01", "1000", places=2)
entries = st.lists(st.builds(Entry, days, amounts), max_size=12).map(tuple)


@given(entries, entries, days)
def test_whatever_was_bought_is_left_used_or_lapsed_and_all_usage_is_accounted_for(
    bought: tuple[Entry, ...], used: tuple[Entry, ...], today: date
) -> None:
    now = standing(Ledger(bought, used), today)

    assert now.balance >= 0
    assert all(lot.left > 0 and lot.bought <= today < lot.lapses for lot in now.lots)
    spent = sum((e.amount for e in used if e.day <= today), Decimal(0))
    income = sum((e.amount for e in bought if e.day <= today), Decimal(0))
    assert now.used + now.uncovered == spent
    assert now.balance + now.used + now.lapsed == income


@given(entries, entries, days)
def test_nothing_newer_is_touched_while_something_older_is_left(
    bought: tuple[Entry, ...], used: tuple[Entry, ...], today: date
) -> None:
    lots = standing(Ledger(bought, used), today).lots

    assert [lot.bought for lot in lots] == sorted(lot.bought for lot in lots)
    assert all(lot.left == lot.amount for lot in lots[1:])


@given(entries, entries, days)
def test_the_order_of_entry_does_not_matter(
    bought: tuple[Entry, ...], used: tuple[Entry, ...], today: date
) -> None:
    assert standing(Ledger(bought, used), today) == standing(
        Ledger(bought[::-1], used[::-1]), today
    )


@given(entries, entries, days)
def test_the_forecast_is_what_going_on_at_the_present_rate_comes_to(
    bought: tuple[Entry, ...], used: tuple[Entry, ...], today: date
) -> None:
    known = Ledger(
        tuple(e for e in bought if e.day <= today), tuple(e for e in used if e.day <= today)
    )
    day = runs_out(known, today)
    a_day, lots = rate(known, today), standing(known, today).lots

    left = [(lot.lapses, Fraction(lot.left)) for lot in lots]
    at = today
    while sum(amount for _, amount in left) > 0:  # day by day, in exact fractions
        at += timedelta(days=1)
        wanted = a_day
        rest = []
        for lapses, amount in left:
            taken = min(amount, wanted)
            wanted -= taken
            if amount - taken > 0 and lapses > at:
                rest.append((lapses, amount - taken))
        left = rest
    assert day is not None
    assert abs((day - at).days) <= len(
        lots
    )  # within a day a purchase that lapses may end in its midst


@given(days)
def test_a_year_later_is_the_same_day_but_for_a_leap_day(day: date) -> None:
    later = year_after(day)

    assert (later.year, later.month) == (day.year + 1, day.month)
    assert later.day == (28 if (day.month, day.day) == (2, 29) else day.day)
