"""What each kind of change does to a snapshot, by the rules that Zoom keeps.

An account before a license, a license before a package, a package before a number; what hangs on
something goes with it. Here are the order in which changes are tried, and those of the account
itself; entitlements.py has the rest.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from connectors.errors import PersonError
from connectors.phone.snapshot.account import Account, name_of, new_id
from connectors.phone.snapshot.entitlements import (
    ENTITLEMENT_STEPS,
    Stale,
    Step,
    leave_delegators,
    same,
    stripped,
)
from connectors.records import Change, Outcome, PhoneUser, clean, fold

PROFILE = ("display_name", "email", "department", "job_title", "usage_location")
PENDING = frozenset({"profile.update", "user.deactivate", "user.trash", "user.delete"})
"""What works for a user who has not accepted the invitation yet."""

_IN_TRASH = frozenset({"user.restore", "user.delete", "user.trash"})
_NEEDS_ACTIVE = frozenset(
    {"license.assign", "package.assign", "number.assign", "credit.assign", "delegate.add"}
    | {"template.apply", "site.set", "extension.set", "delegation.set", "emergency.set"}
    | {"softphone.authorize"}
)


class Steps:
    """Carries changes out one by one; after one that isn't done its person is left alone."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._left: dict[str, Outcome] = {}
        self._undone: dict[int, Outcome] = {}

    def carry_out(self, change: Change) -> Outcome:
        """Return what became of a change: done, failed or stale."""
        person = fold(change.key)
        needed = next((self._undone[n] for n in change.needs if n in self._undone), None)
        earlier = self._left.get(person) or needed
        if earlier is None:
            outcome = _outcome(self._account, change)
        else:
            reason = f"not tried: change {earlier.seq} before it is {earlier.state}"
            outcome = Outcome(change.seq, earlier.state, reason)
        if outcome.state != "done":
            self._left.setdefault(person, outcome)
            self._undone[change.seq] = outcome
        return outcome


def _outcome(account: Account, change: Change) -> Outcome:
    try:
        id = _apply(account, change)
    except PersonError as e:
        return Outcome(change.seq, "failed", e.message)
    except Stale as e:
        return Outcome(change.seq, "stale", str(e))
    return Outcome(change.seq, "done", id=id)


def _apply(account: Account, c: Change) -> str | None:
    """Carry one change out; return the id of a user that it made."""
    if c.kind == "user.create":
        return _create(account, c)
    step = _STEPS.get(c.kind)
    if step is None:
        raise PersonError(f"a snapshot doesn't know {c.kind}")
    user = _find(account, c)
    if user is None and c.kind == "user.delete":
        return None
    if user is None:
        raise Stale("there is no such phone user any more" if c.id else "there is no account yet")
    if user.status == "trashed" and c.kind not in _IN_TRASH:
        raise PersonError("the user is in the trash: restore them first")
    if user.status == "pending" and c.kind not in PENDING:
        raise PersonError("the user has not accepted the invitation yet")
    if user.status == "inactive" and c.kind in _NEEDS_ACTIVE:
        raise PersonError("the user is inactive: activate them first")
    step(account, user, c)
    return None


def _find(account: Account, c: Change) -> PhoneUser | None:
    """Return the change's user: by id, or, for somebody made in the same run, by key or mail."""
    if c.id is not None:
        return account.get(c.id)
    theirs = account.having("key", fold(c.key)) or account.having("name", fold(c.user))
    return next((user for user in theirs if user.status != "trashed"), None)


def _create(account: Account, c: Change) -> str:
    given = c.after if isinstance(c.after, dict) else {}
    profile: dict[str, Any] = {name: clean(v) for name, v in given.items() if name in PROFILE and v}
    if "@" in c.user:
        profile.setdefault("email", clean(c.user))
    for user in account.having("key", fold(c.key)):
        if user.status == "trashed":
            raise PersonError("their phone user is in the trash: restore it")
        return user.id
    if "email" in profile:
        _free_address(account, profile["email"])
    user = PhoneUser(id=new_id(c.key), key=clean(c.key), **profile)
    if account.get(user.id) is not None:
        raise PersonError(f"the id {user.id} is taken")
    account.put(user)
    return user.id


def _free_address(account: Account, email: str) -> None:
    for user in account.having("name", fold(email)):
        raise PersonError(f"the mail address {email} belongs to phone user {user.id}")


def _activate(account: Account, user: PhoneUser, _: Change) -> None:
    vendor = {name: value for name, value in user.vendor.items() if name != "to_activate"}
    account.put(replace(user, status="active", vendor=vendor))


def _deactivate(account: Account, user: PhoneUser, _: Change) -> None:
    _refuse_roles(user, "owner", "admin")
    account.put(replace(stripped(account, user), status="inactive"))


def _trash(account: Account, user: PhoneUser, _: Change) -> None:
    _refuse_roles(user, "owner")
    account.put(replace(user, status="trashed"))


def _delete(account: Account, user: PhoneUser, _: Change) -> None:
    _refuse_roles(user, "owner")
    leave_delegators(account, user)
    account.drop(user.id)


def _restore(account: Account, user: PhoneUser, _: Change) -> None:
    """Bring a user back with what they had, but for numbers that were given to others meanwhile."""
    if user.status != "trashed":
        return
    if user.license is not None:
        account.seat("licenses", user.license)
    for package in user.packages:
        account.seat("packages", package)
    free = tuple(n for n in user.numbers if not account.taken("number", n))
    extension = user.extension_number
    if extension is not None and account.taken("extension", extension):
        extension = None
    account.put(replace(user, status="active", numbers=free, extension_number=extension))


def _refuse_roles(user: PhoneUser, *roles: str) -> None:
    if user.role in roles:
        raise PersonError(f"the user is the account's {user.role}: take that role from them first")


def _profile(account: Account, user: PhoneUser, c: Change) -> None:
    before = c.before if isinstance(c.before, dict) else {}
    after = c.after if isinstance(c.after, dict) else {}
    for name in after.keys() - set(PROFILE):
        raise PersonError(f"a profile has no {name!r}")
    values: dict[str, str | None] = {}
    for name, value in sorted(after.items()):
        current: str | None = getattr(user, name)
        wanted = clean(value or "") or None
        if current == wanted:
            continue
        if current != before.get(name):
            raise Stale(f"the {name} is {current or 'nothing'} now")
        values[name] = wanted
    new = replace(user, **values)
    if not same(name_of(user), name_of(new)):
        if name_of(new) is not None:
            _free_address(account, str(name_of(new)))
        leave_delegators(account, user, renamed=name_of(new))
    account.put(replace(account.get(user.id) or user, **values))


_STEPS: dict[str, Step] = ENTITLEMENT_STEPS | {
    "user.activate": _activate,
    "user.deactivate": _deactivate,
    "user.trash": _trash,
    "user.delete": _delete,
    "user.restore": _restore,
    "profile.update": _profile,
}
KINDS = frozenset(_STEPS) | {"user.create"}
