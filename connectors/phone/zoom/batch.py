"""The two calls that carry ten people: `POST /phone/users/batch` and `PUT /phone/users/batch`.

Zoom doesn't say what becomes of a batch in which one person can't be served: it may refuse it whole
or serve the others. Both are met in the same way: whoever the answer doesn't name is looked up, and
who wasn't served is sent alone, so that a refusal hits only the person that it is about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from connectors.errors import PersonError, TransientError
from connectors.phone.zoom import accounts, activation, phone_users
from connectors.phone.zoom.answers import Refused
from connectors.phone.zoom.catalog import Site, e164
from connectors.phone.zoom.desk import LOOK_AGAIN_S, Desk, done, failed, looking_back
from connectors.phone.zoom.names import batch_name
from connectors.records import Change, Outcome, fold


class Entry(msgspec.Struct, frozen=True):
    """One person of a batch: the changes that it carries out, and what Zoom is sent for them."""

    email: str
    changes: tuple[Change, ...]
    body: dict[str, Any]


def add_people(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Bring people into phone with all that rides along, ten in one call."""
    people: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        people[change.key].append(change)
    entries = []
    for own in people.values():
        try:
            entry = _entry(desk, tuple(own))
        except PersonError as error:
            yield from failed(own, error)
            continue
        if entry is None:
            yield from _step_by_step(desk, tuple(own))
        else:
            entries.append(entry)
    if entries:
        yield from _add(desk, entries)


def _add(desk: Desk, entries: list[Entry]) -> Iterator[Outcome]:
    refusal: Refused | None = None
    made: set[str] = set()
    try:
        made = _post(desk, entries)
    except Refused as error:
        refusal = error
    except TransientError as error:
        if error.in_doubt:
            yield from _served_after_all(desk, entries, error)
            return
        raise
    left = []
    for entry in entries:
        desk.lookups.forget(f"extension:{fold(entry.email)}")
        if fold(entry.email) in made:
            desk.recent.add(entry.changes[0].id, entry.email)
            yield from done(entry.changes)
        elif (outcomes := _read_back(desk, entry)) is not None:
            yield from outcomes
        else:
            left.append(entry)
    if len(entries) == 1:
        yield from _refuse(desk, left, refusal)
        return
    for entry in left:
        yield from _add(desk, [entry])


def _post(desk: Desk, entries: list[Entry]) -> set[str]:
    """Send the batch and return the folded addresses that Zoom says it served."""
    body = {"users": [entry.body for entry in entries]}
    answer = desk.api.request("POST", "/phone/users/batch", label="phone.medium", json=body)
    listed = answer if isinstance(answer, list) else []
    return {fold(str(user.get("email") or "")) for user in listed if isinstance(user, dict)}


def _refuse(desk: Desk, entries: list[Entry], refusal: Refused | None) -> Iterator[Outcome]:
    """Give up on whoever was sent alone; but a user who was just created may only be invisible."""
    for entry in entries:
        first = entry.changes[0]
        if desk.recent.has(first.id, entry.email) and desk.reader.account(entry.email) is None:
            raise TransientError(
                f"Zoom doesn't show {entry.email} yet, who was created a moment ago",
                retry_after_s=LOOK_AGAIN_S,
            )
        yield from failed(
            entry.changes,
            refusal or PersonError(f"Zoom answered the batch without {entry.email}"),
        )


def _served_after_all(desk: Desk, entries: list[Entry], error: TransientError) -> Iterator[Outcome]:
    """After a batch without an answer: yield what was done, and raise if anybody is left."""
    left = False
    for entry in entries:
        outcomes = _read_back(desk, entry)
        left = left or outcomes is None
        yield from outcomes or ()
    if left:
        raise error


def _read_back(desk: Desk, entry: Entry) -> list[Outcome] | None:
    """Return what became of one person's changes, None if they aren't in phone.

    They weren't before, so whoever is has been served. A template can't be read.
    """
    with looking_back():
        found = desk.lookups.phone_user(entry.changes[0].id or entry.email)
        if found is None:
            return None
        phone = desk.reader.phone(found)
    desk.recent.add(entry.changes[0].id, entry.email)
    outcomes = []
    for change in entry.changes:
        wished = str(change.after)
        held = {
            "package.assign": fold(wished) in map(fold, phone.packages),
            "number.assign": e164(wished) in phone.numbers,
            "extension.set": wished == phone.extension_number,
            "site.set": fold(wished) == fold(phone.site or ""),
        }.get(change.kind, True)
        refusal = PersonError(f"Zoom brought {entry.email} into phone without {wished!r}")
        outcomes += done([change]) if held else failed([change], refusal)
    return outcomes


def _entry(desk: Desk, changes: tuple[Change, ...]) -> Entry | None:
    """Return one person's place in the batch, None where it can't be told at which site they'd be.

    Raises PersonError for a name that Zoom hasn't got.
    """
    by_kind = {change.kind: str(change.after) for change in changes}
    sites = desk.lookups.sites() or ()
    if "site.set" not in by_kind and len(sites) > 1:
        return None
    place = by_kind.get("site.set") or next((site.name for site in sites), None)
    site = desk.lookups.site(place) if place else None
    email = desk.email(changes[0])
    body: dict[str, Any] = {
        "email": email,
        "calling_plans": [_plan(desk, c) for c in changes if c.kind == "package.assign"],
        "extension_number": _extension(desk, by_kind["extension.set"], site),
    }
    if site is not None:
        body["site_name"] = site.name
    if desk.options.activate:
        body["activation_status"] = "activate"
    if "template.apply" in by_kind:
        body["template_name"] = by_kind["template.apply"]
    numbers = [str(change.after) for change in changes if change.kind == "number.assign"]
    if numbers:
        body["phone_numbers"] = numbers
    return Entry(email, changes, body)


def _step_by_step(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Bring one person into phone without the batch, which wants a site to be named.

    Where nothing says at which of several sites they shall be, Zoom puts them at its main one; a
    guess of ours would give them another place's emergency address.
    """
    left = list(changes)
    for kinds, handler in (
        (("license.assign",), accounts.update),
        (("template.apply", "extension.set"), phone_users.set_up),
        (("package.assign",), phone_users.add_plans),
        (("number.assign",), phone_users.add_numbers),
    ):
        some = tuple(change for change in left if change.kind in kinds)
        if not some:
            continue
        try:
            for outcome in handler(desk, some):
                left = [change for change in left if change.seq != outcome.seq]
                yield outcome
        except PersonError as error:
            yield from failed(left, error)
            return


def _plan(desk: Desk, change: Change) -> str:
    """Return a plan as the batch call spells it, with its subscription where there are several."""
    plan = desk.lookups.plan(str(change.after))
    short = batch_name(plan.name) or batch_name(str(change.after)) or plan.name
    if plan.subscription and desk.lookups.several_subscriptions(plan.kind):
        return f"{short}:{plan.subscription}"
    return short


def _extension(desk: Desk, number: str, site: Site | None) -> str:
    """Return an extension number as the batch call wants it: without the code of its site.

    Everywhere else, and in our records, it is complete.
    """
    code = site.code if site else None
    if code and number.startswith(code) and len(number) > len(code):
        return number[len(code) :] if desk.lookups.uses_site_codes() else number
    return number


def change_people(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Move people to a site or activate them, ten in one call; alone where Zoom refuses them together."""
    ids = [_id(desk, change) for change in changes]
    if changes[0].kind == "user.activate":
        body = activation.body(ids)
    else:
        site = desk.lookups.site(str(changes[0].after))
        body = {"batch_type": "move_site", "user_ids": ids, "site_id": site.id}
    try:
        desk.send("PUT", "/phone/users/batch", body)
    except Refused as error:
        if len(changes) == 1:
            raise desk.not_yet(error, changes[0]) or error from None
        for change in changes:
            try:
                yield from change_people(desk, (change,))
            except PersonError as error:
                yield from failed([change], error)
        return
    yield from done(changes)


def _id(desk: Desk, change: Change) -> str:
    """Return the id of the change's user: this call takes no mail address."""
    if change.id is not None:
        return change.id
    account = desk.reader.account(change.user)
    if account is None:
        raise PersonError(f"there is no user {change.user} in this Zoom account")
    return str(account["id"])
