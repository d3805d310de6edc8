"""What a comparison of desired and actual state is made of, and what it finds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from connectors.records import Person, PhoneUser, fold
from mappings import Entitlements, Mapping
from provisioner.memory import Binding, Learned
from provisioner.plan.calendar import Days
from provisioner.plan.model import Conflict, Match

Standing = Literal[
    "in_scope",
    "out_of_scope",
    "inactive",
    "gone",
    "unmanaged",
    "place",
    "early",
    "ended",
    "on_leave",
]


@dataclass(slots=True)
class Case:
    """One person, or phone user without one, who may need a change.

    A `place` is a room or a common area that a rule names. `key` is folded; `entitlements` is None for
    everybody else who is not in scope, but for those who are early, where it is what they will have;
    `at` is where the person can be read again; `days` is what the calendar says of them, if it says
    anything.
    """

    key: str
    standing: Standing
    person: Person | None = None
    entitlements: Entitlements | None = None
    actual: PhoneUser | None = None
    binding: Binding | None = None
    at: int | None = None
    days: Days | None = None

    def names(self) -> Iterator[str]:
        """Yield, folded, every name by which `--user` may mean this one."""
        if self.person is not None:
            yield fold(self.person.key)
            yield fold(self.person.user)
            yield fold(self.person.resource.get("userName", self.person.key))
        if self.actual is not None:
            yield fold(self.actual.user)
            yield fold(self.actual.id)
        yield self.key


@dataclass(slots=True)
class Ending:
    """One who is here, and whose `last` day is near: `user` is their phone user, None for a joiner.

    `key` is folded.
    """

    key: str
    last: date
    user: PhoneUser | None = None


@dataclass(slots=True)
class Differences:
    """What the comparison found; everything that a plan needs of the two big sides.

    `people`: in scope or bound. `licenses`, `packages`: holders by the vendor's name; `credits`:
    holders of a credit license.
    `phone_users_read`: how many the phone system gave, and `phone_sha256` of their state in canonical order.
    `held_numbers`: every direct number that somebody holds, where the mapping gives any. `delegators_of`: phone users by folded mail of their delegates.
    `numbers_noted`: whether they were looked at. `named_numbers`: whether rules name numbers, so that
    `number_holders` has the holder's id of each. `rule_in_words` names a rule, and where it gives an entitlement.
    `whose` says of a phone user's id who that is and what
    they should have, where they are somebody's; `asks_whose`: whether that may be asked.
    `unclear`: those whose dates can't be read, who are left alone: user and reason, the first of them,
    and how many there are. `later`: in scope, and early beyond the horizon.
    `endings`: whose last day is within it.
    `covers`: folded keys of those whom the comparison was limited to, if it was.
    `extensions`: the holder's id by extension number, where the mapping gives any. `mail_taken`: by
    folded key, the phone user who has the person's mail address, but is somebody else's.
    `phone_users`: by folded mail, common areas by folded name; `shared_areas`: names of several areas.
    `untouchable`: users whom this sync may not touch, although a person of ours is theirs.
    """

    cases: list[Case] = field(default_factory=list)
    people: int = 0
    licenses: Counter[str] = field(default_factory=Counter)
    packages: Counter[str] = field(default_factory=Counter)
    credits: int = 0
    held_numbers: set[str] = field(default_factory=set)
    phone_users_read: int = 0
    phone_sha256: str = ""
    phone_users: dict[str, PhoneUser] = field(default_factory=dict)
    shared_areas: set[str] = field(default_factory=set)
    delegators_of: dict[str, list[PhoneUser]] = field(default_factory=dict)
    mails: dict[str, str] = field(default_factory=dict)
    shared_names: set[str] = field(default_factory=set)
    conflicts: list[Conflict] = field(default_factory=list)
    matched: Counter[str] = field(default_factory=Counter)
    examples: list[Match] = field(default_factory=list)
    phone_users_unmatched: list[str] = field(default_factory=list)
    untouchable: list[str] = field(default_factory=list)
    missing: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    extensions: dict[str, str] = field(default_factory=dict)
    mail_taken: dict[str, str] = field(default_factory=dict)
    learned: Learned = field(default_factory=Learned)
    covers: set[str] = field(default_factory=set)
    unclear: list[tuple[str, str]] = field(default_factory=list)
    unclear_people: int = 0
    later: int = 0
    endings: list[Ending] = field(default_factory=list)
    numbers_noted: bool = False
    named_numbers: bool = False
    asks_whose: bool = False
    number_holders: dict[str, str] = field(default_factory=dict)
    rule_in_words: Callable[[str, str], str] = field(
        default=lambda name, entitlement: f"rule {name}",  # noqa: ARG005
        compare=False,
    )
    whose: Callable[[str], tuple[str, Entitlements | None] | None] = field(
        default=lambda id: None,  # noqa: ARG005
        compare=False,
    )

    @classmethod
    def of(
        cls, mapping: Mapping, whose: Callable[[str], tuple[str, Entitlements | None] | None]
    ) -> Differences:
        """Return what nothing was found for yet, of a mapping."""
        return cls(
            named_numbers=mapping.names_numbers,
            asks_whose=mapping.names_numbers or "extension_number" in mapping.managed,
            rule_in_words=mapping.rule_in_words,
            whose=whose,
        )

    def note_read(self, digests: list[bytes]) -> None:
        """Take in the phone system's users, each digested, in any order."""
        digests.sort()
        self.phone_users_read = len(digests)
        self.phone_sha256 = f"sha256:{hashlib.sha256(b''.join(digests)).hexdigest()}"

    def note(self, users: Sequence[PhoneUser], managed: Collection[str]) -> None:
        """Take in what others need to know of phone users, where the mapping manages it."""
        if "extension_number" in managed:
            self.extensions.update(
                {user.extension_number: user.id for user in users if user.extension_number}
            )
        if "number" in managed:
            self.numbers_noted = True
            self.held_numbers.update(number for user in users for number in user.numbers)
            if self.named_numbers:
                self.number_holders.update((n, user.id) for user in users for n in user.numbers)
        for user in users:
            for delegate in user.delegates or ():
                self.delegators_of.setdefault(fold(delegate), []).append(user)
        if "delegates" in managed:
            self.phone_users.update({fold(user.email): user for user in users if user.email})
            for user in users:
                if user.kind == "common_area" and user.display_name:
                    self.note_area(fold(user.display_name), user)

    def add_names(self, mails: MappingOf[str, str], shared: Collection[str]) -> None:
        """Take in what others are called too: the mails that names lead to, and names of several."""
        self.mails.update(mails)
        self.shared_names.update(shared)
        for name in shared:
            self.mails.pop(name, None)

    def note_area(self, name: str, area: PhoneUser) -> None:
        """Take in a common area that may be a delegate, by its name."""
        if self.phone_users.setdefault(name, area).id != area.id:
            self.shared_areas.add(name)

    def count(self, seats: MappingOf[tuple[str | None, tuple[str, ...], bool], int]) -> None:
        """Take in how many phone users hold a license, packages and a credit license."""
        for (license, packages, credits), count in seats.items():
            if license is not None:
                self.licenses[license] += count
            for package in packages:
                self.packages[package] += count
            self.credits += credits * count

    def note_comings_and_goings(
        self, alone: Collection[str], back: Iterable[str], *, keyless: bool
    ) -> None:
        """Learn from the cases who left now, and who of those who had left is `back` (folded keys).

        Nothing of those in `alone`; where the read has somebody `keyless`, nobody is believed to be gone.
        """
        for case in self.cases:
            absent = case.standing == "gone" and not keyless
            left = case.standing in ("inactive", "out_of_scope", "ended") or absent
            left = left and case.key not in alone
            if left and (case.binding is None or case.binding.gone_since is None):
                self.learned.gone.append(case.key)
        self.learned.back += back

    def number_holder(self, number: str) -> str:
        """Return in words who holds a direct number, and by which rule."""
        holder = self.number_holders.get(number)
        return "somebody else" if holder is None else self.told(holder, "number", number)

    def told(self, holder: str, entitlement: str, value: str) -> str:
        """Return in words who a phone user is, and which rule gives them the very same."""
        found = self.whose(holder)
        if found is None:
            return holder
        user, given = found
        wish = None if given is None else given.single.get(entitlement)
        if wish is None or wish.value != value:
            return user
        return f"{user}, to whom {self.rule_in_words(wish.rule, entitlement)} gives it"
