"""Agreement: the quick test whether a phone user is exactly as the mapping wishes.

Nearly everybody is as they should be, and is never looked at again. So the test may say no where
it can't tell, which costs a second look; a yes is final: no family of changes would draft anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from collections.abc import Mapping as MappingOf
from operator import attrgetter
from typing import Any

import msgspec

from connectors.records import Person, PhoneUser, Value, fold
from mappings import Entitlements, Mapping, PoolRef
from mappings.entitlements import PROFILE, GivenValue
from mappings.outline import Outline
from provisioner.plan.called import mail_of
from provisioner.plan.differences import Differences
from provisioner.remembering import names_in

LIMIT = 8192
"""How many expectations are remembered before remembering starts afresh."""

_SINGLE = (
    "license",
    "template",
    "site",
    "extension_number",
    "credits",
    "softphone",
    "emergency_address",
)
_NOT_KNOWN = object()
_WITHOUT_CASE = frozenset((*_SINGLE, "email")) - {"credits"}


class Expectation(msgspec.Struct, gc=False):
    """What an agreeing phone user looks like; one for all who share an outline.

    `fixed` reads the members called `names`, `wished` is what they should be: the status, what is
    the same for all of them, and the packages (sorted) where they are managed. `own` gives the hash
    of what each person has a value of their own for; with `mail` a mail address is the last of it.
    `number`: E.164, a pool, or None. `delegates` as the mapping names them; `privileges`: sorted.
    `unreadable`: what can't be read back and is the same for all of them, by name; `own_unreadable`
    tells that something else can't be read back that everybody has a value of their own for.
    """

    names: tuple[str, ...]
    fixed: Callable[[PhoneUser], tuple[Any, ...]]
    wished: tuple[Any, ...]
    own: Callable[[PhoneUser], int]
    mail: bool
    number: GivenValue | None
    delegates: tuple[str, ...]
    privileges: tuple[str, ...]
    unreadable: tuple[tuple[str, Any], ...]
    own_unreadable: bool


class Agreement:
    """Expectations of one mapping, and the test against them.

    `in_pool(pool, number)` tells whether a number is of that pool. `applied` has the last applied
    values of what is `unreadable`; what is believed for want of one is added to what `found` learned.
    """

    def __init__(
        self,
        mapping: Mapping,
        in_pool: Callable[[str, str], bool],
        unreadable: Collection[str],
        applied: MappingOf[tuple[str, str], Value],
        found: Differences,
    ) -> None:
        managed = mapping.managed
        self._mapping, self._in_pool = mapping, in_pool
        self._applied, self._found = applied, found
        self._unreadable = frozenset(unreadable) & managed
        self._single = [name for name in _SINGLE if name in managed]
        self._single += [f"profile.{name}" for name in PROFILE if f"profile.{name}" in managed]
        self._packages, self._number = "packages" in managed, "number" in managed
        self._lists = "delegates" in managed or "delegate_privileges" in managed
        self._without: frozenset[str] = frozenset()
        self._plain = not (self._number or self._lists)
        self._by_outline: dict[Outline, Expectation] = {}
        self._by_given: dict[tuple[object, ...], tuple[Expectation, Entitlements]] = {}

    def expected(self, outline: Outline, values: tuple[str, ...]) -> tuple[Expectation, int]:
        """Return what an agreeing phone user looks like, and the hash of the person's own `values`."""
        expectation = self._by_outline.get(outline)
        if expectation is None:
            if len(self._by_outline) >= LIMIT:
                self._by_outline.clear()
            expectation = self._by_outline[outline] = self._expectation(outline)
        if expectation.own_unreadable:
            values = self._readable(outline, values)
        return expectation, _own_hash(values, expectation.mail)

    def expected_one_by_one(self, given: Entitlements) -> tuple[Expectation, int]:
        """Return the same for somebody whose outline doesn't say everything."""
        own = sorted(given.profile, key=lambda name: name == "email")
        # people decided alike may lack different attributes of the profile
        decided = (id(given.single), id(given.many), *own)
        known = self._by_given.get(decided)
        if known is None:
            fixed = {name: value for name, (value, _) in given.single.items()}
            lists = {name: tuple(values) for name, values in given.many.items()}
            names = tuple([f"profile.{name}" for name in own])
            if len(self._by_given) >= LIMIT:
                self._by_given.clear()
            # the entitlements are kept, so that their identity stays theirs
            known = self._expectation(Outline(fixed, lists, names)), given
            self._by_given[decided] = known
        readable = [name for name in own if f"profile.{name}" not in self._unreadable]
        values = tuple([str(given.profile[name].value) for name in readable])
        return known[0], _own_hash(values, known[0].mail)

    def _readable(self, outline: Outline, values: tuple[str, ...]) -> tuple[str, ...]:
        named = zip(outline.own, values, strict=True)
        return tuple([value for name, value in named if name not in self._unreadable])

    def _expectation(self, outline: Outline) -> Expectation:
        own = [n.removeprefix("profile.") for n in outline.own if n not in self._unreadable]
        members: dict[str, Any] = {"status": "active"}
        unreadable: list[tuple[str, Any]] = []
        for name in self._single:
            if name in outline.own:
                continue
            wish = outline.fixed.get(name, False if name == "credits" else None)
            if name in self._unreadable:
                unreadable.append((name, wish))
            else:
                members[name.removeprefix("profile.")] = wish
        if self._packages:
            members["packages"] = tuple(sorted(outline.lists.get("packages", ())))
        return Expectation(
            names=tuple(members),
            fixed=_reader(list(members)),
            wished=tuple(members.values()),
            own=_own_reader(own),
            mail=own[-1:] == ["email"],
            number=outline.fixed.get("number"),
            delegates=tuple(sorted(outline.lists.get("delegates", ()))),
            privileges=tuple(sorted(outline.lists.get("delegate_privileges", ()))),
            unreadable=tuple(unreadable),
            own_unreadable=not self._unreadable.isdisjoint(outline.own),
        )

    def leave_out(self, entitlements: Collection[str]) -> None:
        """Judge nobody by what the account has no place for."""
        self._without = frozenset(entitlements)

    def agrees(self, expected: Expectation, own_hash: int, user: PhoneUser) -> bool:
        """Tell whether a phone user is exactly as wished; when in doubt it says no.

        What each person has of their own is compared by a hash of 64 bits.
        """
        if expected.fixed(user) != expected.wished and not _same(expected, user, self._without):
            return False
        if expected.own(user) != own_hash or (user.vendor and "to_activate" in user.vendor):
            return False
        return self._plain or (
            (not self._number or self._number_agrees(expected.number, user))
            and (not self._lists or self._lists_agree(expected, user))
        )

    def remembers(
        self, expected: Expectation, key: str, person: Callable[[], Person], user: PhoneUser
    ) -> bool:
        """Tell the same of what can't be read back, by what was last applied: unknown is not different.

        `person` reads the person again, where they have a value of their own.
        """
        wishes = list(expected.unreadable)
        if expected.own_unreadable:
            given = self._mapping.entitlements(person())
            own = {name: value for name, (value, _) in given.single.items()}
            own |= {f"profile.{name}": value for name, (value, _) in given.profile.items()}
            settled = dict(wishes)
            wishes += [(n, own[n]) for n in sorted(self._unreadable & own.keys() - settled.keys())]
        if "delegate_privileges" in self._unreadable:
            wishes.append(("delegate_privileges", ", ".join(expected.privileges) or None))
        asked = "delegates" in self._unreadable and user.license is not None
        if asked and not self._remembers_delegates(expected, key):
            return False
        for name, wish in wishes:
            if user.license is None and not name.startswith("profile."):
                if wish is not None:  # whoever gets the license in this plan starts without it
                    return False
                continue
            remembered = self._applied.get((key, name), _NOT_KNOWN)
            if remembered is _NOT_KNOWN:
                self._found.learned.applied[key, name] = wish
            elif remembered != wish:
                return False
        return True

    def _remembers_delegates(self, expected: Expectation, key: str) -> bool:
        """Tell whether somebody for whom nobody is to answer has nobody, as far as is remembered."""
        if expected.delegates:
            return False  # a second look finds out who they are
        held = names_in(self._applied.get((key, "delegates")))
        if held is None:
            self._found.learned.applied[key, "delegates"] = {}
        return not held

    @property
    def has_unreadable(self) -> bool:
        """Whether the mapping manages anything that can't be read back."""
        return bool(self._unreadable)

    def _number_agrees(self, wish: GivenValue | None, user: PhoneUser) -> bool:
        if wish is None:
            return not user.numbers
        if isinstance(wish, PoolRef):
            if wish.keeps:
                return bool(user.numbers)
            return any(self._in_pool(wish.name, number) for number in user.numbers)
        return wish in user.numbers

    def _lists_agree(self, expected: Expectation, user: PhoneUser) -> bool:
        unread = "delegate_privileges" in self._unreadable
        if not unread and expected.privileges != tuple(sorted(user.delegate_privileges)):
            return False
        if user.delegates is None:  # not asked for: nobody wished any
            return not expected.delegates
        mails = self._found.mails
        wished = {mail_of(mails, name) or fold(name) for name in expected.delegates}
        return wished == set(map(fold, user.delegates))


def _reader(names: Sequence[str]) -> Callable[[PhoneUser], tuple[Any, ...]]:
    """Return what reads these members, as a tuple however many there are."""
    if not names:
        return lambda _: ()
    read = attrgetter(*names)
    return read if len(names) > 1 else lambda user: (read(user),)


def _own_reader(names: Sequence[str]) -> Callable[[PhoneUser], int]:
    """Return what hashes these members as `_own_hash` hashes the values that they should have."""
    if names[-1:] != ["email"]:
        plain = _reader(names)
        return lambda user: hash(plain(user))
    others = _reader(names[:-1])

    def own(user: PhoneUser) -> int:
        mail = user.email
        if mail is not None:
            mail = mail.lower() if mail.isascii() else fold(mail)  # clean already
        return hash((*others(user), mail))

    return own


def _own_hash(values: tuple[str, ...], mail: bool) -> int:
    if not mail:
        return hash(values)
    return hash((*values[:-1], fold(values[-1])))


def _same(expected: Expectation, user: PhoneUser, without: Collection[str]) -> bool:
    """Compare the fixed members again, names and mail without case, packages in any order."""
    for name, held, wish in zip(expected.names, expected.fixed(user), expected.wished, strict=True):
        if held == wish or name in without:
            continue
        if name == "packages":
            there = {*map(fold, held), *map(fold, user.counts_as)}
            if not {*map(fold, held)} <= {*map(fold, wish)} <= there:
                return False
        elif name == "license" and wish is not None and fold(wish) in map(fold, user.counts_as):
            continue
        elif name not in _WITHOUT_CASE or held is None or wish is None or fold(held) != fold(wish):
            return False
    return True
