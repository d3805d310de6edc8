"""The statement of one sync's Communications Credits as JSON: what is left, what lapses, who relies on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection

from provisioner.config import Config
from provisioner.credits import lacks_base, ledger_of
from provisioner.plan.credit_ledger import Statement, soon, statement, warnings
from provisioner.store import plans as plan_store

CENT = Decimal("0.01")


def statement_document(
    connection: Connection, config: Config, name: str, today: date
) -> dict[str, Any]:
    """Return the statement of a sync of which config knows credits."""
    ledger = ledger_of(connection, config, config.syncs[name])
    assert ledger is not None, "only syncs that have credits are asked"
    relying, without, plan = _relying(connection, name)
    return _document(name, statement(ledger, today), relying, without, plan)


def _relying(connection: Connection, sync: str) -> tuple[int, int, str | None]:
    """Return how many dial on credits by the newest full plan, for how many of them no license is left."""
    newest = plan_store.newest_full(connection, sync)
    if newest is None:
        return 0, 0, None
    plan = plan_store.head_of(connection, newest)
    pool = plan.summary.pools.get("credits:credits")
    blocked = sum(c.kind == "credit.assign" and not lacks_base(c) for c in plan.blocked)
    return (0 if pool is None else pool.after) + blocked, blocked, newest


def _document(
    sync: str, told: Statement, relying: int, without: int, plan: str | None
) -> dict[str, Any]:
    ledger, now = told.ledger, told.standing
    recharge = ledger.auto_recharge
    lapse = now.next_lapse
    return {
        "sync": sync,
        "as_of": str(told.today),
        "agreement": ledger.agreement,
        "auto_recharge": None
        if recharge is None
        else {
            "on": recharge.on,
            "trigger": _text(recharge.trigger),
            "amount": _text(recharge.amount),
        },
        "balance": str(now.balance),
        "purchases": [
            {
                "date": str(lot.bought),
                "amount": str(lot.amount),
                "left": str(lot.left),
                "lapses": str(lot.lapses),
            }
            for lot in now.lots
        ],
        "next_lapse": None if lapse is None else {"date": str(lapse[0]), "amount": str(lapse[1])},
        "used": str(now.used),
        "lapsed": str(now.lapsed),
        "uncovered": str(now.uncovered),
        "rate": str(rounded(told.rate)),
        "runs_out": None if told.runs_out is None else str(told.runs_out),
        "relying": relying,
        "plan": plan,
        "warnings": list(_warnings(told, relying, without)),
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _warnings(told: Statement, relying: int, without: int) -> Iterator[str]:
    ledger, now = told.ledger, told.standing
    yield from warnings(ledger, relying, without, told.today)
    if ledger.agreement == "mca":
        if not relying and not ledger.recharges:
            yield (
                "nothing says that auto-recharge is on: with a Microsoft Customer Agreement nobody can"
                " dial on credits without it"
            )
        return
    if not ledger.recharges and not now.balance and not relying:
        yield "no balance is left and auto-recharge is not on: nobody can dial on credits"
    day = soon(ledger, told.today)
    if day is not None and now.balance:
        yield f"credits last until {day} at the present rate, and auto-recharge is not on"
    if now.uncovered:
        yield (
            f"{money(now.uncovered)} was used beyond all that was bought: enter the purchase or the"
            " recharge that is missing (`provisioner credits add`)"
        )


def rounded(value: Fraction) -> Decimal:
    """Return an exact figure in cents."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(CENT, ROUND_HALF_UP)


def money(amount: Decimal) -> str:
    """Return an amount with its cents.

    >>> money(Decimal("1200.5"))
    '1,200.50'
    """
    return f"{amount.quantize(CENT, ROUND_HALF_UP):,}"
