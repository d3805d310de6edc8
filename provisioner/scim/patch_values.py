"""What one PATCH operation makes of one attribute's value (RFC 7644 sections 3.5.2.1 to 3.5.2.3).

Values are never changed in place: a list or object that is touched is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.scim_attribute import Attribute
from connectors.scim_filter import Path, elements
from provisioner.scim.errors import invalid_value, mutability, no_target
from provisioner.scim.operations import Op
from provisioner.scim.values import MAX_VALUES, distinct, identity, says_nothing


@dataclass(frozen=True, slots=True)
class Change:
    """An operation on the attribute that its path leads to; `value` as in `Operation`."""

    op: Op
    path: Path
    value: Any


def changed(held: Any, change: Change) -> Any:
    """Return the attribute's whole value after a change, None for unset; raises ScimError (400)."""
    path, value = change.path, change.value
    if path.definition.multi_valued:
        before = list(elements(held))
        if path.part is not None or path.sub is not None:
            after = _chosen(before, change)
        else:
            after = _whole(before, change)
        return after or None
    if path.definition.type != "complex":
        return None if change.op == "remove" else value
    if path.sub is not None:
        value = {path.sub: None if change.op == "remove" else value}
    elif change.op == "remove" or value is None:
        return None
    return _assigned(held or {}, value, path.definition) or None


def _assigned(held: dict[str, Any], values: dict[str, Any], attribute: Attribute) -> dict[str, Any]:
    """Return the object with these sub-attributes set, or unset where None.

    Another `value` means something else, of which the old reference and name say nothing.
    """
    _refuse_immutable(held, values, attribute)
    if "value" in values and "$ref" in held and held.get("value") != values["value"]:
        held = {k: v for k, v in held.items() if k not in ("$ref", "display", "displayName")}
    merged = {**held, **values}
    return {name: value for name, value in merged.items() if value is not None}


def _refuse_immutable(held: dict[str, Any], values: dict[str, Any], attribute: Attribute) -> None:
    for name, value in values.items():
        if name in held and held[name] != value:
            part = attribute.part(name)
            if part is not None and part.mutability == "immutable":
                raise mutability(f"{attribute.name}.{name} can't be changed once it is set")


def _whole(before: list[Any], change: Change) -> list[Any]:
    """Change a multi-valued attribute as a whole: add values, take some away, or replace all."""
    values = change.value or []
    if change.op == "add":
        return _added(before, values, change.path)
    if change.op == "remove":
        return [] if change.value is None else _without(before, values)
    if len(before) == len(values) and _identities(before) == _identities(values):
        return before  # the same values in another order are no change
    return list(values)


def _identities(values: Sequence[Any]) -> set[Any]:
    return {identity(each) if isinstance(each, dict) else each for each in values}


def _added(before: list[Any], values: Sequence[Any], path: Path) -> list[Any]:
    """Add values: one that is there already, with or without its type, takes on what the new one says."""
    after = list(before)
    places: dict[Any, list[int]] = {}
    for place, each in enumerate(after):
        places.setdefault(_key(each), []).append(place)
    marked: int | None = None
    for new in values:
        found = _same(after, places.get(_key(new), ()), new)
        place = len(after) if found is None else found
        if found is None:
            after.append(new)
            places.setdefault(_key(new), []).append(place)
        elif isinstance(new, dict):
            after[place] = _joined(after[place], new)
        if isinstance(new, dict) and new.get("primary") is True:
            marked = place
    if len(after) > max(MAX_VALUES, len(before)):
        raise invalid_value(f"{path.text}: more than {MAX_VALUES} values")
    return after if marked is None else _one_primary(after, {marked}, path)


def _key(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return value["value"] if "value" in value else identity(value)


def _same(values: list[Any], places: Sequence[int], new: Any) -> int | None:
    """Return where the value is that `new` repeats: same `value`, and no other type."""
    for place in places:
        old = values[place]
        if not isinstance(new, dict) or "value" not in new:
            return place
        if old.get("type", new.get("type")) == new.get("type", old.get("type")):
            return place
    return None


def _joined(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return one value with what the other says of it; an absent `primary` is false already."""
    joined = {**old, **new}
    if new.get("primary") is False and "primary" not in old:
        del joined["primary"]
    return old if joined == old else joined


def _without(before: list[Any], values: Sequence[Any]) -> list[Any]:
    """Take away the values that are listed: those that have all that a listed one says."""
    plain = {each for each in values if not isinstance(each, dict)}
    by_value: dict[Any, list[dict[str, Any]]] = {}
    for each in values:
        if isinstance(each, dict):
            by_value.setdefault(each.get("value"), []).append(each)

    def listed(held: Any) -> bool:
        if not isinstance(held, dict):
            return held in plain
        return any(
            wanted.items() <= held.items()
            for key in {held.get("value"), None}
            for wanted in by_value.get(key, ())
        )

    return [each for each in before if not listed(each)]


def _chosen(before: list[Any], change: Change) -> list[Any]:
    """Change those values that the path's brackets choose, all of them without brackets."""
    path, selects = change.path, change.path.selects
    chosen = [n for n, each in enumerate(before) if selects is None or selects(each)]
    removes = change.op == "remove"
    if path.sub is not None:
        values: Any = {path.sub: None if removes else change.value}
    else:
        values = None if removes else change.value
    if not chosen:
        return before if removes else _created(before, values, path)
    if isinstance(values, dict):
        return _set(before, chosen, values, path)
    among = set(chosen)
    if values is None:
        return [each for n, each in enumerate(before) if n not in among]
    return [values if n in among else each for n, each in enumerate(before)]  # plain ones


def _set(before: list[Any], chosen: Sequence[int], values: dict[str, Any], path: Path) -> list[Any]:
    if values.get("primary") is True and any(before[n].get("primary") is True for n in chosen):
        values = {name: value for name, value in values.items() if name != "primary"}
    after = list(before)
    for n in chosen:
        after[n] = _assigned(after[n], values, path.definition)
    return _one_primary(after, set(chosen), path) if values.get("primary") is True else after


def _created(before: list[Any], values: Any, path: Path) -> list[Any]:
    """Add the value that the brackets describe; raises 400 noTarget if they don't."""
    if values is None or (path.sub is not None and values[path.sub] is None):
        return before
    described = path.described
    if described is None:
        raise no_target(f"no value is chosen by {path.text}")
    if len(before) >= MAX_VALUES:
        raise invalid_value(f"{path.text}: more than {MAX_VALUES} values")
    if not isinstance(values, dict):
        return [*before, values]
    made = {k: v for k, v in (described | values).items() if v is not None}
    after = [*before, made]
    return _one_primary(after, {len(before)}, path) if made.get("primary") is True else after


def _one_primary(values: list[Any], marked: set[int], path: Path) -> list[Any]:
    """Leave `primary` to the value just marked; raises 400 if several were at once."""
    if len(marked) > 1:
        raise invalid_value(f"{path.text}: more than one value is primary")
    return [
        {**each, "primary": False} if n not in marked and each.get("primary") is True else each
        for n, each in enumerate(values)
    ]


def settled(value: Any, attribute: Attribute, name: str) -> Any:
    """Return an attribute's value as it is kept, None if nothing is left; raises ScimError (400)."""
    if not attribute.multi_valued:
        if attribute.type == "complex":
            _refuse_incomplete(value, attribute)
        return value
    if attribute.type != "complex":
        return distinct(name, value) or None
    kept = [each for each in value if not says_nothing(each, attribute)]
    for each in kept:
        _refuse_incomplete(each, attribute)
    return distinct(name, kept) or None


def _refuse_incomplete(value: dict[str, Any], attribute: Attribute) -> None:
    for part in attribute.sub:
        if part.required and part.name not in value:
            raise invalid_value(f"{attribute.name}.{part.name} is required")
