"""Rules: who is given what, read from the top.

For a single-valued entitlement the first rule that mentions it decides, and within a rule `give`
beats the persona; what rules give to a list adds up. `defaults` stand below all rules, for each
entitlement that no matching rule mentions, lists included.

A rule whose text lacks an attribute has decided all the same: no later rule and no default steps in,
because what the person holds shall stay until the directory is complete. Whoever wants another value
for those without the attribute says so in a rule above, with `not (location pr)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, NamedTuple, TypeAlias

from connectors.records import fold
from connectors.scim_filter import Filter
from mappings.entitlements import DEFAULTS_RULE, GivenValue, PoolRef, e164
from mappings.text import AttributeText

Single: TypeAlias = str | bool | PoolRef | AttributeText
Many: TypeAlias = str | AttributeText
Singles: TypeAlias = Mapping[str, tuple[Single, str]]
"""By entitlement: the value that was decided, and its rule."""
Lists: TypeAlias = Mapping[str, Sequence[tuple[Many, str]]]
"""By entitlement: the values that add up, each with its rule, in the order of the rules."""
Do = Literal["trash", "remove_license", "deactivate", "delete", "report"]


@dataclass(frozen=True, slots=True)
class Give:
    """What is given: single values by entitlement, and lists by entitlement, as written."""

    single: Mapping[str, Single] = field(default_factory=dict)
    many: Mapping[str, tuple[Many, ...]] = field(default_factory=dict)

    def over(self, persona: Give) -> Give:
        """Return this give above a persona: it decides single values, its lists come first."""
        names = [*self.many, *(n for n in persona.many if n not in self.many)]
        many = {n: (*self.many.get(n, ()), *persona.many.get(n, ())) for n in names}
        return Give({**persona.single, **self.single}, many)

    @property
    def names(self) -> frozenset[str]:
        """The entitlements that it mentions; an empty list mentions one too."""
        return frozenset(self.single) | frozenset(self.many)

    def texts(self) -> Iterator[AttributeText]:
        """Yield what takes a person's attributes."""
        lists = (value for values in self.many.values() for value in values)
        yield from (v for v in (*self.single.values(), *lists) if isinstance(v, AttributeText))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a mapping; `give` includes what its `persona` gives."""

    name: str
    when: Filter
    give: Give
    persona: str | None = None


@dataclass(frozen=True, slots=True)
class Leavers:
    """What becomes of a leaver, and after which grace; `after` None leaves that to the directory's kind."""

    do: Do = "report"
    after: timedelta | None = None


class Decided(NamedTuple):
    """What the rules decide for everybody whom the same rules match, before texts are filled in."""

    single: Singles
    many: Lists


class Loser(NamedTuple):
    """A rule that matched and would have given `value` if `winner` hadn't decided before it.

    `value` is None where the loser's text lacks an attribute.
    """

    entitlement: str
    rule: str
    value: GivenValue | None
    winner: str


def matching(
    rules: Iterable[Rule], defaults: Give, resource: dict[str, Any]
) -> Iterator[tuple[str, Give]]:
    """Yield (name, give) of each rule that matches, from the top, and of the defaults last."""
    for rule in rules:
        if rule.when.matches(resource):
            yield rule.name, rule.give
    yield DEFAULTS_RULE, defaults


def decide(rules: Iterable[Rule], defaults: Give, resource: dict[str, Any]) -> Decided:
    """Return what the rules decide for one person."""
    single: dict[str, tuple[Single, str]] = {}
    many: dict[str, list[tuple[Many, str]]] = {}
    for rule, give in matching(rules, defaults, resource):
        for name, value in give.single.items():
            single.setdefault(name, (value, rule))
        for name, values in give.many.items():
            if rule != DEFAULTS_RULE or name not in many:
                many.setdefault(name, []).extend((value, rule) for value in values)
    return Decided(single, many)


def fill(name: str, value: Single, resource: dict[str, Any]) -> GivenValue | None:
    """Return a given value for one person; None where its text lacks an attribute.

    A `number` that is no E.164 number is as good as missing.
    """
    if not isinstance(value, AttributeText):
        return value
    text = value.fill(resource)
    return e164(text) if text and name == "number" else text


def losers(rules: Iterable[Rule], defaults: Give, resource: dict[str, Any]) -> Iterator[Loser]:
    """Yield what matching rules would have given and didn't, from the top.

    In a list a value loses if it was there already, and a default below any rule.
    """
    won: dict[str, str] = {}
    listed: dict[tuple[str, str], str] = {}
    for rule, give in matching(rules, defaults, resource):
        for name, value in give.single.items():
            if (winner := won.setdefault(name, rule)) != rule:
                yield Loser(name, rule, fill(name, value, resource), winner)
        for name, values in give.many.items():
            decider = won.setdefault(name, rule)
            below = rule == DEFAULTS_RULE != decider
            for value in values:
                text = value.fill(resource) if isinstance(value, AttributeText) else value
                first = rule if text is None else listed.setdefault((name, fold(text)), rule)
                winner = decider if below else first
                if winner != rule:
                    yield Loser(name, rule, text, winner)
