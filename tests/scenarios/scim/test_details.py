"""What suites of conversations ask beyond the usual ones, each with the source that settles it."""

from __future__ import annotations

from typing import Any

import pytest
from scim2_models import BulkResponse, EnterpriseUser, User

from tests.scenarios.scim.provider import BULK, ENTERPRISE, GROUP, USER, Provider

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def names(provider: Provider, filter: str, **more: Any) -> list[str]:
    """Search everything; return the displayNames that are found."""
    body = {"schemas": [SEARCH], "filter": filter, **more}
    return [each["displayName"] for each in provider("POST", "/.search", body).found]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ('displayName eq "Sales" or userName eq "eva"', ["Eva", "Sales"]),
        ('userName eq "eva"', ["Eva"]),
        ("not (userName pr)", ["Sales", "Support"]),
        ('userName ne "eva"', ["Jan", "Sales", "Support"]),
        ("userName eq null", ["Sales", "Support"]),
        ("members pr", ["Sales"]),
        ("not (members pr)", ["Eva", "Jan", "Support"]),
        ('emails[type eq "work"] or displayName sw "S"', ["Eva", "Sales", "Support"]),
        ('not (emails[type eq "work"])', ["Jan", "Sales", "Support"]),
        (f'{USER}:displayName pr or displayName eq "Sales"', ["Eva", "Jan", "Sales"]),
        (f"{GROUP}:displayName pr", ["Sales", "Support"]),
        (f'not ({ENTERPRISE}:department eq "x") and displayName sw "S"', ["Sales", "Support"]),
        ('meta.resourceType eq "Group" and displayName co "a"', ["Sales"]),
    ],
)
def test_what_one_type_lacks_is_an_attribute_without_a_value_in_a_search_of_all(
    provider: Provider, filter: str, found: list[str]
) -> None:
    """RFC 7644 section 3.4.2.1: "treat the attribute as if there is no attribute value"."""
    eva = provider.user("eva", displayName="Eva", emails=[{"value": "e@x.org", "type": "work"}])
    provider.user("jan", displayName="Jan")
    provider.group("Sales", eva["id"])
    provider.group("Support")

    assert names(provider, filter) == found
    assert names(provider, filter, sortBy="userName") == found
    body = {"schemas": [SEARCH], "filter": "nobodyKnows pr"}
    assert provider("POST", "/.search", body).error == (400, "invalidFilter")


def test_the_enterprise_extensions_attributes_may_stand_alone_in_filters_and_paths(
    provider: Provider,
) -> None:
    """RFC 7644 section 3.10 only says SHOULD; Microsoft, "Develop and plan provisioning for a SCIM
    endpoint", asks `id eq "…" and manager eq "…"` and patches the path `manager`."""
    boss, eva = provider.user("boss")["id"], provider.user("eva")["id"]
    value = [{"$ref": f"{provider.url}/Users/{boss}", "value": boss}]

    patched = provider.patch(f"/Users/{eva}", {"op": "Add", "path": "manager", "value": value})
    assert patched.body[ENTERPRISE]["manager"]["value"] == boss
    provider.patch(f"/Users/{eva}", {"op": "replace", "path": "department", "value": "Sales"})
    asked = f'id eq "{eva}" and manager eq "{boss}"'
    assert [each["id"] for each in provider.find("Users", asked, "attributes=id")] == [eva]
    assert provider.find("Users", 'manager eq "nobody"') == []
    (shown,) = provider.find("Users", 'department eq "sales"', "attributes=department")
    assert shown[ENTERPRISE] == {"department": "Sales"}
    gone = provider.patch(f"/Users/{eva}", {"op": "Remove", "path": "manager"})
    assert gone.body[ENTERPRISE] == {"department": "Sales"}

    # in a body they stand under their URN (RFC 7643 section 3.3), and one of the phone's has a common name
    assert ENTERPRISE not in provider.user("jan", department="Sales")
    assert provider("GET", "/Users", query='filter=site eq "Brno"').error == (400, "invalidFilter")


@pytest.mark.parametrize("count", ["0", "-1"])
def test_a_page_of_nobody_tells_the_total_and_ends_no_walk(provider: Provider, count: str) -> None:
    """RFC 9865 section 2: a count below 1 asks for totalResults alone, and nextCursor lacks on the last page only."""
    eva, jan, zoe = (provider.user(name)["id"] for name in ("eva", "jan", "zoe"))
    provider.group("Sales")

    for path, total in (("/Users", 3), ("/", 4)):
        for more in ("", "&sortBy=userName", "&sortBy=title", "&filter=title%20eq%20null"):
            if path == "/" and "sort" in more:
                continue
            walk = f"{more}&cursor="
            none = provider("GET", path, query=f"count={count}{walk}")
            assert (none.found, none.body["totalResults"]) == ([], total)
            begun = provider("GET", path, query=f"count=2{walk}{none.body['nextCursor']}")
            assert begun.ids == [eva, jan]
            none = provider("GET", path, query=f"count={count}{walk}{begun.body['nextCursor']}")
            assert (none.found, none.body["totalResults"]) == ([], total)
            ended = provider("GET", path, query=f"count=9{walk}{none.body['nextCursor']}")
            assert ended.ids[0] == zoe
            assert "nextCursor" not in ended.body

    nobody = provider("GET", "/Users", query=f"filter=title%20pr&cursor=&count={count}")
    assert (nobody.body["totalResults"], nobody.body.get("nextCursor")) == (0, None)
    assert provider("GET", "/Users", query=f"count={count}").body["totalResults"] == 3


def test_a_get_on_a_condition_that_does_not_hold_is_refused(provider: Provider) -> None:
    """RFC 9110 section 13.1.1, whatever the method; a user's groups are no part of the condition."""
    eva = provider.user("eva")
    sales = provider.group("Sales", eva["id"])

    for path, tag in (
        (f"/Users/{eva['id']}", eva["meta"]["version"]),
        (f"/Groups/{sales['id']}", sales["meta"]["version"]),
    ):
        now = provider("GET", path).headers["ETag"]
        for good in (tag, now, "*", f'W/"x", {tag}'):
            provider.done(200, "GET", path, None, If_Match=good)
        assert provider("GET", path, None, If_Match='W/"x"').error == (412, None)


def test_a_member_may_be_told_by_its_reference_alone(provider: Provider) -> None:
    """RFC 7643 section 2.4: a `$ref` is enough to identify a resource."""
    eva, jan = provider.user("eva")["id"], provider.user("jan")["id"]
    references = [{"$ref": f"{provider.url}/Users/{eva}"}, {"$ref": f"../Users/{jan}"}]
    body = {"schemas": [GROUP], "displayName": "Sales", "members": references}
    path = "/Groups/" + provider.done(201, "POST", "/Groups", body)["id"]

    assert provider.members(path) == {eva, jan}
    provider.patch(path, {"op": "remove", "path": "members", "value": references[:1]})
    assert provider.members(path) == {jan}
    for nobody in ({"$ref": "../Users/nobody"}, {"$ref": "/"}, {"display": "Eva"}):
        add = {"op": "add", "path": "members", "value": [nobody]}
        assert provider.patch(path, add).error == (400, "invalidValue")


def test_attributes_may_be_listed_one_parameter_each(provider: Provider) -> None:
    """HTTP libraries repeat a parameter whose value is a list."""
    provider.user("eva", displayName="Eva", title="T")

    asked = provider("GET", "/Users", query="attributes=userName&attributes=title").found
    assert asked[0].keys() == {"schemas", "id", "userName", "title"}
    left = provider("GET", "/Users", query="excludedAttributes=title&excludedAttributes=meta").found
    assert left[0].keys() == {"schemas", "id", "userName", "displayName"}


@pytest.mark.parametrize("query", ["", "attributes=meta.version", "excludedAttributes=groups"])
def test_a_list_tells_the_version_that_the_resource_has(provider: Provider, query: str) -> None:
    """RFC 7644 section 3.14: `meta.version` and the entity tag are the same."""
    eva = provider.user("eva")["id"]
    provider.group("Sales", eva)

    (listed,) = provider("GET", "/Users", query=query).found
    alone = provider("GET", f"/Users/{eva}", query=query)
    assert listed["meta"]["version"] == alone.headers["ETag"] == alone.body["meta"]["version"]
    again = provider("GET", f"/Users/{eva}", None, If_None_Match=listed["meta"]["version"])
    assert again.status == 304


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_searches_are_posted(provider: Provider, method: str) -> None:
    reply = provider(method, "/Users/.search", {} if method in ("PUT", "PATCH") else None)

    assert reply.status == 405
    assert reply.headers["Allow"] == "POST"


def test_a_bulk_operation_that_is_none_fails_alone(provider: Provider) -> None:
    """RFC 7644 section 3.7: "continue performing as many changes as possible and disregard partial failures"."""
    operations: list[dict[str, Any]] = [
        {"method": "GET", "path": "/Users"},
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"schemas": [USER], "userName": "eva"}},
        {"path": "/Users/bulkId:u"},
    ]  # fmt: skip

    told = provider.done(200, "POST", "/Bulk", {"schemas": [BULK], "Operations": operations})

    assert [each["status"] for each in told["Operations"]] == ["400", "201", "400"]
    BulkResponse[User[EnterpriseUser]].model_validate(told)  # what scim2-client makes of it
    assert told["Operations"][0]["response"]["scimType"] == "invalidSyntax"
    operations[1]["bulkId"] = "v"
    few = provider.done(
        200, "POST", "/Bulk", {"schemas": [BULK], "failOnErrors": 1, "Operations": operations}
    )
    assert [each["status"] for each in few["Operations"]] == ["400"]


def test_plain_values_may_come_wrapped_in_objects(provider: Provider) -> None:
    """Microsoft Entra's `[{"value": …}]` also where the attribute is a list of texts."""
    phone = "urn:ietf:params:scim:schemas:extension:phone:2.0:User"
    eva = provider.user("eva")["id"]
    value = [{"value": "UK"}, {"value": "US", "$ref": None}, "CZ"]

    add = {"op": "Add", "path": f"{phone}:packages", "value": value}
    assert provider.patch(f"/Users/{eva}", add).body[phone] == {"packages": ["UK", "US", "CZ"]}
    remove = {"op": "Remove", "path": f"{phone}:packages", "value": value[:2]}
    assert provider.patch(f"/Users/{eva}", remove).body[phone] == {"packages": ["CZ"]}


@pytest.mark.parametrize("value", [[], "", [""]])
def test_removing_members_of_whom_none_is_named_empties_no_group(
    provider: Provider, value: Any
) -> None:
    """A client that has nobody to take away writes an empty value; without any, all go (section 3.5.2.2)."""
    eva = provider.user("eva")["id"]
    path = "/Groups/" + provider.group("Sales", eva)["id"]
    remove = {"op": "remove", "path": "members"}
    before = provider("GET", path).headers["ETag"]

    assert provider.patch(path, remove | {"value": value}).status == 204
    assert provider("GET", path).headers["ETag"] == before
    assert provider.members(path) == {eva}
    provider.patch(path, remove)
    assert provider.members(path) == set()
