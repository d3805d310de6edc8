"""Which plans on record can be decided about and carried out: not those that only show something, or are of others."""

from __future__ import annotations

from connectors.errors import RunError
from provisioner.config import Config
from provisioner.plan.model import Plan
from provisioner.planning import PREVIEW


def refuse_unless_actable(config: Config, plan: Plan, what: str) -> None:
    """Raise RunError for a plan that can't be `what`: approved, rejected or applied."""
    if plan.scope == PREVIEW:
        raise RunError(
            f"plan {plan.id} only shows another mapping or another day; it can't be {what}",
            remedy="make one without --mapping and without a future --as-of",
        )
    if plan.sync not in config.syncs:
        raise RunError(
            f"plan {plan.id} is of sync {plan.sync!r}, which the config doesn't have",
            remedy="give -c the config that the plan was made with",
        )
