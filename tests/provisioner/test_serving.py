"""Serving: an address is ours or refused in plain words, and a request at work is answered before the end."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.errors import RunError
from provisioner.serving import Served

PATIENCE_S = 20.0
MANY_FILES = 1_100
LONG = b"x" * 2_000_000
"""More than fits into a socket's buffers: it leaves piece by piece."""


class Slow:
    """A WSGI application whose answers wait until they may leave."""

    def __init__(self) -> None:
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def __call__(self, environ: Any, start: Callable[..., Any]) -> Iterable[bytes]:
        self.asked.set()
        assert self.may_answer.wait(PATIENCE_S)
        start("200 OK", [("Content-Length", str(len(LONG)))])
        return [LONG]


@contextmanager
def serving(bind: str) -> Iterator[tuple[Served, Slow]]:
    app = Slow()
    served = Served(app, bind)
    served.start()
    try:
        yield served, app
    finally:
        app.may_answer.set()
        served.stop()


def in_thread(call: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def accepts(url: str) -> bool:
    """Tell whether a new connection gets an answer."""
    try:
        requests.get(url, timeout=0.2)
    except requests.RequestException:
        return False
    return True


def test_a_request_at_work_is_answered_whole_although_the_stop_has_begun() -> None:
    answers: list[requests.Response] = []
    with serving("127.0.0.1:0") as (served, app):
        asking = in_thread(lambda: answers.append(requests.get(served.url, timeout=PATIENCE_S)))
        assert app.asked.wait(PATIENCE_S)
        stopping = in_thread(served.stop)
        while any(getattr(each, "accepting", False) for each in served._sockets.values()):
            pass
        app.may_answer.set()
        stopping.join(PATIENCE_S)
        asking.join(PATIENCE_S)
        assert not stopping.is_alive()
        assert not accepts(served.url)

    assert [len(answer.content) for answer in answers] == [len(LONG)]


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "localhost:0"])
def test_port_0_takes_a_free_one_and_says_which(bind: str) -> None:
    with serving(bind) as (served, app):
        app.may_answer.set()

        assert not served.url.endswith(":0")
        assert requests.get(served.url, timeout=PATIENCE_S).status_code == 200


def test_an_ipv6_address_is_told_in_brackets() -> None:
    try:
        with closing(socket.socket(socket.AF_INET6)) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving("[::1]:0") as (served, app):
        app.may_answer.set()

        assert served.url.startswith("http://[::1]:")
        assert requests.get(served.url, timeout=PATIENCE_S).status_code == 200


def test_a_taken_port_is_refused_with_the_remedy() -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        bind = f"127.0.0.1:{other.getsockname()[1]}"

        with pytest.raises(RunError, match=f"{bind} is taken by another program") as caught:
            Served(Slow(), bind)

    assert "another port" in caught.value.remedy


@pytest.mark.parametrize("bind", ["no-such-host.invalid:8080", "192.0.2.1:8080"])
def test_an_address_that_is_not_this_machines_is_refused_by_name(bind: str) -> None:
    with pytest.raises(RunError, match="can't be listened on") as caught:
        Served(Slow(), bind)

    assert bind in caught.value.message


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("1.1", "Content-Length: 4\r\nTransfer-Encoding: chunked"),
        ("1.1", "Transfer-Encoding: chunked\r\nContent-Length: 4"),
        ("1.0", "Connection: keep-alive\r\nTransfer-Encoding: chunked"),
    ],
)
def test_a_request_whose_length_is_told_in_two_ways_smuggles_no_other_in(
    version: str, headers: str
) -> None:
    asked = f"POST / HTTP/{version}\r\nHost: x\r\n{headers}\r\n\r\n0\r\n\r\n"
    with serving("127.0.0.1:0") as (served, app):
        app.may_answer.set()
        host, _, port = served.url.removeprefix("http://").rpartition(":")
        with closing(socket.create_connection((host, int(port)), timeout=PATIENCE_S)) as client:
            client.sendall(f"{asked}GET /other HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(65_536), b""))

    assert answer.startswith(f"HTTP/{version} 400 ".encode())
    assert answer.count(b"HTTP/1.") == 1
    assert not app.asked.is_set()


def test_it_answers_however_many_files_the_process_has_open(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY_FILES + 100:
        pytest.skip("this machine doesn't let a process open so many files")
    (tmp_path / "empty").touch()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, MANY_FILES + 100), hard))
    try:
        with ExitStack() as opened:
            for _ in range(MANY_FILES):
                opened.enter_context((tmp_path / "empty").open())
            with serving("127.0.0.1:0") as (served, app):
                app.may_answer.set()
                assert requests.get(served.url, timeout=PATIENCE_S).status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_nothing_is_left_open_after_the_end() -> None:
    with serving("127.0.0.1:0") as (served, app):
        app.may_answer.set()
        requests.get(served.url, timeout=PATIENCE_S)

    assert served._sockets == {}
    assert not served._thread.is_alive()
    with closing(socket.socket()) as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", int(served.url.rpartition(":")[2])))
