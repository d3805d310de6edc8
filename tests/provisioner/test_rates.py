"""Rate limits: nobody is asked too often, by however many threads."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Rate
from provisioner.rates import DAY_S, Limiter

LONG_S = 1e9


class Clock:
    """A clock that stands until it is put on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_request_never_waits() -> None:
    assert Limiter(Clock()).reserve("acme", "light", Rate(1), LONG_S) == 0


def test_requests_of_one_label_leave_evenly_spaced() -> None:
    limiter = Limiter(Clock())

    waits = [limiter.reserve("acme", "heavy", Rate(10), LONG_S) for _ in range(4)]

    assert waits == pytest.approx([0, 0.1, 0.2, 0.3])


def test_a_label_that_rested_does_not_save_places_up() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    limiter.reserve("acme", "heavy", Rate(10), LONG_S)
    clock.now += 3600

    waits = [limiter.reserve("acme", "heavy", Rate(10), LONG_S) for _ in range(2)]

    assert waits == pytest.approx([0, 0.1])


def test_labels_and_accounts_do_not_wait_for_each_other() -> None:
    limiter = Limiter(Clock())

    waits = [
        limiter.reserve(account, label, Rate(1), LONG_S)
        for account, label in [("acme", "light"), ("acme", "heavy"), ("other", "light")]
    ]

    assert waits == [0, 0, 0]


def test_a_rate_below_one_a_second_is_kept_too() -> None:
    limiter = Limiter(Clock())
    ten_a_minute = Rate(per_second=10 / 60)

    assert [limiter.reserve("a", "x", ten_a_minute, LONG_S) for _ in range(3)] == pytest.approx(
        [0, 6, 12]
    )


def test_a_place_that_lies_too_far_off_is_not_taken() -> None:
    limiter = Limiter(Clock())
    limiter.reserve("acme", "slow", Rate(0.1), LONG_S)

    assert limiter.reserve("acme", "slow", Rate(0.1), within_s=5) == 10
    assert limiter.reserve("acme", "slow", Rate(0.1), within_s=10) == 10  # still free


def test_a_days_requests_are_counted_over_any_24_hours() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    rate = Rate(per_second=1, per_day=2)
    assert limiter.reserve("acme", "heavy", rate, LONG_S) == 0
    clock.now += 3600
    assert limiter.reserve("acme", "heavy", rate, LONG_S) == 0

    assert limiter.reserve("acme", "heavy", rate, LONG_S) == DAY_S - 3600
    clock.now += DAY_S - 3600
    assert limiter.reserve("acme", "heavy", rate, LONG_S) == 3600


def test_a_cap_of_none_a_day_never_has_a_place() -> None:
    assert Limiter(Clock()).reserve("a", "x", Rate(1, per_day=0), LONG_S) == float("inf")


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="'x' must be above zero"):
        Limiter(Clock()).reserve("a", "x", Rate(0), LONG_S)


@given(
    rate=st.floats(0.05, 200),
    per_day=st.none() | st.integers(1, 20),
    pauses=st.lists(st.floats(0, 20), max_size=60),
)
def test_no_second_and_no_day_ever_holds_more_than_its_rate(
    rate: float, per_day: int | None, pauses: list[float]
) -> None:
    clock = Clock()
    limiter = Limiter(clock)
    sent = []
    for pause in pauses:
        clock.now += pause
        sent.append(clock.now + limiter.reserve("a", "x", Rate(rate, per_day), LONG_S))

    assert all(later - earlier >= 1 / rate - 1e-6 for earlier, later in pairwise(sent))
    if per_day is not None:
        assert all(b - a >= DAY_S - 1e-6 for a, b in zip(sent, sent[per_day:], strict=False))


def test_threads_share_one_bucket() -> None:
    limiter = Limiter(Clock())
    waits: list[float] = []

    def ask() -> None:
        waits.extend(limiter.reserve("acme", "light", Rate(20), LONG_S) for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(waits) == pytest.approx([n / 20 for n in range(400)])
