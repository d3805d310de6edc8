"""What a set of licenses must keep: prerequisites, exclusions, locations.

An add-on's service plan needs another plan that is enabled; what a suite brings for itself is not
checked. No source says which plans exclude each other, so a tenant has no such pairs unless the
portal sets them (`/_portal/rules`), nor countries where a product may not be used.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .account import Tenant
from .errors import GraphError, exclusive, no_location, unmet
from .holdings import NONE, Held, product
from .skus import CALLING, CONFERENCING, NEEDS, PLAN_IDS, SUITES

Kind = Literal[
    "DependencyViolation", "MutuallyExclusiveViolation", "ProhibitedInUsageLocationViolation"
]
CREDIT_PLAN = PLAN_IDS["MCOPSTNC"]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a product's service plan breaks; `others` are what it lacks, or can't stand."""

    kind: Kind
    sku: str
    plan: str
    others: tuple[str, ...]

    def error(self) -> GraphError:
        """Return how Graph refuses a direct assignment for it."""
        if self.kind == "DependencyViolation":
            return unmet(self.plan, self.others)
        if self.kind == "MutuallyExclusiveViolation":
            return exclusive(self.plan, self.others[0])
        return no_location()


def violations(tenant: Tenant, rows: Iterable[Held], location: str | None) -> list[Violation]:
    """Return every rule that these holdings break, in a fixed order."""
    state = tenant.state
    pairs: list[list[str]] = json.loads(state.setting("exclusive") or "[]")
    prohibited: dict[str, list[str]] = json.loads(state.setting("prohibited") or "{}")
    sure = [each for each in rows if each.error == NONE]
    enabled: dict[str, str] = {}
    add_ons: dict[str, str] = {}
    for each in sure:
        own = product(state, each.sku)
        for plan in () if own is None else own.plans:
            if plan not in each.disabled:
                enabled.setdefault(plan, each.sku)
                if own is not None and own.role not in SUITES:
                    add_ons.setdefault(plan, each.sku)
    needs = dict(NEEDS)
    if tenant.options.checks_credits:
        needs[CREDIT_PLAN] = tuple(sorted(CALLING | CONFERENCING))
    found = [
        Violation("DependencyViolation", sku, plan, needs[plan])
        for plan, sku in add_ons.items()
        if plan in needs and not enabled.keys() & set(needs[plan])
    ]
    for first, second in pairs:
        if first in enabled and second in enabled:
            found.append(Violation("MutuallyExclusiveViolation", enabled[first], first, (second,)))
    found += [
        Violation("ProhibitedInUsageLocationViolation", each.sku, "", ())
        for each in sure
        if location in prohibited.get(each.sku, ())
    ]
    return found
