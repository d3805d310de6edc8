"""Resources as clients see them: what is stored, with `meta`, and the groups or members of the moment.

A whole resource is put together as text, because taking a stored document apart only to write it again
would cost more than all the rest of a request. `base` is the URL before `/Users`, which needs no escaping
in JSON. `meta.version` is the entity tag. A user's counts the groups too, after a dash, so that
a client that keeps a copy learns of them; a condition on a write (If-Match) is about the user alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import msgspec

from provisioner.scim.etag import weak_tag
from provisioner.store.scim_groups import GroupRow
from provisioner.store.scim_users import MemberOf, UserRow

Resource = dict[str, Any]

_GROUPS_PART = re.compile(r'(?<=\d)-[0-9a-f]{8}(?=["\s,]|$)')
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def encoded(resource: Resource) -> str:
    """Return a resource, or any value, as JSON text."""
    return _encode(resource).decode()


def decoded(document: str) -> Resource:
    """Return the resource that a stored document says."""
    return _decode(document)


def with_id(resource: Resource, id: str) -> Resource:
    """Return a resource as it is stored: `schemas` and `id` come first."""
    return {"schemas": resource["schemas"], "id": id} | resource | {"id": id}


def user_tag(row: UserRow) -> str:
    """Return the entity tag of a user with their groups."""
    if not row.groups:
        return weak_tag(row.version)
    return weak_tag(f"{row.version}-{crc32(_encode(row.groups)):08x}")


def group_tag(row: GroupRow) -> str:
    """Return the entity tag of a group."""
    return weak_tag(row.version)


def without_groups(condition: str | None) -> str | None:
    """Return a condition's tags as those of the users alone.

    >>> without_groups('W/"7-0a1b2c3d", W/"8"')
    'W/"7", W/"8"'
    """
    return condition and _GROUPS_PART.sub("", condition)


def user_text(row: UserRow, base: str) -> str:
    """Return the whole user as JSON text."""
    groups = ""
    if row.groups:
        groups = f',"groups":{encoded_list([_group(each, base) for each in row.groups])}'
    return f"{row.document[:-1]}{groups}{_meta_text('User', 'Users', row, user_tag(row), base)}}}"


def user(row: UserRow, base: str) -> Resource:
    """Return the whole user."""
    resource = decoded(row.document)
    if row.groups:
        resource["groups"] = [_group(each, base) for each in row.groups]
    resource["meta"] = _meta("User", "Users", row, user_tag(row), base)
    return resource


def group_text(row: GroupRow, members: str | None, base: str) -> str:
    """Return a group as JSON text, with what `scim_members.listed` says of its members."""
    shown = f',"members":{members}' if members else ""
    return f"{row.document[:-1]}{shown}{_meta_text('Group', 'Groups', row, group_tag(row), base)}}}"


def group(row: GroupRow, members: str | None, base: str) -> Resource:
    """Return a group with its members."""
    resource = decoded(row.document)
    if members:
        resource["members"] = msgspec.json.decode(members)
    resource["meta"] = _meta("Group", "Groups", row, group_tag(row), base)
    return resource


def encoded_list(values: Sequence[Any]) -> str:
    """Return values as the text of a JSON list."""
    return _encode(values).decode()


def _group(group: MemberOf, base: str) -> Resource:
    id, display, direct = group
    shown = {"value": id, "$ref": f"{base}/Groups/{id}"}
    if display is not None:
        shown["display"] = display
    return shown | {"type": "direct" if direct else "indirect"}


def _meta(type: str, endpoint: str, row: UserRow | GroupRow, tag: str, base: str) -> Resource:
    return {
        "resourceType": type,
        "created": row.created,
        "lastModified": row.last_modified,
        "location": f"{base}/{endpoint}/{row.id}",
        "version": tag,
    }


def _meta_text(type: str, endpoint: str, row: UserRow | GroupRow, tag: str, base: str) -> str:
    version = tag.replace('"', '\\"')
    return (
        f',"meta":{{"resourceType":"{type}","created":"{row.created}",'
        f'"lastModified":"{row.last_modified}","location":"{base}/{endpoint}/{row.id}",'
        f'"version":"{version}"}}'
    )
