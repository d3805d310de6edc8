"""A page takes as many statements as it takes, however many resources and members are on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provisioner.store.direct import Session
from tests.provisioner.scim.http_client import Provider


@pytest.fixture
def counted(push: Provider, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Return what tells the statements that are executed in a block."""
    real = Session._execute
    push.both_ways = False

    @contextmanager
    def counting() -> Iterator[list[str]]:
        executed: list[str] = []

        def noted(self: Session, sql: str, values: dict[str, Any], **how: Any) -> Any:
            executed.append(sql)
            return real(self, sql, values, **how)

        with monkeypatch.context() as patched:
            patched.setattr(Session, "_execute", noted)
            yield executed

    return counting


def test_members_that_are_left_out_are_never_looked_for(
    push: Provider, counted: Callable[[], Any]
) -> None:
    group = push.group("Sales", push.user()["id"])["id"]

    for path in (
        f"/Groups/{group}?excludedAttributes=members",
        f"/Groups/{group}?attributes=displayName",
        "/Groups?excludedAttributes=members",
        "/Groups?excludedAttributes=members&filter=displayName%20eq%20%22Sales%22",
    ):
        with counted() as executed:
            assert push.get(path).status == 200
        assert not any("scim_members" in sql for sql in executed), path


def test_the_members_of_many_groups_take_no_more_statements_than_those_of_one(
    push: Provider, counted: Callable[[], Any]
) -> None:
    people = [push.user(f"u{n}")["id"] for n in range(3)]
    numbers = []
    for _ in range(2):
        push.group("Sales", *people)
        with counted() as executed:
            page = push.get("/Groups")
        assert all(len(each["members"]) == 3 for each in page.body["Resources"])
        numbers.append(len(executed))

    assert numbers[0] == numbers[1]


def test_a_page_of_users_with_their_groups_takes_one_statement_beside_the_total(
    push: Provider, counted: Callable[[], Any]
) -> None:
    for n in range(5):
        push.group(f"g{n}", push.user(f"u{n}")["id"])

    with counted() as executed:
        page = push.get("/Users")

    assert [each["groups"][0]["display"] for each in page.body["Resources"]] == [
        f"g{n}" for n in range(5)
    ]
    assert len(executed) == 2


def test_a_total_is_had_without_a_document(push: Provider, counted: Callable[[], Any]) -> None:
    for n in range(3):
        push.user(f"u{n}")

    for query in ("", "&filter=userName%20sw%20%22u%22"):
        with counted() as executed:
            assert push.get(f"/Users?count=0{query}").body["totalResults"] == 3
        assert len(executed) == 1
        assert "document" not in executed[0]


def test_one_user_takes_one_statement(push: Provider, counted: Callable[[], Any]) -> None:
    eva = push.user()["id"]
    push.group("Sales", eva)

    with counted() as executed:
        push.get(f"/Users/{eva}")

    assert len(executed) == 1
