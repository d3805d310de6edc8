"""What one version of a mapping says otherwise than another, rule by rule, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mappings.entitlements import DEFAULTS_RULE, PROFILE_RULE, PoolRef
from mappings.mapping import Mapping
from mappings.rules import Give, Rule
from mappings.text import AttributeText


def rule_difference(old: Mapping, new: Mapping, name: str) -> str | None:
    """Return what is otherwise about a rule (or `defaults`, `profile`), None if it says the same.

    >>> from connectors.scim_filter import parse_filter
    >>> pr, give = parse_filter("userName pr"), Give({"license": "A"})
    >>> _of_rules(Rule("a", pr, give), Rule("a", parse_filter("title pr"), give), "A", "A")
    'its condition is now title pr, and was userName pr'
    """
    if name == DEFAULTS_RULE:
        same = written(old.defaults, old) == written(new.defaults, new)
        return None if same else "what it gives is otherwise"
    if name == PROFILE_RULE:
        texts = [{n: as_written(t, m) for n, t in m.profile.items()} for m in (old, new)]
        return None if texts[0] == texts[1] else "what it says is otherwise"
    before, after = called(old, name), called(new, name)
    if before is None or after is None:
        return None if before is after else "it was added" if before is None else "it was removed"
    return _of_rules(before, after, written(before.give, old), written(after.give, new))


def but_for_the_condition(old: Mapping, new: Mapping, name: str) -> str | None:
    """Return what is otherwise about a rule beside its condition; None if nothing is."""
    before, after = called(old, name), called(new, name)
    if before is None or after is None:
        return None
    alike = replace(before, when=after.when)
    return _of_rules(alike, after, written(before.give, old), written(after.give, new))


def _of_rules(before: Rule, after: Rule, gave: object, gives: object) -> str | None:
    if before.when != after.when:
        return f"its condition is now {after.when.text}, and was {before.when.text}"
    if gave != gives and before.persona != after.persona:
        return f"its persona is now {after.persona or 'none'}, and was {before.persona or 'none'}"
    if gave != gives:
        bundle = f", or its persona {after.persona}," if after.persona else ""
        return f"what it{bundle} gives is otherwise"
    if before.exclusive != after.exclusive:
        return "what it is exclusive for is otherwise"
    return None


def differing_rules(old: Mapping, new: Mapping) -> dict[str, str]:
    """Return what is otherwise, by rule, in the order of the new mapping; removed rules come last."""
    names = [rule.name for rule in new.rules]
    names += [rule.name for rule in old.rules if rule.name not in names]
    found = {n: rule_difference(old, new, n) for n in (*names, DEFAULTS_RULE, PROFILE_RULE)}
    return {name: said for name, said in found.items() if said is not None}


def written(give: Give, mapping: Mapping) -> object:
    """Return what is given as it can be compared: texts with the tables that they look up."""
    return (
        {name: as_written(value, mapping) for name, value in give.single.items()},
        {name: [as_written(v, mapping) for v in values] for name, values in give.many.items()},
        give.closed,
        dict(give.struck),
    )


def as_written(value: str | bool | PoolRef | AttributeText | None, mapping: Mapping) -> object:
    """Return what is equal for two values if and only if they give the same to everybody."""
    if not isinstance(value, AttributeText):
        return value
    tables: list[tuple[str, Any]] = []
    for name in sorted(value.lookups):
        table = mapping.lookups.get(name)
        tables.append((name, table and (dict(table.values), table.default)))
    return value.text, value.unless, tables


def called(mapping: Mapping, name: str) -> Rule | None:
    """Return the rule of that name; None if there is none."""
    return next((rule for rule in mapping.rules if rule.name == name), None)
