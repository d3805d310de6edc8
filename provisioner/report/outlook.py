"""What a plan costs, and what days to come will ask for: in words, for every format alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from provisioner.plan.model import Forecast, Plan
from provisioner.report.figures import visible

MOST_DEPARTMENTS = 20
"""Departments whose cost is told, those with the greatest; the rest is told together."""
MOST_DAYS = 50


class Amount(NamedTuple):
    """A line of a bill: of what, and how much, with its sign."""

    name: str
    amount: str


class Day(NamedTuple):
    """A line of the forecast; `short` is what somebody has to do something about, "" for nothing."""

    day: str
    pool: str
    short: str
    words: str


def signed(amount: str, currency: str) -> str:
    """Return an amount with its sign, thousands apart.

    >>> signed("1200.00", "EUR"), signed("-12.50", "EUR"), signed("0.00", "EUR")
    ('+1,200.00 EUR', '-12.50 EUR', '0.00 EUR')
    """
    value = Decimal(amount)
    return f"{value:+,f} {visible(currency)}" if value else f"{value:f} {visible(currency)}"


def monthly(plan: Plan) -> str:
    """Return what the plan changes of a month's bill; "" where no prices are known."""
    cost = plan.summary.cost
    return "" if cost is None else f"{signed(cost.monthly, cost.currency)} a month"


def by_kind(plan: Plan) -> list[Amount]:
    """Return the cost of each kind of change, in the kinds' order."""
    cost = plan.summary.cost
    if cost is None:
        return []
    return [Amount(visible(k), signed(each, cost.currency)) for k, each in cost.kinds.items()]


def by_department(plan: Plan) -> list[Amount]:
    """Return the cost of each department, the greatest first; of too many, the rest as one."""
    cost = plan.summary.cost
    if cost is None:
        return []
    rows = sorted(cost.departments.items(), key=lambda row: (-abs(Decimal(row[1])), row[0]))
    told = [
        Amount(visible(name) or "no department", signed(amount, cost.currency))
        for name, amount in rows[:MOST_DEPARTMENTS]
    ]
    if rest := rows[MOST_DEPARTMENTS:]:
        total = sum((Decimal(amount) for _, amount in rest), Decimal(0))
        told.append(Amount(f"{len(rest):,} more", signed(str(total), cost.currency)))
    return told


def forecast(plan: Plan) -> list[Day]:
    """Return the days to come, in their order."""
    year, totals = plan.as_of.year, plan.summary.pools
    return [_day(each, year, {n: use.total for n, use in totals.items()}) for each in plan.forecast]


def told(days: Sequence[Day]) -> list[Day]:
    """Return the days that a bounded report tells, in their order: those on which seats run short first."""
    if len(days) <= MOST_DAYS:
        return list(days)
    first = sorted(range(len(days)), key=lambda at: (not days[at].short, at))[:MOST_DAYS]
    return [days[at] for at in sorted(first)]


def _day(each: Forecast, year: int, totals: Mapping[str, int | None]) -> Day:
    day = day_in_words(each.date, year)
    total = totals.get(each.pool)
    of = "" if total is None else f" of {total:,}"
    moved = [f"{each.claimed:,} claimed"] * bool(each.claimed)
    moved += [f"{each.freed:,} freed"] * bool(each.freed)
    short = f"{each.short:,} short on {day}" if each.short else ""
    return Day(day, visible(each.pool), short, f"{', '.join(moved)}; {each.after:,} wanted{of}")


def day_in_words(iso: str, year: int) -> str:
    """Return a day as people say it, with the year where it is another than `year`.

    >>> day_in_words("2026-12-01", 2026), day_in_words("2027-01-15", 2026)
    ('1 December', '15 January 2027')
    """
    day = date.fromisoformat(iso)
    words = f"{day.day} {_MONTHS[day.month - 1]}"
    return words if day.year == year else f"{words} {day.year}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
