"""Batches and budgets: twenty a request, each item throttled on its own, within what a small tenant takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from connectors.errors import TransientError
from connectors.phone.teams.api import BATCH, RATES, Api, Item
from tests.connectors.phone.teams.scripted_graph import API, Graph, entry, error
from tests.graph_watch import wrong_in

SMALL_UNITS, UNITS_S = 3_500, 10
WRITES, WRITES_S = 3_000, 150
DEAREST = 3


@pytest.fixture
def graph() -> Iterator[Graph]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        graph = Graph(mock)
        yield graph
        assert wrong_in(mock.calls, API) == []


def api(graph: Graph) -> Api:
    return graph.phone()._desk.api


def test_all_reads_together_stay_within_a_small_tenants_resource_units() -> None:
    rates = RATES["microsoft"]

    single = (rates["directory.read"].per_second or 0) * DEAREST
    batched = (rates["directory.batch"].per_second or 0) * BATCH

    assert (single + batched) * UNITS_S <= SMALL_UNITS


def test_full_batches_of_writes_stay_within_the_limit_of_writes() -> None:
    a_minute = RATES["microsoft"]["directory.write"].per_minute or 0

    assert a_minute * BATCH * WRITES_S / 60 <= WRITES


def test_any_number_of_requests_goes_twenty_at_a_time_and_answers_come_in_order(
    graph: Graph,
) -> None:
    items = [Item("GET", f"/users/u{n}") for n in range(45)]
    for n in range(45):
        graph.item("GET", f"/users/u{n}", 200, entry(f"u{n}"))

    answers = api(graph).batch(items, label="directory.batch")

    assert [len(batch) for batch in graph.batches] == [20, 20, 5]
    assert [a.body["id"] for a in answers] == [f"u{n}" for n in range(45)]


def test_without_a_told_wait_the_pauses_grow_and_the_last_answer_is_given(graph: Graph) -> None:
    graph.item("GET", "/users/u1", 429, error("Too Many Requests", "TooManyRequests"))

    (answer,) = api(graph).batch([Item("GET", "/users/u1")], label="directory.batch")

    assert answer.status == 429
    assert graph.waits == sorted(graph.waits)
    assert len(graph.waits) == 5


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("7", 7),
        ("Mon, 23 Nov 2026 09:00:20 GMT", 20),
        ("Mon, 23 Nov 2026 08:59:00 GMT", 0),
        ("Tue, 24 Nov 2026 09:00:00 GMT", 120),
    ],
)
def test_an_item_that_asks_to_wait_until_a_date_is_understood_by_the_batchs_own_clock(
    graph: Graph, asked: str, waited: float
) -> None:
    graph.headers = {"Date": "Mon, 23 Nov 2026 09:00:00 GMT"}
    busy = error("Too Many Requests", "TooManyRequests")
    graph.item("GET", "/users/u1", 429, busy, Retry_After=asked)
    graph.item("GET", "/users/u1", 200, {"id": "u1"})

    (answer,) = api(graph).batch([Item("GET", "/users/u1")], label="directory.batch")

    assert (answer.status, graph.waits) == (200, [waited])


def test_pauses_dont_grow_as_long_as_something_comes_through(graph: Graph) -> None:
    items = [Item("GET", f"/users/u{n}") for n in range(9)]
    for n, item in enumerate(items):
        for _ in range(n):
            graph.item("GET", item.path, 429, error("Too Many Requests", "TooManyRequests"))
        graph.item("GET", item.path, 200, {"id": f"u{n}"})

    answers = api(graph).batch(items, label="directory.batch")

    assert [answer.status for answer in answers] == [200] * 9
    assert graph.waits == [1.0] * 8


def test_a_write_that_failed_at_microsofts_end_is_never_sent_again_unasked(graph: Graph) -> None:
    graph.item("PATCH", "/users/u1", 503, error("busy", "serviceUnavailable"))

    (answer,) = api(graph).batch(
        [Item("PATCH", "/users/u1", {"department": "Sales"})], label="directory.write"
    )

    assert (answer.status, len(graph.batches)) == (503, 1)


def test_a_read_whose_every_batch_gets_lost_ends(graph: Graph) -> None:
    graph.lost = 100

    with pytest.raises(TransientError):
        api(graph).batch([Item("GET", "/users/u1")], label="directory.batch")
