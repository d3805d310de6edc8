"""The local SCIM service: it keeps to the RFCs, and misbehaves only as it is told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import scim2_models

from provisioner.simulators.scim_service import Faults, Style, create_app, load, serve

TOKEN = "s3cr3t-t0ken"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def user(number: int) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "id": f"u{number}",
        "externalId": f"E{number}",
        "userName": f"User{number}",
        "active": True,
    }


def group(key: str, *members: str) -> dict[str, Any]:
    return {
        "schemas": [GROUP],
        "id": key,
        "displayName": key.upper(),
        "members": [{"value": member} for member in members],
    }


RESOURCES = {
    "Users": [user(n) for n in range(5)],
    "Groups": [group("g1", "u1", "g2"), group("g2", "u2", "g1")],
}

Get = Callable[..., tuple[int, dict[str, Any]]]


def client(style: Style | None = None, faults: Faults | None = None) -> Get:
    """Return what asks the service for a path, with the token, and gives (status, body)."""
    app = create_app(RESOURCES, TOKEN, style=style or Style(), faults=faults or Faults())

    def get(path: str, **args: object) -> tuple[int, dict[str, Any]]:
        answer = app.test_client().get(
            f"/scim/v2/{path}",
            query_string={name: str(value) for name, value in args.items()},
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        return answer.status_code, answer.get_json(force=True)

    return get


def ids(body: dict[str, Any]) -> list[str]:
    return [each["id"] for each in body["Resources"]]


def test_whoever_shows_no_token_is_turned_away() -> None:
    app = create_app(RESOURCES, TOKEN)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        answer = app.test_client().get("/scim/v2/Users", headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_pages_by_index_follow_each_other() -> None:
    status, body = client()("Users", startIndex=3, count=2)

    assert status == 200
    assert ids(body) == ["u2", "u3"]
    assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (5, 3, 2)
    assert "nextCursor" not in body


def test_pages_by_cursor_follow_each_other_until_none_is_named() -> None:
    get = client()
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        _, body = get("Users", cursor=cursor, count=2)
        found += ids(body)
        cursor = body.get("nextCursor")

    assert found == [f"u{n}" for n in range(5)]
    assert "startIndex" not in body


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        ({"startIndex": 0}, 5),
        ({"startIndex": -3, "count": 2}, 2),
        ({"count": 0}, 0),
        ({"count": -1}, 0),
        ({"startIndex": 6}, 0),
    ],
)
def test_odd_page_bounds_mean_what_the_rfc_says(args: dict[str, int], shown: int) -> None:
    status, body = client()("Users", **args)

    assert (status, len(body["Resources"]), body["totalResults"]) == (200, shown, 5)


def test_no_page_is_longer_than_the_service_allows() -> None:
    assert len(client(Style(max_page=3))("Users", count=1000)[1]["Resources"]) == 3


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ({"startIndex": "two"}, "invalidValue"),
        ({"count": "1.5"}, "invalidValue"),
        ({"cursor": "%%"}, "invalidCursor"),
        ({"cursor": "bm9uc2Vuc2U"}, "invalidCursor"),
        ({"filter": "title co"}, "invalidFilter"),
    ],
)
def test_what_cannot_be_read_is_answered_with_a_scim_error(args: dict[str, str], kind: str) -> None:
    status, body = client()("Users", **args)

    assert (status, body["status"], body["scimType"]) == (400, "400", kind)
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('userName eq "USER3"', ["u3"]),
        ('USERNAME EQ "user3"', ["u3"]),
        ('externalId eq "E3"', ["u3"]),
        ('externalId eq "e3"', []),
        ('id eq "u0"', ["u0"]),
    ],
)
def test_a_filter_compares_by_its_attributes_own_rules(text: str, found: list[str]) -> None:
    assert ids(client()("Users", filter=text)[1]) == found


def test_users_show_their_groups_nested_ones_too_and_circles_end() -> None:
    _, body = client()("Users/u2")

    assert body["groups"] == [
        {"value": "g2", "display": "G2", "type": "direct"},
        {"value": "g1", "display": "G1", "type": "indirect"},
    ]
    assert "groups" not in client()("Users/u0")[1]


def test_attributes_can_be_chosen_and_left_out() -> None:
    get = client()

    assert get("Users", attributes="userName")[1]["Resources"][0].keys() == {
        "schemas",
        "id",
        "userName",
    }
    assert "members" not in get("Groups", excludedAttributes="members,id")[1]["Resources"][0]
    assert get("Groups/g1", excludedAttributes="members,id")[1]["id"] == "g1"


def test_the_service_says_how_it_pages() -> None:
    _, body = client(Style(pages=("cursor",), max_page=50))("ServiceProviderConfig")

    assert body["pagination"] == {
        "cursor": True,
        "index": False,
        "defaultPaginationMethod": "cursor",
        "defaultPageSize": 50,
        "maxPageSize": 50,
    }


def test_its_answers_are_scim_to_an_independent_reader() -> None:
    get = client()
    pages = scim2_models.ListResponse[scim2_models.User[scim2_models.EnterpriseUser]]
    config = scim2_models.ServiceProviderConfig

    assert pages.model_validate(get("Users")[1]).total_results == 5
    assert config.model_validate(get("ServiceProviderConfig")[1]).filter


@pytest.mark.parametrize("path", ["Nothing", "Users/u99"])
def test_what_is_not_there_is_a_scim_404(path: str) -> None:
    status, body = client()(path)

    assert (status, body["status"]) == (404, "404")


def test_it_can_only_be_read() -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = create_app(RESOURCES, TOKEN).test_client().post("/scim/v2/Users", headers=headers)

    assert answer.status_code == 405


def test_it_answers_busy_as_often_as_it_is_told_to() -> None:
    get = client(faults=Faults(busy=2))

    assert [get("Users")[0] for _ in range(3)] == [429, 429, 200]


def test_it_breaks_the_connection_in_the_middle_of_a_page() -> None:
    app = create_app(RESOURCES, TOKEN, faults=Faults(drop_page=2, drop_times=1))
    with serve(app) as base:

        def get(start: int) -> int:
            return requests.get(
                f"{base}/scim/v2/Users",
                params={"startIndex": str(start), "count": "2"},
                headers={"Authorization": f"Bearer {TOKEN}"},
                timeout=5,
            ).status_code

        assert get(1) == 200
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            get(3)
        assert get(3) == 200


def test_a_served_app_is_gone_when_its_block_ends() -> None:
    session = requests.Session()  # holds its connection open meanwhile
    with serve(create_app(RESOURCES, TOKEN)) as base:
        assert session.get(base, timeout=5).status_code == 401

    with pytest.raises(requests.ConnectionError):
        session.get(base, timeout=5)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(each) for each in [user(1), group("g1", "u1")]),
        json.dumps([user(1), group("g1", "u1")], indent=1),
        json.dumps({"Users": [user(1)], "Groups": [group("g1", "u1")]}),
        json.dumps({"totalResults": 2, "Resources": [user(1), group("g1", "u1")]}),
        "\ufeff" + json.dumps([user(1), {"id": "g1", "meta": {"resourceType": "Group"}}]),
    ],
    ids=["lines", "list", "by endpoint", "ListResponse", "list with a BOM"],
)
def test_resources_are_loaded_from_whichever_shape_the_file_has(tmp_path: Path, text: str) -> None:
    path = tmp_path / "people.json"
    path.write_text(text, encoding="utf-8")

    loaded = load(path)

    assert {kind: ids({"Resources": each}) for kind, each in loaded.items()} == {
        "Users": ["u1"],
        "Groups": ["g1"],
    }


def test_one_resource_alone_is_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text(json.dumps(user(1)) + "\n")

    assert len(load(path)["Users"]) == 1


def test_a_file_that_is_no_json_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_text('[{"id": 1},\n')

    with pytest.raises(ValueError):
        load(path)
