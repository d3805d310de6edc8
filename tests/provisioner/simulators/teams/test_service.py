"""What every operation of the Teams simulator goes through: limits, bodies, the contract, faults."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from random import Random
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.simulators import faults
from provisioner.simulators.teams import (
    OPERATIONS,
    Options,
    TeamsFaults,
    create_app,
    load_snapshot,
    running,
)
from provisioner.simulators.teams.errors import GraphError
from provisioner.simulators.teams.odata import parse_filter, search
from provisioner.simulators.teams.throttle import Throttle, units_for
from tests.provisioner.simulators.teams.graph_client import (
    CREDENTIALS,
    TOKEN,
    Graph,
    caller,
    catalog,
    person,
)
from tests.vendor_specs import WHY_SKIPPED, Mismatch, load

BY_KEY = ("GET", "/admin/teams/telephoneNumberManagement/operations('{}')")
"""The address that Location carries by Microsoft's own page, beside the file's."""


@pytest.mark.skipif(load("graph") is None, reason=WHY_SKIPPED)
def test_every_operation_of_the_file_is_simulated_and_no_other() -> None:
    spec = load("graph")
    assert spec is not None
    theirs = {
        (method.upper(), re.sub(r"\{[^}]+\}", "{}", path))
        for path, operations in spec.document["paths"].items()
        for method in operations
        if method in ("get", "post", "patch", "put", "delete")
    }
    ours = {(each.method, re.sub(r"<[^>]+>", "{}", each.path)) for each in OPERATIONS}

    assert theirs - ours == {("POST", "/{}/oauth2/v2.0/token")}, "auth.py has it"
    assert ours - theirs == {BY_KEY}


@pytest.mark.skipif(load("graph") is None, reason=WHY_SKIPPED)
def test_the_judge_sees_what_graph_would_not_answer() -> None:
    spec = load("graph")
    assert spec is not None
    user = {"@odata.context": "…", "id": "u", "displayName": "Eva"}

    spec.check("GET", "/users/u", status=200, answer=user)
    for wrong in (user | {"colour": "red"}, user | {"accountEnabled": "yes"}):
        with pytest.raises(Mismatch):
            spec.check("GET", "/users/u", status=200, answer=wrong)
    with pytest.raises(Mismatch):
        spec.check("GET", "/users/u", status=404, answer={"message": "not found"})
    with pytest.raises(Mismatch):
        spec.check("GET", "/users", query={"$colour": "red"}, status=200, answer={"value": []})


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"{", "application/json"), (b"[1]", "application/json"), (b"{}", "text/plain"), (b"", "")],
)
def test_a_body_that_is_no_json_object_is_refused(data: bytes, kind: str) -> None:
    graph = Graph([person("eva")])

    answer = graph.http.patch(
        "/v1.0/users/id-eva",
        data=data,
        content_type=kind,
        headers={"Authorization": f"Bearer {graph.token}"},
    )

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "BadRequest")


def refusal(
    throttle: Throttle,
    cost: int | None,
    *,
    times: int,
    at: float = 7.0,
    users: int = 10,
    write: bool = False,
) -> GraphError:
    """Return the first refusal of so many requests at one moment."""
    try:
        for _ in range(times):
            throttle.request(cost, write, users, at, "app")
    except GraphError as error:
        return error
    raise AssertionError("none was refused")


def test_a_small_tenant_has_fewer_units_and_writes_a_limit_of_their_own() -> None:
    throttle = Throttle(counted=True)
    headers: dict[str, str] = {}
    for _ in range(1750):
        headers = throttle.request(2, False, 49, 1000.0, "app")

    assert headers == {"x-ms-resource-unit": "2", "x-ms-throttle-limit-percentage": "1.0"}
    with pytest.raises(GraphError) as refused:
        throttle.request(2, False, 49, 1000.0, "app")
    assert refused.value.status == 429
    assert refused.value.headers["Retry-After"] == "1"
    throttle.request(2, False, 501, 1000.0, "app")  # a larger tenant has more
    throttle.request(2, False, 49, 1011.0, "app")
    writes = Throttle(counted=True)
    for n in range(3000):
        writes.request(1, True, 501, 1000.0 + n / 1000, "app")
    assert refusal(writes, 1, times=100, at=1003.0, users=501, write=True).status == 429
    assert [units_for(n) for n in (49, 50, 500, 501)] == [3500, 5000, 5000, 8000]


def test_refused_requests_count_so_that_hammering_makes_the_wait_longer() -> None:
    throttle = Throttle(counted=True)
    first = refusal(throttle, 5, times=701)
    for _ in range(600):
        last = refusal(throttle, 5, times=1)

    assert (first.headers["Retry-After"], last.headers["Retry-After"]) == ("1", "9")


def test_teams_administration_leaves_retry_after_out() -> None:
    throttle = Throttle(counted=True)

    assert "Retry-After" not in refusal(throttle, None, times=2001).headers


def test_the_cost_of_a_read_depends_on_what_is_asked() -> None:
    graph = Graph([person("eva")], throttled=True)

    def cost(path: str, **query: object) -> str:
        return graph.get(path, **query).headers["x-ms-resource-unit"]

    assert [cost("/users"), cost("/users", select="id"), cost("/subscribedSkus")] == ["2", "1", "3"]


def test_over_real_http_links_lead_back_to_the_simulator() -> None:
    app = create_app(options=Options())
    load_snapshot(app, [json.dumps(person(f"p{n}")) for n in range(3)])

    with running(app) as url:
        token = requests.post(url + TOKEN, data=CREDENTIALS, timeout=10).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        page = requests.get(f"{url}/v1.0/users?$top=2", headers=headers, timeout=10).json()
        rest = requests.get(page["@odata.nextLink"], headers=headers, timeout=10).json()

    assert len(page["value"]) + len(rest["value"]) == 3


def test_faults_are_told_in_graphs_words_and_name_users() -> None:
    lines = [catalog(licenses={"Microsoft 365 E3": 2}), person("eva"), person("jan")]
    graph = Graph(lines, credits_seats=0)
    vendor, dice = TeamsFaults(graph.app), Random(1)

    assert vendor.sort("POST", TOKEN) == "token"
    assert vendor.sort("GET", "/v1.0/users") == "list"
    assert vendor.sort("GET", "/v1.0/users/id-eva") == "read"
    assert vendor.sort("GET", "/v1.0/users/delta") == "list"
    assert vendor.sort("POST", "/v1.0/$batch") == "write"
    assert vendor.sort("GET", "/_portal/log") is None
    status, headers, body = vendor.too_many(3)
    assert (status, headers["Retry-After"]) == (429, "3")
    assert json.loads(body)["error"]["code"] == "TooManyRequests"
    assert json.loads(vendor.broken(503)[2])["error"]["code"] == "ServiceNotAvailable"
    assert vendor.another("/v1.0/users/id-eva", dice) == "/v1.0/users/id-jan"
    named = {"id": "id-eva", "userPrincipalName": "eva@example.org"}
    assert vendor.misnamed(named, dice)["id"] == "id-jan"
    answers = [{"id": "1", "status": 204}, {"id": "2", "status": 200, "body": named}]
    wrong = vendor.misnamed({"responses": answers}, dice)["responses"]
    assert [each.get("body", {}).get("id") for each in wrong] == [None, "id-jan"]
    batch = {"requests": [{"url": "/users/id-eva"}, {"url": "users/jan@example.org/assignLicense"}]}
    assert set(vendor.touched("/v1.0/$batch", batch)) == {
        "id-eva", "eva@example.org", "id-jan", "jan@example.org",
    }  # fmt: skip
    assert vendor.take_seat(dice) is None, "both seats are taken"
    graph.portal("seats", {"Microsoft 365 E3": 3})
    give_back = vendor.take_seat(dice)
    assert give_back is not None
    assert graph.state()[0]["catalog"]["licenses"]["Microsoft 365 E3"] == 2
    give_back()
    vendor.expire_tokens()
    assert graph.get("/users").status == 401


def test_faults_stand_before_the_simulator_as_before_zooms() -> None:
    graph = Graph([caller("eva")])
    wanted = faults.parse("429-retry-after=100%", 1)
    app = faults.Faulty(graph.app.wsgi_app, TeamsFaults(graph.app), wanted)
    seen: list[Any] = []

    def start(*head: Any) -> Any:
        seen.append(head)
        return lambda _: None

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/v1.0/users", "QUERY_STRING": ""}
    body = b"".join(app(environ, start))

    assert seen[0][0].startswith("429")
    assert b"TooManyRequests" in body


KNOWN = frozenset({"id", "displayName", "department", "accountEnabled", "assignedLicenses"})
texts = st.text("abc 'É", max_size=5)
users = st.fixed_dictionaries(
    {
        "id": texts,
        "displayName": texts,
        "department": texts | st.none(),
        "accountEnabled": st.booleans(),
    }
)


@given(users, texts, texts)
def test_a_filter_means_what_it_says(user: dict[str, Any], first: str, second: str) -> None:
    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def holds(text: str) -> bool:
        return parse_filter(text, KNOWN, "user").test(user)

    same = user["displayName"].casefold() == first.casefold()
    begins = user["department"] is not None and user["department"].casefold().startswith(
        second.casefold()
    )
    a, b = f"displayName eq {quoted(first)}", f"startswith(department,{quoted(second)})"
    assert holds(a) is same
    assert holds(b) is begins
    assert holds(f"{a} and {b}") is (same and begins)
    assert holds(f"{a} or {b}") is (same or begins)
    assert holds(f"not({a}) and (accountEnabled eq true)") is (not same and user["accountEnabled"])
    assert holds(f"displayName in ({quoted(first)}, {quoted(second)})") is (
        same or user["displayName"].casefold() == second.casefold()
    )


@given(st.text(max_size=30))
@settings(max_examples=300)
def test_no_text_makes_the_filter_fail_otherwise_than_in_graphs_words(text: str) -> None:
    for read in (lambda: parse_filter(text, KNOWN, "user"), lambda: search(text)):
        with suppress(GraphError):
            read()
