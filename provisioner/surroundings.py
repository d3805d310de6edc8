"""What an undo must know of everybody else: the seats in use, and who has what is to come back.

The phone system's users stream by once. Of nearly all of them only their seats are counted; kept are
those who have one of the numbers or extension numbers, or are one of the delegates, that an undo gives
back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from connectors.records import PhoneUser, fold
from provisioner.plan.differences import Differences
from provisioner.plan.effects import Effect

_members = msgspec.structs.astuple
_encode = msgspec.msgpack.Encoder().encode


class Surroundings:
    """Everybody else, as `differences` hold them; `holders`: who has each of the numbers."""

    def __init__(self, effects: Iterable[Effect]) -> None:
        wanted: dict[str, set[str]] = {"number": set(), "extension": set(), "delegate": set()}
        for effect in effects:
            if effect.family in wanted and isinstance(effect.before, str):
                wanted[effect.family].add(effect.before)
        self._numbers, self._extensions = wanted["number"], wanted["extension"]
        self._delegates = set(map(fold, wanted["delegate"]))
        self.differences = Differences()
        self.holders: dict[str, PhoneUser] = {}

    @property
    def asks_for_delegations(self) -> bool:
        """Whether it matters for how many people a delegate answers."""
        return bool(self._delegates)

    def add(self, users: Iterable[PhoneUser]) -> None:
        """Take in the phone system's users."""
        digests: list[bytes] = []
        for user in users:
            digests.append(hashlib.sha256(_encode(_members(user))).digest()[:16])
            self._look(user)
            if user.status != "trashed":  # whose seats and numbers are free for others
                self._count(user)
        digests.sort()
        self.differences.phone_users_read = len(digests)
        self.differences.phone_sha256 = f"sha256:{hashlib.sha256(b''.join(digests)).hexdigest()}"

    def _count(self, user: PhoneUser) -> None:
        found = self.differences
        if user.license is not None:
            found.licenses[user.license] += 1
        found.packages.update(user.packages)
        found.credits += user.credits
        for number in self._numbers.intersection(user.numbers):
            found.held_numbers.add(number)
            self.holders[number] = user

    def _look(self, user: PhoneUser) -> None:
        found, name = self.differences, user.email or user.display_name
        if user.extension_number in self._extensions:
            found.extensions[str(user.extension_number)] = user.id
        if name is not None and fold(name) in self._delegates:
            found.phone_users[fold(name)] = user
        for delegate in user.delegates or ():
            if fold(delegate) in self._delegates:
                found.delegators_of.setdefault(fold(delegate), []).append(user)
