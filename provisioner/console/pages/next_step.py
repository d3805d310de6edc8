"""What an operator has to do about a plan, in one sentence, and the links to do it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from connectors.records import Change, fold
from provisioner.console.pages.clusters import changes_href, decide_href
from provisioner.console.pages.words import Act, address
from provisioner.plan.content import REMOVALS
from provisioner.plan.model import Plan
from provisioner.planning import PREVIEW
from provisioner.report import figures
from provisioner.report.figures import counted, people_counted
from provisioner.store.decisions import OPEN


class Situation(NamedTuple):
    """What is known of a plan beside itself.

    `waiting`: seqs of the changes that a person has to approve. `newest`: the id of the sync's newest
    full plan. `next_run`: when the schedule carries out what is approved, in words; "" if nothing does.
    """

    waiting: Collection[int]
    adopted: bool
    newest: str | None
    next_run: str
    may_decide: bool
    freezes: Sequence[str] = ()


class Next(NamedTuple):
    """The box that stands above a plan; `tone`: stop, calm or "". Every second piece of a line is code."""

    title: str
    lines: list[list[str]]
    acts: list[Act]
    tone: str


def next_step(plan: Plan, now: Situation) -> Next:
    """Return what there is to do about a plan as it stands."""
    if plan.scope == PREVIEW:
        return Next(
            "This plan only shows something", [["It can't be decided or carried out."]], [], "calm"
        )
    lines = list(_lines(plan, now))
    links = list(_acts(plan, now)) if now.may_decide else []
    title, tone = _title(plan, now)
    if _is_old(plan, now):
        links.insert(0, Act(f"Look at plan {now.newest}", f"/plans/{now.newest}", "go"))
    return Next(title, [figures.pieces(line) for line in lines], links, tone)


def _in_state(plan: Plan, *states: str) -> list[Change]:
    return [change for change in plan.changes if change.state in states]


def _people(changes: Sequence[Change]) -> str:
    return people_counted(len({fold(change.key) for change in changes}))


def _is_old(plan: Plan, now: Situation) -> bool:
    return plan.scope == "full" and now.newest not in (None, plan.id)


def _title(plan: Plan, now: Situation) -> tuple[str, str]:
    to_approve = [change for change in plan.changes if change.seq in now.waiting]
    if to_approve:
        number = counted(len(to_approve), "change waits", "changes wait")
        dangerous = any(change.risk == "destructive" for change in to_approve)
        return f"{number} for approval, for {_people(to_approve)}", "stop" if dangerous else ""
    if held := _in_state(plan, "held"):
        return (
            f"{counted(len(held), 'change is', 'changes are')} held by a limit, for {_people(held)}",
            "stop",
        )
    if failed := _in_state(plan, "failed", "skipped"):
        return f"{counted(len(failed), 'change was', 'changes were')} not carried out", "stop"
    if going := _in_state(plan, "planned", "approved"):
        return (
            f"{counted(len(going), 'change goes', 'changes go')} ahead, for {_people(going)}",
            "calm",
        )
    if sent := _in_state(plan, "sent", "settling"):
        return f"{counted(len(sent), 'change is', 'changes are')} under way", "calm"
    if manual := _in_state(plan, "manual"):
        return f"{counted(len(manual), 'step is', 'steps are')} left to a person", ""
    if not plan.changes:
        return "Nothing is to be changed", "calm"
    return "Everything of this plan is decided and done", "calm"


def _lines(plan: Plan, now: Situation) -> Iterator[str]:
    if _is_old(plan, now):
        yield f"Plan {now.newest} is newer. What is decided here counts there too, for changes that are the same."
    if not now.adopted:
        yield (
            "This sync is not adopted yet: nothing of it is carried out until a whole full plan is"
            " approved. Look first at who was matched to whom."
        )
    if losers := {fold(c.key) for c in plan.changes if c.seq in now.waiting and c.kind in REMOVALS}:
        yield f"{len(losers):,} of them would lose a license, package, number or account."
    if half := _half(plan):
        wait = (
            "change is approved by one, and waits"
            if half == 1
            else "changes are approved by one, and wait"
        )
        yield f"{half:,} {wait} for a second approver."
    held = _in_state(plan, "held")
    if held and now.waiting:
        yield f"{counted(len(held), 'change is', 'changes are')} held by a limit; approving alone doesn't release them."
    going = [c for c in _in_state(plan, "planned", "approved") if c.seq not in now.waiting]
    if going and now.adopted and not _is_old(plan, now):
        when = (
            f"with the next run, {now.next_run}"
            if now.next_run
            else "when somebody carries this plan out"
        )
        yield f"{counted(len(going), 'change goes', 'changes go')} ahead {when}."
    yield from now.freezes
    manual = _in_state(plan, "manual")
    if manual and len(manual) < len(plan.changes):
        yield f"{counted(len(manual), 'step is', 'steps are')} left to a person."


def _half(plan: Plan) -> int:
    return sum(len(each.seqs) for each in plan.decisions if each.lacks)


def _acts(plan: Plan, now: Situation) -> Iterator[Act]:
    left = {change.state for change in plan.changes if change.state in OPEN}
    if left - {"approved"} or (not now.adopted and plan.scope == "full"):
        name = (
            "Approve all …"
            if now.adopted or plan.scope != "full"
            else "Approve all, and adopt the account …"
        )
        yield Act(name, decide_href(plan, "approved"), "go", f"of plan {plan.id}")
    if left - {"rejected"}:
        yield Act("Reject all …", decide_href(plan, "rejected"), "stop", f"of plan {plan.id}")
    held = _in_state(plan, "held")
    going = [
        c for c in _in_state(plan, "planned", "approved", "failed") if c.seq not in now.waiting
    ]
    if now.adopted and (held or going) and not _is_old(plan, now):
        name = "Carry out …" if going else "Let through what is held …"
        yield Act(name, f"/plans/{plan.id}/apply", "", f"plan {plan.id}")
    if held:
        yield Act("What is held", changes_href(plan, state="held"))
    if _in_state(plan, "manual"):
        yield Act("Manual steps", address("/manual", ("sync", plan.sync)))
