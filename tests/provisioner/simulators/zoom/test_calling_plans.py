"""Calling plans and direct numbers of the Zoom simulator."""

from __future__ import annotations

from typing import Any

from tests.provisioner.simulators.zoom.zoom_client import (
    METERED,
    UNLIMITED,
    Reply,
    Zoom,
    catalog,
    person,
    phone_user,
)

FIRST = catalog(packages={UNLIMITED: 2, METERED: 1}, numbers=[f"+498912{n:02}" for n in range(12)])


def plan(zoom: Zoom, user: str, *types: int) -> Reply:
    return zoom.post(
        f"/phone/users/{user}/calling_plans", {"calling_plans": [{"type": t} for t in types]}
    )


def swap(zoom: Zoom, user: str, source: int, target: int) -> Reply:
    body = {"source_type": source, "target_type": target}
    return zoom.put(f"/phone/users/{user}/calling_plans", body)


def number(zoom: Zoom, user: str, *numbers: str, **by: str) -> Reply:
    wanted: list[dict[str, Any]] = [{"number": n} for n in numbers] or [by]
    return zoom.post(f"/phone/users/{user}/phone_numbers", {"phone_numbers": wanted})


def held(zoom: Zoom, name: str) -> tuple[list[str], list[str]]:
    line = zoom.line(f"{name}@example.org")
    return line["packages"], line["numbers"]


def test_assigning_plans_answers_201_without_a_body() -> None:
    zoom = Zoom([FIRST, phone_user("eva", packages=[])])

    answer = plan(zoom, "eva@example.org", 200, 100)

    assert (answer.status, answer.json) == (201, None)
    assert held(zoom, "eva")[0] == [METERED, UNLIMITED]


def test_a_plan_needs_the_phone_first() -> None:
    zoom = Zoom([FIRST, person("eva")])

    assert plan(zoom, "id-eva", 200).error == (404, 1001)


def test_a_plan_unknown_held_already_or_sold_out_is_refused_and_so_is_the_rest_of_the_call() -> (
    None
):
    zoom = Zoom(
        [FIRST, phone_user("eva"), phone_user("jan"), phone_user("ivo", packages=[METERED])]
    )

    assert plan(zoom, "id-eva", 999).fields == ["calling_plans[0].type"]
    assert plan(zoom, "id-eva", 200).fields == ["calling_plans[0].type"]
    assert plan(zoom, "id-ivo", 200).fields == ["calling_plans[0].type"]
    assert plan(zoom, "id-eva", 100).error == (400, 300)
    zoom.delete("/phone/users/id-jan/calling_plans/200")
    assert plan(zoom, "id-ivo", 200, 999).error == (400, 300)
    assert held(zoom, "ivo")[0] == [METERED]


def test_a_swap_keeps_the_numbers() -> None:
    zoom = Zoom([FIRST, phone_user("eva", numbers=["+49891200"])])

    assert swap(zoom, "id-eva", 200, 100).status == 204

    assert held(zoom, "eva") == ([METERED], ["+49891200"])


def test_a_swap_from_a_plan_not_held_is_a_400_with_404_in_its_body() -> None:
    zoom = Zoom([FIRST, phone_user("eva")])

    refused = swap(zoom, "id-eva", 100, 200)

    assert refused.error == (400, 404)
    assert refused.json["message"] == "User did not subscribe to the source plan."


def test_a_swap_needs_a_free_seat_of_the_target() -> None:
    zoom = Zoom([FIRST, phone_user("eva"), phone_user("jan", packages=[METERED])])

    assert swap(zoom, "id-eva", 200, 100).error == (400, 300)
    assert held(zoom, "eva")[0] == [UNLIMITED]


def test_removing_the_last_plan_takes_the_numbers_and_another_one_does_not() -> None:
    zoom = Zoom([FIRST, phone_user("eva", packages=[UNLIMITED, METERED], numbers=["+49891200"])])

    zoom.delete("/phone/users/id-eva/calling_plans/100")
    assert held(zoom, "eva") == ([UNLIMITED], ["+49891200"])
    zoom.delete("/phone/users/id-eva/calling_plans/200")

    assert held(zoom, "eva") == ([], [])


def test_removing_a_plan_that_is_not_held_is_a_404() -> None:
    zoom = Zoom([FIRST, phone_user("eva")])

    assert zoom.delete("/phone/users/id-eva/calling_plans/100").status == 404
    assert zoom.delete("/phone/users/id-eva/calling_plans/x").error == (400, 400)


def test_a_removed_plan_is_free_for_somebody_else() -> None:
    zoom = Zoom([FIRST, phone_user("eva", packages=[METERED]), phone_user("jan")])

    assert swap(zoom, "id-jan", 200, 100).error == (400, 300)
    zoom.delete("/phone/users/id-eva/calling_plans/100")

    assert swap(zoom, "id-jan", 200, 100).status == 204


def test_numbers_are_assigned_by_value_or_id_and_answered_with_201() -> None:
    zoom = Zoom([FIRST, phone_user("eva")])
    listed = zoom.get("/phone/numbers", type="unassigned").json["phone_numbers"]

    by_value = number(zoom, "id-eva", "+49891200")
    by_id = number(zoom, "id-eva", id=listed[1]["id"])

    assert (by_value.status, by_id.status) == (201, 201)
    assert by_value.json["phone_numbers"][0]["number"] == "+49891200"
    assert held(zoom, "eva")[1] == ["+49891200", listed[1]["number"]]


def test_a_number_needs_a_calling_plan_first() -> None:
    zoom = Zoom([FIRST, phone_user("eva", packages=[])])

    assert number(zoom, "id-eva", "+49891200").error == (400, 300)


def test_a_number_that_is_taken_or_not_the_accounts_is_refused() -> None:
    zoom = Zoom([FIRST, phone_user("eva", numbers=["+49891200"]), phone_user("jan")])

    assert number(zoom, "id-jan", "+49891200").fields == ["phone_numbers[0]"]
    assert number(zoom, "id-jan", "+49891201", "+1").fields == ["phone_numbers[1]"]
    assert number(zoom, "id-jan", none="x").error == (400, 300)
    assert held(zoom, "jan")[1] == []


def test_ten_numbers_are_all_that_a_user_can_have() -> None:
    zoom = Zoom([FIRST, phone_user("eva")])

    assert number(zoom, "id-eva", *(f"+498912{n:02}" for n in range(10))).status == 201
    assert number(zoom, "id-eva", "+49891210").error == (400, 300)


def test_a_number_is_released_once() -> None:
    zoom = Zoom([FIRST, phone_user("eva", numbers=["+49891200"])])
    path = "/phone/users/id-eva/phone_numbers/%2B49891200"

    assert zoom.delete(path).status == 204
    assert zoom.delete(path).error == (404, 400)
    assert held(zoom, "eva")[1] == []
