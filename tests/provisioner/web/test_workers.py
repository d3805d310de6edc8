"""The processes that serve: they come and go, and nobody whose request they took goes unanswered."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from tests.provisioner.web.served import (
    PATIENCE_S,
    Pushed,
    Running,
    raw,
    rest,
    soon,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


@pytest.fixture
def pushed(tmp_path: Path) -> Pushed:
    return Pushed(tmp_path)


def form(secret: str) -> bytes:
    return f"grant_type=client_credentials&client_id=entra&client_secret={secret}".encode()


@contextmanager
def half_sent(url: str, body: bytes) -> Iterator[socket.socket]:
    """Give a connection on which a request for a token is under way: all but its last byte is sent."""
    head = (
        "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with raw(url) as connection:
        connection.sendall(head.encode() + body[:-1])
        yield connection


def in_flight(running: Running, count: int) -> bool:
    """Tell whether the workers have so many established connections."""
    port = f":{int(running.url.rpartition(':')[2]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    # taken by a worker: it has read what came, so nothing waits in the queue
    taken = [r for r in rows if r[1].endswith(port) and r[3] == "01" and r[4].endswith(":00000000")]
    return len([r for r in taken if r[9] != "0"]) >= count


@pytest.mark.parametrize("command", ["receiver", "daemon"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_at_work_is_answered_although_the_stop_has_begun(
    pushed: Pushed, command: str, number: signal.Signals
) -> None:
    body = form(pushed.token("--oauth"))
    with pushed.running(command) as running, half_sent(pushed.url, body) as connection:
        soon(lambda: in_flight(running, 1))
        running.process.send_signal(number)
        soon(lambda: not accepts(pushed.url))
        connection.sendall(body[-1:])
        answer = rest(connection)
        assert running.process.wait(10) == 0
        assert running.left() == []

    assert answer.startswith("HTTP/1.1 200 ")


def accepts(url: str) -> bool:
    try:
        raw(url).close()
    except (ConnectionRefusedError, ConnectionResetError):  # it may close while one knocks
        return False
    return True


def test_a_client_that_sends_nothing_more_delays_the_end_by_less_than_ten_seconds(
    pushed: Pushed,
) -> None:
    body = form(pushed.token("--oauth"))
    with pushed.running("daemon") as running, half_sent(pushed.url, body):
        soon(lambda: in_flight(running, 1))
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0
        assert running.left() == []


@pytest.mark.parametrize("command", ["receiver", "daemon"])
def test_a_worker_that_is_killed_is_replaced(pushed: Pushed, command: str) -> None:
    with pushed.running(command) as running:
        before = running.all_workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        after = soon(lambda: len(set(running.workers()) - set(before)) == 2 and running.workers())

        assert running.answers()
        assert not set(before) & set(after)


def test_a_master_that_is_killed_is_replaced_and_nobody_is_turned_away(pushed: Pushed) -> None:
    with pushed.running("daemon") as running:
        (master,) = [pid for pid in running.below() if pid not in running.workers()]
        refused: list[Exception] = []
        asked, done = threading.Event(), threading.Event()

        def keep_asking() -> None:
            while not done.is_set():
                try:
                    raw(pushed.url).close()
                except OSError as error:
                    refused.append(error)
                asked.set()

        asking = threading.Thread(target=keep_asking, daemon=True)
        asking.start()
        assert asked.wait(PATIENCE_S)
        os.kill(master, signal.SIGKILL)
        soon(lambda: running.told("http.ended"))
        soon(lambda: len(set(running.workers()) - {master}) == 2)
        assert soon(running.answers)
        done.set()
        asking.join(PATIENCE_S)

    assert refused == []


def test_who_is_killed_leaves_nobody_behind_and_can_be_started_again_at_once(
    pushed: Pushed,
) -> None:
    with pushed.running("daemon") as first:
        first.all_workers()
        first.process.kill()
        with pushed.running("daemon") as second:
            assert second.process.poll() is None
            soon(lambda: second.told("http.serving"))
            soon(lambda: not first.left())
            assert second.answers()


@pytest.mark.parametrize("command", ["receiver", "daemon"])
def test_a_hangup_has_config_read_again_and_answers_who_is_at_work(
    pushed: Pushed, command: str
) -> None:
    secret = pushed.token("--oauth")
    body = form(secret)
    with pushed.running(command) as running, half_sent(pushed.url, body) as connection:
        soon(lambda: in_flight(running, 1))
        before = running.all_workers()
        pushed.configure(workers=3, limits={"body": "1KB"})
        running.process.send_signal(signal.SIGHUP)
        soon(lambda: len(set(running.workers()) - set(before)) == 3)
        connection.sendall(body[-1:])
        assert rest(connection).startswith("HTTP/1.1 200 ")
        soon(lambda: not set(running.workers()) & set(before))
        answer = requests.post(f"{pushed.url}/oauth/token", data=b"x" * 2000, timeout=PATIENCE_S)

        assert running.process.poll() is None
        assert answer.status_code in (400, 413)


@pytest.mark.parametrize("command", ["receiver", "daemon"])
def test_a_hangup_with_a_spoiled_config_is_told_of_and_changes_nothing(
    pushed: Pushed, command: str
) -> None:
    with pushed.running(command) as running:
        before = running.all_workers()
        pushed.configure(workers="many", colour="blue")
        running.process.send_signal(signal.SIGHUP)
        event = "http.config_refused" if command == "receiver" else "daemon.reload_refused"
        (told,) = soon(lambda: running.told(event))

        assert len(told["problems"]) == 2
        assert running.workers() == before
        assert running.answers()


def test_what_is_no_request_is_answered_with_a_scim_error(pushed: Pushed) -> None:
    answers = []
    with pushed.running():
        for sent in (
            b"GARBAGE\r\n\r\n",
            b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ):
            with raw(pushed.url) as connection:
                connection.sendall(sent)
                answers.append(rest(connection))

    assert [answer.split(" ")[1] for answer in answers] == ["400", "414", "431", "400", "400"]
    for answer in answers:
        assert "Content-Type: application/scim+json" in answer
        assert '"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"]' in answer


def test_another_parser_that_is_installed_beside_is_left_alone(
    pushed: Pushed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # gunicorn's setting `http_parser`: by itself it takes gunicorn_h1c wherever that can be imported
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "gunicorn_h1c.py").write_text("class LimitRequestLine(Exception): ...\n")
    monkeypatch.setenv("PYTHONPATH", str(beside), prepend=os.pathsep)

    with pushed.running():
        answer = requests.get(f"{pushed.url}/healthz", timeout=10)

    assert answer.status_code == 200


def test_a_client_that_asks_and_never_reads_keeps_nobody_waiting(pushed: Pushed) -> None:
    pushed.configure(workers=1, threads=1)
    with pushed.running() as running:
        silent = [raw(pushed.url) for _ in range(20)]  # connected, and never a word
        try:
            assert soon(running.answers)
        finally:
            for each in silent:
                each.close()


@pytest.mark.parametrize(
    "sent", [b"GET /nowhere HTTP/1.0\r\n\r\n", b"GARBAGE\r\n\r\n"], ids=["answered", "no request"]
)
def test_a_client_that_stays_when_the_connection_has_ended_keeps_nobody_waiting(
    pushed: Pushed, sent: bytes
) -> None:
    pushed.configure(workers=1, threads=4)
    with pushed.running() as running:
        staying = [raw(pushed.url) for _ in range(10)]
        began = time.monotonic()
        try:
            for each in staying:
                each.sendall(sent)
                assert b" 40" in each.recv(1 << 16)
            assert running.answers()
            assert time.monotonic() - began < 10  # and not two seconds for each
        finally:
            for each in staying:
                each.close()


def test_who_sends_too_much_can_send_it_and_reads_that_it_is_too_much(pushed: Pushed) -> None:
    head = f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {pushed.token()}\r\n"
    length = 20_000_000
    with pushed.running(), raw(pushed.url) as connection:
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
        connection.sendall(b" " * length)
        answer = connection.recv(1 << 16)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_worker_without_a_file_left_to_open_keeps_its_clients_and_takes_others_later(
    pushed: Pushed,
) -> None:
    pushed.configure(workers=1, threads=2)
    with pushed.running() as running:
        (worker,) = soon(running.workers)
        open_files = len(os.listdir(f"/proc/{worker}/fd"))
        limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (open_files + 10, limits[1]))
        with raw(pushed.url) as kept:
            kept.sendall(asked())
            assert b" 200 " in kept.recv(1 << 16)
            waiting = [raw(pushed.url) for _ in range(20)]
            kept.sendall(asked())
            assert b" 200 " in kept.recv(1 << 16)
        for each in waiting:
            each.close()

        assert soon(running.answers)
        assert running.workers() == [worker]


@pytest.mark.parametrize("command", ["receiver", "daemon"])
def test_health_is_told_while_every_thread_waits_for_the_store(
    pushed: Pushed, command: str
) -> None:
    pushed.configure(workers=1, threads=2)
    head = f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {pushed.token()}\r\n"
    body = b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"eva"}'
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with pushed.running(command) as running:
        soon(lambda: requests.get(f"{pushed.url}/readyz", timeout=PATIENCE_S).ok)
        with closing(sqlite3.connect(pushed.folder / "store.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = [raw(pushed.url) for _ in range(8)]
            for each in waiting:
                each.sendall(request)
            soon(lambda: in_flight(running, 2))
            pages = [f"{pushed.url}/{page}" for page in ("healthz", "readyz") * 4]
            answers = [requests.get(page, timeout=5).status_code for page in pages]
            other.execute("ROLLBACK")
        done = [each.recv(1 << 16)[:13] for each in waiting]
        for each in waiting:
            each.close()

    assert answers == [200] * 8
    assert sorted(done) == [b"HTTP/1.1 201 ", *[b"HTTP/1.1 409 "] * 7]


def asked(times: int = 1, path: str = "/healthz") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * times


def test_the_head_and_the_body_of_an_answer_arrive_together(pushed: Pushed) -> None:
    with pushed.running(), raw(pushed.url) as connection:
        for _ in range(20):
            connection.sendall(asked())
            head, _, body = connection.recv(1 << 16).partition(b"\r\n\r\n")

            assert head.startswith(b"HTTP/1.1 200 ")
            assert f"Content-Length: {len(body)}".encode() in head


def test_requests_that_come_at_once_are_all_answered_in_their_order(pushed: Pushed) -> None:
    with pushed.running(), raw(pushed.url) as connection:
        connection.sendall(asked(2) + asked(path="/nowhere") + asked())
        answers = b""
        while answers.count(b"HTTP/1.1 ") < 4:
            answers += connection.recv(1 << 16)

    assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [
        b"200",
        b"200",
        b"404",
        b"200",
    ]


def test_clients_that_keep_asking_leave_a_turn_to_others(pushed: Pushed) -> None:
    pushed.configure(workers=1, threads=1)
    over = threading.Event()

    def ask_on() -> None:
        with requests.Session() as session:
            while not over.is_set():
                session.get(f"{pushed.url}/healthz", timeout=PATIENCE_S)

    with pushed.running() as running:
        asking = [threading.Thread(target=ask_on) for _ in range(3)]
        for thread in asking:
            thread.start()
        try:
            assert all(running.answers() for _ in range(10))
        finally:
            over.set()
            for thread in asking:
                thread.join()


def test_metrics_are_for_operators_and_never_on_the_public_address(pushed: Pushed) -> None:
    with pushed.running("daemon") as running:
        for _ in range(3):
            requests.get(f"{pushed.url}/nowhere", timeout=PATIENCE_S)
        public = requests.get(f"{pushed.url}/metrics", timeout=PATIENCE_S)
        text = requests.get(f"http://{pushed.admin}/metrics", timeout=PATIENCE_S).text
        before = [line for line in text.splitlines() if 'operation="any unknown"' in line]
        for pid in running.workers():
            os.kill(pid, signal.SIGKILL)
        assert soon(running.answers)
        later = requests.get(f"http://{pushed.admin}/metrics", timeout=PATIENCE_S).text

    assert public.status_code == 404
    asked = 'provisioner_http_requests_total{client="-",operation="any unknown",status="404"} 4.0'
    assert asked in before
    assert asked in later, "what a dead process counted stays counted"
    assert "provisioner_store_up 1.0" in text


def test_what_a_receiver_alone_answered_is_in_the_daemons_metrics(pushed: Pushed) -> None:
    with pushed.running() as running:
        for _ in range(3):
            requests.get(f"{pushed.url}/nowhere", timeout=PATIENCE_S)
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(PATIENCE_S)
    with pushed.running("daemon"):
        requests.get(f"{pushed.url}/nowhere", timeout=PATIENCE_S)
        text = requests.get(f"http://{pushed.admin}/metrics", timeout=PATIENCE_S).text

    asked = 'provisioner_http_requests_total{client="-",operation="any unknown",status="404"} 4.0'
    assert asked in text


def test_the_log_names_nobody_at_any_level(pushed: Pushed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISIONER_LOG_LEVEL", "debug")
    with pushed.running() as running:
        requests.get(f"{pushed.url}/scim/v2/Users/eva@example.org", timeout=PATIENCE_S)
        soon(lambda: running.told("http.request"))

    assert "eva" not in running.log.read_text()


def test_a_receiver_alone_opens_nothing_but_bind(pushed: Pushed) -> None:
    with pushed.running():
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://{pushed.admin}/metrics", timeout=PATIENCE_S)
        ready = requests.get(f"{pushed.url}/readyz", timeout=PATIENCE_S)

    assert (ready.status_code, ready.json()["problems"]) == (200, [])


def test_health_is_the_daemons_and_names_no_sync_to_whoever_pushes(pushed: Pushed) -> None:
    with pushed.running("daemon") as running:
        pages = [f"{pushed.url}/{page}" for page in ("healthz", "readyz")]
        soon(lambda: requests.get(pages[1], timeout=PATIENCE_S).status_code == 200)
        answers = [requests.get(page, timeout=PATIENCE_S) for page in pages]
        running.process.send_signal(signal.SIGSTOP)
        silent = requests.get(pages[0], timeout=PATIENCE_S)
        running.process.send_signal(signal.SIGCONT)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json() for answer in answers] == [{"status": "ok", "problems": []}] * 2
    assert (silent.status_code, silent.json()["status"]) == (503, "failing")


def test_a_receiver_without_a_pushed_directory_says_that_it_has_nothing_to_do(
    tmp_path: Path,
) -> None:
    pushed = Pushed(tmp_path)
    pushed.emea.configure()

    ran = pushed.emea.shell("receiver")

    assert ran.status == 1
    assert "no sync has a `pushed` directory" in ran.err


def test_a_receiver_whose_address_is_taken_says_so(pushed: Pushed) -> None:
    with pushed.running():
        ran = pushed.emea.shell("receiver")

    assert ran.status == 1
    assert f"{pushed.bind} is taken by another program" in ran.err
