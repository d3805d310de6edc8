"""What nobody knows of Zoom can be simulated either way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import MAIN, Zoom, person, phone_user

NEW = {"calling_plans": [], "site_name": MAIN}


def batch(zoom: Zoom) -> Any:
    users = [
        {"email": "eva@example.org", "extension_number": "5001", **NEW},
        {"email": "nobody@example.org", "extension_number": "5002", **NEW},
        {"email": "jan@example.org", "extension_number": "5003", **NEW},
    ]
    return zoom.post("/phone/users/batch", {"users": users})


@pytest.mark.parametrize(
    ("partial", "status", "phones"), [(False, 400, ["ada"]), (True, 201, ["ada", "eva", "jan"])]
)
def test_a_batch_that_is_partly_right_is_refused_or_does_what_it_can(
    partial: bool, status: int, phones: list[str]
) -> None:
    zoom = Zoom([phone_user("ada"), person("eva"), person("jan")], partial_batches=partial)

    reply = batch(zoom)

    assert reply.status == status
    if partial:
        assert [user["email"][:3] for user in reply.json] == ["eva", "jan"]
    held = zoom.get("/phone/users").json["users"]
    assert sorted(user["email"][:3] for user in held) == phones


@pytest.mark.parametrize(("partial", "moved"), [(False, 0), (True, 1)])
def test_a_move_of_many_is_refused_or_moves_whom_it_can(partial: bool, moved: int) -> None:
    zoom = Zoom([phone_user("eva"), phone_user("ada", site="Brno")], partial_batches=partial)
    body = {"batch_type": "move_site", "site_id": zoom.site_id("Brno")}

    reply = zoom.put("/phone/users/batch", body | {"user_ids": ["id-eva", "nobody"]})

    assert reply.status == (204 if partial else 404)
    assert [line["site"] for line in zoom.state()[1:]].count("Brno") == 1 + moved


@pytest.mark.parametrize("keeps", [False, True])
def test_the_trash_keeps_plans_and_numbers_or_frees_them(keeps: bool) -> None:
    zoom = Zoom([phone_user("eva", numbers=["+4930100"])], trash_keeps=keeps)

    zoom.portal("trash", email="eva@example.org")
    free = zoom.get("/phone/numbers", type="unassigned").json["phone_numbers"]
    zoom.portal("restore", email="eva@example.org")

    assert len(free) == (0 if keeps else 1)
    assert bool(zoom.line("eva@example.org")["packages"]) is keeps


@pytest.mark.parametrize("restores", [False, True])
def test_reactivating_gives_back_the_login_alone_or_what_is_still_free(restores: bool) -> None:
    eva = phone_user("eva", numbers=["+4930100", "+4930101"], extension_number="4077")
    zoom = Zoom([eva, phone_user("jan")], reactivation_restores=restores)

    assert zoom.put("/users/id-eva/status", {"action": "deactivate"}).status == 200
    assert zoom.line("eva@example.org")["license"] is None
    zoom.post("/phone/users/id-jan/phone_numbers", {"phone_numbers": [{"number": "+4930100"}]})
    assert zoom.put("/users/id-eva/status", {"action": "activate"}).status == 200

    line = zoom.line("eva@example.org")
    assert line["status"] == "active"
    if restores:
        assert (line["license"], line["extension_number"]) == ("zoom_phone", "4077")
        assert (line["numbers"], len(line["packages"])) == (["+4930101"], 1)
    else:
        assert (line["license"], line["numbers"], line["packages"]) == (None, [], [])


@pytest.mark.parametrize("accepts", [False, True])
def test_a_delegation_shows_at_once_or_when_the_delegate_has_accepted(accepts: bool) -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan")], delegates_accept=accepts)

    def delegates() -> list[str]:
        found = zoom.get("/phone/users/id-eva/settings").json["delegation"]["assistants"]
        return [one["id"] for one in found]

    body = {"delegation_assistant_extension_id": zoom.extension_id("id-jan")}
    assert zoom.post("/phone/users/id-eva/settings/delegation", body).status == 201

    assert delegates() == ([] if accepts else ["id-jan"])
    zoom.portal("delegate", email="eva@example.org", delegate="jan@example.org")
    assert delegates() == ["id-jan"]


@pytest.mark.parametrize("status", [401, 400])
def test_an_expired_token_is_refused_under_either_status(status: int) -> None:
    zoom = Zoom([person("eva")], expired_token_status=status)
    zoom.clock.advance(hours=1)

    assert zoom.get("/users").error == (status, 124)


@pytest.mark.parametrize(("documented", "added"), [(False, 201), (True, 200)])
def test_what_is_added_is_answered_as_seen_or_as_documented(documented: bool, added: int) -> None:
    zoom = Zoom([phone_user("eva", packages=[])], documented_statuses=documented)

    plans = zoom.post("/phone/users/id-eva/calling_plans", {"calling_plans": [{"type": 100}]})

    assert plans.status == added


@pytest.mark.parametrize("status", [204, 200])
def test_changed_user_settings_are_answered_either_way(status: int) -> None:
    zoom = Zoom([person("eva")], settings_status=status)

    assert zoom.patch("/users/id-eva/settings", {"feature": {"webinar": True}}).status == status
