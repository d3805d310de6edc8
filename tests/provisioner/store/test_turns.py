"""Turns: one writer at a time, among threads and among processes, and nobody keeps a dead one's turn."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from pathlib import Path

import pytest

from provisioner.store import turns as turns_module
from provisioner.store.database import StoreError
from provisioner.store.turns import Turns
from tests.provisioner.web.served import soon


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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "PATIENCE_S", 0.6)
    monkeypatch.setattr(turns_module, "SHORT_S", 0.05)


@pytest.mark.usefixtures("quick")
def test_whoever_waits_for_a_stopped_process_is_told_in_time_but_for_one_thread(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "turn")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with Turns(path):
            os.write(writing, b"x")
            signal.pause()
        os._exit(0)
    os.read(reading, 1)  # the child has its turn
    os.kill(child, signal.SIGSTOP)
    turns, told, entered = Turns(path), list[float](), list[float]()
    began = time.monotonic()

    def enter() -> None:
        try:
            with turns:
                entered.append(time.monotonic() - began)
        except StoreError:
            told.append(time.monotonic() - began)

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    soon(lambda: len(told) == 3)
    assert all(0.6 <= waited < 5 for waited in told)

    later = time.monotonic()
    with pytest.raises(StoreError, match="keep it locked"), turns:
        pass
    assert time.monotonic() - later < 0.5

    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for thread in threads:
        thread.join(30)
    assert entered == [], "the one that waited on was late too"
    with turns as left_s:
        assert left_s <= 0.05
    with turns as left_s:  # the store is known not to be locked
        assert left_s > 0.05


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
