"""People: found by any name, and explained: why they have what they have, and why not something else."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from connectors.errors import RunError
from mappings.entitlements import MANY, PROFILE, SINGLE
from provisioner.console.door import Refusal
from provisioner.console.pages.shell import Counter
from provisioner.console.pages.words import address, why
from provisioner.plan.why_not import entitlement_called
from provisioner.report import figures
from provisioner.report.explanation import sections

_MOST = 50
_ENTITLEMENTS = [*SINGLE, *MANY, *(f"profile.{name}" for name in PROFILE)]


def add(pages: Blueprint, counter: Counter) -> None:
    """Add the pages."""

    @pages.get("/people")
    def people() -> str:
        names, text = counter.names, request.args.get("text", "").strip()
        sync = request.args.get("sync") or next(iter(names), "")
        found = counter.desk.find(sync, text, _MOST + 1) if text else []
        return counter.shell.page(
            "people.html.j2",
            "People",
            syncs=names,
            chosen=sync,
            text=text,
            people=[
                {"href": _href(sync, one.key), "user": one.user, "name": one.shown, "key": one.key}
                for one in found[:_MOST]
            ],
            more="There are more: say more of the name." if len(found) > _MOST else "",
            asks=_href(sync, text),
        )

    @pages.get("/explain")
    def explain() -> str:
        sync, user = request.args.get("sync", ""), request.args.get("user", "").strip()
        if not user:
            raise Refusal(400, "say whom you ask about")
        asked = {name: request.args.get(name, "").strip() for name in ("entitlement", "value")}
        offline = request.args.get("offline") == "yes"
        shown: dict[str, Any] = {"head": None, "sections": [], "problem": None}
        title = user
        try:
            about = counter.desk.explain(sync, user, _why_not(asked), offline=offline)
        except RunError as error:
            shown["problem"] = [figures.pieces(line) for line in why(error)]
        else:
            title = about.user
            shown["head"], *shown["sections"] = sections(about)
        return counter.shell.page(
            "explain.html.j2",
            title,
            **shown,
            sync=sync,
            user=user,
            asked=asked,
            offline=offline,
            entitlements=_ENTITLEMENTS,
        )


def _href(sync: str, name: str) -> str:
    return address("/explain", ("sync", sync), ("user", name))


def _why_not(asked: dict[str, str]) -> tuple[str, str] | None:
    """Return what is asked about beside the person. Raises RunError for half a question."""
    if not asked["entitlement"] and not asked["value"]:
        return None
    if not asked["entitlement"] or not asked["value"]:
        raise RunError(
            "a why-not is about an entitlement and a value", remedy="give both, or neither"
        )
    try:
        return entitlement_called(asked["entitlement"]), asked["value"]
    except ValueError as error:
        raise RunError(str(error)) from None
