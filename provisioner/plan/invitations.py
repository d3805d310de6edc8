"""Invitations that nobody accepts: sent again after a while, and no more than so many times.

Nobody's interface tells when somebody was invited. So the first accepted plan that sees them pending is
remembered as the moment, and the first one after each reminder anew; what is remembered of somebody who
accepted is dropped, because they may be invited once more in years to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from connectors.records import Value
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground
from provisioner.reminders import INVITATION, Invited, invited


def invitation_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield the invitation that is sent again, to somebody who hasn't accepted for long enough."""
    actual, abilities = case.actual, ground.abilities
    known = _overdue(case, ground)
    if actual is None or known is None or known.sent >= abilities.resend_max:
        return
    draft = Draft("welcome.resend", case, None, actual.user, None, "safe")
    draft.consequences.append(
        f"the invitation mail is sent again: reminder {known.sent + 1} of {abilities.resend_max}"
    )
    yield draft


def noted(case: Case, ground: Ground) -> Iterator[tuple[tuple[str, str], Value]]:
    """Yield what a plan learns of somebody's invitation: when it is first seen, that it is over."""
    if ground.abilities.resend_after is None or case.actual is None:
        return
    at = (case.key, INVITATION)
    remembered = ground.memory.applied.get(at)
    known = invited(remembered)
    if case.actual.status != "pending":
        if remembered is not None:
            yield at, None
    elif known.since is None:
        yield at, {"sent": str(known.sent), "since": ground.now.isoformat()}


def never_accepted(cases: Iterable[Case], ground: Ground) -> list[str]:
    """Return who hasn't accepted although every reminder was sent, and has had time since."""
    most = ground.abilities.resend_max
    return sorted(
        case.actual.user
        for case in cases
        if case.actual is not None
        and (known := _overdue(case, ground)) is not None
        and known.sent >= most
    )


def _overdue(case: Case, ground: Ground) -> Invited | None:
    """Return how it stands with an invitation whose last mail is out for long enough."""
    after: timedelta | None = ground.abilities.resend_after
    if after is None or case.actual is None or case.actual.status != "pending":
        return None
    known = invited(ground.memory.applied.get((case.key, INVITATION)))
    return known if known.since is not None and known.since + after <= ground.as_of else None
