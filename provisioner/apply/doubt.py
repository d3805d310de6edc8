"""Changes in doubt: they were sent, and no answer is on record. The vendor's state tells what is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.records import Change, Outcome, PhoneSystem, fold
from provisioner.apply.fresh import fresh_reads
from provisioner.apply.journal import Journal
from provisioner.apply.standing import standing_of


def settle_doubt(
    changes: Sequence[Change], phone: PhoneSystem, journal: Journal, made: Mapping[str, str]
) -> list[Change]:
    """Read the users of changes in doubt, write down what is so, and return those not done yet.

    What is in neither state is a conflict: it is left for a person, as stale.
    """
    actual = fresh_reads(phone, changes, made)
    again: list[Change] = []
    for change in changes:
        user = actual.get(fold(change.key))
        standing = standing_of(change, user, phone.abilities)
        if standing == "after":
            phone_id = user.id if user is not None else None
            reason = "read back after a lost answer"
            journal.outcome(change, Outcome(change.seq, "done", reason, phone_id))
        elif standing == "neither":
            reason = "its answer was lost, and the user is in neither state: see the phone system"
            journal.moved(change, "stale", reason)
        else:
            journal.moved(change, "planned")
            again.append(change)
    return again
