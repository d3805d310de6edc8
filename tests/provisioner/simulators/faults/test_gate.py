"""Requests that are held: just there, until they are released, and nobody else with them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.provisioner.simulators.faults.vendor import Client, served


@contextmanager
def holding(**wanted: Any) -> Iterator[tuple[Client, ThreadPoolExecutor]]:
    with served() as client, ThreadPoolExecutor(4) as pool:
        assert client.post("/_portal/hold", wanted).status_code == 200
        try:
            yield client, pool
        finally:
            client.post("/_portal/release")


def held(client: Client) -> dict[str, Any]:
    answer = client.get("/_portal/held?wait_s=10")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_at_its_arrival_nothing_has_happened() -> None:
    with holding(at="arrival", writes=1) as (client, pool):
        writing = pool.submit(client.put, "eva", "new")
        assert held(client) == {"at": "arrival", "number": 1, "method": "PUT", "path": "/users/eva"}
        assert client.vendor.writes == 0

        client.post("/_portal/release")
        assert writing.result(10).status_code == 200
        assert client.vendor.writes == 1


def test_at_the_commit_it_has_happened_and_no_answer_has_left() -> None:
    with holding(at="commit", writes=2) as (client, pool):
        client.put("jan", "first")
        writing: Future[requests.Response] = pool.submit(client.put, "eva", "new")
        assert held(client)["path"] == "/users/eva"
        assert client.vendor.users["eva"] == "new"
        assert client.word("eva") == "new", "others are served meanwhile"
        assert not writing.done()

        client.post("/_portal/release")
        assert writing.result(10).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_at_the_answer_the_client_has_it_whole(method: str) -> None:
    with holding(at="answer", writes=1) as (client, pool):
        writing = pool.submit(
            requests.request, method, f"{client.url}/users/eva", json={"word": "new"}, timeout=10
        )

        assert held(client)["method"] == method
        assert writing.result(10).ok


def test_reads_are_counted_for_themselves() -> None:
    with holding(at="arrival", reads=2) as (client, pool):
        client.put("eva", "new")
        client.get("/users/eva")
        reading = pool.submit(client.get, "/users/jan")

        assert held(client)["path"] == "/users/jan"
        client.post("/_portal/release")
        assert reading.result(10).status_code == 200


def test_whoever_waits_for_a_held_request_is_told_when_none_will_be() -> None:
    with holding(at="commit", writes=1) as (client, pool):
        waiting = pool.submit(client.get, "/_portal/held?wait_s=30", 60)

        client.post("/_portal/release")

        assert waiting.result(10).status_code == 204


@pytest.mark.parametrize("wanted", [{"at": "commit"}, {"at": "never", "writes": 1}, {"writes": 1}])
def test_a_wish_that_is_none_is_refused(wanted: dict[str, Any]) -> None:
    with served() as client:
        answer = client.post("/_portal/hold", wanted)

        assert answer.status_code == 400
        assert "arrival, commit, answer" in answer.json()["message"]
