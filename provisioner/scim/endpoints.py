"""`/Users` and `/Groups`: what each method does, and how it is answered.

A group's PATCH is answered 204, because its answer would grow with the group; a user's 200 with the
user, which clients compare with what they sent. Where a client names attributes, it gets those.
"""

from __future__ import annotations

import re
from typing import Any

from provisioner.scim import groups, users
from provisioner.scim.call import Answer, Call
from provisioner.scim.errors import ScimError
from provisioner.scim.etag import not_modified, refuse_unless, weak_tag
from provisioner.scim.incoming import read_resource
from provisioner.scim.kinds import Kind
from provisioner.scim.lists import found, is_whole, kinds, list_answer, text, texts
from provisioner.scim.membership import member_changes
from provisioner.scim.operations import parse_operations
from provisioner.scim.projection import Projection
from provisioner.scim.rendering import group_tag, user_tag, without_groups
from provisioner.scim.written import by_operations, in_resource
from provisioner.store.scim_groups import GroupRow
from provisioner.store.scim_users import UserRow

_ID = re.compile(r"[0-9a-f]{32}")


def known_id(id: str) -> str:
    """Return an id that there may be. Raises ScimError 404 for one that was never given.

    It may come with the suffix of SCIM's own format (RFC 7644 section 3.8).
    """
    id = id.removesuffix(".scim")
    if not _ID.fullmatch(id):
        raise ScimError(404, f"{id[:80]!r} not found")
    return id


class Users:
    """The endpoint of users. Everything raises ScimError."""

    def create(self, call: Call, body: Any) -> Answer:
        """Create one: 201."""
        type = call.tenant.registry.user
        resource = read_resource(body, type, call.tenant.registry)
        projection = call.projection(type, in_resource(resource, type))
        return self._shown(call, users.create(call.tenant, resource), 201, projection)

    def list(self, call: Call) -> Answer:
        """List those that a filter finds."""
        return _listed(call, self._kind(call))

    def read(self, call: Call, id: str) -> Answer:
        """Return one: 200, or 304 if the client has that version."""
        row = users.get(call.tenant, id)
        refuse_unless(without_groups(call.when.if_match), weak_tag(row.version))
        if not_modified(call.when.if_none_match, tag := user_tag(row)):
            return Answer(304, tag=tag)
        return self._shown(call, row, 200, call.projection(call.tenant.registry.user))

    def replace(self, call: Call, id: str, body: Any) -> Answer:
        """Replace one: 200."""
        type = call.tenant.registry.user
        resource = read_resource(body, type, call.tenant.registry)
        projection = call.projection(type, in_resource(resource, type))
        row = users.replace(call.tenant, id, resource, call.when)
        return self._shown(call, row, 200, projection)

    def patch(self, call: Call, id: str, body: Any) -> Answer:
        """Change one: 200."""
        registry = call.tenant.registry
        operations = parse_operations(body, registry.user, registry, call.limits.patch_operations)
        projection = call.projection(registry.user, by_operations(operations, registry.user))
        row = users.patch(call.tenant, id, operations, call.when)
        return self._shown(call, row, 200, projection)

    def delete(self, call: Call, id: str) -> Answer:
        """Delete one: 204."""
        users.delete(call.tenant, id, call.when)
        return Answer(204)

    def _kind(self, call: Call) -> Kind:
        return kinds(call.tenant.registry)[0]

    def _shown(self, call: Call, row: UserRow, status: int, projection: Projection) -> Answer:
        type = call.tenant.registry.user
        body = text(row, None, projection, call.base, whole=is_whole(projection, type))
        return Answer(status, body, f"{call.base}/Users/{row.id}", user_tag(row))


class Groups:
    """The endpoint of groups. Everything raises ScimError."""

    def create(self, call: Call, body: Any) -> Answer:
        """Create one: 201."""
        type = call.tenant.registry.group
        resource = read_resource(body, type, call.tenant.registry)
        projection = call.projection(type, in_resource(resource, type))
        return self._shown(call, groups.create(call.tenant, resource), 201, projection)

    def list(self, call: Call) -> Answer:
        """List those that a filter finds."""
        return _listed(call, self._kind(call))

    def read(self, call: Call, id: str) -> Answer:
        """Return one: 200, or 304 if the client has that version."""
        row = groups.get(call.tenant, id)
        refuse_unless(call.when.if_match, group_tag(row))
        if not_modified(call.when.if_none_match, tag := group_tag(row)):
            return Answer(304, tag=tag)
        return self._shown(call, row, 200, call.projection(call.tenant.registry.group))

    def replace(self, call: Call, id: str, body: Any) -> Answer:
        """Replace one: 200. A body that doesn't speak of members leaves them as they are."""
        type = call.tenant.registry.group
        resource = read_resource(body, type, call.tenant.registry)
        projection = call.projection(type, in_resource(resource, type))
        spoken_of = any(name.lower().rpartition(":")[2] == "members" for name in body)
        row = groups.replace(call.tenant, id, resource, members_too=spoken_of, when=call.when)
        return self._shown(call, row, 200, projection)

    def patch(self, call: Call, id: str, body: Any) -> Answer:
        """Change one: 204, or 200 where attributes are asked for."""
        registry = call.tenant.registry
        operations = parse_operations(body, registry.group, registry, call.limits.patch_operations)
        projection = call.projection(registry.group, by_operations(operations, registry.group))
        row = groups.patch(call.tenant, id, member_changes(operations), call.when)
        if call.shaped:
            return self._shown(call, row, 200, projection)
        return Answer(204, None, f"{call.base}/Groups/{row.id}", group_tag(row))

    def delete(self, call: Call, id: str) -> Answer:
        """Delete one: 204."""
        groups.delete(call.tenant, id, call.when)
        return Answer(204)

    def _kind(self, call: Call) -> Kind:
        return kinds(call.tenant.registry)[1]

    def _shown(self, call: Call, row: GroupRow, status: int, projection: Projection) -> Answer:
        kind = self._kind(call)
        store = call.tenant.store
        (body,) = store.read(lambda session: texts(session, call, kind, [row], projection))
        return Answer(status, body, f"{call.base}/Groups/{row.id}", group_tag(row))


def _listed(call: Call, kind: Kind) -> Answer:
    page, resources = call.tenant.store.read(lambda session: found(session, call, kind))
    return list_answer(page, resources)
