"""Each kind of fault, as a client meets it over real HTTP, and what it does to what was asked."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import pytest
import requests

from tests.provisioner.simulators.faults.vendor import Client, served

ENOUGH = 40


def test_too_many_requests_come_with_and_without_the_time_to_wait_and_do_nothing() -> None:
    with served("429=100%") as client:
        answer = client.put("eva", "new")
        assert (answer.status_code, answer.headers.get("Retry-After")) == (429, None)
        assert client.vendor.writes == 0
    with served("429-retry-after=100%:3s") as client:
        assert client.get("/users/eva").headers["Retry-After"] == "3"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_at_their_end_says_nothing_of_what_became_of_a_write(status: int) -> None:
    with served(f"{status}=100%") as client:
        answers = {client.put("eva", "new").status_code for _ in range(ENOUGH)}

        assert answers == {status}
        assert 0 < client.vendor.writes < ENOUGH


@pytest.mark.parametrize(("kind", "writes"), [("reset-before", 0), ("reset-after", 1)])
def test_a_reset_connection_is_a_reset_before_or_after_the_write(kind: str, writes: int) -> None:
    with served(f"{kind}=100%") as client:
        place = urlsplit(client.url)
        connection = socket.create_connection((str(place.hostname), int(place.port or 0)))
        body = b'{"word": "new"}'
        head = f"PUT /users/eva HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

        with connection, pytest.raises(ConnectionResetError):
            connection.recv(1)

        assert client.vendor.writes == writes


def test_an_answer_that_never_comes_says_nothing_of_what_became_of_a_write() -> None:
    with served("timeout=100%:35s") as client:
        for _ in range(ENOUGH):
            with pytest.raises(requests.ConnectionError):
                client.put("eva", "new")

        assert client.slept == [35] * ENOUGH
        assert 0 < client.vendor.writes < ENOUGH


def test_a_slow_answer_is_a_good_one() -> None:
    with served("slow=100%:2s") as client:
        assert client.word("eva") == "one"
        assert client.slept == [2]


def test_half_an_answer_is_cut_json_or_a_connection_that_ends() -> None:
    with served("truncated=100%") as client:
        seen = {half(client) for _ in range(ENOUGH)}

        assert seen == {"cut JSON", "cut off"}
        assert client.vendor.writes == ENOUGH


def half(client: Client) -> str:
    try:
        answer = client.put("eva", "new")
    except requests.RequestException:
        return "cut off"
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)
    return "cut JSON"


def test_an_answer_without_a_body_is_cut_before_it_begins() -> None:
    with served("truncated=100%") as client:
        with pytest.raises(requests.ConnectionError):
            requests.delete(f"{client.url}/users/eva", timeout=10)

        assert list(client.vendor.users) == ["jan"]


def test_what_a_late_write_did_shows_after_a_while() -> None:
    with served("late=100%:5s") as client:
        assert (client.word("eva"), client.word("new")) == ("one", None)
        client.put("eva", "new")
        client.put("new", "also")

        assert (client.word("eva"), client.word("new"), client.word("jan")) == ("one", None, "two")
        client.now = 5.1
        assert (client.word("eva"), client.word("new")) == ("new", "also")
        assert client.vendor.late == [5, 5], "the vendor keeps it from its lists"


def test_a_page_repeats_an_entry() -> None:
    with served("duplicate-page=100%") as client:
        ids = [entry["id"] for entry in client.get("/users").json()["users"]]

        assert len(ids) == 3
        assert set(ids) == {"eva", "jan"}


def test_a_read_and_a_writes_answer_are_about_another_user() -> None:
    with served("wrong-user=100%") as client:
        assert client.get("/users/eva").json() == {"id": "jan", "word": "two"}
        assert client.put("eva", "new").json() == {"id": "jan"}
        assert client.vendor.users["eva"] == "new"
        assert client.get("/users/jan").json() == {"id": "jan", "word": "two"}
        assert client.met() == ["wrong-user"] * 2, "there was nobody else to take for jan"


def test_tokens_expire_when_they_are_used() -> None:
    with served("token-expiry=100%") as client:
        client.get("/users/eva")

        assert client.vendor.expired == 1


def test_a_seat_vanishes_and_comes_back() -> None:
    with served("seats-vanish=100%:30s") as client:
        client.put("eva", "new")
        client.put("eva", "newer")
        assert client.vendor.seats == 3

        client.now = 31
        client.get("/users/eva")
        assert client.vendor.seats == 5


def test_a_seat_that_vanishes_for_good_stays_away() -> None:
    with served("seats-vanish=100%:0s") as client:
        client.put("eva", "new")
        client.now = 1e6
        client.get("/users/eva")

        assert client.vendor.seats == 4


def test_the_portal_tells_what_happened_and_changes_it() -> None:
    with served("429=100%") as client:
        client.get("/users/eva")
        client.post("/_portal/faults", {"faults": "503=100%", "seed": 2})
        client.get("/users/eva")
        refused = client.post("/_portal/faults", {"faults": "50=1%"})
        client.post("/_portal/faults", {"faults": ""})
        assert client.word("eva") == "one"

        assert client.met() == ["429", "503"]
        assert client.get("/_portal/faults").headers["Requests"] == "3"
        assert refused.status_code == 400
        assert "no fault called '50'" in refused.json()["message"]


def test_what_is_no_operation_is_left_alone() -> None:
    with served("503=100%") as client:
        assert client.get("/_portal/held").status_code == 204
        assert client.get("/elsewhere").status_code == 404
        assert client.met() == []


def test_one_kept_connection_meets_fault_after_fault() -> None:
    with served("truncated=50%,503=50%") as client:
        place = urlsplit(client.url)
        connection = HTTPConnection(str(place.hostname), place.port, timeout=10)
        statuses = set()
        for _ in range(10):
            connection.request("GET", "/users")
            try:
                answer = connection.getresponse()
                answer.read()
                statuses.add(answer.status)
            except (OSError, HTTPException):
                connection.close()
        connection.close()

        assert statuses <= {200, 503}
        assert 503 in statuses
