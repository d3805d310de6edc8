"""What the web portal of the Zoom simulator does: the log, hand edits, the trash."""

from __future__ import annotations

from tests.provisioner.simulators.zoom.zoom_client import (
    METERED,
    UNLIMITED,
    Zoom,
    catalog,
    person,
    phone_user,
)


def test_the_log_holds_accepted_writes_in_order_and_nothing_else() -> None:
    zoom = Zoom([phone_user("eva")])

    zoom.get("/users")
    zoom.patch("/users/id-eva", {"dept": "Sales"})
    zoom.patch("/users/id-eva", {"nope": 1})
    zoom.delete("/users/id-eva", action="delete")

    assert zoom.log() == [
        {
            "seq": 1,
            "method": "PATCH",
            "path": "/users/id-eva",
            "query": {},
            "body": {"dept": "Sales"},
            "time": "2026-11-23T09:00:00Z",
        },
        {
            "seq": 2,
            "method": "DELETE",
            "path": "/users/id-eva",
            "query": {"action": "delete"},
            "body": None,
            "time": "2026-11-23T09:00:00Z",
        },
    ]


def test_a_password_is_not_logged() -> None:
    zoom = Zoom()

    info = {"email": "eva@example.org", "type": 1, "password": "if42!LfH@"}
    zoom.post("/users", {"action": "autoCreate", "user_info": info})

    assert zoom.log()[0]["body"]["user_info"]["password"] == "***"


def test_a_hand_edit_changes_only_what_it_names() -> None:
    zoom = Zoom(
        [
            phone_user("eva", numbers=["+4989"], delegates=["jan@example.org"]),
            phone_user("jan", delegates=["eva@example.org"]),
        ]
    )
    before, others = zoom.line("eva@example.org"), zoom.line("jan@example.org")

    edited = zoom.portal("user", email="eva@example.org", packages=[METERED], department="Sales")

    assert edited == before | {"packages": [METERED], "department": "Sales"}
    assert [zoom.line("eva@example.org"), zoom.line("jan@example.org")] == [edited, others]
    assert [line["id"] for line in zoom.state()[1:]] == ["id-eva", "id-jan"]
    assert zoom.log() == []


def test_a_hand_edit_that_takes_the_license_takes_what_hangs_on_it() -> None:
    zoom = Zoom([phone_user("eva", numbers=["+4989"]), phone_user("jan")])

    edited = zoom.portal("user", email="eva@example.org", license=None)
    zoom.portal("user", email="jan@example.org", status="inactive")

    assert (edited["license"], edited["packages"], edited["numbers"]) == (None, [], [])
    assert zoom.get("/phone/users").json["users"] == []
    assert zoom.get("/phone/numbers", type="unassigned").json["total_records"] == 1


def test_a_hand_edit_renames_and_creates() -> None:
    zoom = Zoom([person("eva")])

    zoom.portal("user", email="eva@example.org", new_email="nova@example.org")
    made = zoom.portal("user", email="ada@example.org", display_name="Ada", license="zoom_phone")

    assert zoom.get("/users/nova@example.org").json["id"] == "id-eva"
    assert zoom.get("/phone/users/ada@example.org").json["id"] == made["id"]


def test_a_wrong_hand_edit_changes_nothing_and_says_why() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan", extension_number="4077")])
    before = zoom.state()

    for wrong in ({"extension_number": "4077"}, {"shoe_size": 42}, {"status": "asleep"}):
        answer = zoom.http.post("/_portal/user", json={"email": "eva@example.org", **wrong})
        assert answer.status_code == 400

    assert zoom.state() == before


def test_the_trash_frees_plan_number_and_license_and_keeps_the_rest() -> None:
    zoom = Zoom(
        [
            catalog(licenses={"zoom_phone": 1}, packages={UNLIMITED: 1}),
            phone_user("eva", numbers=["+4989"], extension_number="4077"),
            person("jan"),
        ]
    )

    zoom.portal("trash", email="eva@example.org")
    line = zoom.line("eva@example.org")

    assert (line["status"], line["packages"], line["numbers"]) == ("trashed", [], [])
    assert line["extension_number"] == "4077"
    assert zoom.get("/phone/users").json["users"] == []
    assert zoom.patch("/users/id-jan", {"feature": {"zoom_phone": True}}).status == 204


def test_a_restored_user_is_a_phone_user_again_if_there_is_a_license() -> None:
    zoom = Zoom([catalog(licenses={"zoom_phone": 1}), phone_user("eva"), person("jan")])
    zoom.portal("trash", email="eva@example.org")

    zoom.portal("restore", email="eva@example.org")
    assert zoom.get("/phone/users/id-eva").json["calling_plans"] == []
    zoom.portal("trash", email="eva@example.org")
    zoom.patch("/users/id-jan", {"feature": {"zoom_phone": True}})

    refused = zoom.http.post("/_portal/restore", json={"email": "eva@example.org"})
    assert refused.status_code == 400


def test_only_a_pending_user_accepts() -> None:
    zoom = Zoom([person("eva")])

    for email, status in (("eva@example.org", 400), ("nobody@example.org", 404)):
        answer = zoom.http.post("/_portal/accept", json={"email": email})
        assert answer.status_code == status


def test_seats_that_are_bought_are_there_and_a_plan_that_does_not_exist_is_refused() -> None:
    zoom = Zoom([catalog(licenses={"zoom_phone": 1}), phone_user("eva"), person("jan")])
    licensed = {"feature": {"zoom_phone": True}}
    assert zoom.patch("/users/id-jan", licensed).error == (404, 1102)

    zoom.portal("seats", zoom_phone=2, **{UNLIMITED: 7})

    assert zoom.patch("/users/id-jan", licensed).status == 204
    plans = {
        p["name"]: p["subscribed"] for p in zoom.get("/phone/calling_plans").json["calling_plans"]
    }
    assert plans[UNLIMITED] == 7
    for wrong in ({"Zoom Telepathy": 1}, {UNLIMITED: "many"}):
        assert zoom.http.post("/_portal/seats", json=wrong).status_code == 400
