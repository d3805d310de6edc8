"""Rules: who is given what, read from the top.

What decides is one chain: a rule's own `give` and `take`, its persona, what that persona extends,
then the next rule that matches, and `defaults` at the end. For a single-valued entitlement whatever
mentions it first decides, be it that there is none (`take`); what is given to a list adds up, but for
what was taken before. After an `exclusive` rule nothing more is given. `defaults` stand below all
rules, for each entitlement that no matching rule mentions, lists included.

A rule whose text lacks an attribute has decided all the same: no later rule and no default steps in,
because what the person holds shall stay until the directory is complete. Whoever wants another value
for those without the attribute says so in a rule above, with `not (location pr)`, or by `default`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, NamedTuple, TypeAlias

from connectors.records import fold
from connectors.scim_filter import Filter, Path
from mappings.entitlements import DEFAULTS_RULE, GivenValue, PoolRef, e164
from mappings.text import NOTHING, AttributeText
from mappings.where import Where

Single: TypeAlias = str | bool | PoolRef | AttributeText
Many: TypeAlias = str | AttributeText
Singles: TypeAlias = Mapping[str, tuple[Single | None, str]]
"""By entitlement: the value that was decided (None: that there is none), and its rule."""
Lists: TypeAlias = Mapping[str, Sequence[tuple[Many, str]]]
"""By entitlement: the values that add up, each with its rule, in the order of the rules."""
Do = Literal["trash", "remove_license", "deactivate", "delete", "report"]


@dataclass(frozen=True, slots=True)
class Give:
    """What is given and taken: single values by entitlement, and lists by entitlement, as written.

    A single value None says that there is none. After this nothing below gives what is `closed`, nor
    to a list the folded values that are `struck` from it. `mentions`: entitlements that it speaks
    of without giving any. `places`: where each value stands, by entitlement; for a list one for each
    value of `many`, and for a single value, or what was taken whole, one alone.
    """

    single: Mapping[str, Single | None] = field(default_factory=dict)
    many: Mapping[str, tuple[Many, ...]] = field(default_factory=dict)
    closed: frozenset[str] = NOTHING
    struck: Mapping[str, frozenset[str]] = field(default_factory=dict)
    mentions: frozenset[str] = NOTHING
    places: Mapping[str, tuple[Where, ...]] = field(default_factory=dict)

    def over(self, below: Give) -> Give:
        """Return this give above another: it decides single values, its lists come first."""
        places = {n: at for n, at in below.places.items() if n not in self.closed}
        single = {n: v for n, v in below.single.items() if n not in self.closed} | {**self.single}
        many = {**self.many}
        places.update({n: at for n, at in self.places.items() if n not in many})
        for name in [*many, *(n for n in below.many if n not in many)]:
            own = self.many.get(name, ())
            values = () if name in self.closed else below.many.get(name, ())
            kept = [each for each in enumerate(values) if _stays(each[1], self.struck.get(name))]
            many[name] = (*own, *(_excluding(v, self.struck.get(name)) for _, v in kept))
            at = below.places.get(name, ())
            places[name] = (*self.places.get(name, ()), *(at[n] for n, _ in kept if n < len(at)))
        return Give(
            single,
            many,
            self.closed | below.closed,
            _united(self.struck, below.struck),
            self.mentions | below.mentions,
            places,
        )

    def closing(self, names: Iterable[str]) -> Give:
        """Return the same, after which nothing gives these entitlements."""
        return replace(self, closed=self.closed.union(names))

    @property
    def names(self) -> frozenset[str]:
        """The entitlements that it mentions; an empty list, or taking one, mentions it too."""
        return self.mentions.union(self.single, self.many)

    def texts(self) -> Iterator[AttributeText]:
        """Yield what takes a person's attributes."""
        lists = (value for values in self.many.values() for value in values)
        yield from (v for v in (*self.single.values(), *lists) if isinstance(v, AttributeText))


def _stays(value: Many, struck: frozenset[str] | None) -> bool:
    """Tell whether a value may still be given; what takes attributes is judged when it is filled in."""
    return not struck or isinstance(value, AttributeText) or fold(value) not in struck


def _excluding(value: Many, struck: frozenset[str] | None) -> Many:
    return value.excluding(struck) if struck and isinstance(value, AttributeText) else value


def _united(
    one: Mapping[str, frozenset[str]], two: Mapping[str, frozenset[str]]
) -> Mapping[str, frozenset[str]]:
    if not (one and two):
        return one or two
    return {n: one.get(n, NOTHING) | two.get(n, NOTHING) for n in (*one, *two)}


@dataclass(frozen=True, slots=True)
class Persona:
    """A named bundle; `give` includes what it `extends` gives. `where`: its key in the file."""

    name: str
    give: Give
    extends: str | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a mapping; `give` includes what its `persona` gives. `where`: it begins there.

    After an `exclusive` rule nothing gives these entitlements.
    """

    name: str
    when: Filter
    give: Give
    persona: str | None = None
    where: Where | None = None
    exclusive: frozenset[str] = NOTHING

    @property
    def paths(self) -> frozenset[Path]:
        """Every attribute that its filter and its texts read."""
        return self.when.paths.union(*(text.paths for text in self.give.texts()))

    def place_of(self, entitlement: str, value: str | None = None) -> Where | None:
        """Return where the rule, or its persona, gives an entitlement (of a list this value, as written)."""
        places = self.give.places.get(entitlement, ())
        values = self.give.many.get(entitlement, ())
        for each, place in zip(values, places, strict=False):
            text = each.text if isinstance(each, AttributeText) else each
            if value is not None and fold(text) == fold(value):
                return place
        return places[0] if places else self.where


@dataclass(frozen=True, slots=True)
class Leavers:
    """What becomes of a leaver, and after which grace; `after` None leaves that to the directory's kind.

    `stages`: the grace of each thing (graces.GRACES), where the mapping gives them one by one.
    """

    do: Do = "report"
    after: timedelta | None = None
    stages: Mapping[str, timedelta] = field(default_factory=dict)

    def grace_of(self, thing: str) -> timedelta | None:
        """Return the grace of one of a leaver's things, None where the directory's kind decides."""
        return self.stages.get(thing, self.after)


class Decided(NamedTuple):
    """What the rules decide for everybody whom the same rules match, before texts are filled in."""

    single: Singles
    many: Lists


Beaten = Literal["gave", "took", "exclusive"]


class Loser(NamedTuple):
    """A rule that matched and would have given `value` if `winner` hadn't decided before it.

    `value` is None where the loser's text lacks an attribute, or the loser would have `taken` the
    entitlement. `beaten`: the winner `gave` another value (or, in a list, the same one), `took` it,
    or is `exclusive`.
    """

    entitlement: str
    rule: str
    value: GivenValue | None
    winner: str
    beaten: Beaten = "gave"
    taken: bool = False


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
    return decide_given(matching(rules, defaults, resource))


def decide_given(matched: Iterable[tuple[str, Give]]) -> Decided:
    """Return what (name, give) of the rules that match decide, from the top, the defaults last."""
    single: dict[str, tuple[Single | None, str]] = {}
    many: dict[str, list[tuple[Many, str]]] = {}
    closed, struck = NOTHING, dict[str, frozenset[str]]()
    for rule, give in matched:
        for name, value in give.single.items():
            if name not in closed:
                single.setdefault(name, (value, rule))
        for name, values in give.many.items():
            if name not in closed and (rule != DEFAULTS_RULE or name not in many):
                gone = struck.get(name)
                kept = [(_excluding(v, gone), rule) for v in values if _stays(v, gone)]
                many.setdefault(name, []).extend(kept)
        if give.closed:
            closed |= give.closed
        if give.struck:
            struck = dict(_united(struck, give.struck))
    return Decided(single, many)


def fill(name: str, value: Single | None, resource: dict[str, Any]) -> GivenValue | None:
    """Return a given value for one person; None where its text lacks an attribute, or there is none.

    A `number` that is no E.164 number is as good as missing.
    """
    if not isinstance(value, AttributeText):
        return value
    text = value.fill(resource)
    return e164(text) if text and name == "number" else text


def fill_listed(value: Many, resource: dict[str, Any]) -> tuple[str | None, bool]:
    """Return a list's value for one person, None where an attribute is missing; and whether it is given.

    A value that was taken from the list before is not given, though nothing is missing.
    """
    if not isinstance(value, AttributeText):
        return value, True
    text = value.fill(resource)
    return text, text is not None and fold(text) not in value.unless
