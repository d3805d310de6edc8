"""The receiver's routes: which there are, under which addresses, and who learns what of them."""

from __future__ import annotations

import pytest
from werkzeug import Request

from provisioner.scim.errors import ScimError
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import BASE, Provider, application


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/Users"), ("POST", "/Users/x"), ("DELETE", "/Groups"), ("POST", "/Schemas"), ("GET", "/Bulk")],
)  # fmt: skip
def test_other_methods_are_refused(push: Provider, method: str, path: str) -> None:
    assert push(method, path).error == (405, None)


@pytest.mark.parametrize("path", ["/Nope", "/users", "/Users/x/y", "/../../etc/passwd"])
def test_other_routes_are_not_found(push: Provider, path: str) -> None:
    assert push.get(path).error == (404, None)


def test_a_slash_at_the_end_says_nothing(push: Provider) -> None:
    eva = push.user()

    assert push.get("/Users/").ids == [eva["id"]]
    assert push.get(f"/Users/{eva['id']}/").body == eva
    assert push("POST", "/Users/", {"userName": "jan"}).status == 201


def test_nobody_is_a_user_here(push: Provider) -> None:
    assert push.get("/Me").error == (501, None)
    assert push.patch("/Me", {"op": "remove", "path": "title"}).error == (501, None)


def test_each_sync_has_its_own_address_and_the_alias_is_one_of_them(
    store: Direct, sync: str
) -> None:
    client = application(store, sync, "other-sync", default=sync).test_client()
    alias, mine = Provider(client), Provider(client, f"/scim/{sync}/v2")
    eva = mine.user("eva")

    assert eva["meta"]["location"] == f"http://localhost/scim/{sync}/v2/Users/{eva['id']}"
    assert alias.get("/Users").ids == [eva["id"]]
    assert (
        alias.get("/Users").body["Resources"][0]["meta"]["location"] == f"{BASE}/Users/{eva['id']}"
    )
    others = Provider(client, "/scim/other-sync/v2")
    assert others.get("/Users").body["totalResults"] == 0
    assert others.get(f"/Users/{eva['id']}").status == 404


def test_without_a_default_there_is_no_alias(store: Direct, sync: str) -> None:
    push = Provider(application(store, sync).test_client())

    assert push.get("/Users").error == (404, None)


def test_the_address_is_the_one_that_clients_use(store: Direct, sync: str) -> None:
    known = application(store, sync, default=sync, base_url="https://scim.example.org/idm")
    location = Provider(known.test_client()).user("eva")["meta"]["location"]
    assert location.startswith("https://scim.example.org/idm/scim/v2/Users/")

    push = Provider(application(store, sync, default=sync).test_client())
    assert (
        push("POST", "/Users", {"userName": "jan"}, Host="scim.example.net:8443")
        .headers["Location"]
        .startswith("http://scim.example.net:8443/scim/v2/Users/")
    )
    strange = push("POST", "/Users", {"userName": "ota"}, Host='evil"\\host')
    assert strange.body["meta"]["location"] == strange.headers["Location"]
    assert "evil" not in strange.text


def test_nothing_is_told_before_the_client_is_known(store: Direct, sync: str) -> None:
    asked: list[str | None] = []

    def nobody(request: Request, sync: str | None) -> None:
        asked.append(sync)
        raise ScimError(401, "who are you?", None, {"WWW-Authenticate": "Bearer"})

    client = application(store, sync, default=sync, admit=nobody).test_client()
    real, unknown = Provider(client, f"/scim/{sync}/v2"), Provider(client, "/scim/nope/v2")
    for method, path in (
        ("GET", "/Users"), ("GET", "/Users/x"), ("POST", "/Users"), ("DELETE", "/Users/x"), ("GET", "/"),
        ("PATCH", "/Groups/x"), ("GET", "/Schemas"), ("GET", "/ResourceTypes/User"), ("GET", "/Me"),
        ("POST", "/Bulk"), ("POST", "/.search"), ("POST", "/Users/.search"), ("GET", "/Users?filter=x"),
    ):  # fmt: skip
        answers = [each(method, path) for each in (real, unknown)]
        assert [each.error for each in answers] == [(401, None)] * 2, path
        assert answers[0].headers["WWW-Authenticate"] == "Bearer"
        assert answers[0].text == answers[1].text
    assert set(asked) == {sync, None}
