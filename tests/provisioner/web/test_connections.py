"""Connections at their edges, without a server."""

from __future__ import annotations

import resource
import selectors
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from provisioner.web import connections
from provisioner.web.connections import (
    MOST,
    PARTING_S,
    SILENT_S,
    SLOWEST,
    Paced,
    Parting,
    room,
    send_all,
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


class Slow:
    """A socket whose every piece takes a while, as the clock has it."""

    def __init__(self, clock: list[float], piece: bytes, pause_s: float) -> None:
        self._clock, self._piece, self._pause_s = clock, piece, pause_s

    def recv(self, _: int) -> bytes:
        self._clock[0] += self._pause_s
        return self._piece


def read_for(paced: Paced, seconds: float, clock: list[float]) -> None:
    until = clock[0] + seconds
    while clock[0] < until:
        paced.recv(8192)


def test_a_request_that_trickles_is_given_up_soon_after_the_longest_silence(
    clock: list[float],
) -> None:
    paced = Paced(Slow(clock, b"x", 1.0))  # type: ignore[arg-type]

    with pytest.raises(TimeoutError):
        read_for(paced, 3600, clock)

    assert clock[0] - 1000 < SILENT_S + 5


def test_a_slow_line_is_no_trickle(clock: list[float]) -> None:
    paced = Paced(Slow(clock, b"x" * SLOWEST, 1.0))  # type: ignore[arg-type]

    read_for(paced, 3600, clock)


def test_only_waiting_counts_and_each_request_for_itself(clock: list[float]) -> None:
    paced = Paced(Slow(clock, b"x", 1.0))  # type: ignore[arg-type]
    for _ in range(10):
        paced.begin()
        read_for(paced, SILENT_S, clock)
        clock[0] += 3600  # at work


class Taking:
    """A client who takes so much of an answer at a time, each time after a while."""

    def __init__(self, clock: list[float], most: int, pause_s: float) -> None:
        self._clock, self._most, self._pause_s = clock, most, pause_s
        self.taken = b""

    def send(self, data: memoryview) -> int:
        self._clock[0] += self._pause_s
        self.taken += data[: self._most]
        return min(self._most, len(data))


def test_an_answer_that_is_hardly_taken_is_given_up(clock: list[float]) -> None:
    client = Taking(clock, 20, float(SILENT_S))

    with pytest.raises(TimeoutError):
        send_all(client, b"x" * 1_000_000)  # type: ignore[arg-type]

    assert clock[0] - 1000 == SILENT_S


def test_an_answer_that_is_taken_slowly_arrives_whole(clock: list[float]) -> None:
    client, answer = Taking(clock, SILENT_S * SLOWEST, float(SILENT_S)), bytes(range(250)) * 1000

    send_all(client, answer)  # type: ignore[arg-type]

    assert client.taken == answer


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_who_parts_is_heard_out_and_let_go_when_they_close(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    (ours, theirs), gone = pair, list[object]()
    with selectors.DefaultSelector() as poller:
        parting, conn = Parting(poller, gone.append), SimpleConn(ours)
        parting.begin(conn)
        assert theirs.recv(10) == b""  # nothing more comes
        theirs.sendall(b"x" * 1000)
        happen(poller)
        assert gone == []
        theirs.close()
        happen(poller)

        assert gone == [conn]
        assert len(poller.get_map()) == 0


def test_who_never_closes_is_let_go_in_time(
    pair: tuple[socket.socket, socket.socket], clock: list[float]
) -> None:
    gone: list[object] = []
    with selectors.DefaultSelector() as poller:
        parting, conn = Parting(poller, gone.append), SimpleConn(pair[0])
        parting.begin(conn)
        clock[0] += PARTING_S - 0.1
        parting.sweep()
        assert gone == []
        clock[0] += 0.2
        parting.sweep()

        assert gone == [conn]


def test_who_has_gone_already_is_let_go_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    gone: list[object] = []
    pair[0].close()
    with selectors.DefaultSelector() as poller:
        Parting(poller, gone.append).begin(SimpleConn(pair[0]))

    assert len(gone) == 1


class SimpleConn:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock


def happen(poller: selectors.BaseSelector) -> None:
    for key, _ in poller.select(5):
        key.data(key.fileobj)


@pytest.mark.parametrize(
    ("soft", "hard", "asked", "connections_"),
    [
        (1024, 500_000, 1160, MOST),
        (1024, 1024, None, 864),
        (100, 100, None, 9),
        (500_000, 500_000, None, MOST),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, MOST),
        (1024, resource.RLIM_INFINITY, 1160, MOST),
    ],
)
def test_a_worker_takes_as_many_connections_as_it_may_have_files_for(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, asked: int | None, connections_: int
) -> None:
    said: list[tuple[int, int]] = []
    system = SimpleNamespace(
        RLIMIT_NOFILE=resource.RLIMIT_NOFILE,
        RLIM_INFINITY=resource.RLIM_INFINITY,
        getrlimit=lambda _: (soft, hard),
        setrlimit=lambda _, limits: said.append(limits),
    )
    monkeypatch.setattr(connections, "resource", system)

    assert room(8) == connections_
    assert [limits for limits in said if limits[0] != soft] == ([(asked, hard)] if asked else [])
