"""What a phone system can carry out of a plan, what only a person can, and what it refuses.

Nothing is dropped: what no interface can do is a manual step with its words, what config or the
vendor's own policies stand against is blocked with that reason, and what a pending user can't have
yet waits for them to accept.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from connectors.records import Abilities, fold
from provisioner.plan.accounts import NEW
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.satisfied import by_hand


def keep_to_abilities(drafts: Iterable[Draft], ground: Ground) -> None:
    """Say of each planned draft whether it is manual, blocked or waiting there, and what it says."""
    abilities = ground.abilities
    for draft in drafts:
        if sentence := abilities.says.get(draft.kind):
            draft.consequences.append(sentence)
        if draft.state == "planned" and draft.kind in abilities.needless:
            draft.state = "needless"
        if draft.state != "planned":
            continue
        reason = _blocked(draft, abilities)
        if reason is not None:
            draft.block(reason)
        elif (step := by_hand(draft)) is not None:
            draft.state, draft.reason = "manual", step
        elif draft.kind in abilities.manual:
            draft.state = "manual"
            draft.reason = _steps(draft, ground)
        elif draft.kind not in abilities.kinds:
            draft.block(f"this phone system can't do {draft.kind}")
        elif since := _pending(draft, abilities):
            draft.wait(f"{draft.user} {since}: planned again when they accept")


def _pending(draft: Draft, abilities: Abilities) -> str | None:
    """Return since when somebody has an invitation that keeps the draft waiting; None if none does."""
    actual = draft.case.actual
    if draft.kind in (*abilities.pending, "user.invite"):
        return None
    if actual is None:
        return "is invited in this plan" if abilities.joiner == "user.invite" else None
    return "has not accepted the invitation yet" if actual.status == "pending" else None


def _blocked(draft: Draft, abilities: Abilities) -> str | None:
    """Return why config, the user's policies or the account's mail domains stand against a draft."""
    if reason := abilities.refuses.get(draft.kind):
        return reason
    actual = draft.case.actual
    if actual is not None and actual.id == draft.id:
        blocks = actual.vendor.get("blocks")
        if isinstance(blocks, dict) and draft.kind in blocks:
            return str(blocks[draft.kind])
        if actual.kind != "person" and draft.kind not in abilities.places.get(actual.kind, ()):
            return f"this phone system can't do {draft.kind} for a {actual.kind.replace('_', ' ')}"
    if draft.kind in NEW and abilities.domains is not None and isinstance(draft.after, str):
        domain = fold(draft.after.rpartition("@")[2])
        if domain not in abilities.domains:
            managed = ", ".join(sorted(abilities.domains)) or "none"
            return (
                f"an account like this can only be made in a managed domain, and {domain} is none of"
                f" them (managed: {managed})"
            )
    return None


def _steps(draft: Draft, ground: Ground) -> str:
    """Return the steps of a manual draft in words, with its names and dates filled in."""
    until = (ground.as_of + timedelta(days=ground.abilities.retention_days)).date().isoformat()
    steps = ground.abilities.manual[draft.kind]
    for name, value in (
        ("user", draft.user),
        ("before", draft.before),
        ("after", draft.after),
        ("until", until),
    ):
        steps = steps.replace("{" + name + "}", str(value))
    return steps
