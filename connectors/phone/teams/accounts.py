"""Directory users: profiles, sign-in, new accounts, and deletion that can be undone for 30 days.

A deleted user's licenses are free for others at once, and come back with the user, even where no seat
is left for them.
Source: Microsoft Graph, "Update user", "Delete user", "Restore deleted item".
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from connectors.phone.teams.answers import Refused
from connectors.phone.teams.api import Item, segment
from connectors.phone.teams.desk import Desk, done, people_of, text_of, user_path
from connectors.records import Change, Outcome, PhoneUser

ATTRIBUTES = {
    "display_name": "displayName",
    "department": "department",
    "job_title": "jobTitle",
    "usage_location": "usageLocation",
}
"""The profile attributes that it has a place for, and what Graph calls them."""
RESTORED = "/directory/deletedItems"


def update(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Set profile attributes of up to twenty people."""
    sendings = []
    for own in people_of(changes):
        body: dict[str, Any] = {}
        for change in own:
            wished = change.after if isinstance(change.after, dict) else {}
            body |= {
                ATTRIBUTES[name]: value for name, value in wished.items() if name in ATTRIBUTES
            }
        sendings.append((own, Item("PATCH", user_path(own[0]), body)))
    yield from desk.send(sendings)


def sign_in(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Let people sign in, or don't."""
    sendings = [
        ((c,), Item("PATCH", user_path(c), {"accountEnabled": c.kind == "user.activate"}))
        for c in changes
    ]
    yield from desk.send(sendings)


def create(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Make accounts that nobody knows the password of: it is reset for the person, or by them."""
    sendings = []
    for change in changes:
        mail = _mail(change)
        there = list(desk.reader.accounts([PhoneUser("", email=mail)]))
        if there:  # made a moment ago, by ourselves perhaps
            yield Outcome(change.seq, "done", id=str(there[0][0]["id"]))
            continue
        given = change.after if isinstance(change.after, dict) else {}
        body = {
            "accountEnabled": True,
            "displayName": given.get("display_name") or mail,
            "mailNickname": mail.partition("@")[0],
            "userPrincipalName": mail,
            "passwordProfile": {
                "forceChangePasswordNextSignIn": True,
                "password": secrets.token_urlsafe(24) + "aA1!",
            },
        }
        sendings.append(((change,), Item("POST", "/users", body)))
    if sendings:
        yield from desk.send(sendings, _made)


def _made(changes: tuple[Change, ...], body: Any) -> Iterator[Outcome]:
    id = text_of(body, "id") if isinstance(body, dict) else ""
    yield from (Outcome(change.seq, "done", id=id or None) for change in changes)


def _mail(change: Change) -> str:
    given = change.after.get("email") if isinstance(change.after, dict) else change.after
    return str(given or change.user)


def delete(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Delete users so that they can be restored for 30 days; who is gone is deleted."""
    yield from desk.send(_items("DELETE", "/users", changes), after_refusal=_if_gone)


def purge(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Delete users for good."""
    left = []
    for outcome in delete(desk, changes):
        if outcome.state == "done":
            left.append(next(c for c in changes if c.seq == outcome.seq))
        else:
            yield outcome
    if left:
        items = _items("DELETE", RESTORED, tuple(left))
        yield from desk.send(items, after_refusal=_if_gone)


def restore(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Bring deleted users back, with their licenses."""
    sendings = [
        (own, Item(item.method, f"{item.path}/restore"))
        for own, item in _items("POST", RESTORED, changes)
    ]
    yield from desk.send(sendings, after_refusal=lambda own, error: _if_back(desk, own, error))


def _items(
    method: str, folder: str, changes: tuple[Change, ...]
) -> list[tuple[tuple[Change, ...], Item]]:
    return [((c,), Item(method, f"{folder}/{segment(c.id or c.user)}")) for c in changes]


def _if_gone(changes: tuple[Change, ...], error: Refused) -> list[Outcome] | None:
    return done(changes) if error.status == 404 else None


def _if_back(desk: Desk, changes: tuple[Change, ...], error: Refused) -> list[Outcome] | None:
    if error.status != 404:
        return None
    found = desk.entries([changes])
    return done(changes) if changes[0].key in found else None
