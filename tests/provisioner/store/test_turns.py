"""Turns: one writer at a time, among threads and among processes, and nobody keeps a dead one's turn."""

from __future__ import annotations

import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from provisioner.store.database import StoreError
from provisioner.store.turns import Turns


def test_one_thread_at_a_time_has_its_turn(tmp_path: Path) -> None:
    turns, inside, most = Turns(str(tmp_path / "turn")), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with turns:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 1


@pytest.mark.parametrize("shared", [True, False], ids=["forked after use", "each its own"])
def test_another_process_waits_and_takes_over_from_one_that_was_killed(
    tmp_path: Path, shared: bool
) -> None:
    path = str(tmp_path / "turn")
    turns = Turns(path)
    if shared:
        with turns:
            pass
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with turns if shared else Turns(path):
            os.write(writing, b"x")
            signal.pause()
        os._exit(0)
    os.read(reading, 1)  # the child has its turn
    entered = threading.Event()

    def enter() -> None:
        with turns:
            entered.set()

    thread = threading.Thread(target=enter)
    thread.start()
    assert not entered.wait(0.2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    thread.join(30)

    assert entered.is_set()


def test_what_fails_gives_the_turn_up(tmp_path: Path) -> None:
    turns = Turns(str(tmp_path / "turn"))

    with pytest.raises(ValueError, match="no"), turns:
        raise ValueError("no")

    with turns:
        pass
    assert stat.S_IMODE((tmp_path / "turn").stat().st_mode) == 0o600


def test_a_lock_that_cannot_be_had_is_a_store_error(tmp_path: Path) -> None:
    turns = Turns(str(tmp_path / "nowhere" / "turn"))

    for _ in range(2):
        with pytest.raises(StoreError, match="No such file"), turns:
            pass
