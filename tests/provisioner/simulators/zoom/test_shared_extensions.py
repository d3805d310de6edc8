"""Call queues and shared line groups: who answers there, and what that does to whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import MAIN, Zoom, catalog, phone_user

QUEUES, GROUPS = "/phone/call_queues", "/phone/shared_line_groups"
FIRST, SECOND = "+4989100", "+4989101"
AREA = {"id": "area", "kind": "common_area", "display_name": "Lobby", "license": "zoom_phone"}


def account(**options: Any) -> Zoom:
    lines = [phone_user("eva"), phone_user("jan"), AREA | {"site": MAIN}]
    return Zoom([catalog(numbers=[FIRST, SECOND]), *lines], **options)


def queue(zoom: Zoom, name: str = "Support", **more: Any) -> str:
    body = {"name": name, "site_id": zoom.site_id(MAIN), **more}
    made = zoom.post(QUEUES, body)
    assert made.status == 201, made
    return str(made.json["id"])


def group(zoom: Zoom, name: str = "Front desk", **more: Any) -> str:
    made = zoom.post(GROUPS, {"display_name": name, **more})
    assert made.status == 201, made
    return str(made.json["id"])


def in_queue(zoom: Zoom, id_: str) -> list[tuple[str, str]]:
    members = zoom.get(f"{QUEUES}/{id_}/members").json["call_queue_members"]
    return [(each["id"], each["level"]) for each in members]


def in_group(zoom: Zoom, id_: str) -> list[str]:
    members = zoom.get(f"{GROUPS}/{id_}").json["members"]
    return [each["id"] for each in [*members["users"], *members["common_areas"]]]


def test_a_queue_is_made_with_members_changed_and_deleted() -> None:
    zoom = account()
    members = {"users": [{"email": "eva@example.org"}], "common_area_ids": ["area"]}

    id_ = queue(zoom, extension_number=8000, members=members, department="Sales")
    zoom.patch(f"{QUEUES}/{id_}", {"name": "Help", "status": "inactive", "timezone": "UTC"})

    told = zoom.get(f"{QUEUES}/{id_}").json
    assert (told["name"], told["status"], told["department"]) == ("Help", "inactive", "Sales")
    assert (told["extension_number"], told["timezone"]) == (8000, "UTC")
    assert in_queue(zoom, id_) == [("id-eva", "user"), ("area", "commonArea")]
    assert [q["id"] for q in zoom.get(QUEUES, department="Sales").json["call_queues"]] == [id_]
    assert zoom.get(QUEUES, department="Export").json["call_queues"] == []
    assert zoom.delete(f"{QUEUES}/{id_}").status == 204
    assert zoom.get(f"{QUEUES}/{id_}").error == (404, 13000)
    assert zoom.delete(f"{QUEUES}/{id_}").error == (400, 400)


def test_members_come_and_go_all_or_none() -> None:
    zoom = account()
    path = f"{QUEUES}/{queue(zoom)}/members"
    eva, nobody = {"id": "id-eva"}, {"id": "nobody"}

    refused = zoom.post(path, {"members": {"users": [eva, nobody]}})
    crowd = zoom.post(path, {"members": {"users": [{"id": f"u{n}"} for n in range(11)]}})

    assert (refused.error, refused.json["message"]) == ((404, 1001), "User not found: nobody.")
    assert crowd.error == (400, 300)
    assert zoom.get(path).json["total_records"] == 0
    zoom.post(path, {"members": {"users": [eva, {"id": "id-jan"}]}})
    assert zoom.delete(f"{path}/id-eva").status == 204
    assert zoom.delete(f"{path}/id-eva").error == (404, 1001)
    assert zoom.get(path).json["total_records"] == 1
    assert zoom.delete(path).status == 204
    assert zoom.get(path).json["total_records"] == 0


def test_whoever_manages_a_queue_can_neither_be_taken_out_nor_switched_off() -> None:
    zoom = account()
    id_ = queue(zoom, members={"users": [{"id": "id-eva"}, {"id": "id-jan"}]})
    zoom.portal("manager", email="eva@example.org", queue=id_)

    refused = zoom.delete(f"{QUEUES}/{id_}/members/id-eva")
    off = zoom.patch("/users/id-eva", {"feature": {"zoom_phone": False}})
    zoom.delete(f"{QUEUES}/{id_}/members")

    assert (refused.error, refused.json["message"]) == ((400, 400), "Unable to delete manager")
    assert off.error == (400, 1000)
    assert in_queue(zoom, id_) == [("id-eva", "user")]
    assert zoom.get(f"{QUEUES}/{id_}").json["members"]["users"][0]["level"] == "manager"


def test_a_manager_of_a_deleted_queue_can_be_changed_again_but_for_another_queue() -> None:
    zoom = account()
    queues = [queue(zoom, "Support"), queue(zoom, "Sales")]
    for id_ in queues:
        zoom.portal("manager", email="eva@example.org", queue=id_)

    zoom.delete(f"{QUEUES}/{queues[0]}")
    still = zoom.put("/users/id-eva/status", {"action": "deactivate"})
    zoom.delete(f"{QUEUES}/{queues[1]}")

    assert still.error == (400, 1000)
    assert zoom.put("/users/id-eva/status", {"action": "deactivate"}).status == 200


def test_an_extension_number_is_one_phones_queues_or_groups_alone() -> None:
    zoom = account()
    taken = zoom.get("/phone/users/id-eva").json["extension_number"]
    site = zoom.site_id(MAIN)

    refused = zoom.post(QUEUES, {"name": "A", "site_id": site, "extension_number": taken})
    queue(zoom, extension_number=8000)
    group(zoom, extension_number=8001)
    users = [
        zoom.patch("/phone/users/id-jan", {"extension_number": number}) for number in (8000, 8001)
    ]
    again = zoom.post(GROUPS, {"display_name": "B", "extension_number": 8001})

    assert refused.error == (400, 400)
    assert [each.error for each in users] == [(400, 300), (400, 300)]
    assert again.json["message"] == "Extension number 8001 is already used."
    assert zoom.get(f"{GROUPS}/{group(zoom, 'C')}").json["extension_number"] > taken


def test_a_leaver_is_in_no_queue_and_no_group_any_more() -> None:
    zoom = account()
    queue_id, group_id = queue(zoom), group(zoom)
    members = {"members": {"users": [{"id": "id-eva"}, {"id": "id-jan"}]}}
    zoom.post(f"{QUEUES}/{queue_id}/members", members)
    zoom.post(f"{GROUPS}/{group_id}/members", members)

    zoom.patch("/users/id-eva", {"feature": {"zoom_phone": False}})

    assert in_queue(zoom, queue_id) == [("id-jan", "user")]
    assert in_group(zoom, group_id) == ["id-jan"]


def test_a_hand_edit_leaves_people_where_they_answer() -> None:
    zoom = account()
    id_ = queue(zoom, members={"users": [{"id": "id-eva"}]})

    zoom.portal("user", email="eva@example.org", department="Export")

    assert in_queue(zoom, id_) == [("id-eva", "user")]


def test_a_group_shares_numbers_that_are_free_and_frees_them_again() -> None:
    zoom = account()
    id_ = group(zoom)
    path = f"{GROUPS}/{id_}/phone_numbers"
    zoom.post("/phone/users/id-eva/phone_numbers", {"phone_numbers": [{"number": SECOND}]})

    given = zoom.post(path, {"phone_numbers": [{"number": FIRST}]})
    held = zoom.post(path, {"phone_numbers": [{"number": SECOND}]})
    absent = zoom.post(path, {"phone_numbers": [{"number": "+4989999"}]})

    told = zoom.get(f"{GROUPS}/{id_}").json
    alone = zoom.get(f"/phone/numbers/{FIRST}").json["assignee"]
    listed = zoom.get("/phone/numbers", phone_number=FIRST).json["phone_numbers"][0]["assignee"]
    assert (given.status, held.error, absent.error) == (201, (400, 300), (400, 400))
    assert (told["primary_number"], [n["number"] for n in told["phone_numbers"]]) == (
        FIRST,
        [FIRST],
    )
    assert listed == alone | {"type": "sharedLineGroup"}
    assert alone["name"] == "Front desk"
    assert zoom.patch(f"{GROUPS}/{id_}", {"primary_number": SECOND}).error == (400, 300)
    assert zoom.delete(f"{path}/{FIRST}").status == 204
    assert zoom.delete(f"{path}/{FIRST}").error == (400, 400)
    assert "assignee" not in zoom.get(f"/phone/numbers/{FIRST}").json
    assert "primary_number" not in zoom.get(f"{GROUPS}/{id_}").json


def test_a_deleted_groups_numbers_are_free() -> None:
    zoom = account()
    id_ = group(zoom)
    zoom.post(f"{GROUPS}/{id_}/phone_numbers", {"phone_numbers": [{"number": FIRST}]})

    assert zoom.delete(f"{GROUPS}/{id_}").status == 204

    free = zoom.get("/phone/numbers", type="unassigned").json["phone_numbers"]
    assert [each["number"] for each in free] == [FIRST, SECOND]
    assert zoom.get(f"{GROUPS}/{id_}").error == (404, 404)
    assert zoom.get(GROUPS).json["total_records"] == 0


def test_nobody_is_in_two_shared_line_groups() -> None:
    zoom = account()
    first, second = group(zoom, "A"), group(zoom, "B")
    members = {"members": {"users": [{"id": "id-eva"}], "common_area_ids": ["area"]}}

    taken = zoom.post(f"{GROUPS}/{first}/members", members)
    refused = zoom.post(f"{GROUPS}/{second}/members", members)

    assert (taken.status, refused.error) == (201, (400, 300))
    assert (in_group(zoom, first), in_group(zoom, second)) == (["id-eva", "area"], [])
    assert zoom.delete(f"{GROUPS}/{first}/members/id-eva").status == 204
    assert zoom.delete(f"{GROUPS}/{first}/members/id-eva").error == (400, 300)
    assert zoom.delete(f"{GROUPS}/{first}/members").status == 204
    assert in_group(zoom, first) == []


def test_lists_come_by_pages() -> None:
    zoom = account()
    made = [group(zoom, name) for name in "ABC"]

    first = zoom.get(GROUPS, page_size=2).json
    rest = zoom.get(GROUPS, page_size=2, next_page_token=first["next_page_token"]).json

    listed = [*first["shared_line_groups"], *rest["shared_line_groups"]]
    assert ([each["id"] for each in listed], rest["next_page_token"]) == (made, "")
    assert zoom.get(QUEUES, page_size=101).error == (400, 300)


@pytest.mark.parametrize("site", [None, "nowhere"])
def test_a_queue_stands_at_a_site_of_the_account(site: str | None) -> None:
    body = {"name": "Support"} | ({} if site is None else {"site_id": site})

    assert account().post(QUEUES, body).error == (400, 300)


def test_without_multiple_sites_a_queue_needs_none() -> None:
    zoom = account(multiple_sites=False)

    assert zoom.post(QUEUES, {"name": "Support", "site_id": "any"}).error == (400, 300)
