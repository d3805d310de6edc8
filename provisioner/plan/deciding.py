"""What a mapping decides about the very thing that a change is about, and what of a person it reads for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from connectors.records import Person, fold
from connectors.scim_filter import Compare, Filter, Path
from mappings import Mapping
from mappings.text import AttributeText
from provisioner.plan.draft import Draft
from provisioner.plan.families import entitlements_of
from provisioner.plan.happenings import Event
from provisioner.plan.wishes import Wish, wishes

Decided = frozenset[tuple[str, str]] | None
"""Entitlements with their folded values; None for whoever is out of scope."""


class Reads(NamedTuple):
    """The attributes, and the names of groups (None: any group), that decide about an entitlement."""

    paths: frozenset[Path]
    groups: frozenset[str] | None


class Deciding:
    """Asks one mapping about drafts."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self._reads: dict[frozenset[str], Reads] = {}

    def decided(self, person: Person | None, draft: Draft) -> Decided:
        """Return what is decided for a person about what a draft is about; None out of scope.

        Of packages only those that the draft gives or takes.
        """
        if person is None or not self.mapping.in_scope(person):
            return None
        named = {fold(value) for value in (draft.before, draft.after) if isinstance(value, str)}
        return frozenset(
            (wish.entitlement, folded)
            for wish in self._wishes(person, draft)
            for folded in [fold(str(wish.value))]
            if wish.entitlement != "packages" or wish.stays or folded in named
        )

    def rule(self, person: Person | None, draft: Draft) -> str | None:
        """Return the rule that gives what a draft gives, or what it takes; None if none does."""
        if person is None or not self.mapping.in_scope(person):
            return None
        found = list(self._wishes(person, draft))
        for value in (draft.after, draft.before):
            for wish in found:
                if isinstance(value, str) and fold(str(wish.value)) == fold(value):
                    return wish.rule
        single = [wish.rule for wish in found if wish.entitlement not in ("packages", "delegates")]
        return next(iter(single), None)

    def _wishes(self, person: Person, draft: Draft) -> Iterator[Wish]:
        names = entitlements_of(draft.kind, draft.after)
        given = self.mapping.entitlements(person) if names else None
        yield from (wish for wish in wishes(given) if wish.entitlement in names)

    def concerns(self, event: Event, draft: Draft) -> bool:
        """Return whether what happened to a person is of what decides about a draft.

        About what is taken from a leaver only decides what makes them one.
        """
        inside = draft.case.standing == "in_scope"
        names = entitlements_of(draft.kind, draft.after) if inside else frozenset[str]()
        if names not in self._reads:
            self._reads[names] = self._read_for(names)
        reads = self._reads[names]
        if event.path is not None:
            return event.path in reads.paths or event.path.text == "active"
        if not event.groups or reads.groups is None:
            return True
        return not reads.groups.isdisjoint(map(fold, event.groups))

    def _read_for(self, names: frozenset[str]) -> Reads:
        mapping = self.mapping
        filters = [
            rule.when for rule in mapping.rules if names & (rule.give.names | rule.give.closed)
        ]
        filters += [mapping.scope] if mapping.scope is not None else []
        texts = [
            text
            for give in (mapping.defaults, *(rule.give for rule in mapping.rules))
            for name in names
            for text in (give.single.get(name), *give.many.get(name, ()))
        ]
        texts += [mapping.profile.get(name.removeprefix("profile.")) for name in names]
        taken = [text for text in texts if isinstance(text, AttributeText)]
        paths = {path for each in filters for path in each.paths}
        paths |= {path for text in taken for path in text.paths}
        paths |= set(mapping.dates.paths) if mapping.dates else set()
        if any(path.attribute == "groups" for text in taken for path in text.paths):
            return Reads(frozenset(paths), None)
        return Reads(frozenset(paths), _groups(filters))


def _groups(filters: list[Filter]) -> frozenset[str] | None:
    """Return the folded names of the groups that filters ask for; None where any group may be meant."""
    names: set[str] = set()
    for test in (test for each in filters for test in each.tests):
        if test.path.attribute == "groups" and test.path.uri is None:
            if not isinstance(test, Compare) or test.op != "eq" or not isinstance(test.value, str):
                return None
            names.add(fold(test.value))
    return frozenset(names)
