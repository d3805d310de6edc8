"""Account users of the Zoom simulator: invited, created, changed, deactivated, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import (
    UNLIMITED,
    Zoom,
    catalog,
    person,
    phone_user,
)


def create(zoom: Zoom, action: str, email: str = "eva@example.org", **info: Any) -> Any:
    given = {"email": email, "type": 1, "first_name": "Eva", "last_name": "Malá"} | info
    return zoom.post("/users", {"action": action, "user_info": given})


def listed(zoom: Zoom, **query: object) -> list[str]:
    return [user["email"] for user in zoom.get("/users", **query).json["users"]]


def test_an_invited_user_is_pending_until_they_accept() -> None:
    zoom = Zoom()

    assert create(zoom, "create").status == 201
    assert listed(zoom) == []
    assert listed(zoom, status="pending") == ["eva@example.org"]
    zoom.portal("accept", email="eva@example.org")

    assert listed(zoom) == ["eva@example.org"]
    assert listed(zoom, status="pending") == []


def test_lists_hide_the_id_of_a_pending_user() -> None:
    zoom = Zoom()
    made = create(zoom, "create").json

    [entry] = zoom.get("/users", status="pending").json["users"]

    assert "id" in made
    assert "id" not in entry


@pytest.mark.parametrize(
    ("action", "info"), [("autoCreate", {"password": "if42!LfH@"}), ("custCreate", {})]
)
def test_the_other_actions_make_an_active_user_at_once(action: str, info: dict[str, str]) -> None:
    zoom = Zoom()

    create(zoom, action, **info)

    assert listed(zoom) == ["eva@example.org"]


@pytest.mark.parametrize(
    ("sso", "answer"), [("none", (400, 2002)), ("login", (400, 2032)), ("provisioning", None)]
)
def test_sso_users_are_made_only_where_the_account_pre_provisions(
    sso: str, answer: tuple[int, int] | None
) -> None:
    made = create(Zoom(sso=sso), "ssoCreate")

    assert (made.status == 201) if answer is None else (made.error == answer)


def test_a_mail_address_in_use_is_a_conflict_whatever_its_case() -> None:
    zoom = Zoom([person("eva")])

    assert create(zoom, "create", "EVA@example.org").error == (409, 1005)


def test_no_user_becomes_licensed_without_a_seat() -> None:
    zoom = Zoom([person("jan", vendor={"type": 2})], licensed_seats=1)

    assert create(zoom, "custCreate", type=2).error == (400, 2034)
    create(zoom, "custCreate")
    assert zoom.patch("/users/eva@example.org", {"type": 2}).error == (400, 2034)


def test_a_new_user_gets_a_phone_only_while_licenses_last() -> None:
    zoom = Zoom([catalog(licenses={"zoom_phone": 1})])

    create(zoom, "create", feature={"zoom_phone": True})
    refused = create(zoom, "create", "jan@example.org", feature={"zoom_phone": True})

    assert refused.error == (404, 1102)
    assert listed(zoom, status="pending") == ["eva@example.org"]
    [entry] = zoom.get("/phone/users").json["users"]
    assert entry["activation_status"] == "not ready"


def test_every_wrong_field_is_named() -> None:
    zoom = Zoom()

    refused = zoom.post(
        "/users",
        {"action": "create", "user_info": {"email": "no mail", "type": "1", "nick": "E"}},
    )

    assert refused.error == (400, 300)
    assert refused.fields == ["user_info.email", "user_info.nick", "user_info.type"]


@pytest.mark.parametrize("body", [{}, {"action": "create"}, {"action": "adopt", "user_info": {}}])
def test_a_creation_without_its_required_fields_is_refused(body: dict[str, Any]) -> None:
    assert Zoom().post("/users", body).error == (400, 300)


def test_a_user_is_found_by_id_and_by_mail_address() -> None:
    zoom = Zoom([person("eva", key="k1", department="Sales", role="admin")])

    by_id, by_mail = zoom.get("/users/id-eva").json, zoom.get("/users/Eva@Example.org").json

    assert by_id == by_mail
    assert (by_id["dept"], by_id["role_name"], by_id["employee_unique_id"]) == (
        "Sales",
        "Admin",
        "k1",
    )
    assert zoom.get("/users/id-nobody").error == (404, 1001)


def test_a_profile_change_is_read_back() -> None:
    zoom = Zoom([person("eva")])

    changed = zoom.patch(
        "/users/id-eva",
        {"display_name": "Eva Nová", "dept": "Sales", "job_title": "Lead", "location": "Brno"},
    )
    user = zoom.get("/users/id-eva").json

    assert changed.status == 204
    assert (user["display_name"], user["dept"]) == ("Eva Nová", "Sales")
    assert (user["job_title"], user["location"]) == ("Lead", "Brno")


def test_an_emptied_display_name_is_made_of_first_and_last_name() -> None:
    zoom = Zoom([person("eva")])

    zoom.patch("/users/id-eva", {"display_name": "", "first_name": "Eva", "last_name": "Malá"})

    assert zoom.get("/users/id-eva").json["display_name"] == "Eva Malá"


def test_type_and_bundle_are_not_changed_together() -> None:
    zoom = Zoom([person("eva")])

    assert zoom.patch("/users/id-eva", {"type": 2, "zoom_one_type": 64}).error == (400, 300)
    assert zoom.patch("/users/id-eva", {"type": 99}).error == (400, 300)


def test_the_phone_is_switched_on_and_off_by_the_profile_or_the_settings() -> None:
    zoom = Zoom([person("eva")])

    zoom.patch("/users/id-eva", {"feature": {"zoom_phone": True}})
    on = zoom.get("/users/id-eva/settings").json["feature"]["zoom_phone"]
    zoom.patch("/users/id-eva/settings", {"feature": {"zoom_phone": False}})
    off = zoom.get("/users/id-eva/settings").json["feature"]["zoom_phone"]

    assert (on, off) == (True, False)
    assert zoom.get("/phone/users/id-eva").error == (404, 1001)


def test_switching_a_phone_on_needs_a_license_and_switching_it_twice_none_more() -> None:
    zoom = Zoom([catalog(licenses={"zoom_phone": 1}), person("eva"), person("jan")])

    for _ in range(2):
        assert zoom.patch("/users/id-eva", {"feature": {"zoom_phone": True}}).status == 204

    assert zoom.patch("/users/id-jan", {"feature": {"zoom_phone": True}}).error == (404, 1102)


def test_switching_the_phone_off_frees_numbers_plans_and_delegations() -> None:
    zoom = Zoom(
        [
            catalog(licenses={"zoom_phone": 2}, packages={UNLIMITED: 2}),
            phone_user("eva", numbers=["+4989123"], delegates=["jan@example.org"]),
            phone_user("jan", delegates=["eva@example.org"]),
        ]
    )

    zoom.patch("/users/id-eva", {"feature": {"zoom_phone": False}})

    assert zoom.get("/phone/calling_plans").json["calling_plans"][0]["available"] == 1
    assert zoom.get("/phone/numbers", type="unassigned").json["total_records"] == 1
    assert zoom.line("jan@example.org")["delegates"] == []
    zoom.patch("/users/id-eva", {"feature": {"zoom_phone": True}})
    assert zoom.line("eva@example.org")["packages"] == []


def test_deactivating_strips_every_license_and_reactivating_gives_none_back() -> None:
    zoom = Zoom([phone_user("eva", numbers=["+4989123"], vendor={"type": 2})])

    answer = zoom.put("/users/id-eva/status", {"action": "deactivate"})
    assert (answer.status, answer.json) == (200, None)
    assert listed(zoom, status="inactive") == ["eva@example.org"]
    zoom.put("/users/id-eva/status", {"action": "activate"})

    line = zoom.line("eva@example.org")
    assert (line["status"], line["license"], line["packages"], line["numbers"]) == (
        "active",
        None,
        [],
        [],
    )
    assert zoom.get("/users/id-eva").json["type"] == 1


def test_a_deactivated_user_gets_no_phone() -> None:
    zoom = Zoom([person("eva", status="inactive")])

    assert zoom.patch("/users/id-eva", {"feature": {"zoom_phone": True}}).error == (400, 300)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_owners_and_admins_are_neither_deactivated_nor_disassociated(role: str) -> None:
    zoom = Zoom([phone_user("eva", role=role)])

    assert zoom.put("/users/id-eva/status", {"action": "deactivate"}).error == (400, 200)
    assert zoom.delete("/users/id-eva").error in {(400, 200), (400, 1117)}
    assert zoom.put("/users/id-eva/email", {"email": "e@example.org"}).error == (400, 1000)


def test_a_call_queue_manager_is_not_changed() -> None:
    zoom = Zoom([phone_user("eva", vendor={"call_queue_manager": True})])

    assert zoom.delete("/users/id-eva").error == (400, 1000)
    assert zoom.put("/users/id-eva/status", {"action": "deactivate"}).error == (400, 1000)
    assert zoom.patch("/users/id-eva", {"feature": {"zoom_phone": False}}).error == (400, 1000)


def test_deleting_frees_what_the_user_held_and_the_mail_address() -> None:
    zoom = Zoom([catalog(licenses={"zoom_phone": 1}), phone_user("eva", numbers=["+4989123"])])

    assert zoom.delete("/users/id-eva", action="delete").status == 204

    assert zoom.get("/users/id-eva").error == (404, 1001)
    assert zoom.delete("/users/id-eva").error == (404, 1001)
    assert create(zoom, "custCreate", feature={"zoom_phone": True}).status == 201


def test_a_user_of_a_managed_domain_is_deleted_but_not_disassociated() -> None:
    zoom = Zoom([person("eva")], managed_domains=frozenset({"example.org"}))

    assert zoom.delete("/users/id-eva").error == (400, 1107)
    assert zoom.delete("/users/id-eva", action="delete").status == 204


def test_a_pending_user_is_disassociated_not_deleted() -> None:
    zoom = Zoom([person("eva", status="pending")])

    assert zoom.delete("/users/eva@example.org", action="delete").error == (400, 300)
    assert zoom.delete("/users/eva@example.org").status == 204


def test_a_mail_address_is_changed_unless_somebody_has_it() -> None:
    zoom = Zoom([person("eva"), person("jan")])

    assert zoom.put("/users/id-eva/email", {"email": "jan@example.org"}).error == (400, 1005)
    assert zoom.put("/users/id-eva/email", {"email": "nova@example.org"}).status == 204

    assert zoom.get("/users/nova@example.org").json["id"] == "id-eva"
    assert zoom.get("/users/email", email="eva@example.org").json == {"existed_email": False}


def test_features_of_many_are_changed_one_by_one_and_failures_are_named() -> None:
    zoom = Zoom([person("eva"), person("jan", vendor={"type": 2})], licensed_seats=2)

    users = [{"email": f"{name}@example.org"} for name in ("eva", "jan", "nobody")]
    answer = zoom.post(
        "/users/features", {"feature_type": "user_type", "feature_value": "2", "users": users}
    )

    assert answer.status == 201
    assert answer.json["success_user_ids"] == ["id-eva"]
    assert answer.json["fail_details"] == [
        {"user_ids": ["id-jan"], "reason": "No need to update"},
        {"user_ids": ["nobody@example.org"], "reason": "Users not found"},
    ]


def test_more_than_thirty_users_are_too_many_for_the_features_call() -> None:
    users = [{"email": f"u{n}@example.org"} for n in range(31)]

    refused = Zoom().post(
        "/users/features", {"feature_type": "user_type", "feature_value": "2", "users": users}
    )

    assert (refused.error, refused.fields) == ((400, 300), ["users"])


def test_users_are_counted_by_type() -> None:
    zoom = Zoom([person("eva", vendor={"type": 2}), person("jan"), person("ivo", status="pending")])

    counts = zoom.get("/users/summary").json

    assert (counts["licensed_users_count"], counts["basic_users_count"]) == (1, 2)
    assert (counts["pending_users_count"], counts["total_users_count"]) == (1, 3)


def test_a_member_is_moved_to_another_group() -> None:
    zoom = Zoom([person("eva"), person("jan")])
    here, there = (zoom.post("/groups", {"name": name}).json["id"] for name in ("Sales", "Export"))
    zoom.post(f"/groups/{here}/members", {"members": [{"id": "id-eva"}]})
    path = f"/groups/{here}/members/id-eva"

    nowhere = zoom.patch(path, {"action": "move"})
    foreign = zoom.patch(path, {"action": "move", "target_group_id": "none"})
    primary = zoom.patch(path, {"action": "set_primary"})
    moved = zoom.patch(path, {"action": "move", "target_group_id": there})

    assert (nowhere.error, foreign.error) == ((400, 300), (400, 1010))
    assert (primary.status, moved.status) == (204, 204)
    assert zoom.get(f"/groups/{here}").json["total_members"] == 0
    assert zoom.get(f"/groups/{there}/members").json["members"][0]["id"] == "id-eva"
    assert zoom.patch(path, {"action": "set_primary"}).error == (404, 4131)


def test_whoever_is_deleted_is_no_member_of_a_group_any_more() -> None:
    zoom = Zoom([person("eva")])
    group = zoom.post("/groups", {"name": "Sales"}).json["id"]
    zoom.post(f"/groups/{group}/members", {"members": [{"id": "id-eva"}]})

    zoom.delete("/users/id-eva", action="delete")

    assert zoom.get(f"/groups/{group}").json["total_members"] == 0
