"""Reading delegations where each costs a call: whom the plan would add delegates to is looked at closely.

Whether the vendor lets somebody have delegates at all (a policy of theirs, say) may be told by a read of
that one user only. So it is asked of whoever would get a new delegate, and of nobody else.
"""

from __future__ import annotations

import msgspec

from connectors.records import PhoneSystem, fold
from provisioner.plan.differences import Case, Differences


def look_closer(phone: PhoneSystem, differences: Differences) -> None:
    """Let those who would get a delegate bear what the vendor refuses them (`vendor.blocks`)."""
    if "delegates" not in phone.abilities.looks_closer:
        return
    wishing = {
        case.actual.id: case
        for case in differences.cases
        if case.actual is not None and _gets_one(case, differences)
    }
    if not wishing:
        return
    for user in phone.read_some([case.actual for case in wishing.values() if case.actual]):
        case = wishing.get(user.id)
        if case is not None and case.actual is not None and "blocks" in user.vendor:
            vendor = {**case.actual.vendor, "blocks": user.vendor["blocks"]}
            case.actual = msgspec.structs.replace(case.actual, vendor=vendor)


def _gets_one(case: Case, differences: Differences) -> bool:
    given, actual = case.entitlements, case.actual
    if given is None or actual is None or actual.license is None or actual.delegates is None:
        return False
    wished = {fold(name) for name in given.many.get("delegates", {})}
    held = set(map(fold, actual.delegates))
    return any(differences.mails.get(name, name) not in held for name in wished)
