"""A resource as a client sent it, POST or PUT, read into the canonical one that is stored.

Names are canonical, types checked, what is unset has no member, an extension stands under its own
URN and `schemas` lists what is there. What only the service can say (id, meta, groups) is dropped,
as RFC 7644 sections 3.3 and 3.5.1 want, and a password is never kept. Besides whole objects, names
may be paths (`name.familyName`, `urn:…:User:department`), and URNs those of SCIM 1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from connectors.scim_attribute import Attribute
from connectors.scim_filter import Path
from provisioner.scim.errors import invalid_syntax, invalid_value, mutability
from provisioner.scim.schemas.registry import Registry
from provisioner.scim.schemas.types import ResourceType
from provisioner.scim.values import MAX_VALUES, Reader, assigner, compiled, element, nothing

MAX_NAMES = 2000
"""Members that an object may have, unknown ones included."""

_LONGEST_NAME = 500
"""Characters that an attribute's name may have, its schema's URN included; a longer one is nobody's."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name of a body leads: the attribute's extension and reader, or one sub-attribute's."""

    uri: str | None
    attribute: Attribute
    sub: Attribute | None
    read: Reader


def read_resource(body: Any, type: ResourceType, registry: Registry) -> dict[str, Any]:
    """Return the canonical resource that a body says; raises ScimError (400), naming the attribute.

    >>> registry = Registry.make()
    >>> read_resource({"USERNAME": "eva", "active": "True", "title": ""}, registry.user, registry)
    {'schemas': ['urn:ietf:params:scim:schemas:core:2.0:User'], 'userName': 'eva', 'active': True}
    """
    if not isinstance(body, dict):
        raise invalid_syntax("the body is not a JSON object")
    check_schemas(body, type, registry)
    resource = read_attributes(body, reading(type, registry.refuses_unknown))
    for name in _required(type):
        if name not in resource:
            raise invalid_value(f"{name} is required")
    return finished(resource, type)


def read_attributes(body: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    """Return the attributes that the members of an object give, in canonical form."""
    if len(body) > MAX_NAMES:
        raise invalid_syntax(f"an object with more than {MAX_NAMES} members")
    resource: dict[str, Any] = {}
    tops = reading.tops
    for name, value in body.items():
        place = tops.get(name)
        if place is not None:  # spelt as the RFC spells it: nearly always
            if (kept := place.read(value)) is not None:
                resource[place.attribute.name] = kept
        else:
            _read_other(resource, name, value, reading)
    return resource


def _read_other(resource: dict[str, Any], name: str, value: Any, reading: Reading) -> None:
    """Read what isn't a core attribute as the RFC spells it: an extension, a path, another case."""
    if (uri := reading.type.schema.known_urn(name)) is not None:
        if value is None or value == "":
            return
        if not isinstance(value, dict):
            raise invalid_value(f"{uri}: expected an object")
        if len(value) > MAX_NAMES:
            raise invalid_syntax(f"{uri}: more than {MAX_NAMES} members")
        for inner_name, inner in value.items():
            _put(resource, _place(f"{uri}:{inner_name}", reading), inner, inner_name, reading)
    else:
        _put(resource, _place(name, reading), value, name, reading)


def _place(name: str, reading: Reading) -> Place | None:
    return reading.place(name) if len(name) <= _LONGEST_NAME else None


def _put(
    resource: dict[str, Any], place: Place | None, value: Any, name: str, reading: Reading
) -> None:
    if place is None:
        # some clients repeat an extension's own name in it
        if reading.refuse_unknown and name.lower() != "schemas":
            raise invalid_syntax(f"unknown attribute {name[:80]!r}")
        return
    kept = place.read(value)
    if kept is None:
        return
    target = resource.setdefault(place.uri, {}) if place.uri else resource
    if place.sub is None:
        target[place.attribute.name] = kept
    elif not place.attribute.multi_valued:
        target.setdefault(place.attribute.name, {})[place.sub.name] = kept
    elif reading.refuse_unknown:
        raise invalid_syntax(f"{name[:80]!r} names a part of several values")


class Reading:
    """The compiled readers of a resource type, each made the first time that it is asked for."""

    def __init__(self, type: ResourceType, refuse_unknown: bool) -> None:
        self.type = type
        self.refuse_unknown = refuse_unknown
        self.place = lru_cache(maxsize=4096)(self._place)
        self._compiled: dict[tuple[Any, ...], Reader] = {}
        self.tops = {
            each.name: found
            for each in type.schema.attributes
            if (found := self._place(each.name)) is not None
        }

    def _place(self, name: str) -> Place | None:
        found = self.type.schema.find(name)
        if found is None or (found.uri is not None and self.type.schema.urn_before(name) is None):
            return None  # in a body an extension's attributes stand under its URN (RFC 7643 section 3.3)
        path = Path(
            found.uri,
            found.attribute.name,
            found.sub.name if found.sub else None,
            definition=found.attribute,
        )
        return Place(found.uri, found.attribute, found.sub, self.value_at(path))

    def value_at(self, path: Path) -> Reader:
        """Return what reads the value for a path: a whole attribute's, or a sub-attribute's.

        Brackets that end a path choose plain values: then it reads one of them.
        """
        attribute, one = path.definition, path.part is not None and path.sub is None
        if path.attribute == "schemas" or (path.sub and attribute.mutability == "readOnly"):
            return nothing  # derived, or not the client's to say
        part = attribute.part(path.sub) if path.sub else attribute
        assert part is not None, "the path was read with this schema"
        return self._made(element if one else compiled, part, path)

    def assigner_at(self, path: Path) -> Reader:
        """Return what reads the object for a path to one complex value, what it unsets included."""
        return self._made(assigner, path.definition, path)

    def _made(self, how: Callable[..., Reader], attribute: Attribute, path: Path) -> Reader:
        key = how, path.uri, path.attribute, path.sub
        reader = self._compiled.get(key)
        if reader is None:
            text = ".".join(filter(None, (path.attribute, path.sub)))
            reader = self._compiled[key] = how(
                attribute,
                f"{path.uri}:{text}" if path.uri else text,
                extension=path.uri is not None,
                refuse_unknown=self.refuse_unknown,
            )
        return reader


@lru_cache(maxsize=64)
def reading(type: ResourceType, refuse_unknown: bool) -> Reading:
    """Return the readers of a resource type, compiled the first time that they are asked for."""
    return Reading(type, refuse_unknown)


@lru_cache(maxsize=64)
def _required(type: ResourceType) -> tuple[str, ...]:
    return tuple(each.name for each in type.schema.attributes if each.required)


def check_schemas(body: Mapping[str, Any], type: ResourceType, registry: Registry) -> None:
    """Raise 400 if `schemas` is no list of texts, or names schemas but not the type's own.

    A body without it is taken for what its endpoint says.
    """
    listed = body.get("schemas")
    if listed is None:
        listed = next((v for name, v in body.items() if name.lower() == "schemas"), None)
    if listed is None or listed == []:
        return
    if isinstance(listed, str):
        listed = [listed]
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise invalid_syntax("schemas: expected a list of URNs")
    if len(listed) > MAX_VALUES:
        raise invalid_value(f"schemas: more than {MAX_VALUES} values")
    known = [type.schema.known_urn(each.strip()) for each in listed]
    if type.core.uri not in known and not any(known):
        raise invalid_value(f"schemas: expected {type.core.uri}")
    if registry.refuses_unknown and None in known:
        raise invalid_value(f"schemas: unknown schema {listed[known.index(None)][:200]!r}")


def finished(resource: dict[str, Any], type: ResourceType) -> dict[str, Any]:
    """Return the resource with `schemas` first: the core's, then each extension's that has data."""
    schemas = [type.core.uri]
    schemas += [each.uri for each in type.extensions if resource.get(each.uri)]
    rest = {name: value for name, value in resource.items() if name != "schemas" and value != {}}
    return {"schemas": schemas} | rest


def keep_immutable(before: Mapping[str, Any], after: dict[str, Any], type: ResourceType) -> None:
    """Give what a PUT makes the immutable values that it leaves out: unset they would be changed.

    Raises 400 mutability if it has others (RFC 7644 section 3.5.1).
    """
    for uri, names in _immutable(type):
        held = before.get(uri, {}) if uri else before
        for name in names:
            if name not in held:
                continue
            sent = after.setdefault(uri, {}) if uri else after
            if sent.setdefault(name, held[name]) != held[name]:
                raise mutability(f"{name} can't be changed once it is set")
            after["schemas"] = finished(after, type)["schemas"]


@lru_cache(maxsize=64)
def _immutable(type: ResourceType) -> tuple[tuple[str | None, tuple[str, ...]], ...]:
    """Return the names of the immutable attributes of the core (None) and of each extension that has any."""
    found = (
        (uri, tuple(each.name for each in type.schema.tops(uri) if each.mutability == "immutable"))
        for uri in (None, *type.schema.extensions)
    )
    return tuple((uri, names) for uri, names in found if names)
