"""Evaluation: a mapping asked for one person after another, quickly.

People whose signature is equal are decided once, and share what they were given: the very same
dicts, so that whoever compares a hundred thousand people needs to look at a few hundred. Only text
that takes a person's attributes is made for each, and where it has come before, that is shared too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from connectors.records import fold
from connectors.scim_filter import Filter
from mappings.decisions import Decisions
from mappings.entitlements import PROFILE_RULE, Entitlements, Given
from mappings.rules import Decided, Give, Lists, Rule, Singles, fill, fill_listed
from mappings.signature import signature
from mappings.text import AttributeText

LIMIT = 1 << 14
"""How many decisions, and how many fillings of their texts, are remembered before it starts afresh."""

Missing: TypeAlias = tuple[tuple[str, str, str], ...]

_NOTHING: frozenset[str] = frozenset()
_given = partial(tuple.__new__, Given)  # half the time of Given(…), which counts for profiles


class _Lacking(NamedTuple):
    """Stands where a text lacks an attribute, so that people who lack different ones stay apart."""

    attribute: str


class _Filled(NamedTuple):
    """A part of a decision with its texts filled in: what it gives, what was missing, what it took."""

    given: dict[str, Any]
    missing: Missing
    taken: dict[str, str]


class _Part:
    """The single values, or the lists, of a decision.

    `fill` works them out for one person; `texts` are what it takes of the person. Where it takes
    nothing, `whole` is the same for all of them.
    """

    __slots__ = ("fill", "texts", "whole")

    def __init__(self, fill: Callable[[dict[str, Any]], _Filled], values: Iterable[object]) -> None:
        self.fill = fill
        self.texts = tuple([v for v in values if isinstance(v, AttributeText)])
        self.whole = None if self.texts else fill({})


class _Equal(NamedTuple):
    """What is decided alike for all people of one signature."""

    in_scope: bool
    single: _Part
    many: _Part


class Evaluator:
    """Answers for one mapping; it remembers, within a bound, what it has worked out.

    May be used by several threads: whatever they work out twice is equal.
    """

    def __init__(
        self,
        scope: Filter | None,
        rules: tuple[Rule, ...],
        defaults: Give,
        profile: Mapping[str, str | AttributeText],
    ) -> None:
        self._texts = [(n, t) for n, t in profile.items() if isinstance(t, AttributeText)]
        self._same = {n: Given(t, PROFILE_RULE) for n, t in profile.items() if isinstance(t, str)}
        self._parts: dict[int, tuple[_Part, object]] = {}
        self._decisions = Decisions(scope, rules, defaults, self._equal)
        self._signature = signature(self._decisions.trees)
        nobody: dict[str, Any] = {}
        self._last = (nobody, self._decisions.of(self._signature(nobody)))
        self._filled: dict[tuple[_Part, tuple[str | _Lacking, ...]], _Filled] = {}

    def in_scope(self, resource: dict[str, Any]) -> bool:
        """Tell whether the person is active, as far as the directory says, and in scope."""
        return resource.get("active") is not False and self._of(resource).in_scope

    def entitlements(self, resource: dict[str, Any]) -> Entitlements:
        """Return what the rules give, as if the person were in scope."""
        equal = self._of(resource)
        single = equal.single.whole or self._fill(equal.single, resource)
        many = equal.many.whole or self._fill(equal.many, resource)
        profile: dict[str, Given] = {}
        missing = single.missing + many.missing
        for name, text in self._texts:
            value = text.fill(resource)
            if value is not None:
                profile[name] = _given((value, PROFILE_RULE))
            else:
                missing += ((f"profile.{name}", PROFILE_RULE, text.missing(resource)),)
        if self._same:
            profile |= self._same
        left_alone = frozenset([name for name, _, _ in missing]) if missing else _NOTHING
        return Entitlements(single.given, many.given, profile, left_alone, missing, single.taken)

    def _of(self, resource: dict[str, Any]) -> _Equal:
        last, equal = self._last
        if last is resource:  # asked for scope a moment ago
            return equal
        known = self._decisions.of(self._signature(resource))
        self._last = (resource, known)
        return known

    def _equal(self, in_scope: bool, decided: Decided) -> _Equal:
        singles = [value for value, _ in decided.single.values()]
        lists = [value for pairs in decided.many.values() for value, _ in pairs]
        return _Equal(
            in_scope,
            self._part(decided.single, _fill_single, singles),
            self._part(decided.many, _fill_many, lists),
        )

    def _part(self, decided: Any, fill: Callable[..., _Filled], values: Iterable[object]) -> _Part:
        """Return the part of what was decided, which is the same object for all who are decided alike."""
        known = self._parts.get(id(decided))
        if known is None:
            if len(self._parts) >= LIMIT:
                self._parts.clear()
            # what was decided is kept, so that its identity stays its own
            known = self._parts[id(decided)] = _Part(partial(fill, decided), values), decided
        return known[0]

    def _fill(self, part: _Part, resource: dict[str, Any]) -> _Filled:
        texts = [text.fill(resource) or _Lacking(text.missing(resource)) for text in part.texts]
        key = (part, tuple(texts))
        filled = self._filled.get(key)
        if filled is None:
            filled = part.fill(resource)
            if len(self._filled) >= LIMIT:
                self._filled.clear()
            self._filled[key] = filled
        return filled


def _fill_single(values: Singles, resource: dict[str, Any]) -> _Filled:
    given: dict[str, Given] = {}
    missing: list[tuple[str, str, str]] = []
    taken: dict[str, str] = {}
    for name, (value, rule) in values.items():
        filled = fill(name, value, resource)
        if filled is not None:
            given[name] = Given(filled, rule)
        elif isinstance(value, AttributeText):
            missing.append((name, rule, value.missing(resource)))
        else:
            taken[name] = rule
    return _Filled(given, tuple(missing), taken)


def _fill_many(values: Lists, resource: dict[str, Any]) -> _Filled:
    given: dict[str, dict[str, str]] = {}
    missing: list[tuple[str, str, str]] = []
    for name, pairs in values.items():
        spelt: dict[str, str] = {}
        rules: dict[str, str] = {}
        for value, rule in pairs:
            text, is_given = fill_listed(value, resource)
            if text is not None and is_given:
                rules.setdefault(spelt.setdefault(fold(text), text), rule)
            elif text is None and isinstance(value, AttributeText):
                missing.append((name, rule, value.missing(resource)))
        if rules:
            given[name] = rules
    return _Filled(given, tuple(missing), {})
