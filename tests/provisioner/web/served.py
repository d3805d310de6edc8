"""The program as processes that serve: started in an installation's folder, asked, signalled, killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.ports import free_port
from tests.scenarios.installation import PROGRAM, Installation, phone_users

PATIENCE_S = 30.0
PUSHED = {"kind": "pushed", "name": "entra"}


def soon(true: Callable[[], Any]) -> Any:
    """Wait until something is true, and return what it was then."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError("it never came true")


class Pushed:
    """An installation whose only sync is pushed to, with a port of its own."""

    def __init__(self, folder: Path, store: str = "sqlite:///store.db", **server: Any) -> None:
        self.emea = Installation(folder)
        self.emea.phone(phone_users(1))
        self.folder = folder
        self.store = store
        self.bind, self.admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self.url = f"http://{self.bind}"
        self.configure(**server)

    def configure(self, **server: Any) -> None:
        """Write the config, with these members of `server`."""
        given = {"bind": self.bind, "admin_bind": self.admin, "workers": 2, "threads": 4} | server
        syncs = {"emea": self.emea.sync | {"directories": [PUSHED]}}
        document = {"version": 1, "store": self.store, "server": given, "syncs": syncs}
        self.emea.yaml("config.yaml", document)

    def token(self, *options: str) -> str:
        """Make a token at the command line."""
        ran = self.emea.shell("token create", "--name", "entra", *options)
        assert ran.status == 0, ran.said
        return ran.out.strip()

    @contextmanager
    def running(self, command: str = "receiver") -> Iterator[Running]:
        """Run the receiver or the daemon until the block ends."""
        log = self.folder / f"{command}-{time.monotonic_ns()}.log"
        with (
            log.open("wb") as out,
            subprocess.Popen(
                [PROGRAM, command, "-c", "config.yaml"], cwd=self.folder, stderr=out
            ) as process,
        ):
            running = Running(self, process, log)
            try:
                soon(lambda: running.answers() or process.poll() is not None)
                yield running
            finally:
                process.kill()
                soon(lambda: not running.left())


class Running:
    """The program while it runs."""

    def __init__(self, pushed: Pushed, process: subprocess.Popen[bytes], log: Path) -> None:
        self.url, self.process, self.log = pushed.url, process, log
        self._known: set[int] = set()

    def answers(self) -> bool:
        """Tell whether somebody answers."""
        try:
            requests.get(f"{self.url}/healthz", timeout=5)
        except requests.RequestException:
            return False
        self.left()
        return True

    def events(self) -> list[dict[str, Any]]:
        """Return what was logged, as far as the lines are whole."""
        return [
            json.loads(line)
            for line in self.log.read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]

    def told(self, event: str) -> list[dict[str, Any]]:
        """Return the events of a name."""
        return [each for each in self.events() if each["event"] == event]

    def below(self) -> list[int]:
        """Return the process ids of those that the process started, and of theirs."""
        found = _descendants(self.process.pid)
        self._known |= set(found)
        return found

    def workers(self) -> list[int]:
        """Return the process ids of those that started nobody."""
        below = self.below()
        parents = set(_parents().values())
        return [pid for pid in below if pid not in parents]

    def all_workers(self, count: int = 2) -> list[int]:
        """Return the process ids of the workers as soon as all are there: one alone answers already."""
        return list(soon(lambda: len(found := self.workers()) == count and found))

    def left(self) -> list[int]:
        """Return who is still there of all that were ever seen, also after their parent's end."""
        self.below()
        alive = _parents()
        return [pid for pid in self._known if pid in alive]


def _parents() -> dict[int, int]:
    """Return the parent of each process that runs."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (OSError, ValueError):
                continue
            if fields[0] != "Z":
                found[int(entry.name)] = int(fields[1])
    return found


def _descendants(root: int) -> list[int]:
    parents = _parents()
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def raw(url: str) -> socket.socket:
    """Return a connection to whoever serves at a URL."""
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def rest(connection: socket.socket) -> str:
    """Return everything that comes until the other side closes."""
    text = b""
    while more := connection.recv(65_536):
        text += more
    return text.decode("latin-1")


def signal_to(pid: int, number: int) -> None:
    """Send a signal."""
    os.kill(pid, number)
