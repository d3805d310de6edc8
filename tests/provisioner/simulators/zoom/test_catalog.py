"""What the account of the Zoom simulator has to give."""

from __future__ import annotations

from typing import Any

from tests.provisioner.simulators.zoom.zoom_client import (
    METERED,
    UNLIMITED,
    Zoom,
    catalog,
    phone_user,
)

FIRST = catalog(
    packages={UNLIMITED: 3, METERED: 0},
    sites=["Munich", "Brno"],
    templates=["Any", ["Office", "Munich"], ["Lab", "Brno"]],
    numbers=["+4989120", ["+4989121", "Munich"]],
)


def numbers(zoom: Zoom, **query: object) -> list[str]:
    return [n["number"] for n in zoom.get("/phone/numbers", **query).json["phone_numbers"]]


def test_a_calling_plan_tells_its_seats() -> None:
    zoom = Zoom([FIRST, phone_user("eva", site="Brno")])

    metered, unlimited = zoom.get("/phone/calling_plans").json["calling_plans"]

    assert (metered["name"], metered["available"]) == (METERED, 0)
    assert unlimited == {
        "name": UNLIMITED,
        "type": 200,
        "subscribed": 3,
        "assigned": 1,
        "available": 2,
    }


def test_plans_tell_numbers_too() -> None:
    zoom = Zoom([FIRST, phone_user("eva", site="Brno", numbers=["+420555"])])

    [included] = zoom.get("/phone/plans").json["phone_numbers"]

    assert (included["subscribed"], included["assigned"], included["available"]) == (3, 1, 2)


def test_numbers_are_filtered_by_assignment_site_and_value() -> None:
    zoom = Zoom([FIRST, phone_user("eva", site="Brno", numbers=["+420555"])])

    assert numbers(zoom, type="unassigned") == ["+4989120", "+4989121"]
    assert numbers(zoom, type="assigned") == ["+420555"]
    assert numbers(zoom, type="assigned", extension_type="commonArea") == []
    assert len(numbers(zoom)) == 3
    assert numbers(zoom, site_id=zoom.site_id("Munich")) == ["+4989121"]
    assert numbers(zoom, phone_number="+4989120") == ["+4989120"]
    assert zoom.get("/phone/numbers", extension_type="user").error == (400, 300)


def test_a_number_names_who_has_it() -> None:
    zoom = Zoom([FIRST, phone_user("eva", site="Brno", numbers=["+420555"])])

    [number] = zoom.get("/phone/numbers", type="assigned").json["phone_numbers"]

    assert (number["assignee"]["id"], number["assignee"]["type"]) == ("id-eva", "user")


def test_templates_are_asked_for_by_site() -> None:
    zoom = Zoom([FIRST])

    def at(site: str) -> list[str]:
        answer = zoom.get("/phone/setting_templates", site_id=zoom.site_id(site))
        return [template["name"] for template in answer.json["templates"]]

    assert at("Munich") == ["Any", "Office"]
    assert at("Brno") == ["Any", "Lab"]
    assert zoom.get("/phone/setting_templates").fields == ["site_id"]
    assert zoom.get("/phone/setting_templates", site_id="nowhere").error == (404, 404)


def test_an_account_without_multiple_sites_lists_all_its_templates() -> None:
    zoom = Zoom([FIRST], multiple_sites=False)

    assert zoom.get("/phone/setting_templates").json["total_records"] == 3


def test_a_site_is_found_by_name() -> None:
    zoom = Zoom([FIRST])

    [site] = zoom.get("/phone/sites", site_name="brno").json["sites"]

    assert site["name"] == "Brno"


def test_an_account_without_anything_has_a_main_site() -> None:
    [site] = Zoom().get("/phone/sites").json["sites"]

    assert site["name"] == "Main Site"


def test_the_accounts_own_seats_are_told_by_its_plan_usage() -> None:
    zoom = Zoom([phone_user("eva", vendor={"type": 2})], licensed_seats=5)

    base = zoom.get("/accounts/me/plans/usage").json["plan_base"]

    assert (base["hosts"], base["usage"], base["pending"]) == (5, 1, 0)
    assert zoom.get("/accounts/another/plans/usage").error == (404, 2001)


def test_rooms_and_common_areas_show_what_they_hold() -> None:
    held: dict[str, Any] = {"packages": [UNLIMITED], "site": "Brno"}
    area = {"id": "area", "kind": "common_area", "display_name": "Lobby", "numbers": ["+420556"]}
    room = {"id": "room", "kind": "room", "display_name": "Blue", "numbers": ["+420557"]}
    zoom = Zoom([FIRST, area | held, room | held, phone_user("eva", site="Brno")])

    [lobby] = zoom.get("/phone/common_areas", calling_type=200).json["common_areas"]
    [blue] = zoom.get("/phone/rooms", keyword="blu").json["rooms"]

    assert (lobby["display_name"], lobby["phone_numbers"][0]["number"]) == ("Lobby", "+420556")
    assert (blue["name"], blue["calling_plans"][0]["name"]) == ("Blue", UNLIMITED)
    assert zoom.get("/phone/rooms", site_id=zoom.site_id("Munich")).json["rooms"] == []
    assert zoom.get("/phone/users").json["total_records"] == 1
