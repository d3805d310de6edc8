"""PATCH: what operations make of a resource (RFC 7644 section 3.5.2); of a group's members: membership.py.

`patch` is a function of values: the operations come about in their order or not at all, and what
changes nothing gives an equal resource, so that its version stays. Beyond the RFC, as clients need it:

- A filter that no value meets creates one, if it says only what equals what: `emails[type eq
  "work"].value` makes a work address, which the next operation of the request finds.
- Removing what is absent and adding what is there do nothing.
- A value that comes as primary takes that from the one that was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.scim_attribute import Attribute
from connectors.scim_filter import Path, elements
from provisioner.scim.errors import invalid_value, mutability
from provisioner.scim.incoming import finished
from provisioner.scim.operations import Operation
from provisioner.scim.patch_values import Change, changed, settled
from provisioner.scim.schemas.types import ResourceType


def patch(
    resource: dict[str, Any], operations: Iterable[Operation], type: ResourceType
) -> dict[str, Any]:
    """Return the resource after the operations; an equal one if nothing changes.

    `resource` is canonical and stays as it is; `groups` in it are those that a person is in. Raises
    ScimError (400): noTarget, mutability or invalidValue.
    """
    work = _Work(resource)
    for each in operations:
        if each.same:
            _refuse_another(resource, each)
        else:
            work.apply(each)
    return finished(work.settled(), type)


def _refuse_another(resource: dict[str, Any], operation: Operation) -> None:
    """Raise 400 if what an operation says of a read-only attribute is not what is there.

    Okta sends a group's id along with its new name.
    """
    name, said = operation.path.attribute, operation.value
    if name == "id":
        same = said == resource.get("id", said)
    else:
        same = _ids(said) == _ids(resource.get(name))
    if not same:
        raise mutability(f"{name} is read-only")


def _ids(groups: Any) -> set[str]:
    return {str(each.get("value")) if isinstance(each, dict) else "" for each in elements(groups)}


class _Work:
    """A copy of a resource in the making; what isn't touched is shared with the resource."""

    def __init__(self, resource: dict[str, Any]) -> None:
        self.resource = dict(resource)
        self.touched: dict[tuple[str | None, str], Attribute] = {}
        self.copied: set[str] = set()

    def apply(self, operation: Operation) -> None:
        """Carry out one operation."""
        path = operation.path
        holder = self._holder(path.uri)
        attribute = path.definition
        held = holder.get(path.attribute)
        after = changed(held, Change(operation.op, path, operation.value))
        if after is None:
            _refuse_unset(operation)
        if held is not None and attribute.mutability == "immutable" and after != held:
            raise mutability(f"{path.text} can't be changed once it is set")
        if after is None:
            holder.pop(path.attribute, None)
        else:
            holder[path.attribute] = after
        self.touched[path.uri, path.attribute] = attribute

    def _holder(self, uri: str | None) -> dict[str, Any]:
        if uri is None:
            return self.resource
        if uri not in self.copied:
            self.resource[uri] = dict(self.resource.get(uri, {}))
            self.copied.add(uri)
        holder: dict[str, Any] = self.resource[uri]
        return holder

    def settled(self) -> dict[str, Any]:
        """Return the resource without what came out empty; raises 400 for values that can't stand."""
        for (uri, name), attribute in self.touched.items():
            holder = self.resource[uri] if uri else self.resource
            if name not in holder:
                continue
            kept = settled(holder[name], attribute, name)
            if kept is None:
                if attribute.required:
                    raise invalid_value(f"{name} is required")
                del holder[name]
            else:
                holder[name] = kept
        return self.resource


def _refuse_unset(operation: Operation) -> None:
    path: Path = operation.path
    if path.definition.required:
        if operation.op == "remove":
            raise mutability(f"{path.text} is required and can't be removed")
        raise invalid_value(f"{path.text} is required")
