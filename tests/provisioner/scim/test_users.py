"""Users are stored once, changed as a whole, and mark themselves whenever their phone may change."""

from __future__ import annotations

import pytest

from provisioner.scim import users
from provisioner.scim.errors import ScimError
from provisioner.scim.preconditions import Preconditions
from provisioner.scim.rendering import user_tag
from provisioner.scim.tenant import Tenant
from tests.provisioner.scim.pushing import (
    add,
    at_once,
    group_now,
    groups_of,
    members_of,
    operation,
    patch_group,
    patch_user,
    push_group,
    push_user,
    put_user,
    stored,
    taken,
    user_now,
)


def test_a_user_is_given_back_as_it_was_created(tenant: Tenant) -> None:
    row = push_user(tenant, displayName="Eva Malá", emails=[{"value": "Eva@Example.org"}])

    shown = user_now(tenant, row.id)

    assert shown["userName"] == "eva@example.org"
    assert shown["displayName"] == "Eva Malá"
    assert shown["emails"] == [{"value": "Eva@Example.org"}]
    assert shown["meta"] == {
        "resourceType": "User",
        "created": "2026-11-23T09:00:01.000000Z",
        "lastModified": "2026-11-23T09:00:01.000000Z",
        "location": f"https://scim.example.org/scim/emea/v2/Users/{row.id}",
        "version": 'W/"1"',
    }
    assert "groups" not in shown


def test_a_user_name_is_taken_in_every_case(tenant: Tenant) -> None:
    push_user(tenant, "straße")

    with pytest.raises(ScimError, match="userName is taken") as refused:
        push_user(tenant, "STRASSE")

    assert (refused.value.status, refused.value.scim_type) == (409, "uniqueness")


def test_a_user_name_is_free_in_another_sync(tenant: Tenant, other: Tenant) -> None:
    mine = push_user(tenant)
    theirs = push_user(other)

    assert mine.id != theirs.id
    with pytest.raises(ScimError, match="not found"):
        users.get(other, mine.id)


def test_one_of_many_who_claim_a_name_at_once_gets_it(tenant: Tenant) -> None:
    failures = at_once(8, lambda n: push_user(tenant, ("Eva", "eva", "EVA")[n % 3]) and None)

    assert len(failures) == 7
    assert {(f.status, f.scim_type) for f in failures if isinstance(f, ScimError)} == {
        (409, "uniqueness")
    }


def test_a_rename_to_a_taken_name_is_refused_and_changes_nothing(tenant: Tenant) -> None:
    push_user(tenant, "eva")
    jan = push_user(tenant, "jan")

    with pytest.raises(ScimError, match="userName is taken") as refused:
        patch_user(tenant, jan.id, operation("replace", "userName", "EVA@example.org"))

    assert refused.value.status == 409
    assert user_now(tenant, jan.id)["userName"] == "jan@example.org"


def test_a_rename_keeps_the_id_and_frees_the_name(tenant: Tenant) -> None:
    eva = push_user(tenant, "eva")
    patch_user(tenant, eva.id, operation("replace", "userName", "eva.nova@example.org"))

    second = push_user(tenant, "eva")

    assert user_now(tenant, eva.id)["userName"] == "eva.nova@example.org"
    assert second.id != eva.id


def test_what_changes_nothing_leaves_version_and_time_alone(tenant: Tenant) -> None:
    row = push_user(tenant, title="clerk")
    taken(tenant)

    patch_user(tenant, row.id, operation("replace", "title", "clerk"))
    put_user(tenant, row.id, user_now(tenant, row.id))

    assert users.get(tenant, row.id) == row
    assert taken(tenant) == set()


def test_a_put_of_what_was_read_keeps_memberships_and_clears_what_it_leaves_out(
    tenant: Tenant,
) -> None:
    eva = push_user(tenant, title="clerk", active=False)
    push_group(tenant, "Sales", [eva.id])
    body = user_now(tenant, eva.id)
    del body["title"], body["active"]

    after = put_user(tenant, eva.id, body)

    assert "title" not in stored(after)
    assert stored(after)["active"] is False, "who doesn't speak of active changes nothing of it"
    assert groups_of(tenant, eva.id) == ["Sales"]


def test_operations_come_about_together_or_not_at_all(tenant: Tenant) -> None:
    push_user(tenant, "jan")
    eva = push_user(tenant, "eva", title="clerk")

    with pytest.raises(ScimError):
        patch_user(
            tenant,
            eva.id,
            operation("replace", "title", "boss"),
            operation("replace", "userName", "jan@example.org"),
        )

    assert user_now(tenant, eva.id)["title"] == "clerk"


def test_concurrent_changes_of_one_user_lose_nothing(tenant: Tenant) -> None:
    eva = push_user(tenant, "eva")
    kinds = ["work", "home", "other", "mobile", "fax", "pager"]

    def work(number: int) -> None:
        number_of = {"value": f"+4989{number}", "type": kinds[number]}
        patch_user(tenant, eva.id, operation("add", "phoneNumbers", [number_of]))

    assert at_once(6, work) == []

    shown = user_now(tenant, eva.id)
    assert {each["type"] for each in shown["phoneNumbers"]} == set(kinds)
    assert shown["meta"]["version"] == 'W/"7"'


def test_an_inactive_person_who_is_created_again_is_the_same_resource(tenant: Tenant) -> None:
    first = push_user(tenant, "eva", externalId="e1", active=True, title="clerk")
    patch_user(tenant, first.id, operation("replace", "active", "False"))

    again = push_user(tenant, "eva.nova", externalId="e1", active=True)

    assert again.id == first.id
    assert stored(again)["userName"] == "eva.nova@example.org"
    assert "title" not in stored(again)
    assert again.version == 3


def test_an_active_persons_external_id_revives_nobody(tenant: Tenant) -> None:
    first = push_user(tenant, "eva", externalId="e1", active=True)

    second = push_user(tenant, "jan", externalId="e1")

    assert second.id != first.id


def test_who_is_created_inactive_again_is_no_revival(tenant: Tenant) -> None:
    push_user(tenant, "eva", externalId="e1", active=False)

    with pytest.raises(ScimError, match="userName is taken"):
        push_user(tenant, "eva", externalId="e1", active=False)


def test_a_deleted_user_is_gone_and_the_name_is_free(tenant: Tenant) -> None:
    eva = push_user(tenant, emails=[{"value": "eva@example.org"}])
    users.delete(tenant, eva.id)

    with pytest.raises(ScimError, match="not found") as refused:
        users.delete(tenant, eva.id)

    assert refused.value.status == 404
    assert push_user(tenant, emails=[{"value": "eva@example.org"}]).id != eva.id


def test_a_deleted_user_leaves_every_group(tenant: Tenant) -> None:
    eva, jan = push_user(tenant, "eva"), push_user(tenant, "jan")
    sales, board = push_group(tenant, "Sales", [eva.id, jan.id]), push_group(tenant, "Board")

    users.delete(tenant, eva.id)

    assert members_of(tenant, sales.id) == {jan.id}
    assert group_now(tenant, sales.id)["meta"]["version"] == 'W/"2"'
    assert group_now(tenant, board.id)["meta"]["version"] == 'W/"1"'


def test_a_condition_on_a_version_is_kept(tenant: Tenant) -> None:
    eva = push_user(tenant)

    with pytest.raises(ScimError) as refused:
        patch_user(tenant, eva.id, operation("replace", "title", "boss"), if_match='W/"9"')
    assert refused.value.status == 412
    with pytest.raises(ScimError):
        users.delete(tenant, eva.id, Preconditions('W/"9"'))

    assert (
        patch_user(tenant, eva.id, operation("replace", "title", "b"), if_match='W/"1"').version
        == 2
    )


def test_a_users_tag_tells_of_groups_but_a_condition_is_about_the_user(tenant: Tenant) -> None:
    eva = push_user(tenant)
    alone = user_tag(users.get(tenant, eva.id))
    sales = push_group(tenant, "Sales", [eva.id])
    inside = user_tag(users.get(tenant, eva.id))
    patch_group(tenant, sales.id, operation("replace", "displayName", "Trade"))

    assert len({alone, inside, user_tag(users.get(tenant, eva.id))}) == 3
    patch_user(tenant, eva.id, operation("replace", "title", "boss"), if_match=inside)


def test_every_change_marks_the_person_with_the_key_that_they_had(tenant: Tenant) -> None:
    eva = push_user(tenant, externalId="old")
    patch_user(tenant, eva.id, operation("replace", "externalId", "new"))
    users.delete(tenant, eva.id)

    rows = tenant.store.read(
        lambda session: session.rows(
            "SELECT user_id, external_id FROM scim_dirty WHERE sync = :sync ORDER BY mark",
            sync=tenant.sync,
        )
    )
    assert rows == [(eva.id, "old"), (eva.id, "old"), (eva.id, "new"), (eva.id, "new")]


def test_a_user_is_in_the_groups_that_hold_their_group(tenant: Tenant) -> None:
    eva = push_user(tenant)
    inner = push_group(tenant, "Inner", [eva.id])
    outer = push_group(tenant, "Outer", [inner.id])
    patch_group(tenant, inner.id, add(outer.id))

    shown = [(each["display"], each["type"]) for each in user_now(tenant, eva.id)["groups"]]

    assert shown == [("Inner", "direct"), ("Outer", "indirect")]
