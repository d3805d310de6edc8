"""Desk phones, user groups and the emergency policy of the Zoom simulator."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import MAIN, Zoom, person, phone_user

PHONE: dict[str, Any] = {"display_name": "Desk 1", "mac_address": "64-16-7F-00-00-01", "type": "Poly", "model": "VVX"}  # fmt: skip


def devices(zoom: Zoom, kind: str) -> list[str]:
    found = zoom.get("/phone/devices", type=kind).json["devices"]
    return [device["display_name"] for device in found]


def test_a_desk_phone_is_added_for_somebody_listed_and_taken_along_with_the_phone() -> None:
    zoom = Zoom([phone_user("eva")])

    made = zoom.post("/phone/devices", PHONE | {"assigned_to": "eva@example.org"})

    assert made.status == 201
    assert (devices(zoom, "assigned"), devices(zoom, "unassigned")) == (["Desk 1"], [])
    shown = zoom.get(f"/phone/devices/{made.json['id']}").json
    assert (shown["assignee"]["name"], shown["device_type"]) == ("Eva", "Poly VVX")
    zoom.patch("/users/id-eva", {"feature": {"zoom_phone": False}})
    assert (devices(zoom, "assigned"), devices(zoom, "unassigned")) == ([], ["Desk 1"])


def test_a_desk_phone_goes_to_an_extension_and_back() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan")])
    made = zoom.post("/phone/devices", PHONE | {"site_id": zoom.site_id(MAIN)}).json
    path, eva = f"/phone/devices/{made['id']}", zoom.extension_id("id-eva")

    assert zoom.post(f"{path}/extensions", {"assignee_extension_ids": [eva]}).status == 201
    assert zoom.post(f"{path}/extensions", {"assignee_extension_ids": [eva]}).error == (400, 300)
    assert zoom.delete(f"{path}/extensions/{zoom.extension_id('id-jan')}").error == (400, 300)
    assert zoom.delete(f"{path}/extensions/{eva}").status == 204
    assert zoom.patch(path, {"display_name": "Desk 2", "assigned_to": "id-jan"}).status == 204
    assert devices(zoom, "assigned") == ["Desk 2"]
    assert zoom.delete(path).status == 204
    assert zoom.get(path).error == (400, 400)


def test_a_desk_phone_needs_a_site_or_somebody_and_an_address_of_its_own() -> None:
    zoom = Zoom([phone_user("eva")])
    zoom.post("/phone/devices", PHONE | {"assigned_to": "id-eva"})

    assert zoom.post("/phone/devices", PHONE | {"assigned_to": "id-eva"}).fields == ["mac_address"]
    other = PHONE | {"mac_address": "64167F000002"}
    assert zoom.post("/phone/devices", other).fields == ["site_id"]
    assert zoom.post("/phone/devices", other | {"assigned_to": "nobody"}).error == (404, 1001)


def test_a_group_is_made_filled_renamed_emptied_and_deleted() -> None:
    zoom = Zoom([person("eva"), person("jan")])
    group = zoom.post("/groups", {"name": "Sales"}).json
    path = f"/groups/{group['id']}"

    added = zoom.post(f"{path}/members", {"members": [{"email": "eva@example.org"}, {"id": "id-jan"}, {"id": "none"}]})  # fmt: skip

    assert (added.status, added.json["ids"]) == (201, "id-eva,id-jan")
    assert zoom.get(path).json["total_members"] == 2
    assert zoom.post("/groups", {"name": "SALES"}).error == (409, 4132)
    assert zoom.patch(path, {"name": "Service"}).status == 204
    assert zoom.delete(f"{path}/members/id-eva").status == 204
    assert zoom.delete(f"{path}/members/id-eva").error == (404, 4131)
    assert [m["id"] for m in zoom.get(f"{path}/members").json["members"]] == ["id-jan"]
    assert [g["name"] for g in zoom.get("/groups").json["groups"]] == ["Service"]
    assert zoom.delete(path).status == 204
    assert zoom.get(path).error == (404, 4130)


def test_emergency_calls_are_a_policy_of_their_own() -> None:
    zoom = Zoom([phone_user("eva")])
    path = "/phone/users/id-eva/policies/allow_emergency_calls"

    def shown() -> tuple[bool, bool]:
        policy = zoom.get(path).json["allow_emergency_calls"]
        return policy["enable"], policy["modified"]

    assert shown() == (True, False)
    assert zoom.patch(path, {"allow_emergency_calls": {"enable": False}}).status == 204
    assert shown() == (False, True)
    both = {"allow_emergency_calls": {"enable": True, "reset": True}}
    assert zoom.patch(path, both).error == (400, 400)
    assert zoom.patch(path, {"allow_emergency_calls": {"reset": True}}).status == 204
    assert shown() == (True, False)
    assert zoom.get("/phone/users/id-eva/policies/sms").error == (400, 400)


def test_settings_that_nothing_depends_on_are_taken() -> None:
    zoom = Zoom([phone_user("eva")])

    assert zoom.patch("/phone/users/id-eva/settings", {"area_code": "30"}).status == 204
    assert zoom.patch("/phone/users/nobody/settings", {"area_code": "30"}).error == (404, 1001)


def test_a_desk_phone_keeps_the_provision_template_that_it_was_given() -> None:
    zoom = Zoom([phone_user("eva"), person("jan")])
    made = zoom.post("/phone/provision_templates", {"name": "Lobby phones", "description": "dim"})
    template = made.json["id"]
    body = {"display_name": "Desk", "mac_address": "64167f000001", "type": "Yealink"}

    strange = zoom.post("/phone/devices", body | {"provision_template_id": "none"})
    device = zoom.post(
        "/phone/devices",
        body | {"provision_template_id": template, "assigned_to": "eva@example.org"},
    ).json["id"]

    def told() -> tuple[str, int]:
        listed = zoom.get("/phone/provision_templates").json["provision_templates"]
        shown = zoom.get(f"/phone/devices/{device}").json["provision_template_id"]
        return str(shown), listed[0]["bound_device_count"]

    assert (made.status, strange.error) == (201, (400, 300))
    assert told() == (template, 1)
    zoom.patch(f"/phone/devices/{device}", {"display_name": "Desk of Eva"})
    assert told() == (template, 1)
    zoom.patch(f"/phone/devices/{device}", {"provision_template_id": ""})
    assert told() == ("", 0)
    assert zoom.post("/phone/provision_templates", {"name": "lobby PHONES"}).error == (400, 300)


@pytest.mark.parametrize(("name", "status"), [("Lobby phones", 201), ("Nobody's", 400)])
def test_a_batch_finds_a_provision_template_by_its_name(name: str, status: int) -> None:
    zoom = Zoom([person("jan")])
    template = zoom.post("/phone/provision_templates", {"name": "Lobby phones"}).json["id"]
    desk = {"brand": "Yealink", "model": "T54", "mac": "64167f000002", "provision_template": name}
    new = {
        "email": "jan@example.org",
        "calling_plans": [],
        "extension_number": "4001",
        "site_name": MAIN,
        "desk_phones": [desk],
    }
    zoom.get("/phone/sites")

    added = zoom.post("/phone/users/batch", {"users": [new]})

    listed = zoom.get("/phone/devices", type="assigned").json["devices"]
    assert added.status == status
    assert [each["provision_template_id"] for each in listed] == [template] * (status == 201)
