"""A change in the making: one that doesn't know its number yet, nor what becomes of it.

The families of changes (accounts, services, settings, numbers, delegation, leavers) draft them;
pools, ordering and causes then settle each draft's state, needs and number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from connectors.records import Abilities, Catalog, Cause, Person, PhoneUser, Risk, Value, fold
from mappings import Mapping
from provisioner.memory import Binding, Memory
from provisioner.plan.differences import Case
from provisioner.pools import NumberPool
from provisioner.remembering import names_in

_NOT_KNOWN = object()
DraftState = Literal["planned", "manual", "held", "blocked", "waiting", "needless"]


@dataclass(slots=True, eq=False)
class Draft:
    """One change being drafted. `needs` are drafts that must be done first.

    `state` starts as planned; blocked and waiting ones leave the plan's changes, with the reason, and
    needless ones are satisfied without a change.
    `lacks`: the pool (family, folded name) of which no seat is left for it. `until`: when a grace
    that it waits for is over.
    `idle`: it, or what it needs, was rejected, so that it holds no seat and frees none.
    `absence`: it follows from somebody's absence, so it is believed only of a flawless read.
    """

    kind: str
    case: Case
    before: Value
    after: Value
    rule: str | None
    risk: Risk
    consequences: list[str] = field(default_factory=list)
    needs: list[Draft] = field(default_factory=list)
    state: DraftState = "planned"
    reason: str | None = None
    cause: Cause = "directory"
    because: str = ""
    title: str = ""
    absence: bool = False
    idle: bool = False
    user: str = ""
    key: str = ""
    id: str | None = None
    lacks: tuple[str, str] | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        actual, person, binding = self.case.actual, self.case.person, self.case.binding
        self.id = self.id or (actual.id if actual else None)
        if not self.user:
            if person is not None:
                self.user, self.key = person.user, person.key
            elif actual is not None:
                self.user, self.key = actual.user, _spelled(actual, binding)

    def block(self, reason: str) -> None:
        """It can't be carried out, and a person has to do something about it."""
        self.state, self.reason = "blocked", reason

    def wait(self, reason: str) -> None:
        """It can't be carried out yet, and will be planned again by itself."""
        self.state, self.reason = "waiting", reason


def _spelled(actual: PhoneUser, binding: Binding | None) -> str:
    """Return the key of somebody who is in no directory: as the phone user spells it, if it is theirs."""
    if binding is None:
        return actual.key or actual.id
    theirs = actual.key is not None and fold(actual.key) == binding.key
    return actual.key if theirs and actual.key else binding.key


@dataclass(frozen=True, slots=True)
class Ground:
    """What every family stands on: the same for all cases of one plan.

    `mails`: folded mail by every folded name that a delegate may be called by. `delegators_of`:
    phone users by folded mail of their delegates. `mail_taken`: by folded key, the phone user who
    has the person's mail address but is somebody else's. `shared_names`: folded names that several
    people have, `shared_areas`: several common areas.
    """

    mapping: Mapping
    abilities: Abilities
    catalog: Catalog
    memory: Memory
    pools: MappingOf[str, NumberPool]
    as_of: datetime
    now: datetime
    mails: MappingOf[str, str]
    phone_users: MappingOf[str, PhoneUser]
    delegators_of: MappingOf[str, list[PhoneUser]]
    grace_s: Callable[[str], float]
    mail_taken: MappingOf[str, str] = field(default_factory=dict)
    shared_names: Collection[str] = ()
    shared_areas: Collection[str] = ()

    def has_attribute(self, name: str) -> bool:
        """Return whether the phone system has a place for a profile attribute."""
        return self.abilities.profile is None or name in self.abilities.profile

    def held(self, case: Case, entitlement: str, attribute: str) -> tuple[bool, str | None]:
        """Return whether what somebody holds is known, and what it is.

        What can't be read back is as last applied; where nothing is remembered it isn't known.
        """
        if case.actual is None:
            return True, None
        if entitlement not in self.abilities.unreadable:
            held: str | None = getattr(case.actual, attribute)
            return True, held
        remembered = self.memory.applied.get((case.key, entitlement), _NOT_KNOWN)
        if remembered is _NOT_KNOWN:
            return False, None
        return True, None if remembered is None else str(remembered)

    def delegates_of(self, case: Case) -> tuple[str, ...] | None:
        """Return who answers for somebody, None where nobody knows.

        Where no read tells, they are those remembered as last applied.
        """
        if case.actual is None:
            return ()
        if case.actual.delegates is not None or "delegates" not in self.abilities.unreadable:
            return case.actual.delegates
        if case.actual.license is None:
            return ()  # whoever gets the license in this plan starts without any
        return names_in(self.memory.applied.get((case.key, "delegates")))

    def privileges_of(self, case: Case) -> tuple[str, ...] | None:
        """Return what somebody lets their delegates do, None where nobody knows (`delegates_of`)."""
        if case.actual is None:
            return ()
        if "delegate_privileges" not in self.abilities.unreadable:
            return case.actual.delegate_privileges
        if case.actual.license is None:
            return ()
        known, held = self.held(case, "delegate_privileges", "delegate_privileges")
        return tuple((held or "").split(", ") if held else ()) if known else None

    def has_account_elsewhere(self, person: Person) -> bool:
        """Return whether the mapping or config says that somebody has a paid account of their own."""
        if person.email is not None and fold(person.email) in self.abilities.existing:
            return True
        says = self.mapping.existing_account
        return says is not None and says.matches(person.resource)

    def manages(self, entitlement: str) -> bool:
        """Return whether the mapping mentions the entitlement anywhere."""
        return entitlement in self.mapping.managed


def same(one: str | None, other: str | None) -> bool:
    """Return whether two names mean the same thing: names of the vendors' are compared without case."""
    return one == other or (one is not None and other is not None and fold(one) == fold(other))
