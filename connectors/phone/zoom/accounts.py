"""Writes to account users: created or invited, changed, licensed for phone, let go.

Zoom Phone is a feature of an account user: `feature.zoom_phone` true takes a phone license, false
gives it back and takes all numbers and devices with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from connectors.errors import PersonError, TransientError
from connectors.phone.zoom import activation
from connectors.phone.zoom.answers import Refused, is_about
from connectors.phone.zoom.calls import JOINER, profile
from connectors.phone.zoom.catalog import LICENSED
from connectors.phone.zoom.desk import Desk, done, failed, looking_back
from connectors.records import Change, Outcome

ATTRIBUTES = {"display_name": "display_name", "department": "dept", "job_title": "job_title"}
"""The profile attributes that `PATCH /users/{userId}` sets, and what it calls them."""

NO_LICENSE = 1102
TAKEN = frozenset({1005, 1009})


def create(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Make an account: `POST /users`, and a PATCH for what that can't carry.

    The first change's `after` is the mail address, or an object of it and the display name. An
    address that is taken is looked up: made by our own request that got no answer it is done, made
    by somebody else it is stale (the next plan matches it), in another account it fails.
    """
    first = next(change for change in changes if change.kind in JOINER)
    licensed = [change for change in changes if change.kind == "license.assign"]
    wished = _checked(changes)
    email = first.after if isinstance(first.after, str) else first.user
    if isinstance(first.after, dict):
        email = first.after.get("email") or first.user
        wished.setdefault("display_name", first.after.get("display_name"))
    refusal: Refused | None = None
    try:
        made = _post(desk, email, wished, phone=bool(licensed))
    except Refused as error:
        if error.code != NO_LICENSE or not licensed:
            raise
        refusal, made = error, _post(desk, email, wished, phone=False)
    if made is None:
        yield Outcome(first.seq, "stale", f"the Zoom account has a user {email} by now")
        return
    desk.recent.add(made, email)
    if made != email:
        desk.lookups.remember_email(made, email)  # a read may not show them for some seconds
    yield Outcome(first.seq, "done", id=made)
    yield from _licensed(desk, licensed, made) if refusal is None else failed(licensed, refusal)
    patched = {name: value for name, value in wished.items() if name != "display_name"}
    if patched:
        _patch(desk, f"/users/{made}", patched)
    yield from done(change for change in changes if change.kind == "profile.update")


def _post(desk: Desk, email: str, wished: dict[str, str | None], *, phone: bool) -> str | None:
    """Return the id of the account made; None where somebody else made it in the meantime."""
    info: dict[str, Any] = {"email": email, "type": desk.options.account_type}
    info.update(_names(wished.get("display_name")))
    if phone:
        info["feature"] = {"zoom_phone": True}
    if desk.options.action == "autoCreate":  # wants a password, which nobody will ever use
        info["password"] = f"aA1-{secrets.token_urlsafe(20)}"
    label = "users.create" if desk.options.action == "create" else "users.light"
    body = {"action": desk.options.action, "user_info": info}
    try:
        answer = desk.api.request("POST", "/users", label=label, json=body)
    except TransientError as error:
        if error.in_doubt:
            desk.in_doubt.add(email)
            if found := _look_up(desk, email):
                return str(found["id"])
        raise
    except Refused as error:
        if error.code not in TAKEN:
            raise
        if not (found := _look_up(desk, email)):
            raise
        return str(found["id"]) if desk.in_doubt.has(email) else None
    if isinstance(answer, dict) and answer.get("id") and is_about({**answer, "id": None}, email):
        return str(answer["id"])
    desk.in_doubt.add(email)  # accepted; but the answer doesn't tell, or is about somebody else
    found = _look_up(desk, email)
    return str(found["id"]) if found else email


def _look_up(desk: Desk, email: str) -> dict[str, Any] | None:
    with looking_back():
        return desk.reader.account(email)


def update(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Change what one PATCH of an account user carries, then the mail address where it changes."""
    wished = _checked(changes)
    email = profile(changes).get("email")
    path = desk.account_path(changes[0])
    removes = any(change.kind == "license.remove" for change in changes)
    assigns = any(change.kind == "license.assign" for change in changes)
    body: dict[str, Any] = {ATTRIBUTES[name]: value or "" for name, value in wished.items()}
    if assigns or removes:
        body["feature"] = {"zoom_phone": assigns}
    if body:
        try:
            desk.api.request("PATCH", path, label="users.light", json=body)
        except Refused as error:
            if not (removes and error.status == 404):  # who is gone holds no license
                raise
        desk.lookups.forget("extension:")
    if assigns:
        desk.recent.add(changes[0].id, changes[0].user)
    licensed = [change for change in changes if change.kind == "license.assign"]
    yield from done(c for c in changes if c.kind not in ("profile.update", "license.assign"))
    yield from _licensed(desk, licensed, changes[0].id)
    if email:
        desk.api.request("PUT", f"{path}/email", label="users.light", json={"email": email})
        desk.lookups.remember_email(changes[0].id or "", None)
    yield from done(change for change in changes if change.kind == "profile.update")


def _licensed(desk: Desk, licensed: list[Change], user_id: str | None) -> Iterator[Outcome]:
    """Let whoever was given a license call, too, and tell that they have it."""
    for change in licensed:
        known = user_id if user_id and "@" not in user_id else None
        account = {"id": known} if known else desk.reader.account(change.user)
        reason = activation.activate_new(desk, change, str(account["id"])) if account else ""
        yield Outcome(change.seq, "done", reason or None)


def set_status(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Deactivate (which takes every license) or activate (which gives none back).

    Whoever is let in again is made what accounts are made here, so that they have their Zoom Workplace
    license again.
    """
    (change,) = changes
    action = "activate" if change.kind == "user.activate" else "deactivate"
    path = desk.account_path(change, "/status")
    desk.api.request("PUT", path, label="users.light", json={"action": action})
    reason = None
    if action == "activate" and desk.options.account_type == LICENSED:
        try:
            body = {"type": LICENSED}
            desk.api.request("PATCH", desk.account_path(change), label="users.light", json=body)
        except Refused as error:
            reason = f"they are active, but without a Zoom Workplace license: {error.message}"
    yield Outcome(change.seq, "done", reason)


def delete(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Let a user go for good, in the way that config names; who is gone already is done.

    Zoom's own default would leave them with a free account of their own, the other way destroys
    their data: neither is chosen for anybody. A pending user can only be disassociated.
    """
    (change,) = changes
    action = desk.options.leave
    if action is None:
        raise PersonError(
            f"{change.user} isn't deleted: config doesn't say how people leave this Zoom account",
            remedy="set `leave: disassociate` (they keep a free account) or `leave: delete` (for good)",
        )
    if action == "delete":
        account = desk.reader.account(change.id or change.user)
        if account is not None and account.get("status") == "pending":
            action = "disassociate"
    path = desk.account_path(change)
    try:
        desk.api.request("DELETE", path, label="users.light", params={"action": action})
    except Refused as error:
        if error.status != 404:
            raise
    yield from done(changes)


def _patch(desk: Desk, path: str, wished: dict[str, str | None]) -> None:
    body = {ATTRIBUTES[name]: value or "" for name, value in wished.items()}
    desk.api.request("PATCH", path, label="users.light", json=body)


def _checked(changes: tuple[Change, ...]) -> dict[str, str | None]:
    """Return the profile's attributes but for the mail address. Raises PersonError for a strange one."""
    wished = {name: value for name, value in profile(changes).items() if name != "email"}
    strange = sorted(wished.keys() - ATTRIBUTES.keys())
    if strange:
        raise PersonError(
            f"a Zoom user has no {', '.join(strange)} ({changes[0].user})",
            remedy="take it out of the mapping's profile for this sync",
        )
    return wished


def _names(display_name: str | None) -> dict[str, str]:
    """Return Zoom's three names for a display name: the last word is taken for the family name.

    >>> _names("Eva van Malá")
    {'display_name': 'Eva van Malá', 'first_name': 'Eva van', 'last_name': 'Malá'}
    >>> _names("Madonna"), _names(None)
    ({'display_name': 'Madonna', 'first_name': 'Madonna'}, {})
    """
    if not display_name:
        return {}
    given, _, family = display_name.rpartition(" ")
    names = {"display_name": display_name, "first_name": (given or family)[:64]}
    if given:
        names["last_name"] = family[:64]
    return names
