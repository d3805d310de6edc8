"""Lists as clients see them (RFC 7644 section 3.4.2): what a query found, in the attributes asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from provisioner.scim.call import Answer, Call
from provisioner.scim.kinds import Kind, StoredRow
from provisioner.scim.projection import Projection
from provisioner.scim.query import Page, Query, page
from provisioner.scim.rendering import encoded, group, group_text, user, user_text
from provisioner.scim.schemas import Registry, ResourceType
from provisioner.store import scim_members
from provisioner.store.direct import Session
from provisioner.store.scim_users import UserRow

MESSAGE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def found(session: Session, call: Call, kind: Kind) -> tuple[Page, list[str]]:
    """Return the page of one kind that a call asks for, and its resources as JSON texts."""
    sort_by = call.parameters.get("sortby")
    query = Query.parse(kind, call.filter, sort_by, descending=call.descending)
    projection = call.projection(kind.type)
    related = shows_groups(kind, projection)
    sync, window = call.tenant.sync, call.window
    walks = None if call.walks is None else call.walks.of(call.client, sync)
    result = page(
        session, sync, query, window, call.cursors, call.base, related=related, walks=walks
    )
    return result, texts(session, call, kind, result.rows, projection)


def shows_groups(kind: Kind, projection: Projection) -> bool:
    """Whether an answer tells of users' groups: a user's meta.version does so, too."""
    return kind.name == "User" and (projection.wants("groups") or projection.wants("meta"))


def texts(
    session: Session, call: Call, kind: Kind, rows: Sequence[StoredRow], projection: Projection
) -> list[str]:
    """Return resources as JSON texts; the members of all groups are one statement.

    Whoever asks for the members of an empty group gets an empty list, as Microsoft and Okta document it.
    """
    members: dict[int, str] = {}
    if kind.name == "Group" and projection.wants("members"):
        members = dict.fromkeys((row.seq for row in rows), "[]")
        members |= scim_members.listed(session, list(members), call.base)
    whole = is_whole(projection, kind.type)
    return [text(row, members.get(row.seq), projection, call.base, whole=whole) for row in rows]


def text(
    row: StoredRow, members: str | None, projection: Projection, base: str, *, whole: bool
) -> str:
    """Return one resource as JSON text; `whole`: as `is_whole` says of the projection."""
    if isinstance(row, UserRow):
        if whole and (projection.wants("groups") or not row.groups):
            return user_text(row, base)
        return encoded(projection.apply(user(row, base)))
    if whole:
        return group_text(row, members, base)
    return encoded(projection.apply(group(row, members, base)))


def is_whole(projection: Projection, type: ResourceType) -> bool:
    """Whether everything that is stored is in the answer; groups and members aren't stored."""
    left_out = projection.left_out
    return left_out is not None and left_out <= _not_in_documents(type)


@lru_cache(maxsize=64)
def _not_in_documents(type: ResourceType) -> frozenset[str]:
    """Core attributes that no document holds: made of rows, or never kept."""
    forgotten = (a.name for a in type.core.attributes if a.mutability == "writeOnly")
    return frozenset({"groups", "members", *forgotten})


def list_answer(result: Page, resources: Sequence[str]) -> Answer:
    """Return the answer that a page is."""
    place = "" if result.start is None else f'"startIndex":{result.start},'
    going_on = f'"nextCursor":"{result.next_cursor}",' if result.next_cursor else ""
    return Answer(
        200,
        f'{{"schemas":["{MESSAGE}"],"totalResults":{result.total},{place}'
        f'"itemsPerPage":{len(resources)},{going_on}"Resources":[{",".join(resources)}]}}',
    )


@lru_cache(maxsize=64)
def kinds(registry: Registry) -> tuple[Kind, Kind]:
    """Return the kinds of users and of groups of a registry."""
    return Kind.users(registry.user), Kind.groups(registry.group)


@lru_cache(maxsize=64)
def kinds_together(registry: Registry) -> tuple[Kind, Kind]:
    """Return both kinds for a search of everything."""
    users, groups = kinds(registry)
    return users.together_with(registry.group), groups.together_with(registry.user)
