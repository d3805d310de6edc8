"""One carrier in the hands of many threads, over real connections."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests

from connectors.records import Rate
from provisioner.http import CallRecord, make_http
from provisioner.rates import Limiter

THREADS, EACH = 16, 25


class Echo(BaseHTTPRequestHandler):
    """Answers with the path and the token it was asked with, and keeps the connection."""

    protocol_version = "HTTP/1.1"
    connections: list[object] = []  # noqa: RUF012 - one server, one test

    def setup(self) -> None:
        self.connections.append(self.client_address)
        super().setup()

    def do_GET(self) -> None:
        body = f"{self.path} {self.headers['Authorization']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    Echo.connections.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_each_thread_gets_its_own_answers_over_connections_that_are_kept(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[CallRecord] = []
    http = make_http(calls.append, Limiter(), lambda _: None, account="a", rates={"x": Rate(1e9)})

    def ask(name: str) -> str:
        answer = http(
            "GET",
            f"{url}/{name}",
            label="x",
            check=requests.Response.raise_for_status,
            headers={"Authorization": f"Bearer {name}"},
        )
        return answer.text

    names = [f"user-{n}" for n in range(THREADS * EACH)]
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(ask, names))

    assert found == [f"/{name} Bearer {name}" for name in names]
    assert sorted(call.path for call in calls) == sorted(f"/{name}" for name in names)
    assert len(Echo.connections) <= THREADS
    assert caplog.text == ""  # such as urllib3's about a pool that is full
