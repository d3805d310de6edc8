"""Desired against actual: who met whom, and whom the plan has to look at a second time.

Both sides are streamed. Of each person only a few words stay in memory (where to read them again,
and what they should have, shared by all who are decided equally), because of a million people
nearly everybody is already as they should be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Mapping as MappingOf
from types import MappingProxyType
from typing import Any

import msgspec

from connectors.errors import ReadRefused, RunError
from connectors.records import Person, PhoneUser, Value, fold
from connectors.scim_filter import Filter, Path
from mappings import Mapping
from provisioner.joining import People
from provisioner.memory import Binding
from provisioner.plan.agreement import Agreement
from provisioner.plan.differences import Case, Differences, Standing, Wanted
from provisioner.plan.model import Conflict, Match

_encode = msgspec.msgpack.Encoder().encode
_EXAMPLES = 20


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
        unreadable: Collection[str] = (),
        applied: MappingOf[tuple[str, str], Value] = MappingProxyType({}),
    ) -> None:
        self._mapping = mapping
        self._manages = manages
        self._only = frozenset(map(fold, only))
        self._adopted = adopted
        self._numbers = "number" in mapping.managed
        self._delegates = "delegates" in mapping.managed
        self._extensions = "extension_number" in mapping.managed
        self._provisional: dict[str, str] = {}
        self._applied = applied
        self._seen_names: set[str] = set()
        self._wanted: dict[str, Wanted] = {}
        self._by_join: dict[str, str] = {}
        self._by_id: dict[str, str] = {}
        self._gone: dict[str, Binding] = {}
        self._bindings: dict[str, Binding] = {}
        self._alone: set[str] = set()
        self._delegators: set[str] = set()
        self._second: list[tuple[str, PhoneUser]] = []
        self._result = Differences()
        self._agreement = Agreement(mapping, in_pool, unreadable, applied, self._result)

    def add_people(self, people: People) -> None:
        """Take in everybody whom the directories have; keeps a few words of each."""
        self._people = people
        mapping, wanted, join = self._mapping, self._wanted, self._mapping.join
        expected_of, profile_of = self._agreement.expectations(), self._agreement.profile
        delegates = self._delegates
        first_value = _first_value(join)
        for key, person, at in people:
            if delegates:
                self._note_names(key, person)
            if self._only:
                self._seen_names.update(_names(Case(key, "in_scope", person)))
            if join is not None:
                joined = first_value(person.resource)
                if joined not in (None, person.key) and (value := fold(str(joined))) != key:
                    self._by_join[value] = key
            if not mapping.in_scope(person):
                wanted[key] = Wanted(at, None, 0)
                continue
            given = mapping.entitlements(person)
            profile = hash(
                tuple([given.profile[n].value for n in profile_of if n in given.profile])
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
        mails.setdefault(fold(person.where), mail)  # an LDAP entry's dn, as a manager names it
        if "userName" in person.resource:
            mails[fold(person.resource["userName"])] = mail

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
        """Return whose delegations matter: folded mails of those who are to have delegates, and ids
        of the `remembered` (folded keys), who were once given some.
        """
        ids = {key: wanted.phone_id for key, wanted in self._wanted.items() if wanted.phone_id}
        ids |= {binding.key: binding.phone_id for binding in self._gone.values()}
        known = {ids[key] for key in remembered if key in ids}
        return frozenset(self._delegators | known)

    def add_phone_users(self, users: Iterable[PhoneUser]) -> None:
        """Take in the phone system's state; raises ReadRefused if it is empty where somebody was bound."""
        result, count = self._result, 0
        agrees = self._agrees = self._agreement.test(self._people)
        digests: list[bytes] = []
        for user in users:
            count += 1
            digests.append(hashlib.blake2b(_encode(user), digest_size=16).digest())
            self._count(user)
            key = self._by_id.get(user.id)
            if self._adopted and user.email is not None:
                self._note_mail(key, user)
            if key is None:
                self._unbound(user)
            elif not agrees(key, self._wanted[key], user):
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

    def _note_mail(self, key: str | None, user: PhoneUser) -> None:
        """Note a phone user whose mail address is that of a person who isn't theirs."""
        owner = self._people.key_by_mail.get(fold(user.email or ""))
        if owner is None or owner == key or owner not in self._wanted:
            return
        if (gone := self._gone.get(user.id)) is not None:
            self._one_mail_two_keys(owner, gone, user)
        elif key is not None or self._partner(user)[0] != owner:
            self._result.mail_taken[owner] = user.user

    def _one_mail_two_keys(self, key: str, gone: Binding, user: PhoneUser) -> None:
        """Somebody who is gone, and somebody new, have one mail: a new key for one person, perhaps."""
        person = self._people.at(self._wanted[key].at)
        reason = (
            f"one mail address, {user.user}, under two keys: {gone.key}, who is gone and bound to this"
            f" phone user, and {person.key}; if they are one person, give them their old key back,"
            " else change the leaver's mail address at the phone system"
        )
        self._result.conflicts.append(
            Conflict((gone.key, person.key), (user.user,), (person.where, user.id), reason)
        )
        for one in (gone.key, key):
            self._people.left_alone[one] = reason

    def _count(self, user: PhoneUser) -> None:
        result = self._result
        if user.status != "trashed":  # a trashed user's seats are free for others
            if user.license is not None:
                result.licenses[user.license] += 1
            for package in user.packages:
                result.packages[package] += 1
            result.credits += user.credits
        if self._extensions and user.extension_number is not None:
            result.extensions[user.extension_number] = user.id
        if self._numbers:
            result.held_numbers.update(user.numbers)
        if user.delegates:
            for delegate in user.delegates:
                result.delegators_of.setdefault(fold(delegate), []).append(user)
        if self._delegates and user.email:
            result.phone_users[fold(user.email)] = user

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
        if not self._agrees(key, wanted, user):
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
        if self._only:
            names = set(_names(case))
            self._seen_names |= names
            if self._only.isdisjoint(names):
                return
        self._result.cases.append(case)

    def differences(self) -> Differences:
        """Return what was found; every step before must be done.

        Raises RunError for a name in `only` that is nobody's.
        """
        result = self._result
        if nobody := sorted(self._only - self._seen_names):
            raise RunError(
                f"there is nobody called {', '.join(nobody)}",
                remedy="give a work mail address, a userName or a key, as the directories have it",
            )
        for key, user in self._second:
            if self._wanted[key].met:
                self._two_phone_users(key, user)
                continue
            self._bind(key, user, "join")
            if not self._agrees(key, self._wanted[key], user):
                self._case(key, user)
        for key, wanted in self._wanted.items():
            if wanted.expected is not None:
                result.people += 1
                if not wanted.met:
                    self._look(self._second_look(key, None))
            elif wanted.met:
                result.people += 1
        if not self._people.keyless:  # absence is believed only of a flawless read
            result.learned.lost += [binding.key for binding in self._gone.values()]
        result.learned.lost += self._provisional
        self._note_comings_and_goings()
        alone = self._people.left_alone
        result.cases = [case for case in result.cases if case.key not in alone]
        result.conflicts = [*self._people.conflicts, *result.conflicts]
        for mail in self._delegators:  # whoever has delegates now is asked for them when no longer
            key = self._people.key_by_mail[mail]
            if (key, "delegates") not in self._applied:
                result.learned.applied[key, "delegates"] = True
        return result

    def _note_comings_and_goings(self) -> None:
        learned, alone = self._result.learned, self._people.left_alone
        for case in self._result.cases:
            absent = case.standing == "gone" and not self._people.keyless
            left = case.standing in ("inactive", "out_of_scope") or absent
            left = left and case.key not in alone
            if left and (case.binding is None or case.binding.gone_since is None):
                learned.gone.append(case.key)
        back = (key for key in self._bindings if self._wanted[key].expected is not None)
        learned.back += back


def _first_value(path: Path | None) -> Callable[[dict[str, Any]], Any]:
    """Return what reads the first value at a path, quickly for a plain attribute."""
    if path is None:
        return lambda _resource: None
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
