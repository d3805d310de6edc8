"""Quarantine: who and what is left alone for a while, and letting them go."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from urllib.parse import quote, unquote

from flask import Blueprint, Response, request

from connectors.errors import RunError
from provisioner.console.door import Refusal, decider
from provisioner.console.pages.listing import IN_ORDER, Listing
from provisioner.console.pages.shell import Counter, Shell
from provisioner.console.pages.words import address, told, why
from provisioner.store.quarantine import Parked, Quarantined


def add(pages: Blueprint, counter: Counter) -> None:
    """Add the pages."""

    @pages.get("/quarantine")
    def quarantine() -> str:
        listing = Listing.asked()
        slowed, parked = counter.desk.quarantine(*listing)
        return counter.shell.page(
            "quarantine.html.j2",
            "Quarantine",
            syncs=counter.names,
            chosen=listing.sync,
            action=address("/quarantine", ("sync", listing.sync)),
            slowed=[_slowed(each, counter.shell) for each in slowed],
            parked=[_parked(one, counter.shell) for one in parked.items],
            pages=listing.pages("/quarantine", parked.next, IN_ORDER),
        )

    @pages.post("/quarantine")
    def release() -> Response:
        sync = request.args.get("sync")
        back = address("/quarantine", ("sync", sync))
        people: dict[str, list[str]] = defaultdict(list)
        for value in request.form.getlist("person"):
            of_sync, _, key = value.partition(" ")
            people[of_sync].append(unquote(key))
        syncs = request.form.getlist("sync")
        if not people and not syncs:
            raise Refusal(400, "nobody was ticked, so nobody was let go")
        by = decider(request.form.get("by"))
        lines: list[str] = []
        try:
            for name in syncs:
                lines += counter.desk.release(name, by)
            for name, keys in people.items():
                if name not in syncs:  # everybody of it went with the sync itself
                    lines += counter.desk.release(name, by, keys)
        except RunError as error:
            lines += why(error)
            return counter.shell.go(back, told("Not everybody was let go", lines, "stop"))
        return counter.shell.go(back, told("Let go", lines))


def _slowed(each: Quarantined, shell: Shell) -> dict[str, Any]:
    return {
        "sync": each.sync,
        "failures": f"{each.failures:,}",
        "since": shell.at(each.since),
        "until": shell.at(each.until),
        "reason": each.reason,
        "run": each.run,
        "href": f"/runs/{each.run}",
    }


def _parked(one: Parked, shell: Shell) -> dict[str, Any]:
    return {
        "user": one.user,
        # a key is opaque: quoted, it survives being made visible
        "value": f"{one.sync} {quote(one.key, safe='')}",
        "sync": one.sync,
        "failures": f"{one.failures:,}",
        "since": shell.at(one.since),
        "until": shell.at(one.until),
        "reason": one.reason,
        "seq": one.seq,
        "plan": one.plan,
        "href": f"/plans/{one.plan}/changes?person={one.seq}",
    }
