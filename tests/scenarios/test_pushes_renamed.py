"""Somebody whom the identity provider calls by another key is the same person: they keep their phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from provisioner.commands.plans import site_of
from provisioner.scim import users as scim_users
from provisioner.store import people as people_store
from provisioner.store.database import reading
from provisioner.store.tables import audit
from tests.provisioner.scim.pushing import add, operation, patch_group, patch_user, push_user
from tests.scenarios.installation import (
    Installation,
    phone_user,
    phone_users,
    rule,
    zoom_account,
    zoom_users,
)
from tests.scenarios.test_pushes import GRACE, PUSHED, Pushed


@pytest.fixture
def pushed(tmp_path: Path) -> Pushed:
    return Pushed(Installation(tmp_path))


def call_otherwise(pushed: Pushed, id: str, key: str, name: str | None = None) -> None:
    operations = [operation("replace", "externalId", key)]
    if name is not None:
        mail = f"{name}@example.org"
        operations += [
            operation("replace", "userName", mail),
            operation("replace", "emails", [{"value": mail, "type": "work"}]),
        ]
    patch_user(pushed.tenant, id, *operations)


def bound(pushed: Pushed, *keys: str) -> dict[str, str]:
    with reading(pushed.site.engine) as connection:
        return {b.key: b.phone_id for b in people_store.bound_some(connection, "emea", keys)}


def rekeyed(pushed: Pushed) -> list[Any]:
    with reading(pushed.site.engine) as connection:
        asked = select(audit.c.detail).where(audit.c.kind == "person.rekeyed")
        return list(connection.execute(asked).scalars())


@pytest.mark.parametrize("name", [None, "eva.nova"])
@pytest.mark.parametrize("carried_out_by", ["a push", "a plan for everybody"])
def test_who_has_another_externalid_and_name_keeps_their_phone(
    pushed: Pushed, name: str | None, carried_out_by: str
) -> None:
    eva, _ = pushed.begin(2)
    before = bound(pushed, "e001")
    call_otherwise(pushed, eva, "evan", name)

    if carried_out_by == "a push":
        pushed.carry_out()
    plan = pushed.here.plan()

    assert (plan["changes"], plan["waiting"], plan["conflicts"]) == ([], [], [])
    assert bound(pushed, "e001", "evan") == {"evan": before["e001"]}
    assert len(rekeyed(pushed)) == 1


def test_who_is_first_known_by_their_id_is_so_by_the_externalid_later(pushed: Pushed) -> None:
    pushed.begin(1)
    zoe = push_user(
        pushed.tenant,
        "zoe",
        active=True,
        emails=[{"value": "zoe@example.org", "type": "work"}],
        **{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"}},
    ).id
    patch_group(pushed.tenant, pushed.group, add(zoe))
    pushed.carry_out()

    call_otherwise(pushed, zoe, "Z1")
    pushed.carry_out()

    assert list(bound(pushed, zoe, "z1")) == ["z1"]
    assert pushed.here.plan()["changes"] == []


def test_who_left_is_still_the_same_who_left(pushed: Pushed) -> None:
    eva, _ = pushed.begin(2)
    pushed.here.mapping(leavers={"do": "remove_license", "after": "24h"})
    patch_user(pushed.tenant, eva, operation("replace", "active", False))
    pushed.carry_out()
    since = pushed.plans()[-1]["waiting"][0]["reason"]

    call_otherwise(pushed, eva, "evan", "eva.nova")
    pushed.carry_out()

    assert pushed.plans()[-1]["waiting"][0]["reason"] == since


def test_whose_old_key_somebody_else_has_now_is_left_to_a_person(pushed: Pushed) -> None:
    eva, jan = pushed.begin(2)
    before = bound(pushed, "e001", "e002")
    call_otherwise(pushed, eva, "X")
    call_otherwise(pushed, jan, "E001")
    pushed.carry_out()

    assert bound(pushed, "e001")["e001"] == before["e001"]
    assert rekeyed(pushed) == []


def test_whose_old_key_another_directory_has_is_not_bound_by_the_new_one(pushed: Pushed) -> None:
    here = pushed.here
    here.configure(directories=[{"kind": "csv", "name": "hr", "path": "people.csv"}, PUSHED])
    here.people(
        [{"externalId": f"E00{n}", "userName": f"user{n}", "groups": "Phone"} for n in (1, 2, 3)]
    )
    pushed.site = site_of(here.folder / "config.yaml")
    eva, _ = pushed.begin(2)
    before = bound(pushed, "e001")

    call_otherwise(pushed, eva, "EX", "other")
    pushed.carry_out()

    assert bound(pushed, "e001") == before
    assert rekeyed(pushed) == []


def test_two_with_one_mail_are_left_alone_though_the_phone_system_tells_of_them_twice(
    tmp_path: Path,
) -> None:
    here = Installation(tmp_path)
    lines = [{k: v for k, v in line.items() if k != "key"} for line in phone_users(2)]
    with zoom_account(lines) as (url, system):
        here.configure(phone_system=system)
        pushed = Pushed(here)
        here.mapping(
            **GRACE, join=None, rules=[rule("all", license="zoom_phone", packages=["basic"])]
        )
        eva, _ = pushed.begin(2)
        mail = [{"value": "user1@example.org", "type": "work"}]

        scim_users.delete(pushed.tenant, eva)
        patch_group(pushed.tenant, pushed.group, add(pushed.user(7, emails=mail)))
        pushed.carry_out()

        assert pushed.plans()[-1]["conflicts"]
        assert list(bound(pushed, "e001", "e007")) == ["e001"]
        assert zoom_users(url)["user1@example.org"]["license"] == "zoom_phone"


def test_who_has_an_account_that_nobody_knew_of_counts_among_all_people(pushed: Pushed) -> None:
    pushed.begin(4)
    lines = pushed.here.phone_users()
    pushed.here.phone([*lines.values(), phone_user(9, license=None, packages=[])])

    patch_group(pushed.tenant, pushed.group, add(pushed.user(9)))
    pushed.carry_out()

    assert {change["state"] for change in pushed.plans()[-1]["changes"]} == {"done"}
