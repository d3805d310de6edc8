"""Numbers: orders that take their time, settling of calling plans, and why an order fails."""

from __future__ import annotations

import pytest

from tests.provisioner.simulators.teams.graph_client import (
    DOMESTIC,
    INTERNATIONAL,
    NUMBERS,
    PHONE,
    Graph,
    caller,
    catalog,
    person,
)

POOL = catalog(numbers=["+4989100", "+4989101"])


def test_an_order_is_accepted_runs_and_succeeds() -> None:
    graph = Graph([POOL, caller("eva")])
    body = {
        "telephoneNumber": "+4989100",
        "assignmentTargetId": "id-eva",
        "numberType": "callingPlan",
    }

    location = graph.order("assign", body)
    states = [graph.outcome(location)[0]]
    for _ in range(2):
        graph.clock.advance(seconds=1)
        states.append(graph.outcome(location)[0])

    assert states == ["notStarted", "running", "succeeded"]
    found = graph.get("/admin/teams/userConfigurations/id-eva").json
    assert found["isEnterpriseVoiceEnabled"] is True
    assert found["telephoneNumbers"] == [
        {"telephoneNumber": "+4989100", "assignmentCategory": "primary"}
    ]
    listed = graph.get(f"{NUMBERS}/numberAssignments", filter="assignmentStatus eq 'unassigned'")
    assert [each["telephoneNumber"] for each in listed.value] == ["+4989101"]


def test_a_new_calling_plan_takes_a_number_only_after_a_day() -> None:
    graph = Graph([POOL, person("eva")])
    graph.assign("id-eva", PHONE, DOMESTIC)

    early = graph.give_number("id-eva", "+4989100")
    features = graph.get("/admin/teams/userConfigurations/id-eva").json["featureTypes"]
    graph.portal("clock", {"advance_s": 86_400})
    graph.token = graph.new_token()
    late = graph.give_number("id-eva", "+4989100")

    assert early == ("failed", "User eva@example.org does not have a Calling Plan license.")
    assert features == ["Teams", "PhoneSystem"]
    assert late == ("succeeded", None)


def test_a_swapped_plan_needs_no_settling() -> None:
    graph = Graph([POOL, caller("eva")])
    graph.assign("id-eva", INTERNATIONAL, remove=[DOMESTIC])

    assert graph.give_number("id-eva", "+4989100") == ("succeeded", None)


@pytest.mark.parametrize(
    ("user", "number", "why"),
    [
        ("id-eva", "+4989200", "already assigned to id-jan"),
        ("id-eva", "+4989999", "was not found in the tenant"),
        ("id-nobody", "+4989100", "was not found"),
        ("id-ida", "+4989100", "does not have a Teams Phone license"),
        ("id-eva", "+4989300", "on-premises"),
    ],
)
def test_an_order_that_cannot_be_carried_out_fails_and_says_why(
    user: str, number: str, why: str
) -> None:
    graph = Graph([POOL, caller("eva"), caller("jan", "+4989200"), person("ida")])
    graph.portal("number", {"number": "+4989300", "source": "onPremises"})

    status, detail = graph.give_number(user, number)

    assert status == "failed"
    assert why in str(detail)


def test_direct_routing_needs_no_calling_plan_and_takes_any_number() -> None:
    graph = Graph([person("eva", license="teams_phone")])
    body = {
        "telephoneNumber": "12061234567",
        "assignmentTargetId": "id-eva",
        "numberType": "directRouting",
    }

    location = graph.order("assign", body)
    graph.clock.advance(seconds=5)

    assert graph.outcome(location) == ("succeeded", None)
    assert graph.state()[1]["numbers"] == ["+12061234567"]


def test_an_unassigned_number_is_free_and_enterprise_voice_off() -> None:
    graph = Graph([caller("eva", "+4989100"), caller("jan")])
    body = {"telephoneNumber": "+4989100", "numberType": "callingPlan"}

    location = graph.order("unassign", body)
    graph.clock.advance(seconds=5)
    again = graph.order("unassign", body)
    graph.clock.advance(seconds=5)

    assert graph.outcome(location) == ("succeeded", None)
    assert graph.outcome(again)[0] == "failed"
    found = graph.get("/admin/teams/userConfigurations/id-eva").json
    assert found["isEnterpriseVoiceEnabled"] is False
    assert graph.give_number("id-jan", "+4989100") == ("succeeded", None)


def test_an_emergency_location_must_be_one_of_the_tenant() -> None:
    graph = Graph([POOL, caller("eva")])
    place = graph.portal("location", {"name": "Munich HQ"})["id"]

    def assign(location: str) -> tuple[str, str | None]:
        body = {
            "telephoneNumber": "+4989100",
            "assignmentTargetId": "id-eva",
            "numberType": "callingPlan",
            "locationId": location,
        }
        order = graph.order("assign", body)
        graph.clock.advance(seconds=5)
        return graph.outcome(order)

    assert assign("elsewhere")[0] == "failed"
    assert assign(place) == ("succeeded", None)
    shown = graph.get(f"{NUMBERS}/numberAssignments", filter="telephoneNumber eq '+4989100'").value
    assert shown[0]["locationId"] == place
    body = {"telephoneNumber": "+4989100", "locationId": None}
    assert graph.post(f"{NUMBERS}/numberAssignments/updateNumber", body).status == 204


def test_orders_that_are_not_well_formed_are_refused_at_once() -> None:
    graph = Graph([POOL, caller("eva")])

    def refused(**body: object) -> int:
        return graph.post(f"{NUMBERS}/numberAssignments/assignNumber", body).status

    whole = {"telephoneNumber": "+4989100", "assignmentTargetId": "id-eva"}
    assert refused(**whole) == 400
    assert refused(**whole, numberType="satellite") == 400
    assert refused(**whole, numberType="callingPlan", colour="red") == 400
    assert refused(**whole, numberType="callingPlan", assignmentCategory="best") == 400
    assert refused(**whole | {"telephoneNumber": "call me"}, numberType="callingPlan") == 400


def test_policies_are_assigned_by_id_and_shown_by_name() -> None:
    graph = Graph([catalog(templates=["Office", "CallingLineIdentity:Main number"]), caller("eva")])
    policy = graph.get(
        "/admin/teams/policy/getPolicyId(type='teamsCallingPolicy',name='office')"
    ).value[0]
    entry = {"userId": "id-eva", "policyType": "TeamsCallingPolicy", "policyId": policy["policyId"]}

    assert (
        graph.post("/admin/teams/policy/userAssignments/assign", {"value": [entry]}).status == 204
    )
    found = graph.get("/admin/teams/userConfigurations/id-eva").json["effectivePolicyAssignments"]
    assert [(e["policyType"], e["policyAssignment"]["displayName"]) for e in found] == [
        ("TeamsCallingPolicy", "Office")
    ]
    assert graph.get("/admin/teams/policy/userAssignments").value[0]["userId"] == "id-eva"
    wrong = {"value": [entry | {"policyId": "none"}]}
    assert graph.post("/admin/teams/policy/userAssignments/assign", wrong).status == 400
    graph.post("/admin/teams/policy/userAssignments/unassign", {"value": [entry]})
    assert graph.get("/admin/teams/policy/userAssignments").value == []
