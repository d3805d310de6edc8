"""Rooms and common areas in the simulated Zoom: what their endpoints take, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import METERED, UNLIMITED, Zoom, catalog

AREA: dict[str, Any] = {"id": "lobby", "kind": "common_area", "display_name": "Lobby", "site": "Munich"}  # fmt: skip
ROOM: dict[str, Any] = {"id": "board", "kind": "room", "display_name": "Board", "site": "Munich"}
METERED_TYPE, UNLIMITED_TYPE = 100, 200
PATHS = ["/phone/common_areas/lobby", "/phone/rooms/board"]


def zoom(**options: Any) -> Zoom:
    numbers = [[f"+1423205879{n}", "Munich"] for n in range(9)]
    goods = catalog(packages={METERED: 9, UNLIMITED: 9}, sites=["Munich", "Brno"], numbers=numbers)
    return Zoom([goods, AREA, ROOM], **options)


@pytest.mark.parametrize("path", PATHS)
def test_a_place_is_given_a_plan_then_a_number_and_loses_both_with_the_last_plan(path: str) -> None:
    here = zoom()
    plans = {"calling_plans": [{"type": METERED_TYPE}, {"type": UNLIMITED_TYPE}]}

    early = here.post(f"{path}/phone_numbers", {"phone_numbers": [{"number": "+14232058790"}]})
    assert early.status == 400
    assert here.post(f"{path}/calling_plans", plans).status == 201
    given = here.post(f"{path}/phone_numbers", {"phone_numbers": [{"number": "+14232058790"}]})
    assert given.status == 201
    assert [n["number"] for n in here.get(path).json["phone_numbers"]] == ["+14232058790"]

    assert here.delete(f"{path}/calling_plans/{METERED_TYPE}").status == 204
    assert len(here.get(path).json["phone_numbers"]) == 1
    assert here.delete(f"{path}/calling_plans/{UNLIMITED_TYPE}").status == 204
    assert here.get(path).json["phone_numbers"] == []
    assert here.delete(f"{path}/calling_plans/{UNLIMITED_TYPE}").error == (400, 404)


def test_a_rooms_number_is_taken_by_its_id_alone_and_a_common_areas_by_either() -> None:
    here = zoom()
    for n, path in enumerate(PATHS):
        here.post(f"{path}/calling_plans", {"calling_plans": [{"type": METERED_TYPE}]})
        here.post(f"{path}/phone_numbers", {"phone_numbers": [{"number": f"+1423205879{n}"}]})
    (number,) = here.get(PATHS[1]).json["phone_numbers"]

    assert here.delete(f"{PATHS[0]}/phone_numbers/+14232058790").status == 204
    assert here.delete(f"{PATHS[1]}/phone_numbers/+14232058791").status == 400
    assert here.delete(f"{PATHS[1]}/phone_numbers/{number['id']}").status == 204


def test_a_room_takes_five_numbers_a_call_and_no_more() -> None:
    here = zoom()
    here.post(f"{PATHS[1]}/calling_plans", {"calling_plans": [{"type": METERED_TYPE}]})
    six = [{"number": f"+1423205879{n}"} for n in range(6)]

    spoken = here.http.post(
        f"/v2{PATHS[1]}/phone_numbers",
        json={"phone_numbers": six},
        headers={"Authorization": f"Bearer {here.token}"},
    )

    assert (spoken.status_code, spoken.get_json()["code"]) == (400, 429)
    assert here.post(f"{PATHS[1]}/phone_numbers", {"phone_numbers": six[:5]}).status == 201


@pytest.mark.parametrize("path", PATHS)
def test_a_place_is_moved_and_renumbered_in_one_patch(path: str) -> None:
    here = zoom()

    assert (
        here.patch(path, {"site_id": here.site_id("Brno"), "extension_number": 7001}).status == 204
    )

    shown = here.get(path).json
    assert (shown["site"]["name"], shown["extension_number"]) == ("Brno", 7001)


def test_a_common_areas_extension_number_is_the_short_one_with_site_codes() -> None:
    here = zoom(site_codes=True)

    here.patch(PATHS[0], {"extension_number": 701})
    here.patch(PATHS[1], {"extension_number": 1702})

    assert here.get(PATHS[0]).json["extension_number"] == 1701
    assert here.get(PATHS[1]).json["extension_number"] == 1702
    assert here.patch(PATHS[1], {"extension_number": 702}).fields == ["extension_number"]


def test_a_template_must_be_for_common_areas_and_of_their_site() -> None:
    garage = AREA | {"id": "garage", "display_name": "Garage", "template": "Areas"}
    elsewhere = AREA | {"id": "far", "display_name": "Far", "site": "Brno"}
    goods = catalog(sites=["Munich", "Brno"], templates=[["Office", "Munich"]])
    here = Zoom([goods, AREA, garage, elsewhere])
    areas, office = here.template_id("Areas", "Munich"), here.template_id("Office", "Munich")

    def apply(template: str, *ids: str) -> int:
        path = f"/phone/common_areas/template_id/{template}"
        return here.post(path, {"common_area_ids": list(ids)}).status

    assert (apply(areas, "lobby"), apply(office, "lobby"), apply(areas, "far")) == (201, 404, 400)
    assert next(line for line in here.state() if line.get("id") == "lobby")["template"] == "Areas"


def test_whoever_is_no_place_is_a_400() -> None:
    here = zoom()

    assert here.get("/phone/common_areas/nobody").status == 400
    assert here.patch("/phone/rooms/lobby", {"extension_number": 7001}).status == 400
