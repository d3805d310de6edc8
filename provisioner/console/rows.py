"""What the desk tells of syncs, plans and lists: values that pages and API are views of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from connectors.records import Change
from provisioner.config import Approval, Schedule
from provisioner.plan.content import is_named
from provisioner.plan.model import Plan
from provisioner.store.change_pages import Group
from provisioner.store.decisions import Adopted
from provisioner.store.figures import Waiting
from provisioner.store.quarantine import Quarantined
from provisioner.store.runs import PlanRow

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list, in its order. `next`: the cursor to go on with, None at the end of the list."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """One directory of a sync. `read_at`: the last read that was believed.

    `warming`: a pushed one that nobody has declared ready; nothing is taken away before.
    """

    name: str
    kind: str
    warming: bool
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a plan has come: changes by state on record, and how many wait for somebody's approval.

    `awaiting`: those of the planned that no policy lets through; `second`: those of them that one
    person has approved.
    """

    id: str
    created_at: datetime
    states: dict[str, int]
    awaiting: int
    second: int


@dataclass(frozen=True, slots=True)
class Left:
    """What pushes have left to somebody since the newest full plan: changes in `plans`, the newest last."""

    plans: tuple[int, ...]
    awaiting: int
    held: int


@dataclass(frozen=True, slots=True)
class SyncRow:
    """How it stands with one sync.

    `schedule` in words, None where it runs only when asked. `running_since`: None while it doesn't run
    here. `ended_at`, `status`: of its last run that has ended, whatever ran it. `pushes`: what waits
    in the receiver, `left` in plans that pushes made. `plan`: its newest full one.
    """

    name: str
    directories: tuple[DirectoryRow, ...]
    phone_system: str
    schedule: str | None
    running_since: datetime | None
    ended_at: datetime | None
    status: int | None
    next_start: datetime | None
    late: bool
    quarantine: Quarantined | None
    adopted: Adopted | None
    pushes: Waiting | None
    plan: Standing | None
    credits: bool
    left: Left | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """A plan without its changes: `head`, its line of the history, and what they count up to.

    `groups` by cluster, kind, risk and state on record. `freezes` that hold now, in words. `newer`: the
    id of the newest full plan of the sync, if that is another.
    """

    head: Plan
    row: PlanRow
    groups: tuple[Group, ...]
    awaiting: int
    adopted: bool
    freezes: tuple[str, ...]
    newer: str | None


def awaits(each: Group | Change, approval: Approval, *, adopted: bool) -> bool:
    """Return whether a change, or a group of such, waits for somebody's approval."""
    return each.state == "planned" and (
        not adopted or is_named(each, approval.second) or not is_named(each, approval.automatic)
    )


def awaiting(groups: Sequence[Group], approval: Approval, *, adopted: bool) -> int:
    """Count the planned changes that wait for somebody's approval."""
    return sum(group.changes for group in groups if awaits(group, approval, adopted=adopted))


def by_state(groups: Sequence[Group]) -> dict[str, int]:
    """Count changes by state."""
    states: dict[str, int] = {}
    for group in groups:
        states[group.state] = states.get(group.state, 0) + group.changes
    return dict(sorted(states.items()))


def in_words(schedule: Schedule | None) -> str | None:
    """Return a schedule in words.

    >>> in_words(Schedule(900.0, None)), in_words(Schedule(None, "0 2 * * *")), in_words(Schedule(90.0, None))
    ('every 15 minutes', 'at 0 2 * * * (cron)', 'every 90 seconds')
    """
    if schedule is None:
        return None
    if schedule.cron is not None:
        return f"at {schedule.cron} (cron)"
    seconds = schedule.every_s or 0.0
    for size, one in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            number = int(seconds // size)
            return f"every {one}" if number == 1 else f"every {number} {one}s"
    return f"every {seconds:g} seconds"
