"""Open manual steps as text, JSON, and checklists in Markdown and HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap
from typing import Any, NamedTuple, TextIO

from connectors.records import Change
from provisioner.plan.document import instant
from provisioner.report.document import dumped
from provisioner.report.figures import counted, moves, visible
from provisioner.report.markdown import code, prose
from provisioner.report.page import write_checklist_page
from provisioner.report.text import Page
from provisioner.store.manual import Step

_LONGEST = 250
FORMATS = ("text", "json", "markdown", "html")


class Due(NamedTuple):
    """An open step, and whether the next read of the phone system shows that it is done."""

    step: Step
    readable: bool

    @property
    def ends(self) -> str:
        """How it ends, in words."""
        if self.readable and not self.step.undo:
            return "the next read of the phone system verifies it"
        return f"no read shows it: `provisioner manual done {self.step.id}` when it is done"


def write_steps(due: Sequence[Due], form: str, out: TextIO, *, color: bool = False) -> None:
    """Write open steps in one of FORMATS."""
    if form == "json":
        out.write(dumped({"steps": list(map(step_document, due))}) + "\n")
    elif form == "markdown":
        _write_markdown(due, out)
    elif form == "html":
        write_checklist_page(_title(due), [card(each) for each in due], out)
    else:
        _write_text(due, out, color=color)


def _title(due: Sequence[Due]) -> str:
    return f"Manual steps: {counted(len(due), 'is', 'are')} open" if due else "Manual steps: none"


def step_document(due: Due) -> dict[str, Any]:
    """Return a step as JSON. `verified_by`: `read`, or `tick` where no read shows it."""
    step, change = due.step, due.step.change
    noted = step.noted and {**step.noted._asdict(), "at": instant(step.noted.at)}
    return {
        "id": step.id,
        "sync": step.sync,
        "plan": step.plan,
        "seq": change.seq,
        "kind": change.kind,
        "user": change.user,
        "key": change.key,
        "phone_id": change.id,
        "before": change.before,
        "after": change.after,
        "rule": change.rule,
        "because": change.because,
        "risk": change.risk,
        "needs": list(change.needs),
        "consequences": list(change.consequences),
        "steps": change.reason,
        "since": instant(step.since),
        "verified_by": "read" if due.readable and not step.undo else "tick",
        "noted": noted,
    }


def _sentences(steps: str | None) -> list[str]:
    """Return steps a sentence at a time: a line that is too long would be cut.

    >>> _sentences("Open the menu (…). Choose Move to Trash.")
    ['Open the menu (…).', 'Choose Move to Trash.']
    """
    found = re.split(r"(?<=[.:?!]) +(?=[A-Z])", steps or "")
    return [line for each in found for line in wrap(each, _LONGEST, break_long_words=False)]


def _moved(change: Change) -> str:
    """Return what a change moves, in words; "" for an account, which the kind says enough of."""
    if change.kind.startswith("user."):
        return ""
    return "; ".join(
        f"{move.name + ' ' if move.name else ''}{move.before} -> {move.after}"
        for move in moves(change)
        if (move.before, move.after) != ("none", "none")
    )


def _noted(step: Step) -> str:
    """Return what was said about a step, "" if nothing was."""
    if step.noted is None:
        return ""
    note = f": {step.noted.note}" if step.noted.note else ""
    return f"{step.noted.by} said on {instant(step.noted.at)} that it is done{note}"


def _where(step: Step) -> str:
    return (
        f"sync {step.sync}, change {step.change.seq} of plan {step.plan}, due since"
        f" {instant(step.since)}"
    )


def _write_text(due: Sequence[Due], out: TextIO, *, color: bool) -> None:
    page = Page(out, color=color, width=None)
    page.line(0, (_title(due), "bold"))
    for each in due:
        step, change = each.step, each.step.change
        page.blank()
        moved = _moved(change)
        page.line(
            2, (f"{step.id}  ", "bold"), f"{change.kind}  ", (change.user, "bold"), f"  {moved}"
        )
        page.line(6, (_where(step), "dim"))
        for text in (change.because, *(f"also {each}" for each in change.consequences)):
            if text:
                page.line(6, (text, "dim"))
        for sentence in _sentences(change.reason):
            page.line(6, sentence)
        page.line(6, each.ends)
        if said := _noted(step):
            page.line(6, said)


def _write_markdown(due: Sequence[Due], out: TextIO) -> None:
    out.write(f"### {prose(_title(due))}\n\n")
    for each in due:
        step, change = each.step, each.step.change
        moved = _moved(change)
        out.write(f"- [ ] {code(change.kind)} {code(change.user)}")
        out.write(f" {prose(moved)} ({code(step.id)})\n" if moved else f" ({code(step.id)})\n")
        also = [f"also {each}" for each in change.consequences]
        for text in (*_sentences(change.reason), *also, _where(step), each.ends):
            out.write(f"  - {_with_command(text)}\n")
        if said := _noted(step):
            out.write(f"  - {prose(said)}\n")


def _with_command(text: str) -> str:
    before, tick, rest = text.partition("`")
    command, _, after = rest.partition("`")
    return f"{prose(before)}{code(command)}{prose(after)}" if tick else prose(text)


def card(due: Due) -> dict[str, Any]:
    """Return what a page shows of an open step."""
    step, change = due.step, due.step.change
    lines = [_moved(change), change.because, *(f"also {each}" for each in change.consequences)]
    return {
        "id": step.id,
        "title": f"{change.kind}  {change.user}",
        "where": _where(step),
        "lines": [visible(line) for line in lines if line],
        "steps": change.reason or "",
        "ends": due.ends.replace("`", ""),
        "noted": _noted(step),
    }
