"""Who gets a seat: licenses, packages and credit licenses are counted, and claimed in order.

Releases of the same plan serve claims: the claim then needs the release and waits with it. A
shortage blocks the claims of the lowest priority (rule order, then key) one by one; it never fails
the run. A swap that is blocked keeps what it has, and its seat counts as used.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from connectors.records import Catalog, Seats, fold
from provisioner.plan.draft import Draft
from provisioner.plan.model import PoolUse
from provisioner.plan.numbers import frees_numbers
from provisioner.plan.services import coming_back, what_went
from provisioner.pools import NumberPool

Pool = tuple[str, str]
"""Family (license, package, credits) and folded name."""

_TAKES = {"license.assign": "license", "package.assign": "package", "credit.assign": "credits"}
_RETURNING = ("license", "packages", "credits")
_FREES = {"license.remove": "license", "package.remove": "package", "credit.remove": "credits"}


class Pools:
    """The counted pools of one phone system: totals as the vendor says, and what is used."""

    def __init__(
        self, catalog: Catalog, licenses: Counter[str], packages: Counter[str], credits: int
    ) -> None:
        self.names: dict[Pool, str] = {}
        self.totals: dict[Pool, int | None] = {}
        self.used: Counter[Pool] = Counter()
        self._same: dict[Pool, Pool] = {}  # another name for one and the same pool
        self._known: dict[str, bool] = {}
        families: dict[str, dict[str, Seats] | None] = {
            "license": catalog.licenses,
            "package": catalog.packages,
        }
        for family, seats in families.items():
            self._known[family] = seats is not None
            for name, seat in (seats or {}).items():
                pool = (family, fold(name))
                if seat.counted_with:
                    self._same[pool] = (family, fold(seat.counted_with))
                    continue
                self.names[pool], self.totals[pool] = name, seat.total
                if seat.used is not None:
                    self.used[pool] = seat.used
        if catalog.credits is not None:
            pool = ("credits", "credits")
            self.names[pool], self.totals[pool] = "credits", catalog.credits.total
            self.used[pool] = catalog.credits.used or 0
        holders = [("license", licenses), ("package", packages), ("credits", {"credits": credits})]
        for family, held in holders:
            for name, count in held.items():
                if count:
                    self._hold((family, fold(name)), name, count)

    def _hold(self, pool: Pool, name: str, count: int) -> None:
        self.names.setdefault(pool, name)
        if pool in self.totals:
            self.used[pool] = max(self.used[pool], count)
        else:
            self.used[pool] += count

    def pool(self, pool: Pool) -> Pool:
        """Return the pool whose seats are counted, by whichever of its names it was called."""
        return self._same.get(pool, pool)

    def unknown(self, pool: Pool) -> str | None:
        """Return why nothing of that name can be given, or None if it can."""
        family, name = pool
        if not self._known.get(family) or pool in self.totals:
            return None
        there = ", ".join(sorted(self.names[p] for p in self.totals if p[0] == family)) or "none"
        return f"the phone system has no {family} {name!r}; it has: {there}"

    def free(self, pool: Pool) -> int | None:
        """Return the seats that nobody holds; None where nothing is counted."""
        total = self.totals.get(pool)
        return None if total is None else max(0, total - self.used[pool])


def takes(draft: Draft) -> Pool | None:
    """Return the pool that the draft takes a seat from, None where it needs none."""
    family, actual = _TAKES.get(draft.kind), draft.case.actual
    if family is None:
        return None
    if actual is not None and fold(str(draft.after)) in map(fold, actual.seatless):
        return None
    return family, "credits" if family == "credits" else fold(str(draft.after))


def frees(draft: Draft) -> Iterator[Pool]:
    """Yield the pools to which the draft gives a seat back; a license takes its packages along."""
    actual = draft.case.actual
    if draft.kind in _FREES:
        family = _FREES[draft.kind]
        yield family, "credits" if family == "credits" else fold(str(draft.before))
    elif draft.kind in _TAKES and isinstance(draft.before, str):
        yield _TAKES[draft.kind], fold(draft.before)
    if actual is None or draft.kind not in (
        "license.remove",
        "user.deactivate",
        "user.trash",
        "user.delete",
    ):
        return
    said = set(draft.consequences)
    if draft.kind != "license.remove" and f"license {actual.license} is freed" in said:
        yield "license", fold(str(actual.license))
    for package in actual.packages:
        if f"calling package {package} is removed" in said:
            yield "package", fold(package)
    if actual.credits and any(what_went(each) == ("credit", True) for each in said):
        yield "credits", "credits"


def grant_seats(
    family: str,
    drafts: Iterable[Draft],
    pools: Pools,
    priority: Mapping[str | None, int],
    shortage: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Give every claim of a family its seat, or block it with the reason; by order of rule, then key.

    Only planned drafts free a seat, and none that is idle claims or frees any. A claim that lives on
    another draft's release needs it. `shortage`: what to do where a family has no seat, in words.
    """
    planned = [draft for draft in drafts if draft.state == "planned" and not draft.idle]
    returning = Counter(pool for draft in planned for pool in brings_back(draft, pools))
    claims: dict[Pool, list[tuple[int, str, int, Draft]]] = defaultdict(list)
    for position, draft in enumerate(planned):
        if (claimed := takes(draft)) is None or claimed[0] != family:
            continue
        pool = pools.pool(claimed)
        if (reason := pools.unknown(pool)) is not None:
            draft.block(reason)
        else:
            order = priority.get(draft.rule, len(priority))
            heapq.heappush(claims[pool], (order, draft.key, position, draft))
    freed: deque[tuple[Pool, Draft]] = deque()
    for pool, queue in claims.items():
        free = pools.free(pool)
        free = None if free is None else max(0, free - returning[pool])
        while queue and (free is None or free > 0):
            draft = heapq.heappop(queue)[-1]
            free = None if free is None else free - 1
            freed.extend((pools.pool(back), draft) for back in frees(draft))
    freed.extend(
        (pools.pool(pool), draft)
        for draft in planned
        if draft.state == "planned" and takes(draft) is None
        for pool in frees(draft)
    )
    while freed:
        pool, source = freed.popleft()
        if claims.get(pool):
            draft = heapq.heappop(claims[pool])[-1]
            draft.needs.append(source)
            freed.extend((pools.pool(back), draft) for back in frees(draft))
    for pool, queue in claims.items():
        for _, _, _, draft in sorted(queue, key=lambda claim: claim[:3]):
            draft.lacks = pool
            reason = _shortage(pool, pools, drafts, claims)
            draft.block(f"{reason}: {shortage[family]}" if family in shortage else reason)


def brings_back(draft: Draft, pools: Pools) -> Iterator[Pool]:
    """Yield the pools of which an account that is restored takes a seat, whether one is free or not."""
    actual = draft.case.actual
    if draft.kind == "user.restore" and actual is not None:
        for family, name, sentence in coming_back(actual, _RETURNING):
            if sentence in draft.consequences:
                yield pools.pool((family, fold(name)))


def _freed(draft: Draft, pools: Pools) -> set[Pool]:
    return {pools.pool(pool) for pool in frees(draft)}


def _shortage(
    pool: Pool,
    pools: Pools,
    drafts: Iterable[Draft],
    claims: Mapping[Pool, list[tuple[int, str, int, Draft]]],
) -> str:
    name, total = pools.names.get(pool, pool[1]), pools.totals[pool]
    what = name if name == pool[0] else f"{pool[0]} {name}"  # there is one pool of credits
    reason = (
        f"no seat of {what} is left: {pools.used[pool]} of {total} are used, and what is"
        " free goes to those who come first (rule order, then key)"
    )
    waiting = [d for d in drafts if d.state == "waiting" and pool in _freed(d, pools) and d.reason]
    if waiting:
        first = min(waiting, key=lambda d: (d.reason or "", d.key))
        reason += f"; one is freed by {first.user} ({first.reason})"
    rejected = [d for d in drafts if d.idle and pool in _freed(d, pools)]
    if rejected and not waiting:
        first = min(rejected, key=lambda d: d.key)
        reason += f"; {first.user} keeps one, because it was rejected to take it away"
    circle = [d for q in claims.values() for _, _, _, d in q if pool in _freed(d, pools)]
    if circle:
        others = ", ".join(sorted({d.user for d in circle})[:5])
        reason += f"; it would come free by the swaps of {others}, which wait for seats themselves"
    return reason


def pool_uses(pools: Pools, drafts: Iterable[Draft]) -> dict[str, PoolUse]:
    """Return the seats of every pool that is counted or that the plan touches, by `family:name`."""
    claimed, freed, short = Counter[Pool](), Counter[Pool](), Counter[Pool]()
    for draft in drafts:
        if draft.lacks is not None:
            short[draft.lacks] += 1
        if draft.state in ("planned", "manual") and not draft.idle:
            for pool in filter(None, (takes(draft), *brings_back(draft, pools))):
                claimed[pools.pool(pool)] += 1
            freed.update(_freed(draft, pools))
    touched = {pool for pool, total in pools.totals.items() if total is not None}
    touched |= claimed.keys() | freed.keys()
    return {
        f"{family}:{pools.names.get((family, name), name)}": _use(
            pools.totals.get((family, name)),
            pools.used[family, name],
            claimed[family, name],
            freed[family, name],
            short[family, name],
        )
        for family, name in sorted(touched)
    }


def _use(total: int | None, used: int, claimed: int, freed: int, short: int) -> PoolUse:
    return PoolUse(total, used, used + claimed - freed, claimed, freed, short)


def number_uses(
    pools: Mapping[str, NumberPool],
    held: Collection[str],
    cooling: Collection[str],
    drafts: Iterable[Draft],
) -> dict[str, PoolUse]:
    """Return the numbers of every pool, by `number:name`: `held` by somebody, and resting."""
    live = [draft for draft in drafts if draft.kind == "number.assign" or _ends(draft)]
    planned = [d for d in live if d.state in ("planned", "manual") and not d.idle]
    given = [str(d.after) for d in planned if d.kind == "number.assign" and d.after is not None]
    gone = [number for draft in planned for number in frees_numbers(draft)]
    short = Counter(draft.lacks for draft in live if draft.lacks is not None)
    uses: dict[str, PoolUse] = {}
    for name, pool in sorted(pools.items()):
        total, used = pool.counted(held)
        resting = sum(map(pool.counts, cooling)) or None
        use = _use(
            total,
            used,
            sum(map(pool.counts, given)),
            sum(map(pool.counts, gone)),
            short["number", name],
        )
        uses[f"number:{name}"] = msgspec.structs.replace(use, resting=resting)
    return uses


def _ends(draft: Draft) -> bool:
    """Return whether a draft may take a number from somebody."""
    return draft.kind == "number.release" or bool(draft.consequences)
