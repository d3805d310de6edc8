"""The receiver's processes as the daemon keeps them."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from provisioner.web.supervised import Receiver
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
