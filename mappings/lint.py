"""What a mapping says in vain, found in the file alone: rules that can never match or never count.

A finding with `warning` may be meant; the others are certainly wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from connectors.records import fold
from connectors.scim_filter import USER, Filter, Node, Not, parse_filter
from mappings.entitlements import MANY
from mappings.logic import impossible
from mappings.mapping import Mapping
from mappings.rules import Rule
from mappings.text import AttributeText

_NAMED = parse_filter("userName pr", USER)
"""What rules for everybody ask for, and everybody has whom a directory describes as SCIM demands."""
_INACTIVE = "whoever the directory calls inactive is never in scope"


class Lint(NamedTuple):
    """One finding: `where` as `file:line:column`, and what to say."""

    where: str
    text: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def lint(mapping: Mapping) -> list[Lint]:
    """Return everything that the mapping says in vain, in the order of the file."""
    found = [
        *_never_matching(mapping),
        *_shadowed(mapping),
        *_unused(mapping),
        *without_prerequisite(mapping),
    ]
    for places in mapping.places.values():
        found += [*_never_matching(places), *_shadowed(places)]
    return sorted(dict.fromkeys(found), key=_order)


def _order(finding: Lint) -> tuple[str, int, int]:
    file, line, column = finding.where.rsplit(":", 2)
    return file, int(line), int(column)


def _in_scope(mapping: Mapping) -> list[Node]:
    """Return what is true of everybody in scope."""
    trees = [parse_filter("not (active eq false)", USER).tree]
    return [*trees, mapping.scope.tree] if mapping.scope else trees


def _never_matching(mapping: Mapping) -> Iterator[Lint]:
    scope = _in_scope(mapping)
    if mapping.scope is not None and impossible(*scope):
        said = "nobody can be in scope: the conditions contradict each other"
        yield Lint(
            str(mapping.parts["scope"]), f"scope: {said} ({mapping.scope.text}); {_INACTIVE}"
        )
        return
    for rule in mapping.rules:
        if impossible(rule.when.tree):
            said = "can never match: its conditions contradict each other"
        elif impossible(*scope, rule.when.tree):
            text = mapping.scope.text if mapping.scope else _INACTIVE
            said = f"can never match anybody in scope ({text})"
        else:
            continue
        yield _of(rule, f"{said}: {rule.when.text}")


def _of(rule: Rule, said: str, *, warning: bool = False) -> Lint:
    assert rule.where is not None
    return Lint(str(rule.where), f"rule {rule.name}: {said}", warning)


def _shadowed(mapping: Mapping) -> Iterator[Lint]:
    """Yield the rules of which nothing can ever count, because rules above have decided it all."""
    scope = _in_scope(mapping)
    for number, rule in enumerate(mapping.rules):
        above = mapping.rules[:number]
        if not rule.give.names or impossible(*scope, rule.when.tree):
            continue
        listed = _deciding(scope, rule, above)
        if listed is not None:
            yield _of(rule, f"never counts: what it gives is decided above, by {listed}")
            continue
        named = [*scope, _NAMED.tree]
        if not impossible(*named, rule.when.tree) and (listed := _deciding(named, rule, above)):
            said = "never counts for anybody who has a userName: what it gives is decided above, by"
            yield _of(rule, f"{said} {listed}")


def _deciding(scope: Sequence[Node], rule: Rule, above: Sequence[Rule]) -> str | None:
    """Return in words which rules above decide all that a rule gives; None if it isn't certain."""
    shadows = [_shadow(scope, rule, name, above) for name in sorted(rule.give.names)]
    if any(shadow is None for shadow in shadows):
        return None
    names = dict.fromkeys(r.name for shadow in shadows for r in shadow or ())
    places = {r.name: r.where.short for r in above if r.where is not None}
    return ", ".join(f"{name} ({places[name]})" for name in names)


def _shadow(
    scope: Sequence[Node], rule: Rule, name: str, above: Sequence[Rule]
) -> list[Rule] | None:
    """Return the rules above that decide an entitlement for everybody whom a rule matches."""
    whole = [r for r in above if name in r.give.single or name in r.give.closed]
    if name not in MANY:
        return _covering(scope, rule.when, whole)
    if name in rule.give.closed or rule.give.struck.get(name):
        return None  # it says what later rules may not give
    values = rule.give.many.get(name, ())
    if not values:
        return None  # an empty list keeps the defaults away
    found: list[Rule] = []
    for value in values:
        if isinstance(value, AttributeText):
            return None
        deciding = [r for r in above if r in whole or _settles(r, name, value)]
        covering = _covering(scope, rule.when, deciding)
        if covering is None:
            return None
        found += covering
    return found


def _settles(rule: Rule, name: str, value: str) -> bool:
    """Tell whether a rule gives a list this value already, or strikes it."""
    given = (v for v in rule.give.many.get(name, ()) if isinstance(v, str))
    return fold(value) in {*map(fold, given), *rule.give.struck.get(name, ())}


def _covering(scope: Sequence[Node], when: Filter, above: Sequence[Rule]) -> list[Rule] | None:
    """Return rules of which one matches whomever `when` matches in scope; None if it isn't certain."""
    for one in above:
        if impossible(*scope, when.tree, Not(one.when.tree)):
            return [one]
    none_of_them = [Not(one.when.tree) for one in above]
    return list(above) if above and impossible(*scope, when.tree, *none_of_them) else None


def _unused(mapping: Mapping) -> Iterator[Lint]:
    used = {rule.persona for rule in mapping.rules}
    used |= {persona.extends for persona in mapping.personas.values()}
    for name, persona in mapping.personas.items():
        if name not in used and persona.where is not None:
            yield Lint(str(persona.where), f"persona {name}: no rule uses it", True)
    texts = [text for each in (mapping, *mapping.places.values()) for text in each.texts()]
    read = {name for text in texts for name in text.lookups}
    for name in mapping.lookups:
        where = mapping.parts.get(f"lookups.{name}")
        if name not in read and where is not None:
            yield Lint(str(where), f"lookup {name}: no text uses it", True)


_RESTS_ON_LICENSE = ("packages", "number", "template", "extension_number", "delegates")


def without_prerequisite(mapping: Mapping) -> Iterator[Lint]:
    """Yield what rests on a license for people whom nothing in the mapping gives one."""
    if "license" not in mapping.managed:
        return  # it is given elsewhere
    if mapping.defaults.single.get("license") is not None:
        return
    giving = [rule for rule in mapping.rules if rule.give.single.get("license") is not None]
    scope = _in_scope(mapping)
    for rule in mapping.rules:
        rests = [n for n in _RESTS_ON_LICENSE if n in rule.give.single or rule.give.many.get(n)]
        if not rests or rule in giving or impossible(*scope, rule.when.tree):
            continue
        if all(impossible(*scope, rule.when.tree, each.when.tree) for each in giving):
            said = (
                f"gives {', '.join(rests)}, and no rule gives a license to anybody whom it matches"
            )
            yield _of(rule, said)
