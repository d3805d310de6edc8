"""Jobs side by side: each after those that it follows, and none after an error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.apply.crew import Crew


@settings(max_examples=60, deadline=None)
@given(hands=st.integers(1, 6), data=st.data())
def test_every_job_is_done_once_and_after_those_that_it_follows(
    hands: int, data: st.DataObject
) -> None:
    ended: list[int] = []
    wishes: list[set[int]] = []
    with Crew(hands) as crew:
        for number in range(1, data.draw(st.integers(0, 25)) + 1):
            earlier = st.integers(0, number - 1)
            after = data.draw(st.sets(earlier, max_size=4))
            wishes.append(after - {0})
            assert crew.add(partial(ended.append, number), after) == number
        crew.wait()

    assert sorted(ended) == list(range(1, len(wishes) + 1))
    place = {number: n for n, number in enumerate(ended)}
    assert all(place[w] < place[n] for n, after in enumerate(wishes, 1) for w in after)


def test_jobs_that_follow_nothing_are_under_way_at_once() -> None:
    together = threading.Barrier(4, timeout=30)

    with Crew(4) as crew:
        for _ in range(4):
            crew.add(lambda: (together.wait(), None)[1])
        crew.wait()  # each waits for the other three


def test_with_one_pair_of_hands_whoever_adds_a_job_does_it() -> None:
    threads: list[str] = []

    with Crew(1) as crew:
        crew.add(lambda: threads.append(threading.current_thread().name))

    assert threads == [threading.current_thread().name]


@pytest.mark.parametrize("hands", [1, 3])
def test_what_a_job_raises_is_raised_and_nothing_begins_after_it(hands: int) -> None:
    begun: list[int] = []

    def fail() -> None:
        raise KeyError("broken")

    def work() -> None:
        with Crew(hands) as crew:
            first = crew.add(fail)
            crew.add(lambda: begun.append(2), {first})
            crew.wait()

    with pytest.raises(KeyError, match="broken"):
        work()

    assert begun == []


def test_an_error_waits_for_what_is_under_way() -> None:
    failed, may_end, ended = threading.Event(), threading.Event(), list[str]()

    def slow() -> None:
        assert failed.wait(30)
        assert may_end.wait(30)
        ended.append("slow")

    def fail() -> None:
        failed.set()
        threading.Timer(0.01, may_end.set).start()
        raise KeyError("broken")

    def work() -> None:
        with Crew(2) as crew:
            crew.add(slow)
            crew.add(fail)
            crew.wait()

    with pytest.raises(KeyError):
        work()

    assert ended == ["slow"]


def test_waiting_for_some_leaves_at_most_so_many() -> None:
    may_end = threading.Event()
    jobs: list[Callable[[], object]] = [lambda: None, lambda: None, lambda: may_end.wait(30)]

    with Crew(3) as crew:
        for job in jobs:
            crew.add(partial(_do, job))
        crew.wait(1)
        assert not may_end.is_set()
        may_end.set()
        crew.wait()


def _do(job: Callable[[], object]) -> None:
    job()
