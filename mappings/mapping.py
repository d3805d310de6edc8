"""A mapping: who should have what, as one value that answers for one person after another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from connectors.records import Person
from connectors.scim_filter import And, Compare, Filter, Node, Not, Or, Path, ValuePath
from mappings.dates import Dates, Leave
from mappings.entitlements import Entitlements, PoolRef
from mappings.evaluate import Evaluator
from mappings.lookups import Lookup
from mappings.losers import losers
from mappings.rules import Give, Leavers, Loser, Persona, Rule
from mappings.text import AttributeText
from mappings.where import Where


@dataclass(frozen=True, eq=False)
class Mapping:
    """A mapping file's content, checked.

    `sha256` is `sha256:…` of the content, whatever its comments and the order of its keys. `join` is
    matched with a phone user's key the first time, None: work email with email. `managed` names all
    entitlements that the mapping mentions anywhere, profile attributes as `profile.display_name`.
    `rules` are in their order, which is also the priority of claims on what runs short. `personas`
    and `lookups` by name, as written; `file` is the mapping's own, as it was given, and
    `parts` says where `scope`, `defaults`, `profile`, `leave`, `existing_account` and `lookups.NAME`
    stand in it.
    `places`: by kind (`room`, `common_area`) a mapping of its own, whose rules are over phone users.
    `existing_account` matches whoever has a paid account of their own with the phone system's vendor.
    `dates` and `leave` say who is not here yet, no longer or not now; what a filter or a rule says of
    them, and `in_scope`, knows nothing of that (provisioner/plan/calendar.py).
    """

    sha256: str
    join: Path | None
    scope: Filter | None
    leavers: Leavers
    unmanaged: Literal["report", "remove"]
    defaults: Give
    profile: Dict[str, str | AttributeText]
    rules: tuple[Rule, ...]
    managed: frozenset[str]
    personas: Dict[str, Persona] = field(default_factory=dict)
    lookups: Dict[str, Lookup] = field(default_factory=dict)
    file: str = ""
    existing_account: Filter | None = None
    places: Dict[str, Mapping] = field(default_factory=dict)
    parts: Dict[str, Where] = field(default_factory=dict)
    dates: Dates | None = None
    leave: Leave | None = None

    def in_scope(self, person: Person) -> bool:
        """Tell whether the person is in scope; one whom the directory calls inactive never is."""
        return self._evaluator.in_scope(person.resource)

    def entitlements(self, person: Person) -> Entitlements:
        """Return what the person should have, as if in scope; equal decisions are the same objects."""
        return self._evaluator.entitlements(person.resource)

    def losers(self, person: Person) -> tuple[Loser, ...]:
        """Return what rules that match the person would have given and didn't, from the top.

        Works everything out anew: meant for one person about whom somebody asks.
        """
        return tuple(losers(self.rules, self.defaults, person.resource))

    @cached_property
    def sha256_with_lines(self) -> str:
        """`sha256:…` of what it says and where its rules stand: reasons name their lines."""
        gives = (self.defaults, *(rule.give for rule in self.rules))
        places = [
            self.sha256,
            *(str(rule.where and rule.where.short) for rule in self.rules),
            *(w.short for give in gives for at in give.places.values() for w in at),
        ]
        return f"sha256:{hashlib.sha256(chr(10).join(places).encode()).hexdigest()}"

    def where(self, rule: str) -> Where | None:
        """Return where the rule of that name stands; None for `defaults` and `profile`."""
        return self._places.get(rule)

    @cached_property
    def _places(self) -> dict[str, Where | None]:
        return {rule.name: rule.where for rule in self.rules}

    def rule_in_words(self, name: str, entitlement: str) -> str:
        """Return a rule's name with the place where it gives an entitlement: `rule all (emea.yaml:14)`."""
        rule = next((rule for rule in self.rules if rule.name == name), None)
        where = None if rule is None else rule.place_of(entitlement)
        return f"rule {name} ({where.short})" if where is not None else f"rule {name}"

    @cached_property
    def uses_paths(self) -> frozenset[Path]:
        """Every attribute that a filter, a text or `join` reads."""
        paths = {path for text in self.texts() for path in text.paths}
        paths.update(path for each in self._filters() for path in each.paths)
        paths.update(self.dates.paths if self.dates else ())
        return frozenset(paths | {self.join} if self.join else paths)

    @cached_property
    def managed_anywhere(self) -> frozenset[str]:
        """What is managed of persons, or of any kind of place."""
        return self.managed.union(*(each.managed for each in self.places.values()))

    @cached_property
    def uses_groups(self) -> frozenset[str] | None:
        """The groups that decide something, as their names are written in comparisons with `eq`.

        None where any group may: another operator, or a text that takes groups.
        """
        names: set[str] = set()
        if any(_is_groups(path) for text in self.texts() for path in text.paths):
            return None
        for each in self._filters():
            for name in _groups(each.tree):
                if name is None:
                    return None
                names.add(name)
        return frozenset(names)

    @cached_property
    def names_numbers(self) -> bool:
        """Whether a rule, or the defaults, gives a direct number itself rather than one of a pool."""
        gives = (self.defaults, *(rule.give for rule in self.rules))
        values = (give.single.get("number") for give in gives)
        return any(value is not None and not isinstance(value, PoolRef) for value in values)

    @cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(self.scope, self.rules, self.defaults, self.profile)

    def _filters(self) -> Iterator[Filter]:
        leave = None if self.leave is None else self.leave.when
        yield from (each for each in (self.scope, self.existing_account, leave) if each)
        yield from (rule.when for rule in self.rules)

    def texts(self) -> Iterator[AttributeText]:
        """Yield everything that takes a person's attributes, what defaults and personas give included."""
        for give in (self.defaults, *(rule.give for rule in self.rules)):
            yield from give.texts()
        yield from (text for text in self.profile.values() if isinstance(text, AttributeText))


def _is_groups(path: Path) -> bool:
    return path.uri is None and path.attribute == "groups"


def _groups(node: Node) -> Iterator[str | None]:
    """Yield the groups that a filter names; None for a test that some unnamed group may pass."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _groups(part)
    elif isinstance(node, Not):
        yield from _groups(node.part)
    elif _is_groups(node.path):
        inner = [node.part] if isinstance(node, ValuePath) else [node, node.path.part]
        yield from (_group(each) for each in inner if each is not None)


def _group(test: Node) -> str | None:
    """Return the name that a test of one group compares it with; None if it isn't such a test."""
    if not isinstance(test, Compare) or test.op != "eq" or not isinstance(test.value, str):
        return None
    name = test.path.sub or test.path.attribute
    return test.value if name in ("display", "value", "groups") else None
