"""Licenses: order, seats, prerequisites, one call for additions and removals."""

from __future__ import annotations

from tests.provisioner.simulators.teams.graph_client import (
    CREDIT,
    DOMESTIC,
    E3,
    E5,
    INTERNATIONAL,
    MCOEV,
    MCOPSTN1,
    PHONE,
    PHONE_NAME,
    PLAN_NAME,
    TEAMS1,
    Graph,
    Reply,
    caller,
    catalog,
    person,
)


def test_nobody_without_a_usage_location_gets_a_license() -> None:
    graph = Graph([person("eva", usage_location=None)])

    refused = graph.assign("id-eva", PHONE)
    graph.patch("/users/id-eva", {"usageLocation": "DE"})
    accepted = graph.assign("id-eva", PHONE)

    assert refused.error == (400, "Request_BadRequest")
    assert refused.message == (
        "License assignment cannot be done for user with invalid usage location."
    )
    assert accepted.status == 200
    assert PHONE in graph.skus_of("id-eva")


def test_a_calling_plan_needs_teams_phone_and_names_the_service_plans() -> None:
    graph = Graph([person("eva")])

    refused = graph.assign("id-eva", DOMESTIC)

    assert refused.status == 400
    assert refused.message.startswith(
        f"License assignment failed because service plan {MCOPSTN1} depends on the service plan(s)"
        f" {MCOEV}"
    )
    assert graph.assign("id-eva", DOMESTIC, PHONE).status == 200


def test_teams_phone_needs_teams() -> None:
    graph = Graph([person("eva", vendor={"licenses": []})])

    assert graph.assign("id-eva", PHONE).message.endswith(
        f"depends on the service plan(s) {TEAMS1}"
    )


def test_what_others_depend_on_cannot_be_removed_alone() -> None:
    graph = Graph([caller("eva")])

    assert MCOPSTN1 in graph.assign("id-eva", remove=[PHONE]).message
    assert graph.assign("id-eva", remove=[PHONE, DOMESTIC]).status == 200
    assert graph.skus_of("id-eva") == {E3}


def test_a_suite_meets_what_an_add_on_needs() -> None:
    graph = Graph([person("eva", vendor={"licenses": ["Microsoft 365 E5"]})])

    assert graph.assign("id-eva", DOMESTIC).status == 200
    assert graph.skus_of("id-eva") == {E5, DOMESTIC}


def test_a_swap_in_one_call_leaves_no_moment_without_and_keeps_the_number() -> None:
    graph = Graph([caller("eva", "+4989100")])

    swapped = graph.assign("id-eva", INTERNATIONAL, remove=[DOMESTIC])

    assert swapped.status == 200
    assert graph.skus_of("id-eva") == {E3, PHONE, INTERNATIONAL}
    assert graph.state()[1]["numbers"] == ["+4989100"]


def test_without_a_free_seat_nothing_of_the_call_happens() -> None:
    seats = {"licenses": {PHONE_NAME: 2}, "packages": {PLAN_NAME: 1}}
    graph = Graph([catalog(**seats), caller("eva"), person("jan")])

    refused = graph.assign("id-jan", PHONE, DOMESTIC)

    assert refused.message == (
        f"Subscription with SKU {DOMESTIC} does not have any available licenses."
    )
    assert graph.skus_of("id-jan") == {E3}
    assert graph.seats(PHONE) == (2, 1)
    graph.assign("id-eva", remove=[DOMESTIC])
    assert graph.assign("id-jan", PHONE, DOMESTIC).status == 200
    assert graph.seats(DOMESTIC) == (1, 1)


def test_what_is_not_held_cannot_be_removed() -> None:
    graph = Graph([person("eva")])

    assert graph.assign("id-eva", remove=[CREDIT]).message == (
        "User does not have a corresponding license."
    )


def test_an_empty_change_and_a_missing_list_are_refused() -> None:
    graph = Graph([person("eva")])

    assert graph.assign("id-eva").message == "No license changes provided"
    missing = graph.post("/users/id-eva/assignLicense", {"addLicenses": []})
    assert "removeLicenses" in missing.message


def test_assigning_what_is_held_sets_the_disabled_plans_anew_and_takes_no_seat() -> None:
    line = person(
        "eva", vendor={"licenses": [{"sku": "Microsoft 365 E5", "disabled_plans": ["MCOEV"]}]}
    )
    graph = Graph([catalog(licenses={"Microsoft 365 E5": 1}), line])

    assert graph.assign("id-eva", DOMESTIC).status == 400  # not subscribed to either
    assert graph.assign("id-eva", E5).status == 200

    shown = graph.get("/users/id-eva", select="assignedLicenses").json["assignedLicenses"]
    assert shown == [{"skuId": E5, "disabledPlans": []}]
    assert graph.seats(E5) == (1, 1)


def test_a_suites_plans_of_other_services_can_be_off_and_stay_so() -> None:
    yammer = "7547a3fe-08ee-4ccb-b430-5077c5041653"
    off = {"sku": "Microsoft 365 E5", "disabled_plans": ["MCOEV", yammer]}
    graph = Graph([person("eva", vendor={"licenses": [off]})])

    def assign(plan: str) -> Reply:
        licenses = [{"skuId": E5, "disabledPlans": [plan]}]
        body = {"addLicenses": licenses, "removeLicenses": []}
        return graph.post("/users/id-eva/assignLicense", body)

    assert assign(yammer).status == 200
    foreign = assign(MCOPSTN1)

    shown = graph.get("/users/id-eva", select="assignedLicenses").json["assignedLicenses"]
    assert shown == [{"skuId": E5, "disabledPlans": [yammer]}]
    assert foreign.status == 400
    assert "does not contain the service plan" in str(foreign.json)


def test_a_product_that_was_never_bought_is_refused() -> None:
    graph = Graph([catalog(licenses={"Microsoft 365 E3": 5}), person("eva")])

    assert graph.assign("id-eva", PHONE).message == (
        f"License {PHONE} does not correspond to a valid company License."
    )


def test_an_unfunded_tenant_and_one_with_a_customer_agreement_have_no_credit_license() -> None:
    def credit(graph: Graph) -> list[str]:
        return [e["skuId"] for e in graph.get("/subscribedSkus").value if e["skuId"] == CREDIT]

    assert credit(Graph()) == [CREDIT]
    assert credit(Graph(mca=True)) == []
    unfunded = Graph(credits_seats=0)
    assert credit(unfunded) == []
    unfunded.portal("credits", {"seats": 5})
    assert unfunded.seats(CREDIT) == (5, 0)


def test_a_removed_calling_plan_takes_its_number_along() -> None:
    graph = Graph([caller("eva", "+4989100")])

    graph.assign("id-eva", remove=[DOMESTIC])

    assert graph.state()[1]["numbers"] == []
    shown = graph.get("/admin/teams/userConfigurations/id-eva").json
    assert (shown["isEnterpriseVoiceEnabled"], shown["telephoneNumbers"]) == (False, [])


def test_license_details_name_the_service_plans() -> None:
    graph = Graph([caller("eva")])

    parts = {e["skuPartNumber"] for e in graph.get("/users/id-eva/licenseDetails").value}

    assert parts == {"SPE_E3", "MCOEV", "MCOPSTN1"}
