"""Changes in doubt: they were sent, and no answer is on record. The vendor's state tells what is so.

What took effect may show late, so it is looked for a few times before it counts as not done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.records import Abilities, Change, Outcome, PhoneSystem, PhoneUser, fold
from provisioner.apply.fresh import MAKES, fresh_reads
from provisioner.apply.standing import Standing, standing_of

LOOK_AGAIN_S = (0.5, 1.0, 2.0)
"""Pauses before looking again for what may have taken effect."""

UNSEEN = "the account that was made for them doesn't show yet: apply again in a while"

_TOGETHER = ("site.set", "extension.set")
"""What a template is sent with, in one request, wherever it can't be read itself."""


@dataclass(slots=True)
class Verdict:
    """What became of changes in doubt: their outcomes, and those that were not done.

    `unseen` stay in doubt: the account that was just made for them doesn't show yet.
    """

    outcomes: list[tuple[Change, Outcome]] = field(default_factory=list)
    undone: list[Change] = field(default_factory=list)
    unseen: list[Change] = field(default_factory=list)


def begun_by(changes: Iterable[Change]) -> frozenset[str]:
    """Return the folded keys of those to whom these changes give an account or a first license."""
    return frozenset(
        fold(change.key)
        for change in changes
        if change.kind in MAKES or (change.kind == "license.assign" and change.before is None)
    )


def judge(
    changes: Sequence[Change],
    phone: PhoneSystem,
    made: Mapping[str, str],
    begun: Collection[str],
    sleep: Callable[[float], None],
    *,
    lately: bool,
) -> Verdict:
    """Read the users of changes in doubt, and tell what is so.

    What is in neither state is a conflict: stale, for a person to look at. What can't be read was
    not done, for all that is known: sending it again does no harm. `lately`: they were sent a
    moment ago, so that what they did may not show yet.
    """
    standings = _standings(changes, fresh_reads(phone, changes, made), phone.abilities, begun)

    def hidden(change: Change) -> bool:
        return standings[change.seq][1] is None and fold(change.key) in made

    def late(change: Change) -> bool:
        return hidden(change) or standings[change.seq][0] == "before"

    for pause in LOOK_AGAIN_S if lately else ():
        missing = [change for change in changes if late(change)]
        if not missing:
            break
        sleep(pause)
        actual = fresh_reads(phone, missing, made)
        standings |= _standings(missing, actual, phone.abilities, begun)
    verdict = Verdict()
    for change in changes:
        standing, phone_id = standings[change.seq]
        if hidden(change) and change.kind not in MAKES:
            verdict.unseen.append(change)
            continue
        if standing == "unknown":
            standing = _with(change, changes, standings)
        if standing == "after":
            made_id = phone_id if change.kind in MAKES else None
            outcome = Outcome(change.seq, "done", "read back after a lost answer", made_id)
            verdict.outcomes.append((change, outcome))
        elif standing == "neither":
            reason = "its answer was lost, and the user is in neither state: see the phone system"
            verdict.outcomes.append((change, Outcome(change.seq, "stale", reason)))
        else:
            verdict.undone.append(change)
    return verdict


def _standings(
    changes: Sequence[Change],
    actual: Mapping[str, PhoneUser],
    abilities: Abilities,
    begun: Collection[str],
) -> dict[int, tuple[Standing, str | None]]:
    found: dict[int, tuple[Standing, str | None]] = {}
    making = {fold(change.key) for change in changes if change.kind in MAKES}
    for change in changes:
        key = fold(change.key)
        user = actual.get(key)
        standing = standing_of(change, user, abilities, begun=key in begun)
        if user is None and key in making:
            standing = "before"  # sent together with the account, and nobody is there
        found[change.seq] = (standing, None if user is None else user.id)
    return found


def _with(
    change: Change,
    changes: Sequence[Change],
    standings: Mapping[int, tuple[Standing, str | None]],
) -> Standing:
    """Return where a template stands that can't be read: with the settings that it was sent with."""
    if change.kind != "template.apply":
        return "before"
    key = fold(change.key)
    beside = [c for c in changes if c.kind in _TOGETHER and fold(c.key) == key]
    done = beside and all(standings[c.seq][0] == "after" for c in beside)
    return "after" if done else "before"
