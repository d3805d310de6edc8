"""Direct numbers: one for each person, given outright or from a pool.

Whoever already holds a number of the pool keeps it, and one who comes back gets the number that they
held before, if it is still free. Which number a claim gets is decided for the whole plan at once, so
that the same plan always gives the same numbers.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from connectors.records import Risk
from mappings import PoolRef
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.services import license_goes
from provisioner.pools import NumberPool


def number_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield the number's assignment (its `after` is `pool:NAME` until one is chosen), or releases."""
    given, actual = case.entitlements, case.actual
    assert given is not None
    if not ground.manages("number") or "number" in given.left_alone:
        return
    held = actual.numbers if actual else ()
    wish = given.single.get("number")
    if wish is None:
        if not (license_goes(case, ground) and "numbers" in ground.abilities.license_takes):
            for number in held:
                rule = given.taken.get("number")
                yield Draft("number.release", case, number, None, rule, "destructive")
        return
    value = wish.value
    if isinstance(value, PoolRef):
        pool = ground.pools[value.name]
        if value.keeps and held:
            return
        if any(pool.has(number) for number in held):
            return
        after = f"pool:{value.name}"
    else:
        after = str(value)
        if after in held:
            return
    before = held[0] if held else None
    risk: Risk = "safe" if before is None else "service"
    yield Draft("number.assign", case, before, after, wish.rule, risk)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is known of direct numbers when claims on them are decided.

    `held`: every number that somebody holds. `cooling`: those that rest, each with the folded key of
    whoever lost it last. `before`: by folded key, the numbers that somebody once held, the last first.
    `holder` says who holds a number that a rule names, in words, and `rule_in_words` where a rule is.
    `rejected` says whether a claim, with its number, was.
    """

    pools: Mapping[str, NumberPool]
    held: Collection[str] = ()
    cooling: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, Sequence[str]] = field(default_factory=dict)
    holder: Callable[[str], str] = lambda number: "somebody else"  # noqa: ARG005
    rule_in_words: Callable[[str], str] = "rule {}".format
    rejected: Callable[[Draft], bool] = lambda draft: False  # noqa: ARG005


def give_numbers(
    drafts: Iterable[Draft], known: Numbers, priority: Mapping[str | None, int]
) -> None:
    """Choose a number for every claim on a pool, the lowest free first; block those that get none.

    Who gets one is decided by `priority` (the place of each rule), then key; which one then by what
    they held before. Numbers that somebody loses in the same plan are handed on where the pool lets
    them not rest, and to whoever a rule gives that very number: the claim then needs the release.
    """
    drafts = list(drafts)
    claims = [d for d in drafts if _claims_number(d) and d.state in ("planned", "manual")]
    # what is rejected takes of what is left: it may be taken up again
    claims.sort(key=lambda d: (d.idle, priority.get(d.rule, len(priority)), d.key))
    numbers = _Numbers(known, claims)
    numbers.give_free()
    numbers.hand_on(drafts)
    numbers.pass_over_the_rejected()
    numbers.block_the_rest(drafts)
    for draft in drafts:
        if _claims_number(draft) and (pool := _pool_of(draft)):
            draft.after = None
            if pool not in (draft.reason or ""):
                draft.reason = f"{draft.reason} (a number of pool {pool})"


def _claims_number(draft: Draft) -> bool:
    return draft.kind == "number.assign" and isinstance(draft.after, str)


def _pool_of(draft: Draft) -> str:
    """Return the pool that a claim asks for a number of, "" if it names the number itself."""
    after = str(draft.after)
    return after.removeprefix("pool:") if after.startswith("pool:") else ""


def frees_numbers(draft: Draft) -> Iterator[str]:
    """Yield the direct numbers that somebody loses by the draft: released, replaced, or gone with more."""
    if draft.kind in ("number.release", "number.assign"):
        if isinstance(draft.before, str):
            yield draft.before
    elif draft.consequences and draft.case.actual is not None:
        said = set(draft.consequences)
        yield from (n for n in draft.case.actual.numbers if f"number {n} is released" in said)


class _Numbers:
    """Numbers on their way from hand to hand: who waits for which, and what comes free."""

    def __init__(self, known: Numbers, claims: Sequence[Draft]) -> None:
        self._known, self._pools, self._cooling = known, known.pools, known.cooling
        self._taken = set(known.held)
        self._given: dict[str, Draft] = {}
        self._freed: deque[tuple[str, Draft]] = deque()
        self._rank = {id(draft): n for n, draft in enumerate(claims)}
        self._named: dict[str, deque[Draft]] = defaultdict(deque)
        self._pooled: dict[str, deque[Draft]] = defaultdict(deque)
        self._asked = {id(draft): _pool_of(draft) for draft in claims}
        for draft in claims:
            pool = _pool_of(draft)
            if pool:
                self._pooled[pool].append(draft)
            else:
                self._named[str(draft.after)].append(draft)

    def give_free(self) -> None:
        """Give what nobody holds: first the numbers that rules name, then the pools'."""
        for number, queue in self._named.items():
            if number not in self._taken:
                self._give(number, queue.popleft())
        for name, queue in self._pooled.items():
            self._give_back_resting(self._pools[name], queue)
            self._give_from(self._pools[name], queue)

    def _give_back_resting(self, pool: NumberPool, queue: deque[Draft]) -> None:
        """Give people who come back what rests since they lost it: it rests for others' sake."""
        if not (self._cooling and self._known.before):
            return
        for draft in list(queue):
            key = draft.case.key
            own = [n for n in self._known.before.get(key, ()) if self._cooling.get(n) == key]
            number = next((n for n in own if pool.gives(n, self._taken, ())), None)
            if number is not None:
                queue.remove(draft)
                self._give(number, draft)

    def _give_from(self, pool: NumberPool, queue: deque[Draft]) -> None:
        """Give the first claims a number: the one that they held before, else the lowest."""
        lowest = list(islice(pool.free(self._taken, self._cooling), len(queue)))
        served = [queue.popleft() for _ in lowest]
        for draft in list(served) if self._known.before else ():
            before = self._known.before.get(draft.case.key, ())
            number = next((n for n in before if pool.gives(n, self._taken, self._cooling)), None)
            if number is not None:
                served.remove(draft)
                self._give(number, draft)
        left = (number for number in lowest if number not in self._given)
        for number, draft in zip(list(left), served, strict=False):
            self._give(number, draft)

    def hand_on(self, drafts: Iterable[Draft]) -> None:
        """Give what comes free in this plan, the lowest first; the claim needs what frees it."""
        sources: dict[str, Draft] = {}
        for draft in drafts:
            if draft.state == "planned" and not draft.idle and draft.kind != "number.assign":
                for number in frees_numbers(draft):
                    if number not in sources or draft.kind == "number.release":
                        sources[number] = draft
        self._freed.extend(sorted(sources.items(), key=lambda s: (len(s[0]), s[0])))
        while self._freed:
            number, source = self._freed.popleft()
            if (queue := self._next(number)) is not None:
                draft = queue.popleft()
                draft.needs.append(source)
                self._give(number, draft)

    def _next(self, number: str) -> deque[Draft] | None:
        """Return the queue whose first claim a number that comes free goes to."""
        if number in self._given:
            return None
        if self._named.get(number):
            return self._named[number]
        queues = [
            queue
            for name, queue in self._pooled.items()
            if queue and number not in self._cooling and self._pools[name].takes_back(number)
        ]
        return min(queues, key=lambda queue: self._rank[id(queue[0])], default=None)

    def _give(self, number: str, draft: Draft) -> None:
        if draft.reason is not None:  # a manual step's words
            draft.reason = draft.reason.replace(str(draft.after), number)
        draft.after = number
        self._taken.add(number)
        self._given[number] = draft
        if not draft.idle:
            self._freed.extend((before, draft) for before in frees_numbers(draft))

    def pass_over_the_rejected(self) -> None:
        """Give whoever is short the numbers that were chosen for rejected claims, which keep their words.

        A rejection is about a number, so it is known only now. Nobody else's choice changes by it.
        """
        for number, draft in sorted(self._given.items()):
            if draft.idle or self._known.rejected(draft):
                draft.idle = True
                if queue := self._named.get(number) or self._pooled.get(self._asked[id(draft)]):
                    self._give(number, queue.popleft())

    def block_the_rest(self, drafts: Iterable[Draft]) -> None:
        """Block every claim that got no number, with the reason."""
        tell = self._known.rule_in_words
        waiting = {n: d for d in drafts if d.state == "waiting" for n in frees_numbers(d)}
        for number, queue in self._named.items():
            for draft in queue:
                if number in self._given:
                    draft.block(contested(f"number {number}", self._given[number], draft, tell))
                else:
                    draft.block(
                        f"number {number} is held by {self._known.holder(number)}"
                        f"{also(draft, tell)}{_when([number], waiting)}"
                    )
        for name, queue in self._pooled.items():
            for draft in queue:
                draft.lacks = ("number", name)
                draft.block(self._shortage(name, waiting))

    def _shortage(self, name: str, waiting: Mapping[str, Draft]) -> str:
        pool = self._pools[name]
        size = "" if pool.size is None else f" of {pool.size}"
        resting = sum(pool.has(number) for number in self._cooling)
        rest = f" ({resting} rest after their release)" if resting else ""
        soon = _when((n for n in waiting if pool.takes_back(n)), waiting)
        return f"no number{size} is free in pool {name}{rest}: add a range, or release some{soon}"


def contested(thing: str, winner: Draft, loser: Draft, tell: Callable[[str], str]) -> str:
    """Return why somebody doesn't get what another one gets, with both rules; `tell` says where they are."""
    rule = f", by {tell(winner.rule)}" if winner.rule else ""
    return f"{thing} goes to {winner.user} in this plan{rule}{also(loser, tell)}"


def also(loser: Draft, tell: Callable[[str], str]) -> str:
    """Return in words that a rule gives something to one who can't get it."""
    if not loser.rule:
        return ""
    return f"; {tell(loser.rule)} gives it to {loser.user}: give each their own"


def _when(numbers: Iterable[str], waiting: Mapping[str, Draft]) -> str:
    """Return, in words, who frees one of these numbers later; "" if nobody does."""
    sources = [waiting[number] for number in numbers if number in waiting]
    first = min(sources, key=lambda d: (d.reason or "", d.key), default=None)
    return "" if first is None else f"; one is freed by {first.user} ({first.reason})"
