"""Why a filter matches one person, or doesn't: which of its conditions decided, and what they saw.

A filter is turned into what must hold: `not` goes down to the conditions, where it says of one that it
must not be met. Of an `and` that fails only the parts that fail are to blame, all of them; of an `or`
that fails any part would do; of an `or` that holds the parts that hold are the reason.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from connectors.records import fold
from connectors.scim_filter import And, Compare, Filter, Node, Not, Or, Path, Present, ValuePath
from connectors.scim_filter import elements as values_of

_NEAR = 0.6
"""How alike (difflib's ratio) a person's value must be to what a condition asks for to be named."""


class Condition(NamedTuple):
    """One condition of a filter, as it went for one person.

    `test` is its place in the filter's tree. `wanted`: whether it should be met, False below a `not`;
    `met`: whether it is as wanted. `values` are what the person has there, `nearest` the one that is
    nearly what is asked for, None where none is.
    """

    test: Compare | Present | ValuePath
    wanted: bool
    met: bool
    values: tuple[str, ...]
    nearest: str | None = None

    @property
    def text(self) -> str:
        """The condition as the mapping may write it, `not` included."""
        return str(self.test) if self.wanted else f"not ({self.test})"

    @property
    def path(self) -> Path:
        """The attribute that it reads."""
        return self.test.path


class Several(NamedTuple):
    """Parts of a filter that decide together: `all` of them must be as wanted, or `any` of them.

    `parts` are only those that decide: the ones that fail of an `all` that does, the ones that hold of
    an `any` that does.
    """

    how: Literal["all", "any"]
    met: bool
    parts: tuple[Finding, ...]


Finding: TypeAlias = "Condition | Several"


def why(filter: Filter, resource: dict[str, Any]) -> Finding:
    """Return what decided whether the filter matches; `met` is what `filter.matches` says."""
    return _found(filter.tree, resource, wanted=True)


def conditions(finding: Finding) -> Iterator[Condition]:
    """Yield the conditions of a finding, from the left.

    >>> from connectors.scim_filter import parse_filter
    >>> found = why(parse_filter('title pr and not (active eq false) and userName eq "eva"'), {"title": "x"})
    >>> [c.text for c in conditions(found)]
    ['userName eq "eva"']
    """
    if isinstance(finding, Condition):
        yield finding
    else:
        for part in finding.parts:
            yield from conditions(part)


def _found(node: Node, resource: dict[str, Any], *, wanted: bool) -> Finding:
    if isinstance(node, Not):
        return _found(node.part, resource, wanted=not wanted)
    if not isinstance(node, And | Or):
        return _condition(node, resource, wanted=wanted)
    parts = [_found(part, resource, wanted=wanted) for part in node.parts]
    if isinstance(node, And) is wanted:
        met = all(part.met for part in parts)
        return _together("all", met, [part for part in parts if part.met is met])
    met = any(part.met for part in parts)
    return _together("any", met, [part for part in parts if part.met is met])


def _together(how: Literal["all", "any"], met: bool, parts: Sequence[Finding]) -> Finding:
    return parts[0] if len(parts) == 1 else Several(how, met, tuple(parts))


def _condition(
    test: Compare | Present | ValuePath, resource: dict[str, Any], *, wanted: bool
) -> Condition:
    met = test.compiled()(resource) is wanted
    values = tuple(dict.fromkeys(_values(test, resource)))
    near = None if met or not wanted else _nearest(test, values)
    return Condition(test, wanted, met, values, near)


def _values(test: Compare | Present | ValuePath, resource: dict[str, Any]) -> Iterator[str]:
    """Yield what the person has where a condition looks, as text; of whole values what names them."""
    path = test.path
    if path.leaf is None or isinstance(test, ValuePath):
        for each in values_of(path.reader()(resource)):
            named = each.get("display") or each.get("value") if isinstance(each, dict) else each
            yield said(named if named is not None else each)
        return
    yield from map(said, path.values(resource))


def said(value: Any) -> str:
    """Return an attribute's value as text: booleans as JSON has them, objects member by member.

    >>> said(True), said({"locality": "Brno", "primary": True})
    ('true', 'locality Brno, primary true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{name} {said(part)}" for name, part in value.items())
    return str(value)


def _nearest(test: Compare | Present | ValuePath, values: Iterable[str]) -> str | None:
    """Return the person's value that is nearly what a comparison by `eq` asks for."""
    asked = {fold(each) for each in _asked(test)}
    known = {fold(value): value for value in values}
    for text in sorted(asked):
        for near in difflib.get_close_matches(text, known, n=1, cutoff=_NEAR):
            return known[near]
    return None


def _asked(node: Node) -> Iterator[str]:
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _asked(part)
    elif isinstance(node, ValuePath):
        yield from _asked(node.part)
    elif isinstance(node, Compare) and node.op == "eq" and isinstance(node.value, str):
        yield node.value
