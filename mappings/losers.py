"""Losers: what matching rules would have given and didn't, worked out when somebody asks.

Every entitlement remembers the rule that won; which rules lost to it, and how, is found here by
walking the same chain again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from connectors.records import fold
from mappings.entitlements import DEFAULTS_RULE
from mappings.rules import Beaten, Give, Loser, Many, Rule, fill, fill_listed, matching


def losers(rules: Iterable[Rule], defaults: Give, resource: dict[str, Any]) -> Iterator[Loser]:
    """Yield what matching rules would have given or taken and didn't, from the top.

    In a list a value loses if it was there already, and a default below any rule that mentions it.
    """
    rules = tuple(rules)
    chain = _Chain({rule.name: rule.exclusive for rule in rules})
    for rule, give in matching(rules, defaults, resource):
        for name, value in give.single.items():
            winner, beaten = chain.first(name, rule, takes=value is None)
            if winner != rule:
                yield Loser(name, rule, fill(name, value, resource), winner, beaten, value is None)
        for name, values in give.many.items():
            yield from chain.listed(name, rule, values, resource)
        chain.end(rule, give)


class _Chain:
    """What was decided so far, and by whom."""

    def __init__(self, exclusive: dict[str, frozenset[str]]) -> None:
        self._exclusive = exclusive
        self._won: dict[str, str] = {}
        self._took: set[str] = set()
        self._listed: dict[tuple[str, str], str] = {}
        self._closed: dict[str, str] = {}
        self._struck: dict[tuple[str, str], str] = {}

    def first(self, name: str, rule: str, *, takes: bool) -> tuple[str, Beaten]:
        """Return who decided a single value, this rule if nobody did before; and how."""
        won = self._won.get(name)
        if won is None and name in self._closed:
            return self._by_closing(name)
        if won is None:
            self._won[name] = won = rule
            if takes:
                self._took.add(name)
        return won, "took" if name in self._took else "gave"

    def _by_closing(self, name: str) -> tuple[str, Beaten]:
        closer = self._closed[name]
        return closer, "exclusive" if name in self._exclusive.get(closer, ()) else "took"

    def listed(
        self, name: str, rule: str, values: Iterable[Many], resource: dict[str, Any]
    ) -> Iterator[Loser]:
        """Yield the losers among the values that a rule gives to a list."""
        closed = self._by_closing(name) if name in self._closed else None
        decider = rule if closed else self._won.setdefault(name, rule)
        for value in values:
            text, given = fill_listed(value, resource)
            if closed:
                yield Loser(name, rule, text, *closed)
            elif rule == DEFAULTS_RULE != decider:
                yield Loser(name, rule, text, decider)
            elif text is not None and (taker := self._struck.get((name, fold(text)))) is not None:
                yield Loser(name, rule, text, taker, "took")
            elif text is not None and given:
                winner = self._listed.setdefault((name, fold(text)), rule)
                if winner != rule:
                    yield Loser(name, rule, text, winner)

    def end(self, rule: str, give: Give) -> None:
        """Note what a rule leaves to nobody after it."""
        for name in give.closed:
            self._closed.setdefault(name, rule)
        for name, values in give.struck.items():
            for value in values:
                self._struck.setdefault((name, value), rule)
