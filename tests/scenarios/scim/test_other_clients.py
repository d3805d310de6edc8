"""Clients that keep to the letter elsewhere: each writes one thing in a way of its own, and goes by the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.scim.provider import ENTERPRISE, GROUP, MEDIA_TYPE, USER, Provider


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        # wso2-extensions/identity-outbound-provisioning-scim2, AbstractOperations: before each update
        ("Users", "filter=userName+Eq+kim&startIndex=1&count=1"),
        ("Users", "filter=userName%20Eq%20kim"),
        ("Groups", "filter=displayName+Eq+Sales+EMEA&startIndex=1&count=1"),
        # goauthentik/authentik issues 16455 and 16677: after a 409
        ("Users", "filter=userName+eq+KIM"),
        # wso2/scim2-compliance-test-suite: UserGet, FilterUsers
        ("Users", "filter=userName+eq+kim+and+emails.type+eq+work"),
        ("Users", "filter=userName+sw+ki"),
        ("Users", "filter=emails%5Btype+eq+work%5D"),
        ("Users", "filter=(userName+eq+kim)+or+userName+eq+12345"),
        ("Users", "filter=employeeNumber+eq+250"),
        ("Users", "filter=externalId+eq+CN%3DKim,DC%3Dx"),
        ("Users", "filter=meta.created+gt+2020-01-01T00:00:00Z"),
    ],
)
def test_text_in_a_filter_may_stand_without_quotes(
    provider: Provider, kind: str, query: str
) -> None:
    mail = {"emails": [{"type": "work", "value": "kim@example.org"}]}
    more: Any = {"externalId": "CN=Kim,DC=x", ENTERPRISE: {"employeeNumber": "250"}}
    user = provider.user("kim", **mail, **more)
    expected = {"Users": user["id"], "Groups": provider.group("Sales EMEA")["id"]}
    provider.group("Sales")

    assert provider("GET", f"/{kind}", query=query).ids == [expected[kind]]


def test_text_in_brackets_may_stand_without_quotes(provider: Provider) -> None:
    """WSO2's docs of its SCIM 2.0 API (Update group: `members[display eq alex]`), its console,
    simpleidserver/SimpleIdServer issue 164: `members[value eq {{userId}}]`.
    """
    mails = [{"type": "work", "value": "w@example.org"}, {"type": "home", "value": "h@example.org"}]
    eva = provider.user("eva", displayName="alex", emails=mails)["id"]
    bob, kim = provider.user("bob")["id"], provider.user("kim")["id"]
    group = "/Groups/" + provider.group("Sales", eva, bob, kim)["id"]

    def remove(filter: str) -> set[str]:
        removal = {"op": "remove", "path": f"members[{filter}]"}
        assert provider.patch(group, removal).status == 204
        return provider.members(group)

    assert remove(f"value eq {bob}") == {eva, kim}
    assert remove("display eq alex") == {kim}
    assert remove(f"value eq {kim} or value eq {eva}") == set()
    work = {"op": "replace", "path": "emails[type eq work].value", "value": "new@example.org"}
    changed = provider.patch(f"/Users/{eva}", work).body
    assert [each["value"] for each in changed["emails"]] == ["new@example.org", "h@example.org"]
    for wrong in (
        "value eq",
        "value eq 'x'",
        f"value eq {eva} {{}}",
        "value is x",
        f"value eq {eva}, type eq User",
    ):
        refused = provider.patch(group, {"op": "remove", "path": f"members[{wrong}]"})
        assert refused.error == (400, "invalidFilter"), wrong


@pytest.mark.parametrize(
    "filter",
    ["userName+eq", "userName+eq+'kim'", "userName+eq+%22kim", "userName+xx+kim", "kim", "userName+eq+and",
     "userName+eq+kim+and", "userName+pr+kim", "userName+eq+kim+title+eq+x", "userName+eq+%22kim%22+x",
     "userName+eq+kim)", "(userName+eq+kim", "active+eq+yes", "password+eq+x", "userName+eq+true"],
)  # fmt: skip
def test_what_is_no_filter_is_still_refused(provider: Provider, filter: str) -> None:
    assert provider("GET", "/Users", query=f"filter={filter}").error == (400, "invalidFilter")


def test_members_may_stand_under_their_own_name_again(provider: Provider) -> None:
    """Tirasa/ConnIdSCIMBundle; the changelog of pingidentity/scim2, 4.1.0."""
    eva, bob = provider.user("eva")["id"], provider.user("bob")["id"]
    group = "/Groups/" + provider.group("Sales", eva)["id"]

    def change(op: str, *ids: str) -> set[str]:
        value = {"members": [{"value": id} for id in ids]}
        assert provider.patch(group, {"op": op, "path": "members", "value": value}).status == 204
        return provider.members(group)

    assert change("add", bob) == {eva, bob}
    assert change("remove", eva) == {bob}
    assert change("remove") == {bob}
    assert change("replace", eva) == {eva}


def test_endpoints_in_small_letters_are_the_same(provider: Provider) -> None:
    """Tools4everBV/HelloID-Conn-Prov-Target-Generic-Scim: import.ps1, grantPermission.ps1."""
    eva, group = provider.user("eva")["id"], provider.group("Sales")["id"]
    add = {"op": "add", "path": "members", "value": [{"value": eva}]}

    assert provider("GET", "/users", query="startIndex=0&count=20").ids == [eva]
    assert provider.patch(f"/groups/{group}", add).status == 204
    assert provider.members(f"/Groups/{group}") == {eva}
    assert provider("GET", f"/users/{eva}").body["meta"]["location"].endswith(f"/Users/{eva}")


@pytest.mark.parametrize("accept", [MEDIA_TYPE, "application/json", "*/*"])
def test_an_answer_without_a_body_says_that_it_is_scims(provider: Provider, accept: str) -> None:
    """Captain-P-Goldfish/SCIM-SDK issue 313, python-scim/scim2-client issue 34: else it is no success."""
    user, group = "/Users/" + provider.user()["id"], "/Groups/" + provider.group()["id"]
    rename = {"op": "replace", "path": "displayName", "value": "Trade"}

    for reply in (
        provider.patch(group, rename, Accept=accept),
        provider("DELETE", group, Accept=accept),
        provider("DELETE", user, Accept=accept),
    ):
        expected = accept if accept == "application/json" else MEDIA_TYPE
        assert (reply.status, reply.text) == (204, "")
        assert reply.headers["Content-Type"] == expected
        assert "Content-Length" not in reply.headers


@pytest.mark.parametrize("path", [None, USER])
def test_a_user_that_is_replaced_by_itself_stays(provider: Provider, path: str | None) -> None:
    """Apache Syncope's connector reads a user and sends all of it back, changed, without a path."""
    eva = provider.user("eva", title="clerk")["id"]
    inner = provider.group("Inner", eva)["id"]
    provider.group("Outer", inner)
    whole = provider.done(200, "GET", f"/Users/{eva}")
    assert {each["display"] for each in whole["groups"]} == {"Inner", "Outer"}

    named = {} if path is None else {"path": path}
    changed = {"op": "replace", **named, "value": whole | {"title": "boss"}}
    others = {"op": "replace", **named, "value": {"groups": whole["groups"][:1]}}

    patched = provider.patch(f"/Users/{eva}", changed)
    assert (patched.status, patched.body["title"]) == (200, "boss")
    assert patched.body["groups"] == whole["groups"]
    assert provider.patch(f"/Users/{eva}", others).error == (400, "mutability")
    assert provider.done(200, "GET", f"/Users/{eva}") == patched.body


def test_a_membership_is_asked_for_by_both_ids(provider: Provider) -> None:
    """awslabs/ssosync, aws/client.go: IsUserInGroup."""
    eva, bob = provider.user("eva")["id"], provider.user("bob")["id"]
    group = provider.done(201, "POST", "/Groups", {"schemas": [GROUP], "displayName": "Sales"})[
        "id"
    ]
    provider.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": eva}]})

    assert len(provider.find("Groups", f'id eq "{group}" and members eq "{eva}"')) == 1
    assert provider.find("Groups", f'id eq "{group}" and members eq "{bob}"') == []


@pytest.mark.parametrize("listed", [True, False])
def test_whoever_removes_values_by_their_own_name_loses_no_others(
    provider: Provider, listed: bool
) -> None:
    """`members.value` alone is everybody's, and immutable; a value that is sent with it says which."""
    eva, bob = provider.user("eva")["id"], provider.user("bob")["id"]
    group = "/Groups/" + provider.group("Sales", eva, bob)["id"]

    def remove(*ids: str) -> set[str]:
        value: Any = list(ids) if listed else "".join(ids)
        removed = provider.patch(group, {"op": "remove", "path": "members.value", "value": value})
        assert removed.status == 204
        return provider.members(group)

    assert remove() == {eva, bob}
    assert remove(bob) == {eva}
    assert remove(bob) == {eva}
    refused = provider.patch(group, {"op": "remove", "path": "members.value"})
    assert refused.error == (400, "mutability")
    assert provider.members(group) == {eva}


@pytest.mark.parametrize("form", ["{base}/Users/{id}", "Users/{id}", "/Users/{id}", "{id}"])
def test_members_are_named_by_reference(provider: Provider, form: str) -> None:
    """A whole `$ref`, as it is answered; databrickslabs' docs: `Users/<UserID>`; Apereo CAS,
    BaseScimService: the id alone, to find somebody's groups and to take them out.
    """
    eva, bob = provider.user("eva")["id"], provider.user("bob")["id"]
    id = provider.group("Sales", eva, bob)["id"]
    provider.group("Trade", bob)
    ref = form.format(base=provider.url, id=eva)

    assert [each["id"] for each in provider.find("Groups", f'members.$ref eq "{ref}"')] == [id]
    assert [each["id"] for each in provider.find("Groups", f'members[$ref eq "{ref}"]')] == [id]
    both = f'displayName co "s" and members.$ref eq "{ref}"'
    assert [each["id"] for each in provider.find("Groups", both)] == [id]

    removal = {"op": "remove", "path": f'members[$ref eq "{ref}"]'}
    assert provider.patch(f"/Groups/{id}", removal).status == 204
    assert provider.members(f"/Groups/{id}") == {bob}
    addition = {"op": "add", "path": "members", "value": [{"$ref": ref}]}
    assert provider.patch(f"/Groups/{id}", addition).status == 204
    assert provider.members(f"/Groups/{id}") == {eva, bob}


def test_values_may_be_json_text(provider: Provider) -> None:
    """Captain-P-Goldfish/SCIM-SDK issues 404, 201 and 968: its PatchBuilder writes objects so."""
    user = provider.user("eva", emails=[{"value": "eva@example.org", "type": "work"}])
    eva, group = f"/Users/{user['id']}", "/Groups/" + provider.group("Sales")["id"]

    members = {"op": "replace", "path": "members", "value": json.dumps([{"value": user["id"]}])}
    assert provider.patch(group, members).status == 204
    assert provider.members(group) == {user["id"]}
    patched = provider.patch(
        eva,
        {
            "op": "replace",
            "path": 'emails[value eq "eva@example.org"]',
            "value": json.dumps({"type": "home", "value": "e@example.org"}),
        },
        {"op": "replace", "value": json.dumps({"title": "boss", "name": {"givenName": "Eva"}})},
        {
            "op": "add",
            "path": "phoneNumbers",
            "value": [json.dumps({"value": "1", "type": "work"})],
        },
        {"op": "replace", "path": "preferredLanguage", "value": ["de"]},
        {"op": "replace", "path": "displayName", "value": '{"Eva"}'},
    )

    assert patched.status == 200, patched.text
    assert patched.body["emails"] == [{"value": "e@example.org", "type": "home"}]
    assert patched.body["phoneNumbers"] == [{"value": "1", "type": "work"}]
    assert (patched.body["title"], patched.body["name"]) == ("boss", {"givenName": "Eva"})
    assert (patched.body["preferredLanguage"], patched.body["displayName"]) == ("de", '{"Eva"}')
