"""Divisions: made, filled, emptied through the users' profiles, deleted."""

from __future__ import annotations

from tests.provisioner.simulators.zoom.zoom_client import Zoom, person


def account() -> Zoom:
    return Zoom([person("eva"), person("jan")])


def made(zoom: Zoom, name: str) -> str:
    answer = zoom.post("/divisions", {"division_name": name, "division_description": "ours"})
    assert answer.status == 201, answer
    return str(answer.json["division_id"])


def members(zoom: Zoom, division: str) -> list[str]:
    return [each["user_id"] for each in zoom.get(f"/divisions/{division}/users").json["users"]]


def test_users_are_assigned_to_a_division_and_their_profiles_say_so() -> None:
    zoom = account()
    sales = made(zoom, "Sales")
    users = [{"user_email": "eva@example.org"}, {"user_id": "id-jan"}, {"user_id": "nobody"}]

    assigned = zoom.post(f"/divisions/{sales}/users", {"users": users})
    again = zoom.post(f"/divisions/{sales}/users", {"users": users[:1]})

    counted = {
        each["division_name"]: (each["total_members"], each["is_main_division"])
        for each in zoom.get("/divisions").json["divisions"]
    }
    assert (assigned.status, assigned.json["ids"]) == (201, "id-eva,id-jan")
    assert again.status == 201
    assert members(zoom, sales) == ["id-eva", "id-jan"]
    assert counted == {"Sales": (2, False), "Main Division": (0, True)}
    assert zoom.get("/users/id-eva").json["division_ids"] == [sales]


def test_a_user_is_in_one_division_at_most() -> None:
    zoom = account()
    sales, export = made(zoom, "Sales"), made(zoom, "Export")
    eva = {"users": [{"user_id": "id-eva"}]}

    for division in (sales, export):
        zoom.post(f"/divisions/{division}/users", eva)

    assert (members(zoom, sales), members(zoom, export)) == ([], ["id-eva"])
    crowd = {"users": [{"user_id": f"u{n}"} for n in range(31)]}
    assert zoom.post(f"/divisions/{sales}/users", crowd).error == (400, 300)


def test_there_are_500_divisions_at_most() -> None:
    zoom = account()
    state = zoom.app.extensions["zoom_simulator"].state
    with state.transaction():
        state.run_many(
            "INSERT INTO divisions (id, name, name_key) VALUES (?1, ?1, ?1)",
            [(f"d{n}",) for n in range(500)],
        )

    assert zoom.post("/divisions", {"division_name": "Sales"}).error == (400, 42006)


def test_a_division_is_deleted_when_nobody_is_in_it() -> None:
    zoom = account()
    sales = made(zoom, "Sales")
    zoom.post(f"/divisions/{sales}/users", {"users": [{"user_id": "id-eva"}]})

    refused = zoom.delete(f"/divisions/{sales}")
    zoom.patch("/users/id-eva", {"division_ids": []})

    assert refused.error == (400, 42012)
    assert zoom.delete(f"/divisions/{sales}").status == 204
    assert zoom.get(f"/divisions/{sales}").error == (404, 40406)
    assert zoom.get(f"/divisions/{sales}/users").error == (404, 40406)


def test_the_main_division_stays() -> None:
    zoom = account()
    (main,) = zoom.get("/divisions").json["divisions"]

    assert zoom.delete(f"/divisions/{main['division_id']}").error == (400, 42011)


def test_a_name_is_one_divisions_alone() -> None:
    zoom = account()
    sales, export = made(zoom, "Sales"), made(zoom, "Export")

    twice = zoom.post("/divisions", {"division_name": "SALES"})
    renamed = zoom.patch(f"/divisions/{export}", {"division_name": "Sales"})
    nameless = zoom.post("/divisions", {"division_description": "nobody's"})
    own = zoom.patch(f"/divisions/{sales}", {"division_name": "SALES"})

    assert (twice.status, renamed.status, own.status) == (409, 409, 204)
    assert nameless.error == (400, 40005)
    assert zoom.get(f"/divisions/{sales}").json["division_name"] == "SALES"
    assert zoom.get(f"/divisions/{sales}").json["division_description"] == "ours"


def test_divisions_and_their_users_come_by_pages() -> None:
    zoom = account()
    sales = made(zoom, "Sales")
    zoom.post(
        f"/divisions/{sales}/users", {"users": [{"user_id": "id-eva"}, {"user_id": "id-jan"}]}
    )

    first = zoom.get(f"/divisions/{sales}/users", page_size=1).json
    token = first["next_page_token"]
    second = zoom.get(f"/divisions/{sales}/users", page_size=1, next_page_token=token).json

    assert [each["users"][0]["user_id"] for each in (first, second)] == ["id-eva", "id-jan"]
    assert (second["next_page_token"], second["total_records"]) == ("", 2)
    assert zoom.get("/divisions", page_size=301).error == (400, 300)
