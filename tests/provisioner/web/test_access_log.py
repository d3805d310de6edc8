"""The access log: every line whole, and nobody waits for who reads it."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from provisioner.web import access_log
from provisioner.web.access_log import AccessLog


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def read(reader: int) -> list[dict[str, object]]:
    os.set_blocking(reader, False)
    text = b""
    try:
        while more := os.read(reader, 65_536):
            text += more
    except BlockingIOError:
        pass
    return [json.loads(line) for line in text.splitlines()]


def test_events_are_written_in_order_a_line_each() -> None:
    with pipe() as (reader, writer):
        log = AccessLog(writer)
        for number in range(500):
            log.write({"event": "http.request", "number": number, "text": "ž\n"})
        log.close(20)

        assert [line["number"] for line in read(reader)] == list(range(500))


def test_a_log_that_nobody_reads_holds_up_nobody_and_says_later_what_is_missing() -> None:
    with pipe() as (reader, writer):
        log = AccessLog(writer)
        count = access_log.MOST * 3

        for number in range(count):  # far more than the pipe and the queue take
            log.write({"number": number})
        log.close(0)
        lines: list[dict[str, object]] = []
        while log._thread is not None and log._thread.is_alive():
            lines += read(reader)
        lines += read(reader)

    dropped = [line["lines"] for line in lines if line.get("event") == "http.log_dropped"]
    assert sum(int(str(n)) for n in dropped) + sum("number" in line for line in lines) == count
    assert dropped


def test_a_log_whose_reader_has_gone_holds_up_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = AccessLog(writer)

    for number in range(10):
        log.write({"number": number})
    log.close(20)

    assert log._thread is not None
    assert not log._thread.is_alive()
    os.close(writer)


def test_lines_that_could_not_be_written_are_written_when_they_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access_log, "_AGAIN_S", 0.01)
    full, refused = threading.Event(), threading.Event()
    write = os.write

    def on_a_small_disk(descriptor: int, data: memoryview) -> int:
        if full.is_set() and threading.current_thread().name == "access log":
            if len(data) > 10:
                return write(descriptor, data[:10])  # as far as there is room
            refused.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    with pipe() as (reader, writer):
        monkeypatch.setattr(os, "write", on_a_small_disk)
        log = AccessLog(writer)
        full.set()
        log.write({"number": 1})
        assert refused.wait(20)
        full.clear()
        log.write({"number": 2})
        log.close(20)

        assert [line["number"] for line in read(reader)] == [1, 2]


def test_a_log_that_nothing_was_written_to_is_closed_at_once() -> None:
    log = AccessLog()

    log.close(20)

    assert log._thread is None, "there is nothing to wait for"
