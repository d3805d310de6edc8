"""Communications Credits in config: how they are bought, recharged, and what was bought and used.

    credits:
      agreement: other                  # or mca, a Microsoft Customer Agreement
      auto_recharge: {on: true, trigger: 50, amount: 200}
      purchases: [{date: 2026-11-01, amount: 500}]       # or {csv: purchases.csv}
      usage: {csv: usage.csv}                            # or a list, like purchases

No interface tells any of it. A phone system whose people dial on credits takes `CreditsConfig` into its
own schema (`credits = fields.Nested(CreditsConfig, load_default=None, allow_none=True)`); None is: nobody
said. A Microsoft Customer Agreement is paid afterwards: nobody needs a credit license there, but
auto-recharge must be on.

Planning (provisioner/credits.py) finds the same config and does the rest: the ledger, and the warnings
on every plan that relies on credits. Files are relative to the config's folder.
Source: Microsoft Teams, "Set up Communications Credits for your organization".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

from marshmallow import Schema, ValidationError, fields, validate

Agreement = Literal["mca", "other"]

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOST = Decimal(1_000_000_000)


class Entry(NamedTuple):
    """An amount on a day: what was bought, or what was used up; in the account's currency."""

    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class AutoRecharge:
    """Whether Microsoft buys `amount` by itself as soon as the balance falls below `trigger`."""

    on: bool
    trigger: Decimal | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file of amounts: its path, and the columns of the day and of the amount (None: found by name)."""

    csv: str
    date_column: str | None = None
    amount_column: str | None = None


@dataclass(frozen=True, slots=True)
class Credits:
    """What config says of an account's Communications Credits.

    `auto_recharge` is None where nobody said whether it is on.
    """

    agreement: Agreement
    auto_recharge: AutoRecharge | None
    purchases: tuple[Entry, ...] | Table
    usage: tuple[Entry, ...] | Table


def credits_of(loaded: Mapping[str, Any] | None) -> Credits | None:
    """Return what `CreditsConfig` loaded, None where config says nothing of credits."""
    if loaded is None:
        return None
    recharge = loaded["auto_recharge"]
    return Credits(
        agreement=loaded["agreement"],
        auto_recharge=None if recharge is None else AutoRecharge(**recharge),
        purchases=_amounts(loaded["purchases"]),
        usage=_amounts(loaded["usage"]),
    )


def _amounts(loaded: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> tuple[Entry, ...] | Table:
    if isinstance(loaded, Mapping):
        return Table(**loaded)
    return tuple(Entry(each["date"], each["amount"]) for each in loaded)


def read_amount(value: Any) -> Decimal:
    """Read an amount of money above 0: with four decimals at most; raise ValueError for anything else.

    >>> read_amount("12.50"), read_amount(500)
    (Decimal('12.50'), Decimal('500'))
    """
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is no amount: write 500 or 12.50") from None
    if not amount.is_finite() or not 0 < amount <= _MOST or amount != round(amount, 4):
        raise ValueError(
            f"{value!r} is no amount: above 0, up to {_MOST:,}, with four decimals at most"
        )
    return amount


def read_day(value: Any) -> date:
    """Read a day as 2026-11-01; raise ValueError for anything else.

    >>> read_day("2026-11-01")
    datetime.date(2026, 11, 1)
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value.strip()):
        raise ValueError(f"{value!r} is no day: write 2026-11-01")
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(f"{value!r} is no day of the calendar") from None


class Amount(fields.Field[Decimal]):
    """An amount of money above 0."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Decimal:
        try:
            return read_amount(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class Day(fields.Field[date]):
    """A day."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        try:
            return read_day(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class EntryConfig(Schema):
    """An amount on a day."""

    date = Day(required=True)
    amount = Amount(required=True)


class TableConfig(Schema):
    """A CSV file of amounts, and its columns where they go by unusual names."""

    csv = fields.String(required=True, validate=validate.Length(min=1))
    date_column = fields.String(load_default=None, validate=validate.Length(min=1))
    amount_column = fields.String(load_default=None, validate=validate.Length(min=1))


class AutoRechargeConfig(Schema):
    """Auto-recharge as the admin center has it: on or off, and below which balance it buys how much."""

    on = fields.Boolean(load_default=False)
    trigger = Amount(load_default=None, allow_none=True)
    amount = Amount(load_default=None, allow_none=True)


class ListOrTable(fields.Field[Any]):
    """A list of amounts, or the file that has them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entries = fields.List(fields.Nested(EntryConfig))
        self.table = fields.Nested(TableConfig)

    def schema_of(self, data: Any) -> object:
        """Return what judges the members of `data`."""
        return self.table.schema if isinstance(data, Mapping) else self.entries

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, str):  # {file: PATH} is a secret's, and was read as one
            raise ValidationError("a list of amounts is wanted here, or {csv: PATH}")
        inner = self.table if isinstance(value, Mapping) else self.entries
        return inner.deserialize(value)


class CreditsConfig(Schema):
    """What config says of Communications Credits: agreement, auto-recharge, purchases and usage.

    A Microsoft Customer Agreement (`mca`) is paid afterwards: what was bought before it doesn't count.
    """

    agreement = fields.String(load_default="other", validate=validate.OneOf(["mca", "other"]))
    auto_recharge = fields.Nested(AutoRechargeConfig, load_default=None, allow_none=True)
    purchases = ListOrTable(load_default=list)
    usage = ListOrTable(load_default=list)
