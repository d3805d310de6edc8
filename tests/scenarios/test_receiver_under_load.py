"""The receiver as processes under load: whatever was acknowledged is there afterwards, whoever was killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.provisioner.store.made import KINDS, database
from tests.provisioner.web.served import PATIENCE_S, Pushed, Running, soon

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CLIENTS = 4


@pytest.fixture(params=KINDS)
def pushed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pushed]:
    with database(request.param, tmp_path) as url:
        yield Pushed(tmp_path, store=url)


class Load:
    """Clients that create users over kept connections until they are told to stop.

    `acknowledged`: the ids of what was answered 201; `wrong`: any other answer's status.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = f"{url}/scim/v2/Users", token
        self.acknowledged: list[str] = []
        self.wrong: list[int] = []
        self._done = threading.Event()
        self._threads = [
            threading.Thread(target=self._create, args=[number], daemon=True)
            for number in range(CLIENTS)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def reaches(self, count: int) -> None:
        """Wait until so many more are acknowledged."""
        aim = len(self.acknowledged) + count
        soon(lambda: len(self.acknowledged) >= aim)

    def _create(self, client: int) -> None:
        session, number = requests.Session(), 0
        session.headers["Authorization"] = f"Bearer {self.token}"
        while not self._done.is_set():
            number += 1
            body = {"schemas": [USER], "userName": f"user-{client}-{number}"}
            try:
                answer = session.post(self.url, json=body, timeout=PATIENCE_S)
            except requests.RequestException:
                continue  # nobody said that it was taken
            if answer.status_code == 201:
                self.acknowledged.append(answer.json()["id"])
            else:
                self.wrong.append(answer.status_code)


def known(pushed: Pushed, token: str) -> set[str]:
    """Return the ids of all users that the receiver has."""
    ids: set[str] = set()
    headers = {"Authorization": f"Bearer {token}"}
    while True:
        asked = {"startIndex": str(len(ids) + 1), "count": "1000", "attributes": "id"}
        answer = requests.get(
            f"{pushed.url}/scim/v2/Users", params=asked, headers=headers, timeout=PATIENCE_S
        )
        page = answer.json()
        ids |= {each["id"] for each in page.get("Resources", [])}
        if len(ids) >= page["totalResults"]:
            return ids


def stop(running: Running) -> None:
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0


def kill(running: Running) -> None:
    running.process.kill()
    running.process.wait(PATIENCE_S)


@pytest.mark.parametrize("end", [stop, kill], ids=["stopped", "killed"])
def test_whatever_was_acknowledged_is_there_after_a_restart(
    pushed: Pushed, end: Callable[[Running], None]
) -> None:
    token = pushed.token()
    with pushed.running("daemon") as first, Load(pushed.url, token) as load:
        load.reaches(100)
        end(first)
    with pushed.running("daemon"):
        found = known(pushed, token)

    assert set(load.acknowledged) <= found
    assert load.wrong == []


def test_whoever_is_replaced_under_load_loses_nothing_and_answers_nothing_wrong(
    pushed: Pushed,
) -> None:
    token = pushed.token()
    with pushed.running() as running:
        with Load(pushed.url, token) as load:
            load.reaches(50)
            os.kill(soon(running.workers)[0], signal.SIGKILL)
            load.reaches(50)
            before = set(running.all_workers())
            running.process.send_signal(signal.SIGHUP)
            soon(lambda: len(running.workers()) == 2 and not before & set(running.workers()))
            load.reaches(50)
        found = known(pushed, token)

    assert set(load.acknowledged) <= found
    assert load.wrong == []


def test_a_token_that_is_revoked_opens_nothing_once_the_command_is_back(pushed: Pushed) -> None:
    token = pushed.token()
    headers = {"Authorization": f"Bearer {token}"}
    with pushed.running("daemon"):
        url = f"{pushed.url}/scim/v2/Users"
        before = [requests.get(url, headers=headers, timeout=PATIENCE_S) for _ in range(20)]
        assert pushed.emea.shell("token revoke", "entra").status == 0
        after = [requests.get(url, headers=headers, timeout=PATIENCE_S) for _ in range(20)]

    assert {answer.status_code for answer in before} == {200}
    assert {answer.status_code for answer in after} == {401}
