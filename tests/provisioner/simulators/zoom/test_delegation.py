"""Call delegation of the Zoom simulator."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import Reply, Zoom, person, phone_user

SETTINGS = "/phone/users/id-eva/settings"


def delegate(zoom: Zoom, extension_id: str, user: str = "id-eva") -> Reply:
    return zoom.post(
        f"/phone/users/{user}/settings/delegation",
        {"delegation_assistant_extension_id": extension_id},
    )


def delegates(zoom: Zoom) -> list[str]:
    found = zoom.get(SETTINGS).json["delegation"]["assistants"]
    return [assistant["display_name"] for assistant in found]


def test_delegates_are_added_by_extension_id_and_read_back_in_order() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan"), phone_user("ada")])

    first = delegate(zoom, zoom.extension_id("id-jan"))
    delegate(zoom, zoom.extension_id("id-ada"))

    assert first.status == 201
    assert first.json["delegation"]["assistants"][0]["id"] == "id-jan"
    assert delegates(zoom) == ["Jan", "Ada"]
    assert zoom.line("eva@example.org")["delegates"] == ["jan@example.org", "ada@example.org"]


def test_a_common_area_may_be_a_delegate_and_a_room_not() -> None:
    area = {"id": "area", "kind": "common_area", "display_name": "Lobby"}
    room = {"id": "room", "kind": "room", "display_name": "Blue"}
    zoom = Zoom([phone_user("eva"), area, room])
    [lobby] = zoom.get("/phone/common_areas").json["common_areas"]
    [blue] = zoom.get("/phone/rooms").json["rooms"]

    added = delegate(zoom, lobby["id"]).json["delegation"]["assistants"][0]
    refused = delegate(zoom, blue["extension_id"])

    assert (added["extension_type"], added["display_name"]) == ("commonArea", "Lobby")
    assert refused.json["message"] == "Delegation assistant is not a user or a common area."


def test_a_user_id_is_no_extension_id() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan")])

    assert delegate(zoom, "id-jan").error == (400, 300)


def test_both_sides_need_a_phone() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan"), person("ada")])
    jan = zoom.extension_id("id-jan")

    assert delegate(zoom, jan, user="id-ada").error == (404, 1001)
    zoom.patch("/users/id-jan", {"feature": {"zoom_phone": False}})
    assert delegate(zoom, jan).error == (400, 300)


@pytest.mark.parametrize("body", [{}, {"delegation_assistant_extension_id": ""}])
def test_a_delegate_must_be_named(body: dict[str, Any]) -> None:
    refused = Zoom([phone_user("eva")]).post(f"{SETTINGS}/delegation", body)

    assert refused.json["message"] == "Delegation assistant is required."


def test_a_delegate_is_added_once_and_is_somebody_else() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan")])
    jan, eva = zoom.extension_id("id-jan"), zoom.extension_id("id-eva")

    assert delegate(zoom, jan).status == 201
    assert delegate(zoom, jan).error == (400, 300)
    assert delegate(zoom, eva).error == (400, 300)


def test_fifteen_delegates_are_all_that_a_delegator_can_have() -> None:
    zoom = Zoom([phone_user("eva"), *(phone_user(f"d{n}") for n in range(16))])
    ids = [zoom.extension_id(f"id-d{n}") for n in range(16)]

    assert [delegate(zoom, id_).status for id_ in ids] == [201] * 15 + [400]


def test_thirty_two_delegators_are_all_that_a_delegate_can_serve() -> None:
    served = [phone_user(f"u{n}", delegates=["jan@example.org"]) for n in range(32)]
    zoom = Zoom([phone_user("eva"), phone_user("jan"), *served])

    assert delegate(zoom, zoom.extension_id("id-jan")).error == (400, 300)


def test_no_delegate_is_added_while_the_policy_forbids_it() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan")])

    zoom.patch("/phone/users/id-eva", {"policy": {"delegation": False}})

    assert delegate(zoom, zoom.extension_id("id-jan")).error == (400, 300)


def test_privileges_are_set_for_the_delegator_and_read_back() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan")])

    changed = zoom.patch(f"{SETTINGS}/delegation", {"delegation": {"privileges": [8, 2]}})
    read = zoom.get(SETTINGS).json["delegation"]
    wrong = zoom.patch(f"{SETTINGS}/delegation", {"delegation": {"privileges": [9]}})

    assert (changed.status, read["privileges"]) == (204, [2, 8])
    assert wrong.fields == ["delegation.privileges[0]"]
    named = zoom.line("eva@example.org")["delegate_privileges"]
    assert named == ["Answer Calls", "Reply to SMS"]


def test_a_delegation_ends_once() -> None:
    zoom = Zoom([phone_user("eva", delegates=["jan@example.org"]), phone_user("jan")])
    jan = zoom.extension_id("id-jan")

    assert zoom.delete(f"{SETTINGS}/delegation", assistant_extension_id=jan).status == 204
    assert zoom.delete(f"{SETTINGS}/delegation", assistant_extension_id=jan).error == (400, 300)
    assert zoom.delete(f"{SETTINGS}/delegation").error == (400, 300)
    assert delegates(zoom) == []


def test_a_setting_that_is_not_simulated_is_refused() -> None:
    zoom = Zoom([phone_user("eva")])

    assert zoom.delete(f"{SETTINGS}/voice_mail", shared_id="x").error == (400, 300)
    assert zoom.post(f"{SETTINGS}/sing", {}).error == (400, 300)
