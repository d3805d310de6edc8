"""What an identity provider's pushes look like to the receiver's operations, and what they leave behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from provisioner.scim import groups, users
from provisioner.scim.incoming import read_resource
from provisioner.scim.membership import member_changes
from provisioner.scim.operations import parse_operations
from provisioner.scim.preconditions import Preconditions
from provisioner.scim.rendering import decoded, group, user
from provisioner.scim.tenant import Tenant
from provisioner.store.scim_groups import GroupRow
from provisioner.store.scim_members import listed
from provisioner.store.scim_users import UserRow

BASE = "https://scim.example.org/scim/emea/v2"
Resource = dict[str, Any]


class Clock:
    """A time that goes on by a second each time that somebody asks."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def push_user(tenant: Tenant, name: str = "eva", /, **more: Any) -> UserRow:
    body = {"userName": f"{name}@example.org", **more}
    return users.create(tenant, read_resource(body, tenant.registry.user, tenant.registry))


def push_group(
    tenant: Tenant, display: str = "Sales", members: Iterable[str] = (), **more: Any
) -> GroupRow:
    body = {"displayName": display, "members": [{"value": id} for id in members], **more}
    return groups.create(tenant, read_resource(body, tenant.registry.group, tenant.registry))


def put_user(tenant: Tenant, id: str, body: Resource, if_match: str | None = None) -> UserRow:
    resource = read_resource(body, tenant.registry.user, tenant.registry)
    return users.replace(tenant, id, resource, Preconditions(if_match))


def operation(op: str, path: str | None = None, value: Any = None) -> Resource:
    given = {"op": op, "path": path, "value": value}
    return {name: each for name, each in given.items() if each is not None}


def patch_user(
    tenant: Tenant, id: str, *operations: Resource, if_match: str | None = None
) -> UserRow:
    body = {"Operations": list(operations)}
    parsed = parse_operations(body, tenant.registry.user, tenant.registry)
    return users.patch(tenant, id, parsed, Preconditions(if_match))


def patch_group(
    tenant: Tenant, id: str, *operations: Resource, if_match: str | None = None
) -> GroupRow:
    body = {"Operations": list(operations)}
    parsed = parse_operations(body, tenant.registry.group, tenant.registry)
    return groups.patch(tenant, id, member_changes(parsed), Preconditions(if_match))


def add(*ids: str) -> Resource:
    return operation("add", "members", [{"value": id} for id in ids])


def remove(*ids: str) -> Resource:
    return operation("remove", "members", [{"value": id} for id in ids])


def user_now(tenant: Tenant, id: str) -> Resource:
    return user(users.get(tenant, id), BASE)


def groups_of(tenant: Tenant, id: str) -> list[str]:
    return [each["display"] for each in user_now(tenant, id).get("groups", [])]


def group_now(tenant: Tenant, id: str) -> Resource:
    row = groups.get(tenant, id)
    members = tenant.store.read(lambda session: listed(session, [row.seq], BASE))
    return group(row, members.get(row.seq), BASE)


def members_of(tenant: Tenant, id: str) -> set[str]:
    return {each["value"] for each in group_now(tenant, id).get("members", [])}


def taken(tenant: Tenant) -> set[str]:
    """Return the ids of the people who are marked, and clear the marks."""
    rows = tenant.store.write(
        lambda session: session.rows(
            "DELETE FROM scim_dirty WHERE sync = :sync RETURNING user_id", sync=tenant.sync
        )
    )
    return {id for (id,) in rows}


def stored(row: UserRow | GroupRow) -> Resource:
    return decoded(row.document)


def at_once(count: int, work: Callable[[int], None]) -> list[Exception]:
    """Do the work so many times at the same moment; return what it raised."""
    start, failures = threading.Barrier(count), list[Exception]()

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - returned
            failures.append(error)

    threads = [threading.Thread(target=run, args=[n]) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures
