"""What the tests of PATCH share: a person, a group, and operations carried out on them."""

from __future__ import annotations

from typing import Any

from connectors.records import ENTERPRISE
from provisioner.scim.incoming import read_resource
from provisioner.scim.membership import GroupPatch, member_changes
from provisioner.scim.operations import parse_operations
from provisioner.scim.patch import patch
from provisioner.scim.schemas import Registry

REGISTRY = Registry.make()
STRICT = Registry.make(unknown="refuse")
WORK = 'emails[type eq "work"]'


def person(**attributes: Any) -> dict[str, Any]:
    """Return a stored person with these attributes beside the userName."""
    body = {"userName": "eva", **attributes}
    return read_resource(body, REGISTRY.user, REGISTRY)


def eva() -> dict[str, Any]:
    """Return somebody who has something of everything."""
    return person(
        externalId="8c1f",
        name={"givenName": "Eva", "familyName": "Malá"},
        active=True,
        title="Clerk",
        emails=[
            {"value": "eva@example.org", "type": "work", "primary": True},
            {"value": "eva@home.example", "type": "home"},
        ],
        **{ENTERPRISE: {"department": "Sales", "manager": {"value": "jan"}}},
    )


def after(resource: dict[str, Any], *operations: Any, registry: Registry = REGISTRY) -> Any:
    """Return a person after a PATCH with these operations."""
    read = parse_operations({"Operations": list(operations)}, registry.user, registry)
    return patch(resource, read, registry.user)


def op(kind: str, path: str | None = None, *value: Any) -> dict[str, Any]:
    """Return one operation; without a value if none is given."""
    made: dict[str, Any] = {"op": kind}
    if path is not None:
        made["path"] = path
    if value:
        made["value"] = value[0]
    return made


def of_group(*operations: Any, registry: Registry = REGISTRY) -> GroupPatch:
    """Return what operations on a group come to."""
    read = parse_operations({"Operations": list(operations)}, registry.group, registry)
    return member_changes(read)
