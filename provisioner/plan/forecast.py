"""The forecast: how many seats of each pool will be wanted, from the starts, ends and graces that are known.

It assumes that the plan is carried out, and what waits for a grace or a start then happens on its day.
A claim that finds no seat today still wants one tomorrow.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from connectors.records import PhoneUser, fold
from mappings import Entitlements, PoolRef
from provisioner.plan.differences import Case, Differences, Ending
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.leavers import Graces, graces_of
from provisioner.plan.model import PARTLY_READ, Forecast, PoolUse
from provisioner.plan.numbers import frees_numbers
from provisioner.plan.seats import Pool, Pools, frees, takes
from provisioner.pools import NumberPool


class Looking(Protocol):
    """What is asked of a plan's situation here (provisioner/plan/make.py)."""

    @property
    def scope(self) -> str: ...
    @property
    def as_of(self) -> datetime: ...
    @property
    def horizon(self) -> timedelta: ...
    @property
    def pools(self) -> dict[str, NumberPool]: ...
    @property
    def resting_until(self) -> MappingOf[str, datetime]: ...


@dataclass(slots=True)
class _Moves:
    """What is claimed and freed, by day and pool; days after `until` don't count, earlier ones are today's.

    `pool` gives the pool whose seats are counted, by whichever of its names it is called.
    """

    today: date
    until: date
    pool: Callable[[Pool], Pool]
    claimed: Counter[tuple[date, Pool]] = field(default_factory=Counter)
    freed: Counter[tuple[date, Pool]] = field(default_factory=Counter)

    def claim(self, day: date, pools: Iterable[Pool]) -> None:
        if day <= self.until:
            self.claimed.update((max(day, self.today), self.pool(pool)) for pool in pools)

    def free(self, day: date, pools: Iterable[Pool]) -> None:
        if day <= self.until:
            self.freed.update((max(day, self.today), self.pool(pool)) for pool in pools)


def forecast(
    drafts: Collection[Draft],
    differences: Differences,
    ground: Ground,
    uses: MappingOf[str, PoolUse],
    pools: Pools,
    situation: Looking,
) -> tuple[Forecast, ...]:
    """Return what is to come within the horizon, by date, then pool; nothing for a plan of some people."""
    if not situation.horizon or situation.scope in (*PARTLY_READ, "users"):
        return ()
    today = situation.as_of.date()
    moves = _Moves(today, today + situation.horizon, pools.pool)
    numbers = _Numbers(situation, moves)
    _graces(drafts, moves, numbers)
    _starts(differences.cases, ground, moves)
    _ends(drafts, differences.endings, ground, moves, numbers)
    for number, until in situation.resting_until.items():
        numbers.rested(number, until.date())
    not_yet = Counter(map(pools.pool, filter(None, map(_waits_for, drafts))))
    not_yet.update(_let_go(drafts, today, numbers))
    known = {_pool_of(name): (name, use) for name, use in uses.items()}
    for pool in {pool for _, pool in (*moves.claimed, *moves.freed)} - known.keys():
        used = pools.used[pool]  # nothing of it is counted, and the plan doesn't touch it
        known[pool] = f"{pool[0]}:{pools.names.get(pool, pool[1])}", PoolUse(None, used, used)
    return tuple(_added_up(moves, known, not_yet))


def _graces(drafts: Iterable[Draft], moves: _Moves, numbers: _Numbers) -> None:
    """What leavers lose when their graces are over."""
    for draft in drafts:
        if draft.state == "waiting" and draft.until is not None:
            day = draft.until.date()
            moves.free(day, frees(draft))
            for number in frees_numbers(draft):
                numbers.lost(number, day)


def _starts(cases: Iterable[Case], ground: Ground, moves: _Moves) -> None:
    """What joiners claim on the day from which they are provisioned, and free when they are gone again."""
    for case in cases:
        days, given = case.days, case.entitlements
        if case.standing != "early" or case.actual is not None or days is None or given is None:
            continue
        assert days.provision is not None
        wanted = list(_wanted(given))
        moves.claim(days.provision, (pool for pool, _ in wanted))
        if days.end is not None and ground.mapping.leavers.do != "report":
            graces = _graces_at(days.end, case.key, ground)
            for pool, thing in wanted:
                moves.free(getattr(graces, thing).date(), [pool])


def _wanted(given: Entitlements) -> Iterator[tuple[Pool, str]]:
    """Yield the pools that somebody will want a seat of, each with the thing that it is (Graces)."""
    if (license := given.single.get("license")) is not None:
        yield ("license", fold(str(license.value))), "license"
    for package in given.many.get("packages", ()):
        yield ("package", fold(package)), "packages"
    if (credits := given.single.get("credits")) is not None and credits.value is True:
        yield ("credits", "credits"), "credits"
    number = given.single.get("number")
    if number is not None and isinstance(number.value, PoolRef):
        yield ("number", number.value.name), "number"


def _ends(
    drafts: Collection[Draft],
    endings: Collection[Ending],
    ground: Ground,
    moves: _Moves,
    numbers: _Numbers,
) -> None:
    """What those free whose last day is known: what they hold now, and what the plan gives and takes."""
    leavers = ground.mapping.leavers
    last = {ending.key: ending.last for ending in endings}
    for draft in drafts:
        pool = draft.lacks or _waits_for(draft)
        if pool is not None and draft.case.key in last:  # who leaves waits no more
            moves.free(last[draft.case.key] + timedelta(days=1), [pool])
    if leavers.do == "report" or not endings:
        return
    takes_all = leavers.do != "deactivate"
    gone = ground.abilities.deactivation_takes
    changed: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.case.key in last and draft.state in ("planned", "manual") and not draft.idle:
            changed[draft.case.key].append(draft)
    for ending in endings:
        graces = _graces_at(ending.last, ending.key, ground)
        for pool, count in _held(ending.user, changed[ending.key]).items():
            thing = _THINGS[pool[0]]
            if count > 0 and (takes_all or thing in gone):
                moves.free(getattr(graces, thing).date(), [pool] * count)
        if takes_all or "numbers" in gone:
            for number in _numbers_of(ending.user, changed[ending.key]):
                numbers.lost(number, graces.number.date())


_THINGS = {"license": "license", "package": "packages", "credits": "credits"}


def _graces_at(last: date, key: str, ground: Ground) -> Graces:
    """Return when the things of one who leaves after a day go."""
    over = datetime(last.year, last.month, last.day, tzinfo=ground.now.tzinfo) + timedelta(days=1)
    return graces_of(Case(key, "ended"), ground, ground.mapping.leavers.do, over)


def _held(user: PhoneUser | None, drafts: Iterable[Draft]) -> Counter[Pool]:
    held: Counter[Pool] = Counter()
    if user is not None and user.status != "trashed":
        held["license", fold(user.license or "")] += user.license is not None
        held.update(("package", fold(package)) for package in user.packages)
        held["credits", "credits"] += user.credits
    for draft in drafts:
        if (pool := takes(draft)) is not None:
            held[pool] += 1
        held.subtract(frees(draft))
    return held


def _numbers_of(user: PhoneUser | None, drafts: Iterable[Draft]) -> list[str]:
    numbers = list(user.numbers) if user is not None else []
    for draft in drafts:
        lost = set(frees_numbers(draft))
        numbers = [number for number in numbers if number not in lost]
        if draft.kind == "number.assign" and draft.after is not None:
            numbers.append(str(draft.after))
    return numbers


class _Numbers:
    """Direct numbers on their way back to their pools, which let them rest first."""

    def __init__(self, situation: Looking, moves: _Moves) -> None:
        self._pools, self._moves = situation.pools, moves

    def lost(self, number: str, day: date) -> None:
        """Somebody loses a number on a day."""
        for name, pool in self._pools.items():
            if pool.counts(number):
                self._moves.free(day + pool.rest, [("number", name)])

    def rest(self, number: str, day: date) -> Iterator[Pool]:
        """A number is let go on a day: yield the pools in which it rests first."""
        for name, pool in self._pools.items():
            if pool.rest and pool.counts(number):
                self._moves.free(day + pool.rest, [("number", name)])
                yield "number", name

    def rested(self, number: str, day: date) -> None:
        """A number's rest is over."""
        for name, pool in self._pools.items():
            if pool.counts(number):
                self._moves.free(day, [("number", name)])


def _waits_for(draft: Draft) -> Pool | None:
    """Return what a claim that waits for something else will want: another seat comes first, or an account."""
    if draft.state != "waiting":
        return None
    if draft.kind == "number.assign" and (given := draft.case.entitlements) is not None:
        number = given.single.get("number")
        if number is not None and isinstance(number.value, PoolRef):
            return "number", number.value.name
    return takes(draft)


def _let_go(drafts: Iterable[Draft], today: date, numbers: _Numbers) -> Iterator[Pool]:
    """Yield the pools of numbers that the plan takes from somebody, and that nobody gets while they rest."""
    for draft in drafts:
        if draft.state in ("planned", "manual") and not draft.idle:
            for number in frees_numbers(draft):
                yield from numbers.rest(number, today)


def _added_up(
    moves: _Moves, known: MappingOf[Pool, tuple[str, PoolUse]], not_yet: MappingOf[Pool, int]
) -> Iterator[Forecast]:
    after = dict(not_yet)
    for pool, (_, use) in known.items():
        after[pool] = after.get(pool, 0) + use.after + (use.short or 0) + (use.resting or 0)
    for day, pool in sorted(moves.claimed.keys() | moves.freed.keys()):
        name, use = known[pool]
        claimed, freed = moves.claimed[day, pool], moves.freed[day, pool]
        wanted = after[pool] = after.get(pool, 0) + claimed - freed
        short = 0 if use.total is None else max(0, wanted - use.total)
        yield Forecast(name, day.isoformat(), wanted, short, claimed, freed)


def _pool_of(name: str) -> Pool:
    family, _, rest = name.partition(":")
    return family, rest if family == "number" else fold(rest)
