"""What a user's own licenses, and those that groups failed to give, stand against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connectors.records import PhoneUser
from tests.connectors.phone.teams.scripted_graph import (
    API,
    DOMESTIC_SKU,
    E3_SKU,
    PHONE_SKU,
    Graph,
    entry,
)
from tests.connectors.phone.teams.test_reading import read, tell
from tests.graph_watch import wrong_in

E5_SKU = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
TEAMS_ESSENTIALS = "fde42873-30b6-436b-b361-21af5a6b84ae"
MCOEV = "4828c8ec-dc2e-4779-b502-87ac9ce28ab7"
TEAMS1, MCOSTANDARD = "57ff2da0-773e-42df-b2af-ffb7a2317929", "0feaeb32-d00e-4d66-bd5a-43b5b83db82c"
OTHER_SKU, OTHER_PLAN = (f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n in (1, 2))
RESTING = {"license.assign=teams_phone", "license.assign=microsoft teams phone standard"}


@pytest.fixture
def graph() -> Iterator[Graph]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        graph = Graph(mock)
        graph.mock.get(f"{API}/groups/g1", json={"id": "g1", "displayName": "Callers"})
        yield graph
        assert wrong_in(mock.calls, API) == []


def subscribe(graph: Graph, *others: dict[str, Any]) -> None:
    units = {"enabled": 9, "warning": 0, "suspended": 0, "lockedOut": 0}
    common = {"appliesTo": "User", "capabilityStatus": "Enabled", "consumedUnits": 0}
    phone = {"skuId": PHONE_SKU, "skuPartNumber": "MCOEV", "servicePlans": []}
    listed = [common | {"prepaidUnits": units} | each for each in (phone, *others)]
    graph.mock.get(f"{API}/subscribedSkus", json={"value": listed})


def holding(graph: Graph, *skus: str, off: tuple[str, ...] = (), **members: Any) -> PhoneUser:
    """Return the user who holds these products, some service plans of them switched off."""
    assigned = [{"skuId": sku, "disabledPlans": list(off)} for sku in skus]
    tell(graph, entry("u1", *skus, assignedLicenses=assigned, **members))
    return read(graph)["u1"]


def state(sku: str, error: str = "None", of: str | None = "g1") -> dict[str, Any]:
    failed = "Active" if error == "None" else "Error"
    return {"skuId": sku, "assignedByGroup": of, "state": failed, "error": error}


def product(*plans: tuple[str, str]) -> dict[str, Any]:
    """Return a subscription to what our table doesn't have, with these service plans."""
    told = [{"servicePlanId": id, "servicePlanName": name} for id, name in plans]
    return {"skuId": OTHER_SKU, "skuPartNumber": "OTHER", "servicePlans": told}


def test_teams_phone_by_itself_is_refused_to_whoever_has_no_teams_and_a_suite_is_not(
    graph: Graph,
) -> None:
    subscribe(graph)

    blocks = holding(graph).vendor["blocks"]

    assert set(blocks) == RESTING
    assert "no Teams, on which Teams Phone rests: give them Microsoft 365" in " ".join(
        blocks.values()
    )


@pytest.mark.parametrize("sku", [E3_SKU, E5_SKU, TEAMS_ESSENTIALS])
def test_who_has_teams_may_have_teams_phone(graph: Graph, sku: str) -> None:
    subscribe(graph)

    assert "blocks" not in holding(graph, sku).vendor


def test_teams_that_is_off_within_a_suite_is_told_with_the_suite(graph: Graph) -> None:
    subscribe(graph)

    user = holding(graph, E3_SKU, off=(TEAMS1, MCOSTANDARD))

    assert set(user.vendor["blocks"]) == RESTING
    assert "switched off in their Microsoft 365 E3" in user.vendor["blocks"][min(RESTING)]


def test_one_service_plan_that_teams_phone_rests_on_will_do(graph: Graph) -> None:
    subscribe(graph)

    assert "blocks" not in holding(graph, E3_SKU, off=(TEAMS1,)).vendor


def test_teams_phone_within_a_suite_brings_what_it_needs(graph: Graph) -> None:
    subscribe(graph)

    user = holding(graph, E5_SKU, off=(MCOEV, TEAMS1, MCOSTANDARD))

    assert "blocks" not in user.vendor


@pytest.mark.parametrize(
    ("listed", "refused"),
    [
        ((), False),
        ((product(),), False),
        ((product((OTHER_PLAN, "TEAMS_GOV")),), False),
        ((product((OTHER_PLAN, "")),), False),
        ((product((OTHER_PLAN, "EXCHANGE_S_STANDARD")),), True),
    ],
)
def test_a_product_that_the_table_lacks_may_have_teams_unless_the_tenant_says_what_it_has(
    graph: Graph, listed: tuple[dict[str, Any], ...], *, refused: bool
) -> None:
    subscribe(graph, *listed)

    assert ("blocks" in holding(graph, OTHER_SKU).vendor) == refused


def test_teams_that_a_group_gives_and_that_is_not_there_yet_will_do(graph: Graph) -> None:
    subscribe(graph)

    user = holding(graph, licenseAssignmentStates=[state(E3_SKU)])

    assert "blocks" not in user.vendor


def test_a_group_that_failed_to_give_teams_is_the_reason(graph: Graph) -> None:
    subscribe(graph)

    user = holding(graph, licenseAssignmentStates=[state(E3_SKU, "CountViolation")])

    (why,) = set(user.vendor["blocks"].values())
    assert (
        "the group Callers was to give Microsoft 365 E3, and that failed: no seat was left" in why
    )


def test_who_is_deleted_is_seen_when_they_are_back(graph: Graph) -> None:
    subscribe(graph)
    tell(graph, deleted=(entry("u1", licenseAssignmentStates=[state(PHONE_SKU, "Other")]),))

    user = read(graph)["u1"]

    assert (user.status, user.vendor.keys() & {"blocks", "failed"}) == ("trashed", set())


@pytest.mark.parametrize(
    ("error", "words", "likewise"),
    [
        ("CountViolation", "no seat was left", False),
        ("DependencyViolation", "isn't given by the same group", False),
        ("MutuallyExclusiveViolation", "excludes another license", True),
        ("ProhibitedInUsageLocationViolation", "in their country", True),
        ("UniquenessViolation", "must be unique", True),
        ("Other", "another product of that group's", False),
        ("SomethingNew", "another product of that group's", False),
    ],
)
def test_what_a_group_failed_to_give_is_told_in_words_and_refused_where_it_would_fail_again(
    graph: Graph, error: str, words: str, *, likewise: bool
) -> None:
    subscribe(graph)
    states = [state(E3_SKU, of=None), state(PHONE_SKU, error)]

    vendor = holding(graph, E3_SKU, licenseAssignmentStates=states).vendor

    assert set(vendor["failed"]) == RESTING
    assert words in vendor["failed"][min(RESTING)]
    assert "Callers" in vendor["failed"][min(RESTING)]
    assert set(vendor.get("blocks", ())) == (RESTING if likewise else set())


def test_a_suite_that_a_group_failed_to_give_is_missed_where_its_phone_is_wished(
    graph: Graph,
) -> None:
    subscribe(graph)
    states = [state(E3_SKU, of=None), state(E5_SKU, "ProhibitedInUsageLocationViolation")]

    vendor = holding(graph, E3_SKU, licenseAssignmentStates=states).vendor

    assert set(vendor["failed"]) == {*RESTING, "license.assign=microsoft 365 e5"}
    assert set(vendor["blocks"]) == {"license.assign=microsoft 365 e5"}


def test_a_calling_plan_that_a_group_failed_to_give_is_told_by_its_name(graph: Graph) -> None:
    subscribe(graph)
    states = [state(E3_SKU, of=None), state(DOMESTIC_SKU, "CountViolation")]

    vendor = holding(graph, E3_SKU, licenseAssignmentStates=states).vendor

    assert set(vendor["failed"]) == {"package.assign=skype for business pstn domestic calling"}
