"""Writes to Zoom Rooms and common areas: their own endpoints, which know less than a user's.

Neither swaps a calling plan in place: the new one is given before the old one goes, so that there is no
moment without. A room's numbers are named by id when they are taken. A common area's extension number
is sent without its site's code where the account uses codes; a room's is sent whole. Only common areas
take a template, of their own type and site.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from connectors.errors import PersonError, TransientError
from connectors.phone.zoom.answers import Refused
from connectors.phone.zoom.auth import segment
from connectors.phone.zoom.catalog import Site, e164
from connectors.phone.zoom.desk import Desk, done, failed, looking_back
from connectors.phone.zoom.phone_users import plan_body
from connectors.phone.zoom.place_calls import AREAS, ROOMS
from connectors.phone.zoom.shapes import Phone
from connectors.records import Change, Outcome, fold

LISTS = {"common_area": AREAS, "room": ROOMS}
AREA_TEMPLATE = "commonArea"
"""What Zoom calls the type of a template for common areas."""


def _path(change: Change, rest: str = "") -> str:
    return f"{LISTS[change.user_kind]}/{segment(change.id or change.key)}{rest}"


def _entry(desk: Desk, change: Change) -> dict[str, Any]:
    """Return the place as Zoom has it now. Raises PersonError if it hasn't."""
    found = desk.api.find(_path(change), label="phone.light")
    if found is None:
        raise PersonError(f"this Zoom account has no {change.user_kind} {change.user} any more")
    return {"id": change.id, **found}


def _held(desk: Desk, change: Change) -> Phone:
    return desk.reader.phone(_entry(desk, change))


def _site_of(desk: Desk, change: Change) -> Site | None:
    site = (_entry(desk, change).get("site") or {}).get("id")
    return next((each for each in desk.lookups.sites() or () if each.id == site), None)


def set_up(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Set site and extension number in one PATCH."""
    by_kind = {change.kind: str(change.after) for change in changes}
    first, body = changes[0], dict[str, Any]()
    site = desk.lookups.site(by_kind["site.set"]) if "site.set" in by_kind else None
    if site is not None:
        body["site_id"] = site.id
    if "extension.set" in by_kind:
        number = by_kind["extension.set"]
        if first.user_kind == "common_area" and desk.lookups.sites() is not None:
            where = site or _site_of(desk, first)
            code = where.code if where is not None else None
            if code and number.startswith(code) and desk.lookups.uses_site_codes():
                number = number[len(code) :]
        body["extension_number"] = int(number)
    desk.send("PATCH", _path(first), body)
    yield from done(changes)


def apply_template(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Give a common area the template of that name at its site."""
    (change,) = changes
    site = _site_of(desk, change)
    template = desk.lookups.template_id(str(change.after), site, AREA_TEMPLATE)
    path = f"{AREAS}/template_id/{segment(template)}"
    desk.send("POST", path, {"common_area_ids": [change.id]})
    yield from done(changes)


def add_plans(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Give packages, all of one place's in one call."""

    def post(some: tuple[Change, ...]) -> None:
        plans = [plan_body(desk.lookups.plan(str(change.after))) for change in some]
        desk.send("POST", _path(some[0], "/calling_plans"), {"calling_plans": plans})

    yield from _add(desk, changes, post, lambda phone: phone.packages)


def swap_plan(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Give the new package, then take the old one."""
    for outcome in add_plans(desk, changes):
        if outcome.state == "done":
            _take_plan(desk, changes[0])
        yield outcome


def remove_plan(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Take a package; a place that doesn't hold it has lost it."""
    _take_plan(desk, changes[0])
    yield from done(changes)


def _take_plan(desk: Desk, change: Change) -> None:
    plan = desk.lookups.plan(str(change.before))
    params = {"billing_account_id": plan.billing_account} if plan.billing_account else {}
    _remove(
        desk,
        change,
        f"/calling_plans/{plan.kind}",
        lambda phone: fold(str(change.before)) in map(fold, phone.packages),
        **params,
    )


def add_numbers(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Give direct numbers, all of one place's in one call; a swap gives first, then takes."""

    def post(some: tuple[Change, ...]) -> None:
        numbers = [{"number": str(change.after)} for change in some]
        desk.send("POST", _path(some[0], "/phone_numbers"), {"phone_numbers": numbers})

    for outcome in _add(desk, changes, post, lambda phone: phone.numbers):
        change = next(each for each in changes if each.seq == outcome.seq)
        if outcome.state == "done" and change.before is not None:
            _release(desk, change)
        yield outcome


def remove_number(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Take a direct number; a place that doesn't hold it has lost it."""
    _release(desk, changes[0])
    yield from done(changes)


def _release(desk: Desk, change: Change) -> None:
    number = e164(change.before)
    listed = _entry(desk, change).get("phone_numbers") or ()
    ids = [str(each["id"]) for each in listed if e164(each.get("number")) == number]
    if ids:
        held = lambda phone: number in phone.numbers  # noqa: E731
        _remove(desk, change, f"/phone_numbers/{segment(ids[0])}", held)


def _remove(
    desk: Desk, change: Change, rest: str, holds: Callable[[Phone], bool], **params: str
) -> None:
    """Send a DELETE; refused, it is done all the same where the place no longer holds it."""
    try:
        desk.send("DELETE", _path(change, rest), **params)
    except Refused:
        with looking_back():
            if holds(_held(desk, change)):
                raise


def _add(
    desk: Desk,
    changes: tuple[Change, ...],
    post: Callable[[tuple[Change, ...]], None],
    held: Callable[[Phone], Collection[str]],
) -> Iterator[Outcome]:
    """Send adds in one call; after a refusal, or no answer, read back and send the rest alone."""
    try:
        post(changes)
    except Refused as error:
        there, left = _there(desk, changes, held)
        yield from done(there)
        if len(changes) == 1:
            yield from failed(left, error)
            return
        for change in left:
            yield from _add(desk, (change,), post, held)
    except TransientError as error:
        if not error.in_doubt:
            raise
        there, left = _there(desk, changes, held)
        yield from done(there)
        if left:
            raise
    else:
        yield from done(changes)


def _there(
    desk: Desk, changes: tuple[Change, ...], held: Callable[[Phone], Collection[str]]
) -> tuple[list[Change], list[Change]]:
    """Return the changes whose `after` the place holds by now, and the others."""
    with looking_back():
        names = set(map(fold, held(_held(desk, changes[0]))))
    there = [change for change in changes if fold(str(change.after)) in names]
    return there, [change for change in changes if change not in there]
