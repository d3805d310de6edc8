"""Where a change stands at the phone system, told from a fresh read of the user.

No vendor offers idempotency keys, so reading back is the proof: of what a plan still finds as it
saw it, and of what a lost answer did.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from connectors.records import ACTIVATED, Abilities, Change, PhoneUser, Value, fold
from provisioner.apply.fresh import MAKES
from provisioner.plan.accounts import to_activate
from provisioner.plan.draft import same
from provisioner.plan.services import taken

Standing = Literal["before", "after", "neither", "unknown"]
"""As the plan saw it (or half-way on from there); as the plan wants it; something else; or it can't be
read there."""

_FIELDS = {
    "license.assign": "license",
    "license.remove": "license",
    "site.set": "site",
    "extension.set": "extension_number",
    "template.apply": "template",
    "emergency.set": "emergency_address",
    "softphone.authorize": "softphone",
    "softphone.deauthorize": "softphone",
}
_SETTINGS = frozenset({"site.set", "extension.set", "template.apply", "emergency.set"})
"""What a new account or license begins with by itself, whatever the vendor's default is."""

_LISTS = {"package": "packages", "number": "numbers", "delegate": "delegates"}
_NUMBERS = ("number.assign", "number.release")
_STATUS = {"user.activate": "active", "user.restore": "active", "user.deactivate": "inactive"}
_GONE = frozenset({"user.trash", "user.delete"})
_EVERYTHING = frozenset({"license", "packages", "numbers", "credits"})


def standing_of(
    change: Change, actual: PhoneUser | None, abilities: Abilities, *, begun: bool = False
) -> Standing:
    """Return where the change stands; `actual` is None where the vendor has no such user.

    `begun`: the same plan gave them the account or the license, so that what their settings began
    with is nobody's choice.
    """
    family = change.kind.split(".")[0]
    if change.kind in MAKES:
        return "before" if actual is None else "after"
    if actual is None:
        return "after" if change.after in (None, False) or change.kind in _GONE else "neither"
    if change.kind in _GONE:
        return "after" if actual.status == "trashed" else "before"
    if change.kind == "user.activate" and change.after == ACTIVATED:
        return "before" if to_activate(actual) else "after"
    if change.kind in _STATUS:
        return "after" if actual.status == _STATUS[change.kind] else "before"
    if change.kind in _FIELDS:
        return _field(change, actual, abilities, begun=begun)
    if family in _LISTS:
        return _listed(change, getattr(actual, _LISTS[family]))
    if family == "credit":
        return "after" if actual.credits is change.after else "before"
    if change.kind == "profile.update":
        return _profile(change, actual, abilities)
    if change.kind == "delegation.set":
        if (begun and change.before is None) or "delegate_privileges" in abilities.unreadable:
            return "unknown"  # a vendor's default privileges, or nobody's to read
        held = ", ".join(sorted(actual.delegate_privileges)) or None
        return _of(_names(held), _names(change.before), _names(change.after))
    return "unknown"


def swapped_by_hand(own: Collection[Change], actual: PhoneUser | None, *, begun: bool) -> bool:
    """Return whether somebody has a direct number now that the plan neither saw nor gives.

    Then a number that it would take is gone because another one came in its place, and one that it
    would give to somebody without is a second one: neither is so already. `own` are all of the
    person's changes in the plan; an undo's may leave other numbers as they are.
    """
    if actual is None or not actual.numbers:
        return False
    known = {value for c in own if c.kind in _NUMBERS for value in (c.before, c.after)}
    said = {sentence for change in own for sentence in change.consequences}
    strange = [
        n for n in actual.numbers if n not in known and f"number {n} is released" not in said
    ]
    return bool(strange) and any(
        (change.kind == "number.release" and change.before not in actual.numbers)
        or (
            change.kind == "number.assign"
            and change.before is None
            and change.cause != "undo"
            and not begun
        )
        for change in own
    )


def _names(value: Value) -> Value:
    """Return a list of names, as text, in one order and without case."""
    if not isinstance(value, str):
        return value
    return ", ".join(sorted(fold(name) for name in value.split(",")))


def _equal(one: Value, other: Value) -> bool:
    return one == other or (isinstance(one, str) and isinstance(other, str) and same(one, other))


def _of(held: Value, before: Value, after: Value) -> Standing:
    if _equal(held, after):
        return "after"
    return "before" if _equal(held, before) else "neither"


def _field(change: Change, actual: PhoneUser, abilities: Abilities, *, begun: bool) -> Standing:
    name = _FIELDS[change.kind]
    if name in abilities.unreadable:
        return "unknown"
    if name == "license" and isinstance(change.after, str) and change.before is None:
        counts = fold(change.after) in map(fold, actual.counts_as)
        if counts:
            return "after"
    standing = _of(getattr(actual, name), change.before, change.after)
    if standing == "after" and change.kind == "license.assign" and to_activate(actual):
        return "before"  # half-way: given, and not activated yet
    if standing == "neither" and begun and change.before is None and change.kind in _SETTINGS:
        return "before"
    return standing


def _listed(change: Change, held: tuple[str, ...] | None) -> Standing:
    if held is None:
        return "unknown"
    names = set(map(fold, held))
    there = change.after is None or fold(str(change.after)) in names
    if change.before is None:
        return "after" if there else "before"
    if fold(str(change.before)) not in names:
        return "after" if there else "neither"
    if change.after is None or not there:
        return "before"
    # numbers are swapped by giving and then taking: that is half the way; packages at one stroke
    return "before" if change.kind == "number.assign" else "neither"


def _profile(change: Change, actual: PhoneUser, abilities: Abilities) -> Standing:
    """Judge the attributes one by one: they may take more than one request."""
    before = change.before if isinstance(change.before, dict) else None
    after = change.after if isinstance(change.after, dict) else {}
    readable = [name for name in after if f"profile.{name}" not in abilities.unreadable]
    wished = [name for name in readable if _equal(getattr(actual, name), after[name])]
    if len(wished) == len(readable):
        return "after" if len(readable) == len(after) else "unknown"
    if before is None:
        return "before"  # whatever a new account began with is ours to set
    moved = (n for n in readable if n not in wished and not _equal(getattr(actual, n), before[n]))
    return "neither" if any(moved) else "before"


def is_effective(change: Change, actual: PhoneUser | None, abilities: Abilities) -> bool:
    """Return whether what the vendor accepted earlier is now in effect, as a fresh read shows it."""
    if standing_of(change, actual, abilities, begun=True) != "after":
        return False
    settling = () if actual is None else map(fold, actual.settling)
    return not isinstance(change.after, str) or fold(change.after) not in settling


def takes_what_was_said(change: Change, actual: PhoneUser | None, abilities: Abilities) -> bool:
    """Return whether a change would still take nothing beyond what was decided about.

    Less is fine: another change of the same plan may have taken it. Delegations don't count: a plan
    may not have asked for them.
    """
    takes = {
        "license.remove": abilities.license_takes,
        "package.remove": abilities.last_package_takes,
        "user.deactivate": abilities.deactivation_takes,
        "user.trash": _EVERYTHING,
        "user.delete": _EVERYTHING,
    }.get(change.kind)
    if takes is None or actual is None:
        return True
    if change.kind == "package.remove" and len(actual.packages) > 1:
        return True  # not the last one
    said = set(change.consequences)
    return all(each in said or each.startswith("delegation") for each in taken(actual, takes))
