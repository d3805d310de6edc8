"""Rate limits: nobody is asked too often, by however many limiters, threads and processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from connectors.records import Rate
from provisioner.rates import Board, Limiter, Memory, shared
from provisioner.store.rate_board import open_board
from tests.provisioner.store.made import KINDS, store

LONG_S = 1e9
RATE = Rate(20)


class Clock:
    """A clock that stands until it is put on."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Shared(NamedTuple):
    """Boards that several processes would have, all the same one, and the clock of it."""

    clock: Clock
    boards: list[Board]


@pytest.fixture(params=["memory", *KINDS])
def several(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shared]:
    clock = Clock()
    if request.param == "memory":
        yield Shared(clock, [Memory(clock)] * 3)
        return
    with store(request.param, tmp_path) as engine:
        opened = [board for board in (open_board(engine, clock) for _ in range(3)) if board]
        yield Shared(clock, list(opened))
        for board in opened:
            board.close()


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def test_accounts_do_not_wait_for_each_other(several: Shared) -> None:
    limiter = Limiter(board=several.boards[0])

    assert [limiter.reserve(a, "x", RATE, 9).wait_s for a in ("acme", "other")] == [0, 0]


def test_limiters_on_one_board_share_its_places(several: Shared) -> None:
    limiters = [Limiter(board=board) for board in several.boards]

    waits = [limiter.reserve("acme", "x", RATE, 9).wait_s for limiter in limiters * 2]

    assert waits == pytest.approx([n / 20 for n in range(6)])


def test_what_one_limiter_was_refused_for_all_of_them_leave_alone(several: Shared) -> None:
    one, other, _ = (Limiter(board=board) for board in several.boards)
    place = other.reserve("acme", "x", RATE, 9)
    assert other.stands("acme", "x", RATE, place)

    assert one.penalise("acme", "x", RATE, 30) == 30

    assert not other.stands("acme", "x", RATE, place)
    assert other.reserve("acme", "x", RATE, 60).wait_s == 30
    assert other.reserve("acme", "y", RATE, 60).wait_s == 0


def test_a_pause_without_a_time_is_not_the_same_for_everybody(several: Shared) -> None:
    low = Limiter(board=several.boards[0], jitter=lambda least, _: least)
    high = Limiter(board=several.boards[1], jitter=lambda _, most: most)

    assert low.penalise("acme", "x", RATE, None) < high.penalise("other", "x", RATE, None)


NEW_ACCOUNT = count()
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["light", "create", "heavy"]), st.floats(0, 3)),
    max_size=30,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, rate=st.floats(0.5, 50), refused=st.sets(st.integers(0, 29), max_size=3))
def test_however_limiters_take_turns_no_second_holds_more_than_the_rate(
    several: Shared, steps: list[tuple[int, str, float]], rate: float, refused: set[int]
) -> None:
    rates = {
        "light": Rate(rate),
        "create": Rate(rate, per_day=7, pace_with="light"),
        "heavy": Rate(per_minute=4),
    }
    account = f"acme {next(NEW_ACCOUNT)}"  # the board is kept from example to example
    limiters = [Limiter(board=board) for board in several.boards]
    sent: dict[str, list[float]] = {label: [] for label in rates}
    free_from = dict.fromkeys(rates, 0.0)
    for number, (who, label, later) in enumerate(steps):
        several.clock.now += later
        pace = rates[label].pace_with or label
        if number in refused:
            paused_s = limiters[who].penalise(account, label, rates[label], None)
            free_from[pace] = several.clock.now + paused_s
        place = limiters[who].reserve(account, label, rates[label], 600)
        if place.wait_s <= 600:
            at = several.clock.now + place.wait_s
            assert at >= free_from[pace] - 1e-6
            sent[label].append(at)

    even = sorted(sent["light"] + sent["create"])
    assert all(b - a >= 1 / rate - 1e-6 for a, b in pairwise(even))
    assert len(sent["create"]) <= 7
    heavy = sorted(sent["heavy"])
    assert all(b - a >= 60 - 1e-6 for a, b in zip(heavy, heavy[4:], strict=False))


def test_no_two_threads_have_one_place(several: Shared) -> None:
    waits: list[float] = []

    def ask(limiter: Limiter) -> None:
        waits.extend(limiter.reserve("acme", "x", RATE, LONG_S).wait_s for _ in range(10))

    limiters = [Limiter(board=board) for board in several.boards]
    threads = [threading.Thread(target=ask, args=(one,)) for one in limiters for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(waits) == pytest.approx([n / 20 for n in range(90)])


PROCESS = """
import sys
from sqlalchemy import create_engine
from connectors.records import Rate
from provisioner.rates import Limiter
from provisioner.store.rate_board import open_board

limiter = Limiter(board=open_board(create_engine(sys.argv[1]), lambda: 1_000_000.0))
sys.stdin.readline()  # all begin together
for _ in range(60):
    print(limiter.reserve("acme", "x", Rate(20), 1e9).wait_s)
"""


def test_no_two_processes_have_one_place(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    board = open_board(engine)  # made before they meet on it
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    waits = [float(line) for process in processes for line in process.communicate()[0].splitlines()]

    assert sorted(waits) == pytest.approx([n / 20 for n in range(180)])
    assert board is not None
    board.close()


def test_our_share_is_of_every_figure_and_at_least_one_request() -> None:
    rate = Rate(40, per_day=10_000, per_minute=10, pace_with="a", day_with="b", penalty_s=60)

    assert shared(rate, 0.9) == Rate(36, 9000, 9, "a", "b", 60)
    assert shared(Rate(per_minute=1, per_day=1), 0.1) == Rate(per_minute=1, per_day=1)


@pytest.mark.parametrize("written", [b"nonsense", b"\x80", b"\x93\x01\x02\x03"])
def test_what_another_version_wrote_is_begun_anew(written: bytes) -> None:
    board = Memory(Clock())
    board.rewrite("acme", lambda _, __: (written, None))

    assert Limiter(board=board).reserve("acme", "x", RATE, 9).wait_s == 0
