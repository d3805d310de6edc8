"""Decisions: which rules match, and what they give, from a signature alone.

A hundred thousand people may have as many signatures, and yet few decisions: which rules match is
read off the signature's bits, and what they decide for one entitlement depends only on those of them
that mention it. So each entitlement is decided once for each set of its rules, and whoever is decided
alike in all of them shares one and the same decision.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from connectors.scim_filter import And, Filter, Node, Not, Or
from mappings.entitlements import DEFAULTS_RULE, MANY, SINGLE
from mappings.rules import Decided, Give, Many, Rule, Single, decide_given
from mappings.signature import Atom, numbered

LIMIT = 1 << 14
"""How many decisions are remembered before remembering starts afresh."""
SIGNATURES = 1 << 16
"""How many signatures are: each is a number and a reference."""

_MOST_WAYS = 16
_Made = TypeVar("_Made")

Way: TypeAlias = tuple[int, int]
"""One way in which a filter holds: the bits that it looks at, and what they must be."""


class _Entitlement(NamedTuple):
    """One entitlement: the bits of the rules that speak of it, and what was decided by them so far."""

    name: str
    rules: int
    known: dict[int, _Part]


class _Part(NamedTuple):
    """What was decided for one entitlement; equal decisions are one and the same part."""

    name: str
    single: tuple[Single | None, str] | None
    many: Sequence[tuple[Many, str]] | None


class Decisions(Generic[_Made]):
    """What one mapping decides, by signature; `make` turns (in scope, decided) into what is kept.

    `trees` are the filters that the signature is of; `known` what `of` remembers, by signature, for
    those who look into it first. May be used by several threads: what they work out twice is equal.
    """

    def __init__(
        self,
        scope: Filter | None,
        rules: Sequence[Rule],
        defaults: Give,
        make: Callable[[bool, Decided], _Made],
    ) -> None:
        self._rules, self._defaults, self._make = tuple(rules), defaults, make
        self.trees = [*(rule.when.tree for rule in rules), *([scope.tree] if scope else ())]
        numbers = numbered(self.trees)
        self._quick: list[tuple[int, int, int]] = []
        self._slow: list[tuple[Callable[[int], bool], int]] = []
        for n, tree in enumerate(self.trees):
            ways = _ways(tree, numbers, True)
            if ways is None:
                self._slow.append((_test(tree, numbers), 1 << n))
            else:
                self._quick += [(care, want, 1 << n) for care, want in ways]
        self._scope = 1 << len(self._rules) if scope else 0
        self._entitlements = [
            _Entitlement(name, bits, {})
            for name in (*SINGLE, *MANY)
            if (bits := self._speaking_of(name)) or name in defaults.names
        ]
        self.known: dict[int, _Made] = {}
        self._parts: dict[Hashable, _Part] = {}
        self._wholes: dict[tuple[int, ...], tuple[Any, object]] = {}
        self._made: dict[tuple[bool, int, int], tuple[_Made, object]] = {}

    def _speaking_of(self, name: str) -> int:
        """Return the bits of the rules that give an entitlement, take of it, or keep it from others."""
        gives = ((1 << n, rule.give) for n, rule in enumerate(self._rules))
        return sum(
            bit
            for bit, give in gives
            if name in give.single
            or name in give.many
            or name in give.closed
            or name in give.struck
        )

    def of(self, signature: int) -> _Made:
        """Return what is decided for everybody of this signature."""
        made = self.known.get(signature)
        if made is None:
            if len(self.known) >= SIGNATURES:
                self.known.clear()
            made = self.known[signature] = self._decide(signature)
        return made

    def _decide(self, signature: int) -> _Made:
        matched = 0
        for care, want, bit in self._quick:
            if signature & care == want:
                matched |= bit
        for test, bit in self._slow:
            if test(signature):
                matched |= bit
        in_scope = not self._scope or bool(matched & self._scope)
        parts = [self._part(each, matched & each.rules) for each in self._entitlements]
        decided = Decided(
            self._whole([part for part in parts if part.single is not None]),
            self._whole([part for part in parts if part.many is not None]),
        )
        key = (in_scope, id(decided.single), id(decided.many))
        known = self._made.get(key)
        if known is None:
            if len(self._made) >= LIMIT:
                self._made.clear()
            # what was decided is kept, so that its identity stays its own
            known = self._made[key] = self._make(in_scope, decided), decided
        return known[0]

    def _whole(self, parts: Sequence[_Part]) -> Any:
        """Return the single values, or the lists, of several entitlements: the same ones for the same parts."""
        key = tuple(map(id, parts))
        known = self._wholes.get(key)
        if known is None:
            if len(self._wholes) >= LIMIT:
                self._wholes.clear()
            made = {part.name: part.many if part.single is None else part.single for part in parts}
            known = self._wholes[key] = made, parts
        return known[0]

    def _part(self, entitlement: _Entitlement, matched: int) -> _Part:
        known = entitlement.known.get(matched)
        if known is None:
            if len(entitlement.known) >= LIMIT:
                entitlement.known.clear()
            gives = [
                (rule.name, rule.give) for n, rule in enumerate(self._rules) if matched >> n & 1
            ]
            decided = decide_given(chain(gives, [(DEFAULTS_RULE, self._defaults)]))
            name = entitlement.name
            single, many = decided.single.get(name), decided.many.get(name)
            known = self._shared(_Part(name, single, None if many is None else tuple(many)))
            entitlement.known[matched] = known
        return known

    def _shared(self, part: _Part) -> _Part:
        # True and "True" are two; so are True and 1
        key = (part, type(part.single[0]) if part.single else None)
        if len(self._parts) >= LIMIT:
            self._parts.clear()
        return self._parts.setdefault(key, part)


def _ways(node: Node, numbers: Mapping[Atom, int], holds: bool) -> list[Way] | None:
    """Return the ways in which a filter comes out as wanted, None for too many."""
    if isinstance(node, Not):
        return _ways(node.part, numbers, not holds)
    if not isinstance(node, And | Or):
        bit = 1 << numbers[node]
        return [(bit, bit if holds else 0)]
    parts = [_ways(part, numbers, holds) for part in node.parts]
    ways: list[Way] = [(0, 0)] if isinstance(node, And) == holds else []
    for part in parts:
        if part is None:
            return None
        ways = _both(ways, part) if isinstance(node, And) == holds else [*ways, *part]
        if len(ways) > _MOST_WAYS:
            return None
    return ways


def _both(one: Iterable[Way], other: Sequence[Way]) -> list[Way]:
    """Return the ways in which one of each holds; those that contradict each other are left out."""
    return [
        (care | also, want | must)
        for care, want in one
        for also, must in other
        if want & also == must & care
    ]


def _test(node: Node, numbers: Mapping[Atom, int]) -> Callable[[int], bool]:
    """Return what tells from a signature whether a filter holds, however manifold it is."""
    if isinstance(node, Not):
        inner = _test(node.part, numbers)
        return lambda signature: not inner(signature)
    if isinstance(node, And | Or):
        tests = [_test(part, numbers) for part in node.parts]
        whole = all if isinstance(node, And) else any
        return lambda signature: whole(test(signature) for test in tests)
    bit = 1 << numbers[node]
    return lambda signature: bool(signature & bit)
