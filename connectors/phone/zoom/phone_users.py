"""Writes to one phone user: packages, numbers, delegates, and the settings of a PATCH.

Zoom documents no code for a plan that is used up or held already, for a number that is taken, or
for a delegate who is there already. So after a refused add the user is read back: what is there is
done, and what isn't is sent alone, so that one refusal doesn't hit the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from connectors.errors import PersonError, TransientError
from connectors.phone.zoom.answers import Refused
from connectors.phone.zoom.auth import segment
from connectors.phone.zoom.catalog import CallingPlan, Site, e164
from connectors.phone.zoom.desk import LOOK_AGAIN_S, NO_USER, Desk, done, failed, looking_back
from connectors.phone.zoom.reading import PRIVILEGES
from connectors.phone.zoom.shapes import Phone
from connectors.records import Change, Outcome, fold

UNACCEPTED = "isn't shown as delegate yet: they may have to accept it"


def set_up(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Set site, template and extension number in one PATCH.

    A template is looked up in the site that the same call moves to, else in the user's own.
    """
    by_kind = {change.kind: str(change.after) for change in changes}
    site = desk.lookups.site(by_kind["site.set"]) if "site.set" in by_kind else None
    body: dict[str, Any] = {}
    if site is not None:
        body["site_id"] = site.id
    if "template.apply" in by_kind:
        where = site or _site_of(desk, changes[0])
        body["template_id"] = desk.lookups.template_id(by_kind["template.apply"], where)
    if "extension.set" in by_kind:
        body["extension_number"] = by_kind["extension.set"]
    desk.send("PATCH", desk.phone_path(changes[0]), body)
    yield from done(changes)


def _site_of(desk: Desk, change: Change) -> Site | None:
    """Return the site that the user is at, None where there are no sites."""
    sites = desk.lookups.sites()
    if sites is None:
        return None
    found = _found(desk, change)
    return next((site for site in sites if site.id == found.get("site_id")), None)


def add_plans(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Give packages, all of one person's in one call."""

    def post(some: tuple[Change, ...]) -> None:
        plans = [plan_body(desk.lookups.plan(str(change.after))) for change in some]
        desk.send("POST", desk.phone_path(some[0], "/calling_plans"), {"calling_plans": plans})

    yield from _add(desk, changes, post, lambda phone: phone.packages)


def swap_plan(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Exchange one package for another, without a moment without."""
    (change,) = changes
    source, target = desk.lookups.plan(str(change.before)), desk.lookups.plan(str(change.after))
    body: dict[str, Any] = {"source_type": source.kind, "target_type": target.kind}
    if held := _subscription_held(desk, change, source):
        body["source_billing_subscription_id"] = held
    if target.subscription:
        body["target_billing_subscription_id"] = target.subscription
    try:
        desk.send("PUT", desk.phone_path(change, "/calling_plans"), body)
    except Refused:
        with looking_back():
            phone = desk.reader.phone(_found(desk, change))
        if fold(str(change.after)) not in map(fold, phone.packages):
            raise
    yield from done(changes)


def remove_plan(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Take a package; who doesn't hold it has lost it."""
    (change,) = changes
    plan = desk.lookups.plan(str(change.before))
    params = {"billing_account_id": plan.billing_account} if plan.billing_account else {}
    desk.remove(desk.phone_path(change, f"/calling_plans/{plan.kind}"), **params)
    yield from done(changes)


def add_numbers(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Give direct numbers, all of one person's in one call; a swap gives first, then takes."""

    def post(some: tuple[Change, ...]) -> None:
        numbers = [{"number": str(change.after)} for change in some]
        desk.send("POST", desk.phone_path(some[0], "/phone_numbers"), {"phone_numbers": numbers})

    if len(changes) > 1 or changes[0].before is None:
        yield from _add(desk, changes, post, lambda phone: phone.numbers)
        return
    for outcome in _add(desk, changes, post, lambda phone: phone.numbers):
        if outcome.state == "done":
            _release(desk, changes[0])
        yield outcome


def remove_number(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Take a direct number; who doesn't hold it has lost it."""
    _release(desk, changes[0])
    yield from done(changes)


def _release(desk: Desk, change: Change) -> None:
    desk.remove(desk.phone_path(change, f"/phone_numbers/{segment(e164(change.before))}"))


def add_delegate(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Let somebody answer for this user; Zoom takes one delegate a call, by extension id.

    Whom the answer leaves out of the user's delegates is not one yet: Zoom doesn't document whether a
    delegate whom an administrator names has to accept it, as one whom a user names does.
    """
    (change,) = changes
    name = str(change.after)
    extension = _extension(desk, name)
    if extension is None:
        if desk.recent.has(name):
            raise TransientError(
                f"Zoom doesn't show {name} in phone yet, who was added a moment ago",
                retry_after_s=LOOK_AGAIN_S,
            )
        raise PersonError(
            f"{name} can't answer for {change.user}: they are not in Zoom Phone",
            remedy="a delegate is a user or a common area with a Zoom Phone license",
        )
    try:
        body = {"delegation_assistant_extension_id": extension}
        answer = desk.send("POST", desk.phone_path(change, "/settings/delegation"), body)
        if _leaves_out(answer, extension):
            yield Outcome(change.seq, "settling", f"{name} {UNACCEPTED}")
            return
    except Refused:
        desk.lookups.forget("extension:")  # a license taken and given anew makes a new extension
        if not _is_delegate(desk, change, name):
            raise
    except TransientError as error:
        if not (error.in_doubt and _is_delegate(desk, change, name)):
            raise
    yield from done(changes)


def _leaves_out(answer: Any, extension: str) -> bool:
    """Return whether an answer tells a user's delegates, and not this one, by extension id."""
    told = answer.get("delegation") if isinstance(answer, dict) else None
    assistants = told.get("assistants") if isinstance(told, dict) else None
    if not isinstance(assistants, list):
        return False
    ids = [each.get("extension_id") if isinstance(each, dict) else None for each in assistants]
    return None not in ids and extension not in ids


def remove_delegate(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """End a delegation; with a delegate who has left phone it has ended already."""
    (change,) = changes
    extension = _extension(desk, str(change.before))
    if extension is not None:
        path = desk.phone_path(change, "/settings/delegation")
        try:
            desk.remove(path, assistant_extension_id=extension)
        except Refused:
            if _is_delegate(desk, change, str(change.before)):
                raise
    yield from done(changes)


def set_privileges(desk: Desk, changes: tuple[Change, ...]) -> Iterator[Outcome]:
    """Set what a delegator lets every delegate do: names as Zoom's documentation has them."""
    (change,) = changes
    numbers = {fold(name): number for number, name in PRIVILEGES.items()}
    names = [name.strip() for name in str(change.after or "").split(",") if name.strip()]
    unknown = sorted(name for name in names if fold(name) not in numbers)
    if unknown:
        raise PersonError(
            f"Zoom has no delegate privilege called {', '.join(unknown)}",
            remedy=f"its privileges are: {', '.join(PRIVILEGES.values())}",
        )
    wished = sorted(numbers[fold(name)] for name in names)
    path = desk.phone_path(change, "/settings/delegation")
    desk.send("PATCH", path, {"delegation": {"privileges": wished}})
    yield from done(changes)


def _extension(desk: Desk, name: str) -> str | None:
    """Return the extension id of a delegate: a user's by mail, a common area's by its name."""
    found = desk.lookups.extension_id(name) if "@" in name else None
    return found or (None if "@" in name else desk.lookups.common_area(name))


def _is_delegate(desk: Desk, change: Change, name: str) -> bool:
    user = change.id or change.user
    with looking_back():
        found = desk.lookups.phone_user(user)
        if found is None:
            return False
        delegation = desk.reader.delegation(user, desk.reader.phone(found).extension_number)
    return fold(name) in map(fold, delegation.delegates or ())


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
        if desk.not_yet(error, changes[0]):
            raise
        there, left = _there(desk, changes, held)
        yield from done(there)
        if len(changes) == 1:
            yield from failed(left, error)
            return
        for change in left:
            yield from _add(desk, (change,), post, held)
    except TransientError as error:
        if error.in_doubt:
            there, left = _there(desk, changes, held)
            yield from done(there)
            if not left:
                return
        raise
    else:
        yield from done(changes)


def _there(
    desk: Desk, changes: tuple[Change, ...], held: Callable[[Phone], Collection[str]]
) -> tuple[list[Change], list[Change]]:
    """Return the changes whose `after` the user holds by now, and the others."""
    with looking_back():
        found = desk.lookups.phone_user(changes[0].id or changes[0].user)
        names = set() if found is None else set(map(fold, held(desk.reader.phone(found))))
    there = [change for change in changes if fold(str(change.after)) in names]
    return there, [change for change in changes if change not in there]


def _found(desk: Desk, change: Change) -> dict[str, Any]:
    """Return the change's user as phone has them. Raises Refused if it hasn't."""
    found = desk.lookups.phone_user(change.id or change.user)
    if found is None:
        raise Refused(f"{change.user} is not in Zoom Phone", status=404, code=NO_USER)
    return found


def plan_body(plan: CallingPlan) -> dict[str, Any]:
    """Return a calling plan as the calls that give one want it."""
    body: dict[str, Any] = {"type": plan.kind}
    if plan.subscription:
        body["billing_subscription_id"] = plan.subscription
    if plan.billing_account:
        body["billing_account_id"] = plan.billing_account
    return body


def _subscription_held(desk: Desk, change: Change, plan: CallingPlan) -> str | None:
    """Return the subscription that the user's plan is from, which a swap must name if there are several."""
    if not desk.lookups.several_subscriptions(plan.kind):
        return plan.subscription
    for held in _found(desk, change).get("calling_plans") or ():
        if held.get("type") == plan.kind:
            return held.get("billing_subscription_id") or None
    return None
