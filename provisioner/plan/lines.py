"""Where the rules stand that stand in each other's way: file and line, in the reasons of what is held back.

Whoever reads that two rules give one number to two people goes and mends one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

import msgspec

from mappings import Mapping
from provisioner.plan.draft import Draft
from provisioner.plan.model import Plan


def name_lines(drafts: Iterable[Draft], mapping: Mapping) -> None:
    """Add to every reason the lines of the rules that it names, and the draft's own rule if it names none."""
    held = [d for d in drafts if d.state in ("blocked", "waiting") and d.reason is not None]
    places = {rule.name: rule.where.short for rule in mapping.rules if rule.where is not None}
    if not held or not places:
        return
    names = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    named = re.compile(rf"(\()?rule ({names})(?![\w-]| \()")

    # what bears its place already is left as it is

    def with_line(match: re.Match[str]) -> str:
        name, place = match[2], places[match[2]]
        return f"(rule {name}, {place}" if match[1] else f"rule {name} ({place})"

    for draft in held:
        reason = named.sub(with_line, draft.reason or "")
        place = places.get(draft.rule or "")
        if place and draft.state == "blocked" and f"rule {draft.rule}" not in reason:
            reason += f" (rule {draft.rule}, {place})"
        draft.reason = reason


def with_lines(plan: Plan, mapping: Mapping) -> Plan:
    """Return the plan with a base that covers where the rules stand, if a reason names one's line.

    The same base gives the same plan: a comment moves a rule, and with it what the reason says. A plan
    that names no line has the base of what the mapping says, whatever way it is written.
    """
    file = f"{PurePath(mapping.file).name}:"
    if not any(file in (change.reason or "") for change in (*plan.blocked, *plan.waiting)):
        return plan
    base = msgspec.structs.replace(plan.base, mapping=mapping.sha256_with_lines)
    return msgspec.structs.replace(plan, base=base)
