"""Users: what is shown and what is not, pages, filters, writes, soft delete and restore."""

from __future__ import annotations

import pytest

from tests.provisioner.simulators.teams.graph_client import (
    CREDENTIALS,
    DOMESTIC,
    E3,
    PHONE,
    PHONE_NAME,
    TOKEN,
    Graph,
    caller,
    catalog,
    person,
)


def test_licenses_and_location_are_shown_only_when_selected() -> None:
    graph = Graph([person("eva")])

    plain = graph.get("/users").value[0]
    chosen = graph.get("/users", select="id,usageLocation,assignedLicenses").value[0]

    assert not {"usageLocation", "assignedLicenses"} & plain.keys()
    assert chosen == {
        "id": "id-eva",
        "usageLocation": "DE",
        "assignedLicenses": [{"skuId": E3, "disabledPlans": []}],
    }


def test_every_user_comes_once_over_all_pages_and_links_are_followed_as_they_are() -> None:
    graph = Graph([person(f"p{n}") for n in range(25)])

    page = graph.get("/users", top=10, select="id")
    found = [each["id"] for each in page.value]
    while "@odata.nextLink" in page.json:
        page = graph.follow(page.json["@odata.nextLink"])
        found += [each["id"] for each in page.value]

    assert found == [f"id-p{n}" for n in range(25)]


def test_a_page_token_is_good_only_for_the_query_that_it_came_from() -> None:
    graph = Graph([person(f"p{n}") for n in range(3)])
    token = graph.get("/users", top=1).json["@odata.nextLink"].rpartition("=")[2]

    assert graph.get("/users", top=2, skiptoken=token).status == 400
    assert graph.get("/users", top=1, skiptoken="made-up").status == 400


@pytest.mark.parametrize("top", ["0", "1000", "many"])
def test_a_page_has_one_to_999_entries(top: str) -> None:
    assert Graph().get("/users", top=top).status == 400


@pytest.mark.asks_for_what_is_not_there
def test_unknown_properties_parameters_and_operations_are_refused() -> None:
    graph = Graph([person("eva")])

    assert "colour" in graph.get("/users", select="id,colour").message
    assert graph.call("GET", "/users", query={"colour": "red"}).status == 400
    assert graph.get("/telepathy").error == (400, "BadRequest")
    assert graph.call("PUT", "/users", {}).status == 405
    assert graph.get("/users", select="skills").status == 501
    inner = graph.get("/users/nobody").json["error"]["innerError"]
    assert inner.keys() == {"date", "request-id", "client-request-id"}


def test_users_are_filtered_and_advanced_filters_need_eventual_consistency() -> None:
    graph = Graph([person("eva"), person("jan", department="Sales"), caller("ida")])

    def ids(**query: str) -> list[str]:
        return [each["id"] for each in graph.get("/users", select="id", **query).value]

    assert ids(filter="department eq 'sales'") == ["id-jan"]
    assert ids(filter="startswith(displayName,'e') or id eq 'id-ida'") == ["id-eva", "id-ida"]
    assert ids(filter="id in ('id-jan','id-eva')") == ["id-eva", "id-jan"]
    assert ids(filter=f"assignedLicenses/any(l:l/skuId eq {PHONE})") == ["id-ida"]
    refused = graph.get("/users", filter="department ne 'Sales'")
    assert refused.error == (400, "Request_UnsupportedQuery")
    eventual = {"ConsistencyLevel": "eventual"}
    query: dict[str, object] = {"$filter": "not(department eq 'Sales')", "$count": "true"}
    answer = graph.call("GET", "/users", query=query, headers=eventual)
    assert answer.json["@odata.count"] == 2


def test_a_filter_that_cannot_be_read_is_refused() -> None:
    graph = Graph([person("eva")])

    for text in ("department", "department eq", "colour eq 'x'", "(id eq 'a'", "id eq 'a' x", "$"):
        assert graph.get("/users", filter=text).status == 400


def test_a_user_is_changed_and_what_cannot_be_written_is_refused() -> None:
    graph = Graph([person("eva", usage_location=None), person("jan", vendor={"on_premises": True})])

    assert graph.patch("/users/eva@example.org", {"usageLocation": "US"}).status == 204
    assert graph.get("/users/id-eva", select="usageLocation").json["usageLocation"] == "US"
    assert graph.patch("/users/id-eva", {"usageLocation": "Germany"}).status == 400
    assert graph.patch("/users/id-eva", {"assignedLicenses": []}).status == 400
    assert graph.patch("/users/id-eva", {"nonsense": 1}).status == 400
    assert "on-premises mastered" in graph.patch("/users/id-jan", {"displayName": "J"}).message
    assert graph.patch("/users/id-jan", {"usageLocation": "FR"}).status == 204


def test_a_deleted_user_frees_the_seats_and_comes_back_with_them_even_over_the_limit() -> None:
    graph = Graph(
        [catalog(licenses={PHONE_NAME: 1}), person("jan"), person("eva", license="teams_phone")]
    )

    assert graph.delete("/users/id-eva").status == 204
    assert graph.seats(PHONE) == (1, 0)
    assert graph.assign("id-jan", PHONE).status == 200
    deleted = graph.get("/directory/deletedItems/microsoft.graph.user", select="id,deletedDateTime")
    assert [each["id"] for each in deleted.value] == ["id-eva"]
    assert graph.post("/directory/deletedItems/id-eva/restore", None).status == 200
    assert graph.seats(PHONE) == (1, 2)
    assert graph.skus_of("id-eva") == {E3, PHONE}


def test_a_user_deleted_in_the_admin_centre_comes_back_without_licenses() -> None:
    graph = Graph([caller("eva", "+4989100")])

    graph.portal("delete", {"email": "eva@example.org"})
    graph.post("/directory/deletedItems/id-eva/restore", None)

    assert graph.skus_of("id-eva") == set()
    assert graph.state()[1]["numbers"] == []


def test_after_thirty_days_a_deleted_user_is_gone() -> None:
    graph = Graph([caller("eva")])
    graph.delete("/users/id-eva")

    graph.clock.advance(days=31)
    graph.token = graph.new_token()

    assert graph.post("/directory/deletedItems/id-eva/restore", None).status == 404
    assert DOMESTIC not in str(graph.state()[1:])


def test_a_token_expires_and_wrong_credentials_buy_none() -> None:
    graph = Graph([person("eva")], token_life_s=60)

    graph.clock.advance(seconds=61)

    assert graph.get("/users").error == (401, "InvalidAuthenticationToken")
    graph.token = graph.new_token()
    assert graph.get("/users").status == 200
    for wrong in ({"client_secret": "x"}, {"grant_type": "password"}, {"scope": "user.read"}):
        answer = graph.http.post(TOKEN, data=CREDENTIALS | wrong)
        assert answer.status_code in (400, 401)
        assert answer.get_json()["error_description"].startswith("AADSTS")


def test_users_are_created_without_licenses_and_names_are_unique() -> None:
    graph = Graph([person("eva")])
    new = {
        "accountEnabled": True,
        "displayName": "Uwe",
        "mailNickname": "uwe",
        "userPrincipalName": "uwe@example.org",
        "passwordProfile": {"password": "not-a-secret"},
    }

    made = graph.post("/users", new)
    again = graph.post("/users", new)

    assert made.status == 201
    assert graph.skus_of(made.json["id"]) == set()
    assert "userPrincipalName already exists" in again.message
    assert "not-a-secret" not in str(graph.log())
