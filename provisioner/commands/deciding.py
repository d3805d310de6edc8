"""`provisioner approve` and `reject`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provisioner import who
from provisioner.commands.plans import plan_id, say, site_of
from provisioner.deciding import decide
from provisioner.store.decisions import Decision


def run_decide(
    config: Path,
    given: str,
    decision: Decision,
    by: str | None,
    only: Sequence[str] = (),
    *,
    with_needs: bool = False,
) -> int:
    """Record an operator's decision about a plan, or about what `only` means in it, and say so."""
    site = site_of(config)
    by = who.named(by)
    chosen = plan_id(site, given)
    say(decide(site, chosen, decision, by, only, with_needs=with_needs))
    return 0
