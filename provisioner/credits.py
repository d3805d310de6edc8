"""Communications Credits of a sync: its ledger put together from config, CSV files and the store.

Config says how credits are bought (connectors/credits.py), files and `provisioner credits add` what was
bought and used; provisioner/plan/credit_ledger.py works out the rest.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from connectors.credits import Credits, Entry, Table, credits_of, read_amount, read_day
from connectors.errors import InputError, Problem, RunError
from connectors.records import Change
from provisioner.config import Config, SyncConfig
from provisioner.plan.credit_ledger import Ledger, joined, warnings
from provisioner.plan.model import Plan
from provisioner.plan.services import NO_BASE
from provisioner.store import credits as credit_store

DAYS = ("date", "day", "start time", "starttime", "usage date")
AMOUNTS = ("amount", "charge", "cost")
"""Names of columns, in the order in which they are looked for."""

DELIMITERS = ",;\t|"
_SAID = 20


def configured(sync: SyncConfig) -> Credits | None:
    """Return what config says of the sync's credits, None where it says nothing."""
    return credits_of(sync.phone_system.options.get("credits"))


def ledger_of(connection: Connection, config: Config, sync: SyncConfig) -> Ledger | None:
    """Return the sync's ledger, None where config says nothing of credits.

    Raises InputError, every problem at once, for a file that can't be used.
    """
    ledger = read_files(config, sync)
    return None if ledger is None else joined(ledger, *credit_store.entries(connection, sync.name))


def read_files(config: Config, sync: SyncConfig) -> Ledger | None:
    """Return the ledger without what was entered by hand; raises like `ledger_of`."""
    told = configured(sync)
    if told is None:
        return None
    purchases, usage = _read(config.base, told.purchases), _read(config.base, told.usage)
    return Ledger(purchases, usage, told.agreement, told.auto_recharge)


def _read(base: Path, told: Table | tuple[Entry, ...]) -> tuple[Entry, ...]:
    return read_table(base / told.csv, told) if isinstance(told, Table) else told


def read_table(path: Path, table: Table) -> tuple[Entry, ...]:
    """Return the amounts of a CSV file; rows of nothing (0) are left out.

    Raises RunError if it can't be read, InputError for everything in it that can't be used.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(
            f"the credits file {path} can't be read: {error}", remedy="see phone_system.credits"
        ) from None
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name.strip() for name in next(rows, [])]
    day = _column(path, header, table.date_column, DAYS, "date_column")
    amount = _column(path, header, table.amount_column, AMOUNTS, "amount_column")
    entries: list[Entry] = []
    problems: list[Problem] = []
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        where = f"{path}:{rows.line_num}"
        try:
            entries += _entry(row, day, amount, delimiter)
        except (ValueError, IndexError) as error:
            told = "the row ends too early" if isinstance(error, IndexError) else str(error)
            problems.append(Problem(where, told))
    if problems:
        more = [Problem(str(path), f"and {len(problems) - _SAID} more")]
        raise InputError(problems[:_SAID] + (more if len(problems) > _SAID else []))
    return tuple(entries)


def _column(
    path: Path, header: Sequence[str], named: str | None, usual: Iterable[str], member: str
) -> int:
    folded = [name.casefold() for name in header]
    for name in usual if named is None else (named,):
        if name.casefold() in folded:
            return folded.index(name.casefold())
    wanted = f"no column {named!r}" if named else f"none of the columns {', '.join(usual)}"
    raise InputError(
        [Problem(f"{path}:1", f"{wanted}; it has: {', '.join(header) or 'nothing'}")],
        remedy=f"name the column in config ({member})",
    )


def _entry(row: Sequence[str], day: int, amount: int, delimiter: str) -> Iterator[Entry]:
    # exports write whole moments (2026-11-01T10:00:00Z); a file with semicolons has decimal commas
    text = row[amount].strip()
    text = text.replace(",", ".") if delimiter == ";" else text
    if text.strip("0.") or not text:
        yield Entry(read_day(row[day].strip()[:10]), read_amount(text))


@dataclass(frozen=True, slots=True)
class Known:
    """What planning knows of a sync's credits: the ledger, or why it can't be read; neither without any."""

    ledger: Ledger | None = None
    unread: str | None = None

    def with_memory(self, memory: object) -> object:
        """Return what a plan's base remembers, the ledger with it: a plan rests on both."""
        if self.ledger is None and self.unread is None:
            return memory
        return memory, self.unread if self.ledger is None else digest(self.ledger)

    def told(self, plan: Plan, holders: int, today: date) -> Plan:
        """Return the plan with what there is to say; `holders`: who has a credit license now."""
        if self.unread is not None:
            return _warned(plan, (f"the ledger of Communications Credits: {self.unread}",))
        if self.ledger is None:
            return plan
        # whoever waits for a calling plan, or is to have none, doesn't dial on credits
        blocked = [c for c in plan.blocked if not lacks_base(c)]
        wished = [c for c in (*plan.changes, *blocked) if c.kind == "credit.assign"]
        gone = sum(change.kind == "credit.remove" for change in plan.changes)
        without = sum(change.kind == "credit.assign" for change in blocked)
        relying = max(0, holders + len(wished) - gone)
        return _warned(plan, warnings(self.ledger, relying, without, today))


def lacks_base(change: Change) -> bool:
    """Return whether a change is blocked because its person may have no credit license at all."""
    return NO_BASE in (change.reason or "")


def _warned(plan: Plan, said: tuple[str, ...]) -> Plan:
    return msgspec.structs.replace(plan, warnings=(*plan.warnings, *said)) if said else plan


def known(connection: Connection, config: Config, sync: SyncConfig) -> Known:
    """Return what is known of a sync's credits; a file that can't be used stops no plan."""
    try:
        return Known(ledger_of(connection, config, sync))
    except RunError as error:
        return Known(unread=error.message.replace("\n", "; "))


def digest(ledger: Ledger) -> str:
    """Return a hash of the ledger."""
    content = [
        [[str(e.day), str(e.amount)] for e in sorted(each)]
        for each in (ledger.purchases, ledger.usage)
    ]
    return hashlib.sha256(
        msgspec.json.encode([content, ledger.agreement, repr(ledger.auto_recharge)])
    ).hexdigest()
