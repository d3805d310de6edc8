"""Communications Credits in config: what may be said, and what follows for a connector."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError

from connectors.credits import (
    AutoRecharge,
    Credits,
    CreditsConfig,
    Entry,
    Table,
    credits_of,
)


def loaded(**config: Any) -> Credits:
    found = credits_of(CreditsConfig().load({"agreement": "other"} | config))
    assert found is not None
    return found


def refusals(**config: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as refused:
        loaded(**config)
    messages = refused.value.messages
    assert isinstance(messages, dict)
    return messages


def test_amounts_are_listed_or_in_a_file() -> None:
    credits = loaded(
        auto_recharge={"on": True, "trigger": 50, "amount": "200.50"},
        purchases=[{"date": "2026-11-01", "amount": 500}],
        usage={"csv": "usage.csv", "amount_column": "Charge"},
    )

    assert credits.auto_recharge == AutoRecharge(True, Decimal(50), Decimal("200.50"))
    assert credits.purchases == (Entry(date(2026, 11, 1), Decimal(500)),)
    assert credits.usage == Table("usage.csv", None, "Charge")


def test_every_problem_is_told_at_its_place() -> None:
    found = refusals(
        agreement="ea",
        auto_recharge={"trigger": -1},
        purchases=[{"date": "2026-02-30", "amount": 1}, {"date": "2026-02-03"}],
        usage="usage.csv",
    )

    assert found.keys() == {"agreement", "auto_recharge", "purchases", "usage"}
    assert found["purchases"] == {
        0: {"date": ["'2026-02-30' is no day of the calendar"]},
        1: {"amount": ["Missing data for required field."]},
    }
    assert found["auto_recharge"].keys() == {"trigger"}


def test_what_is_not_said_is_not_assumed() -> None:
    credits = loaded()

    assert credits == Credits("other", None, (), ())
    assert loaded(auto_recharge={}).auto_recharge == AutoRecharge(on=False)
    assert credits_of(None) is None


def test_a_tenant_that_switched_to_a_customer_agreement_keeps_its_old_purchases() -> None:
    bought = [{"date": "2026-11-01", "amount": 500}]

    assert loaded(agreement="mca", purchases=bought).agreement == "mca"
