"""What each method answers at `/Users` and `/Groups`, as RFC 7644 has it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import BASE, USER, Provider


def test_a_created_user_is_answered_whole_with_where_it_is(push: Provider) -> None:
    answer = push("POST", "/Users", {"schemas": [USER], "userName": "eva", "active": True})

    id = answer.body["id"]
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.headers["Location"] == answer.body["meta"]["location"] == f"{BASE}/Users/{id}"
    assert answer.headers["ETag"] == answer.body["meta"]["version"] == 'W/"1"'
    assert push.get(f"/Users/{id}").body == answer.body


def test_a_created_group_is_answered_with_its_members(push: Provider) -> None:
    eva = push.user()["id"]

    group = push.group("Sales", eva)

    assert [each["value"] for each in group["members"]] == [eva]
    assert push.get(f"/Groups/{group['id']}").body == group
    assert push.get(f"/Users/{eva}").body["groups"] == [
        {
            "value": group["id"],
            "$ref": f"{BASE}/Groups/{group['id']}",
            "display": "Sales",
            "type": "direct",
        }
    ]


def test_put_replaces_and_patch_changes(push: Provider) -> None:
    eva = push.user(title="clerk", nickName="evi")
    path = f"/Users/{eva['id']}"

    put = push("PUT", path, {**eva, "title": "boss", "nickName": None})
    patched = push.patch(path, {"op": "Replace", "path": "active", "value": "False"})

    assert (put.status, put.body["title"], "nickName" in put.body) == (200, "boss", False)
    assert (patched.status, patched.body["active"]) == (200, False)
    assert patched.headers["ETag"] == patched.body["meta"]["version"] == 'W/"3"'
    assert push.get(path).body == patched.body


def test_a_groups_patch_is_answered_without_a_body_unless_attributes_are_asked_for(
    push: Provider,
) -> None:
    eva, group = push.user()["id"], push.group()["id"]
    add = {"op": "add", "path": "members", "value": [{"value": eva}]}

    plain = push.patch(f"/Groups/{group}", add)
    asked = push.patch(f"/Groups/{group}?attributes=displayName", add)

    assert (plain.status, plain.text, plain.headers["ETag"]) == (204, "", 'W/"2"')
    assert plain.headers["Content-Type"] == "application/scim+json"
    assert (asked.status, sorted(asked.body)) == (200, ["displayName", "id", "schemas"])


def test_what_is_deleted_is_gone(push: Provider) -> None:
    for path in (f"/Users/{push.user()['id']}", f"/Groups/{push.group()['id']}"):
        assert push("DELETE", path).status == 204
        assert push("DELETE", path).error == (404, None)
        assert push.get(path).error == (404, None)
        assert push("PUT", path, {"userName": "x", "displayName": "x"}).error == (404, None)
        assert push.patch(path, {"op": "add", "path": "displayName", "value": "x"}).error == (
            404,
            None,
        )


@pytest.mark.parametrize("id", ["nobody", "0" * 32, "%00", "bulkId:x", "ž", "a" * 5000])
def test_what_was_never_there_is_not_found(push: Provider, id: str) -> None:
    assert push.get(f"/Users/{quote(id, safe='%')}").error == (404, None)
    assert push("DELETE", f"/Groups/{quote(id, safe='%')}").error == (404, None)


def test_attributes_are_chosen_and_left_out(push: Provider) -> None:
    eva = push.user(title="clerk", name={"givenName": "Eva", "familyName": "Malá"})
    group = push.group("Sales", eva["id"])
    path = f"/Users/{eva['id']}"

    assert push.get(f"{path}?attributes=userName,name.givenName").body == {
        "schemas": [USER],
        "id": eva["id"],
        "userName": "eva",
        "name": {"givenName": "Eva"},
    }
    assert "groups" not in push.get(f"{path}?excludedAttributes=groups,title").body
    assert push.get(f"{path}?excludedAttributes=name.givenName").body["name"] == {
        "familyName": "Malá"
    }
    assert push.get(f"{path}?attributes=groups.display").body["groups"] == [{"display": "Sales"}]
    listed = push.get("/Groups?excludedAttributes=members").body["Resources"][0]
    assert "members" not in listed
    assert listed["id"] == group["id"]
    assert "members" not in push.get(f"/Groups/{group['id']}?excludedAttributes=Members").body


def test_a_version_that_the_client_has_is_not_sent_again(push: Provider) -> None:
    eva = push.user()
    path, tag = f"/Users/{eva['id']}", eva["meta"]["version"]

    same = push.get(path, If_None_Match=tag)
    assert (same.status, same.text, same.headers["ETag"]) == (304, "", tag)
    push.group("Sales", eva["id"])
    assert push.get(path, If_None_Match=tag).status == 200, "the groups are new"


def test_a_write_to_another_version_is_refused(push: Provider) -> None:
    eva, group = push.user(), push.group()
    rename = {"op": "replace", "path": "displayName", "value": "x"}

    for path in (f"/Users/{eva['id']}", f"/Groups/{group['id']}"):
        assert push.patch(path, rename, If_Match='W/"7"').error == (412, None)
        assert push("DELETE", path, If_Match='W/"7"').error == (412, None)
        assert push.patch(path, rename, If_None_Match='W/"1"').error == (412, None)
        assert push.patch(path, rename, If_Match='W/"7", W/"1"').status in (200, 204)
        assert push("DELETE", path, If_Match="*").status == 204


def test_a_taken_name_is_a_conflict(push: Provider) -> None:
    push.user("eva")

    assert push("POST", "/Users", {"userName": "EVA"}).error == (409, "uniqueness")


def test_a_password_is_taken_and_never_seen_again(push: Provider, store: Direct, sync: str) -> None:
    eva = push.user(password="hunter2!")
    path = f"/Users/{eva['id']}"
    push.patch(path, {"op": "replace", "path": "password", "value": "hunter3!"})

    assert "password" not in eva
    assert "hunter" not in push.get(f"{path}?attributes=password,userName").text
    rows = store.read(lambda s: s.rows("SELECT document FROM scim_users WHERE sync = :s", s=sync))
    assert "hunter" not in str(rows)


def test_members_that_nobody_knows_are_refused(push: Provider) -> None:
    body = {"displayName": "Sales", "members": [{"value": "0" * 32}]}

    assert push("POST", "/Groups", body).error == (400, "invalidValue")


def test_a_put_of_a_group_just_read_changes_nothing(push: Provider) -> None:
    eva = push.user()["id"]
    group = push.group("Sales", eva)
    path = f"/Groups/{group['id']}"

    assert push("PUT", path, push.get(path).body).body == group
    slim = push.get(f"{path}?excludedAttributes=members").body
    assert push("PUT", path, {**slim, "displayName": "Trade"}).body["members"] == group["members"]
