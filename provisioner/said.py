"""What the directories said of those whom a plan is about, and say now: what its reasons are found in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from provisioner.calling import Callings, meanings_of
from provisioner.joining import People
from provisioner.memory import Memory
from provisioner.plan.differences import Differences
from provisioner.plan.happenings import Parts
from provisioner.plan.meanings import Meanings
from provisioner.protecting import delegators_of_leavers
from provisioner.store.entries import known_entries
from provisioner.wiring import Wired


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of people, by folded key; `directories` in the order of config.

    `delegators`: the folded keys of those who have a leaver as a delegate, by their phone user's id.
    `delegates`: people who are in a plan only as somebody's delegates.
    """

    people: People
    directories: tuple[str, ...]
    delegators: Mapping[str, str]
    meanings: Meanings
    delegates: Callings | None
    _old: Mapping[str, Parts]
    _last: Mapping[str, Parts]
    _at: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """The folded keys of whomever anything was said of."""
        return {*self._old, *self._last}

    def old(self, key: str) -> Parts:
        """Return what each directory said at its last accepted read."""
        order = self.directories
        parts = self._old.get(key, ())
        return sorted(parts, key=lambda p: order.index(p[0]) if p[0] in order else len(order))

    def last(self, key: str) -> Parts:
        """Return the same, and what was ever said of who is bound, though gone by now."""
        return self._last.get(key, ())

    def new(self, key: str) -> Parts:
        """Return what each directory says now."""
        at = self._at.get(key, self.people.number.get(key))
        if at is not None:
            return self.people.parts(at)
        others = None if self.delegates is None else self.delegates.people
        at = None if others is None else others.number.get(key)
        return [] if others is None or at is None else others.parts(at)


def said_of(
    connection: Connection,
    wired: Wired,
    people: People,
    differences: Differences,
    memory: Memory,
    delegates: Callings | None = None,
) -> Said:
    """Return what was and is said of those who differ; before adoption nobody asks what was."""
    sync, directories = wired.sync.name, tuple(each.name for each in wired.directories)
    asked = memory.adopted or wired.protected is not None
    keys = {case.key for case in differences.cases} if asked else set()
    delegators: dict[str, str] = {}
    if wired.protected is not None:
        delegators = delegators_of_leavers(connection, sync, differences, people)
    meanings: Meanings = {}
    if memory.adopted and "delegates" in wired.mapping.managed:
        known = people if delegates is None else delegates.people
        meanings = meanings_of(connection, sync, differences, known, directories)
    keys.update(delegators.values())
    keys.update(key for meant in meanings.values() for key in meant if key is not None)
    return Said(
        people=people,
        directories=directories,
        delegators=delegators,
        meanings=meanings,
        delegates=delegates,
        _old=known_entries(connection, sync, keys),
        _last=known_entries(connection, sync, keys, gone=True),
        _at={case.key: case.at for case in differences.cases},
    )
