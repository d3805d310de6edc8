"""Groups: membership is rows, changed by set deltas, and whoever it touches is marked."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.scim import groups, users
from provisioner.scim.errors import ScimError
from provisioner.scim.incoming import read_resource
from provisioner.scim.tenant import Tenant
from provisioner.store.direct import Session
from tests.provisioner.scim.pushing import (
    BASE,
    add,
    at_once,
    group_now,
    groups_of,
    members_of,
    operation,
    patch_group,
    push_group,
    push_user,
    remove,
    taken,
    user_now,
)


def people(tenant: Tenant, *names: str) -> list[str]:
    return [push_user(tenant, name).id for name in names]


def test_a_group_shows_its_members_with_what_and_where_they_are(tenant: Tenant) -> None:
    eva = push_user(tenant, displayName='Eva "Evi" Malá')
    inner = push_group(tenant, "Inner")
    outer = push_group(tenant, "Outer", [eva.id, inner.id])

    members = {each["value"]: each for each in group_now(tenant, outer.id)["members"]}

    assert members == {
        eva.id: {
            "value": eva.id,
            "$ref": f"{BASE}/Users/{eva.id}",
            "type": "User",
            "display": 'Eva "Evi" Malá',
        },
        inner.id: {
            "value": inner.id,
            "$ref": f"{BASE}/Groups/{inner.id}",
            "type": "Group",
            "display": "Inner",
        },
    }


def test_who_posts_a_group_again_gets_no_second_one(tenant: Tenant, other: Tenant) -> None:
    """Microsoft's SCIM Validator posts a group twice and wants 409 (its test "Create a duplicate Group");
    Entra's groups may well share a name (RFC 7643 section 8.7.1: "uniqueness": "none")."""
    sales = push_group(tenant, "Sales", externalId="g1")

    with pytest.raises(ScimError) as refused:
        push_group(tenant, "SALES", externalId="g1")
    assert (refused.value.status, refused.value.scim_type) == (409, "uniqueness")
    for name, more in (("Sales", {"externalId": "g2"}), ("Sales", {}), ("Sales", {})):
        push_group(tenant, name, **more)
    push_group(tenant, "Marketing", externalId="g1")
    push_group(other, "Sales", externalId="g1")
    groups.delete(tenant, sales.id)
    assert push_group(tenant, "Sales", externalId="g1").id != sales.id


def test_of_one_group_posted_often_at_once_there_is_one(tenant: Tenant) -> None:
    failures = at_once(6, lambda _: push_group(tenant, "Sales", externalId="g1") and None)

    assert [getattr(each, "status", each) for each in failures] == [409] * 5


def test_members_come_and_go_and_only_what_changes_counts_the_version_up(tenant: Tenant) -> None:
    eva, jan = people(tenant, "eva", "jan")
    sales = push_group(tenant, "Sales", [eva])

    assert patch_group(tenant, sales.id, add(eva, jan)).version == 2
    assert patch_group(tenant, sales.id, add(eva, jan)).version == 2
    assert patch_group(tenant, sales.id, remove(eva)).version == 3
    assert patch_group(tenant, sales.id, remove(eva)).version == 3
    assert members_of(tenant, sales.id) == {jan}
    assert patch_group(tenant, sales.id, operation("replace", "members", [])).version == 4
    assert members_of(tenant, sales.id) == set()


def test_replacing_members_is_a_delta(tenant: Tenant) -> None:
    eva, jan, ota = people(tenant, "eva", "jan", "ota")
    sales = push_group(tenant, "Sales", [eva, jan])
    taken(tenant)

    patch_group(tenant, sales.id, operation("replace", "members", [{"value": jan}, {"value": ota}]))

    assert members_of(tenant, sales.id) == {jan, ota}
    assert taken(tenant) == {eva, ota}


def test_unknown_members_are_refused_and_nothing_is_changed(tenant: Tenant, other: Tenant) -> None:
    eva = push_user(tenant).id
    theirs = push_user(other).id
    sales = push_group(tenant, "Sales")

    with pytest.raises(ScimError, match=theirs) as refused:
        patch_group(
            tenant, sales.id, add(eva), operation("replace", "displayName", "X"), add(theirs)
        )

    assert (refused.value.status, refused.value.scim_type) == (400, "invalidValue")
    assert members_of(tenant, sales.id) == set()
    assert group_now(tenant, sales.id)["displayName"] == "Sales"
    with pytest.raises(ScimError):
        push_group(tenant, "New", [theirs])


def test_removing_an_unknown_member_does_nothing(tenant: Tenant) -> None:
    sales = push_group(tenant, "Sales", people(tenant, "eva"))

    assert patch_group(tenant, sales.id, remove("0" * 32)).version == 1
    strange = operation("remove", 'members[value eq "\\u0000"]')
    assert patch_group(tenant, sales.id, strange).version == 1


def test_members_chosen_by_type_are_removed(tenant: Tenant) -> None:
    eva = push_user(tenant).id
    inner = push_group(tenant, "Inner")
    sales = push_group(tenant, "Sales", [eva, inner.id])

    patch_group(tenant, sales.id, operation("remove", 'members[type eq "group"]'))

    assert members_of(tenant, sales.id) == {eva}


def test_a_group_cannot_be_in_itself(tenant: Tenant) -> None:
    sales = push_group(tenant, "Sales")

    with pytest.raises(ScimError, match="in itself"):
        patch_group(tenant, sales.id, add(sales.id))


def test_concurrent_adds_to_one_group_lose_nothing(tenant: Tenant) -> None:
    everybody = people(tenant, *[f"u{n}" for n in range(24)])
    sales = push_group(tenant, "Sales")

    def work(number: int) -> None:
        for id in everybody[number::8]:
            patch_group(tenant, sales.id, add(id))
            patch_group(tenant, sales.id, add(everybody[0]))

    assert at_once(8, work) == []

    assert members_of(tenant, sales.id) == set(everybody)
    assert group_now(tenant, sales.id)["meta"]["version"] == 'W/"25"'


def test_overlapping_adds_and_removals_in_any_order_all_come_about(tenant: Tenant) -> None:
    everybody = people(tenant, *[f"u{n}" for n in range(12)])
    sales, board = push_group(tenant, "Sales"), push_group(tenant, "Board", everybody)

    def work(number: int) -> None:
        ids = everybody if number % 2 else everybody[::-1]
        for _ in range(5):
            patch_group(tenant, sales.id, add(*ids))
            patch_group(tenant, board.id, remove(*ids))

    assert at_once(6, work) == []
    assert members_of(tenant, sales.id) == set(everybody)
    assert members_of(tenant, board.id) == set()


def test_whoever_is_deleted_while_being_added_is_in_no_group(tenant: Tenant) -> None:
    everybody = people(tenant, *[f"u{n}" for n in range(16)])
    sales = push_group(tenant, "Sales")

    def work(number: int) -> None:
        for id in everybody:
            if number % 2:
                patch_group(tenant, sales.id, add(id))
            else:
                users.delete(tenant, id)

    at_once(2, work)

    orphans = tenant.store.read(
        lambda session: session.rows(
            "SELECT m.user_seq FROM scim_members m JOIN scim_groups g ON g.seq = m.group_seq"
            " WHERE g.sync = :sync AND NOT EXISTS"
            " (SELECT 1 FROM scim_users u WHERE u.seq = m.user_seq)",
            sync=tenant.sync,
        )
    )
    assert orphans == []


def test_a_rename_marks_everybody_below_and_changes_their_groups(tenant: Tenant) -> None:
    eva, jan, ota = people(tenant, "eva", "jan", "ota")
    inner = push_group(tenant, "Inner", [jan])
    sales = push_group(tenant, "Sales", [eva, inner.id])
    taken(tenant)

    patch_group(
        tenant, sales.id, operation("replace", None, {"id": sales.id, "displayName": "Trade"})
    )

    assert taken(tenant) == {eva, jan}
    assert groups_of(tenant, eva) == ["Trade"]
    assert groups_of(tenant, jan) == ["Inner", "Trade"]
    assert groups_of(tenant, ota) == []


def test_what_is_not_the_name_marks_nobody(tenant: Tenant) -> None:
    sales = push_group(tenant, "Sales", people(tenant, "eva"))
    taken(tenant)

    assert patch_group(tenant, sales.id, operation("add", "externalId", "g1")).version == 2

    assert taken(tenant) == set()


def test_a_group_that_joins_a_group_marks_its_people(tenant: Tenant) -> None:
    eva, jan = people(tenant, "eva", "jan")
    inner = push_group(tenant, "Inner", [eva])
    outer = push_group(tenant, "Outer", [jan])
    taken(tenant)

    patch_group(tenant, outer.id, add(inner.id))
    assert taken(tenant) == {eva}
    patch_group(tenant, outer.id, remove(inner.id))

    assert taken(tenant) == {eva}


def test_a_deleted_group_is_gone_from_its_members_and_marks_them(tenant: Tenant) -> None:
    eva = push_user(tenant).id
    sales = push_group(tenant, "Sales", [eva])
    outer = push_group(tenant, "Outer", [sales.id])
    taken(tenant)

    groups.delete(tenant, sales.id)

    assert taken(tenant) == {eva}
    assert "groups" not in user_now(tenant, eva)
    assert members_of(tenant, outer.id) == set()
    with pytest.raises(ScimError, match="not found"):
        groups.delete(tenant, sales.id)


def replaced(tenant: Tenant, id: str, body: dict[str, Any], members_too: bool) -> None:
    resource = read_resource(body, tenant.registry.group, tenant.registry)
    groups.replace(tenant, id, resource, members_too=members_too)


def test_a_put_without_members_keeps_them_and_one_with_none_empties_the_group(
    tenant: Tenant,
) -> None:
    eva = push_user(tenant).id
    sales = push_group(tenant, "Sales", [eva], externalId="g1")

    replaced(tenant, sales.id, {"displayName": "Trade"}, members_too=False)
    assert members_of(tenant, sales.id) == {eva}
    assert "externalId" not in group_now(tenant, sales.id)
    replaced(tenant, sales.id, {"displayName": "Trade", "members": []}, members_too=True)

    assert members_of(tenant, sales.id) == set()


def test_a_condition_on_a_groups_version_is_kept(tenant: Tenant) -> None:
    eva = push_user(tenant).id
    sales = push_group(tenant, "Sales")

    with pytest.raises(ScimError) as refused:
        patch_group(tenant, sales.id, add(eva), if_match='W/"2"')

    assert refused.value.status == 412
    assert patch_group(tenant, sales.id, add(eva), if_match='W/"1"').version == 2


def statements(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, *operations: Any, id: str) -> int:
    """How many statements a PATCH takes."""
    executed = []
    real = Session._execute

    def counted(self: Session, sql: str, values: dict[str, Any], **how: Any) -> Any:
        executed.append(sql)
        return real(self, sql, values, **how)

    monkeypatch.setattr(Session, "_execute", counted)
    patch_group(tenant, id, *operations)
    monkeypatch.undo()
    return len(executed)


def test_many_members_take_as_many_statements_as_one(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = people(tenant, *[f"u{n}" for n in range(40)])
    small, large = push_group(tenant, "Small"), push_group(tenant, "Large", everybody[20:])

    one = statements(tenant, monkeypatch, add(everybody[0]), id=small.id)
    many = statements(tenant, monkeypatch, add(*everybody), id=large.id)

    assert one == many
