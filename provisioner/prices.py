"""Prices in config: what a seat costs each month, by the names that plans show.

    prices: {currency: EUR, license: {zoom_phone: 10.00}, packages: {us_ca_unlimited: 15}, credits: 2.50}

Amounts are read as they are written, as decimal numbers: no bill is ever worked out in binary fractions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from marshmallow import Schema, fields

from connectors.records import fold
from provisioner.config_fields import Read

_CURRENCY = re.compile(r"[A-Z]{3}")
_MOST = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Prices:
    """What one seat costs a month, in `currency`: `each` by pool (family, folded name), and a `number`.

    What has no price costs nothing; `number` is None where numbers cost nothing.
    """

    currency: str
    each: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    number: Decimal | None = None


def price(value: Any) -> Decimal:
    """Read what one seat costs a month: a number that isn't negative, with four decimals at most.

    >>> price(10.0), price("12.50")
    (Decimal('10.0'), Decimal('12.50'))
    """
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is no price: write 10 or 12.50") from None
    if not amount.is_finite() or not 0 <= amount <= _MOST or amount != round(amount, 4):
        raise ValueError(f"{value!r} is no price: 0 to {_MOST:,}, with four decimals at most")
    return amount


def currency(value: Any) -> str:
    """Read a currency's code (ISO 4217)."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise ValueError(f"{value!r} is no currency: write its code, such as EUR")
    return value


class PricesSchema(Schema):
    """What a seat costs a month: each license and package by name, a credit license, a direct number."""

    currency = Read(currency, required=True)
    license = fields.Dict(keys=fields.String(), values=Read(price), load_default=dict)
    packages = fields.Dict(keys=fields.String(), values=Read(price), load_default=dict)
    credits = Read(price, load_default=None)
    number = Read(price, load_default=None)


def prices_of(loaded: Mapping[str, Any], aliases: Mapping[str, Mapping[str, str]]) -> Prices:
    """Return the prices that `PricesSchema` loaded; a vendor's name stands for its alias too."""
    each: dict[tuple[str, str], Decimal] = {}
    for family, member, aliased in (
        ("license", "license", "licenses"),
        ("package", "packages", "packages"),
    ):
        short = {fold(vendor): fold(name) for name, vendor in aliases.get(aliased, {}).items()}
        for name, amount in loaded[member].items():
            each[family, short.get(fold(name), fold(name))] = amount
    if loaded["credits"] is not None:
        each["credits", "credits"] = loaded["credits"]
    return Prices(loaded["currency"], each, loaded["number"])
