"""What a push used up, or is about to, is known before the vendor is asked again, and when it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine

from connectors.records import Catalog, Change, PhoneSystem, Seats
from provisioner.config import Approval
from provisioner.plan.model import Base, Plan, Summary
from provisioner.push_stock import Stock, spent
from tests.provisioner.store.made import store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def gives(kind: str, after: str) -> Change:
    return Change(kind=kind, user="eva@example.org", key="E1", after=after)


def test_seats_and_numbers_that_were_given_are_no_longer_free() -> None:
    catalog = Catalog(
        licenses={"zoom_phone": Seats(10, None)},
        packages={"Basic": Seats(10, 4), "Gold": Seats(5, 5)},
        numbers=(("+491", "Munich"), ("+492", None)),
    )

    left = spent(
        catalog,
        [
            gives("license.assign", "zoom_phone"),
            gives("package.assign", "basic"),
            gives("number.assign", "+491"),
        ],
    )

    assert left.licenses == {"zoom_phone": Seats(10, None)}
    assert left.packages == {"Basic": Seats(10, 5), "Gold": Seats(5, 5)}
    assert left.numbers == (("+492", None),)


def test_what_the_vendor_does_not_count_stays_uncounted() -> None:
    assert spent(Catalog(), [gives("package.assign", "basic")]) == Catalog()


class Vendor:
    """A phone system that has a few numbers; `meanwhile` happens while it is asked."""

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def catalog(self, *, numbers: bool = True) -> Catalog:
        self.asked.append(numbers)
        self.meanwhile()
        offered = (("+491", None), ("+492", None), ("+493", None)) if numbers else None
        return Catalog(licenses={"zoom_phone": Seats(10, 4)}, numbers=offered)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with store("sqlite", tmp_path) as engine:
        yield engine


def plan(*changes: Change) -> Plan:
    return Plan(
        id="7",
        sync="emea",
        created_at=NOW,
        as_of=NOW,
        base=Base("sha256:d", "sha256:p", "sha256:m", "sha256:s"),
        summary=Summary(people=9, unchanged=0, changes={}),
        changes=changes,
    )


def renewed(engine: Engine) -> tuple[Stock, Vendor]:
    stock, vendor = Stock(), Vendor()
    stock.renew(engine, cast("PhoneSystem", vendor))
    return stock, vendor


def test_numbers_are_asked_for_once_a_plan_wishes_one(engine: Engine) -> None:
    stock, vendor = renewed(engine)
    with stock.alone(numbers=False):
        assert stock.catalog.numbers is None
    for _ in range(2):
        with stock.alone(numbers=True):
            assert stock.catalog.numbers is not None

    assert vendor.asked == [False, True]


def test_what_a_plan_under_way_has_claimed_is_given_also_when_the_vendor_is_asked_again(
    engine: Engine,
) -> None:
    stock, vendor = renewed(engine)
    mine = plan(gives("license.assign", "zoom_phone"), gives("number.assign", "+491"))
    with stock.alone(numbers=True):
        stock.claim(mine)
    stock.renew(engine, cast("PhoneSystem", vendor))

    with stock.alone(numbers=True):
        assert stock.catalog.licenses == {"zoom_phone": Seats(10, 5)}
        assert [number for number, _ in stock.catalog.numbers or ()] == ["+492", "+493"]
    stock.end(mine)
    stock.renew(engine, cast("PhoneSystem", vendor))
    assert stock.catalog.licenses == {"zoom_phone": Seats(10, 4)}


def test_what_is_claimed_while_the_vendor_is_asked_is_given(engine: Engine) -> None:
    stock, vendor = renewed(engine)
    vendor.meanwhile = lambda: stock.claim(plan(gives("license.assign", "zoom_phone")))
    stock.renew(engine, cast("PhoneSystem", vendor))

    assert stock.catalog.licenses == {"zoom_phone": Seats(10, 5)}


def test_what_goes_without_being_asked_about_counts_as_changing() -> None:
    stock = Stock()
    changes = [
        Change(kind="license.assign", user="eva", key="E1", risk="safe", state="planned"),
        Change(kind="license.remove", user="jan", key="E2", risk="destructive", state="planned"),
        Change(kind="license.remove", user="ana", key="E3", risk="destructive", state="approved"),
        Change(kind="package.remove", user="ota", key="E4", risk="service", state="held"),
        Change(kind="package.assign", user="iva", key="E5", risk="service", state="planned"),
    ]
    stock.claim(plan(*changes))

    approval = Approval(second=frozenset({"package.assign"}))
    assert stock.changing(approval) == {("license.assign", "e1"), ("license.remove", "e3")}
