"""Who can't be told apart: conflicts that only show when people meet the phone system's users."""

from __future__ import annotations

from connectors.records import Person, PhoneUser
from provisioner.memory import Binding
from provisioner.plan.model import Conflict


def one_mail_two_keys(person: Person, gone: Binding, user: PhoneUser) -> Conflict:
    """Somebody who is gone, and somebody new, have one mail: a new key for one person, perhaps."""
    reason = (
        f"one mail address, {user.user}, under two keys: {gone.key}, who is gone and bound to this"
        f" phone user, and {person.key}; if they are one person, give them their old key back,"
        " else change the leaver's mail address at the phone system"
    )
    return Conflict((gone.key, person.key), (user.user,), (person.where, user.id), reason)


def two_phone_users(person: Person, user: PhoneUser) -> Conflict:
    """Two phone users are one person's, by everything that is known."""
    reason = f"two phone users match {person.user}; bind or rename one of them at the phone system"
    return Conflict((person.key,), (person.user,), (user.id,), reason)
