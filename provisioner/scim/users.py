"""Operations on users: each one transaction, in which the people whose phones may change are marked too.

What changes nothing leaves the version as it is. Somebody inactive who is created again, by the externalId
that they had, is the same resource again: a client that forgot them after deactivating brings them back,
and their phone with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import uuid4

from provisioner.scim.errors import ScimError
from provisioner.scim.etag import weak_tag
from provisioner.scim.incoming import keep_immutable
from provisioner.scim.operations import Operation
from provisioner.scim.patch import patch as patched
from provisioner.scim.preconditions import ALWAYS, Preconditions
from provisioner.scim.rendering import Resource, decoded, encoded, with_id, without_groups
from provisioner.scim.tenant import Tenant
from provisioner.store import scim_users as rows
from provisioner.store.direct import NotUnique, Session
from provisioner.store.scim_dirty import mark, mark_new
from provisioner.store.scim_groups import share_those_of_user
from provisioner.store.scim_users import UserKeys, UserRow

T = TypeVar("T")


def gone(type: str, id: str) -> ScimError:
    """The error that tells that there is no such resource."""
    return ScimError(404, f"{type} {id[:80]!r} not found")


def create(tenant: Tenant, resource: Resource) -> UserRow:
    """Create a user of a canonical resource. Raises ScimError 409 uniqueness."""
    keys = UserKeys.of(resource)

    sync, id, at = tenant.sync, uuid4().hex, tenant.at()
    document = encoded(with_id(resource, id))
    external_id = None if keys.active is False else keys.external_id

    def insert(session: Session) -> list[tuple[Any, ...]]:
        seq = rows.insert(session, sync, id, keys, document, at, anew=external_id is None)
        mark_new(session, sync, id, at)
        return seq

    def revive(session: Session) -> UserRow | None:
        if external_id is not None and (held := rows.hold_inactive(session, sync, external_id)):
            return _change(session, tenant, held, resource | {"id": held.id}, tenant.at())
        if rows.is_taken(session, sync, keys.user_name_key):
            raise NotUnique
        return None  # whoever was in the way is gone by now

    while True:
        if seq := tenant.store.write(insert):
            return UserRow(seq[0][0], id, 1, at, at, document)
        if (revived := _unique(tenant, revive)) is not None:
            return revived


def get(tenant: Tenant, id: str) -> UserRow:
    """Return a user with their groups. Raises ScimError 404."""
    row = tenant.store.read(lambda session: rows.find(session, tenant.sync, id))
    if row is None:
        raise gone("User", id)
    return row


def replace(tenant: Tenant, id: str, resource: Resource, when: Preconditions = ALWAYS) -> UserRow:
    """Make a canonical resource what the user is; what it doesn't say of `active` stays.

    Raises ScimError 404, 409 uniqueness, 412 and 400 mutability.
    """

    def work(session: Session) -> UserRow:
        held = _held(session, tenant, id, when)
        before = decoded(held.document)
        after = with_id(resource, id)
        if "active" in before:
            after.setdefault("active", before["active"])
        keep_immutable(before, after, tenant.registry.user)
        return _change(session, tenant, held, after, tenant.at())

    return _unique(tenant, work)


def patch(
    tenant: Tenant, id: str, operations: list[Operation], when: Preconditions = ALWAYS
) -> UserRow:
    """Carry out all operations or none. Raises ScimError 400, 404, 409 uniqueness and 412."""

    def work(session: Session) -> UserRow:
        held = _held(session, tenant, id, when)
        before = decoded(held.document)
        if any(each.same for each in operations):
            before["groups"] = _groups(session, tenant, id)
        after = patched(before, operations, tenant.registry.user)
        after.pop("groups", None)
        return _change(session, tenant, held, after, tenant.at())

    return _unique(tenant, work)


def delete(tenant: Tenant, id: str, when: Preconditions = ALWAYS) -> None:
    """Delete a user, who leaves all groups. Raises ScimError 404 and 412."""

    def work(session: Session) -> None:
        share_those_of_user(session, tenant.sync, id)
        held = _held(session, tenant, id, when)
        share_those_of_user(session, tenant.sync, id, held=True)
        keys, at = UserKeys.of(decoded(held.document)), tenant.at()
        mark(session, tenant.sync, id, [keys.external_id], at)
        rows.delete(session, tenant.sync, held, at)

    tenant.store.write(work)


def _groups(session: Session, tenant: Tenant, id: str) -> list[dict[str, str]]:
    """Return the groups that a user is in, for a client that repeats them."""
    row = rows.find(session, tenant.sync, id)
    return [{"value": group} for group, _, _ in row.groups] if row else []


def _held(session: Session, tenant: Tenant, id: str, when: Preconditions) -> UserRow:
    held = rows.hold(session, tenant.sync, id)
    if held is None:
        raise gone("User", id)
    Preconditions(*map(without_groups, when)).check(weak_tag(held.version))
    return held


def _change(session: Session, tenant: Tenant, held: UserRow, after: Resource, at: str) -> UserRow:
    before = decoded(held.document)
    if after == before:
        return held
    old, new = UserKeys.of(before), UserKeys.of(after)
    mark(session, tenant.sync, held.id, [old.external_id, new.external_id], at)
    return rows.update(session, tenant.sync, held, old, new, encoded(with_id(after, held.id)), at)


def _unique(tenant: Tenant, work: Callable[[Session], T]) -> T:
    try:
        return tenant.store.write(work)
    except NotUnique:
        raise ScimError(409, "userName is taken by another user", "uniqueness") from None
