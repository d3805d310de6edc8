"""What changes of entitlements do to a snapshot: licenses, packages, numbers, delegation and the rest.

Each step takes the account, the user and the change. What is already so is done; what is neither as
the plan saw it nor as it wants it is stale; what breaks a rule is refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec.structs import replace

from connectors.errors import PersonError
from connectors.phone.snapshot.account import Account, name_of
from connectors.records import Change, PhoneUser, Value, clean, fold

MAX_DELEGATES = 15
"""Delegates for each delegator, and delegators for each delegate (Zoom)."""

Step: TypeAlias = Callable[[Account, PhoneUser, Change], None]


class Stale(Exception):
    """What is there is neither what the plan saw nor what it wants."""


def same(current: str | None, value: Value) -> bool:
    """Tell whether a current name is the change's `before` or `after`, without case."""
    if current is None or not isinstance(value, str):
        return current is None and value is None
    return fold(current) == fold(value)


def _seen(current: str | None, c: Change) -> None:
    if not same(current, c.before):
        raise Stale(f"there is {current or 'nothing'} now, not {c.before or 'nothing'}")


def _text(value: Value) -> str:
    if not isinstance(value, str) or not clean(value):
        raise PersonError(f"{value!r} is no name that could be given")
    return clean(value)


# Licenses, packages, numbers: each hangs on the one before


def _assign_license(account: Account, user: PhoneUser, c: Change) -> None:
    if not same(user.license, c.after):
        _seen(user.license, c)
        account.put(replace(user, license=account.seat("licenses", _text(c.after))))


def _remove_license(account: Account, user: PhoneUser, c: Change) -> None:
    if user.license is not None:
        _seen(user.license, c)
        account.put(stripped(account, user))


def stripped(account: Account, user: PhoneUser) -> PhoneUser:
    """Return the user without license and all that hangs on it, and out of delegators' lists."""
    leave_delegators(account, user)
    return replace(
        user,
        license=None,
        packages=(),
        numbers=(),
        delegates=(),
        delegate_privileges=(),
        credits=False,
    )


def _assign_package(account: Account, user: PhoneUser, c: Change) -> None:
    held = {fold(p): p for p in user.packages}
    before = c.before if isinstance(c.before, str) else None
    swapped = None if before is None else held.get(fold(before))
    wanted = fold(_text(c.after))
    has_it = wanted in held
    if before is not None and swapped is None and not has_it:
        raise Stale(f"the package {before} isn't held any more")
    kept = tuple(p for p in user.packages if p != swapped or fold(p) == wanted)
    if has_it:
        account.put(replace(user, packages=kept))
        return
    if user.license is None and user.kind == "person":
        raise PersonError("a package needs a license first")
    new = account.seat("packages", _text(c.after))
    account.put(replace(user, packages=(*kept, new)))


def _remove_package(account: Account, user: PhoneUser, c: Change) -> None:
    kept = tuple(p for p in user.packages if not same(p, c.before))
    if len(kept) < len(user.packages):
        # without a package nobody dials out: the last one takes the direct numbers with it
        account.put(replace(user, packages=kept, numbers=user.numbers if kept else ()))


def _assign_number(account: Account, user: PhoneUser, c: Change) -> None:
    new = _text(c.after)
    kept = tuple(n for n in user.numbers if n != c.before or n == new)
    if new in user.numbers:
        account.put(replace(user, numbers=kept))
        return
    if c.before is not None and len(kept) == len(user.numbers):
        raise Stale(f"the number {c.before} isn't held any more")
    if (user.license is None and user.kind == "person") or not user.packages:
        raise PersonError("a number needs a license and a package first")
    account.put(replace(user, numbers=(*kept, account.free_number(new))))


def _release_number(account: Account, user: PhoneUser, c: Change) -> None:
    account.put(replace(user, numbers=tuple(n for n in user.numbers if n != c.before)))


def _assign_credit(account: Account, user: PhoneUser, _: Change) -> None:
    if user.license is None:
        raise PersonError("communication credits need a license first")
    account.put(replace(user, credits=True))


def _remove_credit(account: Account, user: PhoneUser, _: Change) -> None:
    account.put(replace(user, credits=False))


# Delegation


def _add_delegate(account: Account, user: PhoneUser, c: Change) -> None:
    name = _text(c.after)
    delegates = user.delegates or ()
    if fold(name) in map(fold, delegates):
        return
    found = [u for u in account.having("name", fold(name)) if u.status != "trashed"]
    if not found or found[0].id == user.id:
        raise PersonError(
            f"{name} can't be a delegate: " + ("that is they" if found else "unknown")
        )
    delegate = found[0]
    for side in (user, delegate):
        if side.kind == "person" and (side.license is None or not side.packages):
            raise PersonError(
                f"a delegation needs a license and a package: {side.user} has not both"
            )
    if len(delegates) >= MAX_DELEGATES:
        raise PersonError(f"{user.user} has {MAX_DELEGATES} delegates, the most there may be")
    if len(account.having("delegate", fold(name))) >= MAX_DELEGATES:
        raise PersonError(f"{name} has {MAX_DELEGATES} delegators, the most there may be")
    account.put(replace(user, delegates=(*delegates, name_of(delegate) or name)))


def _remove_delegate(account: Account, user: PhoneUser, c: Change) -> None:
    kept = tuple(d for d in user.delegates or () if not same(d, c.before))
    account.put(replace(user, delegates=kept))


def leave_delegators(account: Account, user: PhoneUser, *, renamed: str | None = None) -> None:
    """Take a user out of all delegators' lists, or put their new name there."""
    name = name_of(user)
    for delegator in account.having("delegate", fold(name)) if name is not None else ():
        others = [d if not same(d, name) else renamed for d in delegator.delegates or ()]
        account.put(replace(delegator, delegates=tuple(d for d in others if d is not None)))


def _set_delegation(account: Account, user: PhoneUser, c: Change) -> None:
    """Set what a delegator's delegates may do: names with commas between, None for nothing."""
    wanted = _privileges(c.after)
    if set(wanted) != set(user.delegate_privileges):
        if set(user.delegate_privileges) != set(_privileges(c.before)):
            raise Stale("the delegates' privileges are others now")
        account.put(replace(user, delegate_privileges=wanted))


def _privileges(value: Value) -> tuple[str, ...]:
    written = value.split(",") if isinstance(value, str) else []
    return tuple(clean(p) for p in written if clean(p))


# What a user has one of


def _template(account: Account, user: PhoneUser, name: str) -> str:
    return account.template(name, user.site)


def _site(account: Account, _: PhoneUser, name: str) -> str:
    return account.known("sites", name)


def _extension(account: Account, user: PhoneUser, number: str) -> str:
    for holder in account.having("extension", number):
        if holder.id != user.id:
            raise PersonError(f"the extension number {number} is {holder.user}'s")
    return number


def _as_written(_: Account, __: PhoneUser, text: str) -> str:
    return text


def _single(member: str, judge: Callable[[Account, PhoneUser, str], str]) -> Step:
    """Return the step that sets one member to `after` (None: to nothing), once `judge` allows it."""

    def step(account: Account, user: PhoneUser, c: Change) -> None:
        current: str | None = getattr(user, member)
        if not same(current, c.after):
            _seen(current, c)
            new = None if c.after is None else judge(account, user, _text(c.after))
            account.put(replace(user, **{member: new}))

    return step


ENTITLEMENT_STEPS: dict[str, Step] = {
    "license.assign": _assign_license,
    "license.remove": _remove_license,
    "package.assign": _assign_package,
    "package.remove": _remove_package,
    "number.assign": _assign_number,
    "number.release": _release_number,
    "credit.assign": _assign_credit,
    "credit.remove": _remove_credit,
    "delegate.add": _add_delegate,
    "delegate.remove": _remove_delegate,
    "delegation.set": _set_delegation,
    "template.apply": _single("template", _template),
    "site.set": _single("site", _site),
    "extension.set": _single("extension_number", _extension),
    "emergency.set": _single("emergency_address", _as_written),
    "softphone.authorize": _single("softphone", _as_written),
    "softphone.deauthorize": _single("softphone", _as_written),
}
