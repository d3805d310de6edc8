"""Bulk: operations that refer to each other come about in an order that makes it possible."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.server_config import Intake
from provisioner.store.database import StoreError
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import BULK, PATCH, Answer, Provider, application

RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def bulk(push: Provider, *operations: Any, **more: Any) -> Answer:
    return push("POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations), **more})


def user(bulk_id: str, name: str = "", **more: Any) -> Any:
    data = {"userName": name or bulk_id, **more}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def group(bulk_id: str, *members: str, name: str = "Sales") -> Any:
    data = {"displayName": name, "members": [{"value": f"bulkId:{id}"} for id in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def statuses(answer: Answer) -> list[str]:
    assert answer.status == 200
    assert answer.body["schemas"] == [RESPONSE]
    return [each["status"] for each in answer.body["Operations"]]


def id_of(operation: Any) -> str:
    return str(operation["location"].rpartition("/")[2])


def test_every_method_works_and_is_told_as_the_rfc_wants(push: Provider) -> None:
    eva, jan = push.user("eva"), push.user("jan")
    change = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "title", "value": "boss"}]}

    answer = bulk(
        push,
        user("new"),
        {
            "method": "PUT",
            "path": f"/Users/{eva['id']}",
            "data": {"userName": "eva2"},
            "version": 'W/"1"',
        },
        {"method": "patch", "path": f"/Users/{jan['id']}", "bulkId": "p", "data": change},
        {"method": "DELETE", "path": f"/Users/{jan['id']}", "version": 'W/"2"'},
    )

    assert statuses(answer) == ["201", "200", "200", "204"]
    new, put, patched, deleted = answer.body["Operations"]
    assert new == {
        "method": "POST",
        "bulkId": "new",
        "location": f"http://localhost/scim/v2/Users/{id_of(new)}",
        "version": 'W/"1"',
        "status": "201",
    }
    assert (put["location"], put["version"]) == (eva["meta"]["location"], 'W/"2"')
    assert patched["bulkId"] == "p"
    assert deleted["location"] == jan["meta"]["location"]
    assert push.get(f"/Users/{id_of(new)}").body["userName"] == "new"
    assert push.get(f"/Users/{jan['id']}").status == 404


def test_references_lead_backwards_and_forwards(push: Provider) -> None:
    answer = bulk(
        push,
        group("outer", "inner", "u1", name="Outer"),
        user("u1"),
        group("inner", "u2", name="Inner"),
        user("u2", manager_of="x"),
        {
            "method": "PATCH",
            "path": "/Users/bulkId:u2",
            "data": {
                "schemas": [PATCH],
                "Operations": [{"op": "add", "path": "title", "value": "bulkId is a word"}],
            },
        },
    )

    assert statuses(answer) == ["201", "201", "201", "201", "200"]
    outer, u1, inner, u2, patched = answer.body["Operations"]
    members = {each["value"] for each in push.get(f"/Groups/{id_of(outer)}").body["members"]}
    assert members == {id_of(inner), id_of(u1)}
    assert patched["location"] == u2["location"]
    assert push.get(f"/Users/{id_of(u2)}").body["title"] == "bulkId is a word"


def test_a_reference_in_a_filter_is_resolved_and_one_that_only_looks_so_is_text(
    push: Provider,
) -> None:
    members = {"op": "remove", "path": 'members[value eq "bulkId:u1"]'}
    answer = bulk(
        push,
        user("u1", displayName="see bulkId:nothing here"),
        user("u10"),
        group("g", "u1", "u10"),
        {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {"Operations": [members]}},
    )

    assert statuses(answer) == ["201", "201", "201", "204"]
    u1, u10, group_, _ = answer.body["Operations"]
    assert push.get(f"/Users/{id_of(u1)}").body["displayName"] == "see bulkId:nothing here"
    found = push.get(f"/Groups/{id_of(group_)}").body["members"]
    assert [each["value"] for each in found] == [id_of(u10)]


def test_circles_are_refused_and_the_rest_goes_ahead(push: Provider) -> None:
    answer = bulk(
        push, group("a", "b"), group("b", "c"), group("c", "a"), user("u"), group("d", "a")
    )

    assert statuses(answer) == ["409", "409", "409", "201", "409"]
    assert push.get("/Groups").body["totalResults"] == 0


def test_a_group_that_refers_to_itself_is_refused(push: Provider) -> None:
    assert statuses(bulk(push, group("a", "a"))) == ["409"]


def test_what_rests_on_a_failure_fails_and_says_so(push: Provider) -> None:
    push.user("taken")

    answer = bulk(push, group("g", "u"), user("u", "taken"), group("h", "nobody"))

    assert statuses(answer) == ["409", "409", "400"]
    first, second, third = answer.body["Operations"]
    assert "location" not in second
    assert second["response"]["scimType"] == "uniqueness"
    assert "was not created" in first["response"]["detail"]
    assert "no operation creates" in third["response"]["detail"]


def test_only_what_creates_something_is_referred_to_by_its_bulk_id(push: Provider) -> None:
    eva = push.user("eva")
    renamed = {"method": "PUT", "path": f"/Users/{eva['id']}", "bulkId": "u", "data": eva}

    answer = bulk(push, renamed, renamed, group("g", "u"))

    assert statuses(answer) == ["200", "200", "400"]
    assert "no operation creates" in answer.body["Operations"][2]["response"]["detail"]


def test_what_was_done_before_the_store_failed_is_told(
    push: Provider, store: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, tries = store.write, []

    def fails_at_the_second(work: Any) -> Any:
        tries.append(work)
        if len(tries) > 1:
            raise StoreError("the store failed: disk full")
        return write(work)

    monkeypatch.setattr(store, "write", fails_at_the_second)
    answer = bulk(push, user("a"), user("b"), user("c"), {"method": "PATCH", "path": "/Users"})

    assert statuses(answer) == ["201", "503", "503", "503"]
    assert "disk" not in answer.text
    assert len(tries) == 2, "a store that fails isn't asked again for each operation"
    assert bulk(push, user("d")).error == (503, None)


def test_after_so_many_failures_the_rest_is_left(push: Provider) -> None:
    push.user("taken")
    operations = [user("a", "taken"), user("b"), user("c", "taken"), user("d"), user("e", "taken")]

    answer = bulk(push, *operations, failOnErrors=2)

    assert statuses(answer) == ["409", "201", "409"]
    assert push.get("/Users").body["totalResults"] == 2


def test_without_a_number_of_failures_all_is_done(push: Provider) -> None:
    """Scripts for WSO2 and Webex write 0 for it: no early end, as where the member is absent."""
    push.user("taken")

    for failures in (0, None):
        answer = bulk(push, user("a", "taken"), user("b", f"b{failures}"), failOnErrors=failures)
        assert statuses(answer) == ["409", "201"]


@pytest.mark.parametrize(
    ("operation", "status", "scim_type"),
    [
        ({"method": "POST", "path": "/Users", "data": {"userName": "x"}}, "400", "invalidValue"),
        ({"method": "POST", "path": "/Users", "bulkId": "x"}, "400", "invalidSyntax"),
        ({"method": "POST", "path": "/Users/x", "bulkId": "x", "data": {}}, "400", "invalidPath"),
        ({"method": "GET", "path": "/Users"}, "400", "invalidSyntax"),
        ({"path": "/Users", "bulkId": "x"}, "400", "invalidSyntax"),
        ({"method": 5, "path": "/Users"}, "400", "invalidSyntax"),
        ({"method": "POST", "path": ["/Users"], "bulkId": "x"}, "400", "invalidSyntax"),
        ({"method": "POST", "path": "/Users", "bulkId": 5, "data": {}}, "400", "invalidSyntax"),
        (user("\ud800"), "400", "invalidSyntax"),
        ({"method": "DELETE", "path": "/Users/\ud800"}, "400", "invalidSyntax"),
        ({**user("x"), "data": {"userName": "bulkId:\ud800"}}, "400", "invalidValue"),
        ({"method": "DELETE", "path": "/Users"}, "400", "invalidPath"),
        ({"method": "DELETE", "path": "/Bulk/x"}, "400", "invalidPath"),
        ({"method": "DELETE", "path": "//evil/Users/x"}, "400", "invalidPath"),
        ({"method": "DELETE", "path": "/Users/%00"}, "404", None),
        ({"method": "DELETE", "path": "/Users/\x00"}, "404", None),
        ({"method": "PUT", "path": "/Users/" + "0" * 32, "data": {"userName": "x"}}, "404", None),
    ],
)
def test_what_an_operation_lacks_is_its_own_error(
    push: Provider, operation: Any, status: str, scim_type: str | None
) -> None:
    answer = bulk(push, operation, user("good"))

    assert statuses(answer) == [status, "201"]
    response = answer.body["Operations"][0]["response"]
    assert (response["status"], response.get("scimType")) == (status, scim_type)


@pytest.mark.parametrize(
    "body",
    [
        {"Operations": {}},
        {"schemas": ["urn:nope"], "Operations": []},
        {"schemas": 5, "Operations": []},
        {"Operations": ["x"]},
        {"Operations": [], "failOnErrors": -1},
        {"Operations": [], "failOnErrors": True},
        {"Operations": [user("a"), user("a", "b")]},
    ],
)
def test_a_request_that_is_none_is_refused_whole(push: Provider, body: Any) -> None:
    assert push("POST", "/Bulk", body).error[0] == 400
    assert push.get("/Users").body["totalResults"] == 0


def test_a_request_has_no_more_operations_than_is_announced(store: Direct, sync: str) -> None:
    app = application(store, sync, default=sync, limits=Intake(bulk_operations=2))
    push = Provider(app.test_client())

    assert bulk(push, user("a"), user("b"), user("c")).error == (413, None)
    assert statuses(bulk(push, user("a"), user("b"))) == ["201", "201"]
    assert push.get("/ServiceProviderConfig").body["bulk"]["maxOperations"] == 2


def test_a_long_chain_of_references_is_followed(push: Provider) -> None:
    chain = [group(f"g{n}", f"g{n + 1}", name=f"G{n}") for n in range(300)]

    answer = bulk(push, *chain, group("g300"))

    assert set(statuses(answer)) == {"201"}
