"""Pools of numbers: what is in one, what of it is free, and what can be handed on at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import pytest

from provisioner.config import PoolConfig
from provisioner.pools import NumberPool

RANGES = (("+49891000", "+49891002"), ("+4989200", "+4989201"))


def pool(offered: Collection[tuple[str, str | None]] | None = None, **config: object) -> NumberPool:
    return NumberPool("munich", PoolConfig(**config), offered)  # type: ignore[arg-type]


def test_free_numbers_come_range_by_range_lowest_first() -> None:
    assert list(pool(ranges=RANGES).free((), ())) == [
        "+49891000", "+49891001", "+49891002", "+4989200", "+4989201",
    ]  # fmt: skip


def test_held_resting_and_reserved_numbers_are_not_free() -> None:
    numbers = pool(ranges=RANGES[:1], reserved=frozenset({"+49891001"}))

    assert list(numbers.free({"+49891000"}, {"+49891002"})) == []
    assert numbers.size == 2


def test_whoever_holds_a_reserved_number_has_one_of_the_pool() -> None:
    assert pool(ranges=RANGES, reserved=frozenset({"+49891001"})).has("+49891001")


@pytest.mark.parametrize(
    "number", ["+49891003", "+498910000", "+4989100", "49891000", "", "+", "+x"]
)
def test_numbers_outside_of_the_ranges_are_not_in_the_pool(number: str) -> None:
    assert not pool(ranges=RANGES).has(number)


def test_numbers_that_the_account_has_not_got_are_not_free() -> None:
    numbers = pool([("+49891002", None), ("+49555", None)], ranges=RANGES)

    assert list(numbers.free((), ())) == ["+49891002"]


def test_a_vendors_pool_is_what_the_account_has_unassigned_at_its_site() -> None:
    offered = [("+493", "Munich"), ("+491", "MUNICH"), ("+492", "Brno"), ("+494", None)]

    assert list(pool(offered, vendor=True, site="munich").free((), ())) == ["+491", "+493"]
    assert len(list(pool(offered, vendor=True).free((), ()))) == 4
    assert pool(offered, vendor=True).size is None


def test_a_vendors_pool_has_whatever_number_it_gave() -> None:
    assert pool([], vendor=True).has("+4977")


def test_a_number_can_be_handed_on_at_once_where_it_need_not_rest() -> None:
    assert pool(ranges=RANGES).takes_back("+49891000")
    assert not pool(ranges=RANGES, cooling=timedelta(days=1)).takes_back("+49891000")


def test_a_reserved_or_foreign_number_is_not_handed_on() -> None:
    numbers = pool(ranges=RANGES, reserved=frozenset({"+49891000"}))

    assert not numbers.takes_back("+49891000")
    assert not numbers.takes_back("+49555")


def test_a_number_whose_site_nobody_knows_is_not_handed_on_by_a_pool_of_one_site() -> None:
    assert pool([], vendor=True).takes_back("+491")
    assert not pool([], vendor=True, site="Munich").takes_back("+491")


def test_a_pool_may_be_a_list_of_numbers() -> None:
    numbers = pool(numbers=frozenset({"+4977", "+4955"}), reserved=frozenset({"+4977"}))

    assert list(numbers.free((), ())) == ["+4955"]
    assert numbers.has("+4977")
    assert not numbers.has("+4966")
    assert numbers.size == 1


def test_a_pool_counts_what_is_held_of_it_but_for_what_is_reserved() -> None:
    numbers = pool(ranges=RANGES, reserved=frozenset({"+49891001"}))
    held = {"+49891000", "+49891001", "+49555"}

    assert numbers.counted(held) == (4, 1)
    assert numbers.counted(held | {f"+4966{n}" for n in range(9)}) == (4, 1)


def test_a_vendors_pool_counts_what_is_unassigned_and_without_a_site_what_is_held_too() -> None:
    offered = [("+493", "Munich"), ("+491", "Munich"), ("+492", "Brno")]

    assert pool(offered, vendor=True, site="munich").counted({"+497"}) == (2, 0)
    assert pool(offered, vendor=True).counted({"+497"}) == (4, 1)
