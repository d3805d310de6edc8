"""The first page: what waits for somebody, and how it stands with each sync."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import Blueprint

from provisioner.console.desk import Desk
from provisioner.console.pages.shell import Counter, Shell
from provisioner.console.pages.words import Badge, address, ended, moment_or_none
from provisioner.console.rows import Left, Standing, SyncRow
from provisioner.report.figures import counted


class Wait(NamedTuple):
    """Something that waits for somebody; `tone`: stop where harm is near, else ""."""

    title: str
    words: str
    href: str
    tone: str = ""


def add(pages: Blueprint, counter: Counter) -> None:
    """Add the page."""

    @pages.get("/")
    def overview() -> str:
        rows = counter.desk.syncs()
        _, parked = counter.desk.quarantine(most=1)
        waits = [wait for row in rows for wait in waits_of(row)]
        waits += [wait for row in rows for wait in _blocked(counter.desk, row)]
        if parked.items:
            words = "the phone system refused changes of theirs; runs leave them alone for a while"
            waits.append(Wait("People are in quarantine", words, "/quarantine"))
        waits.sort(key=lambda wait: wait.tone != "stop")
        cards = [card(row, counter.shell) for row in rows]
        return counter.shell.page("overview.html.j2", "Overview", waits=waits, syncs=cards)


def sync_href(name: str) -> str:
    """Return where a sync's page is."""
    return f"/syncs/{quote(name, safe='')}"


def waits_of(row: SyncRow) -> Iterator[Wait]:
    """Yield what waits for somebody in one sync."""
    if row.late:
        yield Wait(
            f"{row.name} is late",
            "it gave no sign of life for three of its moments",
            sync_href(row.name),
            "stop",
        )
    if row.quarantine is not None:
        yield Wait(
            f"{row.name} is slowed down",
            row.quarantine.reason,
            address("/quarantine", ("sync", row.name)),
            "stop",
        )
    if row.status == 1:
        yield Wait(
            f"The last run of {row.name} failed",
            "see why",
            address("/runs", ("sync", row.name)),
            "stop",
        )
    for each in row.directories:
        if each.warming:
            words = "nothing is taken from anybody until somebody says that it is complete"
            yield Wait(f"{each.name} of {row.name} is warming", words, sync_href(row.name))
    if row.plan is not None:
        yield from _waits_of_plan(row, row.plan)
    if row.left is not None:
        yield from _waits_of_pushes(row, row.left)


def _waits_of_pushes(row: SyncRow, left: Left) -> Iterator[Wait]:
    """Yield what waits in plans that pushes made since the newest full one."""
    newest = left.plans[-1]
    words, href = f"plan {newest} of {row.name}", f"/plans/{newest}"
    if len(left.plans) > 1:
        words = f"{len(left.plans):,} plans of {row.name}, the newest is {newest}"
        href = address("/plans", ("sync", row.name))
    if left.awaiting:
        wait = "waits" if left.awaiting == 1 else "wait"
        title = f"{counted(left.awaiting, 'pushed change', 'pushed changes')} {wait} for approval"
        yield Wait(title, words, href)
    if left.held:
        held = counted(left.held, "pushed change is", "pushed changes are")
        yield Wait(f"{held} held by a limit", words, href, "stop")


def _waits_of_plan(row: SyncRow, plan: Standing) -> Iterator[Wait]:
    href, of_plan = f"/plans/{plan.id}", f"plan {plan.id} of {row.name}"
    if row.adopted is None:
        words = "nothing is carried out until somebody has looked at who was matched to whom, and approved"
        yield Wait(f"{row.name} is not adopted yet", words, href)
    if plan.awaiting:
        wait = "waits" if plan.awaiting == 1 else "wait"
        second = f"; {plan.second:,} of them for a second approver" if plan.second else ""
        yield Wait(
            f"{counted(plan.awaiting, 'change', 'changes')} {wait} for approval",
            of_plan + second,
            href,
        )
    if held := plan.states.get("held"):
        yield Wait(
            f"{counted(held, 'change is', 'changes are')} held by a limit", of_plan, href, "stop"
        )
    if failed := plan.states.get("failed"):
        yield Wait(f"{counted(failed, 'change has', 'changes have')} failed", of_plan, href, "stop")
    if manual := plan.states.get("manual"):
        yield Wait(
            f"{counted(manual, 'step is', 'steps are')} left to a person",
            f"in {row.name}",
            address("/manual", ("sync", row.name)),
        )


def _blocked(desk: Desk, row: SyncRow) -> Iterator[Wait]:
    """Yield what somebody has to see to before it can even be planned."""
    if row.plan is None or not (number := desk.outline(row.plan.id).head.summary.blocked):
        return
    title = f"{counted(number, 'change is', 'changes are')} blocked: somebody has to act"
    href = address(f"/plans/{row.plan.id}/changes", ("state", "blocked"))
    yield Wait(title, f"plan {row.plan.id} of {row.name}", href)


def card(row: SyncRow, shell: Shell) -> dict[str, Any]:
    """Return what a page shows of one sync."""
    now = shell.now()
    kinds = ", ".join(f"{each.name} ({each.kind})" for each in row.directories)
    return {
        "name": row.name,
        "href": sync_href(row.name),
        "badges": list(_badges(row)),
        "way": f"{kinds} → {row.phone_system}",
        "phone": row.phone_system,
        "ended": "none yet" if row.status is None else ended(row.status).words,
        "ended_at": moment_or_none(row.ended_at, now),
        "next_start": moment_or_none(row.next_start, now),
        "schedule": row.schedule or "it runs when it is asked to",
        "plan": row.plan
        and {
            "id": row.plan.id,
            "href": f"/plans/{row.plan.id}",
            "at": shell.at(row.plan.created_at),
            "words": in_words(row.plan),
        },
    }


def _badges(row: SyncRow) -> Iterator[Badge]:
    if row.running_since is not None:
        yield ended(None, running=True)
    if row.late:
        yield Badge("failed", "late")
    if row.quarantine is not None:
        yield Badge("failed", "slowed down")
    if row.status is not None and row.status != 0:
        yield ended(row.status)
    if row.adopted is None:
        yield Badge("waiting", "not adopted")
    if any(each.warming for each in row.directories):
        yield Badge("waiting", "warming")


def in_words(plan: Standing) -> str:
    """Return in words how far a plan has come."""
    parts = [f"{plan.awaiting:,} to approve"] if plan.awaiting else []
    states = dict(plan.states)
    going = states.pop("planned", 0) - plan.awaiting
    parts += [f"{going:,} to be done"] if going > 0 else []
    parts += [f"{count:,} {state}" for state, count in states.items() if count]
    return ", ".join(parts) or "nothing to change"
