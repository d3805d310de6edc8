"""A group's PATCH as set deltas on its membership, so that no member need be loaded.

Members are rows of their own. What operations do to them comes out as steps in their order, each of
them one statement for a store; the rest are operations on the group's document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from connectors.scim_filter import Compare, Node, Or, Path
from provisioner.scim.errors import mutability, no_target
from provisioner.scim.operations import Operation
from provisioner.scim.references import by_id

MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class Add:
    """Make these ids members; those that are stay as they are. Unknown ids are the client's error."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """These ids are members no more; those that are none stay none, whether they are known or not."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveAll:
    """Nobody is a member."""


@dataclass(frozen=True, slots=True)
class Replace:
    """These ids are the members, and nobody else."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveWhere:
    """Members that meet the filter in a path are so no more."""

    path: Path

    def matches(self, member: dict[str, Any]) -> bool:
        """Whether one member, an object of `value`, `type`, `display` and `$ref`, is chosen."""
        selects = self.path.selects
        assert selects is not None
        return selects(member)


Step: TypeAlias = Add | Remove | RemoveAll | Replace | RemoveWhere


@dataclass(frozen=True, slots=True)
class GroupPatch:
    """A PATCH taken apart: what changes the group's own document, and what its membership."""

    document_operations: list[Operation]
    steps: list[Step]


def member_changes(operations: Iterable[Operation]) -> GroupPatch:
    """Return the parts of a group's PATCH; neighbouring steps of one kind are one.

    Raises ScimError (400): noTarget for a filter that would create a member but doesn't name one,
    mutability for another `value` of a member.
    """
    document: list[Operation] = []
    steps: list[Step] = []
    for each in operations:
        if each.path.uri is None and each.path.attribute == MEMBERS:
            steps.extend(_steps(each))
        else:
            document.append(each)
    return GroupPatch(document, list(_joined(steps)))


def _steps(operation: Operation) -> list[Step]:
    op, path = operation.op, operation.path
    if path.part is not None:
        return _filtered(operation)
    if path.sub is not None and (path.sub != "value" or op == "remove"):
        raise mutability(f"{path.text} can't be changed")
    ids = _ids(operation.value)
    if op == "add":
        return [Add(ids)] if ids else []
    if op == "replace":
        return [Replace(ids)] if ids else [RemoveAll()]
    return [RemoveAll()] if operation.value is None else [Remove(ids)]


def _ids(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each["value"] for each in value or ())


def _filtered(operation: Operation) -> list[Step]:
    path, value = operation.path, operation.value
    assert path.part is not None
    path = replace(path, part=by_id(path.part, path.definition))
    assert path.part is not None
    named = _named(path.part)
    if operation.op == "remove":
        if path.sub is not None:
            raise mutability(f"{path.text} can't be changed")
        return [RemoveWhere(path)] if named is None else [Remove(named)]
    if path.described is None or "value" not in path.described:
        raise no_target(f"no member is named by {path.text}")
    old = str(path.described["value"])
    wanted = (
        value if path.sub == "value" else (value or {}).get("value") if path.sub is None else old
    )
    if value is None:
        return [Remove((old,))] if operation.op == "replace" and path.sub is None else []
    if wanted in (None, old):
        return [Add((old,))]
    if path.sub == "value":
        raise mutability(f"{path.text} can't be changed")
    return [Remove((old,)), Add((str(wanted),))]


def _named(node: Node) -> tuple[str, ...] | None:
    """Return the ids that a filter names one by one; None if it chooses otherwise."""
    parts = node.parts if isinstance(node, Or) else (node,)
    ids: list[str] = []
    for each in parts:
        if not isinstance(each, Compare) or each.op != "eq" or each.path.attribute != "value":
            return None
        if not isinstance(each.value, str):
            return None
        ids.append(each.value)
    return tuple(ids)


def _joined(steps: list[Step]) -> Iterator[Step]:
    """Yield the steps with neighbours of one kind made one, without those that a later one overrules."""
    overruling = [n for n, step in enumerate(steps) if isinstance(step, Replace | RemoveAll)]
    kind: type[Add | Remove | Replace] | None = None
    ids: dict[str, None] = {}
    for step in steps[overruling[-1] :] if overruling else steps:
        grows = isinstance(step, Add) and kind in (Add, Replace)
        if kind is not None and not grows and not (isinstance(step, Remove) and kind is Remove):
            yield kind(tuple(ids))
            kind, ids = None, {}
        if isinstance(step, Add | Remove | Replace):
            kind = kind or type(step)
            ids.update(dict.fromkeys(step.ids))
        else:
            yield step
    if kind is not None:
        yield kind(tuple(ids))
