"""What a phone system can carry out of a plan, what only a person can, and what it refuses.

Nothing is dropped: what no interface can do is a manual step with its words, what config or the
vendor's own policies stand against is blocked with that reason, and what a pending user can't have
yet waits for them to accept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from connectors.records import ACTIVATED, Abilities, fold
from provisioner.plan.accounts import NEW
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.satisfied import by_hand
from provisioner.plan.warnings import some

DIRECTLY = "given directly, as what was to give it didn't: "
"""What the consequence begins with of a change that takes the place of what failed elsewhere."""


def keep_to_abilities(drafts: Iterable[Draft], ground: Ground) -> None:
    """Say of each planned draft whether it is manual, blocked or waiting there, and what it says."""
    abilities = ground.abilities
    for draft in drafts:
        sentence = abilities.says.get(draft.kind)
        if sentence and draft.after != ACTIVATED:  # that is about the account, not its phone
            draft.consequences.append(sentence)
        if draft.state == "planned" and draft.kind in abilities.needless:
            draft.state = "needless"
        if draft.state != "planned":
            continue
        if (failed := said_of(draft, "failed")) is not None:
            draft.consequences.append(f"{DIRECTLY}{failed}")
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


def failed_elsewhere(drafts: Iterable[Draft]) -> Iterator[str]:
    """Yield a sentence, with names, on everything that was to come from elsewhere and didn't."""
    lacking: dict[str, set[str]] = {}
    for draft in drafts:
        if draft.state != "needless" and (failed := said_of(draft, "failed")) is not None:
            lacking.setdefault(failed, set()).add(draft.user)
    for failed, users in sorted(lacking.items()):
        yield f"{some(sorted(users))}: {failed}"


def said_of(draft: Draft, what: str) -> str | None:
    """Return what is said of a draft's change in its phone user's `blocks` or `failed`."""
    actual = draft.case.actual
    said = None if actual is None or actual.id != draft.id else actual.vendor.get(what)
    if not isinstance(said, dict):
        return None
    found = said.get(draft.kind) or said.get(f"{draft.kind}={fold(str(draft.after))}")
    return None if found is None else str(found)


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
        if (why := said_of(draft, "blocks")) is not None:
            return why
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
