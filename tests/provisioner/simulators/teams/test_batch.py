"""JSON batches: size, order, dependencies, and throttling of each request on its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.teams.graph_client import PHONE, Graph, Reply, person


def send(graph: Graph, *requests: dict[str, Any]) -> Reply:
    return graph.post("/$batch", {"requests": list(requests)})


def answers(reply: Reply) -> dict[str, dict[str, Any]]:
    assert reply.status == 200
    return {each["id"]: each for each in reply.json["responses"]}


def change(number: int, location: str = "DE", **more: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "method": "PATCH",
        "url": f"/users/id-p{number}",
        "headers": {"Content-Type": "application/json"},
        "body": {"usageLocation": location},
    } | more


def people(count: int) -> list[dict[str, Any]]:
    return [person(f"p{n}", usage_location=None) for n in range(count)]


def test_twenty_requests_are_answered_each_by_its_id_in_any_order() -> None:
    graph = Graph(people(20))

    reply = send(graph, *(change(n) for n in range(20)))

    assert {each["status"] for each in reply.json["responses"]} == {204}
    assert sorted(answers(reply), key=int) == [str(n) for n in range(20)]
    assert [each["id"] for each in reply.json["responses"]] != [str(n) for n in range(20)]
    assert len(graph.log()) == 20
    assert {each["path"] for each in graph.log()} == {f"/users/id-p{n}" for n in range(20)}


def test_more_than_twenty_are_refused_as_a_whole() -> None:
    graph = Graph(people(21))

    assert send(graph, *(change(n) for n in range(21))).status == 400
    assert graph.log() == []


def test_one_refusal_is_the_business_of_that_request_alone() -> None:
    graph = Graph(people(2))

    found = answers(send(graph, change(0), change(1, "Germany")))

    assert (found["0"]["status"], found["1"]["status"]) == (204, 400)
    assert found["1"]["body"]["error"]["code"] == "Request_BadRequest"


def test_what_depends_on_a_failed_request_fails_with_424() -> None:
    graph = Graph(people(3))

    found = answers(
        send(
            graph,
            change(0, "Germany"),
            change(1, dependsOn=["0"]),
            change(2, dependsOn=["1"]),
        )
    )

    assert [found[id_]["status"] for id_ in "012"] == [400, 424, 424]
    assert graph.log() == []


def test_a_sequence_is_carried_out_in_its_order() -> None:
    graph = Graph(people(1))
    assign = {
        "id": "b",
        "method": "POST",
        "url": "users/id-p0/assignLicense",
        "headers": {"Content-Type": "application/json"},
        "body": {"addLicenses": [{"skuId": PHONE}], "removeLicenses": []},
        "dependsOn": ["0"],
    }

    found = answers(send(graph, change(0), assign))

    assert [found[id_]["status"] for id_ in ("0", "b")] == [204, 200]


def test_a_batch_is_wholly_sequential_or_wholly_parallel() -> None:
    graph = Graph(people(4))
    pairs = [change(0), change(1, dependsOn=["0"]), change(2), change(3, dependsOn=["2"])]

    assert send(graph, *pairs).status == 400
    assert graph.log() == []


@pytest.mark.asks_for_what_is_not_there
def test_ids_are_unique_bodies_have_a_type_and_batches_hold_no_batches() -> None:
    graph = Graph(people(2))

    assert send(graph, change(0), change(1, id="0")).status == 400
    assert send(graph, change(0, headers={})).status == 400
    nested = {"id": "1", "method": "GET", "url": "/$batch"}
    assert answers(send(graph, nested))["1"]["status"] == 400


def test_each_request_of_a_batch_is_throttled_on_its_own() -> None:
    graph = Graph(people(20), throttled=True)
    read = {"method": "GET", "url": "/users?$top=1"}
    statuses: list[int] = []
    retry: set[str] = set()

    for _ in range(120):
        reply = send(graph, *({"id": str(n), **read} for n in range(20)))
        assert reply.status == 200
        for each in reply.json["responses"]:
            statuses.append(each["status"])
            if each["status"] == 429:
                retry.add(each["headers"]["Retry-After"])

    assert statuses.count(200) in range(
        1700, 2001
    )  # 3,500 units at 2 each, or 2,000 requests a second
    assert statuses.count(429) > 0
    assert all(int(seconds) >= 1 for seconds in retry)
    graph.clock.advance(seconds=30)
    assert graph.get("/users").status == 200
