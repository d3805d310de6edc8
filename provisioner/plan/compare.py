"""Desired against actual: who met whom, and whom the plan has to look at a second time.

Both sides are streamed. Of each person only a few words stay in memory (where to read them again,
and what they should have, shared by all who are decided equally), because of a million people
nearly everybody is already as they should be.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal

import msgspec

from connectors.errors import ReadRefused
from connectors.records import Person, PhoneUser, fold
from connectors.scim_filter import Filter, Path
from mappings import Entitlements, Mapping, PoolRef
from mappings.entitlements import PROFILE, GivenValue
from provisioner.joining import People
from provisioner.memory import Binding, Learned
from provisioner.plan.model import Conflict, Match

Standing = Literal["in_scope", "out_of_scope", "inactive", "gone", "unmanaged"]

_SIMPLE = (
    "license",
    "template",
    "site",
    "extension_number",
    "credits",
    "softphone",
    "emergency_address",
)
_encode = msgspec.msgpack.Encoder().encode
_EXAMPLES = 20


class Expectation(msgspec.Struct, gc=False):
    """What an agreeing phone user looks like; one for all who are decided equally.

    `simple`: "active", and the managed single values in the order of `_SIMPLE`. `packages`, `delegates` (as the
    mapping names them) and `privileges`: sorted. `number`: E.164, a pool, or None.
    """

    simple: tuple[Any, ...]
    packages: tuple[str, ...]
    number: GivenValue | None
    delegates: tuple[str, ...]
    privileges: tuple[str, ...]


class Wanted(msgspec.Struct, gc=False):
    """What is kept of one person while the phone system is read.

    `at`: the offset to read them again. `expected`: None if they are out of scope. `profile`: a
    hash of the wished profile. `phone_id`: of their binding. `met`: a phone user is theirs.
    `partly`: an attribute was missing, so that part of what is held stays whatever it is.
    """

    at: int
    expected: Expectation | None
    profile: int
    partly: bool = False
    phone_id: str | None = None
    met: bool = False


@dataclass(slots=True)
class Case:
    """One person, or phone user without one, who may need a change.

    `key` is folded; `entitlements` is None for everybody who is not in scope; `at` is where the
    person can be read again.
    """

    key: str
    standing: Standing
    person: Person | None = None
    entitlements: Entitlements | None = None
    actual: PhoneUser | None = None
    binding: Binding | None = None
    at: int | None = None


@dataclass(slots=True)
class Differences:
    """What the comparison found; everything that a plan needs of the two big sides.

    `people`: in scope or bound. `licenses`, `packages`: holders by the vendor's name; `credits`:
    holders of a credit license.
    `held_numbers`: every direct number that somebody holds, where the mapping gives any. `phone_sha256`: of the phone system's
    state in canonical order. `delegators_of`: phone users by folded mail of their delegates.
    `untouchable`: users whom this sync may not touch, although a person of ours is theirs.
    """

    cases: list[Case] = field(default_factory=list)
    people: int = 0
    licenses: Counter[str] = field(default_factory=Counter)
    packages: Counter[str] = field(default_factory=Counter)
    credits: int = 0
    held_numbers: set[str] = field(default_factory=set)
    phone_sha256: str = ""
    phone_users: dict[str, PhoneUser] = field(default_factory=dict)
    delegators_of: dict[str, list[PhoneUser]] = field(default_factory=dict)
    mails: dict[str, str] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    matched: Counter[str] = field(default_factory=Counter)
    examples: list[Match] = field(default_factory=list)
    phone_users_unmatched: list[str] = field(default_factory=list)
    untouchable: list[str] = field(default_factory=list)
    missing: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    learned: Learned = field(default_factory=Learned)


class Comparison:
    """One comparison: first all people, then all phone users, then the differences.

    The steps are called in that order: `add_people`, `add_bindings`, `delegators` (whose
    delegations the phone system must be asked for), `add_phone_users`, `differences`.
    """

    def __init__(
        self,
        mapping: Mapping,
        manages: Filter | None,
        in_pool: Callable[[str, str], bool],
        only: Collection[str] = (),
        *,
        adopted: bool = True,
    ) -> None:
        self._mapping = mapping
        self._manages = manages
        self._in_pool = in_pool
        self._only = frozenset(map(fold, only))
        self._adopted = adopted
        self._numbers = "number" in mapping.managed
        self._delegates = "delegates" in mapping.managed
        self._provisional: dict[str, str] = {}
        self._simple = tuple(n for n in _SIMPLE if n in mapping.managed)
        self._profile = tuple(n for n in PROFILE if f"profile.{n}" in mapping.managed)
        self._wanted: dict[str, Wanted] = {}
        self._by_join: dict[str, str] = {}
        self._by_id: dict[str, str] = {}
        self._gone: dict[str, Binding] = {}
        self._bindings: dict[str, Binding] = {}
        self._alone: set[str] = set()
        self._delegators: set[str] = set()
        self._second: list[tuple[str, PhoneUser]] = []
        self._result = Differences()
        self._agrees = self._agreement()

    def add_people(self, people: People) -> None:
        """Take in everybody whom the directories have; keeps a few words of each."""
        self._people = people
        mapping, wanted, join = self._mapping, self._wanted, self._mapping.join
        expected_of = self._expectations()
        delegates = self._delegates
        first_value = _first_value(join)
        for key, person, at in people:
            if delegates:
                self._note_names(key, person)
            if join is not None and (joined := first_value(person.resource)) != person.key:
                if joined is not None and (value := fold(str(joined))) != key:
                    self._by_join[value] = key
            if not mapping.in_scope(person):
                wanted[key] = Wanted(at, None, 0)
                continue
            given = mapping.entitlements(person)
            profile = hash(
                tuple([given.profile[n].value for n in self._profile if n in given.profile])
            )
            if given.missing:
                self._result.missing.update(given.missing)
            if delegates and given.many.get("delegates") and person.email:
                self._delegators.add(fold(person.email))
            wanted[key] = Wanted(at, expected_of(given), profile, bool(given.left_alone))
        for key in people.left_alone:
            wanted.pop(key, None)

    def _note_names(self, key: str, person: Person) -> None:
        if person.email is None:
            return
        mail = fold(person.email)
        mails = self._result.mails
        mails[mail] = mails[key] = mail
        if "userName" in person.resource:
            mails[fold(person.resource["userName"])] = mail

    def _expectations(self) -> Callable[[Entitlements], Expectation]:
        """Return what turns entitlements into an expectation, once for all who are decided equally."""
        cache: dict[tuple[int, int], tuple[Expectation, Entitlements]] = {}

        def expected_of(given: Entitlements) -> Expectation:
            known = cache.get((id(given.single), id(given.many)))
            if known is None:
                # the entitlements are kept, so that their identity stays theirs
                known = cache[id(given.single), id(given.many)] = (self._expected(given), given)
            return known[0]

        return expected_of

    def _expected(self, given: Entitlements) -> Expectation:
        single, many = given.single, given.many
        simple = [
            single[n].value if n in single else (False if n == "credits" else None)
            for n in self._simple
        ]
        if not self._simple:
            simple = ["active"]  # attrgetter gives a tuple only of several
        return Expectation(
            ("active", *simple),
            tuple(sorted(many.get("packages", ()))),
            single["number"].value if "number" in single else None,
            tuple(sorted(many.get("delegates", ()))),
            tuple(sorted(many.get("delegate_privileges", ()))),
        )

    def add_bindings(self, bindings: Iterable[Binding]) -> None:
        """Take in whom the store has bound to which phone user.

        Until the sync's first full plan is approved bindings are provisional: everybody who is
        there is matched anew, as a mended mapping may have it.
        """
        for binding in bindings:
            wanted = self._wanted.get(binding.key)
            if wanted is not None:
                if self._adopted:
                    wanted.phone_id = binding.phone_id
                    self._by_id[binding.phone_id] = binding.key
                else:
                    self._provisional[binding.key] = binding.phone_id
                if binding.gone_since is not None:
                    self._bindings[binding.key] = binding
            elif binding.key in self._people.left_alone:
                self._alone.add(binding.phone_id)
            else:
                self._gone[binding.phone_id] = binding

    def delegators(self, remembered: Iterable[str]) -> frozenset[str]:
        """Return the folded mails (and remembered ids) of those whose delegations matter."""
        return frozenset(self._delegators).union(remembered)

    def add_phone_users(self, users: Iterable[PhoneUser]) -> None:
        """Take in the phone system's state; raises ReadRefused if it is empty where somebody was bound."""
        result, agrees, count = self._result, self._agrees, 0
        digests: list[bytes] = []
        for user in users:
            count += 1
            digests.append(hashlib.blake2b(_encode(user), digest_size=16).digest())
            self._count(user)
            key = self._by_id.get(user.id)
            if key is None:
                self._unbound(user)
            elif not agrees(self._wanted[key], user):
                self._case(key, user)
            else:
                self._wanted[key].met = True
        bound = len(self._by_id) + len(self._gone) + len(self._provisional)
        if not count and bound:
            raise ReadRefused(
                f"the phone system is empty: 0 users, {bound} were bound",
                remedy="nothing was planned; see that the account and its credentials are the right ones",
            )
        digests.sort()
        result.phone_sha256 = f"sha256:{hashlib.sha256(b''.join(digests)).hexdigest()}"

    def _count(self, user: PhoneUser) -> None:
        result = self._result
        if user.status != "trashed":  # a trashed user's seats are free for others
            if user.license is not None:
                result.licenses[user.license] += 1
            for package in user.packages:
                result.packages[package] += 1
            result.credits += user.credits
        if self._numbers:
            result.held_numbers.update(user.numbers)
        if user.delegates:
            for delegate in user.delegates:
                result.delegators_of.setdefault(fold(delegate), []).append(user)
        if self._delegates and user.email:
            result.phone_users[fold(user.email)] = user

    def _agreement(self) -> Callable[[Wanted, PhoneUser], bool]:
        """Return the quick test whether a phone user is exactly as wished; when in doubt it says no."""
        managed = self._mapping.managed
        simple = attrgetter("status", *(self._simple or ("status",)))
        profile = attrgetter("id", *self._profile) if self._profile else None
        packages, number = "packages" in managed, "number" in managed
        lists = "delegates" in managed or "delegate_privileges" in managed

        def agrees(wanted: Wanted, user: PhoneUser) -> bool:
            expected = wanted.expected
            if expected is None or wanted.partly:
                return False
            return (
                simple(user) == expected.simple
                and (not packages or user.packages == expected.packages)
                and (profile is None or hash(profile(user)[1:]) == wanted.profile)
                and (not number or self._number_agrees(expected.number, user))
                and (not lists or self._lists_agree(expected, user))
            )

        return agrees

    def _number_agrees(self, wish: GivenValue | None, user: PhoneUser) -> bool:
        if wish is None:
            return not user.numbers
        if isinstance(wish, PoolRef):
            return any(self._in_pool(wish.name, number) for number in user.numbers)
        return wish in user.numbers

    def _lists_agree(self, expected: Expectation, user: PhoneUser) -> bool:
        if expected.privileges != tuple(sorted(user.delegate_privileges)):
            return False
        if user.delegates is None:  # not asked for: nobody wished any
            return not expected.delegates
        mails = self._result.mails
        wished = {mails.get(fold(name), fold(name)) for name in expected.delegates}
        return wished == set(map(fold, user.delegates))

    def _unbound(self, user: PhoneUser) -> None:
        binding = self._gone.pop(user.id, None)
        if binding is not None:
            self._result.people += 1
            self._look(Case(binding.key, "gone", actual=user, binding=binding))
            return
        if user.id in self._alone:
            return
        key, how = self._partner(user)
        if key is None:
            if how != "left alone":
                self._unmanaged(user)
            return
        wanted = self._wanted[key]
        if wanted.phone_id is not None:
            # bound to another one: this one is theirs only if that one is no longer there
            self._second.append((key, user))
            return
        if wanted.met:
            self._two_phone_users(key, user)
            return
        self._bind(key, user, how)
        if not self._agrees(wanted, user):
            self._case(key, user)

    def _partner(self, user: PhoneUser) -> tuple[str | None, str]:
        """Return the folded key of the person whom an unbound phone user is matched to, and how."""
        if self._mapping.join is not None and user.key is not None:
            value = fold(user.key)
            key: str | None = self._by_join.get(value, value)
            how = "join"
        elif user.email is not None:
            key, how = self._people.key_by_mail.get(fold(user.email)), "email"
        else:
            return None, "nobody"
        if key in self._wanted:
            return key, how
        alone = key is not None and key in self._people.left_alone
        return None, "left alone" if alone else "nobody"

    def _bind(self, key: str, user: PhoneUser, how: str) -> None:
        wanted, result = self._wanted[key], self._result
        wanted.phone_id, wanted.met = user.id, True
        result.matched[how] += 1
        if self._provisional.pop(key, None) != user.id:
            result.learned.bound.append(Binding(key, user.id))
        if len(result.examples) < _EXAMPLES:
            person = self._people.at(wanted.at)
            result.examples.append(Match(person.user, person.key, user.id, how))

    def _two_phone_users(self, key: str, user: PhoneUser) -> None:
        person = self._people.at(self._wanted[key].at)
        reason = (
            f"two phone users match {person.user}; bind or rename one of them at the phone system"
        )
        self._result.conflicts.append(Conflict((person.key,), (person.user,), (user.id,), reason))
        self._people.left_alone[key] = reason

    def _unmanaged(self, user: PhoneUser) -> None:
        if not self._touchable(user):
            return
        self._result.phone_users_unmatched.append(user.user)
        self._look(Case(fold(user.key or user.id), "unmanaged", actual=user))

    def _touchable(self, user: PhoneUser) -> bool:
        if self._manages is None:
            return user.kind == "person" and user.role == "member"
        return self._manages.matches(msgspec.structs.asdict(user))

    def _case(self, key: str, user: PhoneUser) -> None:
        self._wanted[key].met = True
        if not self._touchable(user):
            self._result.untouchable.append(user.user)
            return
        self._look(self._second_look(key, user))

    def _second_look(self, key: str, user: PhoneUser | None) -> Case:
        at = self._wanted[key].at
        person = self._people.at(at)
        binding = self._bindings.get(key)
        if self._wanted[key].expected is None:
            inactive = person.resource.get("active") is False
            standing: Standing = "inactive" if inactive else "out_of_scope"
            return Case(key, standing, person, actual=user, binding=binding, at=at)
        given = self._mapping.entitlements(person)
        return Case(key, "in_scope", person, given, user, binding, at)

    def _look(self, case: Case) -> None:
        if self._only and self._only.isdisjoint(_names(case)):
            return
        self._result.cases.append(case)

    def differences(self) -> Differences:
        """Return what was found; every step before must be done."""
        result = self._result
        for key, user in self._second:
            if self._wanted[key].met:
                self._two_phone_users(key, user)
                continue
            self._bind(key, user, "join")
            if not self._agrees(self._wanted[key], user):
                self._case(key, user)
        for key, wanted in self._wanted.items():
            if wanted.expected is not None:
                result.people += 1
                if not wanted.met:
                    self._look(self._second_look(key, None))
            elif wanted.met:
                result.people += 1
        result.learned.lost += [binding.key for binding in self._gone.values()]
        result.learned.lost += self._provisional
        self._note_comings_and_goings()
        alone = self._people.left_alone
        result.cases = [case for case in result.cases if case.key not in alone]
        result.conflicts = [*self._people.conflicts, *result.conflicts]
        return result

    def _note_comings_and_goings(self) -> None:
        learned, alone = self._result.learned, self._people.left_alone
        for case in self._result.cases:
            left = case.standing in ("gone", "inactive", "out_of_scope") and case.key not in alone
            if left and (case.binding is None or case.binding.gone_since is None):
                learned.gone.append(case.key)
        back = (key for key in self._bindings if self._wanted[key].expected is not None)
        learned.back += back


def _first_value(path: Path | None) -> Callable[[dict[str, Any]], Any]:
    """Return what reads the first value at a path, quickly for a plain attribute."""
    if path is None:
        return lambda resource: None
    if path.uri is None and path.sub is None and path.definition.type == "string":
        return lambda resource: resource.get(path.attribute)
    return lambda resource: next(iter(path.values(resource)), None)


def _names(case: Case) -> Iterator[str]:
    """Yield, folded, every name by which `--user` may mean this one."""
    if case.person is not None:
        yield fold(case.person.key)
        yield fold(case.person.user)
        yield fold(case.person.resource.get("userName", case.person.key))
    if case.actual is not None:
        yield fold(case.actual.user)
        yield fold(case.actual.id)
    yield case.key
