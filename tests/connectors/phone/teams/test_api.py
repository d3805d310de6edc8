"""Batches that get no answer: reads are sent again, writes are in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from connectors.errors import TransientError
from connectors.phone.teams.api import RATES, Api, Item
from provisioner.http import make_http
from provisioner.rates import Limiter
from tests.connectors.phone.teams.scripted_graph import API, TOKEN

READ = Item("GET", "/users/u1")
WRITE = Item("PATCH", "/users/u1", {"usageLocation": "DE"})


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(TOKEN, json={"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
        yield mock


def api(waits: list[float]) -> Api:
    return Api(
        make_http(None, Limiter(), lambda _: None, account="t", rates=RATES["unlimited"]),
        lambda: datetime.now(UTC),
        waits.append,
        api_url=API,
        token_url=TOKEN,
        client=("c", "not-for-anyones-eyes"),
    )


def answered(mock: responses.RequestsMock, *statuses: int) -> None:
    for status in statuses:
        good: dict[str, Any] = {"responses": [{"id": "0", "status": 200, "body": {"id": "u1"}}]}
        mock.post(f"{API}/$batch", status=status, json=good if status == 200 else {})


def sent(mock: responses.RequestsMock) -> int:
    return sum(call.request.url == f"{API}/$batch" for call in mock.calls)


def test_a_batch_of_reads_that_got_no_answer_is_sent_again(mock: responses.RequestsMock) -> None:
    waits: list[float] = []
    answered(mock, 503, 502, 200)

    (answer,) = api(waits).batch([READ], label="directory.batch")

    assert (answer.status, answer.body) == (200, {"id": "u1"})
    assert (sent(mock), len(waits)) == (3, 2)


def test_a_batch_with_a_write_that_got_no_answer_is_in_doubt(mock: responses.RequestsMock) -> None:
    answered(mock, 503)

    with pytest.raises(TransientError) as error:
        api([]).batch([READ, WRITE], label="directory.write")

    assert error.value.in_doubt
    assert sent(mock) == 1


def test_reads_that_never_get_an_answer_end_the_read(mock: responses.RequestsMock) -> None:
    answered(mock, 503)

    with pytest.raises(TransientError):
        api([]).batch([READ], label="directory.batch")
