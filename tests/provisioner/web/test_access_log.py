"""The access log: every line whole, and nobody waits for who reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

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


def test_a_log_that_nothing_was_written_to_is_closed_at_once() -> None:
    AccessLog().close(20)
