"""Settings of a phone user: site, extension number, template, softphone, emergency address.

What the vendor can't read back (a Zoom user's template) is remembered in our store as last applied;
where nothing is remembered it counts as it is wished: unknown is not different.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.records import Value
from provisioner.plan.called import mail_of
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground, same
from provisioner.plan.services import has_phone

_SETTINGS = (
    ("site", "site.set"),
    ("extension_number", "extension.set"),
    ("template", "template.apply"),
    ("emergency_address", "emergency.set"),
)


def setting_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield a change for each managed setting that differs."""
    given = case.entitlements
    assert given is not None
    for entitlement, kind in _SETTINGS:
        if not ground.manages(entitlement) or entitlement in given.left_alone:
            continue
        if entitlement in ground.catalog.without:
            continue  # a warning says why nobody's is set (make.py)
        wish = given.single.get(entitlement)
        wished = None if wish is None else str(wish.value)
        known, held = _held(case, entitlement, ground)
        if not known or same(wished, held):
            continue
        if wished is None and entitlement in ground.abilities.keeps:
            continue  # it can't be taken away there, only changed
        rule = wish.rule if wish else given.taken.get(entitlement)
        yield Draft(kind, case, held, wished, rule, "service")


def _held(case: Case, entitlement: str, ground: Ground) -> tuple[bool, str | None]:
    """Return whether what they hold is known, and what it is."""
    if entitlement in ground.abilities.unreadable and (
        case.actual is None or not has_phone(case.actual)
    ):
        return True, None  # whoever gets the license in this plan starts without one
    return ground.held(case, entitlement, entitlement)


def believed(case: Case, ground: Ground) -> Iterator[tuple[tuple[str, str], Value]]:
    """Yield what can't be read back and counts as in place, for want of anything better known."""
    given, actual = case.entitlements, case.actual
    if given is None or actual is None:
        return
    single = [name for name, _ in _SETTINGS] + ["softphone"]
    wishes = {name: given.single.get(name) for name in single if has_phone(actual)}
    wishes |= {f"profile.{name}": wish for name, wish in given.profile.items()}
    for entitlement, wish in wishes.items():
        unknown = (case.key, entitlement) not in ground.memory.applied
        if entitlement in ground.abilities.unreadable and unknown and wish is not None:
            yield (case.key, entitlement), str(wish.value)
    unread = ground.manages("delegates") and "delegates" in ground.abilities.unreadable
    if unread and ground.delegates_of(case) is None:
        wished = given.many.get("delegates", {})
        mails = sorted(mail_of(ground.mails, name) or name for name in wished)
        yield (case.key, "delegates"), dict.fromkeys(mails)
    if ground.manages("delegate_privileges") and ground.privileges_of(case) is None:
        names = sorted(given.many.get("delegate_privileges", {}))
        yield (case.key, "delegate_privileges"), ", ".join(names) or None


def softphone_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield the binding of the softphone's line to a computer, or its freeing; a move is both."""
    given = case.entitlements
    assert given is not None
    if not ground.manages("softphone") or "softphone" in given.left_alone:
        return
    wish = given.single.get("softphone")
    wished = None if wish is None else str(wish.value)
    known, held = _held(case, "softphone", ground)
    if not known or same(wished, held):
        return
    if held is not None:
        rule = wish.rule if wish else given.taken.get("softphone")
        yield Draft("softphone.deauthorize", case, held, None, rule, "service")
    if wish is not None:
        yield Draft("softphone.authorize", case, None, wished, wish.rule, "service")
