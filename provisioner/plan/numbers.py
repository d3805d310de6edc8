"""Direct numbers: one for each person, given outright or from a pool.

Whoever already holds a number of the pool keeps it. Which free number a claim gets is decided for
the whole plan at once (plan/pools.py), so that the same plan always gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from mappings import PoolRef
from provisioner.plan.compare import Case
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.services import _license_goes


def number_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield the number's assignment (its `after` is `pool:NAME` until one is chosen), or releases."""
    given, actual = case.entitlements, case.actual
    assert given is not None
    if not ground.manages("number") or "number" in given.left_alone:
        return
    held = actual.numbers if actual else ()
    wish = given.single.get("number")
    if wish is None:
        if not (_license_goes(case, ground) and "numbers" in ground.abilities.license_takes):
            for number in held:
                yield Draft("number.release", case, number, None, None, "destructive")
        return
    value = wish.value
    if isinstance(value, PoolRef):
        pool = ground.pools[value.name]
        if any(pool.has(number) for number in held):
            return
        after = f"pool:{value.name}"
    else:
        after = str(value)
        if after in held:
            return
    before = held[0] if held else None
    risk = "safe" if before is None else "service"
    yield Draft("number.assign", case, before, after, wish.rule, risk)  # type: ignore[arg-type]
