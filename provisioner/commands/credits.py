"""`provisioner credits`: the ledger of Communications Credits, and entries made by hand.

Exit status 0, also where there is something to warn of: the figures are the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from connectors.credits import Entry
from connectors.errors import RunError
from provisioner import who
from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.config import Config
from provisioner.credit_statements import money, statement_document
from provisioner.credits import configured, ledger_of
from provisioner.plan.credit_ledger import statement
from provisioner.report.document import dumped
from provisioner.store import credits as credit_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.wiring import Site

LONGEST_NOTE = 2000
CENT = Decimal("0.01")


def run_credits(config: Path, sync: str | None, form: str) -> int:
    """Write the statement of one sync's credits, or of all that have any."""
    site = site_of(config)
    today = site.now().date()
    with reading(site.engine) as connection:
        documents = [
            statement_document(connection, site.config, name, today)
            for name in _syncs(site.config, sync)
        ]
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
