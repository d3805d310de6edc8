"""Rejected changes hold nothing: their claims take no seat, and what they would free stays used.

They stay in the plan, for whoever takes them up again, and so does what needs them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from provisioner.plan.draft import Draft
from provisioner.plan.ordering import has_another


def set_idle(drafts: Iterable[Draft], rejected: Callable[[Draft], bool]) -> None:
    """Mark the drafts that were rejected, and those that can't be carried out without them, as idle."""
    drafts = list(drafts)
    queue = [d for d in drafts if d.state in ("planned", "manual") and (d.idle or rejected(d))]
    if not queue:
        return
    dependents: dict[int, list[Draft]] = defaultdict(list)
    packages: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.kind.startswith("package."):
            packages[id(draft.case)].append(draft)
        for need in draft.needs:
            dependents[id(need)].append(draft)
    for draft in queue:
        draft.idle = True
    while queue:
        source = queue.pop()
        others = [draft for draft in packages[id(source.case)] if not draft.idle]
        for draft in dependents[id(source)]:
            if not draft.idle and not has_another(source, draft, others):
                draft.idle = True
                queue.append(draft)
