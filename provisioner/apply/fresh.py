"""Fresh reads of the users that changes are about, whether they are known by id or only by mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.records import Change, PhoneSystem, PhoneUser, fold


def fresh_reads(
    phone: PhoneSystem, changes: Iterable[Change], made: Mapping[str, str]
) -> dict[str, PhoneUser]:
    """Return the present state of the changes' users, by folded key; who isn't there isn't in it.

    `made`: vendor's ids by folded key, of accounts that this run made.
    """
    stubs: dict[str, PhoneUser] = {}
    for change in changes:
        key = fold(change.key)
        email = change.user if "@" in change.user else None
        stubs.setdefault(
            key, PhoneUser(change.id or made.get(key) or "", key=change.key, email=email)
        )
    by_id = {stub.id: key for key, stub in stubs.items() if stub.id}
    by_mail = {fold(stub.email): key for key, stub in stubs.items() if stub.email and not stub.id}
    found: dict[str, PhoneUser] = {}
    for user in phone.read_some(stubs.values()):
        owner = by_id.get(user.id)
        if owner is None and user.email is not None:
            owner = by_mail.get(fold(user.email))
        if owner is not None:
            found[owner] = user
    return found
