"""By whom the phone system was changed, as far as its own log of operations tells.

An entry counts for a change only if its text names that phone user and nobody else can be meant
(mentions.py), if it was made since the last full plan, and if it isn't our own doing. The latest that is
about the very thing did it; one of which nobody knows what it is about is told as it stands.
Pure: what was found in the log is handed in.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from connectors.operations import Operation
from connectors.records import Change, PhoneUser, fold
from provisioner.memory import Memory
from provisioner.plan.causes import GONE, MOVED
from provisioner.plan.clusters import cluster
from provisioner.plan.content import contents_of
from provisioner.plan.mentions import Mark, mentions, name_mark, number_mark
from provisioner.plan.model import Plan

NEAR = timedelta(minutes=1)
"""As far apart may our own write and its entry be: two clocks, and a batch on its way."""
_SECOND = timedelta(seconds=1)
_LONGEST = 160
"""Characters of an entry's text that a reason shows."""
_ACCOUNT = frozenset({"license", "user"})
"""Families of our own writes that take or give more than themselves."""


class Written(NamedTuple):
    """One write of our own: of whom (folded key), its family, and when it was done."""

    key: str
    family: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of who changed the phone system.

    `log` is the vendor's name. `operations` are in any order; those count that were made from `since`
    until `until`. `written`: our own writes since then. `people`: phone users as they are now, by folded
    key. `shared_names`: folded display names that several in the account have.
    """

    log: str
    operations: Sequence[Operation]
    since: datetime
    until: datetime
    written: Sequence[Written] = ()
    people: Mapping[str, PhoneUser] = field(default_factory=dict)
    shared_names: Collection[str] = ()


class _Found(NamedTuple):
    """An entry that names somebody; `sure`: it is about the very thing that changed."""

    operation: Operation
    sure: bool


def unexplained(plan: Plan, memory: Memory) -> list[Change]:
    """Return what drifted since the last full plan; what that one held keeps the reason it had."""
    return [
        change
        for change in (*plan.changes, *plan.blocked, *plan.waiting)
        if change.cause == "drift"
        and (change.because == GONE or change.because.startswith(MOVED))
        and not any(content in memory.reasons for content in contents_of(change))
    ]


def with_operators(plan: Plan, changes: Collection[Change], evidence: Evidence) -> Plan:
    """Return the plan with what the log tells of these changes of its (`unexplained`).

    Its base covers what was told: the same base gives the same plan. Where nothing is, plan and base
    stay as they are.
    """
    search = _Search(changes, evidence)
    asked = set(map(_which, changes))
    titles = {each.id: each.title for each in plan.clusters}
    told: list[str] = []

    def said(change: Change) -> tuple[Change, str]:
        title = titles.get(change.cluster, "")
        found = search.found(change) if _which(change) in asked else None
        if found is None:
            return change, title
        because, title = _in_words(change, found, evidence.log, title)
        told.append(because)
        return msgspec.structs.replace(change, because=because), title

    numbered = [said(change) for change in plan.changes]
    blocked, waiting = ([said(c)[0] for c in each] for each in (plan.blocked, plan.waiting))
    if not told:
        return plan
    clusters, ordered = cluster(numbered)
    digest = hashlib.sha256("\n".join((plan.base.memory, *told)).encode()).hexdigest()
    return msgspec.structs.replace(
        plan,
        base=msgspec.structs.replace(plan.base, memory=f"sha256:{digest}"),
        clusters=clusters,
        changes=ordered,
        blocked=tuple(blocked),
        waiting=tuple(waiting),
    )


class _Search:
    """Looks the changes up among the entries that may be meant."""

    def __init__(self, changes: Collection[Change], evidence: Evidence) -> None:
        self._evidence = evidence
        self._people = evidence.people
        self._renumbered = {fold(c.key) for c in changes if c.kind == "extension.set"}
        since, until = evidence.since - _SECOND, evidence.until + _SECOND  # they are to the second
        self._by_mark: dict[Mark, list[int]] = defaultdict(list)
        self._entries = sorted(
            (o for o in evidence.operations if since < o.at < until), key=lambda o: o.at
        )
        self._marks = [mentions(operation.detail) for operation in self._entries]
        for number, marks in enumerate(self._marks):
            for mark in marks:
                self._by_mark[mark].append(number)
        self._written: dict[str, list[Written]] = defaultdict(list)
        for write in evidence.written:
            self._written[write.key].append(write)
        self._ours = self._own_operators(changes)

    def found(self, change: Change) -> _Found | None:
        """Return the entry that tells most of a change, None if none does."""
        family = change.kind.partition(".")[0]
        since = max(
            (
                write.at - _SECOND
                for write in self._written.get(fold(change.key), ())
                if write.family == family or write.family in _ACCOUNT
            ),
            default=None,
        )
        sure = unsure = None
        for number in self._naming(change):
            entry = self._entries[number]
            if fold(entry.operator) in self._ours or (since is not None and entry.at <= since):
                continue
            if entry.about is None or (family in entry.about and not self._fits(number, change)):
                unsure = entry
            elif family in entry.about:
                sure = entry
        found = sure or unsure
        return None if found is None else _Found(found, found is sure)

    def _naming(self, change: Change) -> list[int]:
        """Return the entries that name a change's person, the oldest first.

        In one with somebody else's address a name or an extension number may be theirs, as it was then.
        """
        found: set[int] = set()
        for mark in self._named_by(change):
            by_itself = mark.kind in ("mail", "number")
            entries = self._by_mark.get(mark, ())
            found.update(n for n in entries if by_itself or not self._mails(n))
        return sorted(found)

    def _mails(self, number: int) -> frozenset[Mark]:
        return frozenset(mark for mark in self._marks[number] if mark.kind == "mail")

    def _named_by(self, change: Change) -> Iterator[Mark]:
        key = fold(change.key)
        user = self._people.get(key)
        mails = {change.user, (user and user.email) or ""}
        yield from (Mark("mail", fold(mail)) for mail in mails if "@" in mail)
        if change.kind == "extension.set":
            yield from (Mark("extension", value) for value in _values(change))
        elif user is not None and user.extension_number and key not in self._renumbered:
            yield Mark("extension", user.extension_number)
        yield from self._concerned(change)
        name = None if user is None else name_mark(user.display_name)
        if name is not None and name.text not in self._evidence.shared_names:
            yield name

    def _concerned(self, change: Change) -> Iterator[Mark]:
        if change.kind.startswith("number."):
            yield from map(number_mark, _values(change))

    def _fits(self, number: int, change: Change) -> bool:
        """Return whether an entry about the right kind of thing isn't about another one of the kind."""
        marks = self._marks[number]
        if change.kind.startswith("delegate."):
            return any(Mark("mail", fold(value)) in marks for value in _values(change))
        if change.kind == "delegation.set":  # of several people it may be another one's
            return len(self._mails(number)) <= 1
        if change.kind.startswith("number."):
            numbers = {mark for mark in marks if mark.kind == "number"}
            return not numbers or not numbers.isdisjoint(self._concerned(change))
        return True

    def _own_operators(self, changes: Iterable[Change]) -> frozenset[str]:
        """Return, folded, whom the log names for our own writes: whose entry is the nearest to one.

        Where several are equally near, and none of them is known from another write, all of them are.
        """
        nearest = [found for found in self._nearest(changes) if found]
        ours = frozenset[str]().union(*(found for found in nearest if len(found) == 1))
        return ours.union(*(found for found in nearest if ours.isdisjoint(found)))

    def _nearest(self, changes: Iterable[Change]) -> Iterator[frozenset[str]]:
        """Yield, for each write of our own, the operators of the entries that may be it."""
        if not self._written:
            return
        for change in {fold(c.key): c for c in changes}.values():
            naming = [self._entries[number] for number in self._naming(change)]
            for write in self._written.get(fold(change.key), ()):
                near = [
                    (abs(entry.at - write.at.replace(microsecond=0)), fold(entry.operator))
                    for entry in naming
                    if entry.about is None or write.family in entry.about
                ]
                least = min((apart for apart, _ in near), default=NEAR + _SECOND)
                yield frozenset(who for apart, who in near if apart == least <= NEAR)


def _in_words(change: Change, found: _Found, log: str, title: str) -> tuple[str, str]:
    """Return a change's reason and its cluster's title, as an entry has it."""
    operation = found.operation
    at = operation.at.astimezone(UTC)
    day = f"{at.day} {at:%B}"
    moment, detail = f"{day} {at:%H:%M} UTC", _shortened(operation.detail)
    if not found.sure:
        entry = f"{operation.operator} on {moment}: {detail}"
        return f"{change.because}; {log}'s operation log has: {entry}", title
    because = change.because
    if because.startswith(MOVED):
        because = f"the phone system changed: {because.removeprefix(MOVED)}"
    by = f'by {operation.operator} on {moment} ("{detail}")'
    return f"{because}; {by}", f"changed in {log} by {operation.operator} on {day}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"


def _values(change: Change) -> list[str]:
    return [value for value in (change.before, change.after) if isinstance(value, str)]


def _which(change: Change) -> str:
    return contents_of(change)[0]
