"""The pushed directory gives people as any other directory does, whatever state they are pushed in."""

from __future__ import annotations

from typing import Any

from connectors.records import ENTERPRISE, Person
from provisioner.scim import users
from provisioner.scim.pushed import Pushed
from provisioner.scim.tenant import Tenant
from tests.provisioner.scim.pushing import operation, patch_user, push_group, push_user

HEX = "0123456789abcdef0123456789abcdef"


def read(tenant: Tenant, **options: Any) -> list[Person]:
    return list(Pushed("entra", tenant.sync, tenant.store, options).read())


def test_people_come_in_their_order_with_key_groups_and_attributes(
    tenant: Tenant, other: Tenant
) -> None:
    push_user(other, "stranger")
    jan = push_user(tenant, "jan", active=False)
    eva = push_user(tenant, externalId="E1", **{ENTERPRISE: {"department": "Sales"}})
    sales = push_group(tenant, "Sales", [eva.id])
    outer = push_group(tenant, "Outer", [sales.id])

    assert read(tenant) == [
        Person(jan.id, {"userName": "jan@example.org", "active": False}, jan.id),
        Person(
            "E1",
            {
                "userName": "eva@example.org",
                "externalId": "E1",
                ENTERPRISE: {"department": "Sales"},
                "groups": [
                    {"value": sales.id, "display": "Sales"},
                    {"value": outer.id, "display": "Outer", "type": "indirect"},
                ],
            },
            eva.id,
        ),
    ]
    direct = read(tenant, key="id", nested_groups=False)[1]
    assert (direct.key, [each["display"] for each in direct.resource["groups"]]) == (
        eva.id,
        ["Sales"],
    )


def test_more_people_than_a_page_come_once_each(tenant: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr("provisioner.scim.pushed._A_PAGE", 3)
    ids = [push_user(tenant, f"u{n}").id for n in range(7)]

    assert [person.where for person in read(tenant)] == ids


def test_a_tombstone_renames_nobody(tenant: Tenant) -> None:
    eva = push_user(tenant, externalId="E1", emails=[{"value": "eva@example.org", "type": "work"}])
    before = read(tenant)

    patch_user(
        tenant,
        eva.id,
        operation("Replace", "userName", f"{HEX}eva@example.org"),
        operation("Replace", 'emails[type eq "work"].value', f"{HEX}Eva@example.org"),
    )

    (person,) = read(tenant)
    assert person.key == "E1"
    assert person.resource["userName"] == before[0].resource["userName"]
    assert person.email == "Eva@example.org"


def test_who_takes_a_freed_name_is_somebody_else(tenant: Tenant) -> None:
    mail = [{"value": "eva@example.org", "type": "work"}]
    eva = push_user(tenant, externalId="E1", emails=mail, active=True)
    gone = operation("Replace", None, {"userName": f"{HEX}EVA@example.org", "active": "False"})
    patch_user(tenant, eva.id, gone)

    second = push_user(tenant, externalId="E2", emails=mail, active=True)

    old, new = read(tenant)
    assert second.id != eva.id
    assert (old.key, old.email, old.resource["active"]) == ("E1", None, False)
    assert (new.key, new.email) == ("E2", "eva@example.org")
    users.delete(tenant, eva.id)
    assert [person.key for person in read(tenant)] == ["E2"]


def test_marked_people_are_read_by_id_and_by_external_id_once(tenant: Tenant) -> None:
    eva = push_user(tenant, externalId="E1")
    push_user(tenant, "jan", externalId="E2")
    directory = Pushed("entra", tenant.sync, tenant.store, {})

    found = directory.read_some([(eva.id, "E1"), (eva.id, "E2"), ("gone", "E9")])

    assert [person.key for person in found] == ["E1", "E2"]
    assert directory.keys_of([("gone", "E9"), ("x", None)]) == {"E9", "x"}


def test_people_are_found_once_by_id_external_id_user_name_and_mail(
    tenant: Tenant, other: Tenant
) -> None:
    mail = {"value": "Eva.Nova@example.org", "type": "work"}
    eva = push_user(tenant, externalId="E1", emails=[mail])
    jan = push_user(tenant, "jan", externalId="E2")
    push_user(other, externalId="E1", emails=[mail])
    pushed = Pushed("entra", tenant.sync, tenant.store, {})

    for name in (eva.id, "E1", "EVA@example.org", "eva.nova@example.org"):
        assert [person.where for person in pushed.named({name})] == [eva.id]
    both = pushed.named({eva.id, "E1", "eva.nova@example.org", "jan@example.org", "nobody"})
    assert {person.where for person in both} == {eva.id, jan.id}
    assert len(list(pushed.named({eva.id, "E1", "eva.nova@example.org"}))) == 1
