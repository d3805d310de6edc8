"""What is remembered of direct numbers: which ones rest after their release, and who is without one.

A number that somebody loses cools off for as long as its pool says, so that calls meant for them don't
reach another one; they themselves may have it back at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from mappings import PoolRef
from provisioner.config import SyncConfig
from provisioner.plan.differences import Differences
from provisioner.pools import NumberPool
from provisioner.store.plans import Release


def since(sync: SyncConfig, moment: datetime) -> datetime:
    """Return from when on a released number may still rest at a moment."""
    return moment - max((pool.cooling for pool in sync.pools.values()), default=timedelta(0))


def resting(sync: SyncConfig, released: Iterable[Release], at: datetime) -> dict[str, str]:
    """Return the numbers that rest at a moment, each with the folded key of who lost it last.

    `released` come by moment.
    """
    pools = [(NumberPool(n, config, None), config) for n, config in sync.pools.items()]
    return {
        each.number: each.key
        for each in released
        for pool, config in pools
        if pool.has(each.number) and each.at <= at < each.at + config.cooling
    }


def resting_until(
    sync: SyncConfig, released: Iterable[Release], cooling: Collection[str]
) -> dict[str, datetime]:
    """Return until when each of the numbers that are `cooling` rests."""
    pools = [(NumberPool(n, config, None), config) for n, config in sync.pools.items()]
    return {
        each.number: each.at + config.cooling
        for each in released
        if each.number in cooling
        for pool, config in pools
        if pool.has(each.number)
    }


def without_number(differences: Differences) -> list[str]:
    """Return the folded keys of those who are given a number of a pool and hold none."""
    return [
        case.key
        for case in differences.cases
        if case.entitlements is not None
        and (case.actual is None or not case.actual.numbers or case.actual.status == "trashed")
        and (wish := case.entitlements.single.get("number")) is not None
        and isinstance(wish.value, PoolRef)
    ]
