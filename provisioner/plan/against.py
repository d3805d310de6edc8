"""Two mappings against each other: who would gain what, and who would lose it, if the new one counted.

Everybody is looked at once, as they are read for the plan. People for whom every condition of both
mappings comes out alike are decided once; only where a text that differs takes their attributes are
they decided one by one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.columns import Columns, Row
from connectors.records import Person, fold
from mappings import Entitlements, Mapping
from mappings.differing import as_written
from mappings.rules import decide
from mappings.signature import row_signature, signature
from mappings.text import AttributeText
from provisioner.plan.calendar import Calendar, Days
from provisioner.plan.look import Look, Names, look_at_persons, look_at_rows
from provisioner.plan.model import Compared, PoolCompared, RuleCompared, Swing
from provisioner.plan.prices import money
from provisioner.plan.wishes import Difference, Wish, differences
from provisioner.prices import Prices

EXAMPLES = 20
"""People named for each difference; more of them are only counted."""

VARIOUS = "(various)"
"""Stands for the values of a text that has too many to tell one by one."""

_LIMIT = 8192
_VALUES = 50
_SCOPE = "scope"
_SEATS = {"license": "license", "packages": "package", "credits": "credits"}


class _Key(NamedTuple):
    """What people have in common who differ in the same way: values as plans write them."""

    entitlement: str
    before: str | bool | None
    after: str | bool | None
    old_rule: str | None
    new_rule: str | None


@dataclass(slots=True)
class _Tally:
    people: int = 0
    users: list[str] = field(default_factory=list)

    def add(self, people: int, users: Iterable[str]) -> None:
        self.people += people
        self.users += list(users)[: EXAMPLES - len(self.users)]


@dataclass(slots=True)
class _Alike:
    """People of one signature: what the mappings differ in for them, None where each has to be asked."""

    keys: tuple[_Key, ...] | None
    tally: _Tally = field(default_factory=_Tally)


class Against:
    """Compares the mapping that counts with another one.

    People go by once, as Persons (`see`) or, after `take_rows`, as rows (`see_row`); then `result` says
    all. `only`: folded names of those who are meant, empty for everybody. `as_of`: the day on which
    people are compared; whoever by a mapping's dates hasn't started or has ended is given nothing by it.
    Who is on leave, or has a date that can't be read, keeps what they hold by either: they don't differ.
    """

    def __init__(
        self,
        old: Mapping,
        new: Mapping,
        only: Collection[str] = (),
        as_of: datetime | None = None,
    ) -> None:
        self._old, self._new = old, new
        self._calendars = [Calendar.of_mapping(mapping, as_of) for mapping in (old, new)]
        self._dated = any(each is not None for each in self._calendars)
        self._days: list[Callable[[Person], Days | None] | None] = [
            None if each is None else each.of_persons() for each in self._calendars
        ]
        self._row_days: list[Callable[[Row], Days | None] | None] = []
        self._only = frozenset(map(fold, only))
        self._trees = [rule.when.tree for mapping in (old, new) for rule in mapping.rules]
        self._trees += [m.scope.tree for m in (old, new) if m.scope is not None]
        self._profiles_differ = _profile(old) != _profile(new)
        self._known: dict[int, _Alike] = {}
        self._swings: dict[_Key, _Tally] = defaultdict(_Tally)
        self._values: Counter[tuple[str, str | None, str | None]] = Counter()
        self._people = self._gain = self._lose = self._differ = 0
        self._bits: Callable[[dict[str, Any]], int] = signature(self._trees)
        self._names = look_at_persons(new).names
        self._row_bits: Callable[[Row], int] | None = None
        self._row_look: Look[Row] | None = None
        self._active: int | None = None

    def take_rows(self, columns: Columns, key: int) -> None:
        """Make ready for rows of these columns; `key` is the number of the key's."""
        self._row_bits = row_signature(self._trees, columns)
        self._row_look = look_at_rows(self._new, columns, key)
        self._row_days = [
            None if each is None else each.of_rows(columns) for each in self._calendars
        ]
        self._active = next(iter(columns.of_attribute(None, "active")), None)

    def see(self, person: Person) -> None:
        """Take in one person."""
        if not self._means(lambda: self._names(person)):
            return
        if person.resource.get("active") is False:
            self._people += 1
            return
        if self._dated and self._is_away(
            [of and of(person) for of in self._days], lambda: person, lambda: self._names(person)
        ):
            return
        self._count(self._bits(person.resource), lambda: person, lambda: self._names(person))

    def see_row(self, row: Row) -> None:
        """Take in one person's row."""
        look, bits = self._row_look, self._row_bits
        assert look is not None
        assert bits is not None
        known = look  # for the closures below
        if not self._means(lambda: known.names(row)):
            return
        if self._active is not None and row[self._active] is False:
            self._people += 1
            return
        if self._dated and self._is_away(
            [of and of(row) for of in self._row_days],
            lambda: known.person(row),
            lambda: known.names(row),
        ):
            return
        self._count(bits(row), lambda: known.person(row), lambda: known.names(row))

    def _is_away(
        self,
        days: Sequence[Days | None],
        person: Callable[[], Person],
        names: Callable[[], Names],
    ) -> bool:
        """Take in somebody whom the days of one of the mappings keep from what its rules give, if they do."""
        when = [each.when for each in days if each is not None]
        if "on_leave" in when or "unclear" in when:
            self._note((), 1, ())
            return True
        here = [each is None or each.when not in ("early", "ended") for each in days]
        if all(here):
            return False
        old, new = self._decided(person()) if any(here) else (None, None)
        keys = tuple(map(self._bounded, _keys(old if here[0] else None, new if here[1] else None)))
        self._note(keys, 1, [_called(names())] if keys else ())
        return True

    def _means(self, names: Callable[[], Names]) -> bool:
        if not self._only:
            return True
        named = names()
        known = (named.key, named.email, named.user_name)
        return not self._only.isdisjoint({fold(name) for name in known if name})

    def _count(self, bits: int, person: Callable[[], Person], names: Callable[[], Names]) -> None:
        alike = self._known.get(bits)
        if alike is None:
            alike = self._learn(bits, person())
        if alike.keys is not None:
            alike.tally.people += 1
            if alike.keys and len(alike.tally.users) < EXAMPLES:
                alike.tally.users.append(_called(names()))
            return
        keys = tuple(map(self._bounded, _keys(*self._decided(person()))))
        self._note(keys, 1, [_called(names())])

    def _learn(self, bits: int, person: Person) -> _Alike:
        if len(self._known) >= _LIMIT:
            self._settle()
        keys = None if self._asks_each(person) else tuple(_keys(*self._decided(person)))
        alike = self._known[bits] = _Alike(keys)
        return alike

    def _decided(self, person: Person) -> tuple[Entitlements | None, Entitlements | None]:
        return (
            self._old.entitlements(person) if self._old.in_scope(person) else None,
            self._new.entitlements(person) if self._new.in_scope(person) else None,
        )

    def _asks_each(self, person: Person) -> bool:
        """Return whether people of one signature may differ in how the mappings differ for them."""
        inside = [mapping.in_scope(person) for mapping in (self._old, self._new)]
        if inside != [True, True]:
            return inside[0] is not inside[1] and self._takes_texts(person)
        return self._profiles_differ or _written(self._old, person) != _written(self._new, person)

    def _takes_texts(self, person: Person) -> bool:
        mapping = self._new if self._new.in_scope(person) else self._old
        decided = decide(mapping.rules, mapping.defaults, person.resource)
        lists = (value for pairs in decided.many.values() for value, _ in pairs)
        values: Iterable[object] = (*(v for v, _ in decided.single.values()), *lists)
        return any(isinstance(v, AttributeText) for v in (*values, *mapping.profile.values()))

    def _bounded(self, key: _Key) -> _Key:
        """Return the key, without its values where those of its rules are too many to tell one by one."""
        about = (key.entitlement, key.old_rule, key.new_rule)
        if key in self._swings or self._values[about] < _VALUES:
            self._values[about] += key not in self._swings
            return key
        before = key.before if key.before is None else VARIOUS
        return key._replace(before=before, after=key.after if key.after is None else VARIOUS)

    def _note(self, keys: tuple[_Key, ...], people: int, users: Iterable[str]) -> None:
        self._people += people
        if not keys:
            return
        self._differ += people
        self._gain += people * any(key.before is None for key in keys)
        self._lose += people * any(key.after is None for key in keys)
        users = list(users)
        for key in dict.fromkeys(keys):
            self._swings[key].add(people, users)

    def _settle(self) -> None:
        for alike in self._known.values():
            if alike.keys is not None:
                self._note(alike.keys, alike.tally.people, alike.tally.users)
        self._known.clear()

    def result(
        self, prices: Prices | None, used: Callable[[str], tuple[int | None, int]]
    ) -> Compared:
        """Return what the two mappings differ in; `used(pool)` gives a pool's total and seats in use now."""
        self._settle()
        swings = [
            Swing(*key, people=tally.people, users=tuple(tally.users))
            for key, tally in self._swings.items()
        ]
        swings.sort(key=lambda s: (-s.people, s.entitlement, str(s.before), str(s.after)))
        pools = tuple(_pools(swings, used))
        return Compared(
            old=self._old.file,
            new=self._new.file,
            old_sha256=self._old.sha256,
            new_sha256=self._new.sha256,
            people=self._people,
            differ=self._differ,
            gain=self._gain,
            lose=self._lose,
            swings=tuple(swings),
            rules=tuple(_by_rule(swings)),
            pools=pools,
            currency=None if prices is None else prices.currency,
            monthly=None if prices is None else money(_cost(swings, prices)),
        )


def _called(names: Names) -> str:
    return names.email or names.user_name or names.key


def _keys(old: Entitlements | None, new: Entitlements | None) -> Iterator[_Key]:
    if (old is None) is not (new is None):
        yield _Key(_SCOPE, None if old is None else True, None if new is None else True, None, None)
    for each in differences(old, new):
        yield _key(each)


def _key(each: Difference) -> _Key:
    was, will = each.before, each.after
    return _Key(each.entitlement, _value(was), _value(will), _rule(was), _rule(will))


def _value(wish: Wish | None) -> str | bool | None:
    return None if wish is None else wish.value


def _rule(wish: Wish | None) -> str | None:
    return None if wish is None else wish.rule


def _profile(mapping: Mapping) -> dict[str, object]:
    return {name: as_written(text, mapping) for name, text in mapping.profile.items()}


def _written(mapping: Mapping, person: Person) -> object:
    """Return the texts that decide for a person, by what they are given for; plain values are left out."""
    decided = decide(mapping.rules, mapping.defaults, person.resource)
    single = {
        name: as_written(value, mapping)
        for name, (value, _) in decided.single.items()
        if isinstance(value, AttributeText)
    }
    lists = {
        name: texts
        for name, pairs in decided.many.items()
        if (texts := [as_written(v, mapping) for v, _ in pairs if isinstance(v, AttributeText)])
    }
    return single, lists


def _by_rule(swings: Iterable[Swing]) -> Iterator[RuleCompared]:
    """Yield, for each rule of either mapping that decides a difference, the people by what becomes of them.

    A rule of the new mapping gives and changes, one of the old takes what nothing gives any more. Of
    people who differ in several entitlements by one rule each is counted.
    """
    gives: Counter[str] = Counter()
    changes: Counter[str] = Counter()
    loses: Counter[str] = Counter()
    for swing in swings:
        if swing.new_rule is not None:
            (gives if swing.before is None else changes)[swing.new_rule] += swing.people
        elif swing.old_rule is not None:
            loses[swing.old_rule] += swing.people
    for rule in sorted(gives.keys() | changes.keys() | loses.keys()):
        yield RuleCompared(rule, gives[rule], changes[rule], loses[rule])


def _pools(
    swings: Iterable[Swing], used: Callable[[str], tuple[int | None, int]]
) -> Iterator[PoolCompared]:
    names: dict[str, str] = {}
    more: Counter[str] = Counter()
    less: Counter[str] = Counter()
    for swing in swings:
        for value, counter in ((swing.after, more), (swing.before, less)):
            if (pool := _pool(swing.entitlement, value)) is not None:
                names.setdefault(fold(pool), pool)
                counter[fold(pool)] += swing.people
    for folded, name in sorted(names.items()):
        total, now = used(name)
        yield PoolCompared(name, total, now, more[folded], less[folded])


def _pool(entitlement: str, value: str | bool | None) -> str | None:
    family = _SEATS.get(entitlement)
    if family is None or value in (None, False, VARIOUS):
        return None
    return "credits:credits" if family == "credits" else f"{family}:{value}"


def _cost(swings: Iterable[Swing], prices: Prices) -> Decimal:
    """Return what the new mapping costs more a month than the old, if everybody had what it gives."""
    total = Decimal(0)
    for swing in swings:
        for value, sign in ((swing.after, 1), (swing.before, -1)):
            pool = _pool(swing.entitlement, value)
            if pool is not None:
                family, _, name = pool.partition(":")
                total += sign * swing.people * prices.each.get((family, fold(name)), Decimal(0))
            elif swing.entitlement == "number" and value is not None and prices.number is not None:
                total += sign * swing.people * prices.number
    return total
