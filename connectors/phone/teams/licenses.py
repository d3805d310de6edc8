"""Licenses given and taken: everybody's `assignLicense` in one batch.

What the directory takes in is held at once; a first calling plan is settling, since Teams learns of it
up to a day later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.errors import PersonError
from connectors.phone.teams.answers import Refused
from connectors.phone.teams.api import Item
from connectors.phone.teams.desk import Desk, done, failed, not_yet, people_of
from connectors.phone.teams.licensing import FromAGroup, order
from connectors.records import Change, Outcome

SETTLING = "Teams learns of a calling plan within 24 hours; a number can be assigned then"
FUND = "fund Communications Credits: their seats appear with the funding"
ABROAD = "Microsoft doesn't offer every product in every country"
NO_LOCATION = "no usage location any more, without which Microsoft gives no license"
Own = tuple[Change, ...]


def assign(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Carry out the license changes of up to twenty people."""
    people = people_of(changes)
    entries = desk.entries(people)
    bodies: list[tuple[Own, dict[str, Any], str]] = []
    for own in people:
        entry = entries.get(own[0].key)
        left, told = _without_groups(desk, own, entry)
        yield from told
        if not left:
            continue
        try:
            body = _body(desk, left, entry)
        except PersonError as error:
            yield from failed(left, error)
            continue
        if body is None or entry is None:
            yield from done(left)
        else:
            bodies.append((left, body, str(entry["id"])))
    sendings = [(own, Item("POST", f"/users/{id}/assignLicense", body)) for own, body, id in bodies]
    if sendings:
        yield from desk.send(
            sendings, _settle, lambda own, error: _judged(desk, own, error, entries[own[0].key])
        )


def _without_groups(
    desk: Desk, own: Own, entry: Mapping[str, Any] | None
) -> tuple[Own, list[Outcome]]:
    """Return a person's changes but those that only leaving a group does, which wait for that."""
    told: list[Outcome] = []
    while own:
        try:
            _body(desk, own, entry)
        except FromAGroup as error:
            told += not_yet([error.change], f"{error.message}: {error.remedy}")
            own = tuple(change for change in own if change.seq != error.change.seq)
        except PersonError:
            break  # it is told of all that is left
        else:
            break
    return own, told


def _body(desk: Desk, own: Own, entry: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return one person's request, None where everything is as it should be already."""
    gives = any(change.kind.endswith(".assign") for change in own)
    if entry is None:
        if gives:
            raise PersonError(
                f"{own[0].user} is not in the directory any more",
                remedy="the next plan starts from what is there",
            )
        return None
    held = desk.reader.held(entry)
    made = order(held, own, desk.tenant, desk.tenant.group)
    people = all(each.product.kind == "person" for each in held)
    if gives and entry.get("accountEnabled") is False and people:
        raise PersonError(
            f"sign-in is blocked for {own[0].user} in Microsoft Entra",
            remedy="unblock it there first, if that is right",
        )
    if gives and made.add and not entry.get("usageLocation"):
        raise PersonError(
            f"{own[0].user} has {NO_LOCATION}", remedy="the next plan sets one, or says how to"
        )
    return made.body if made else None


def _settle(own: Own, _: Any) -> Iterator[Outcome]:
    for change in own:
        if change.kind == "package.assign" and change.before is None:
            yield Outcome(change.seq, "settling", SETTLING)
        else:
            yield Outcome(change.seq, "done")


def _judged(
    desk: Desk, own: Own, error: Refused, before: Mapping[str, Any]
) -> list[Outcome] | None:
    """Look again where a refusal may mean that it is done already; say what no seat of credits means.

    `before`: the directory's entry that the request was made from.
    """
    if error.why == "location":
        said = f"their usage location is {before.get('usageLocation')}"
        return failed(own, PersonError(error.message, remedy=f"{said}: {ABROAD}"))
    if error.why in ("not_held", "no_change"):
        entry = desk.entries([own]).get(own[0].key)
        if entry is not None:
            try:
                if _body(desk, own, entry) is None:
                    return done(own)
            except FromAGroup as why:
                left = [change for change in own if change.seq != why.change.seq]
                text = f"{why.message}: {why.remedy}"
                return [*not_yet([why.change], text), *failed(left, why)]
            except PersonError as why:
                return failed(own, why)
    if error.why in ("no_seat", "unknown") and any(c.kind == "credit.assign" for c in own):
        return failed(own, PersonError(error.message, remedy=FUND))
    return None
