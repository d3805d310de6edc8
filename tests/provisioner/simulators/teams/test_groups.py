"""Licenses from groups: worked out in the background, all of a group's products or none."""

from __future__ import annotations

from typing import Any

from tests.provisioner.simulators.teams.graph_client import (
    CREDIT,
    DOMESTIC,
    E3,
    MCOPSTN1,
    PHONE,
    PHONE_NAME,
    PLAN_NAME,
    Graph,
    catalog,
    person,
)

CALLERS = "Callers"
E3_NAME = "Microsoft 365 E3"
WHOLE = (E3_NAME, PHONE_NAME, PLAN_NAME)
"""An add-on's prerequisite must be in the same group."""


def states(graph: Graph, user: str) -> dict[str, tuple[Any, str]]:
    shown = graph.get(f"/users/{user}", select="licenseAssignmentStates").json
    return {
        each["skuId"]: (each["assignedByGroup"], each["error"])
        for each in shown["licenseAssignmentStates"]
    }


def group(graph: Graph, *members: str, licenses: tuple[str, ...] = WHOLE) -> str:
    mails = [f"{name}@example.org" for name in members]
    made = graph.portal("group", {"name": CALLERS, "add": mails, "licenses": list(licenses)})
    return str(made["id"])


def settle(graph: Graph) -> None:
    graph.clock.advance(seconds=6)


def test_members_get_a_groups_products_after_a_while() -> None:
    graph = Graph([person("eva"), person("jan")])
    id_ = group(graph, "eva")

    assert graph.skus_of("id-eva") == {E3}
    state = graph.get(f"/groups/{id_}", select="licenseProcessingState").json
    assert state["licenseProcessingState"] == {"state": "QueuedForProcessing"}
    settle(graph)
    assert graph.skus_of("id-eva") == {E3, PHONE, DOMESTIC}
    assert states(graph, "id-eva")[PHONE] == (id_, "None")
    assert graph.skus_of("id-jan") == {E3}
    assert graph.seats(PHONE)[1] == 1


def test_what_a_group_gives_can_only_be_left_with_the_group() -> None:
    graph = Graph([person("eva")])
    id_ = group(graph, "eva")
    settle(graph)

    refused = graph.assign("id-eva", remove=[PHONE])
    assert refused.message == "User does not have a corresponding license."
    assert graph.delete(f"/groups/{id_}/members/id-eva/$ref").status == 204
    settle(graph)
    assert graph.skus_of("id-eva") == {E3}
    assert graph.delete(f"/groups/{id_}/members/id-eva/$ref").status == 404


def test_one_product_without_a_seat_means_none_of_the_group_for_that_member() -> None:
    seats = catalog(licenses={PHONE_NAME: 5, "Microsoft 365 E3": 5}, packages={PLAN_NAME: 1})
    graph = Graph([seats, person("eva"), person("jan")])
    id_ = group(graph, "eva", "jan")
    settle(graph)

    assert graph.skus_of("id-eva") == {E3, PHONE, DOMESTIC}
    assert graph.skus_of("id-jan") == {E3}
    found = states(graph, "id-jan")
    assert (found[DOMESTIC], found[PHONE]) == ((id_, "CountViolation"), (id_, "Other"))
    assert graph.seats(PHONE) == (5, 1)
    failed = graph.get(f"/groups/{id_}/membersWithLicenseErrors", select="id").value
    assert [each["id"] for each in failed] == ["id-jan"]
    graph.portal("seats", {PLAN_NAME: 2})
    assert graph.post("/users/id-jan/reprocessLicenseAssignment", None).status == 200
    assert graph.skus_of("id-jan") == {E3, PHONE, DOMESTIC}


def test_an_add_on_without_its_prerequisite_in_the_same_group_is_not_given() -> None:
    graph = Graph([person("eva")])
    graph.assign("id-eva", PHONE)
    id_ = group(graph, "eva", licenses=(PLAN_NAME,))
    settle(graph)

    assert states(graph, "id-eva")[DOMESTIC] == (id_, "DependencyViolation")
    assert DOMESTIC not in graph.skus_of("id-eva")


def test_plans_that_exclude_each_other_and_closed_countries_fail_where_the_portal_says_so() -> None:
    graph = Graph([person("eva", license="teams_phone"), person("jan", usage_location="FR")])
    rules: dict[str, object] = {
        "exclusive": [["MCOPSTN1", "MCOPSTN2"]],
        "prohibited": {"MCOPSTNC": ["FR"]},
    }
    graph.portal("rules", rules)
    graph.portal("seats", {"MCOPSTN2": 5})
    graph.assign("id-eva", DOMESTIC)

    refused = graph.assign("id-eva", "d3b4fe1f-9992-4930-8acb-ca6ec609365e")
    assert MCOPSTN1 in refused.message
    assert "mutually exclusive" in refused.message
    assert graph.assign("id-jan", CREDIT).status == 400
    group(graph, "jan", licenses=("MCOPSTNC",))
    settle(graph)
    assert states(graph, "id-jan")[CREDIT][1] == "ProhibitedInUsageLocationViolation"


def test_whoever_has_no_usage_location_gets_the_tenants_from_a_group() -> None:
    graph = Graph([person("eva", usage_location=None)])
    group(graph, "eva")
    settle(graph)

    assert PHONE in graph.skus_of("id-eva")


def test_a_groups_licenses_change_by_its_own_operation() -> None:
    graph = Graph([person("eva")])
    id_ = group(graph, "eva", licenses=(E3_NAME,))

    body: dict[str, object] = {
        "addLicenses": [{"skuId": PHONE, "disabledPlans": []}],
        "removeLicenses": [],
    }
    assert graph.post(f"/groups/{id_}/assignLicense", body).status == 202
    settle(graph)
    assert PHONE in graph.skus_of("id-eva")
    body = {"addLicenses": [], "removeLicenses": [PHONE]}
    assert graph.post(f"/groups/{id_}/assignLicense", body).status == 202
    assert graph.post(f"/groups/{id_}/assignLicense", body).status == 400
    settle(graph)
    assert graph.skus_of("id-eva") == {E3}


def test_members_and_memberships_are_told_from_both_sides() -> None:
    graph = Graph([person("eva"), person("jan")])
    id_ = group(graph, "eva", licenses=())
    reference = {"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/id-jan"}

    assert graph.post(f"/groups/{id_}/members/$ref", reference).status == 204
    assert graph.post(f"/groups/{id_}/members/$ref", reference).status == 400
    for members in ("members", "transitiveMembers"):
        found = graph.get(f"/groups/{id_}/{members}", select="id").value
        assert [each["id"] for each in found] == ["id-eva", "id-jan"]
    active = graph.get(f"/groups/{id_}/members", filter="accountEnabled eq true", select="id")
    assert [each["id"] for each in active.value] == ["id-eva", "id-jan"]
    assert "usageLocation" not in graph.get(f"/groups/{id_}/members").value[0]
    for groups in ("memberOf", "transitiveMemberOf"):
        assert [e["displayName"] for e in graph.get(f"/users/id-jan/{groups}").value] == [CALLERS]
    assert [e["id"] for e in graph.get("/groups", filter="displayName eq 'callers'").value] == [id_]


def test_a_license_from_a_group_and_a_direct_one_take_one_seat() -> None:
    graph = Graph([person("eva", license="teams_phone")])
    group(graph, "eva", licenses=(E3_NAME, PHONE_NAME))
    settle(graph)

    assert (graph.seats(PHONE)[1], graph.seats(E3)[1]) == (1, 1)
    assert graph.assign("id-eva", remove=[PHONE]).status == 200
    assert PHONE in graph.skus_of("id-eva")
    assert graph.seats(PHONE)[1] == 1
