"""Sites, templates, numbers and the account's switches of the Zoom simulator."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import MAIN, Zoom, catalog, person, phone_user

ADDRESS = {
    "address_line1": "1 Way",
    "city": "Brno",
    "country": "CZ",
    "state_code": "JM",
    "zip": "1",
}
NEW = {"name": "Brno", "auto_receptionist_name": "Main", "default_emergency_address": ADDRESS}
USER = "/phone/users/id-eva"


def short(**given: Any) -> dict[str, Any]:
    return {"short_extension": given}


def test_a_site_is_made_renamed_and_read() -> None:
    zoom = Zoom([phone_user("eva")])

    made = zoom.post("/phone/sites", NEW | short(length=4))
    renamed = zoom.patch(f"/phone/sites/{made.json['id']}", {"name": "Praha"})

    assert (made.status, renamed.status) == (201, 204)
    site = zoom.get(f"/phone/sites/{made.json['id']}").json
    assert (site["name"], site["short_extension"]) == ("Praha", {"length": 4})
    assert zoom.post("/phone/sites", NEW | {"name": "PRAHA"}).fields == ["name"]


def test_extension_numbers_keep_to_their_sites_length_and_ranges() -> None:
    zoom = Zoom([phone_user("eva")])
    site = f"/phone/sites/{zoom.site_id(MAIN)}"
    ranges = [{"range_from": "4000", "range_to": "4999"}]
    assert zoom.patch(site, short(length=4, ranges=ranges)).status == 204

    long, outside, fine = (
        zoom.patch(USER, {"extension_number": number}) for number in ("40000", "5000", "4077")
    )

    assert (long.fields, outside.fields) == (["extension_number"], ["extension_number"])
    assert (fine.status, zoom.get(USER).json["extension_number"]) == (204, 4077)


def test_ranges_must_have_the_sites_length_and_run_upwards() -> None:
    zoom = Zoom([phone_user("eva")])
    site = f"/phone/sites/{zoom.site_id(MAIN)}"

    for low, high in (("400", "4999"), ("4999", "4000"), ("a", "b")):
        ranges = [{"range_from": low, "range_to": high}]
        assert zoom.patch(site, short(length=4, ranges=ranges)).status == 400


def test_where_there_are_site_codes_a_whole_number_begins_with_its_sites() -> None:
    zoom = Zoom([phone_user("eva")], site_codes=True)
    code = zoom.get("/phone/sites").json["sites"][0]["site_code"]

    wrong = zoom.patch(USER, {"extension_number": f"{code + 1}4077"})
    right = zoom.patch(USER, {"extension_number": f"{code}4077"})

    assert (wrong.fields, right.status) == (["extension_number"], 204)


def test_whoever_is_at_a_site_goes_to_another_when_it_is_deleted() -> None:
    zoom = Zoom([phone_user("eva", site="Brno"), phone_user("jan")])
    brno, main = (f"/phone/sites/{zoom.site_id(name)}" for name in ("Brno", MAIN))

    assert zoom.delete(brno, transfer_site_id=brno.rpartition("/")[2]).error == (400, 400)
    assert zoom.delete(main, transfer_site_id=brno.rpartition("/")[2]).error == (400, 400)
    assert zoom.delete(brno, transfer_site_id=main.rpartition("/")[2]).status == 204
    assert zoom.line("eva@example.org")["site"] == MAIN


def test_multiple_sites_can_be_switched_off_when_one_is_left() -> None:
    zoom = Zoom([phone_user("eva", site="Brno"), phone_user("jan")])
    off = {"multiple_sites": {"enabled": False}}

    assert zoom.patch("/phone/settings", off).error == (412, 412)
    brno, main = zoom.site_id("Brno"), zoom.site_id(MAIN)
    zoom.delete(f"/phone/sites/{brno}", transfer_site_id=main)
    assert zoom.patch("/phone/settings", off).status == 204
    assert zoom.get("/phone/settings").json["multiple_sites"]["enabled"] is False
    assert zoom.get("/phone/sites").error == (400, 300)


def test_a_template_is_made_for_a_site_and_found_there() -> None:
    zoom = Zoom([phone_user("eva", site="Brno")])
    body = {"name": "Office", "type": "user", "site_id": zoom.site_id("Brno")}

    made = zoom.post("/phone/setting_templates", body)
    assert made.status == 201
    path = f"/phone/setting_templates/{made.json['id']}"
    assert zoom.patch(path, {"name": "Desk", "description": "for desks"}).status == 204

    assert zoom.template_id("Desk", "Brno") == made.json["id"]
    assert zoom.get(path).json["description"] == "for desks"
    assert zoom.patch(USER, {"template_id": made.json["id"]}).status == 204
    assert zoom.get("/phone/setting_templates/none").error == (404, 15001)
    assert zoom.post("/phone/setting_templates", body | {"type": "nonsense"}).fields == ["type"]


def test_a_number_is_read_by_itself_and_given_back_only_when_nobody_has_it() -> None:
    zoom = Zoom(
        [catalog(numbers=["+4930100", "+4930101"]), phone_user("eva", numbers=["+4930100"])]
    )

    assert zoom.get("/phone/numbers/+4930100").json["assignee"]["name"] == "Eva"
    assert zoom.get("/phone/numbers/nothing").error == (400, 400)
    assert zoom.patch("/phone/numbers/+4930100", {"capability": ["incoming"]}).error == (400, 300)
    assert zoom.delete("/phone/numbers", phone_numbers="+4930101,+4930100").error == (400, 300)
    assert zoom.delete("/phone/numbers", phone_numbers="+4930101").status == 204
    assert [n["number"] for n in zoom.get("/phone/numbers").json["phone_numbers"]] == ["+4930100"]


def test_an_emergency_address_is_added_changed_used_and_deleted() -> None:
    zoom = Zoom([phone_user("eva")])
    made = zoom.post("/phone/emergency_addresses", ADDRESS | {"site_id": zoom.site_id(MAIN)})
    path = f"/phone/emergency_addresses/{made.json['id']}"

    assert (made.status, made.json["level"], made.json["site"]["name"]) == (201, 1, MAIN)
    assert zoom.patch(path, {"city": "Praha"}).json["city"] == "Praha"
    assert [a["city"] for a in zoom.get("/phone/emergency_addresses", level=1).json["emergency_addresses"]] == ["Praha"]  # fmt: skip
    assert zoom.patch(USER, {"emergency_address_id": made.json["id"]}).status == 204
    assert zoom.delete(path).error == (400, 300)
    zoom.patch("/users/id-eva", {"feature": {"zoom_phone": False}})
    assert zoom.delete(path).status == 204
    assert zoom.get(path).error == (400, 400)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_site_that_is_not_there_is_nowhere(method: str) -> None:
    body = {"name": "Brno"} if method == "PATCH" else None
    query = {"transfer_site_id": "other"} if method == "DELETE" else {}

    reply = Zoom([person("eva")]).call(method, "/phone/sites/nowhere", body, query)

    assert reply.status in (400, 404)
