"""Writes against a scripted Graph: throttled items, refusals by their text, lost answers, orders."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from connectors.errors import RunError, TransientError
from connectors.records import Change, Outcome, Value
from tests.connectors.phone.teams.scripted_graph import (
    API,
    DOMESTIC_SKU,
    E3_SKU,
    PHONE_SKU,
    Graph,
    entry,
    error,
)
from tests.graph_watch import wrong_in

DOMESTIC = "Skype for Business PSTN Domestic Calling"
NUMBERS = f"{API}/admin/teams/telephoneNumberManagement/numberAssignments"
ASSIGN = "/users/u1/assignLicense"


@pytest.fixture
def graph() -> Iterator[Graph]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        graph = Graph(mock)
        graph.bought(phone=(10, 0), domestic=(10, 0))
        yield graph
        assert wrong_in(mock.calls, API) == []


def change(kind: str, before: Value, after: Value, who: str = "u1", seq: int = 1) -> Change:
    return Change(
        seq=seq, kind=kind, user=f"{who}@example.org", key=who, id=who, before=before, after=after
    )


LICENSE = change("license.assign", None, "teams_phone")


def carried(graph: Graph, *changes: Change, **config: str) -> list[Outcome]:
    return list(graph.phone(**config).carry_out(changes))


def test_a_throttled_item_is_sent_again_alone_after_the_wait_it_was_told(graph: Graph) -> None:
    for who in ("u1", "u2"):
        graph.item("GET", f"/users/{who}", 200, entry(who, E3_SKU))
    graph.item("POST", ASSIGN, 429, error("Too Many Requests"), Retry_After="7")
    graph.item("POST", ASSIGN, 200, entry("u1"))
    graph.item("POST", "/users/u2/assignLicense", 200, entry("u2"))

    outcomes = carried(graph, LICENSE, change("license.assign", None, "teams_phone", "u2", 2))

    assert [o.state for o in outcomes] == ["done", "done"]
    assert graph.waits == [7.0]
    assert [len(batch) for batch in graph.batches] == [2, 2, 1]


def test_items_that_meet_an_expired_token_are_sent_again_with_a_new_one(graph: Graph) -> None:
    graph.item("GET", "/users/u1", 401, error("expired", "InvalidAuthenticationToken"))
    graph.item("GET", "/users/u1", 200, entry("u1", E3_SKU))
    graph.item("POST", ASSIGN, 401, error("expired", "InvalidAuthenticationToken"))
    graph.item("POST", ASSIGN, 200, entry("u1"))

    (outcome,) = carried(graph, LICENSE)

    assert outcome.state == "done"
    tokens = [c for c in graph.mock.calls if str(c.request.url).endswith("/token")]
    assert len(tokens) == 3


def test_a_batch_that_only_reads_is_sent_again_where_it_got_lost(graph: Graph) -> None:
    graph.item("GET", "/users/u1", 200, entry("u1", E3_SKU))
    graph.item("POST", ASSIGN, 200, entry("u1"))
    graph.lost = 1

    (outcome,) = carried(graph, LICENSE)

    assert outcome.state == "done"
    assert [each[0]["method"] for each in graph.batches] == ["GET", "POST"]


def test_one_who_is_refused_does_not_keep_the_others_of_the_batch(graph: Graph) -> None:
    for who in ("u1", "u2"):
        graph.item("GET", f"/users/{who}", 200, entry(who, E3_SKU))
    text = f"Subscription with SKU {PHONE_SKU} does not have any available licenses."
    graph.item("POST", ASSIGN, 400, error(text))
    graph.item("POST", "/users/u2/assignLicense", 200, entry("u2"))

    first, second = carried(graph, LICENSE, change("license.assign", None, "teams_phone", "u2", 2))

    assert (first.state, second.state) == ("failed", "done")
    assert "Microsoft Teams Phone Standard" in str(first.reason)
    assert "order seats" in str(first.reason)


def test_a_dependency_names_the_service_plans_and_not_their_guids(graph: Graph) -> None:
    graph.item("GET", "/users/u1", 200, entry("u1"))
    text = (
        "License assignment failed because service plan 4828c8ec-dc2e-4779-b502-87ac9ce28ab7 depends"
        " on the service plan(s) 57ff2da0-773e-42df-b2af-ffb7a2317929"
    )
    graph.item("POST", ASSIGN, 400, error(text))

    (outcome,) = carried(graph, LICENSE)

    assert outcome.state == "failed"
    assert "service plan MCOEV depends on the service plan(s) TEAMS1" in str(outcome.reason)


def test_who_lost_their_place_since_the_plan_is_not_licensed_and_the_others_are(
    graph: Graph,
) -> None:
    graph.item("GET", "/users/u1", 200, entry("u1", E3_SKU, usageLocation=None))
    graph.item("GET", "/users/u2", 200, entry("u2", E3_SKU))
    graph.item("POST", "/users/u2/assignLicense", 200, entry("u2"))

    lost, kept = carried(
        graph,
        LICENSE,
        change("license.assign", None, "teams_phone", "u2", 2),
        usage_location="DE",
    )

    assert (lost.state, kept.state) == ("failed", "done")
    assert "no usage location any more" in str(lost.reason)
    sent = [[(i["method"], i["url"].partition("?")[0]) for i in batch] for batch in graph.batches]
    assert sent[1:] == [[("POST", "/users/u2/assignLicense")]]


def test_a_removal_that_graph_no_longer_knows_is_done_if_a_fresh_read_shows_it_gone(
    graph: Graph,
) -> None:
    graph.item("GET", "/users/u1", 200, entry("u1", PHONE_SKU))
    graph.item("GET", "/users/u1", 200, entry("u1", E3_SKU))
    graph.item("POST", ASSIGN, 400, error("User does not have a corresponding license."))

    (outcome,) = carried(graph, change("license.remove", "teams_phone", None))

    assert outcome.state == "done"


def test_a_removal_of_what_a_group_gives_too_says_which_group(graph: Graph) -> None:
    by_group = {
        "skuId": PHONE_SKU, "assignedByGroup": "g1", "state": "Active", "error": "None",
    }  # fmt: skip
    graph.item("GET", "/users/u1", 200, entry("u1", PHONE_SKU))
    graph.item("GET", "/users/u1", 200, entry("u1", PHONE_SKU, licenseAssignmentStates=[by_group]))
    graph.item("POST", ASSIGN, 400, error("User does not have a corresponding license."))
    graph.mock.get(f"{API}/groups/g1", json={"id": "g1", "displayName": "Phone Users"})

    (outcome,) = carried(graph, change("license.remove", "teams_phone", None))

    assert outcome.state == "planned"
    assert "group Phone Users" in str(outcome.reason)


def test_what_a_group_gives_waits_and_is_not_even_asked_for(graph: Graph) -> None:
    by_group = {
        "skuId": PHONE_SKU, "assignedByGroup": "g1", "state": "Active", "error": "None",
    }  # fmt: skip
    holder = entry("u1", PHONE_SKU, licenseAssignmentStates=[by_group])
    graph.item("GET", "/users/u1", 200, holder)
    graph.mock.get(f"{API}/groups/g1", json={"id": "g1", "displayName": "Phone Users"})

    (outcome,) = carried(graph, change("license.remove", "teams_phone", None))

    assert outcome.state == "planned"
    assert len(graph.batches) == 1


def test_an_answer_that_is_lost_leaves_only_that_person_in_doubt(graph: Graph) -> None:
    for who in ("u1", "u2"):
        graph.item("GET", f"/users/{who}", 200, entry(who, E3_SKU))
    graph.item("POST", ASSIGN, 503, error("busy", "serviceUnavailable"))
    graph.item("POST", "/users/u2/assignLicense", 200, entry("u2"))
    carrying = graph.phone().carry_out(
        [LICENSE, change("license.assign", None, "teams_phone", "u2", 2)]
    )

    known = next(carrying)
    with pytest.raises(TransientError) as raised:
        next(carrying)

    assert (known.seq, known.state) == (2, "done")
    assert raised.value.in_doubt


def test_a_batch_answered_without_one_of_its_writes_is_in_doubt(graph: Graph) -> None:
    graph.mock.replace(responses.POST, f"{API}/$batch", json={"responses": []})
    with pytest.raises(TransientError) as raised:
        list(graph.phone().carry_out([change("profile.update", None, {"department": "Sales"})]))

    assert raised.value.in_doubt


def test_a_first_calling_plan_is_settling_and_a_swap_is_done(graph: Graph) -> None:
    graph.item("GET", "/users/u1", 200, entry("u1", E3_SKU, PHONE_SKU))
    graph.item("POST", ASSIGN, 200, entry("u1"))

    (outcome,) = carried(graph, change("package.assign", None, DOMESTIC))

    assert outcome.state == "settling"
    assert graph.batches[-1][0]["body"] == {
        "addLicenses": [{"skuId": DOMESTIC_SKU, "disabledPlans": []}],
        "removeLicenses": [],
    }


def number(graph: Graph, **members: object) -> None:
    value = {
        "telephoneNumber": "+49891",
        "numberType": "callingPlan",
        "assignmentStatus": "unassigned",
        "capabilities": ["userAssignment"],
    } | members
    graph.mock.get(NUMBERS, json={"value": [value]})


def order(graph: Graph, *looks: tuple[str, str | None], wrapped: bool = True) -> None:
    at = f"{API}/admin/teams/telephoneNumberManagement/operations('o1')"
    graph.mock.post(f"{NUMBERS}/assignNumber", status=202, headers={"Location": at})
    for status, detail in looks:
        told = {
            "id": "o1",
            "status": status,
            "numbers": [{"status": status, "statusDetail": detail}],
        }
        graph.mock.get(at, json={"value": told} if wrapped else told)


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_order_for_a_number_is_followed_to_its_end(graph: Graph, wrapped: bool) -> None:
    number(graph)
    order(graph, ("notStarted", None), ("running", None), ("succeeded", None), wrapped=wrapped)

    (outcome,) = carried(graph, change("number.assign", None, "+49891"))

    assert outcome.state == "done"
    assert len(graph.waits) == 3


@pytest.mark.parametrize(
    "location",
    [
        "/v1.0/admin/teams/telephoneNumberManagement/operations('o1')",
        "admin/teams/telephoneNumberManagement/operations('o1')",
        "https://graph.microsoft.com/v1.0/admin/teams/telephoneNumberManagement/operations('o1')",
    ],
)
def test_an_orders_address_may_be_relative_or_by_graphs_own_name(
    graph: Graph, location: str
) -> None:
    number(graph)
    order(graph, ("succeeded", None))
    graph.mock.replace(
        responses.POST, f"{NUMBERS}/assignNumber", status=202, headers={"Location": location}
    )

    (outcome,) = carried(graph, change("number.assign", None, "+49891"))

    assert outcome.state == "done"


def test_an_accepted_order_that_cant_be_looked_at_yet_has_not_failed(graph: Graph) -> None:
    number(graph)
    order(graph, ("succeeded", None))
    at = f"{API}/admin/teams/telephoneNumberManagement/operations('o1')"
    graph.mock.replace(responses.GET, at, status=404, json=error("no such operation", "NotFound"))

    (outcome,) = carried(graph, change("number.assign", None, "+49891"))

    assert outcome.state == "settling"


def test_an_order_that_takes_too_long_is_settling(graph: Graph) -> None:
    number(graph)
    order(graph, ("running", None))

    (outcome,) = carried(graph, change("number.assign", None, "+49891"))

    assert outcome.state == "settling"
    assert 60 <= sum(graph.waits) <= 120


def test_an_order_that_fails_for_a_license_that_teams_lacks_yet_waits(graph: Graph) -> None:
    number(graph)
    order(graph, ("failed", "User u1 does not have a Calling Plan license."))

    (outcome,) = carried(graph, change("number.assign", None, "+49891"))

    assert outcome.state == "planned"


def test_an_order_that_fails_for_another_reason_fails_with_it(graph: Graph) -> None:
    number(graph)
    order(graph, ("failed", "Telephone number +49891 is synchronized from on-premises."))

    (outcome,) = carried(graph, change("number.assign", None, "+49891"))

    assert (outcome.state, "on-premises" in str(outcome.reason)) == ("failed", True)


def test_a_number_of_somebody_else_is_not_ordered(graph: Graph) -> None:
    number(graph, assignmentStatus="userAssigned", assignmentTargetId="u9")

    (outcome,) = carried(graph, change("number.assign", None, "+49891"))

    assert outcome.state == "failed"
    assert "held by somebody else" in str(outcome.reason)


def test_a_number_that_is_held_already_is_not_ordered_again(graph: Graph) -> None:
    number(graph, assignmentStatus="userAssigned", assignmentTargetId="u1")

    (outcome,) = carried(graph, change("number.assign", None, "+49891"))

    assert outcome.state == "done"


def test_a_refused_secret_stops_the_run_and_is_not_told(graph: Graph) -> None:
    graph.mock.replace(
        responses.POST,
        "https://login.example.org/t/oauth2/v2.0/token",
        status=401,
        json={"error": "invalid_client", "error_description": "AADSTS7000215"},
    )

    with pytest.raises(RunError) as raised:
        graph.phone().check()

    assert "AADSTS7000215" in str(raised.value)
    assert "not-for-anyones-eyes" not in str(raised.value)


def test_a_missing_permission_is_told_before_anything_is_planned(graph: Graph) -> None:
    graph.mock.replace(
        responses.GET,
        f"{API}/subscribedSkus",
        status=403,
        json=error(
            "Insufficient privileges to complete the operation.", "Authorization_RequestDenied"
        ),
    )

    with pytest.raises(RunError, match="permissions"):
        graph.phone().check()


def test_an_expired_token_is_replaced_and_the_request_repeated(graph: Graph) -> None:
    graph.mock.replace(
        responses.GET,
        f"{API}/subscribedSkus",
        status=401,
        json=error("expired", "InvalidAuthenticationToken"),
    )
    graph.mock.get(f"{API}/subscribedSkus", json={"value": []})
    graph.mock.get(NUMBERS, json={"value": []})

    catalog = graph.phone().catalog()

    assert catalog.packages == {}
