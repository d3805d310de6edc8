"""Prices: what a plan changes of each month's bill, by kind of change and by department.

Every seat that a change takes or gives back costs what config says that seats of its pool cost; a swap
costs the difference. Amounts are decimal numbers, and the parts always add up to the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from connectors.records import ENTERPRISE
from provisioner.plan.draft import Draft
from provisioner.plan.model import Cost
from provisioner.plan.numbers import frees_numbers
from provisioner.plan.seats import Pool, frees, takes
from provisioner.prices import Prices

_CENT = Decimal("0.01")


def cost_of(drafts: Iterable[Draft], prices: Prices) -> Cost:
    """Return what the drafts that are planned, or manual, and not rejected, change of a month's bill."""
    kinds: defaultdict[str, Decimal] = defaultdict(Decimal)
    departments: defaultdict[str, Decimal] = defaultdict(Decimal)
    for draft in drafts:
        if (
            draft.state in ("planned", "manual")
            and not draft.idle
            and (amount := _amount(draft, prices))
        ):
            kinds[draft.kind] += amount
            departments[_department(draft)] += amount
    return Cost(
        currency=prices.currency,
        monthly=money(sum(kinds.values(), Decimal(0))),
        kinds={kind: money(amount) for kind, amount in sorted(kinds.items())},
        departments={name: money(amount) for name, amount in sorted(departments.items())},
    )


def unpriced(drafts: Iterable[Draft], prices: Prices, names: Mapping[Pool, str]) -> Iterator[str]:
    """Yield, as `license zoom_phone`, what the drafts take or free and no price is known of."""
    touched = {
        pool
        for draft in drafts
        if draft.state in ("planned", "manual")
        for pool in (takes(draft), *frees(draft))
        if pool is not None
    }
    for family, name in sorted(touched - prices.each.keys()):
        yield "credits" if family == "credits" else f"{family} {names.get((family, name), name)}"


def money(amount: Decimal) -> str:
    """Return an amount as text with two decimals, with more only where it has more.

    >>> money(Decimal("-12.5")), money(Decimal("0.0375")), money(Decimal("0"))
    ('-12.50', '0.0375', '0.00')
    """
    short = amount.quantize(_CENT)
    return f"{short if short == amount else amount.normalize():f}"


def _amount(draft: Draft, prices: Prices) -> Decimal:
    total = Decimal(0)
    if (pool := takes(draft)) is not None:
        total += prices.each.get(pool, 0)
    for pool in frees(draft):
        total -= prices.each.get(pool, 0)
    if prices.number is not None:
        claims = draft.kind == "number.assign" and draft.after is not None
        total += prices.number * (claims - len(list(frees_numbers(draft))))
    return total


def _department(draft: Draft) -> str:
    case = draft.case
    said = (case.person.resource.get(ENTERPRISE) or {}) if case.person is not None else {}
    held = case.actual.department if case.actual is not None else None
    return str(said.get("department") or held or "")
