"""What a client wrote of attributes that are `returned` on request: the answer to that write has them.

"The attribute is returned in response to any PUT, POST, or PATCH operations if the attribute was specified by
the client" (RFC 7643 section 7). Only custom extensions have such attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.scim_attribute import Name
from connectors.scim_filter import elements
from provisioner.scim.operations import Operation
from provisioner.scim.projection import NOTHING, Written
from provisioner.scim.schemas.types import ResourceType


def in_resource(resource: Mapping[str, Any], type: ResourceType) -> Written:
    """Return those that a canonical resource, as it was sent, has."""
    if not type.on_request:
        return NOTHING
    return frozenset(
        each.text
        for each in type.on_request
        if _holds((resource.get(each.uri) or {}) if each.uri else resource, each)
    )


def by_operations(operations: Iterable[Operation], type: ResourceType) -> Written:
    """Return those that the operations of a PATCH speak of."""
    if not type.on_request:
        return NOTHING
    return frozenset(
        each.text
        for operation in operations
        for each in type.on_request
        if operation.path.uri == each.uri and _holds(_said(operation), each)
    )


def _said(operation: Operation) -> dict[str, Any]:
    path, value = operation.path, operation.value
    return {path.attribute: {path.sub: value} if path.sub else value}


def _holds(attributes: Mapping[str, Any], name: Name) -> bool:
    if name.attribute.name not in attributes:
        return False
    if name.sub is None:
        return True
    values = elements(attributes[name.attribute.name])
    return any(isinstance(each, dict) and name.sub.name in each for each in values)
