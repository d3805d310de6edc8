"""What a phone system has already settled, hasn't yet, or leaves to a person, so that no call is made.

Some wishes are satisfied without a change, by how the account pays for calls say. What was given and
isn't effective yet keeps a direct number waiting. What comes from elsewhere (a group's license) no call
can take away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from connectors.records import Abilities
from provisioner.plan.draft import Draft

_HELD_AS = {"license.remove": "license", "credit.remove": "credits", "license.assign": "license"}
"""What a change takes away, by the kind, as `PhoneUser.by_hand` has it; a package goes by its name."""


def needless(drafts: Iterable[Draft], abilities: Abilities) -> Iterator[str]:
    """Yield a sentence for each kind of change that is asked for and that nobody needs here."""
    asked = Counter(draft.kind for draft in drafts if draft.state == "needless")
    for kind, count in sorted(asked.items()):
        people = "1 person" if count == 1 else f"{count} people"
        yield f"{kind} for {people} is left out: {abilities.needless[kind]}"


def by_hand(draft: Draft) -> str | None:
    """Return the step in words where only a person can take what a draft takes, else None."""
    actual = draft.case.actual
    if actual is None or draft.id != actual.id or draft.before in (None, False):
        return None
    name = str(draft.before) if draft.kind.startswith("package.") else _HELD_AS.get(draft.kind)
    step = None if name is None else actual.by_hand.get(name)
    return None if step is None else step.replace("{user}", draft.user)


def wait_for_settling(drafts: Iterable[Draft]) -> None:
    """Let a direct number wait until the license or package that it rests on is effective."""
    for draft in drafts:
        actual = draft.case.actual
        if draft.kind == "number.assign" and draft.state == "planned" and actual is not None:
            names = ", ".join(actual.settling)
            if names:
                draft.wait(
                    f"{names} was given to {draft.user} and is not effective yet: that may take a day;"
                    " every plan looks again"
                )
