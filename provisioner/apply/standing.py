"""Where a change stands at the phone system, told from a fresh read of the user.

No vendor offers idempotency keys, so reading back is the proof: of what a plan still finds as it
saw it, and of what a lost answer did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from connectors.records import Abilities, Change, PhoneUser, Value, fold
from provisioner.plan.draft import same
from provisioner.plan.services import taken

Standing = Literal["before", "after", "neither", "unknown"]
"""As the plan saw it; as the plan wants it; something else; or it can't be read there."""

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
_LISTS = {"package": "packages", "number": "numbers", "delegate": "delegates"}
_STATUS = {"user.activate": "active", "user.restore": "active", "user.deactivate": "inactive"}
_GONE = frozenset({"user.trash", "user.delete"})


def standing_of(change: Change, actual: PhoneUser | None, abilities: Abilities) -> Standing:
    """Return where the change stands; `actual` is None where the vendor has no such user."""
    family = change.kind.split(".")[0]
    if change.kind in ("user.invite", "user.create"):
        return "before" if actual is None else "after"
    if actual is None:
        return "after" if change.after in (None, False) or change.kind in _GONE else "neither"
    if change.kind in _GONE:
        return "after" if actual.status == "trashed" else "before"
    if change.kind in _STATUS:
        return "after" if actual.status == _STATUS[change.kind] else "before"
    if change.kind in _FIELDS:
        return _field(change, actual, abilities)
    if family in _LISTS:
        return _listed(change, getattr(actual, _LISTS[family]))
    if family == "credit":
        return "after" if actual.credits is change.after else "before"
    if change.kind == "profile.update":
        return _profile(change, actual)
    if change.kind == "delegation.set":
        held = ", ".join(sorted(actual.delegate_privileges)) or None
        return _of(held, change.before, change.after, _equal)
    return "unknown"


def _equal(one: Value, other: Value) -> bool:
    return one == other or (isinstance(one, str) and isinstance(other, str) and same(one, other))


def _of(
    held: Value, before: Value, after: Value, equal: Callable[[Value, Value], bool]
) -> Standing:
    if equal(held, after):
        return "after"
    return "before" if equal(held, before) else "neither"


def _field(change: Change, actual: PhoneUser, abilities: Abilities) -> Standing:
    name = _FIELDS[change.kind]
    if name in abilities.unreadable:
        return "unknown"
    return _of(getattr(actual, name), change.before, change.after, _equal)


def _listed(change: Change, held: tuple[str, ...] | None) -> Standing:
    if held is None:
        return "unknown"
    names = set(map(fold, held))
    gone = change.before is None or fold(str(change.before)) not in names
    there = change.after is None or fold(str(change.after)) in names
    if there and (change.before is None or gone):
        return "after"
    as_seen = change.before is None or not gone
    return "before" if as_seen and (change.after is None or not there) else "neither"


def _profile(change: Change, actual: PhoneUser) -> Standing:
    def holds(values: Value) -> bool:
        if not isinstance(values, dict):
            return False
        return all(_equal(getattr(actual, name), value) for name, value in values.items())

    if holds(change.after):
        return "after"
    # a joiner's account has no before; whatever it began with is ours to set
    return "before" if change.before is None or holds(change.before) else "neither"


def takes_what_was_said(change: Change, actual: PhoneUser | None, abilities: Abilities) -> bool:
    """Return whether a removal would still take just what was decided about: its consequences.

    Delegations don't count: a plan may not have asked for them.
    """
    if change.kind != "license.remove" or actual is None:
        return True
    now = {said for said in taken(actual, abilities.license_takes) if _counts(said)}
    return now == {said for said in change.consequences if _counts(said)}


def _counts(said: str) -> bool:
    return not said.startswith("delegation")
