"""What happened to people between two reads of the directories: attributes, groups, comings and goings.

A group that bears another name is told from people who leave one and join another: where the directory
gives groups an id by that, else where everybody left the one and joined the other in the same read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from connectors.records import Person, fold
from connectors.scim_filter import Path, parse_path
from provisioner.reads import Uses

Parts = Sequence[tuple[str, Person]]
"""What each directory says of one person, by the directory's name, in the order of config."""

_ACTIVE = parse_path("active")
"""Whoever becomes inactive leaves, whether the mapping mentions it or not."""
_MANY = 2
"""So many people at least must move together for their move to be a group's new name."""


class Event(NamedTuple):
    """One thing that happened to one person: in words with the values, and (`title`) without.

    `groups`: the names that it is about; `path`: the attribute. Of a coming or a going both are empty.
    """

    because: str
    title: str
    groups: tuple[str, ...] = ()
    path: Path | None = None


def events_of(
    people: Iterable[tuple[str, Parts, Parts]],
    uses: Uses,
    members: Callable[[str, str], int | None],
) -> dict[str, list[Event]]:
    """Return what happened to each of the people (folded key, old and new parts) between two reads.

    Only of attributes and groups that the mapping uses; whoever nothing happened to isn't in it. Groups
    come first, because they are what most rules are about. `members` gives how many a directory's
    group has now, None where nobody counted.
    """
    events: dict[str, list[Event]] = {}
    left: dict[tuple[str, str], list[tuple[str, frozenset[str]]]] = defaultdict(list)
    for key, old, new in people:
        found = list(_happened(old, new, uses))
        if not found:
            continue
        events[key] = found
        for directory, was, now in _both(old, new):
            gone, joined = _moved(was, now)
            for group in gone & _used(was, uses):
                left[directory, group].append((key, joined))
    for (directory, group), leavers in sorted(left.items()):
        common = frozenset.intersection(*(joined for _, joined in leavers))
        if len(common) == 1 and len(leavers) >= _MANY and members(directory, group) == 0:
            for key, _ in leavers:
                events[key] = _seeming(events[key], group, next(iter(common)), directory)
    return events


def _seeming(events: Sequence[Event], before: str, after: str, directory: str) -> list[Event]:
    """Return events in which a group bears another name, for its being left and the other one joined."""
    left, joined = (
        _said_of(verb, g, directory) for verb, g in (("left", before), ("joined", after))
    )
    if left not in [event.title for event in events]:
        return list(events)  # its id has told that already
    said = f"group {before} seems to be renamed to {after} ({directory})"
    rest = [event for event in events if event.title not in (left, joined)]
    return [Event(said, said, (before, after)), *rest]


def _said_of(verb: str, group: str, directory: str) -> str:
    return f"{verb} group {group} ({directory})"


def _both(old: Parts, new: Parts) -> Iterator[tuple[str, Person, Person]]:
    """Yield the directories that have a person in both reads, by name."""
    before, after = dict(old), dict(new)
    for name in sorted(before.keys() & after.keys()):
        yield name, before[name], after[name]


def _happened(old: Parts, new: Parts, uses: Uses) -> Iterator[Event]:
    before, after = dict(old), dict(new)
    for name in sorted(before.keys() ^ after.keys()):
        said = f"new in {name}" if name in after else f"no longer in {name}"
        yield Event(said, said)
    for name, was, now in _both(old, new):
        yield from _groups(was, now, name, uses)
        yield from _attributes(was, now, name, uses)


def _groups(old: Person, new: Person, directory: str, uses: Uses) -> Iterator[Event]:
    renamed, used = dict(_renamed(old, new)), _used(old, uses) | _used(new, uses)
    for before, after in sorted(renamed.items()):
        if before in used or after in used:
            said = f"group {before} was renamed to {after} ({directory})"
            yield Event(said, said, (before, after))
    settled = {*renamed, *renamed.values()}
    left, joined = _moved(old, new)
    for verb, names in (("joined", joined), ("left", left)):
        for group in sorted((names & used) - settled):
            said = _said_of(verb, group, directory)
            yield Event(said, said, (group,))


def _renamed(old: Person, new: Person) -> Iterator[tuple[str, str]]:
    """Yield the groups that a directory's own ids show to have another name."""
    known = {group.get("value"): str(group.get("display")) for group in _of(old)}
    for group in _of(new):
        value, name = group.get("value"), str(group.get("display"))
        before = known.get(value)
        if before is not None and before != name and before != value:
            yield before, name


def _moved(old: Person, new: Person) -> tuple[frozenset[str], frozenset[str]]:
    """Return the groups that somebody left, and those that they joined."""
    held, now = ({str(g.get("display")) for g in _of(person)} for person in (old, new))
    return frozenset(held - now), frozenset(now - held)


def _of(person: Person) -> Iterable[dict[str, Any]]:
    groups: Iterable[dict[str, Any]] = person.resource.get("groups", ())
    return groups


def _used(person: Person, uses: Uses) -> frozenset[str]:
    """Return the names of a person's groups that the mapping asks for, by their name or their id."""
    if uses.groups is None:
        return frozenset(str(group.get("display")) for group in _of(person))
    asked = _folded(uses.groups)
    return frozenset(
        str(group.get("display"))
        for group in _of(person)
        if fold(str(group.get("display"))) in asked or fold(str(group.get("value"))) in asked
    )


@lru_cache(maxsize=16)
def _folded(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(fold, names))


def _attributes(old: Person, new: Person, directory: str, uses: Uses) -> Iterator[Event]:
    for path in uses.paths if _ACTIVE in uses.paths else (_ACTIVE, *uses.paths):
        if path.attribute == "groups":
            continue
        before, after = path.values(old.resource), path.values(new.resource)
        if before != after:
            name = path.text.rsplit(":", 1)[-1]
            yield Event(
                f"{name} changed from {_said(before)} to {_said(after)} ({directory})",
                f"{name} changed ({directory})",
                path=path,
            )


def _said(values: list[Any]) -> str:
    return ", ".join(str(v).lower() if isinstance(v, bool) else str(v) for v in values) or "none"
