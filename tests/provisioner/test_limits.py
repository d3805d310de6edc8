"""Limits: percentages and numbers, and what they allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.limits import LEAST, Limit, Limits


@pytest.mark.parametrize(
    ("text", "population", "allowed"),
    [
        ("10%", 640, 64),
        ("10%", 649, 64),
        ("12.5%", 80, 10),
        ("33.3333%", 1_000_000, 333_333),
        ("100%", 5, 5),
        (" 10 % ", 100, 10),
        ("25", 640, 25),
        (25, 10, 25),
        ("0", 640, 0),
        (0, 640, 0),
    ],
)
def test_a_limit_allows_its_share_rounded_down_or_its_number(
    text: str | int, population: int, allowed: int
) -> None:
    assert Limit.parse(text).allows(population) == allowed


@pytest.mark.parametrize("text", ["0%", "1%", "10%", "100%"])
def test_any_percentage_allows_three_of_few_people(text: str) -> None:
    assert Limit.parse(text).allows(0) == LEAST == 3


@pytest.mark.parametrize(
    "text", ["", "%", "-1", "-1%", "101%", "1e3", "10 %%", "ten", "1.5", "١٠%", True, None, 1.5, []]
)
def test_what_is_no_limit_is_refused_with_an_example_of_one(text: object) -> None:
    with pytest.raises(ValueError, match="write a percentage"):
        Limit.parse(text)  # type: ignore[arg-type]


def test_several_limits_hold_together() -> None:
    limit = Limit.parse(["10%", 50, "20"])

    assert [limit.allows(n) for n in (5, 100, 300, 10_000)] == [3, 10, 20, 20]
    assert str(limit) == "10% and 50 and 20"


@pytest.mark.parametrize("listed", [[None], [["10%"]], ["10%", -1], [True], [{"removals": 1}]])
def test_a_list_holds_nothing_but_limits(listed: list[object]) -> None:
    with pytest.raises(ValueError, match="write a percentage"):
        Limit.parse(listed)  # type: ignore[arg-type]


@given(st.integers(0, 100), st.integers(0, 10**7), st.integers(0, 10**6))
def test_more_people_never_allow_less(percent: int, people: int, more: int) -> None:
    limit = Limit.parse(f"{percent}%")

    assert limit.allows(people) <= limit.allows(people + more)
    assert limit.allows(people) * 100 <= max(300, people * percent)


@given(st.one_of(st.integers(0, 10**9 - 1).map(str), st.integers(0, 100).map("{}%".format)))
def test_a_limit_is_written_as_it_was_read(text: str) -> None:
    assert str(Limit.parse(text)) == text


def test_the_defaults_are_those_that_operators_are_promised() -> None:
    shown = Limits()

    assert [str(x) for x in (shown.removals, shown.changes, shown.people_drop)] == [
        "10%",
        "50%",
        "10%",
    ]
    assert (str(shown.group_drop), str(shown.column_drop), shown.people_min) == ("50%", "20%", 1)
