"""Desired against actual: who met whom, and whom the plan has to look at a second time.

Both sides are streamed. Of each person only a few words stay in memory (where to read them again,
and what they should have, shared by all who are decided equally), because of a million people
nearly everybody is already as they should be.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from collections.abc import Mapping as MappingOf
from itertools import islice
from operator import attrgetter
from types import MappingProxyType
from typing import TypeVar

import msgspec

from connectors.errors import ReadRefused, RunError
from connectors.records import Person, PhoneUser, Value, fold
from connectors.scim_filter import Filter
from mappings import Entitlements, Mapping
from provisioner.joining import People
from provisioner.memory import Binding
from provisioner.plan.agreement import Agreement, Expectation
from provisioner.plan.ambiguity import one_mail_two_keys, two_phone_users
from provisioner.plan.aside import Aside
from provisioner.plan.calendar import Calendar
from provisioner.plan.called import Called
from provisioner.plan.differences import Case, Differences
from provisioner.plan.look import Look, Names, look_at_persons, look_at_rows
from provisioner.plan.model import Match
from provisioner.plan.places import is_touchable, place_case

_Item = TypeVar("_Item")
_members = msgspec.structs.astuple
_encode = msgspec.msgpack.Encoder().encode
_seats_of = attrgetter("license", "packages", "credits")
_BATCH = 128
_EXAMPLES = 20
_NOT_NOW = -1

# What is known of a person while the phone system is read, a bit each.
_PARTLY = 1  # an attribute was missing, so part of what is held stays whatever it is
_BOUND = 2  # a binding of theirs is known
_MET = 4  # a phone user is theirs
_ALONE = 8  # nothing may be planned for them
_ELSEWHERE = 16  # what they are joined by is not their key


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
        calendar: Calendar | None = None,
    ) -> None:
        self._mapping = mapping
        self._manages = manages
        self._only = frozenset(map(fold, only))
        self._adopted = adopted
        self._delegates = "delegates" in mapping.managed
        self._joins = mapping.join is not None
        self._applied = applied
        self._seen_names: set[str] = set()
        result = self._result = Differences.of(mapping, self._whose_id)
        self._called = Called(result.mails, result.shared_names, result.learned.names)
        self._aside = Aside(calendar, self._result, _ALONE)
        self._agreement = Agreement(mapping, in_pool, unreadable, applied, self._result)
        # of everybody, by their number in People: what they should have (None: not in scope), the
        # hash of what they have of their own, and the bits above
        self._expected: list[Expectation | None] = []
        self._own = array("q")
        self._state = bytearray()
        self._by_join: dict[str, int] = {}
        self._by_id: dict[str, int] = {}
        self._bindings: dict[int, Binding] = {}
        self._provisional: dict[int, str] = {}
        self._matched: dict[str, int] = {}  # by vendor's id, where it is asked whose a number is
        self._gone: dict[str, Binding] = {}
        self._gone_met: set[str] = set()
        self._alone: set[str] = set()
        self._delegators: set[str] = set()
        self._second: list[tuple[int, PhoneUser]] = []

    def add_people(self, people: People) -> None:
        """Take in everybody whom the directories have; keeps a few words of each."""
        self._people = self._called.people = people
        self._aside.left_alone = people.left_alone
        columns = people.as_table()
        if columns is None:
            self._take(people, look_at_persons(self._mapping, self._aside.calendar))
        else:
            key_column = people.readings[0].key_column
            look = look_at_rows(self._mapping, columns, key_column, self._aside.calendar)
            self._take(people.rows(), look)
        self._called.settle()
        self._keys = list(people.number)
        for key in people.left_alone:
            if (alone := people.number.get(key)) is not None:
                self._state[alone] |= _ALONE

    def _take(self, everybody: Iterable[tuple[str, _Item, int]], look: Look[_Item]) -> None:
        outline_of, expected_of, joined_of = look.outline, self._agreement.expected, look.joined
        days_of = look.days
        for key, item, number in everybody:
            state = 0
            if joined_of is not None and (joined := joined_of(item)) is not None:
                state = self._note_join(number, key, joined)
            outline, values = outline_of(item)
            if days_of is not None and (days := days_of(item)) is not None:
                stays, bits = self._aside.take(number, key, days, look.names(item), outline)
                state, outline = state | bits, outline if stays else None
            if outline is None:
                expected, own = None, 0
            elif values is None:
                expected, own, partly = self._one_by_one(look.person(item))
                state |= partly
            else:
                expected, own = expected_of(outline, values)
            self._expected.append(expected)
            self._own.append(own)
            self._state.append(state)
            if self._delegates or self._only:
                self._note_names(key, look.names(item), expected, number)

    def _one_by_one(self, person: Person) -> tuple[Expectation, int, int]:
        given = self._mapping.entitlements(person)
        self._result.missing.update(given.missing)
        return *self._agreement.expected_one_by_one(given), _PARTLY if given.left_alone else 0

    def _note_join(self, number: int, key: str, joined: object) -> int:
        if (value := fold(str(joined))) == key:
            return 0
        self._by_join[value] = number
        return _ELSEWHERE

    def _note_names(
        self, key: str, names: Names, expected: Expectation | None, number: int
    ) -> None:
        if self._only:
            known = (names.email, names.user_name, names.key)
            folded = {fold(name) for name in known if name is not None}
            self._seen_names |= folded
            if not self._only.isdisjoint(folded):
                self._result.covers.add(key)
        if self._delegates and names.email is not None:
            mail = self._called.add(fold(names.email), key, names, number)
            if expected is not None and expected.delegates:
                self._delegators.add(mail)

    def add_bindings(self, bindings: Iterable[Binding]) -> None:
        """Take in whom the store has bound to which phone user.

        Until the sync's first full plan is approved bindings are provisional: everybody is matched anew.
        """
        numbers, state = self._people.number, self._state
        for binding in bindings:
            number = numbers.get(binding.key)
            if binding.key in self._people.left_alone:
                self._alone.add(binding.phone_id)
            elif number is None:
                self._gone[binding.phone_id] = binding
            else:
                if self._adopted:
                    state[number] |= _BOUND
                    self._by_id[binding.phone_id] = number
                else:
                    self._provisional[number] = binding.phone_id
                if binding.gone_since is not None:
                    self._bindings[number] = binding

    def delegators(self, remembered: Iterable[str]) -> frozenset[str]:
        """Return whose delegations matter: folded mails of who is to have delegates, ids of `remembered` keys."""
        keys = set(remembered)
        numbers = {self._people.number.get(key) for key in keys}
        ids = {id for id, number in self._by_id.items() if number in numbers} if keys else set()
        ids |= {binding.phone_id for binding in self._gone.values() if binding.key in keys}
        return frozenset(self._delegators | ids)

    def leave_out(self, entitlements: Collection[str]) -> None:
        """Take in what the account has no place for: nobody is judged by it."""
        self._agreement.leave_out(entitlements)

    def add_bystanders(
        self, mails: MappingOf[str, str], users: Iterable[PhoneUser], shared: Collection[str] = ()
    ) -> None:
        """Take in phone users who are not compared, names of somebody's mail, and those of several."""
        self._result.add_names(mails, shared)
        self._result.note(list(users), self._mapping.managed_anywhere)

    def mail_is_taken(self, key: str, user: PhoneUser) -> None:
        """Take in that somebody, by folded key, has the mail address of another one's phone user."""
        self._result.mail_taken[key] = user.user

    def add_phone_users(self, users: Iterable[PhoneUser], *, some: bool = False) -> None:
        """Take in the phone system's state, or `some` of it.

        Raises ReadRefused if it is empty where somebody was bound.
        """
        sha256, digests = hashlib.sha256, list[bytes]()
        seats: Counter[tuple[str | None, tuple[str, ...], bool]] = Counter()
        agrees = self._agrees if self._agreement.has_unreadable else self._readable_agrees
        by_id, state, rest = self._by_id, self._state, iter(users)
        ending = self._aside.ending
        while batch := list(islice(rest, _BATCH)):
            digests += [sha256(_encode(_members(user))).digest()[:16] for user in batch]
            # a trashed user's seats are free for others
            seats.update([_seats_of(user) for user in batch if user.status != "trashed"])
            self._result.note(batch, self._mapping.managed_anywhere)
            for user in batch:
                number = by_id.get(user.id)
                if self._adopted and user.email is not None:
                    self._note_mail(number, user)
                if number is None and (number := self._unbound(user)) is None:
                    continue
                if self._delegates:
                    self._called.meet(self._keys[number], number, user.email)
                if ending and number in ending:
                    self._aside.met(number, user)
                if agrees(number, user):
                    state[number] |= _MET
                else:
                    self._case(number, user)
        self._called.go_by_mails_there()
        bound = len(self._by_id) + len(self._gone) + len(self._provisional)
        if not digests and bound and not some:
            raise ReadRefused(
                f"the phone system is empty: 0 users, {bound} were bound",
                remedy="nothing was planned; see that the account and its credentials are the right ones",
            )
        self._result.note_read(digests)
        self._result.count(seats)

    def _agrees(self, number: int, user: PhoneUser) -> bool:
        expected = self._expected[number]
        if expected is None or not self._readable_agrees(number, user):
            return False
        key = self._keys[number]
        return self._agreement.remembers(expected, key, lambda: self._people.at(number), user)

    def _readable_agrees(self, number: int, user: PhoneUser) -> bool:
        expected = self._expected[number]
        if expected is None or self._state[number] & _PARTLY:
            return False
        return self._agreement.agrees(expected, self._own[number], user)

    def _note_mail(self, number: int | None, user: PhoneUser) -> None:
        """Note a phone user whose mail address is that of a person who isn't theirs."""
        people = self._people
        key = people.key_by_mail.get(fold(user.email or ""))
        owner = None if key is None else people.number.get(key)
        if key is None or owner is None or owner == number or self._state[owner] & _ALONE:
            return
        if (gone := self._gone.get(user.id)) is not None:
            conflict = one_mail_two_keys(people.at(owner), gone, user)
            self._result.conflicts.append(conflict)
            people.left_alone.update(dict.fromkeys((gone.key, key), conflict.reason))
        elif number is not None or self._partner(user)[0] != owner:
            self._result.mail_taken[key] = user.user

    def _unbound(self, user: PhoneUser) -> int | None:
        """Find whose an unbound phone user is, and bind them; None where nobody's, or not now."""
        if user.id in self._gone:
            binding = self._gone.pop(user.id)
            self._gone_met.add(binding.key)
            self._result.people += 1
            self._touch(user, Case(binding.key, "gone", actual=user, binding=binding))
            return None
        if user.id in self._alone:
            return None
        number, how = self._partner(user)
        if number is None:
            self._unmanaged(user)
            return None
        if number == _NOT_NOW:
            return None
        if self._state[number] & _BOUND:
            # bound to another one: this one is theirs only if that one is no longer there
            self._second.append((number, user))
            return None
        self._bind(number, user, how)
        return number

    def _partner(self, user: PhoneUser) -> tuple[int | None, str]:
        """Return whom an unbound phone user is matched to, and how; _NOT_NOW if they are left alone."""
        if self._joins and user.key is not None:
            return self._joined(fold(user.key)), "join"
        return self._of_mail(user), "email"

    def _joined(self, key: str) -> int | None:
        number = self._by_join.get(key) if self._by_join else None
        if number is not None:
            return _NOT_NOW if self._state[number] & _ALONE else number
        number = self._people.number.get(key)
        if number is None:
            return _NOT_NOW if key in self._people.left_alone else None
        bits = self._state[number]
        if bits & _ALONE:
            return _NOT_NOW
        return None if bits & _ELSEWHERE else number

    def _of_mail(self, user: PhoneUser) -> int | None:
        key = self._people.key_by_mail.get(fold(user.email or ""))
        number = None if key is None else self._people.number.get(key)
        if number is None:
            return None
        return _NOT_NOW if self._state[number] & _ALONE else number

    def _bind(self, number: int, user: PhoneUser, how: str) -> None:
        result = self._result
        self._state[number] |= _BOUND | _MET
        result.matched[how] += 1
        if result.asks_whose:
            self._matched[user.id] = number
        if self._provisional.pop(number, None) != user.id:
            result.learned.bound.append(Binding(self._keys[number], user.id))
        if len(result.examples) < _EXAMPLES:
            person = self._people.at(number)
            result.examples.append(Match(person.user, person.key, user.id, how))

    def _unmanaged(self, user: PhoneUser) -> None:
        if not is_touchable(user, self._manages):
            return
        if (case := place_case(self._mapping, user)) is not None:
            self._look(case)
            return
        self._result.phone_users_unmatched.append(user.user)
        self._look(Case(fold(user.key or user.id), "unmanaged", actual=user))

    def _case(self, number: int, user: PhoneUser) -> None:
        self._state[number] |= _MET
        self._touch(user, self._second_look(number, user))

    def _touch(self, user: PhoneUser, case: Case) -> None:
        """Look at somebody's case, or only name them if this sync may not touch their phone user."""
        if is_touchable(user, self._manages):
            self._look(case)
        else:
            self._result.untouchable.append(user.user)

    def _second_look(self, number: int, user: PhoneUser | None) -> Case:
        key, person = self._keys[number], self._people.at(number)
        case = Case(key, "in_scope", person, actual=user, binding=self._bindings.get(number))
        case.at, case.days = number, self._aside.days(person)
        if self._expected[number] is None:
            case.standing = self._aside.standing(person, case.days, self._mapping)
        if case.standing in ("in_scope", "early"):
            case.entitlements = self._mapping.entitlements(person)
        return case

    def _look(self, case: Case) -> None:
        if self._only:
            names = set(case.names())
            self._seen_names |= names
            if self._only.isdisjoint(names):
                return
            self._result.covers.add(case.key)
        self._result.cases.append(case)

    def differences(self) -> Differences:
        """Return what was found; every step before must be done.

        Raises RunError for a name in `only` that is nobody's.
        """
        result, state = self._result, self._state
        if nobody := sorted(self._only - self._seen_names):
            raise RunError(
                f"there is nobody called {', '.join(nobody)}",
                remedy="give a work mail address, a userName or a key, as the directories have it",
            )
        for number, user in self._second:
            if state[number] & _MET:
                conflict = two_phone_users(self._people.at(number), user)
                result.conflicts.append(conflict)
                self._people.left_alone[self._keys[number]] = conflict.reason
                continue
            self._bind(number, user, "join")
            if not self._agrees(number, user):
                self._case(number, user)
        for number, (expected, bits) in enumerate(zip(self._expected, state, strict=True)):
            if bits & _ALONE:
                continue
            if expected is not None:
                result.people += 1
                if not bits & _MET:
                    self._look(self._second_look(number, None))
            elif bits & _MET:
                result.people += 1
        for number in self._aside.early:
            if not state[number] & (_ALONE | _MET):
                self._look(self._second_look(number, None))
        result.endings, result.later = self._aside.endings(self._keys), self._aside.later
        if not self._people.keyless:  # absence is believed only of a flawless read
            result.learned.lost += [binding.key for binding in self._gone.values()]
        result.learned.lost += [self._keys[number] for number in self._provisional]
        back = [
            binding.key
            for n, binding in self._bindings.items()
            if self._expected[n] is not None or n in self._aside.away
        ]
        alone, keyless = self._people.left_alone, bool(self._people.keyless)
        result.note_comings_and_goings(alone, back, keyless=keyless)
        result.cases = [case for case in result.cases if case.key not in alone]
        result.conflicts = [*self._people.conflicts, *result.conflicts]
        for mail in self._delegators:  # whoever has delegates now is asked for them when no longer
            key = self._people.key_by_mail[mail]
            if (key, "delegates") not in self._applied:
                result.learned.applied[key, "delegates"] = True
        return result

    def _whose_id(self, id: str) -> tuple[str, Entitlements | None] | None:
        number = self._by_id.get(id, self._matched.get(id))
        if number is None:
            return None
        person = self._people.at(number)
        in_scope = self._expected[number] is not None
        return person.user, self._mapping.entitlements(person) if in_scope else None

    def remember_delegators(self, ids: Collection[str]) -> None:
        """Take in, by id, who has delegates: from now on they are asked for them in every plan."""
        for number in (self._by_id[id] for id in ids if id in self._by_id):
            if (self._keys[number], "delegates") not in self._applied:
                self._result.learned.applied[self._keys[number], "delegates"] = True

    def in_scope(self, number: int) -> bool:
        """Return whether the person of that number is in scope, and here on that day."""
        return self._expected[number] is not None

    def counts(self, key: str) -> bool:
        """Return whether a folded key is of one of the `people`, who are in scope or bound."""
        number = self._people.number.get(key)
        if number is None:
            return key in self._gone_met
        return self._expected[number] is not None or bool(self._state[number] & _MET)
