"""Teams' own lists: in the largest pages, whole, and once for both halves of a look at the tenant."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from flask import Response, request

from connectors.errors import IncompleteRead
from connectors.phone import teams
from connectors.records import Outside
from provisioner.http import make_http
from provisioner.rates import Limiter
from provisioner.simulators.teams import Options, create_app, load_snapshot, running
from tests.connectors.phone.teams.scripted_graph import API, E3_SKU, PHONE_SKU, Graph, entry, error
from tests.graph_watch import wrong_in

NUMBERS = f"{API}/admin/teams/telephoneNumberManagement/numberAssignments"
CONFIGURATIONS = f"{API}/admin/teams/userConfigurations"
DELETED = f"{API}/directory/deletedItems/microsoft.graph.user"
PAGE = 999


@pytest.fixture
def graph() -> Iterator[Graph]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        graph = Graph(mock)
        graph.bought(phone=(10, 1))
        mock.get(f"{API}/users", json={"value": [entry("u1", PHONE_SKU, E3_SKU)]})
        mock.get(DELETED, json={"value": []})
        yield graph
        assert wrong_in(mock.calls, API) == []


def number(n: int) -> dict[str, Any]:
    return {
        "telephoneNumber": f"+4989{n:07}",
        "numberType": "callingPlan",
        "assignmentStatus": "unassigned",
        "capabilities": ["userAssignment"],
    }


def asked(graph: Graph, address: str) -> list[dict[str, list[str]]]:
    """Return the queries with which a list was asked for."""
    urls = [str(call.request.url) for call in graph.mock.calls]
    return [parse_qs(urlsplit(url).query) for url in urls if url.partition("?")[0] == address]


def test_a_full_page_of_numbers_without_a_link_is_not_taken_for_all_of_them(graph: Graph) -> None:
    count = 2 * PAGE + 5

    def page(asking: Any) -> tuple[int, dict[str, str], str]:
        query = parse_qs(urlsplit(asking.url).query)
        at = int(query.get("$skip", ["0"])[0])
        found = [number(n) for n in range(at, min(at + int(query["$top"][0]), count))]
        return 200, {}, json.dumps({"value": found})

    graph.mock.get(CONFIGURATIONS, json={"value": []})
    graph.mock.add_callback(responses.GET, NUMBERS, callback=page)

    free = graph.phone().catalog().numbers

    assert free is not None
    assert len(free) == count
    assert [q.get("$skip", ["0"]) for q in asked(graph, NUMBERS)] == [["0"], ["999"], ["1998"]]


def test_a_full_page_of_numbers_that_comes_again_is_all_of_them(graph: Graph) -> None:
    graph.mock.get(CONFIGURATIONS, json={"value": []})
    graph.mock.get(NUMBERS, json={"value": [number(n) for n in range(PAGE)]})

    free = graph.phone().catalog().numbers

    assert free is not None
    assert len(free) == PAGE
    assert len(asked(graph, NUMBERS)) == 2


def test_where_teams_refuses_the_largest_page_it_is_asked_for_its_own(graph: Graph) -> None:
    def page(asking: Any) -> tuple[int, dict[str, str], str]:
        if "$top" in parse_qs(urlsplit(asking.url).query):
            return 400, {}, json.dumps(error("Invalid page size", "BadRequest"))
        features = ["PhoneSystem"]
        told = {"id": "u1", "featureTypes": features, "accountType": "user"}
        return 200, {}, json.dumps({"value": [told]})

    graph.mock.add_callback(responses.GET, CONFIGURATIONS, callback=page)
    graph.mock.get(NUMBERS, json={"value": []})

    (user,) = graph.phone().read()

    assert user.settling == ()
    assert len(asked(graph, CONFIGURATIONS)) == 2


def test_a_list_that_is_refused_on_a_later_page_is_no_read(graph: Graph) -> None:
    link = f"{CONFIGURATIONS}?$skiptoken=x"
    told = {"id": "u1", "featureTypes": [], "accountType": "user"}

    def page(asking: Any) -> tuple[int, dict[str, str], str]:
        if "skiptoken" in asking.url:
            return 400, {}, json.dumps(error("the token has expired", "BadRequest"))
        return 200, {}, json.dumps({"value": [told], "@odata.nextLink": link})

    graph.mock.add_callback(responses.GET, CONFIGURATIONS, callback=page)
    graph.mock.get(NUMBERS, json={"value": []})

    with pytest.raises(IncompleteRead, match="expired"):
        list(graph.phone().read())


def test_catalog_and_users_of_one_look_ask_for_the_numbers_once(graph: Graph) -> None:
    graph.mock.get(CONFIGURATIONS, json={"value": []})
    graph.mock.get(NUMBERS, json={"value": [number(1)]})
    phone = graph.phone()

    phone.catalog()
    list(phone.read())
    once = len(asked(graph, NUMBERS))
    list(phone.read())
    phone.catalog()
    twice = len(asked(graph, NUMBERS))
    phone.carry_out([])
    phone.catalog()

    assert (once, twice, len(asked(graph, NUMBERS))) == (1, 2, 3)


def test_a_read_takes_no_more_requests_than_graphs_pages_need() -> None:
    people, numbers = 2 * PAGE + 1, PAGE + 1
    options = Options(throttled=False)
    app = create_app(options=options)
    catalog = {"catalog": {"numbers": [f"+4989{n:07}" for n in range(numbers)]}}
    users = [{"id": f"p{n}", "email": f"p{n}@example.org"} for n in range(people)]
    load_snapshot(app, map(json.dumps, [catalog, *users]))
    requests = Counter[str]()

    @app.after_request
    def note(response: Response) -> Response:
        requests[request.path.rpartition("/")[2]] += 1
        return response

    with running(app) as url:
        config = {
            "tenant_id": options.tenant,
            "client_id": options.client_id,
            "client_secret": options.client_secret,
            "api_url": f"{url}/v1.0",
            "token_url": f"{url}/{options.tenant}/oauth2/v2.0/token",
            "limits": "unlimited",
        }
        outside = Outside(
            Path(),
            lambda name, rates: make_http(None, Limiter(), _nap, account=name, rates=rates),
            lambda: datetime.now(UTC),
            _nap,
        )
        phone = teams.connect(teams.Config().load(config), outside)
        assert len(list(phone.read())) == people
        assert len(phone.catalog().numbers or ()) == numbers

    assert requests == {
        "token": 1,
        "users": ceil(people / PAGE),
        "microsoft.graph.user": 1,
        "userConfigurations": ceil(people / PAGE),
        "numberAssignments": ceil(numbers / PAGE),
        "subscribedSkus": 1,
        "delta": 2,
    }


def _nap(seconds: float) -> None:
    """Wait for nothing."""
