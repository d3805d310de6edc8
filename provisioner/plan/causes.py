"""Why each change is there: the person's data changed, the mapping did, or the phone system moved.

What decides about the very thing that changes is asked again with the data of the last read, and with
the mapping of the last plan: whichever makes the difference is the cause. Where neither does, the phone
system moved. A change keeps the reason that it was first planned for as long as it is due, because the
next read no longer shows what has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from connectors.records import ACTIVATED, Cause, Person, Value
from mappings import Mapping
from mappings.differing import but_for_the_condition, called, differing_rules
from provisioner.memory import Memory, Reason
from provisioner.plan.deciding import Deciding
from provisioner.plan.draft import Draft
from provisioner.plan.families import entitlements_of
from provisioner.plan.happenings import Event, Parts, events_of
from provisioner.plan.meanings import Meanings, by_delegate
from provisioner.plan.protection import known_as
from provisioner.reads import Uses

MOVED = "the phone system moved by itself: "
GONE = "the phone user is no longer there"
"""How the reasons of drift begin."""
NOT_ACCEPTED = "the invitation has not been accepted yet"
_MOST = 3
"""Events that a reason tells."""

_STANDING = {
    "inactive": "inactive in the directory",
    "out_of_scope": "out of the mapping's scope",
    "unmanaged": "a phone user of nobody in the directories",
    "gone": "no longer in the directory",
    "early": "starts later",
    "ended": "past the end date",
    "on_leave": "on leave",
}


@dataclass(frozen=True, slots=True)
class Grounds:
    """What reasons are found in.

    `contents` are what a decision about a draft is, or was, bound to. `old` and `new` give what the
    directories said of a folded key at the last accepted read, and say now. `earlier`: the mapping of
    the last plan, None where it is the same, or isn't known any more. `members`: how many a directory's
    group has now, None where nobody counted. `directories` are in the order of config. `meanings`: what
    delegates' names meant, and mean.
    """

    memory: Memory
    contents: Callable[[Draft], Sequence[str]]
    old: Callable[[str], Parts]
    new: Callable[[str], Parts]
    uses: Uses
    mapping: Mapping
    earlier: Mapping | None = None
    members: Callable[[str, str], int | None] = lambda directory, group: None  # noqa: ARG005
    directories: Sequence[str] = ()
    meanings: Meanings = field(default_factory=dict)


def find_causes(drafts: Iterable[Draft], grounds: Grounds) -> None:
    """Set each draft's cause, because and cluster title."""
    memory, asked = grounds.memory, list[Draft]()
    for draft in drafts:
        known = (memory.reasons.get(content) for content in grounds.contents(draft))
        reason = next((each for each in known if each is not None), None)
        if reason is None or _no_longer_first(reason, draft, memory):
            asked.append(draft)
        else:
            _set(draft, reason)
    finder = _Finder(grounds, asked)
    for draft in asked:
        _set(draft, finder.reason(draft))


def _set(draft: Draft, reason: Reason) -> None:
    draft.cause, draft.because, draft.title = reason.cause, reason.because, reason.title


class _Finder:
    def __init__(self, grounds: Grounds, drafts: Iterable[Draft]) -> None:
        self._grounds = grounds
        self._now = Deciding(grounds.mapping)
        self._earlier = None if grounds.earlier is None else Deciding(grounds.earlier)
        known = grounds.memory.mapping
        self._mapping_changed = known is not None and known != grounds.mapping.sha256
        self._differing: dict[str, str] = {}
        self._beside_conditions: dict[str, str | None] = {}
        if grounds.earlier is not None:
            self._differing = differing_rules(grounds.earlier, grounds.mapping)
        keys = dict.fromkeys(d.case.key for d in drafts) if grounds.memory.adopted else {}
        people = ((key, grounds.old(key), grounds.new(key)) for key in keys)
        self._events = events_of(people, grounds.uses, grounds.members)

    def reason(self, draft: Draft) -> Reason:
        standing = draft.case.standing
        if draft.kind == "welcome.resend":  # time has passed, and nothing else
            return Reason("directory", *_twice(NOT_ACCEPTED))
        if not self._grounds.memory.adopted:
            return Reason("first_run", *_twice(f"first run: {_why_at_first(draft)}"))
        if standing == "unmanaged":
            return Reason("drift", *_twice(_STANDING[standing]))
        events = self._events.get(draft.case.key, [])
        relevant = [event for event in events if self._now.concerns(event, draft)]
        if events and self._by_data(draft, relevant):
            return _happened(relevant or events)
        if (day := _day(draft)) is not None:
            return Reason("directory", *_twice(day))
        if standing == "gone":
            return Reason("directory", *_twice(_STANDING[standing]))
        told = self._grounds
        moved = by_delegate(draft, told.meanings, told.old, told.new, told.directories)
        if moved is not None:
            return moved
        if self._mapping_changed and (said := self._by_mapping(draft)) is not None:
            return Reason("mapping", *_twice(f"the mapping changed: {said}"))
        return _drifted(draft)

    def _by_data(self, draft: Draft, relevant: Sequence[Event]) -> bool:
        """Return whether what the directories said before would have given something else than now."""
        if relevant and draft.case.standing != "in_scope":
            return True
        if not entitlements_of(draft.kind, draft.after) and not self._mapping_changed:
            return True  # of the account itself: whoever comes, goes or is let in
        before = known_as(self._grounds.old(draft.case.key), self._grounds.directories)
        return self._now.decided(before, draft) != self._now.decided(self._person(draft), draft)

    def _by_mapping(self, draft: Draft) -> str | None:
        """Return in words what is otherwise in the mapping, None if that makes no difference."""
        person = self._person(draft)
        if self._earlier is None or person is None:
            return f"rule {draft.rule}" if draft.rule else "no rule gives it any more"
        before, now = self._earlier.decided(person, draft), self._now.decided(person, draft)
        if before == now:
            return None
        if (before is None) is not (now is None):
            return "its scope is otherwise"
        was, becomes = self._earlier.rule(person, draft), self._now.rule(person, draft)
        for name in (becomes, was):
            if name is not None and name in self._differing:
                return f"rule {name}: {self._otherwise(name, person)}"
        others = [name for name in self._differing if self._speaks_of(name, draft)]
        if others:
            return f"rule {others[0]}: {self._differing[others[0]]}"
        if becomes is not None and was is not None and becomes != was:
            return f"rule {becomes} now comes before rule {was}"
        return f"rule {draft.rule}" if draft.rule else "no rule gives it any more"

    def _otherwise(self, name: str, person: Person) -> str:
        """Return what is otherwise about a rule: not its condition, if that comes out alike for a person."""
        earlier, now = self._grounds.earlier, self._grounds.mapping
        assert earlier is not None
        rules = [rule for m in (earlier, now) if (rule := called(m, name)) is not None]
        matched = {rule.when.matches(person.resource) for rule in rules}
        if len(rules) < len((earlier, now)) or len(matched) > 1:
            return self._differing[name]
        if name not in self._beside_conditions:
            self._beside_conditions[name] = but_for_the_condition(earlier, now, name)
        return self._beside_conditions[name] or self._differing[name]

    def _speaks_of(self, rule: str, draft: Draft) -> bool:
        """Return whether a rule of either mapping mentions what a draft is about."""
        names = entitlements_of(draft.kind, draft.after)
        both = (self._grounds.mapping, self._grounds.earlier)
        gives = [r.give for m in both if m is not None for r in m.rules if r.name == rule]
        return any(names & (give.names | give.closed) for give in gives)

    def _person(self, draft: Draft) -> Person | None:
        return draft.case.person


def _day(draft: Draft) -> str | None:
    """Return which day has come, for somebody who comes, leaves or stays away because of it."""
    case = draft.case
    comes = case.actual is None or (
        draft.kind in ("user.activate", "user.restore") and draft.after != ACTIVATED
    )
    if case.days is None or (case.standing == "in_scope" and not comes):
        return None
    return case.days.because() if case.standing not in ("inactive", "out_of_scope") else None


def _no_longer_first(reason: Reason, draft: Draft, memory: Memory) -> bool:
    """Return whether a draft waited since the first run for a day that has nothing to do with that."""
    return reason.cause == "first_run" and memory.adopted and _day(draft) is not None


def _twice(text: str) -> tuple[str, str]:
    return text, text


def _why_at_first(draft: Draft) -> str:
    if (day := _day(draft)) is not None:
        return day
    if draft.case.standing in _STANDING:
        return _STANDING[draft.case.standing]
    if draft.case.actual is None:
        return "no phone user yet"
    return f"rule {draft.rule}" if draft.rule else "no rule gives it"


def _happened(events: Sequence[Event]) -> Reason:
    because = "; ".join(event.because for event in events[:_MOST])
    return Reason("directory", because, "; ".join(event.title for event in events[:_MOST]))


def _drifted(draft: Draft) -> Reason:
    cause: Cause = "drift"
    if draft.case.actual is None:
        return Reason(cause, *_twice(GONE))
    moved = f"{MOVED}{draft.kind.partition('.')[0]}"
    return Reason(cause, f"{moved}{_from_to(draft.before, draft.after)}", moved)


def _from_to(now: Value, was: Value) -> str:
    """Return in words what the phone system has now, and had when everything was as it should be.

    >>> _from_to(None, "Office"), _from_to({"department": "IT"}, {"department": None})
    (' is none, and was Office', ' department is IT, and was none')
    """
    if isinstance(now, dict) or isinstance(was, dict):
        held, had = now if isinstance(now, dict) else {}, was if isinstance(was, dict) else {}
        names = sorted(held.keys() | had.keys())
        return ";".join(f" {n}{_from_to(held.get(n), had.get(n))}" for n in names)
    return f" is {_said(now)}, and was {_said(was)}"


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
