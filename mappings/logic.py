"""What filters can't mean: whether anybody at all could meet some tests and fail others.

A filter is taken apart into the ways in which it can hold, each a set of tests that come out true or
false. A way is impossible if a test would have to be both, if two demands on one value contradict
each other (`title eq "CEO"` and `title sw "A"`), or if what one demands makes another one true that
has to be false. Whatever can't be told that way, or not in MOST_WAYS, counts as possible: what is
said to be impossible is so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, TypeAlias

from connectors.records import fold
from connectors.scim_filter import And, Compare, Node, Not, Or, Path, Present, ValuePath

MOST_WAYS = 400
"""Ways that are looked at; a filter with more could mean anything."""

Atom: TypeAlias = Compare | Present | ValuePath
Way: TypeAlias = dict[str, tuple[Atom, bool]]
"""By the test, as text without case: the test, and whether it holds."""


def impossible(*nodes: Node) -> bool:
    """Tell whether it is certain that nobody meets all of these filters.

    >>> from connectors.scim_filter import parse_filter
    >>> impossible(*(parse_filter(f).tree for f in ('title eq "CEO"', 'not (title pr) or title ne "ceo"')))
    True
    """
    ways = _ways(And(nodes) if len(nodes) > 1 else nodes[0], True)
    return ways is not None and all(map(_contradicts, ways))


def _ways(node: Node, holds: bool) -> list[Way] | None:
    """Return the ways in which a filter comes out as wanted; None for too many."""
    if isinstance(node, Not):
        return _ways(node.part, not holds)
    if isinstance(node, And | Or):
        parts = [_ways(part, holds) for part in node.parts]
        return _all(parts) if isinstance(node, And) == holds else _any(parts)
    return [{_name(node): (node, holds)}]


def _any(parts: Sequence[list[Way] | None]) -> list[Way] | None:
    ways: list[Way] = []
    for part in parts:
        if part is None:
            return None
        ways += part
    return ways if len(ways) <= MOST_WAYS else None


def _all(parts: Sequence[list[Way] | None]) -> list[Way] | None:
    """Return the ways to meet all parts: a part too manifold is left out, which makes none impossible."""
    ways: list[Way] = [{}]
    for part in sorted((p for p in parts if p is not None), key=len):
        joined = [m for a, b in product(ways, part) if (m := _merged(a, b)) is not None]
        if len(joined) > MOST_WAYS:
            return ways
        ways = joined
    return ways


def _merged(one: Way, other: Way) -> Way | None:
    """Return both together; None if a test would have to be true and false."""
    if any(name in one and one[name][1] != holds for name, (_, holds) in other.items()):
        return None
    return one | other


def _name(atom: Atom) -> str:
    exact = any(test.path.leaf is not None and test.path.leaf.case_exact for test in _tests(atom))
    return str(atom) if exact else fold(str(atom))


def _tests(node: Node) -> Iterator[Compare | Present]:
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _tests(part)
    elif isinstance(node, Not | ValuePath):
        yield from _tests(node.part)
    else:
        yield node


def _contradicts(way: Way) -> bool:
    """Tell whether some demand on a value makes another demand impossible."""
    tests = list(way.values())
    for atom, holds in tests:
        if isinstance(atom, Compare) and holds and _demands(atom):
            if _breaks(atom.path, atom.value, tests):
                return True
        elif (
            isinstance(atom, Present | Compare)
            and _is_boolean(atom.path)
            and all(_breaks(atom.path, value, tests) for value in (True, False, None))
        ):
            return True
    return any(_needs_a_value(atom, holds) and _has_none(atom.path, tests) for atom, holds in tests)


def _demands(atom: Compare) -> bool:
    return atom.op == "eq" and atom.value is not None and atom.path.writable


def _is_boolean(path: Path) -> bool:
    single = path.definition.type == "boolean" and not path.definition.multi_valued
    return single and path.leaf is not None


def _breaks(path: Path, value: Any, tests: Sequence[tuple[Atom, bool]]) -> bool:
    """Tell whether a value at a path makes one of the tests come out otherwise than it has to."""
    resource: dict[str, Any] = {}
    if value is not None:
        path.put(resource, value)
    single = not path.definition.multi_valued
    for atom, holds in tests:
        if _place(atom.path) != _place(path) or isinstance(atom, ValuePath):
            continue
        if atom.path.part is not None or path.part is not None:
            continue
        # of several values another one may pass a test that has to hold; one that must not is failed
        if (single or not holds) and atom.compiled()(resource) != holds:
            return True
    return False


def _place(path: Path) -> tuple[str | None, str, str | None]:
    leaf = path.leaf
    sub = leaf.name if leaf is not None and path.definition.type == "complex" else path.sub
    return path.uri, path.attribute, sub


def _needs_a_value(atom: Atom, holds: bool) -> bool:
    """Tell whether a test only comes out so where its attribute has a value."""
    nothing: dict[str, Any] = {}
    return atom.compiled()(nothing) != holds


def _has_none(path: Path, tests: Sequence[tuple[Atom, bool]]) -> bool:
    """Tell whether the tests demand that the attribute has no value: `not (title pr)`."""
    return any(
        not holds
        and isinstance(atom, Present)
        and atom.path.part is None
        and (atom.path.uri, atom.path.attribute) == (path.uri, path.attribute)
        and (atom.path.sub is None or _place(atom.path) == _place(path))
        for atom, holds in tests
    )
