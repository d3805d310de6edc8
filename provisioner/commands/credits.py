"""`provisioner credits`: the ledger of Communications Credits, and entries made by hand.

Exit status 0, also where there is something to warn of: the figures are the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from connectors.credits import Entry
from connectors.errors import RunError
from provisioner import who
from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.config import Config
from provisioner.credits import configured, lacks_base, ledger_of
from provisioner.plan.credit_ledger import Statement, soon, statement, warnings
from provisioner.report.document import dumped
from provisioner.store import credits as credit_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.wiring import Site

LONGEST_NOTE = 2000
CENT = Decimal("0.01")


def run_credits(config: Path, sync: str | None, form: str) -> int:
    """Write the statement of one sync's credits, or of all that have any."""
    site = site_of(config)
    today = site.now().date()
    documents = []
    with reading(site.engine) as connection:
        for name in _syncs(site.config, sync):
            ledger = ledger_of(connection, site.config, site.config.syncs[name])
            assert ledger is not None, "only syncs that have credits are asked"
            relying, without, plan = _relying(connection, name)
            told = statement(ledger, today)
            documents.append(_document(name, told, relying, without, plan))
    with opened(None, form) as out:
        if form == "json":
            out.write(dumped({"credits": documents}) + "\n")
            return 0
        for document in documents:
            out.writelines(f"{line}\n" for line in _lines(document))
    return 0


def run_add(
    config: Path,
    sync: str | None,
    amount: Decimal,
    day: date | None,
    *,
    used: bool,
    by: str | None,
    note: str | None,
) -> int:
    """Enter a purchase, or usage, and say what the balance is now."""
    site, by = site_of(config), who.named(by)
    names = _syncs(site.config, sync)
    if len(names) > 1:
        raise RunError("several syncs have credits", remedy=f"give --sync: {', '.join(names)}")
    if note is not None and len(note) > LONGEST_NOTE:
        raise RunError(f"the note is longer than {LONGEST_NOTE} characters", remedy="shorten it")
    now = site.now()
    today = now.date()
    entry = Entry(day or today, amount)
    if entry.day > today:
        raise RunError(f"{entry.day} has not come yet", remedy="enter what has happened")
    _refuse_afterwards(site, names[0], used=used)
    with site.engine.begin() as connection:
        run_store.refuse_old_clock(connection, now)
        kind: credit_store.Kind = "usage" if used else "purchase"
        credit_store.add(connection, names[0], kind, entry, by, note, now)
        ledger = ledger_of(connection, site.config, site.config.syncs[names[0]])
    assert ledger is not None
    balance = statement(ledger, today).standing.balance
    what = "used" if used else "bought"
    click.echo(f"sync {names[0]}: {money(amount)} {what} on {entry.day}; balance {money(balance)}")
    return 0


def _refuse_afterwards(site: Site, name: str, *, used: bool) -> None:
    told = configured(site.config.syncs[name])
    if told is not None and told.agreement == "mca" and not used:
        raise RunError(
            f"sync {name} has a Microsoft Customer Agreement: credits are paid afterwards, not bought",
            remedy="enter only what was used (--used)",
        )


def _syncs(config: Config, name: str | None) -> list[str]:
    """Return the syncs that are meant; raise RunError where none of them has credits."""
    meant = list(config.syncs) if name is None else [sync_name(config, name)]
    found = [each for each in meant if configured(config.syncs[each]) is not None]
    if not found:
        raise RunError(
            "config says nothing of Communications Credits"
            + ("" if name is None else f" for sync {name}"),
            remedy="add credits to its phone_system: {agreement: other, auto_recharge: …}",
        )
    return found


def _relying(connection: Connection, sync: str) -> tuple[int, int, str | None]:
    """Return how many dial on credits by the newest full plan, for how many of them no license is left."""
    newest = plan_store.newest_full(connection, sync)
    if newest is None:
        return 0, 0, None
    plan = plan_store.load(connection, newest)
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


def _lines(document: dict[str, Any]) -> Iterator[str]:
    """Yield a statement as people read it."""
    recharge = document["auto_recharge"]
    yield f"Communications Credits of sync {document['sync']} on {document['as_of']}"
    if document["agreement"] == "mca":
        yield "  agreement      Microsoft Customer Agreement: paid afterwards, nothing is bought"
    else:
        yield f"  balance        {money(Decimal(document['balance']))}"
        lapse = document["next_lapse"]
        if lapse is not None:
            yield f"  lapses next    {money(Decimal(lapse['amount']))} on {lapse['date']}"
    yield f"  auto-recharge  {_recharge(recharge)}"
    yield f"  present rate   {money(Decimal(document['rate']))} a day"
    if document["runs_out"] is not None:
        yield f"  runs out       {document['runs_out']}"
    elif document["agreement"] != "mca":
        yield "  runs out       never: auto-recharge is on"
    for lot in document["purchases"]:
        left, amount = money(Decimal(lot["left"])), money(Decimal(lot["amount"]))
        yield f"  bought {lot['date']}: {left} of {amount} left, lapses {lot['lapses']}"
    if document["plan"] is not None:
        people = "person" if document["relying"] == 1 else "people"
        yield f"  relying        {document['relying']:,} {people} (plan {document['plan']})"
    for warning in document["warnings"]:
        yield f"  ! {warning}"


def _recharge(told: dict[str, Any] | None) -> str:
    if told is None:
        return "unknown: config does not say"
    if not told["on"]:
        return "off"
    below = f", below {money(Decimal(told['trigger']))}" if told["trigger"] else ""
    return f"on{below}" + (f": buys {money(Decimal(told['amount']))}" if told["amount"] else "")


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
