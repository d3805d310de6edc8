"""Fresh reads of the users that changes are about, whether they are known by id or only by mail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from connectors.records import Change, PhoneSystem, PhoneUser, fold

MAKES = ("user.create", "user.invite")
"""Kinds that make an account: before them nobody is there."""

_DELEGATING = ("delegate.add", "delegate.remove", "delegation.set")


def fresh_reads(
    phone: PhoneSystem,
    changes: Iterable[Change],
    made: Mapping[str, str],
    *,
    delegations: bool = False,
) -> dict[str, PhoneUser]:
    """Return the present state of the changes' users, by folded key; who isn't there isn't in it.

    `made`: vendor's ids by folded key, of accounts that didn't exist when the plan was made.
    `delegations`: everybody's are read, not only where a change is about them.
    """
    stubs: dict[str, PhoneUser] = {}
    by_mail: dict[str, list[str]] = defaultdict(list)
    listed = list(changes)
    delegating = {fold(c.key) for c in listed if c.kind in _DELEGATING}
    for change in listed:
        key = fold(change.key)
        if key in stubs and change.kind not in MAKES:
            continue
        phone_id, email = change.id or made.get(key) or "", _email(change)
        if email and (not phone_id or change.kind in MAKES):
            by_mail[fold(email)].append(key)
        delegates = () if delegations or key in delegating else None
        stubs[key] = PhoneUser(
            phone_id, key=change.key, kind=change.user_kind, email=email, delegates=delegates
        )
    by_id: dict[str, list[str]] = defaultdict(list)
    for key, stub in stubs.items():
        if stub.id:
            by_id[stub.id].append(key)
    found: dict[str, PhoneUser] = {}
    for user in phone.read_some(stubs.values()) if stubs else ():
        # one user may be known under two keys: a person's, and the phone system's own
        owners = by_id.get(user.id) or by_mail.get(fold(user.email or "")) or []
        found.update((owner, user) for owner in owners)
    return found


def _email(change: Change) -> str | None:
    """Return the mail address by which the user can be found: the one that an account is made with."""
    for name in (change.after if change.kind in MAKES else None, change.user):
        if isinstance(name, str) and "@" in name:
            return name
    return None
