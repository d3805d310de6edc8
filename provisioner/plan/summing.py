"""The figures of a plan: how many changes, what becomes of every pool, and what it costs.

Pools and cost say what is so when everything is carried out that the plan has planned, whatever a
guard holds of it afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from connectors.records import Change, fold
from provisioner.plan.differences import Differences
from provisioner.plan.draft import Draft
from provisioner.plan.model import PARTLY_READ, Summary
from provisioner.plan.prices import cost_of, unpriced
from provisioner.plan.seats import Pools, number_uses, pool_uses
from provisioner.pools import NumberPool
from provisioner.prices import Prices


class Counting(Protocol):
    """What is asked of a plan's situation here (provisioner/plan/make.py)."""

    @property
    def scope(self) -> str: ...
    @property
    def pools(self) -> dict[str, NumberPool]: ...
    @property
    def cooling(self) -> Mapping[str, str]: ...
    @property
    def prices(self) -> Prices | None: ...


def sum_up(
    differences: Differences,
    situation: Counting,
    named: tuple[Sequence[Change], Sequence[Change], Sequence[Change]],
    drafts: Collection[Draft],
    pools: Pools,
) -> Summary:
    """Return the plan's figures; `named` are its changes, and what is blocked and waiting."""
    changes, blocked, waiting = named
    ours = {fold(c.key) for c in changes}
    theirs = {case.key for case in differences.cases if case.standing in ("unmanaged", "place")}
    uses = pool_uses(pools, drafts)
    if differences.numbers_noted and situation.scope not in PARTLY_READ:
        uses |= number_uses(situation.pools, differences.held_numbers, situation.cooling, drafts)
    return Summary(
        people=differences.people,
        unchanged=differences.people - len(ours - theirs),
        changes=dict(sorted(Counter(c.kind for c in changes).items())),
        blocked=len(blocked),
        waiting=len(waiting),
        manual=sum(c.state == "manual" for c in changes),
        pools=uses,
        cost=None if situation.prices is None else cost_of(drafts, situation.prices),
    )


def unpriced_warnings(situation: Counting, drafts: Iterable[Draft], pools: Pools) -> Iterator[str]:
    """Yield a sentence on what the plan moves that has no price, where anything has one."""
    if situation.prices is None:
        return
    if names := list(unpriced(drafts, situation.prices, pools.names)):
        yield f"no price in config, so they count as free of charge: {', '.join(names)}"
