"""Figures of receivers without a daemon above them, on the board that all processes share."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from connectors.errors import ProvisionerError
from provisioner.rates import Memory
from provisioner.web import board_figures
from provisioner.web.board_figures import NAME, AllReceivers, BoardFigures
from tests.provisioner.web.test_daemon_metrics import samples

GET = "GET Users/<id>"
BUCKET = "provisioner_http_request_duration_seconds_bucket"


def shown(board: Memory) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(AllReceivers(None, board))
    return samples(generate_latest(registry).decode())


def of(found: dict[str, float], *words: str) -> float:
    (value,) = (v for name, v in found.items() if set(words) <= set(name.split()))
    return value


def test_receivers_counts_add_up() -> None:
    board = Memory()
    for status, duration_s in ((200, 0.001), (200, 0.2), (404, 40.0)):
        figures = BoardFigures(board)
        figures.began()
        figures.ended("find", "entra", status, duration_s)
        figures.close()

    found = shown(board)

    assert of(found, "provisioner_http_requests_total", "entra", "200") == 2
    assert of(found, "provisioner_http_requests_total", "entra", "404") == 1
    assert of(found, "provisioner_http_request_duration_seconds_count", "find") == 3
    assert of(found, "provisioner_http_request_duration_seconds_sum", "find") == 40.201
    assert [of(found, BUCKET, end) for end in ("0.001", "0.25", "30.0", "+Inf")] == [1, 2, 2, 3]


def test_nothing_is_counted_twice() -> None:
    board = Memory()
    figures = BoardFigures(board)
    figures.ended(GET, None, 200, 0.1)
    figures.close()
    figures.close()

    assert of(shown(board), "provisioner_http_requests_total", "-", "200") == 1


def test_the_board_is_told_while_requests_go_on() -> None:
    board = Memory()
    BoardFigures(board, every_s=0.01).ended(GET, "entra", 200, 0.1)

    until = time.monotonic() + 30
    while not board.read(NAME) and time.monotonic() < until:
        time.sleep(0.01)

    assert of(shown(board), "provisioner_http_requests_total", "entra") == 1


def test_a_board_that_fails_costs_figures_and_no_request(tmp_path: Path) -> None:
    class Broken(Memory):
        def rewrite(self, account: str, step: Callable[..., Any]) -> Any:
            raise ProvisionerError("the disk is full")

        def read(self, account: str) -> bytes:
            raise ProvisionerError("the disk is full")

    figures = BoardFigures(Broken())
    figures.ended(GET, "entra", 200, 0.1)
    figures.close()

    assert shown(Broken()) == {}


def test_what_another_version_wrote_is_begun_anew() -> None:
    board = Memory()
    board.rewrite(NAME, lambda _, __: (b"\xffnonsense", None))
    figures = BoardFigures(board)
    figures.ended(GET, "entra", 200, 0.1)
    figures.close()

    assert of(shown(board), "provisioner_http_requests_total", "entra") == 1


def test_the_figures_stay_bounded_however_many_clients_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(board_figures, "_MOST", 3)
    board = Memory()
    figures = BoardFigures(board)
    for n in range(10):
        figures.ended("find", f"client{n}", 200, 0.1)
    figures.close()

    found = shown(board)

    assert of(found, "provisioner_http_requests_total", "others") == 7
    assert of(found, "provisioner_http_request_duration_seconds_count", "others") == 7


def test_figures_are_openmetrics_too() -> None:
    board = Memory()
    figures = BoardFigures(board)
    figures.ended(GET, "entra", 200, 0.1)
    figures.close()
    registry = CollectorRegistry()
    registry.register(AllReceivers(None, board))

    said: bytes = openmetrics(registry)  # type: ignore[no-untyped-call]
    assert b"provisioner_http_requests_total{" in said
