"""Calls on their way into the audit: every one of them, in few entries, and nothing secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from provisioner.audit.calls import Calls, collecting
from provisioner.commands.plans import site_of
from provisioner.http import CallRecord
from provisioner.store.audit import Entry, rows
from provisioner.store.chain import Row
from provisioner.store.database import reading
from tests.provisioner.store.made import NOW, store
from tests.scenarios.installation import Installation

SECOND = timedelta(seconds=1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with store("sqlite", tmp_path) as engine:
        yield engine


class Clock:
    """Goes on by a second whenever it is asked."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        self.at += SECOND
        return self.at


def as_it_is(text: str) -> str:
    return text


def call(
    path: str = "/v2/phone/users", method: str = "GET", status: int | None = 200
) -> CallRecord:
    return CallRecord("acme", "light", method, path, status, 0.25)


def on_record(engine: Engine) -> list[Row]:
    with reading(engine) as connection:
        return [row for _, row in rows(connection)]


def details(engine: Engine) -> list[dict[str, Any]]:
    return [json.loads(row.detail) for row in on_record(engine)]


def test_calls_are_on_record_with_when_they_were_made_and_how_long_they_took(
    engine: Engine,
) -> None:
    calls = Calls(engine, Clock(), as_it_is, sync="emea", run="r1", plan="7")
    calls(call())
    calls(call("/v2/users/eva@example.org", "PATCH", 204))

    with engine.begin() as connection:
        calls.append(connection)

    first, second = on_record(engine)
    assert (first.kind, first.sync, first.run, first.plan) == ("call", "emea", "r1", 7)
    assert first.at == "2026-11-23T09:00:00.750000Z"
    assert json.loads(first.detail) == {
        "account": "acme", "label": "light", "method": "GET", "path": "/v2/phone/users",
        "status": 200, "times": [[0, 250]],
    }  # fmt: skip
    assert json.loads(second.detail)["path"] == "/v2/users/eva@example.org"


def test_pages_of_one_list_are_one_entry_with_every_call(engine: Engine) -> None:
    calls = Calls(engine, Clock(), as_it_is)
    for status in (200, 200, 429, 200, None):
        calls(call(status=status))
    calls.flush()

    assert [(each["status"], each["times"]) for each in details(engine)] == [
        (200, [[0, 250], [1000, 250], [3000, 250]]),
        (429, [[0, 250]]),
        (None, [[0, 250]]),
    ]


def test_what_is_appended_once_is_not_appended_again(engine: Engine) -> None:
    calls = Calls(engine, Clock(), as_it_is)
    calls(call())
    calls.flush()
    calls.flush()

    assert len(on_record(engine)) == 1


def test_entries_that_are_flushed_along_stand_after_the_calls(engine: Engine) -> None:
    calls = Calls(engine, Clock(), as_it_is)
    calls(call())
    calls.flush(Entry(kind="plan.failed"))

    assert [row.kind for row in on_record(engine)] == ["call", "plan.failed"]


def test_a_long_read_keeps_few_calls_in_memory(engine: Engine) -> None:
    calls = Calls(engine, Clock(), as_it_is)
    for number in range(4_500):
        calls(call(f"/v2/phone/users/{number}"))

    assert len(on_record(engine)) == 4_000
    calls.flush()
    assert len(on_record(engine)) == 4_500


def test_a_write_is_never_held_up_by_a_store_that_fails(engine: Engine) -> None:
    calls = Calls(engine, Clock(), as_it_is)
    engine.dispose()
    with engine.begin() as other:  # whoever writes now waits for this
        other.exec_driver_sql("SELECT 1")
        for number in range(2_500):
            calls(call(f"/v2/phone/users/{number}", "POST"))

    calls.flush()
    assert len(on_record(engine)) == 2_500


def test_calls_of_several_threads_are_all_on_record(engine: Engine) -> None:
    calls = Calls(engine, lambda: NOW, as_it_is)

    def work() -> None:
        for _ in range(1_500):
            calls(call())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls.flush()

    assert sum(len(each["times"]) for each in details(engine)) == 6_000


def test_a_secret_in_a_path_is_struck_out(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    address = {
        "kind": "scim_endpoint",
        "name": "hr",
        "url": {"file": "url"},
        "token": {"file": "t"},
    }
    emea.write("url", "https://id.example.org/hooks/s3cret-path/scim")
    emea.write("t", "s3cret-token")
    emea.configure(directories=[address])
    site, calls = collecting(site_of(tmp_path / "config.yaml"), sync="emea")
    assert site.record is not None

    site.record(call("/v2/s3cret-token/users"))
    calls.flush()

    assert [each["path"] for each in details(site.engine)] == ["/v2/***/users"]


def test_whoever_was_told_of_calls_still_is(tmp_path: Path) -> None:
    seen: list[CallRecord] = []
    Installation(tmp_path)
    site = replace(site_of(tmp_path / "config.yaml"), record=seen.append)
    counted, _ = collecting(site)
    assert counted.record is not None

    counted.record(call())

    assert seen == [call()]
