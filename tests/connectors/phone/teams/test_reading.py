"""Reads of a scripted Graph: whole or not at all, and what a phone user is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connectors.errors import IncompleteRead
from connectors.records import PhoneUser
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
E5_SKU = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
MCOEV = "4828c8ec-dc2e-4779-b502-87ac9ce28ab7"
NUMBERS = f"{API}/admin/teams/telephoneNumberManagement/numberAssignments"
CONFIGURATIONS = f"{API}/admin/teams/userConfigurations"


@pytest.fixture
def graph() -> Iterator[Graph]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        graph = Graph(mock)
        graph.bought(phone=(10, 0), domestic=(10, 0))
        yield graph
        assert wrong_in(mock.calls, API) == []


def tell(
    graph: Graph,
    *users: dict[str, Any],
    deleted: tuple[dict[str, Any], ...] = (),
    voices: tuple[dict[str, Any], ...] = (),
    numbers: tuple[dict[str, Any], ...] = (),
) -> None:
    """Let the tenant have these."""
    graph.mock.get(f"{API}/users", json={"value": list(users)})
    graph.mock.get(
        f"{API}/directory/deletedItems/microsoft.graph.user", json={"value": list(deleted)}
    )
    graph.mock.get(CONFIGURATIONS, json={"value": list(voices)})
    graph.mock.get(NUMBERS, json={"value": list(numbers)})


def read(graph: Graph, **config: Any) -> dict[str, PhoneUser]:
    return {user.id: user for user in graph.phone(**config).read()}


def voice(id: str = "u1", *features: str, **members: Any) -> dict[str, Any]:
    return {"id": id, "featureTypes": list(features), "accountType": "user"} | members


def test_pages_are_followed_and_who_comes_twice_is_given_once(graph: Graph) -> None:
    more = f"{API}/users?$skiptoken=x"
    tell(graph)
    graph.mock.replace(
        responses.GET, f"{API}/users", json={"value": [entry("u1")], "@odata.nextLink": more}
    )
    graph.mock.get(
        f"{API}/users",
        json={"value": [entry("u1"), entry("u2")]},
        match=[responses.matchers.query_param_matcher({"$skiptoken": "x"})],
    )

    assert set(read(graph)) == {"u1", "u2"}


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, error("Expired page token", "Request_BadRequest")), (200, {"odd": True})],
)
def test_a_list_that_is_cut_off_is_no_read(graph: Graph, status: int, body: Any) -> None:
    tell(graph)
    graph.mock.replace(
        responses.GET,
        f"{API}/users",
        json={"value": [entry("u1")], "@odata.nextLink": f"{API}/users?$skiptoken=x"},
    )
    graph.mock.get(
        f"{API}/users",
        status=status,
        json=body,
        match=[responses.matchers.query_param_matcher({"$skiptoken": "x"})],
    )

    with pytest.raises(IncompleteRead):
        read(graph)
    graph.mock.calls.reset()  # the odd page is no answer of Graph's


def test_a_next_page_elsewhere_is_refused_as_it_would_take_the_token_along(graph: Graph) -> None:
    tell(graph)
    link = "https://elsewhere.example.net/v1.0/users?$skiptoken=x"
    graph.mock.replace(responses.GET, f"{API}/users", json={"value": [], "@odata.nextLink": link})

    with pytest.raises(IncompleteRead, match="another host"):
        read(graph)


def test_a_next_page_by_graphs_own_name_is_asked_of_the_proxy(graph: Graph) -> None:
    link = "https://graph.microsoft.com/v1.0/users?$skiptoken=x"
    tell(graph)
    graph.mock.replace(
        responses.GET, f"{API}/users", json={"value": [entry("u1")], "@odata.nextLink": link}
    )
    graph.mock.get(
        f"{API}/users",
        json={"value": [entry("u2")]},
        match=[responses.matchers.query_param_matcher({"$skiptoken": "x"})],
    )

    assert sorted(read(graph)) == ["u1", "u2"]


def test_lists_may_spell_an_id_each_in_its_own_way(graph: Graph) -> None:
    id = "abcdef00-0000-4000-8000-000000000001"
    held = {
        "telephoneNumber": "+49891",
        "assignmentStatus": "userAssigned",
        "assignmentTargetId": id.upper(),
        "numberType": "callingPlan",
    }
    tell(
        graph,
        entry(id, PHONE_SKU, DOMESTIC_SKU),
        voices=(voice(id.upper(), "PhoneSystem", "CallingPlan"),),
        numbers=(held,),
    )

    (user,) = read(graph).values()

    assert (user.id, user.numbers, user.settling) == (id, ("+49891",), ())


def test_an_answer_about_somebody_else_is_asked_for_again(graph: Graph) -> None:
    graph.item("GET", "/users/u1", 200, entry("u2"))
    graph.item("GET", "/users/u1", 200, entry("u1"))

    (user,) = graph.phone().read_some([PhoneUser("u1", email="u1@example.org")])

    assert user.id == "u1"


def test_answers_that_stay_about_somebody_else_are_no_read(graph: Graph) -> None:
    graph.item("GET", "/users/u1", 200, entry("u2"))

    with pytest.raises(IncompleteRead, match="somebody else"):
        list(graph.phone().read_some([PhoneUser("u1", email="u1@example.org")]))


def test_a_list_that_runs_in_a_circle_is_no_read(graph: Graph) -> None:
    tell(graph)
    graph.mock.replace(
        responses.GET,
        f"{API}/users",
        json={"value": [], "@odata.nextLink": f"{API}/users?$skiptoken=x"},
    )

    with pytest.raises(IncompleteRead, match="circle"):
        read(graph)


def test_guests_are_nobodys_phone_users(graph: Graph) -> None:
    tell(graph, entry("u1"), entry("g1", userType="Guest"))

    assert set(read(graph)) == {"u1"}


def test_deleted_users_are_in_the_trash_with_what_comes_back(graph: Graph) -> None:
    tell(graph, entry("u1"), deleted=(entry("u2", PHONE_SKU),))

    found = read(graph)["u2"]

    assert (found.status, found.license) == ("trashed", "teams_phone")


def test_the_license_of_a_suite_holder_is_the_suite_and_counts_as_the_phone(graph: Graph) -> None:
    tell(graph, entry("u1", E5_SKU))

    found = read(graph)["u1"]

    assert found.license == "Microsoft 365 E5"
    assert {"teams_phone", "audio_conferencing"} <= set(found.counts_as)


def test_a_suite_whose_phone_is_off_gives_no_license(graph: Graph) -> None:
    off = [{"skuId": E5_SKU, "disabledPlans": [MCOEV]}]
    tell(graph, entry("u1", assignedLicenses=off))

    found = read(graph)["u1"]

    assert found.license is None
    assert "teams_phone" not in found.counts_as


@pytest.mark.parametrize(
    ("features", "settling"),
    [((), (DOMESTIC,)), (("Teams", "PhoneSystem"), (DOMESTIC,)), (("Calling Plan",), ())],
)
def test_a_calling_plan_is_settling_until_teams_has_the_feature(
    graph: Graph, features: tuple[str, ...], settling: tuple[str, ...]
) -> None:
    tell(graph, entry("u1", PHONE_SKU, DOMESTIC_SKU), voices=(voice("u1", *features),))

    assert read(graph)["u1"].settling == settling


def test_who_has_a_number_has_settled(graph: Graph) -> None:
    number = [{"telephoneNumber": "+49891", "assignmentCategory": "primary"}]
    tell(
        graph,
        entry("u1", PHONE_SKU, DOMESTIC_SKU),
        voices=(voice("u1", telephoneNumbers=number),),
        numbers=(
            {
                "telephoneNumber": "+49891",
                "assignmentStatus": "userAssigned",
                "assignmentTargetId": "u1",
                "locationId": "l-1",
            },
        ),
    )

    found = read(graph, locations={"Munich": "l-1"})["u1"]

    assert (found.numbers, found.settling) == (("+49891",), ())
    assert found.emergency_address == "Munich"


def test_a_license_of_a_group_is_by_hand_and_a_failed_one_is_told(graph: Graph) -> None:
    states = [
        {"skuId": PHONE_SKU, "assignedByGroup": "g1", "state": "Active", "error": "None"},
        {
            "skuId": DOMESTIC_SKU,
            "assignedByGroup": "g1",
            "state": "Error",
            "error": "CountViolation",
        },
    ]
    tell(graph, entry("u1", PHONE_SKU, licenseAssignmentStates=states))
    graph.mock.get(f"{API}/groups/g1", json={"id": "g1", "displayName": "Phone Users"})

    found = read(graph)["u1"]

    assert "out of the group Phone Users" in found.by_hand["license"]
    assert found.packages == ()
    assert {"sku": DOMESTIC, "error": "CountViolation", "group": "Phone Users"} in found.vendor[
        "licenses"
    ]
    assert [c.request.url for c in graph.mock.calls if "/groups/g" in str(c.request.url)] == [
        f"{API}/groups/g1?%24select=id%2CdisplayName"
    ]


def test_a_template_is_known_by_the_policies_that_are_effective(graph: Graph) -> None:
    templates = {
        "Office": {"TeamsCallingPolicy": "Office"},
        "Abroad": {"TeamsCallingPolicy": "Office", "OnlineVoiceRoutingPolicy": "World"},
    }
    one = _policy("TeamsCallingPolicy", "Office", "group")
    two = [_policy("TeamsCallingPolicy", "Office"), _policy("OnlineVoiceRoutingPolicy", "World")]
    tell(
        graph,
        *(entry(f"u{n}", PHONE_SKU) for n in (1, 2, 3)),
        voices=(
            voice("u1", effectivePolicyAssignments=[one]),
            voice("u2", effectivePolicyAssignments=two),
        ),
    )

    found = read(graph, templates=templates)

    assert [found[f"u{n}"].template for n in (1, 2, 3)] == ["Office", "Abroad", None]


def _policy(kind: str, name: str, how: str = "direct") -> dict[str, Any]:
    assignment = {"displayName": name, "assignmentType": how, "policyId": "p"}
    return {"policyType": kind, "policyAssignment": assignment}


def test_a_read_takes_a_request_for_each_list_and_none_for_each_person(graph: Graph) -> None:
    tell(graph, *(entry(f"u{n}", PHONE_SKU, E3_SKU) for n in range(50)))

    assert len(read(graph)) == 50

    asked = [str(c.request.url).partition("?")[0] for c in graph.mock.calls]
    assert len([url for url in asked if url.startswith(API)]) == 7


def test_seats_in_their_grace_count_and_those_of_an_ended_subscription_do_not(graph: Graph) -> None:
    def sku(id: str, status: str, enabled: int, warning: int) -> dict[str, Any]:
        units = {"enabled": enabled, "warning": warning, "suspended": 0, "lockedOut": 0}
        return {
            "skuId": id, "skuPartNumber": "X", "appliesTo": "User", "capabilityStatus": status,
            "consumedUnits": 3, "prepaidUnits": units, "servicePlans": [],
        }  # fmt: skip

    graph.mock.replace(
        responses.GET,
        f"{API}/subscribedSkus",
        json={"value": [sku(PHONE_SKU, "Warning", 0, 5), sku(DOMESTIC_SKU, "Suspended", 9, 0)]},
    )
    graph.mock.get(NUMBERS, json={"value": []})

    catalog = graph.phone().catalog()

    assert catalog.licenses is not None
    assert catalog.packages is not None
    assert (catalog.licenses["teams_phone"].total, catalog.licenses["teams_phone"].used) == (5, 3)
    assert catalog.packages[DOMESTIC].total == 0
    assert (catalog.credits and catalog.credits.total) == 0
