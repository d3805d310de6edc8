"""Why each change is there: the person's data changed, the mapping did, or the phone system moved.

A change keeps the reason that it was first planned for as long as it is due, because the next read
no longer shows what has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from connectors.records import Cause, Person
from connectors.scim_filter import parse_path
from provisioner.memory import Memory, Reason
from provisioner.plan.draft import Draft
from provisioner.reads import Uses

Parts = Sequence[tuple[str, Person]]
"""What each directory says of one person, by the directory's name, in the order of config."""

_ACTIVE = parse_path("active")
"""Whoever becomes inactive leaves, whether the mapping mentions it or not."""

_STANDING = {
    "inactive": "inactive in the directory",
    "out_of_scope": "out of the mapping's scope",
    "unmanaged": "a phone user of nobody in the directories",
    "gone": "no longer in the directory",
    "early": "starts later",
    "ended": "past the end date",
    "on_leave": "on leave",
}


def find_causes(
    drafts: Iterable[Draft],
    memory: Memory,
    content: Callable[[Draft], str],
    old: Callable[[str], Parts],
    new: Callable[[str], Parts],
    uses: Uses,
    mapping_sha256: str,
) -> None:
    """Set each draft's cause, because and cluster title.

    `old` and `new` give what the directories said of a folded key at the last accepted read, and
    say now; `content` what a decision about the draft is bound to.
    """
    events: dict[str, list[tuple[str, str]]] = {}
    changed_mapping = memory.mapping is not None and memory.mapping != mapping_sha256
    for draft in drafts:
        reason = memory.reasons.get(content(draft))
        if reason is None:
            key = draft.case.key
            if memory.adopted and key not in events:
                events[key] = list(happenings(old(key), new(key), uses))
            reason = _reason(draft, memory, events.get(key, []), changed_mapping)
        draft.cause, draft.because, draft.title = reason.cause, reason.because, reason.title


def _reason(
    draft: Draft, memory: Memory, events: list[tuple[str, str]], changed_mapping: bool
) -> Reason:
    standing = draft.case.standing
    if not memory.adopted:
        return Reason("first_run", *_twice(f"first run: {_why_at_first(draft)}"))
    if standing == "unmanaged":
        return Reason("drift", *_twice(_STANDING[standing]))
    if events:
        because = "; ".join(event for event, _ in events[:3])
        title = "; ".join(title for _, title in events[:3])
        return Reason("directory", because, title)
    if (day := _day(draft)) is not None:
        return Reason("directory", *_twice(day))
    if standing == "gone":
        return Reason("directory", *_twice(_STANDING[standing]))
    if changed_mapping:
        rule = f"rule {draft.rule}" if draft.rule else "no rule gives it any more"
        return Reason("mapping", *_twice(f"the mapping changed: {rule}"))
    cause: Cause = "drift"
    if draft.case.actual is None:
        return Reason(cause, *_twice("the phone user is no longer there"))
    return Reason(cause, *_twice(f"the phone system moved by itself: {draft.kind.split('.')[0]}"))


def _day(draft: Draft) -> str | None:
    """Return which day has come, for somebody who comes, leaves or stays away because of it."""
    case = draft.case
    comes = case.actual is None or draft.kind in ("user.activate", "user.restore")
    if case.days is None or (case.standing == "in_scope" and not comes):
        return None
    return case.days.because() if case.standing not in ("inactive", "out_of_scope") else None


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


def happenings(old: Parts, new: Parts, uses: Uses) -> Iterator[tuple[str, str]]:
    """Yield what happened to one person between two reads, in words: with the values, and without.

    Only of attributes and groups that the mapping uses. Groups come first, because they are what
    most rules are about.
    """
    before, after = dict(old), dict(new)
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield from _both(f"new in {name}")
        elif name not in after:
            yield from _both(f"no longer in {name}")
    for name in sorted(before.keys() & after.keys()):
        yield from _groups(before[name], after[name], name, uses)
        yield from _attributes(before[name], after[name], name, uses)


def _both(text: str) -> Iterator[tuple[str, str]]:
    yield text, text


def _groups(old: Person, new: Person, directory: str, uses: Uses) -> Iterator[tuple[str, str]]:
    held, now = _names(old, uses), _names(new, uses)
    for group in sorted(now - held):
        yield from _both(f"joined group {group} ({directory})")
    for group in sorted(held - now):
        yield from _both(f"left group {group} ({directory})")


def _names(person: Person, uses: Uses) -> set[str]:
    names = {str(group.get("display")) for group in person.resource.get("groups", ())}
    return names if uses.groups is None else names & uses.groups


def _attributes(old: Person, new: Person, directory: str, uses: Uses) -> Iterator[tuple[str, str]]:
    for path in uses.paths if _ACTIVE in uses.paths else (_ACTIVE, *uses.paths):
        if path.attribute == "groups":
            continue
        before, after = path.values(old.resource), path.values(new.resource)
        if before != after:
            name = path.text.rsplit(":", 1)[-1]
            yield (
                f"{name} changed from {_said(before)} to {_said(after)} ({directory})",
                f"{name} changed ({directory})",
            )


def _said(values: list[Any]) -> str:
    return ", ".join(str(v).lower() if isinstance(v, bool) else str(v) for v in values) or "none"
