"""Whatever a connector does in a rehearsal's read, the real phone system gets no write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.errors import RunError
from connectors.records import Rate
from provisioner.config import load_config
from provisioner.http import CallRecord
from provisioner.rehearsal.run import _reading_only
from provisioner.wiring import open_site
from tests.ports import free_port
from tests.scenarios.installation import Installation


@pytest.fixture
def sent() -> list[CallRecord]:
    return []


@pytest.fixture
def send(tmp_path: Path, sent: list[CallRecord]) -> Any:
    Installation(tmp_path)
    site = open_site(load_config(tmp_path / "config.yaml"), record=sent.append)
    rates = {"light": Rate(40), "batch": Rate(10, reads=True), "oauth": Rate(5)}
    return _reading_only(site, 1.0).http("account", rates)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_is_refused_before_it_leaves(
    method: str, send: Any, sent: list[CallRecord]
) -> None:
    with pytest.raises(RunError, match=f"was about to send {method}"):
        send(method, f"http://127.0.0.1:{free_port()}/v2/users", label="light", check=print)

    assert sent == []


def test_a_read_a_batch_of_reads_and_a_token_leave(send: Any, sent: list[CallRecord]) -> None:
    url = f"http://127.0.0.1:{free_port()}/"

    calls = [("GET", "light"), ("POST", "batch"), ("POST", "oauth")]
    for method, label in calls:
        with pytest.raises(Exception, match="no connection"):
            send(method, url, label=label, check=print)

    assert {(call.method, call.label) for call in sent} == set(calls)
