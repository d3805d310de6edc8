"""What a filter or an attribute path is once read: paths, and the tree of tests.

All of it are frozen values that print themselves canonically; reading the print again gives an
equal value. A test is compiled once to closures, so that matching a person looks nothing up. Other
readers (one that makes SQL, say) walk the tree: Compare, Present, ValuePath, Not, And, Or.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from connectors.scim_filter_compare import Literal, Test, comparator, is_absent, is_present
from connectors.scim_schema import Attribute

Resource: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Path:
    """Where values stand in a resource: `[uri:]attribute[part].sub`, all names canonical.

    `uri` is the extension's URN, None for the core. `part` selects among the values of a
    multi-valued complex attribute. Paths are equal if they name the same place. Inside brackets,
    and in the tree below a ValuePath, a path is relative to the selected value.
    """

    uri: str | None
    attribute: str
    sub: str | None = None
    part: Node | None = None
    definition: Attribute = field(compare=False, repr=False, kw_only=True)

    @cached_property
    def text(self) -> str:
        """The canonical spelling, such as `emails[type eq "work"].value`."""
        uri = f"{self.uri}:" if self.uri else ""
        part = f"[{self.part}]" if self.part else ""
        sub = f".{self.sub}" if self.sub else ""
        return f"{uri}{self.attribute}{part}{sub}"

    def __str__(self) -> str:
        return self.text

    @cached_property
    def leaf(self) -> Attribute | None:
        """What describes the scalar values; None for a complex attribute without a `value`."""
        if self.sub:
            return self.definition.part(self.sub)
        return self.definition.leaf

    def values(self, resource: Resource) -> list[Any]:
        """Return the scalar values, those of a primary value first, else in the resource's order.

        A complex attribute without sub-attribute gives its `value`. What is absent gives nothing.
        """
        found, leaf = self._top(resource), self.leaf
        if leaf is None or found is None:
            return []
        if self.definition.type != "complex":
            return [each for each in self._chosen(found) if each is not None]
        chosen = self._chosen(found)
        chosen.sort(key=_not_primary)
        parts = (sub_value(each, leaf.name) for each in chosen)
        return [each for each in parts if each is not None]

    def put(self, resource: dict[str, Any], value: Any) -> None:
        """Set the value in the resource, making whatever is absent on the way.

        Of several values that the path leads to, the first is set. Raises ValueError if the path
        names no scalar, or its brackets don't say what a new value should be (see `writable`).
        """
        made, leaf = self._made, self.leaf
        if made is None or leaf is None:
            raise ValueError(f"nothing can be put at {self}")
        if self.uri:
            resource = resource.setdefault(self.uri, {})
        if self.definition.type != "complex":
            several = self.definition.multi_valued and not isinstance(value, list)
            resource[self.attribute] = [value] if several else value
        elif not self.definition.multi_valued:
            resource.setdefault(self.attribute, {})[leaf.name] = value
        else:
            held = resource.setdefault(self.attribute, [])
            if not (chosen := self._chosen(held)):
                chosen = [dict(made)]
                held.extend(chosen)
            chosen[0][leaf.name] = value

    @property
    def writable(self) -> bool:
        """Whether `put` works: there is a scalar, and brackets say only what equals what."""
        return self._made is not None

    def reader(self) -> Callable[[Resource], Any]:
        """Return what reads the whole top-level attribute from a resource; None if it is absent.

        Of one value among several it reads a sub-attribute: a plain value is its own `value`.
        """
        uri, name = self.uri, self.attribute
        if uri is None:
            return lambda resource: sub_value(resource, name)

        def read(resource: Resource) -> Any:
            extension = resource.get(uri)
            return extension.get(name) if isinstance(extension, dict) else None

        return read

    @cached_property
    def selects(self) -> Test | None:
        """What the brackets let through; None without brackets."""
        return self.part.compiled() if self.part else None

    def _chosen(self, found: Any) -> list[Any]:
        selects = self.selects
        return [each for each in elements(found) if selects is None or selects(each)]

    @cached_property
    def _top(self) -> Callable[[Resource], Any]:
        return self.reader()

    @cached_property
    def _made(self) -> dict[str, Any] | None:
        """A new value that the brackets select, before the value itself is put in; None if unclear."""
        return None if self.leaf is None else self.described

    @cached_property
    def described(self) -> dict[str, Any] | None:
        """The sub-attributes that the brackets say a value has; None if they don't say what equals what.

        Without brackets it is empty. It is shared: whoever keeps it makes a copy.
        """
        made: dict[str, Any] = {}
        for each in _conjuncts(self.part):
            if not isinstance(each, Compare) or each.op != "eq" or each.value is None:
                return None
            made[each.path.attribute] = each.value
        return made if self.selects is None or self.selects(made) else None


@dataclass(frozen=True)
class Compare:
    """`path op value`. `op` is in lower case; `value` has the attribute's type, a dateTime's is text.

    Of several values one that fits is enough, for `ne` too; where there is none, `ne` holds. With
    `eq`, null means absent; with `ne`, present: `emails.type eq null` holds if one mail has no type.
    """

    path: Path
    op: str
    value: Literal

    def __str__(self) -> str:
        return f"{self.path} {self.op} {json.dumps(self.value, ensure_ascii=False)}"

    def compiled(self) -> Test:
        """Return what tells of a resource (or of a selected value) whether this holds."""
        if self.value is None:
            return _presence(self.path, is_present if self.op == "ne" else is_absent)
        leaf = self.path.leaf
        assert leaf is not None, "a complex attribute without a value compares with null only"
        test = comparator(leaf, self.op, self.value)
        if self.path.definition.type == "complex" or self.path.part:
            return _parts_reader(self.path, leaf.name, test, nothing=self.op == "ne")
        return _plain_reader(self.path, test)


@dataclass(frozen=True)
class Present:
    """`path pr`: there is a value that is not empty."""

    path: Path

    def __str__(self) -> str:
        return f"{self.path} pr"

    def compiled(self) -> Test:
        """Return what tells of a resource (or of a selected value) whether this holds."""
        return _presence(self.path, is_present)


@dataclass(frozen=True)
class ValuePath:
    """`path[part]`: one value of a multi-valued attribute meets the whole of `part`."""

    path: Path
    part: Node

    def __str__(self) -> str:
        return f"{self.path}[{self.part}]"

    def compiled(self) -> Test:
        """Return what tells of a resource (or of a selected value) whether this holds."""
        top, test = self.path.reader(), self.part.compiled()

        def matches(resource: Resource) -> bool:
            return any(test(each) for each in elements(top(resource)))

        return matches


@dataclass(frozen=True)
class Not:
    """`not (part)`."""

    part: Node

    def __str__(self) -> str:
        return f"not ({self.part})"

    def compiled(self) -> Test:
        """Return what tells of a resource (or of a selected value) whether this holds."""
        test = self.part.compiled()
        return lambda resource: not test(resource)


@dataclass(frozen=True)
class And:
    """All of two or more parts, none of them an And."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " and ".join(f"({p})" if isinstance(p, Or) else str(p) for p in self.parts)

    def compiled(self) -> Test:
        """Return what tells of a resource (or of a selected value) whether this holds."""
        return _all_of([part.compiled() for part in self.parts])


@dataclass(frozen=True)
class Or:
    """Any of two or more parts, none of them an Or."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(map(str, self.parts))

    def compiled(self) -> Test:
        """Return what tells of a resource (or of a selected value) whether this holds."""
        return _any_of([part.compiled() for part in self.parts])


Node: TypeAlias = And | Or | Not | Compare | Present | ValuePath


def walk(node: Node, inside: Path | None = None) -> Iterator[Compare | Present]:
    """Yield every Compare and Present below `node` from the left, all with paths from the top."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from walk(part, inside)
    elif isinstance(node, Not):
        yield from walk(node.part, inside)
    elif isinstance(node, ValuePath):
        yield from walk(node.part, node.path)
    elif inside is None:
        yield node
    else:
        path = Path(inside.uri, inside.attribute, node.path.attribute, definition=inside.definition)
        yield Present(path) if isinstance(node, Present) else Compare(path, node.op, node.value)


def elements(value: Any) -> Sequence[Any]:
    """Return the values of an attribute: a list's members, a single value alone, none for None."""
    if value is None:
        return ()
    # A tuple of types, because checking a union takes twice as long.
    return value if isinstance(value, (list, tuple)) else (value,)


def sub_value(element: Any, name: str) -> Any:
    """Return a sub-attribute of one value; a bare scalar stands for its own `value`."""
    if isinstance(element, dict):
        return element.get(name)
    return element if name == "value" else None


def _presence(path: Path, test: Test) -> Test:
    """Return what applies `is_present` or `is_absent` to what stands at `path`, a whole attribute too."""
    if path.sub:
        return _parts_reader(path, path.sub, test, nothing=test(None))
    top = path.reader()
    return lambda resource: test(top(resource))


def _parts_reader(path: Path, sub: str, test: Test, *, nothing: bool) -> Test:
    """Return what applies `test` to a sub-attribute of each value at `path`: one pass is enough.

    Where there is no value at all the result is `nothing`.
    """
    top, selects = path.reader(), path.selects

    def matches(resource: Resource) -> bool:
        none = True
        for each in elements(top(resource)):
            if selects is None or selects(each):
                if test(sub_value(each, sub)):
                    return True
                none = False
        return none and nothing

    return matches


def _plain_reader(path: Path, test: Test) -> Test:
    """Return what applies `test` to each value of an attribute without sub-attributes."""
    top = path.reader()
    if path.definition.multi_valued:
        return lambda resource: any(map(test, elements(top(resource)) or (None,)))
    return lambda resource: test(top(resource))


def _all_of(parts: Sequence[Test]) -> Test:
    def matches(resource: Resource) -> bool:
        for test in parts:  # noqa: SIM110 - a generator costs more than the tests
            if not test(resource):
                return False
        return True

    return matches


def _any_of(parts: Sequence[Test]) -> Test:
    def matches(resource: Resource) -> bool:
        for test in parts:  # noqa: SIM110 - a generator costs more than the tests
            if test(resource):
                return True
        return False

    return matches


def _not_primary(element: Any) -> bool:
    return not (isinstance(element, dict) and element.get("primary") is True)


def _conjuncts(node: Node | None) -> Sequence[Node]:
    if node is None:
        return ()
    return node.parts if isinstance(node, And) else (node,)
