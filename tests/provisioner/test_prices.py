"""Prices in config: decimal numbers, by the names that plans show."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError

from provisioner.prices import Prices, PricesSchema, prices_of

ALIASES = {"packages": {"unlimited": "US/CA Unlimited Calling Plan"}}


def loaded(**members: Any) -> Prices:
    return prices_of(PricesSchema().load({"currency": "EUR", **members}), ALIASES)


def test_a_price_is_the_decimal_number_that_was_written() -> None:
    prices = loaded(license={"zoom_phone": 10.1}, credits="2.50", number=1)

    assert prices.each == {
        ("license", "zoom_phone"): Decimal("10.1"),
        ("credits", "credits"): Decimal("2.50"),
    }
    assert prices.number == Decimal(1)


@pytest.mark.parametrize("name", ["unlimited", "US/CA unlimited calling plan"])
def test_a_package_has_its_price_by_alias_and_by_the_vendors_name(name: str) -> None:
    assert loaded(packages={name: 15}).each == {("package", "unlimited"): Decimal(15)}


@pytest.mark.parametrize("wrong", ["ten", True, -1, "NaN", "Infinity", "1.00001", 1e12, None, []])
def test_what_is_no_price_is_told_with_its_place(wrong: object) -> None:
    with pytest.raises(ValidationError) as error:
        loaded(license={"zoom_phone": wrong})

    assert "zoom_phone" in error.value.messages_dict["license"]


@pytest.mark.parametrize("wrong", ["euro", "eur", "€", 5])
def test_a_currency_is_its_code(wrong: object) -> None:
    with pytest.raises(ValidationError):
        loaded(currency=wrong)
