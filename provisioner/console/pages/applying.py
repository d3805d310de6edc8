"""Carrying out a plan now: what goes is shown first, and what a limit or a freeze holds goes only if asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from connectors.errors import RunError
from connectors.records import fold
from provisioner import overrides
from provisioner.apply import Allowance
from provisioner.console.door import Refusal, decider
from provisioner.console.pages.shell import Counter
from provisioner.console.pages.situation import Reviewed, reviewed
from provisioner.console.pages.words import told, why
from provisioner.overrides import limits_in
from provisioner.plan.content import KINDS
from provisioner.report import figures
from provisioner.report.figures import counted, people_counted


class Limit(NamedTuple):
    """One limit that holds changes: the field by which it is overridden, and how many people that lets through."""

    name: str
    label: str
    reason: list[str]


def add(pages: Blueprint, counter: Counter) -> None:
    """Add the pages."""

    @pages.get("/plans/<plan>/apply")
    def ask_to_apply(plan: str) -> str:
        return counter.shell.page("apply.html.j2", **_shown(reviewed(counter.desk, plan)))

    @pages.post("/plans/<plan>/apply")
    def apply(plan: str) -> Response:
        by = decider(request.form.get("by"))
        allowance = _allowance(request.form)
        try:
            run = counter.desk.apply(plan, allowance, by)
        except RunError as error:
            return counter.shell.go(f"/plans/{plan}", told("Nothing was begun", why(error), "stop"))
        return counter.shell.go(f"/runs/{run}")


_REMOVALS, _CHANGES, _KIND = "allow_removals", "allow_changes", "allow:"
_FIELDS = {
    overrides.REMOVALS: (_REMOVALS, "lose something"),
    overrides.CHANGES: (_CHANGES, "be changed"),
}


def _allowance(form: Mapping[str, str]) -> Allowance:
    """Return what the form lets through. Raises Refusal 400 for a number that is none."""
    kinds = {
        name.removeprefix(_KIND): number
        for name, text in form.items()
        if name.removeprefix(_KIND) in KINDS and (number := _number(text)) is not None
    }
    return Allowance(
        removals=_number(form.get(_REMOVALS, "")),
        changes=_number(form.get(_CHANGES, "")),
        kinds=kinds,
        despite_freeze=form.get("despite_freeze") == "yes",
    )


def _number(text: str) -> int | None:
    if not text.strip():
        return None
    if not (text.strip().isascii() and text.strip().isdigit()):
        raise Refusal(400, f"{text[:40]!r} is no number of people, so nothing was begun")
    return int(text)


def _shown(found: Reviewed) -> dict[str, Any]:
    plan = found.plan
    going = [
        change
        for change in plan.changes
        if change.state in ("planned", "approved", "failed", "sent", "settling")
        and change.seq not in found.awaiting
    ]
    people = people_counted(len({fold(change.key) for change in going}))
    return {
        "title": f"Carry out plan {plan.id} now?",
        "plan": plan,
        "lead": _lead(len(going), people),
        "limits": list(_limits(found)),
        "freezes": "; ".join(found.freezes),
        "cautions": [figures.pieces(line) for line in _cautions(found)],
        "button": "Carry it out",
    }


def _lead(number: int, people: str) -> str:
    if not number:
        return "Nothing of it goes ahead as it stands."
    return (
        f"{counted(number, 'change goes', 'changes go')} ahead, for {people}. Whoever has changed"
        " since the plan was made is left alone, named, and planned anew."
    )


def _limits(found: Reviewed) -> Iterator[Limit]:
    seen: set[str] = set()
    reasons = {c.reason or "": None for c in found.plan.changes if c.state == "held"}
    for reason in reasons:
        for limit in sorted(limits_in(reason) - seen):
            seen.add(limit)
            name, what = _FIELDS.get(limit, (f"{_KIND}{limit}", f"have a {limit}"))
            label = f"At most so many people may {what} (empty: they stay held)"
            yield Limit(name, label, figures.pieces(figures.with_plan(reason, found.plan)))


def _cautions(found: Reviewed) -> Iterator[str]:
    if found.newer is not None and found.plan.scope == "full":
        yield f"plan {found.newer} is newer: what it no longer contains is left out as stale"
    if not found.adopted:
        yield "nothing of this sync is carried out until a whole full plan of it is approved"
    if found.awaiting:
        wait = "waits" if len(found.awaiting) == 1 else "wait"
        yield f"{counted(len(found.awaiting), 'change', 'changes')} {wait} for approval, and stay where they are"
