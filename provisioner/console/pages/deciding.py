"""Approving and rejecting: what a decision would mean is shown first, and is made by the form below it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from connectors.errors import RunError
from connectors.records import Change, fold
from provisioner.console.door import Refusal, decider
from provisioner.console.pages.clusters import decide_href, explain_href
from provisioner.console.pages.plans import change_called
from provisioner.console.pages.shell import Counter, numbers
from provisioner.console.pages.situation import Reviewed, reviewed
from provisioner.console.pages.taking import kinds_of, losers_of, named, takes
from provisioner.console.pages.words import Act, told, why
from provisioner.plan.model import Plan
from provisioner.plan.needs import lost_without, with_needs
from provisioner.plan.only import pick
from provisioner.report import figures, outlook, views
from provisioner.report.figures import counted, people_counted, visible
from provisioner.store.decisions import OPEN, Decision

_NAMED = 10


class Asked(NamedTuple):
    """What a request asks to decide. `only`: the words that bound it, none for the whole plan."""

    decision: Decision
    only: list[str]

    @property
    def verb(self) -> str:
        """What one does who decides so."""
        return "Approve" if self.decision == "approved" else "Reject"


def add(pages: Blueprint, counter: Counter) -> None:
    """Add the pages."""

    @pages.get("/plans/<plan>/decide")
    def ask_to_decide(plan: str) -> str:
        found = reviewed(counter.desk, plan)
        asked = _asked(found.plan)
        return counter.shell.page("decide.html.j2", **_shown(found, asked))

    @pages.post("/plans/<plan>/decide")
    def decide(plan: str) -> Response:
        asked = _asked_in_words()
        by = decider(request.form.get("by"))
        needs = request.form.get("with_needs") == "yes"
        back = f"/plans/{plan}"
        try:
            lines = counter.desk.decide(plan, asked.decision, by, asked.only, with_needs=needs)
        except RunError as error:
            return counter.shell.go(back, told("Nothing was decided", why(error), "stop"))
        return counter.shell.go(back, told(f"{asked.decision.capitalize()}", lines, "calm"))


def _asked_in_words() -> Asked:
    decision = request.args.get("decision", "")
    if decision not in ("approved", "rejected"):
        raise Refusal(400, "a plan is approved or rejected")
    return Asked(decision, request.args.getlist("only"))  # type: ignore[arg-type]


def _asked(plan: Plan) -> Asked:
    """Return what is asked, people who were ticked by the seq of a change of theirs included.

    Raises Refusal 400 where people should have been ticked and nobody was: that must not mean everybody.
    """
    asked = _asked_in_words()
    people = [change_called(plan, seq).key for seq in numbers(request.args.getlist("person"))]
    if "ticked" in request.args and not people:
        raise Refusal(
            400, "nobody was ticked, so there is nothing to decide: go back and tick somebody"
        )
    return Asked(asked.decision, [*asked.only, *(f"user:{key}" for key in people)])


def _meant(plan: Plan, asked: Asked) -> list[Change]:
    """Return the changes that a decision would be about. Raises RunError for words that mean nothing."""
    seqs = pick(plan, asked.only, lambda: ()) if asked.only else None
    return [c for c in plan.changes if c.state in OPEN and (seqs is None or c.seq in seqs)]


def _shown(found: Reviewed, asked: Asked) -> dict[str, Any]:
    plan, approves = found.plan, asked.decision == "approved"
    chosen = _meant(plan, asked)
    people = len({fold(change.key) for change in chosen})
    number = counted(len(chosen), "change", "changes")
    adopts = approves and not asked.only and plan.scope == "full" and not found.adopted
    losers = losers_of(chosen)
    losers_named, losers_more = named(losers)
    needs = _needed(found, chosen) if approves and asked.only else []
    needs_named, needs_more = named(list(map(_in_words, needs)), _NAMED)
    dangerous = approves and any(change.risk == "destructive" for change in chosen)
    return {
        "title": f"{asked.verb} {number} of plan {plan.id}?",
        "plan": plan,
        "about": _about(plan, asked),
        "adopts": adopts and plan.adoption is not None,
        "adoption": views.head_of(plan)["adoption"] if adopts else None,
        "what_title": f"{number}, for {people_counted(people)}",
        "kinds": kinds_of(chosen),
        "losers": [Act(name, explain_href(plan, name)) for name in losers_named if approves],
        "losers_more": losers_more,
        "losers_title": f"{people_counted(len(losers))} would lose a license, package, number or account",
        "causes": _causes(plan, chosen) if len(asked.only) != 1 else [],
        "cost": outlook.monthly(plan) if approves and not asked.only else "",
        "takes": takes(chosen) if approves else [],
        "cautions": [figures.pieces(line) for line in _cautions(found, asked, chosen)],
        "needs": needs_named,
        "needs_more": needs_more.strip(),
        "needs_title": f"{counted(len(needs), 'other change', 'other changes')} must go first, and may not yet",
        "action": decide_href(plan, asked.decision, *asked.only),
        "tone": "danger" if dangerous or not approves else "go",
        "button": f"{asked.verb} {number}" + (" and adopt the account" if adopts else ""),
        "back": f"/plans/{plan.id}",
    }


def _about(plan: Plan, asked: Asked) -> str:
    """Return what of the plan is meant, in words."""
    if not asked.only:
        return f"All of plan {plan.id} of sync {plan.sync}."
    titles = {f"cluster:{cluster.id}": cluster.title for cluster in plan.clusters}
    users = {f"user:{change.key}": change.user for change in plan.changes}
    names = [titles.get(word) or users.get(word) or word for word in asked.only]
    shown, more = named(names, 20)
    return f"Only this: {'; '.join(shown)}{more}."


def _causes(plan: Plan, chosen: Iterable[Change]) -> list[str]:
    """Return why, in the plan's order: each cause with how many people it concerns."""
    people: dict[str, set[str]] = {}
    for change in chosen:
        people.setdefault(change.cluster, set()).add(fold(change.key))
    causes = [
        f"{each.title}: {people_counted(len(people[each.id]))}"
        for each in plan.clusters
        if each.id in people
    ]
    more = len(causes) - _NAMED
    return [*causes[:_NAMED], *([f"and {more:,} more causes"] if more > 0 else [])]


def _in_words(change: Change) -> str:
    return f"{change.seq} {change.kind} {visible(change.user)}: {change.state}"


def _needed(found: Reviewed, chosen: Collection[Change]) -> list[Change]:
    """Return the changes that the chosen ones need, and they don't contain, that may not go ahead yet."""
    own = {change.seq for change in chosen}
    needed = with_needs(found.plan.changes, own) - own
    return [
        change
        for change in found.plan.changes
        if change.seq in needed
        and (change.seq in found.awaiting or change.state in ("held", "rejected"))
    ]


def _cautions(found: Reviewed, asked: Asked, chosen: Sequence[Change]) -> Iterator[str]:
    plan = found.plan
    if not chosen:
        yield "nothing of that is left to decide"
    if found.newer is not None and plan.scope == "full":
        yield f"plan {found.newer} is newer; whatever is the same there is decided with this"
    if asked.decision == "rejected":
        yield from _lost(plan, chosen)
        return
    if not found.adopted and (asked.only or plan.scope != "full"):
        yield "nothing of this sync is carried out until a whole full plan of it is approved"
    if held := sum(change.state == "held" for change in chosen):
        yield f"{held:,} of them stay held by a limit: approving alone doesn't release them"
    if two := sum(change.seq in found.by_two for change in chosen):
        yield f"{two:,} of them must be approved by two people"
    if half := _half(plan, {change.seq for change in chosen}):
        yield f"{half:,} of them are approved by one already, and need another person than that"
    for freeze in found.freezes:
        yield f"{freeze}: what it doesn't allow goes after it"
    for warning in plan.warnings if not asked.only else ():
        yield figures.with_plan(warning, plan)


def _half(plan: Plan, seqs: Collection[int]) -> int:
    return sum(seq in seqs for each in plan.decisions if each.lacks for seq in each.seqs)


def _lost(plan: Plan, chosen: Iterable[Change]) -> Iterator[str]:
    """Yield what can't go ahead without the changes that are to be rejected."""
    if others := lost_without(plan.changes, {change.seq for change in chosen}):
        names, more = named([f"{c.seq} {c.kind} {visible(c.user)}" for c in others], _NAMED)
        number = counted(len(others), "change needs", "changes need")
        yield f"{number} these, and can't be carried out either: {', '.join(names)}{more}"
