"""Telephone numbers: assigned and taken back by orders that Teams carries out later.

An order is accepted with 202 and an address to ask; why one failed is told in its statusDetail alone.
One that fails because Teams doesn't know of the license yet waits: it is worth another try hours later.
Source: Microsoft Graph, "numberAssignment: assignNumber", "telephoneNumberLongRunningOperation".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from connectors.errors import IncompleteRead, PersonError, TransientError
from connectors.phone.teams.answers import Refused
from connectors.phone.teams.desk import Desk, done, failed, not_yet
from connectors.phone.teams.tenant import NUMBERS, Number, e164, read_number
from connectors.records import Change, Outcome, fold

ASSIGN, UNASSIGN, UPDATE = (
    f"{NUMBERS}/assignNumber",
    f"{NUMBERS}/unassignNumber",
    f"{NUMBERS}/updateNumber",
)
PAUSES_S = (1.0, 1.0, 2.0, 2.0, 4.0, 5.0, 5.0, 10.0, 10.0, 20.0, 30.0)
"""The waits between looks at an order: a minute and a half in all."""
_NOT_YET = re.compile(
    r"not (yet )?(been )?(enabled|provisioned)|licen[sc]|enterprise ?voice|calling ?plan",
    re.IGNORECASE,
)
_GONE = re.compile(r"is not assigned", re.IGNORECASE)


class Ended(NamedTuple):
    """How an order ended: `open` where it is still being carried out."""

    state: Literal["succeeded", "failed", "open"]
    detail: str = ""


def assign(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Give a user a number, with its emergency location where that is set too; a swap frees the old one."""
    change = next(c for c in changes if c.kind == "number.assign")
    try:
        place = next((c.after for c in changes if c.kind == "emergency.set"), None)
        number = _usable(desk, change)
        if not _holds(change, number) or place is not None:
            body: dict[str, Any] = {
                "telephoneNumber": number.number,
                "assignmentTargetId": change.id,
                "numberType": number.kind,
                "assignmentCategory": "primary",
            }
            if isinstance(place, str):
                body["locationId"] = desk.tenant.location_id(place)
            ended = _order(desk, ASSIGN, body)
            if ended.state == "open":
                yield from (Outcome(c.seq, "settling", ended.detail) for c in changes)
                return
            if ended.state == "failed":
                yield from _refused(changes, ended.detail)
                return
        if change.before is not None:
            _release(desk, change)
        yield from done(changes)
    except PersonError as error:
        yield from failed(changes, error)


def release(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Take a number back; who doesn't hold it has lost it."""
    (change,) = changes
    ended = _release(desk, change)
    if ended.state == "failed":
        yield from failed(
            changes, PersonError(f"{change.before} stays with {change.user}: {ended.detail}")
        )
    elif ended.state == "open":
        yield Outcome(change.seq, "settling", ended.detail)
    else:
        yield from done(changes)


def place(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Set the emergency location of the number that a user has; without a number it waits for one."""
    (change,) = changes
    held = [n for n in _of_user(desk, change) if _holds(change, n)]
    if not held:
        yield from not_yet(changes, f"{change.user} has no number yet whose place could be told")
        return
    location = None if change.after is None else desk.tenant.location_id(str(change.after))
    body = {"telephoneNumber": held[0].number, "locationId": location}
    try:
        desk.api.request("POST", UPDATE, label="teams.write", json=body)
    except PersonError as error:
        yield from failed(changes, error)
    else:
        yield from done(changes)


def _usable(desk: Desk, change: Change) -> Number:
    """Return the number that a change gives. Raises PersonError where it can't be given."""
    number = desk.tenant.fresh_number(str(change.after))
    if number is None:
        raise PersonError(
            f"the tenant has no number {e164(str(change.after))}",
            remedy="order it, or port it there",
        )
    if number.holder is not None and not _holds(change, number):
        raise PersonError(
            f"{number.number} is held by somebody else ({number.holder})",
            remedy="the next plan chooses another one, or waits for this",
        )
    return number


def _release(desk: Desk, change: Change) -> Ended:
    number = desk.tenant.fresh_number(str(change.before))
    if number is None or not _holds(change, number):
        return Ended("succeeded")
    body = {"telephoneNumber": number.number, "numberType": number.kind}
    ended = _order(desk, UNASSIGN, body)
    return Ended("succeeded") if _GONE.search(ended.detail) else ended


def _order(desk: Desk, path: str, body: dict[str, Any]) -> Ended:
    """Place an order and wait for its end, a minute and a half at most."""
    response = desk.api.request("POST", path, label="teams.write", json=body)
    at = response.headers.get("Location")
    if not at:
        raise TransientError("an order for a number was accepted without an address", in_doubt=True)
    ended = Ended("open")
    for pause in PAUSES_S:
        desk.api.sleep(pause)
        ended = _look(desk, at)
        if ended.state != "open":
            break
    return ended


def _look(desk: Desk, at: str) -> Ended:
    """Ask what became of an order; the answer is documented in a `value` of its own.

    An order that was accepted and can't be looked at is still open: a later read shows what became of it.
    """
    try:
        told = desk.api.get(desk.api.located(at), label="teams.read")
    except (Refused, IncompleteRead):
        return Ended("open", "Teams accepted the order for the number and doesn't say more yet")
    operation = told.get("value", told) if isinstance(told, dict) else None
    if not isinstance(operation, dict):
        raise TransientError("an order's state can't be read", in_doubt=True)
    status = str(operation.get("status") or "")
    if status not in ("succeeded", "failed"):
        return Ended("open", "Teams is still carrying out the order for the number")
    details = [str(n.get("statusDetail") or "") for n in operation.get("numbers") or ()]
    text = "; ".join(filter(None, details))
    return Ended("succeeded" if status == "succeeded" else "failed", text)


def _refused(changes: tuple[Change, ...], detail: str) -> list[Outcome]:
    text = detail or "Teams gives no reason"
    if _NOT_YET.search(detail):
        return not_yet(
            changes, f"{text} Teams learns of licenses within 24 hours; it is tried again"
        )
    return failed(changes, PersonError(f"the number could not be assigned: {text}"))


def _holds(change: Change, number: Number) -> bool:
    return number.holder is not None and number.holder == fold(change.id or "")


def _of_user(desk: Desk, change: Change) -> list[Number]:
    params = {"$filter": f"assignmentTargetId eq '{change.id}'"}
    return [read_number(e) for e in desk.api.entries(NUMBERS, label="teams.read", params=params)]
