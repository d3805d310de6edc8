"""What a mapping decides about one person, and why: pure, from what each directory says of them.

The rules are read again one by one, as nobody does who plans for a million: so it tells which of them
lost, what the conditions saw, and what would be otherwise without a group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import Any

import msgspec

from connectors.records import Person, fold
from connectors.scim_filter import Compare, Filter, ValuePath
from mappings import Entitlements, Mapping
from mappings.entitlements import MANY, PROFILE_RULE, SINGLE
from mappings.rules import Rule
from mappings.text import AttributeText
from mappings.whereabouts import Whereabouts
from mappings.why import Condition, Finding, said, why
from provisioner.joining import join
from provisioner.plan.explanation import (
    Entitled,
    Lost,
    Membership,
    Moved,
    Reason,
    Said,
    Seen,
    Step,
    Together,
    Used,
    Without,
)
from provisioner.plan.happenings import Parts
from provisioner.plan.wishes import Wish, differences, plain
from provisioner.reads import Uses


class Explainer:
    """Explains one person. `parts`: what each directory that has them says, in the order of config."""

    def __init__(self, mapping: Mapping, where: Whereabouts, uses: Uses, parts: Parts) -> None:
        self.mapping, self.where, self._uses, self._parts = mapping, where, uses, list(parts)
        self.person: Person = reduce(join, [person for _, person in self._parts])
        self._given = mapping.entitlements(self.person)
        self._rules = {rule.name: rule for rule in mapping.rules}

    @property
    def standing(self) -> str:
        """in_scope, out_of_scope or inactive."""
        if self.mapping.in_scope(self.person):
            return "in_scope"
        return "inactive" if self.person.resource.get("active") is False else "out_of_scope"

    def scope(self) -> Reason | None:
        """Return why they are in scope, or not; None where everybody is."""
        return None if self.mapping.scope is None else self.reason(self.mapping.scope)

    def reason(self, filter: Filter) -> Reason:
        """Return what decided whether the filter matches them."""
        return self._reason(why(filter, self.person.resource))

    def _reason(self, finding: Finding) -> Reason:
        if isinstance(finding, Condition):
            return Seen(
                condition=finding.text,
                met=finding.met,
                values=finding.values,
                nearest=finding.nearest,
                from_=tuple(dict.fromkeys(self._told_by(finding))),
            )
        parts = tuple(self._reason(part) for part in finding.parts)
        return Together(how=finding.how, met=finding.met, parts=parts)

    def _told_by(self, condition: Condition) -> Iterator[str]:
        """Yield who told what a condition saw: the directory, and of a group how they are in it."""
        if condition.path.attribute == "groups" and condition.path.uri is None:
            if condition.met is condition.wanted and isinstance(
                condition.test, Compare | ValuePath
            ):
                test = condition.test.compiled()
                for group in self.person.resource.get("groups", ()):
                    if test({"groups": [group]}):
                        yield from map(way, self._paths(_name(group)))
            return
        counts = self._used(condition.path.text, condition.path.values)
        if counts.directory is not None:
            yield counts.directory
        yield from (f"{o.directory} says {', '.join(o.values)}" for o in counts.others if o.values)

    # What the person is

    def attributes(self) -> tuple[Used, ...]:
        """Return every attribute that the mapping reads, but for groups."""
        paths = [path for path in self._uses.paths if path.attribute != "groups"]
        return tuple(self._used(path.text, path.values) for path in paths)

    def _used(self, text: str, values: Callable[[dict[str, Any]], list[Any]]) -> Used:
        counting = tuple(map(said, values(self.person.resource)))
        every = [(name, tuple(map(said, values(p.resource)))) for name, p in self._parts]
        winner = next((name for name, found in every if found and found == counting), None)
        others = tuple(
            Said(name, found) for name, found in every if name != winner and found != counting
        )
        return Used(attribute=text, values=counting, directory=winner, others=others)

    def groups(self) -> tuple[Membership, ...]:
        """Return every group that they are in, by name; those that the mapping asks for first."""
        names = {fold(_name(g)): _name(g) for g in self.person.resource.get("groups", ())}
        found = [
            Membership(group=name, paths=tuple(self._paths(name)), used=self._asks_for(name))
            for _, name in sorted(names.items())
        ]
        return tuple(sorted(found, key=lambda membership: not membership.used))

    def _asks_for(self, name: str) -> bool:
        if self._uses.groups is not None:
            return fold(name) in set(map(fold, self._uses.groups)) or any(
                fold(str(group.get("value"))) in set(map(fold, self._uses.groups))
                for group in self.person.resource.get("groups", ())
                if fold(_name(group)) == fold(name)
            )
        return self._uses.used is None or self._uses.used(name)

    def _paths(self, name: str) -> Iterator[Step]:
        for directory, person in self._parts:
            groups = person.resource.get("groups", ())
            by_value = {group.get("value"): group for group in groups}
            for group in groups:
                if fold(_name(group)) == fold(name):
                    direct = group.get("type") != "indirect"
                    yield Step(directory, direct, tuple(_through(group, by_value)))
                    break

    # What they are given

    def entitlements(self) -> tuple[Entitled, ...]:
        """Return every entitlement that the mapping manages, in the order of DESIGN section 4."""
        losers = self.mapping.losers(self.person)
        names = [
            *SINGLE,
            *MANY,
            *sorted(n for n in self.mapping.managed if n.startswith("profile.")),
        ]
        found: list[Entitled] = []
        for name in names:
            if name in self.mapping.managed:
                lost = [loser for loser in losers if loser.entitlement == name]
                told = [
                    Lost(
                        rule=each.rule,
                        where=self.where.gives(each.rule, name, each.value)[0],
                        value=None if each.value is None else plain(each.value),
                        winner=each.winner,
                        beaten=each.beaten,
                        taken=each.taken,
                    )
                    for each in lost
                ]
                found += self._entitled(name, told)
        return tuple(found)

    def _entitled(self, name: str, lost: Sequence[Lost]) -> Iterator[Entitled]:
        """Yield what is given of one entitlement: a list's values one by one, with the losers of each."""
        given = list(_given(name, self._given))
        missing = [(rule, path) for what, rule, path in self._given.missing if what == name]
        rest = list(lost)
        for number, (value, rule) in enumerate(given, start=1):
            last = name not in MANY or number == len(given)
            theirs = [each for each in rest if last or _same(each, value)]
            rest = [each for each in rest if each not in theirs]
            yield self._one(name, value, rule, theirs)
        for rule, path in missing:
            yield msgspec.structs.replace(self._one(name, None, rule, ()), missing=path)
        if given or missing:
            return
        if (taker := self._given.taken.get(name)) is not None:
            yield msgspec.structs.replace(self._one(name, None, taker, lost), taken=True)
        else:
            yield Entitled(entitlement=name, value=None, lost=tuple(lost))

    def _one(
        self, name: str, value: str | bool | None, rule: str, lost: Iterable[Lost]
    ) -> Entitled:
        where, persona = self.where.gives(rule, name, value)
        asked = self._rules.get(rule)
        return Entitled(
            entitlement=name,
            value=value,
            rule=rule,
            where=where,
            persona=persona,
            because=None if asked is None else self.reason(asked.when),
            takes=tuple(self._takes(name, asked, rule)),
            lost=tuple(lost),
        )

    def _takes(self, name: str, rule: Rule | None, called: str) -> Iterator[str]:
        """Yield which attributes the texts of a rule take for an entitlement, with their values."""
        if called == PROFILE_RULE:
            texts: list[object] = [self.mapping.profile.get(name.removeprefix("profile."))]
        else:
            give = self.mapping.defaults if rule is None else rule.give
            texts = [give.single.get(name), *give.many.get(name, ())]
        for text in texts:
            for path in text.paths if isinstance(text, AttributeText) else ():
                used = self._used(path.text, path.values)
                source = f" ({used.directory})" if used.directory else ""
                yield f"{path.text} {', '.join(used.values) or 'none'}{source}"

    # What would be otherwise

    def without(self) -> tuple[Without, ...]:
        """Return, for each group that they are in, what would be otherwise if they weren't."""
        before = self._given if self.standing == "in_scope" else None
        return tuple(self._without(each.group, before) for each in self.groups())

    def _without(self, name: str, before: Entitlements | None) -> Without:
        person = reduce(join, [out_of(person, name) for _, person in self._parts])
        inside = self.mapping.in_scope(person)
        after = self.mapping.entitlements(person) if inside else None
        moved = () if after is None else tuple(self._moved(before, after))
        return Without(group=name, in_scope=inside, moved=moved)

    def _moved(self, before: Entitlements | None, after: Entitlements | None) -> Iterator[Moved]:
        for each in differences(before, after):
            rule = None if each.after is None else each.after.rule
            yield Moved(
                entitlement=each.entitlement,
                before=None if each.before is None else each.before.value,
                after=None if each.after is None else each.after.value,
                rule=rule,
                where=None if each.after is None else self._place(each.after),
            )

    def _place(self, wish: Wish) -> str:
        return self.where.gives(wish.rule, wish.entitlement, wish.value)[0]


def out_of(person: Person, group: str) -> Person:
    """Return the person without any group of that name, compared without case.

    Nor are they in what they were in through it alone, as far as the directory tells how groups nest.
    """
    held = person.resource.get("groups", ())
    left = [each for each in held if fold(_name(each)) != fold(group)]
    if len(left) == len(held):
        return person
    groups = list(_reached(left))
    resource = {name: value for name, value in person.resource.items() if name != "groups"}
    return Person(person.key, resource | ({"groups": groups} if groups else {}), person.where)


def _reached(groups: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield those of the groups that somebody is in directly, or through another one of them."""
    reached = {each.get("value") for each in groups if "via" not in each}
    rest, before = [each for each in groups if "via" in each], -1
    while len(rest) != before:
        before = len(rest)
        for each in rest:
            if not reached.isdisjoint([each["via"], *each.get("also_via", ())]):
                reached.add(each.get("value"))
        rest = [each for each in rest if each.get("value") not in reached]
    yield from (each for each in groups if each.get("value") in reached)


def way(step: Step) -> str:
    """Return in words how a directory has somebody in a group.

    >>> way(Step("hr", True)), way(Step("ad", False, ("Sales", "Sales Brno")))
    ('hr: direct', 'ad: through Sales, through Sales Brno')
    """
    if step.direct:
        return f"{step.directory}: direct"
    through = ", ".join(f"through {name}" for name in step.through)
    return f"{step.directory}: {through or 'inherited'}"


def _name(group: dict[str, Any]) -> str:
    return str(group.get("display") or group.get("value") or "")


def _through(group: dict[str, Any], by_value: dict[Any, dict[str, Any]]) -> Iterator[str]:
    """Yield the names of the groups through which somebody is in a group, the nearest to it first."""
    seen: set[Any] = set()
    while (via := group.get("via")) is not None and via not in seen:
        seen.add(via)
        inner = by_value.get(via)
        yield str(via) if inner is None else _name(inner)
        if inner is None:
            return
        group = inner


def _given(name: str, given: Entitlements) -> Iterator[tuple[str | bool, str]]:
    if name.startswith("profile."):
        found = given.profile.get(name.removeprefix("profile."))
    else:
        found = given.single.get(name)
    if found is not None:
        yield plain(found.value), found.rule
    yield from given.many.get(name, {}).items()


def _same(lost: Lost, value: str | bool) -> bool:
    return (
        isinstance(lost.value, str) and isinstance(value, str) and fold(lost.value) == fold(value)
    )
