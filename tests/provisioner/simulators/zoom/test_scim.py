"""Zoom's own SCIM: small pages, two filters, and a phone that comes with the user."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import (
    METERED,
    UNLIMITED,
    Zoom,
    catalog,
    person,
    phone_user,
)

OWN = "urn:ietf:params:scim:schemas:extension:zoom:1.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]


def account(*lines: dict[str, Any], **options: Any) -> Zoom:
    return Zoom(lines, sso="provisioning", **options)


def switch(zoom: Zoom, user: str, active: bool) -> Any:
    body = {"schemas": PATCH, "Operations": [{"op": "replace", "value": {"active": active}}]}
    return zoom.patch(f"/scim2/Users/{user}", body)


def test_a_page_holds_one_user_unless_more_are_asked_for() -> None:
    zoom = account(person("eva"), person("jan"), person("max"))

    first = zoom.get("/scim2/Users").json
    rest = zoom.get("/scim2/Users", startIndex=2, count=100).json

    assert (first["totalResults"], first["itemsPerPage"], first["startIndex"]) == (3, 1, 1)
    assert [user["userName"] for user in first["Resources"]] == ["eva@example.org"]
    assert [user["userName"] for user in rest["Resources"]] == [
        "jan@example.org",
        "max@example.org",
    ]
    assert zoom.get("/scim2/Users", count=101).status == 400


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ('userName eq "EVA@example.org"', ["id-eva"]),
        ("userName eq eva@example.org", ["id-eva"]),
        ("externalId eq id-jan", ["id-jan"]),
        ('userName eq "nobody@example.org"', []),
    ],
)
def test_a_user_is_found_by_mail_or_id(filter_: str, found: list[str]) -> None:
    zoom = account(person("eva"), person("jan"))

    told = zoom.get("/scim2/Users", filter=filter_, count=10).json

    assert [user["id"] for user in told["Resources"]] == found


def test_any_other_filter_is_refused_in_scims_own_words() -> None:
    refused = account().get("/scim2/Users", filter='displayName eq "Eva"')

    assert refused.status == 400
    assert refused.json == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "400",
        "detail": "The current filter is not supported, the filter name: displayName",
    }


def test_without_single_sign_on_there_is_no_scim_for_users() -> None:
    zoom = Zoom([person("eva")])

    for refused in (zoom.get("/scim2/Users"), zoom.get("/scim2/Users/id-eva")):
        assert refused.status == 400
        assert refused.json["detail"] == "Account has not enabled Single Sign-On."


def test_a_new_user_is_active_and_has_the_phone_that_came_along() -> None:
    numbers = ["+4989100"]
    zoom = account(catalog(sites=["Munich"], numbers=[[number, "Munich"] for number in numbers]))
    own = {
        "zoomPhoneExtNumber": "4077",
        "zoomPhoneSite": "Munich",
        "zoomPhoneCallingPlan": "200",
        "zoomPhoneNumber": numbers[0],
    }

    made = zoom.post(
        "/scim2/Users",
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "eva@example.org",
            "userType": "Licensed",
            "name": {"givenName": "Eva", "familyName": "Malá"},
            "title": "Buyer",
            "phoneNumbers": [{"type": "work", "value": "+49891234"}],
            ENTERPRISE: {"department": "Sales", "costCenter": "77", "organization": "Example"},
            OWN: own,
        },
    )

    line = zoom.line("eva@example.org")
    assert (made.status, made.json["active"], made.json["userType"]) == (201, True, "Licensed")
    assert made.json[ENTERPRISE] == {"department": "Sales", "organization": "Example"}
    assert made.json["phoneNumbers"] == [{"type": "office", "value": "+49891234"}]
    assert (line["license"], line["extension_number"], line["site"]) == (
        "zoom_phone",
        "4077",
        "Munich",
    )
    assert (line["packages"], line["numbers"], line["department"]) == (
        [UNLIMITED],
        numbers,
        "Sales",
    )
    assert zoom.get("/scim2/Users/" + made.json["id"]).json[ENTERPRISE]["costCenter"] == "77"


def test_a_new_user_without_a_word_of_the_phone_has_none() -> None:
    zoom = account()

    made = zoom.post("/scim2/Users", {"userName": "eva@example.org"})

    assert made.status == 201
    assert zoom.get(f"/phone/users/{made.json['id']}").error == (404, 1001)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"userName": "eva"}, 400, 'The "userName" of the request is invalid.'),
        ({"title": "Buyer"}, 400, 'The "userName" of the request is invalid.'),
        ({}, 400, "The request JSON must not be empty."),
        ({"userName": "jan@example.org"}, 400, 'The email "jan@example.org" is already in use.'),
        ({"userName": "a@b.org", "userType": "Licensed"}, 409, "Cannot add paid users."),
        ({"userName": "a@b.org", "groups": [{"value": "none"}]}, 400, "Group does not exist."),
        ({"userName": "a@b.org", OWN: {"zoomPhoneSite": "Brno"}}, 400, "Site does not exist."),
    ],
)
def test_a_user_who_cannot_be_made_is_refused_and_nothing_stays(
    body: dict[str, Any], status: int, detail: str
) -> None:
    zoom = account(person("jan"), licensed_seats=0)

    refused = zoom.post("/scim2/Users", body)

    assert (refused.status, refused.json["detail"]) == (status, detail)
    assert zoom.get("/scim2/Users").json["totalResults"] == 1


def test_no_phone_license_is_left_for_a_new_user() -> None:
    zoom = account(catalog(licenses={"zoom_phone": 0}))

    refused = zoom.post("/scim2/Users", {"userName": "a@b.org", OWN: {"zoomPhoneExtNumber": "0"}})

    assert (refused.status, refused.json["status"]) == (409, "409")
    assert "available licenses" in refused.json["detail"]


def test_an_update_changes_what_it_names_and_swaps_no_plan() -> None:
    zoom = account(phone_user("eva", packages=[UNLIMITED]))
    body = {
        "emails": [{"value": "eva.nova@example.org", "primary": True}],
        "displayName": "Eva Nová",
        OWN: {"zoomPhoneCallingPlan": "100", "zoomPhoneExtNumber": "4078"},
    }

    changed = zoom.put("/scim2/Users/id-eva", body)

    line = zoom.line("eva.nova@example.org")
    assert (changed.status, changed.json["userName"]) == (200, "eva.nova@example.org")
    assert (line["display_name"], line["extension_number"]) == ("Eva Nová", "4078")
    assert line["packages"] == [METERED, UNLIMITED]

    zoom.put("/scim2/Users/id-eva", {OWN: {"zoomPhoneCallingPlan": "-1"}})

    assert not zoom.line("eva.nova@example.org").get("packages")


def test_deactivating_takes_every_license_and_an_inactive_user_cannot_be_changed() -> None:
    zoom = account(phone_user("eva"))

    off = switch(zoom, "id-eva", active=False)
    refused = zoom.put("/scim2/Users/id-eva", {"title": "Buyer"})

    assert (off.status, off.json["active"]) == (200, False)
    assert zoom.get("/phone/users/id-eva").status == 404
    assert (refused.status, refused.json["detail"]) == (400, "User is inactive or locked.")
    assert zoom.put("/scim2/Users/id-eva", {"active": True, "title": "Buyer"}).json["active"]
    assert switch(zoom, "id-eva", active=True).json["title"] == "Buyer"


def test_administrators_are_neither_deactivated_nor_deleted() -> None:
    zoom = account(person("eva", role="admin"))

    off, gone = switch(zoom, "id-eva", active=False), zoom.delete("/scim2/Users/id-eva")

    assert off.json["detail"] == "Cannot activate or deactivate Zoom Room and Admin users."
    assert (gone.status, gone.json["detail"]) == (400, "Cannot delete Admin user.")


def test_a_deleted_user_is_gone_from_groups_and_phones_as_well() -> None:
    zoom = account(phone_user("eva"))
    group = zoom.post("/scim2/Groups", {"displayName": "Sales"}).json["id"]
    zoom.post(f"/groups/{group}/members", {"members": [{"id": "id-eva"}]})

    assert zoom.delete("/scim2/Users/id-eva").status == 204

    assert zoom.get("/scim2/Users/id-eva").status == 404
    assert zoom.get(f"/groups/{group}").json["total_members"] == 0
    assert zoom.get("/phone/users").json["users"] == []


def members(zoom: Zoom, group: str) -> list[str]:
    return [each["id"] for each in zoom.get(f"/groups/{group}/members").json["members"]]


def test_a_group_is_made_renamed_filled_emptied_and_deleted() -> None:
    zoom = account(person("eva"), person("jan"))
    group = zoom.post("/scim2/Groups", {"displayName": "Sales"}).json["id"]
    path = f"/scim2/Groups/{group}"

    def change(**operation: Any) -> list[str]:
        changed = zoom.patch(path, {"schemas": PATCH, "Operations": [operation]})
        assert changed.status == 204
        return members(zoom, group)

    assert change(op="add", path="members", value=[{"value": "id-eva"}]) == ["id-eva"]
    assert change(op="replace", path="members", value=[{"value": "id-jan"}]) == ["id-jan"]
    assert change(op="remove", path='members[value eq "id-jan"]') == []
    change(op="add", path="members", value=[{"value": "id-eva"}, {"value": "nobody"}])
    assert change(op="remove", path="members") == []
    change(op="replace", value={"displayName": "Export"})
    assert zoom.get(path).json["displayName"] == "Export"
    found = zoom.get("/scim2/Groups", filter='displayName eq "export"').json
    assert [each["id"] for each in found["Resources"]] == [group]
    assert zoom.delete(path).status == 204
    assert (zoom.get(path).status, zoom.get(path).json["detail"]) == (404, "Group does not exist.")


def test_what_no_group_can_be_or_do_is_refused() -> None:
    zoom = account()
    path = "/scim2/Groups/" + zoom.post("/scim2/Groups", {"displayName": "Sales"}).json["id"]

    twice = zoom.post("/scim2/Groups", {"displayName": "sales"})
    nameless = zoom.post("/scim2/Groups", {"displayName": ""})
    strange = zoom.patch(path, {"Operations": [{"op": "conjure", "path": "members"}]})
    large = zoom.patch(path, {"Operations": [{"op": "replace", "path": "x" * 100_000}]})
    other = zoom.get("/scim2/Groups", filter="id eq 1")

    assert (twice.status, twice.json["detail"]) == (409, "Group sales exists.")
    assert nameless.json["detail"] == 'The "DisplayName" of the request is invalid.'
    assert strange.json["detail"] == 'The "Operations" of the request is invalid.'
    assert "100,000 character limit" in large.json["detail"]
    assert other.json["detail"] == "The current filter does not support the filter name: id"


def test_a_body_that_is_no_json_is_refused_in_scims_own_words() -> None:
    zoom = account()
    headers = {"Authorization": f"Bearer {zoom.token}", "Content-Type": "application/scim+json"}

    answer = zoom.http.post("/scim2/Users", data=b"{", headers=headers)

    assert answer.status_code == 400
    assert answer.get_json()["detail"] == "The request body must be in JSON format."


def test_a_token_that_is_none_is_refused_as_everywhere() -> None:
    zoom = account()
    zoom.token = "none"

    refused = zoom.get("/scim2/Users")

    assert refused.error == (401, 124)
