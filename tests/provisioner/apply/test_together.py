"""Writing together: one writes for all that wait, and each is told how it ended."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from connectors.errors import RunError
from provisioner.apply.together import Together
from provisioner.store.database import StoreError
from tests.provisioner.web.served import soon


class Slow:
    """Writes when it is let, and keeps what it wrote; the write of what is `bad` fails."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.began: list[list[str]] = []
        self.wrote: list[list[str]] = []
        self.goes_on = threading.Semaphore(0)

    def __call__(self, what: Sequence[str]) -> None:
        self.began.append([*what])
        assert self.goes_on.acquire(timeout=30)
        if self.error is not None and "bad" in what:
            raise self.error
        self.wrote.append([*what])


def waiting(together: Together[str], number: int) -> bool:
    """Tell whether so many wait to be written."""
    return len(together._waiting) == number


def begun_with(
    pool: ThreadPoolExecutor, slow: Slow, together: Together[str], *names: str
) -> list[Future[None]]:
    """Have the first name's write be under way, and the others, in their order, wait for it."""
    added = [pool.submit(together.add, names[0])]
    soon(lambda: slow.began)
    for n, name in enumerate(names[1:], 1):
        added.append(pool.submit(together.add, name))
        soon(partial(waiting, together, n))
    return added


def test_what_comes_while_one_writes_is_the_next_write_whole_and_in_its_order() -> None:
    slow = Slow()
    together = Together(slow)
    with ThreadPoolExecutor(4) as pool:
        added = begun_with(pool, slow, together, "eva", "jan", "zoe", "max")
        assert not any(each.done() for each in added)
        slow.goes_on.release()
        added[0].result(30)
        assert [each.done() for each in added[1:]] == [False] * 3
        slow.goes_on.release()
        for each in added:
            each.result(30)

    assert slow.wrote == [["eva"], ["jan", "zoe", "max"]]


@pytest.mark.parametrize(
    "error",
    [StoreError("the disk is full", remedy="make room"), RunError("lost"), KeyboardInterrupt()],
)
def test_a_write_that_fails_is_told_to_each_whose_part_of_it_it_was(error: BaseException) -> None:
    slow = Slow(error)
    together = Together(slow)
    with ThreadPoolExecutor(3) as pool:
        added = begun_with(pool, slow, together, "eva", "jan", "bad")
        slow.goes_on.release(2)
        added[0].result(30)
        raised = [each.exception(30) for each in added[1:]]

    assert [(type(each), str(each)) for each in raised] == [(type(error), str(error))] * 2
    assert raised[0] is not raised[1]
    assert slow.wrote == [["eva"]]
    slow.goes_on.release()
    together.add("zoe")
    assert slow.wrote == [["eva"], ["zoe"]]


def test_nobody_writes_while_somebody_is_alone() -> None:
    slow = Slow()
    slow.goes_on.release()
    together = Together(slow)
    with ThreadPoolExecutor(1) as pool:
        with together.alone():
            added = pool.submit(together.add, "eva")
            soon(lambda: together._waiting)
            assert slow.began == []
        added.result(30)

    assert slow.wrote == [["eva"]]


def test_many_threads_have_everything_written_once() -> None:
    wrote: list[str] = []
    together = Together[str](wrote.extend)

    def add_some(n: int) -> None:
        for i in range(200):
            together.add(f"{n} {i}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_some, range(8)))

    assert len(wrote) == 1600
    for n in range(8):
        assert [w for w in wrote if w.startswith(f"{n} ")] == [f"{n} {i}" for i in range(200)]
