"""What people do in admin centres, and the tenant as snapshot lines, in and out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.simulators.teams import SnapshotError, create_app, load_snapshot
from tests.provisioner.simulators.teams.graph_client import (
    CREDIT,
    DOMESTIC,
    E3,
    E5,
    PHONE,
    PLAN_NAME,
    Graph,
    caller,
    catalog,
    person,
)

RICH: list[dict[str, Any]] = [
    catalog(
        licenses={
            "Microsoft 365 E5": 3,
            "Microsoft 365 E3": 5,
            "Microsoft Teams Phone Standard": 2,
        },
        packages={PLAN_NAME: 2},
        templates=["Office", "CallingLineIdentity:Main"],
        numbers=["+4989100", ["+4989101", "Munich"]],
    ),
    caller("eva", "+4989100") | {"credits": True, "delegates": ["jan@example.org"], "key": "E1"},
    person(
        "jan",
        vendor={
            "licenses": [
                {"sku": "Microsoft 365 E5", "disabled_plans": ["MCOEV"]},
                {"sku": "MCOEV", "group": "Callers"},
            ],
            "policies": {"TeamsCallingPolicy": "Office", "CallingLineIdentity": "Main"},
        },
    ),
    person("ida", status="trashed", license="teams_phone"),
    person("old", status="inactive", site="Brno", extension_number="77", role="admin"),
    {
        "id": "lobby",
        "kind": "common_area",
        "email": "lobby@example.org",
        "vendor": {"licenses": ["MCOCAP"]},
    },
]


def test_a_dump_loaded_again_is_the_same_dump() -> None:
    first = Graph(RICH)
    lines = first.state()

    assert Graph(lines).state() == lines
    assert first.loaded.users == 5
    eva, jan, ida = lines[1:4]
    assert (eva["license"], eva["packages"], eva["credits"]) == ("teams_phone", [PLAN_NAME], True)
    assert (eva["numbers"], eva["delegates"], eva["key"]) == (
        ["+4989100"],
        ["jan@example.org"],
        "E1",
    )
    assert (jan["license"], jan["template"]) == ("teams_phone", "Office")
    assert jan["vendor"]["licenses"] == [
        {"sku": "Microsoft 365 E5", "disabled_plans": ["MCOEV"]},
        {"sku": "Microsoft Teams Phone Standard", "group": "Callers"},
    ]
    assert (ida["status"], ida["license"]) == ("trashed", "teams_phone")


def test_whoever_is_told_nothing_of_has_microsoft_365_e3() -> None:
    graph = Graph([{"id": "a", "email": "a@example.org"}, caller("b") | {"vendor": {}}])

    assert graph.skus_of("a") == {E3}
    assert graph.skus_of("id-b") == {E3, PHONE, DOMESTIC}


def test_teams_phone_in_a_suite_is_not_given_twice() -> None:
    graph = Graph([caller("a") | {"vendor": {"licenses": ["Microsoft 365 E5"]}}])

    assert graph.skus_of("id-a") == {E5, DOMESTIC}


def test_what_no_tenant_can_be_is_refused_with_its_line_and_nothing_is_loaded() -> None:
    app = create_app()
    lines = [person("eva"), caller("jan", "+4989100"), caller("ida", "+4989100")]

    with pytest.raises(SnapshotError, match="line 3: another user has this number"):
        load_snapshot(app, map(json.dumps, lines))
    with pytest.raises(SnapshotError, match="line 2: another user has this userPrincipalName"):
        load_snapshot(app, map(json.dumps, [person("eva"), person("eva", id="other")]))
    off = [{"sku": "Microsoft 365 E5", "disabled_plans": ["YAMMER"]}]
    with pytest.raises(SnapshotError, match="line 1: no such service plan: YAMMER"):
        load_snapshot(app, [json.dumps(person("eva", vendor={"licenses": off}))])
    with pytest.raises(SnapshotError, match=r"line 1: .*colour"):
        load_snapshot(app, ['{"id": "x", "colour": "red"}'])
    assert app.test_client().get("/_portal/state").text.count("\n") == 1


def test_a_hand_edit_changes_what_it_names_and_is_no_logged_write() -> None:
    graph = Graph([caller("eva", "+4989100") | {"credits": True}, person("jan")])

    edited = graph.portal("user", {"email": "eva@example.org", "packages": [], "numbers": []})

    assert graph.skus_of("id-eva") == {E3, PHONE, CREDIT}
    assert (edited["packages"], edited["numbers"], edited["credits"]) == ([], [], True)
    assert graph.seats(DOMESTIC)[1] == 0
    assert [line["email"] for line in graph.state()[1:]] == ["eva@example.org", "jan@example.org"]
    made = graph.portal("user", {"email": "new@example.org", "license": "teams_phone"})
    assert graph.skus_of(made["id"]) == {E3, PHONE}
    assert graph.log() == []


def test_a_hand_edit_buys_nothing() -> None:
    graph = Graph([catalog(licenses={"Microsoft 365 E3": 3}), person("eva")], credits_seats=0)
    before = graph.get("/subscribedSkus").value

    graph.portal("user", {"email": "eva@example.org", "department": "Sales"})

    assert graph.get("/subscribedSkus").value == before


def test_a_tenant_kept_in_a_file_is_the_same_when_it_is_opened_again(tmp_path: Path) -> None:
    file = tmp_path / "tenant.db"
    first = create_app(file)
    load_snapshot(first, map(json.dumps, RICH))
    told = first.test_client().get("/_portal/state").text

    again = create_app(file)
    load_snapshot(again, ())

    assert again.test_client().get("/_portal/state").text == told


def test_a_switch_to_a_customer_agreement_takes_the_credit_license_from_all() -> None:
    graph = Graph([caller("eva") | {"credits": True}])

    graph.portal("agreement", {"agreement": "mca"})

    assert graph.skus_of("id-eva") == {E3, PHONE, DOMESTIC}
    assert CREDIT not in {each["skuId"] for each in graph.get("/subscribedSkus").value}
    assert graph.assign("id-eva", CREDIT).status == 400
    graph.portal("agreement", {"agreement": "other"})
    assert graph.assign("id-eva", CREDIT).status == 200


def test_a_delegation_needs_a_phone_on_both_sides_and_ends_at_twenty_five() -> None:
    people = [caller("boss"), person("none"), *(caller(f"d{n}") for n in range(26))]
    graph = Graph(people)

    def add(who: str) -> int:
        body = {"email": "boss@example.org", "add": f"{who}@example.org"}
        return graph.http.post("/_portal/delegation", json=body).status_code

    assert add("none") == 400
    assert [add(f"d{n}") for n in range(25)] == [200] * 25
    assert add("d25") == 400
    graph.portal("delegation", {"email": "boss@example.org", "remove": "d0@example.org"})
    assert add("d25") == 200
    assert len(graph.state()[1]["delegates"]) == 25


def test_seats_can_be_in_warning_or_suspended() -> None:
    graph = Graph([catalog(licenses={"Microsoft 365 E3": 1}), person("eva")])

    graph.portal("seats", {"Microsoft 365 E3": {"enabled": 0, "warning": 1, "suspended": 3}})

    (sku,) = [each for each in graph.get("/subscribedSkus").value if each["skuId"] == E3]
    assert sku["capabilityStatus"] == "Warning"
    assert sku["prepaidUnits"] == {"enabled": 0, "warning": 1, "suspended": 3, "lockedOut": 0}


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("clock", {"advance_s": -1}),
        ("user", {}),
        ("seats", {"Microsoft 365 E3": "many"}),
        ("agreement", {"agreement": "handshake"}),
        ("group", {}),
        ("number", {"number": "911"}),
        ("policy", {"type": "PhonePolicy", "name": "x"}),
        ("delete", {"email": "nobody@example.org"}),
        ("credits", {"seats": -1}),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(what: str, body: dict[str, Any]) -> None:
    assert Graph().http.post(f"/_portal/{what}", json=body).status_code in (400, 404)
