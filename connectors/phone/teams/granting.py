"""Templates applied: the policies of many people in one request, and one by one where it is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.errors import PersonError
from connectors.phone.teams.answers import Refused, judge
from connectors.phone.teams.api import Item, segment
from connectors.phone.teams.desk import Desk, done, failed
from connectors.phone.teams.policies import ASSIGN, UNASSIGN, bodies
from connectors.phone.teams.reading import CONFIGURATIONS
from connectors.records import Change, Outcome, fold

Entries = list[dict[str, Any]]
"""Assignments as requests want them."""


def apply(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Give people the policies of their templates, and take their own of types that it leaves alone."""
    left = []
    direct = _direct(desk, [c for c in changes if c.id])
    for change in changes:
        try:
            left.append((change, _of(desk, change, direct)))
        except PersonError as error:
            yield from failed([change], error)
    give = [entry for _, (gives, _) in left for entry in gives]
    take = [entry for _, (_, takes) in left for entry in takes]
    try:
        _post(desk, give, take)
    except Refused as error:
        if len(left) == 1:
            yield from failed([left[0][0]], error)
            return
    else:
        yield from done(change for change, _ in left)
        return
    for change, (gives, takes) in left:
        try:
            _post(desk, gives, takes)
        except Refused as error:
            yield from failed([change], error)
        else:
            yield from done([change])


def _of(
    desk: Desk, change: Change, direct: Mapping[str, frozenset[str]]
) -> tuple[Entries, Entries]:
    if change.id is None:
        raise PersonError(f"{change.user} is not in the directory yet")
    policies = desk.templates.policies(_name(change))
    return bodies([(change.id, policies)], direct, desk.policy_ids)


def _name(change: Change) -> str | None:
    return None if change.after is None else str(change.after)


def _direct(desk: Desk, changes: list[Change]) -> dict[str, frozenset[str]]:
    """Return the folded types of policies that people have of their own, by user id."""
    ids = sorted({str(change.id) for change in changes})
    if all(None not in desk.templates.policies(_name(c)).values() for c in changes):
        return {}  # everything is assigned anew, and nothing is to be taken
    items = [Item("GET", f"{CONFIGURATIONS}/{segment(id)}") for id in ids]
    found: dict[str, frozenset[str]] = {}
    for id, answer in zip(ids, desk.api.batch(items, label="directory.batch"), strict=True):
        if answer.status == 404:
            continue
        judge("GET a user's configuration", answer)
        listed = (answer.body or {}).get("effectivePolicyAssignments") or ()
        own = (
            fold(str(each.get("policyType")))
            for each in listed
            if fold(str((each.get("policyAssignment") or {}).get("assignmentType"))) == "direct"
        )
        found[id] = frozenset(own)
    return found


def _post(desk: Desk, give: Entries, take: Entries) -> None:
    for path, entries in ((ASSIGN, give), (UNASSIGN, take)):
        if entries:
            desk.api.request("POST", path, label="teams.write", json={"value": entries})
