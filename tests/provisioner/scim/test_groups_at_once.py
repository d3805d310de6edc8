"""Groups that many change at once, in different ways: they wait for each other, and never in a circle.

PostgreSQL takes a second to see a circle, and then undoes one of those in it; the store would do that one again,
and after several such times give up.
"""

from __future__ import annotations

from contextlib import suppress

import psycopg
import pytest

from provisioner.scim import groups, users
from provisioner.scim.errors import ScimError
from provisioner.scim.incoming import read_resource
from provisioner.scim.tenant import Tenant
from provisioner.store import direct
from tests.provisioner.scim.pushing import (
    add,
    at_once,
    members_of,
    operation,
    patch_group,
    push_group,
    push_user,
    remove,
)

Circles = list[Exception]


@pytest.fixture
def circles(monkeypatch: pytest.MonkeyPatch) -> Circles:
    """What undid a transaction because it stood in a circle."""
    found: Circles = []
    in_the_way = direct._is_in_the_way

    def noted(error: Exception) -> bool:
        if isinstance(error, psycopg.errors.DeadlockDetected):
            found.append(error)
        return in_the_way(error)

    monkeypatch.setattr(direct, "_is_in_the_way", noted)
    return found


def people(tenant: Tenant, count: int) -> list[str]:
    return [push_user(tenant, f"u{n}").id for n in range(count)]


def put(tenant: Tenant, id: str, members: list[str]) -> None:
    body = {"displayName": "Sales", "members": [{"value": each} for each in members]}
    resource = read_resource(body, tenant.registry.group, tenant.registry)
    groups.replace(tenant, id, resource, members_too=True)


def test_members_come_and_go_while_others_replace_the_whole_group(
    tenant: Tenant, circles: Circles
) -> None:
    everybody = people(tenant, 24)
    sales = push_group(tenant, "Sales", everybody).id

    def work(number: int) -> None:
        ids = everybody[number:] + everybody[:number]
        for _ in range(6):
            if number % 4 == 0:
                put(tenant, sales, ids[::2])
            elif number % 4 == 1:
                patch_group(tenant, sales, add(*ids))
                patch_group(tenant, sales, remove(*ids[::-1]))
            elif number % 4 == 2:
                value = [{"value": each} for each in ids[:9]]
                patch_group(tenant, sales, operation("replace", "members", value))
            else:
                rename = operation("replace", "displayName", f"Sales {number}")
                patch_group(tenant, sales, rename, remove(*ids[:5]), add(*ids[3:7]))

    assert at_once(8, work) == []
    assert circles == []
    assert members_of(tenant, sales) <= set(everybody)


def test_people_are_deleted_while_their_groups_are_replaced(
    tenant: Tenant, circles: Circles
) -> None:
    everybody, staying = people(tenant, 24), push_user(tenant, "eva").id
    made = [push_group(tenant, name, everybody).id for name in ("Sales", "Support", "Board")]
    outer = push_group(tenant, "Outer", made).id

    def work(number: int) -> None:
        if number % 2:
            for id in everybody[number // 2 :: 4]:
                users.delete(tenant, id)
        elif number == 0:
            patch_group(tenant, outer, operation("replace", "members", []))
            groups.delete(tenant, made[2])
        else:
            for id in made[:2]:
                put(tenant, id, [staying])

    assert at_once(8, work) == []
    assert circles == []
    assert [members_of(tenant, id) for id in made[:2]] == [{staying}, {staying}]


def test_people_are_deleted_while_they_come_into_groups_that_are_replaced(
    tenant: Tenant, circles: Circles
) -> None:
    everybody, staying = people(tenant, 24), push_user(tenant, "eva").id
    made = [push_group(tenant, name).id for name in ("Sales", "Support", "Board")]

    def work(number: int) -> None:
        for n, id in enumerate(everybody):
            group = made[(n + number) % 3]
            if number == 0:
                users.delete(tenant, id)
            elif number % 3 == 1:
                put(tenant, group, [staying])
            else:
                with suppress(ScimError):  # who is gone is unknown
                    patch_group(tenant, group, add(id))

    assert at_once(7, work) == []
    assert circles == []
    assert set().union(*(members_of(tenant, id) for id in made)) <= {staying}
