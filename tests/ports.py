"""Ports for servers that tests start by number, each given out once on a machine."""

from __future__ import annotations

import fcntl
import socket
import tempfile
from contextlib import closing
from io import TextIOWrapper
from itertools import cycle
from pathlib import Path

# below the range that systems give out of themselves, so that no server on port 0 can come between
NUMBERS = cycle(range(12_000, 30_000))
kept: list[TextIOWrapper] = []


def free_port() -> int:
    """A port that nobody listens on and no other test, of any process, gets while this process lives."""
    folder = Path(tempfile.gettempdir()) / "provisioner-test-ports"
    folder.mkdir(exist_ok=True)
    for number in NUMBERS:
        if not reserved(folder / str(number)):
            continue
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue  # somebody else's
        return number
    raise AssertionError("unreachable: the numbers go round")


def reserved(path: Path) -> bool:
    """Lock the file until this process ends; whether nobody else had."""
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return False
    kept.append(lock)
    return True
