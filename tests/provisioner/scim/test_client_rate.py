"""The rate of one client: a second's worth at once, then evenly, whatever the clock does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import SQLAlchemyError

from provisioner.scim.client_rate import ClientRate, Step


class Kept:
    """A board in memory, at a time that the test says."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.places: dict[str, bytes] = {}

    def rewrite(self, account: str, step: Step) -> float:
        self.places[account], result = step(self.places.get(account, b""), self.now)
        return result


def test_a_seconds_worth_passes_at_once_and_the_next_must_wait() -> None:
    rate = ClientRate(Kept(), 5)

    waits = [rate.wait("entra") for _ in range(6)]

    assert waits == [0, 0, 0, 0, 0, pytest.approx(0.2)]


def test_a_client_that_waits_as_told_passes() -> None:
    board = Kept()
    rate = ClientRate(board, 0.5)

    assert rate.wait("entra") == 0
    board.now += rate.wait("entra")
    assert rate.wait("entra") == 0


def test_one_clients_haste_is_not_anothers() -> None:
    rate = ClientRate(Kept(), 1)

    assert [rate.wait(key) > 0 for key in ("entra", "entra", "okta")] == [False, True, False]


def test_a_clock_that_is_set_back_shuts_nobody_out() -> None:
    board = Kept()
    rate = ClientRate(board, 1)
    rate.wait("entra")
    board.now -= 3600

    assert rate.wait("entra") <= 1


@given(st.lists(st.floats(0, 3), max_size=60), st.sampled_from([0.5, 1, 7, 50]))
def test_no_window_lets_more_through_than_the_rate_and_its_burst(
    gaps: list[float], per_second: float
) -> None:
    board = Kept()
    rate = ClientRate(board, per_second)
    passed: list[float] = []
    for gap in gaps:
        board.now += gap
        if rate.wait("entra") == 0:
            passed.append(board.now)

    for first, begin in enumerate(passed):
        for count, end in enumerate(passed[first:], 1):
            assert count <= (end - begin) * per_second + max(1, per_second) + 1e-6


def test_a_board_that_fails_holds_nobody_up() -> None:
    class Broken:
        def rewrite(self, account: str, step: Step) -> float:
            raise SQLAlchemyError("gone")

    assert ClientRate(Broken(), 1).wait("entra") == 0
