"""Operations on groups: each one transaction, in which the people whose phones may change are marked too.

Members are rows. A PATCH is carried out as set deltas on them while the group is only shared, so that many
may change one large group at once and nothing is lost; what must know its version, or all of it, holds it.
A group may be a member of a group: whoever is in the inner one is in the outer one, indirectly.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from provisioner.scim.errors import ScimError, invalid_value
from provisioner.scim.etag import weak_tag
from provisioner.scim.incoming import keep_immutable
from provisioner.scim.membership import (
    Add,
    GroupPatch,
    Remove,
    RemoveAll,
    RemoveWhere,
    Replace,
    Step,
)
from provisioner.scim.patch import patch as patched
from provisioner.scim.preconditions import ALWAYS, Preconditions
from provisioner.scim.rendering import Resource, decoded, encoded, with_id
from provisioner.scim.tenant import Tenant
from provisioner.scim.users import gone
from provisioner.store import scim_groups as rows
from provisioner.store import scim_members as members
from provisioner.store.direct import Session
from provisioner.store.scim_dirty import mark_below, mark_users
from provisioner.store.scim_groups import GroupKeys, GroupRow
from provisioner.store.scim_members import Members

_NAMED = 3
"""Unknown ids that an error names."""


def create(tenant: Tenant, resource: Resource) -> GroupRow:
    """Create a group of a canonical resource, with its members.

    Names need not be unique, but who posts a group again, name and externalId, gets no second one.
    Raises ScimError 400 for unknown members, and 409 uniqueness.
    """
    own, ids = _apart(resource)
    keys = GroupKeys.of(own)

    def work(session: Session) -> GroupRow:
        if rows.is_there(session, tenant.sync, keys):
            raise ScimError(409, "a group has this displayName and externalId", "uniqueness")
        id, at = uuid4().hex, tenant.at()
        document = encoded(with_id(own, id))
        row = rows.insert(session, tenant.sync, id, keys, document, at)
        if ids:
            _mark(session, tenant, _known(members.add(session, tenant.sync, row.seq, ids)), at)
        rows.counted(session, tenant.sync, row.seq)
        return row

    return tenant.store.write(work)


def get(tenant: Tenant, id: str) -> GroupRow:
    """Return a group, without its members. Raises ScimError 404."""
    row = tenant.store.read(lambda session: rows.find(session, tenant.sync, id))
    if row is None:
        raise gone("Group", id)
    return row


def replace(
    tenant: Tenant, id: str, resource: Resource, *, members_too: bool, when: Preconditions = ALWAYS
) -> GroupRow:
    """Make a canonical resource what the group is, with `members_too` its membership as well.

    Raises ScimError 400 for unknown members and mutability, 404, and 412.
    """
    own, ids = _apart(resource)

    def work(session: Session) -> GroupRow:
        held = _held(session, tenant, id, when)
        at = tenant.at()
        after = with_id(own, id)
        keep_immutable(decoded(held.document), after, tenant.registry.group)
        steps: list[Step] = []
        if members_too:
            steps = [Replace(ids) if ids else RemoveAll()]
        return _changed(session, tenant, held, after, steps, at)

    return tenant.store.write(work)


def patch(tenant: Tenant, id: str, changes: GroupPatch, when: Preconditions = ALWAYS) -> GroupRow:
    """Carry out all operations or none. Raises ScimError 400, 404 and 412."""

    def work(session: Session) -> GroupRow:
        at = tenant.at()
        if changes.document_operations or any(when):
            held = _held(session, tenant, id, when)
            before = decoded(held.document)
            after = patched(before, changes.document_operations, tenant.registry.group)
            return _changed(session, tenant, held, after, changes.steps, at)
        alone = len(changes.steps) > 1 or any(isinstance(each, Replace) for each in changes.steps)
        # who comes to the members twice would meet others on their way, the other way round
        found = (rows.hold if alone else rows.share)(session, tenant.sync, id)
        if found is None:
            raise gone("Group", id)
        if not _carry_out(session, tenant, found, changes.steps, at):
            return found
        version = rows.touch(session, found.seq, at)
        if version is None:
            raise gone("Group", id)
        return found._replace(version=version, last_modified=at)

    return tenant.store.write(work)


def delete(tenant: Tenant, id: str, when: Preconditions = ALWAYS) -> None:
    """Delete a group: its members stay, and are in it no more. Raises ScimError 404 and 412."""

    def work(session: Session) -> None:
        rows.share_those_of_group(session, tenant.sync, id)
        held = _held(session, tenant, id, when)
        rows.share_those_of_group(session, tenant.sync, id, held=True)
        at = tenant.at()
        mark_below(session, tenant.sync, [held.seq], at)
        rows.delete(session, tenant.sync, held, at)

    tenant.store.write(work)


def _apart(resource: Resource) -> tuple[Resource, tuple[str, ...]]:
    """Return a canonical group without its members, and their ids."""
    own = {name: value for name, value in resource.items() if name != "members"}
    return own, tuple(dict.fromkeys(each["value"] for each in resource.get("members") or ()))


def _held(session: Session, tenant: Tenant, id: str, when: Preconditions) -> GroupRow:
    held = rows.hold(session, tenant.sync, id)
    if held is None:
        raise gone("Group", id)
    when.check(weak_tag(held.version))
    return held


def _changed(
    session: Session,
    tenant: Tenant,
    held: GroupRow,
    after: Resource,
    steps: Iterable[Step],
    at: str,
) -> GroupRow:
    """Give a group that is held another document, if it is another one, and other members."""
    before = decoded(held.document)
    moved = _carry_out(session, tenant, held, steps, at)
    if after == before and not moved:
        return held
    keys = GroupKeys.of(after)
    if keys.display_name != before.get("displayName"):
        mark_below(session, tenant.sync, [held.seq], at)
    return rows.update(session, held, keys, encoded(with_id(after, held.id)), at)


def _carry_out(
    session: Session, tenant: Tenant, group: GroupRow, steps: Iterable[Step], at: str
) -> bool:
    """Change the membership step by step; return whether anything changed."""
    moved = False
    for step in steps:
        changed = _known(_step(session, tenant, group, step))
        _mark(session, tenant, changed, at)
        moved = moved or bool(changed.users or changed.groups)
    return moved


def _step(session: Session, tenant: Tenant, group: GroupRow, step: Step) -> Members:
    if isinstance(step, Add | Replace) and group.id in step.ids:
        raise invalid_value("members: a group can't be in itself")
    if isinstance(step, Add):
        return members.add(session, tenant.sync, group.seq, step.ids)
    if isinstance(step, Remove):
        return members.remove(session, tenant.sync, group.seq, step.ids)._replace(unknown=[])
    if isinstance(step, Replace):
        return members.replace(session, tenant.sync, group.seq, step.ids)
    if isinstance(step, RemoveAll):
        return members.remove_all(session, group.seq)
    return _remove_where(session, tenant, group, step)


def _remove_where(session: Session, tenant: Tenant, group: GroupRow, step: RemoveWhere) -> Members:
    """Remove whom a filter chooses that names nobody: the only step that reads the members."""
    shown = members.listed(session, [group.seq], "").get(group.seq)
    everybody: list[Resource] = decoded(f'{{"members":{shown or "[]"}}}')["members"]
    chosen = [each["value"] for each in everybody if step.matches(each)]
    return members.remove(session, tenant.sync, group.seq, chosen)._replace(unknown=[])


def _known(changed: Members) -> Members:
    if unknown := changed.unknown:
        named = ", ".join(repr(id[:80]) for id in unknown[:_NAMED])
        rest = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise invalid_value(f"members: no user or group has the id {named}{rest}")
    return changed


def _mark(session: Session, tenant: Tenant, changed: Members, at: str) -> None:
    mark_users(session, tenant.sync, changed.users, at)
    if changed.groups:
        mark_below(session, tenant.sync, changed.groups, at)
