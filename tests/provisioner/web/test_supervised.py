"""The receiver's processes as the daemon keeps them."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from flask import Flask

from provisioner.web import supervised
from provisioner.web.supervised import Receiver
from provisioner.web.workers import SHARED_MEMORY
from tests.provisioner.web.served import Pushed, soon


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/scim/v2/ServiceProviderConfig", timeout=5).ok
    except requests.RequestException:
        return False


def test_a_child_that_cant_be_started_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = Pushed(tmp_path)
    pushed.token()  # makes the store
    started, tries = subprocess.Popen, []

    def started_at_second(*arguments: Any, **options: Any) -> Any:
        tries.append(arguments)
        if len(tries) == 1:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return started(*arguments, **options)

    monkeypatch.setattr("subprocess.Popen", started_at_second)
    receiver = Receiver(tmp_path / "config.yaml", pushed.bind, Flask("health"))
    receiver.start()
    try:
        assert soon(lambda: answers(pushed.url))
    finally:
        receiver.stop()
    assert len(tries) == 2


class Child:
    """A process that ends by itself after a while, as the clock has it."""

    pid = 0

    def send_signal(self, number: int) -> None:
        """It has ended."""

    def __init__(self, clock: list[float], lives_s: float) -> None:
        self._clock, self._lives_s = clock, lives_s

    def wait(self) -> int:
        self._clock[0] += self._lives_s
        return 1


def test_who_ends_again_and_again_waits_longer_but_not_who_had_been_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, lives, pauses = [0.0], [1.0, 1.0, 3600.0, 1.0], list[float]()
    receiver = Receiver(tmp_path / "config.yaml", "127.0.0.1:0", Flask("health"))

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if not lives:
            receiver.begin_stop()

    monkeypatch.setattr(supervised, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(receiver, "_started", lambda: Child(clock, lives.pop(0)))
    monkeypatch.setattr(receiver._stopping, "wait", pause)
    receiver.start()
    soon(lambda: len(pauses) == 4)
    receiver.stop()

    assert pauses == [0.5, 1.0, 0.5, 1.0]


def figures_of(receiver: Receiver) -> tuple[Path, bool]:
    """Return where a receiver that never serves would keep its figures, and whether it could."""
    found = Path(receiver.figures), Path(receiver.figures).is_dir()
    receiver.begin_stop()
    receiver.start()
    receiver.stop()
    return found


def test_figures_are_kept_in_memory_because_a_full_disk_would_kill_who_counts(
    tmp_path: Path,
) -> None:
    folder, there = figures_of(Receiver(tmp_path / "config.yaml", "127.0.0.1:0", Flask("health")))

    assert folder.parent == SHARED_MEMORY
    assert there
    assert not folder.exists()


def test_figures_are_kept_elsewhere_where_no_memory_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "SHARED_MEMORY", tmp_path / "nowhere")

    _, there = figures_of(Receiver(tmp_path / "config.yaml", "127.0.0.1:0", Flask("health")))

    assert there
