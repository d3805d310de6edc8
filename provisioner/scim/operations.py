"""The operations of a PATCH request, read and checked before any is carried out (RFC 7644 section 3.5.2).

What clients write in many ways comes out in one: each `Operation` has a path to one attribute and a
value of that attribute's type. An operation without a path, or on a whole extension or a complex
attribute, becomes one for each member of its value, whose names may be paths themselves (Microsoft
Entra's `{"name.givenName": …}`). Names, operators and operation names are in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

from connectors.scim_attribute import Schema
from connectors.scim_filter import FilterError, Path, parse_path
from connectors.scim_filter_tree import walk
from provisioner.scim.errors import (
    ScimError,
    invalid_path,
    invalid_syntax,
    invalid_value,
    mutability,
    no_target,
)
from provisioner.scim.incoming import MAX_NAMES, Reading, reading
from provisioner.scim.schemas.registry import Registry
from provisioner.scim.schemas.types import ResourceType
from provisioner.scim.wrappings import objects, out_of_text, unwrapped

MAX_OPERATIONS = 10_000
"""Operations that one request may have."""
MAX_ATTRIBUTE_OPERATIONS = 1000
"""Operations of one request on attributes other than members, taken apart."""
MAX_PARTS = 5000
"""Values, and tests in brackets, that these may have together: each may be held against each value that is there."""

_NAMES = re.compile(
    r"(?:[^\[]*:)?[a-z$][\w$-]*(?:(?:\[.*\])?(?:\.[a-z$][\w$-]*)?)\Z", re.IGNORECASE | re.DOTALL
)
"""How a path to an attribute is written, whatever is called so (RFC 7644 figure 7)."""

Op = Literal["add", "remove", "replace"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One change of one attribute.

    `value` is canonical: of a path to a plain attribute or sub-attribute its value; of a whole
    multi-valued attribute a list of values; of one complex value (a single one, or those that
    brackets choose) an object in which None unsets. None is unset as a whole. A `remove` with a
    list takes only these values away. `same`: the operation may only say what is there already.
    """

    op: Op
    path: Path
    value: Any = None
    same: bool = False


def parse_operations(
    body: Any, type: ResourceType, registry: Registry, most: int = MAX_OPERATIONS
) -> list[Operation]:
    """Return the operations of a PATCH body in their order; raises ScimError (400, 413).

    What no schema knows is left out or refused as the registry says; a password is checked and left
    out. An empty list means that nothing is to change.
    """
    listed = _operations(body, most)
    reader = _Parser(type, registry)
    found: list[Operation] = []
    attributes = parts = 0
    for number, each in enumerate(listed):
        for operation in reader.operation(each, f"Operations[{number}]"):
            if operation.path.attribute != "members":
                attributes += 1
                parts += _parts(operation)
            found.append(operation)
        if attributes > MAX_ATTRIBUTE_OPERATIONS:
            raise ScimError(413, f"more than {MAX_ATTRIBUTE_OPERATIONS} operations on attributes")
        if parts > MAX_PARTS:
            raise ScimError(413, f"operations with more than {MAX_PARTS} values and tests together")
    return found


def _parts(operation: Operation) -> int:
    values = len(operation.value) if isinstance(operation.value, list) else 1
    part = operation.path.part
    return values + (0 if part is None else sum(1 for _ in walk(part)))


def _operations(body: Any, most: int) -> list[Any]:
    if not isinstance(body, dict):
        raise invalid_syntax("the body is not a JSON object")
    listed = _member(body, "operations")
    if not isinstance(listed, list) or not listed:
        raise invalid_syntax("Operations: expected a list of one or more operations")
    if len(listed) > most:
        raise ScimError(413, f"Operations: more than {most}")
    return listed


def _member(body: dict[str, Any], name: str) -> Any:
    return next((value for key, value in body.items() if key.lower() == name), None)


class _Parser:
    """Reads operations on one type of resource."""

    def __init__(self, type: ResourceType, registry: Registry) -> None:
        self.type = type
        self.schema = type.schema
        self.refuse_unknown = registry.refuses_unknown
        self.reading: Reading = reading(type, self.refuse_unknown)

    def operation(self, raw: Any, where: str) -> Iterator[Operation]:
        """Yield what one operation of the request asks for."""
        if not isinstance(raw, dict):
            raise invalid_syntax(f"{where}: expected an object")
        members = {key.lower(): value for key, value in raw.items()}
        op = members.get("op")
        if not isinstance(op, str) or op.lower() not in ("add", "remove", "replace"):
            raise invalid_syntax(f"{where}.op: expected add, remove or replace")
        kind = cast("Op", op.lower())
        text = members.get("path")
        if text is not None and not isinstance(text, str):
            raise invalid_path(f"{where}.path: expected text")
        has_value = "value" in members
        if kind != "remove" and not has_value:
            raise invalid_value(f"{where}.value is required")
        value = members.get("value")
        if text is None or not text.strip():
            if kind == "remove":
                raise no_target(f"{where}: remove needs a path")
            yield from self._object(kind, None, value, where)
            return
        yield from self._at(kind, text.strip(), value, where)

    def _at(self, op: Op, text: str, value: Any, where: str) -> Iterator[Operation]:
        if (uri := self.schema.known_urn(text)) is not None:
            extension = None if uri == self.schema.uri else uri
            if op != "remove":
                yield from self._object(op, extension, value, where)
            elif extension is None:
                raise mutability(f"{where}: the core schema can't be removed")
            else:
                for each in self.schema.tops(extension):
                    if each.mutability != "readOnly":
                        yield Operation("remove", Path(extension, each.name, definition=each))
            return
        if (path := self._path(text, where)) is not None:
            yield from self._on(op, path, value, where, named=True)

    def _object(self, op: Op, uri: str | None, value: Any, where: str) -> Iterator[Operation]:
        """Yield an operation for each member of a value without a path, or of a whole extension."""
        if uri is not None and (value is None or value == ""):
            yield from self._at("remove", uri, None, where)
            return
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        value = out_of_text(value)
        if not isinstance(value, dict):
            raise invalid_value(f"{where}.value: without a path expected an object of attributes")
        if len(value) > MAX_NAMES:
            raise invalid_syntax(f"{where}.value: more than {MAX_NAMES} members")
        for name, inner in value.items():
            if uri is not None and name.lower() == "schemas":
                continue  # an extension's own name, repeated in it
            known = self.schema.known_urn(name) if uri is None else None
            if known is not None:
                yield from self._object(
                    op, None if known == self.schema.uri else known, inner, where
                )
            elif (path := self._member_path(f"{uri}:{name}" if uri else name, where)) is not None:
                yield from self._on(op, path, inner, where, named=False)

    def _member_path(self, text: str, where: str) -> Path | None:
        """The path that a member's name is; None for one that may be ignored."""
        try:
            return self._path(text, where)
        except ScimError:
            if self.refuse_unknown:
                raise
            return None

    def _path(self, text: str, where: str) -> Path | None:
        """Read a path; None if it names what no schema knows, and that is ignored."""
        name = text.partition("[")[0]
        if self.schema.find(name) is None and self._may_be_ignored(text, name):
            return None
        try:
            return (_path if len(text) <= 100 else _path.__wrapped__)(text, self.schema)
        except FilterError as error:
            if error.in_brackets:
                raise ScimError(400, f"{where}.path: {error}", "invalidFilter") from None
            if error.unknown and self._may_be_ignored(text, name):
                return None
            raise invalid_path(f"{where}.path: {error}") from None

    def _may_be_ignored(self, text: str, name: str) -> bool:
        """Whether a path is well-formed, of a known schema, and unknown attributes are ignored."""
        foreign = ":" in name and not self.schema.urn_before(name)
        return not self.refuse_unknown and not foreign and _NAMES.match(text) is not None

    def _on(
        self, op: Op, path: Path, value: Any, where: str, *, named: bool
    ) -> Iterator[Operation]:
        """Yield what an operation asks of one attribute; `named`: by its path, not among others."""
        attribute = path.definition
        sub = attribute.part(path.sub) if path.sub else None
        if path.attribute == "schemas":
            if op == "remove" and value is None and not path.part:
                raise mutability(f"{where}: schemas is required and can't be removed")
            return  # it lists what is there
        if "readOnly" in (attribute.mutability, sub.mutability if sub else None):
            if named:
                raise mutability(f"{where}: {path.text} is read-only")
            if path.attribute in ("id", "groups") and value and path.sub is None:
                yield Operation(op, path, value, same=True)
            return
        if attribute.mutability == "writeOnly":
            if op != "remove":
                self.reading.value_at(path)(value)
            return
        if sub is not None and not attribute.sub:  # packages.value: each plain value itself
            path = Path(path.uri, path.attribute, None, path.part, definition=attribute)
        elif op == "remove" and value is not None and _is_value_of_each(path):
            path = Path(path.uri, path.attribute, definition=attribute)
            value = objects(value)
        if named and path.sub is None:
            value = unwrapped(attribute, value)
        if attribute.type == "complex" and path.sub is None:
            yield from self._on_complex(op, path, value)
            return
        yield from self._on_plain(op, path, value)

    def _on_plain(self, op: Op, path: Path, value: Any) -> Iterator[Operation]:
        listed = path.definition.multi_valued and not path.sub and not path.part
        if op == "remove" and (value is None or not listed):
            yield Operation("remove", path)
            return
        kept = self.reading.value_at(path)(value)
        if op != "remove" or kept is not None:  # an empty list takes nothing away
            yield Operation(op, path, kept)

    def _on_complex(self, op: Op, path: Path, value: Any) -> Iterator[Operation]:
        if path.definition.multi_valued and not path.part:
            yield from self._on_plain(op, path, value)
        elif op == "remove" or value is None or value == "" or value == []:
            yield Operation(op, path)
        else:
            yield Operation(op, path, self.reading.assigner_at(path)(value))


def _is_value_of_each(path: Path) -> bool:
    """Whether a path is like `members.value`: whoever removes values by it means these, and not all."""
    return path.definition.multi_valued and path.sub == "value" and path.part is None


@lru_cache(maxsize=1024)
def _path(text: str, schema: Schema) -> Path:
    # WSO2's console, and who does as SimpleIdServer says, write ids without quotes
    return parse_path(text, schema, quoted=False)
