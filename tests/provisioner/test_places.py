"""The arithmetic of places: when the next request may leave, whatever was taken and whatever the clock does."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Rate
from provisioner.places import BUCKET_S, DAY_S, LONGEST_PAUSE_S, MINUTE_S, Places

LONG_S = 1e9
NOW = 1_000_000 * BUCKET_S * 1.0
RATES = st.builds(
    Rate,
    per_second=st.floats(0.05, 200),
    per_day=st.none() | st.integers(1, 20),
    per_minute=st.none() | st.integers(1, 10),
)


def wait(places: Places, rate: Rate, now: float = NOW, label: str = "x") -> float:
    """Return the seconds to wait for the next place, which is taken however far off it is."""
    return places.take(label, rate, LONG_S, now).wait_s


def test_the_first_request_never_waits() -> None:
    assert wait(Places(), Rate(1)) == 0


def test_requests_of_one_label_leave_evenly_spaced() -> None:
    places = Places()

    assert [wait(places, Rate(10)) for _ in range(4)] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_a_label_that_rested_does_not_save_places_up() -> None:
    places = Places()
    wait(places, Rate(10))

    assert [wait(places, Rate(10), NOW + 3600) for _ in range(2)] == pytest.approx([0, 0.1])


def test_labels_do_not_wait_for_each_other() -> None:
    places = Places()

    assert [wait(places, Rate(1), label=label) for label in ("light", "heavy")] == [0, 0]


def test_labels_that_share_a_pace_wait_for_each_other() -> None:
    places = Places()

    assert wait(places, Rate(10), label="light") == 0
    assert wait(places, Rate(10, pace_with="light"), label="create") == pytest.approx(0.1)
    assert wait(places, Rate(10), label="light") == pytest.approx(0.2)


def test_labels_that_share_a_day_use_it_up_together() -> None:
    places = Places()
    heavy, intensive = Rate(10, per_day=2), Rate(per_minute=5, per_day=2, day_with="heavy")

    assert wait(places, heavy, label="heavy") == 0
    assert wait(places, intensive, label="intensive") == 0

    assert wait(places, heavy, label="heavy") >= DAY_S
    assert places.take("intensive", intensive, 60, NOW).wait_s >= DAY_S


def test_a_rate_below_one_a_second_is_kept_too() -> None:
    places = Places()

    assert [wait(places, Rate(0.1)) for _ in range(3)] == pytest.approx([0, 10, 20])


def test_a_minutes_requests_leave_at_once_and_the_next_when_the_first_is_a_minute_ago() -> None:
    places = Places()
    rate = Rate(per_minute=3)
    assert wait(places, rate) == 0

    assert [wait(places, rate, NOW + 10) for _ in range(3)] == [0, 0, MINUTE_S - 10]
    assert wait(places, rate, NOW + MINUTE_S) == 10


def test_a_place_that_lies_too_far_off_is_not_taken() -> None:
    places = Places()
    wait(places, Rate(0.1))

    assert places.take("x", Rate(0.1), 5, NOW).wait_s == 10
    assert places.take("x", Rate(0.1), 10, NOW).wait_s == 10  # still free


def test_a_days_requests_are_counted_over_any_24_hours() -> None:
    places = Places()
    rate = Rate(per_second=1, per_day=2)
    assert wait(places, rate) == 0
    assert wait(places, rate, NOW + 3600) == 0

    assert DAY_S - 7200 <= places.take("x", rate, 0, NOW + 7200).wait_s <= DAY_S - 7200 + BUCKET_S
    assert wait(places, rate, NOW + DAY_S + BUCKET_S) == 0
    assert places.take("x", rate, 0, NOW + DAY_S + 3599).wait_s > 0


def test_a_cap_of_none_a_day_never_has_a_place() -> None:
    assert wait(Places(), Rate(1, per_day=0)) == float("inf")


@pytest.mark.parametrize("rate", [Rate(), Rate(0), Rate(-1), Rate(per_minute=0)])
def test_a_rate_of_nothing_is_refused(rate: Rate) -> None:
    with pytest.raises(ValueError, match="'x' must be above zero"):
        wait(Places(), rate)


@given(rate=RATES, pauses=st.lists(st.floats(0, 20), max_size=60))
def test_no_second_no_minute_and_no_day_ever_holds_more_than_its_rate(
    rate: Rate, pauses: list[float]
) -> None:
    places, now = Places(), NOW
    sent = []
    for pause in pauses:
        now += pause
        sent.append(now + wait(places, rate, now))

    assert rate.per_second is not None
    assert all(b - a >= 1 / rate.per_second - 1e-6 for a, b in pairwise(sent))
    for most, window_s in ((rate.per_minute, MINUTE_S), (rate.per_day, DAY_S)):
        if most is not None:
            assert all(b - a >= window_s - 1e-6 for a, b in zip(sent, sent[most:], strict=False))


def pause(places: Places, asked_s: float | None, now: float, rate: Rate = Rate(10)) -> float:
    """Pause label x; the jitter's share is all of it."""
    return places.pause("x", rate, asked_s, 1.0, now)


def test_a_paused_label_has_no_place_before_the_pause_ends() -> None:
    places = Places()
    assert pause(places, 7, NOW) == 7

    assert [wait(places, Rate(10), NOW + 2) for _ in range(2)] == pytest.approx([5, 5.1])
    assert wait(places, Rate(10), NOW + 2, "another") == 0


def test_a_pause_of_a_label_holds_for_those_that_share_its_pace() -> None:
    places = Places()
    pause(places, 7, NOW)

    assert wait(places, Rate(10, pace_with="x"), label="y") == 7


def test_a_place_from_before_a_pause_can_be_told() -> None:
    places = Places()
    place = places.take("x", Rate(10), LONG_S, NOW)
    assert places.pauses("x", Rate(10)) == place.pauses

    pause(places, 1, NOW)

    assert places.pauses("x", Rate(10)) != place.pauses


def test_a_penalty_begins_anew_with_every_refusal() -> None:
    places = Places()
    rate = Rate(per_minute=50, penalty_s=60)

    assert pause(places, None, NOW, rate) == 60
    assert pause(places, None, NOW + 50, rate) == 60
    assert wait(places, rate, NOW + 60) == 50


def test_what_the_vendor_asks_for_goes_before_its_penalty() -> None:
    assert pause(Places(), 30, NOW, Rate(10, penalty_s=60)) == 30


def test_a_refusal_shortens_no_pause() -> None:
    places = Places()
    pause(places, 100, NOW)

    assert pause(places, 5, NOW + 1) == 99


def test_pauses_without_a_time_grow_until_the_label_is_let_in_for_a_minute() -> None:
    places, now = Places(), NOW
    found = []
    for _ in range(7):
        found.append(pause(places, None, now))
        now += found[-1]
    assert found == [1, 2, 4, 8, 16, 30, 30]

    assert pause(places, None, now + 61) == 1


def test_a_label_that_refuses_one_of_many_is_not_paused_for_longer_and_longer() -> None:
    places, now, rate = Places(), NOW, Rate(10)
    found = []
    for _ in range(20):
        found.append(pause(places, None, now))
        now += found[-1]
        for _ in range(25):  # so many get in before the next refusal
            now += places.take("x", rate, 60, now).wait_s

    assert max(found) <= 2


def test_a_label_that_refuses_most_is_paused_for_longer_and_longer() -> None:
    places, now, rate = Places(), NOW, Rate(10)
    found = []
    for _ in range(7):
        found.append(pause(places, None, now))
        for _ in range(3):  # two get in, the third is refused
            now += places.take("x", rate, 60, now).wait_s

    assert found == [1, 2, 4, 8, 16, 30, 30]


def test_those_refused_together_lengthen_no_pause_without_a_time() -> None:
    places = Places()

    assert [pause(places, None, NOW + n / 10) for n in range(3)] == pytest.approx([1, 0.9, 0.8])


def test_no_pause_is_longer_than_an_hour() -> None:
    assert pause(Places(), 1e9, NOW) == LONGEST_PAUSE_S


@given(
    taken=st.integers(0, 30),
    back_s=st.floats(0, 10 * DAY_S),
    rate=st.sampled_from([Rate(1), Rate(per_minute=2), Rate(100)]),
)
def test_a_clock_that_is_set_back_makes_nobody_wait_longer(
    taken: int, back_s: float, rate: Rate
) -> None:
    straight, turned = Places(), Places()
    for places in (straight, turned):
        for _ in range(taken):
            wait(places, rate)
        pause(places, 20, NOW, rate)

    assert wait(turned, rate, NOW - back_s) == pytest.approx(wait(straight, rate), abs=1e-3)


def test_a_day_that_is_used_up_is_over_in_a_day_although_the_clock_is_set_back() -> None:
    places = Places()
    rate = Rate(10, per_day=1)
    wait(places, rate)
    early = NOW - 3 * DAY_S

    assert places.take("x", rate, 0, early).wait_s <= DAY_S + BUCKET_S
    assert wait(places, rate, early + DAY_S + BUCKET_S) == 0


def test_the_places_of_a_process_that_died_are_free_again_when_they_are_past() -> None:
    places = Places()
    for _ in range(100):
        wait(places, Rate(10))

    assert wait(places, Rate(10), NOW + 10) == pytest.approx(0, abs=1e-4)
