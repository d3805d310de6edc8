"""Manual steps: what only a person can do, listed, and ticked off when it is done."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from connectors.errors import RunError
from provisioner.console.door import Refusal, decider
from provisioner.console.pages.listing import IN_ORDER, Listing
from provisioner.console.pages.shell import Counter
from provisioner.console.pages.words import address, told, why
from provisioner.report.manual import Due, card


def add(pages: Blueprint, counter: Counter) -> None:
    """Add the pages."""

    @pages.get("/manual")
    def manual() -> str:
        listing = Listing.asked()
        found = counter.desk.manual(*listing)
        return counter.shell.page(
            "manual.html.j2",
            "Manual steps",
            syncs=counter.names,
            chosen=listing.sync,
            action=address("/manual", ("sync", listing.sync)),
            steps=[_card(due) for due in found.items],
            pages=listing.pages("/manual", found.next, IN_ORDER),
        )

    @pages.post("/manual")
    def done() -> Response:
        sync = request.args.get("sync")
        back = address("/manual", ("sync", sync))
        steps = request.form.getlist("step")
        if not steps:
            raise Refusal(400, "no step was ticked, so nothing was recorded")
        by, note = decider(request.form.get("by")), request.form.get("note", "").strip() or None
        lines: list[str] = []
        try:
            for step in steps:
                of_sync, _, name = step.partition(" ")
                lines += counter.desk.tick_off(of_sync, name, by, note)
        except RunError as error:
            lines += why(error)
            return counter.shell.go(back, told("Not everything was recorded", lines, "stop"))
        return counter.shell.go(back, told("Recorded", lines))


def _card(due: Due) -> dict[str, Any]:
    step = due.step
    return {
        **card(due),
        "value": f"{step.sync} {step.id}",
        "plan": step.plan,
        "href": f"/plans/{step.plan}",
    }
