"""Rooms and common areas of the Zoom simulator as they come and go."""

from __future__ import annotations

from typing import Any

from tests.provisioner.simulators.zoom.zoom_client import MAIN, METERED, Zoom, catalog

AREA = {"id": "area", "kind": "common_area", "display_name": "Lobby", "extension_number": "7000"}
ROOM = {"id": "room", "kind": "room", "display_name": "Blue", "extension_number": "7001"}
GARAGE: dict[str, Any] = {
    "id": "garage",
    "kind": "common_area",
    "site": "Brno",
    "template": "Areas",
}
METERED_TYPE = 100


def zoom_with(*lines: dict[str, Any], **options: Any) -> Zoom:
    return Zoom([catalog(sites=[MAIN, "Brno"]), AREA, ROOM, *lines], **options)


def test_a_common_area_is_made_with_plan_extension_and_template_of_its_site() -> None:
    zoom = zoom_with(GARAGE)
    brno = zoom.site_id("Brno")
    body = {"display_name": "Gate", "extension_number": 7002, "site_id": brno}
    more = {
        "calling_plans": [{"type": METERED_TYPE}],
        "template_id": zoom.template_id("Areas", "Brno"),
    }

    made = zoom.post("/phone/common_areas", body | more)
    elsewhere = zoom.post("/phone/common_areas", more | {"display_name": "Door"})

    assert made.status == 201
    line = next(line for line in zoom.state()[1:] if line["display_name"] == "Gate")
    assert (line["site"], line["packages"], line["template"]) == ("Brno", [METERED], "Areas")
    assert elsewhere.error == (400, 300)


def test_a_room_without_a_phone_is_unassigned_and_gets_one() -> None:
    zoom = zoom_with()

    assert zoom.delete("/phone/rooms/room").status == 204
    unassigned = zoom.get("/phone/rooms/unassigned").json["rooms"]
    added = zoom.post("/phone/rooms", {"id": "room", "calling_plans": [{"type": METERED_TYPE}]})

    assert (unassigned, added.status) == ([{"id": "room", "display_name": "Blue"}], 201)
    assert [room["name"] for room in zoom.get("/phone/rooms").json["rooms"]] == ["Blue"]
    assert zoom.post("/phone/rooms", {"id": "room"}).error == (400, 404)


def test_a_new_room_is_set_up_in_the_portal() -> None:
    zoom = zoom_with()
    id_ = zoom.portal("room", name="Green")["id"]

    assert zoom.get("/phone/rooms/unassigned", keyword="gre").json["rooms"][0]["id"] == id_
    assert zoom.post("/phone/rooms", {"id": id_}).status == 201


def test_a_common_area_is_renamed_and_deleted_for_good() -> None:
    zoom = zoom_with()
    names = {"display_name": "Hall", "department": "Sales", "cost_center": "7"}

    assert zoom.patch("/phone/common_areas/area", names).status == 204
    again = Zoom(zoom.state())
    assert again.get("/phone/common_areas/area").json["display_name"] == "Hall"

    assert zoom.delete("/phone/common_areas/area").status == 204
    assert zoom.get("/phone/common_areas").json["common_areas"] == []
