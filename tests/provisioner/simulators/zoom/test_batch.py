"""The batch calls of the Zoom simulator."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import (
    UNLIMITED,
    Reply,
    Zoom,
    catalog,
    person,
    phone_user,
)

FIRST = catalog(
    licenses={"zoom_phone": 20},
    packages={UNLIMITED: 20, "Zoom Phone Pro": 1},
    sites=["Munich", "Brno"],
    templates=[["Office", "Munich"]],
    numbers=["+4989123", "+4989124"],
)


def new(name: str, **members: Any) -> dict[str, Any]:
    extension = str(5000 + sum(map(ord, name)))
    given = {"email": f"{name}@example.org", "calling_plans": [], "extension_number": extension}
    return given | {"site_name": "Munich"} | members


def add(zoom: Zoom, *users: dict[str, Any]) -> Reply:
    return zoom.post("/phone/users/batch", {"users": list(users)})


def test_a_batch_adds_users_with_everything_by_name() -> None:
    zoom = Zoom([FIRST, person("eva"), person("jan")])

    added = add(
        zoom,
        new(
            "eva",
            calling_plans=["US/CA Unlimited"],
            template_name="Office",
            extension_number="4077",
            phone_numbers=["+4989123"],
        ),
        new("jan", site_name="Brno"),
    )

    assert added.status == 201
    assert added.json == [
        {"email": "eva@example.org", "id": "id-eva"},
        {"email": "jan@example.org", "id": "id-jan"},
    ]
    line = zoom.line("eva@example.org")
    assert (line["packages"], line["template"], line["site"]) == ([UNLIMITED], "Office", "Munich")
    assert (line["extension_number"], line["numbers"]) == ("4077", ["+4989123"])
    assert zoom.line("jan@example.org")["site"] == "Brno"


def test_ten_users_are_taken_and_eleven_are_not() -> None:
    people = [person(f"u{n:02}") for n in range(11)]
    zoom = Zoom([FIRST, *people])
    users = [new(f"u{n:02}", extension_number=str(6000 + n)) for n in range(11)]

    too_many = add(zoom, *users)

    assert too_many.error == (400, 400)
    assert too_many.json["message"] == "User size must be less than 10."
    assert add(zoom, *users[:10]).status == 201


def test_the_catalogs_name_of_a_plan_is_not_the_batch_calls() -> None:
    zoom = Zoom([FIRST, person("eva")])

    refused = add(zoom, new("eva", calling_plans=[UNLIMITED]))

    assert (refused.error, refused.fields) == ((400, 300), ["users[0].calling_plans[0]"])
    assert add(zoom, new("eva", calling_plans=["Pro"])).status == 201


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"email": "nobody@example.org"}, (400, 300)),
        ({"email": "ivo@example.org"}, (400, 300)),
        ({"email": "ada@example.org"}, (400, 300)),
        ({"site_name": "Prague"}, (400, 300)),
        ({"template_name": "Nope"}, (404, 404)),
        ({"site_name": "Brno", "template_name": "Office"}, (404, 404)),
        ({"extension_number": "4001"}, (400, 300)),
        ({"calling_plans": ["Nope"]}, (400, 300)),
        ({"phone_numbers": ["+4989123"]}, (400, 300)),
        ({"calling_plans": ["Pro"], "phone_numbers": ["+1"]}, (400, 300)),
        ({"nickname": "E"}, (400, 300)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_one_wrong_user_refuses_the_whole_batch(
    members: dict[str, Any], error: tuple[int, int]
) -> None:
    zoom = Zoom(
        [
            FIRST,
            person("eva"),
            person("jan"),
            person("ivo", status="pending"),
            phone_user("ada", extension_number="4001", site="Brno"),
        ]
    )

    assert add(zoom, new("jan"), new("eva", **members)).error == error
    assert zoom.get("/phone/users").json["total_records"] == 1
    assert zoom.log() == []


@pytest.mark.parametrize("missing", ["email", "calling_plans", "extension_number", "site_name"])
def test_fields_that_only_look_optional_are_required(missing: str) -> None:
    zoom = Zoom([FIRST, person("eva")])
    user = new("eva")
    del user[missing]

    assert add(zoom, user).fields == [f"users[0].{missing}"]


def test_a_batch_beyond_the_phone_licenses_is_refused() -> None:
    zoom = Zoom(
        [catalog(licenses={"zoom_phone": 1}, sites=["Munich"]), person("eva"), person("jan")]
    )

    assert add(zoom, new("eva"), new("jan")).error == (404, 1102)


def test_a_batch_beyond_the_seats_of_a_plan_is_refused() -> None:
    zoom = Zoom([FIRST, person("eva"), person("jan")])

    refused = add(zoom, new("eva", calling_plans=["Pro"]), new("jan", calling_plans=["Pro"]))

    assert (refused.error, refused.fields) == ((400, 300), ["users[1].calling_plans[0]"])


def test_with_site_codes_a_batch_leaves_the_code_out_and_a_change_does_not() -> None:
    zoom = Zoom([FIRST, person("eva")], site_codes=True)
    by_code = new("eva", site_code="2", extension_number="4077")
    del by_code["site_name"]

    assert add(zoom, by_code).status == 201
    user = zoom.get("/phone/users/id-eva").json
    assert (user["extension_number"], user["site_id"]) == (24077, zoom.site_id("Brno"))
    zoom.patch("/phone/users/id-eva", {"extension_number": "24078"})

    assert zoom.get("/phone/users/id-eva").json["extension_number"] == 24078
    assert [site["site_code"] for site in zoom.get("/phone/sites").json["sites"]] == [1, 2]
    assert zoom.get("/phone/settings").json["multiple_sites"]["site_code"] is True


def test_without_site_codes_no_site_is_found_by_one() -> None:
    zoom = Zoom([FIRST, person("eva")])
    by_code = new("eva", site_code="2")
    del by_code["site_name"]

    assert add(zoom, by_code).fields == ["users[0].site_code"]


def test_up_to_three_desk_phones_come_with_a_user_and_go_with_the_phone() -> None:
    zoom = Zoom([FIRST, person("eva"), person("jan")])
    desk_phone = {"brand": "Yealink", "model": "t42s", "mac": "80-5e-c0-3d-eb-c4"}

    add(zoom, new("eva", desk_phones=[desk_phone]))
    [device] = zoom.get("/phone/users/id-eva/settings").json["desk_phone"]["devices"]
    taken = add(zoom, new("jan", desk_phones=[desk_phone | {"mac": "805EC03DEBC4"}]))
    zoom.patch("/users/id-eva", {"feature": {"zoom_phone": False}})

    assert device["mac_address"] == "805ec03debc4"
    assert taken.fields == ["users[0].desk_phones[0].mac"]
    assert add(zoom, new("jan", desk_phones=[desk_phone] * 4)).error == (400, 300)
    assert add(zoom, new("jan", desk_phones=[desk_phone])).status == 201


def test_users_are_moved_and_activated_together() -> None:
    zoom = Zoom([FIRST, phone_user("eva", site="Munich"), phone_user("jan", site="Munich")])
    both, brno = ["id-eva", "id-jan"], zoom.site_id("Brno")

    moved = zoom.put(
        "/phone/users/batch", {"batch_type": "move_site", "user_ids": both, "site_id": brno}
    )
    stopped = zoom.put(
        "/phone/users/batch",
        {"batch_type": "activate", "user_ids": both, "activation_status": "deactivate"},
    )

    assert (moved.status, stopped.status) == (204, 204)
    assert zoom.get("/phone/users", status="activate").json["users"] == []
    users = zoom.get("/phone/users", status="deactivate", site_id=brno).json["users"]
    assert [user["activation_status"] for user in users] == ["ready to activate"] * 2


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"batch_type": "sing"}, (400, 400)),
        ({"batch_type": "move_site"}, (400, 300)),
        ({"batch_type": "move_site", "site_id": "nowhere"}, (404, 404)),
        ({"batch_type": "activate"}, (400, 300)),
        ({"batch_type": "assign_pending_user"}, (400, 300)),
    ],
    ids=str,
)
def test_a_batch_change_without_what_it_needs_is_refused(
    body: dict[str, Any], error: tuple[int, int]
) -> None:
    zoom = Zoom([FIRST, phone_user("eva", site="Munich")])

    assert zoom.put("/phone/users/batch", {"user_ids": ["id-eva"]} | body).error == error


def test_a_user_in_the_trash_is_assigned_nothing() -> None:
    zoom = Zoom([FIRST, phone_user("eva", site="Munich", vendor={"zoom_one_type": 64})])
    zoom.portal("trash", email="eva@example.org")

    change = {"batch_type": "assign_pending_user", "user_ids": ["id-eva"]}

    assert zoom.put("/phone/users/batch", change).error == (400, 12007)
    assert add(zoom, new("eva")).error == (400, 12007)
    assert zoom.patch("/users/id-eva", {"feature": {"zoom_phone": True}}).error == (400, 12007)
