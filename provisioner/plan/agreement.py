"""The quick test whether a phone user is exactly as the mapping wishes; when in doubt it says no.

Nearly everybody is, so this decides how long a dry run takes. What it doesn't agree to is looked at
again, family by family (plan/make.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingOf
from operator import attrgetter
from typing import Any

from connectors.records import PhoneUser, Value, fold
from mappings import Entitlements, Mapping, PoolRef
from mappings.entitlements import PROFILE, GivenValue
from provisioner.joining import People
from provisioner.plan.differences import SIMPLE, Differences, Expectation, Wanted

_NOT_KNOWN = object()


class Agreement:
    """What one mapping expects of phone users.

    `profile`: the managed profile attributes that can be read, in the order in which they are hashed.
    `applied`: last applied values of what is `unreadable`; what is believed for want of one is added
    to what `found` learned.
    """

    def __init__(
        self,
        mapping: Mapping,
        in_pool: Callable[[str, str], bool],
        unreadable: Collection[str],
        applied: MappingOf[tuple[str, str], Value],
        found: Differences,
    ) -> None:
        self._mapping, self._in_pool, self._applied = mapping, in_pool, applied
        self._found = found
        managed = [n for n in SIMPLE if n in mapping.managed]
        self._simple = tuple(n for n in managed if n not in unreadable)
        self._unreadable = tuple(n for n in managed if n in unreadable)
        profile = [n for n in PROFILE if f"profile.{n}" in mapping.managed]
        self.profile = tuple(n for n in profile if f"profile.{n}" not in unreadable)
        self._unreadable_profile = tuple(n for n in profile if f"profile.{n}" in unreadable)

    def expectations(self) -> Callable[[Entitlements], Expectation]:
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
            tuple((n, single[n].value if n in single else None) for n in self._unreadable),
        )

    def test(self, people: People) -> Callable[[str, Wanted, PhoneUser], bool]:
        """Return the quick test whether a phone user is exactly as wished; when in doubt it says no."""
        managed = self._mapping.managed
        self._people = people
        simple = attrgetter("status", *(self._simple or ("status",)))
        profile = attrgetter("id", *self.profile) if self.profile else None
        packages, number = "packages" in managed, "number" in managed
        lists = "delegates" in managed or "delegate_privileges" in managed
        unreadable = bool(self._unreadable or self._unreadable_profile)

        def agrees(key: str, wanted: Wanted, user: PhoneUser) -> bool:
            expected = wanted.expected
            if expected is None or wanted.partly:
                return False
            return (
                simple(user) == expected.simple
                and (
                    not packages
                    or user.packages == expected.packages
                    or tuple(sorted(user.packages)) == expected.packages
                )
                and (profile is None or hash(profile(user)[1:]) == wanted.profile)
                and (not number or self._number_agrees(expected.number, user))
                and (not lists or self._lists_agree(expected, user))
                and (not unreadable or self._remembered_agrees(key, wanted, user))
            )

        return agrees

    def _remembered_agrees(self, key: str, wanted: Wanted, user: PhoneUser) -> bool:
        """Compare what can't be read back with what was last applied: unknown is not different."""
        assert wanted.expected is not None
        wishes: list[tuple[str, Any]] = []
        if user.license is not None:
            wishes += wanted.expected.unreadable
        if self._unreadable_profile:
            given = self._mapping.entitlements(self._people.at(wanted.at)).profile
            wishes += [
                (f"profile.{n}", given[n].value) for n in self._unreadable_profile if n in given
            ]
        for name, wish in wishes:
            remembered = self._applied.get((key, name), _NOT_KNOWN)
            if remembered is _NOT_KNOWN:
                self._found.learned.applied[key, name] = wish
            elif remembered != wish:
                return False
        return True

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
        mails = self._found.mails
        wished = {mails.get(fold(name), fold(name)) for name in expected.delegates}
        return wished == set(map(fold, user.delegates))
