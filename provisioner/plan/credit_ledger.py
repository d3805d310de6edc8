"""The credit ledger: what is left of Communications Credits, when it lapses, how long it lasts.

What is used counts against the oldest purchase first; what is left of a purchase lapses 12 months after
its date. The balance is never below zero: usage beyond all purchases is `uncovered`, which only says
that a purchase (or a recharge) is missing in the ledger. Recharges of the past are purchases like any
other; auto-recharge says only that credits don't run out.
Source: Microsoft Teams, "Set up Communications Credits for your organization".
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from connectors.credits import Agreement, AutoRecharge, Entry

NOTHING = Decimal(0)
RATE_DAYS = 30
"""The present rate is that of so many days, today included."""

SOON_DAYS = 30
"""What runs out within so many days is worth a word."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was bought and used, in any order; and how more is bought."""

    purchases: tuple[Entry, ...] = ()
    usage: tuple[Entry, ...] = ()
    agreement: Agreement = "other"
    auto_recharge: AutoRecharge | None = None

    @property
    def recharges(self) -> bool:
        """Whether auto-recharge is known to be on."""
        return self.auto_recharge is not None and self.auto_recharge.on


@dataclass(slots=True)
class Lot:
    """A purchase and what is left of it; from `lapses` on, that is nothing."""

    bought: date
    amount: Decimal
    left: Decimal

    @property
    def lapses(self) -> date:
        """The day on which the rest lapses: it can be used until the day before."""
        return year_after(self.bought)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the ledger stands at the end of a day.

    `lots`: purchases that still have something left, the oldest first. `used`: what was taken out of
    purchases; `lapsed`: what nobody used in time; `uncovered`: usage for which nothing was there.
    """

    lots: tuple[Lot, ...] = ()
    used: Decimal = NOTHING
    lapsed: Decimal = NOTHING
    uncovered: Decimal = NOTHING

    @property
    def balance(self) -> Decimal:
        """What is left, never below zero."""
        return sum((lot.left for lot in self.lots), NOTHING)

    @property
    def next_lapse(self) -> tuple[date, Decimal] | None:
        """The next day on which credits lapse if nobody uses them, and how much then."""
        if not self.lots:
            return None
        day = self.lots[0].lapses
        return day, sum((lot.left for lot in self.lots if lot.lapses == day), NOTHING)


def year_after(day: date) -> date:
    """Return the day 12 months later; of 29 February, the 28th.

    >>> year_after(date(2025, 3, 1)), year_after(date(2024, 2, 29))
    (datetime.date(2026, 3, 1), datetime.date(2025, 2, 28))
    """
    return day.replace(year=day.year + 1, day=min(day.day, monthrange(day.year + 1, day.month)[1]))


def standing(ledger: Ledger, today: date) -> Standing:
    """Return how the ledger stands at the end of `today`; what is dated later hasn't happened.

    On one day, what lapses goes first, then purchases come, then usage is taken.

    >>> march = Ledger((Entry(date(2025, 3, 1), Decimal(300)),), (Entry(date(2025, 4, 1), Decimal(120)),))
    >>> standing(march, date(2026, 2, 28)).next_lapse
    (datetime.date(2026, 3, 1), Decimal('180'))
    >>> standing(march, date(2026, 3, 1)).lapsed
    Decimal('180')
    """
    lots: list[Lot] = []
    used = lapsed = uncovered = NOTHING

    def let_lapse(day: date) -> None:
        nonlocal lapsed
        lapsed += sum((lot.left for lot in lots if lot.lapses <= day), NOTHING)
        lots[:] = [lot for lot in lots if lot.lapses > day]

    happened = [(each.day, 0, each.amount) for each in ledger.purchases if each.day <= today]
    happened += [(each.day, 1, each.amount) for each in ledger.usage if each.day <= today]
    for day, uses, amount in sorted(happened):
        let_lapse(day)
        if not uses:
            lots.append(Lot(day, amount, amount))
            continue
        rest = amount
        for lot in lots:
            taken = min(lot.left, rest)
            lot.left -= taken
            rest -= taken
        used += amount - rest
        uncovered += rest
        lots[:] = [lot for lot in lots if lot.left]
    let_lapse(today)
    return Standing(tuple(lots), used, lapsed, uncovered)


def rate(ledger: Ledger, today: date) -> Fraction:
    """Return what is used up a day at present: the mean of the last 30 days, or since the first usage."""
    past = [each for each in ledger.usage if each.day <= today]
    if not past:
        return Fraction(0)
    days = min(RATE_DAYS, (today - min(each.day for each in past)).days + 1)
    recent = sum((e.amount for e in past if (today - e.day).days < days), NOTHING)
    return Fraction(recent) / days


def runs_out(ledger: Ledger, today: date) -> date | None:
    """Return the first day on which credits don't last at the present rate; `today` if none are left.

    None where auto-recharge or a Microsoft Customer Agreement sees to it that they don't run out. What
    lapses unused counts as gone.
    """
    if ledger.recharges or ledger.agreement == "mca":
        return None
    a_day, at = rate(ledger, today), Fraction(0)
    for lot in standing(ledger, today).lots:
        ends = Fraction((lot.lapses - today).days)
        lasts = at + Fraction(lot.left) / a_day if a_day else ends
        at = max(at, min(lasts, ends))
    return today + timedelta(days=math.ceil(at))


def warnings(ledger: Ledger, relying: int, without: int, today: date) -> tuple[str, ...]:
    """Return what a plan has to say of credits: who would be unable to dial, and why.

    `relying`: people who dial on credits; `without`: those of them whom no license can be given.
    Nothing where nobody relies on them.
    """
    if not relying:
        return ()
    found = []
    who = f"{relying:,} {'person relies' if relying == 1 else 'people rely'} on Communications Credits"
    if ledger.agreement == "mca":
        if not ledger.recharges:
            found.append(
                f"{who}, and nothing says that auto-recharge is on: with a Microsoft Customer Agreement"
                " they can't dial out without it; switch it on in the Microsoft 365 admin center, then"
                " say so in config (credits: {auto_recharge: {on: true}})"
            )
        return tuple(found)
    if without:
        found.append(
            f"{without:,} of {relying:,} who rely on Communications Credits can't dial out: there is no"
            " credit license for them; fund Communications Credits, and its seats appear"
        )
    if not ledger.recharges and not standing(ledger, today).balance:
        found.append(
            f"{who}, and can't dial out: no balance is left and auto-recharge is not on; fund them in"
            " the Microsoft 365 admin center, then `provisioner credits add`"
        )
    return tuple(found)


def soon(ledger: Ledger, today: date) -> date | None:
    """Return the day on which credits run out if that is within 30 days, else None."""
    day = runs_out(ledger, today)
    return day if day is not None and (day - today).days <= SOON_DAYS else None


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that `provisioner credits` tells of a ledger on a day."""

    ledger: Ledger
    today: date
    standing: Standing = field(default_factory=Standing)
    rate: Fraction = Fraction(0)
    runs_out: date | None = None


def statement(ledger: Ledger, today: date) -> Statement:
    """Return the ledger's statement on a day."""
    return Statement(
        ledger, today, standing(ledger, today), rate(ledger, today), runs_out(ledger, today)
    )


def joined(ledger: Ledger, purchases: Iterable[Entry], usage: Iterable[Entry]) -> Ledger:
    """Return the ledger with more entries."""
    return Ledger(
        (*ledger.purchases, *purchases),
        (*ledger.usage, *usage),
        ledger.agreement,
        ledger.auto_recharge,
    )
