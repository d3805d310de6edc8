"""Attributes that come on request: the answer to a write has those that the client wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.scim_attribute import Attribute
from provisioner.scim.schemas import Extension, Registry
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import GROUP, PATCH, USER, Provider, application

ACME = "urn:example:acme:2.0:User"
TEAM = "urn:example:acme:2.0:Group"
PARTS = (Attribute("floor"), Attribute("code", returned="request"))
CARS = (Attribute("value"), Attribute("plate", returned="request"))
REGISTRY = Registry.make(
    [
        Extension(
            ACME,
            "Acme",
            (
                Attribute("level"),
                Attribute("note", returned="request"),
                Attribute("desk", "complex", sub=PARTS),
                Attribute("cars", "complex", multi_valued=True, sub=CARS),
                Attribute("vault", "complex", returned="request", sub=(Attribute("key"),)),
            ),
        ),
        Extension(TEAM, "AcmeTeam", (Attribute("note", returned="request"),), of="Group"),
    ]
)
SENT: dict[str, Any] = {
    "level": "1",
    "note": "N",
    "desk": {"floor": "2", "code": "C"},
    "cars": [{"value": "v", "plate": "P"}],
    "vault": {"key": "K"},
}
SHOWN = {"level": "1", "desk": {"floor": "2"}, "cars": [{"value": "v"}]}


@pytest.fixture
def push(store: Direct, sync: str) -> Provider:
    return Provider(application(store, sync, default=sync, registry=REGISTRY).test_client())


def made(push: Provider, **attributes: Any) -> Any:
    """Create a user."""
    return push("POST", "/Users", {"schemas": [USER], "userName": "eva", ACME: attributes}).body


def test_what_a_client_sends_is_in_the_answer_and_in_no_other(push: Provider) -> None:
    """RFC 7643 section 7."""
    eva = made(push, **SENT)
    path = f"/Users/{eva['id']}"

    assert eva[ACME] == SENT
    assert push.get(path).body[ACME] == SHOWN
    assert push.get("/Users").body["Resources"][0][ACME] == SHOWN
    body = {"schemas": [USER], "userName": "eva", ACME: {"note": "M", "level": "2"}}
    assert push("PUT", path, body).body[ACME] == {"note": "M", "level": "2"}
    body[ACME] = {"level": "2"}
    assert push("PUT", path, body).body[ACME] == {"level": "2"}


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ({"op": "replace", "path": f"{ACME}:note", "value": "M"}, {"note": "M"}),
        ({"op": "replace", "value": {ACME: {"note": "M"}}}, {"note": "M"}),
        ({"op": "add", "value": {f"{ACME}:note": "N"}}, {"note": "N"}),
        (
            {"op": "add", "path": f"{ACME}:desk.code", "value": "D"},
            {"desk": {"floor": "2", "code": "D"}},
        ),
        (
            {"op": "add", "path": f"{ACME}:desk", "value": {"code": "D"}},
            {"desk": {"floor": "2", "code": "D"}},
        ),
        (
            {"op": "add", "path": f'{ACME}:cars[value eq "v"].plate', "value": "Q"},
            {"cars": [{"value": "v", "plate": "Q"}]},
        ),
        ({"op": "add", "path": f"{ACME}:vault.key", "value": "L"}, {"vault": {"key": "L"}}),
        ({"op": "remove", "path": f"{ACME}:note"}, {}),
        ({"op": "add", "path": "title", "value": "x"}, {}),
    ],
)
def test_what_an_operation_speaks_of_is_in_its_answer(
    push: Provider, operation: Any, told: dict[str, Any]
) -> None:
    path = f"/Users/{made(push, **SENT)['id']}"

    assert push.patch(path, operation).body[ACME] == SHOWN | told


def test_the_parameters_of_a_write_have_the_last_word(push: Provider) -> None:
    path = f"/Users/{made(push, **SENT)['id']}"
    operation = {"op": "replace", "path": f"{ACME}:note", "value": "M"}
    body = {"schemas": [PATCH], "Operations": [operation]}

    left_out = push("PATCH", f"{path}?excludedAttributes={ACME}:note", body)
    assert left_out.body[ACME] == SHOWN
    assert ACME not in push("PATCH", f"{path}?attributes=userName", body).body


def test_a_groups_answers_do_so_too(push: Provider) -> None:
    sales = {"schemas": [GROUP], "displayName": "Sales", TEAM: {"note": "N"}}
    made = push("POST", "/Groups", sales).body
    path = f"/Groups/{made['id']}"

    assert made[TEAM] == {"note": "N"}
    assert push("PUT", path, sales).body[TEAM] == {"note": "N"}
    assert TEAM not in push.get(path).body
    body = {
        "schemas": [PATCH],
        "Operations": [{"op": "add", "path": f"{TEAM}:note", "value": "M"}],
    }
    shaped = push("PATCH", f"{path}?excludedAttributes=members", body)
    assert shaped.body[TEAM] == {"note": "M"}


def test_nothing_is_written_where_the_answer_cannot_be(push: Provider) -> None:
    """More attributes are listed than may be: that is told before anything is done."""
    query = "?attributes=" + ",".join(["title"] * 501)
    eva = made(push)
    body = {"schemas": [USER], "userName": "jan"}

    tries: list[Callable[[], Any]] = [
        lambda: push("POST", f"/Users{query}", body),
        lambda: push("PUT", f"/Users/{eva['id']}{query}", body),
        lambda: push("POST", f"/Groups{query}", {"displayName": "Sales"}),
    ]
    for each in tries:
        assert each().error == (400, "invalidSyntax")
    assert push.get("/Users").body["Resources"] == [eva]
    assert push.get("/Groups").body["totalResults"] == 0
