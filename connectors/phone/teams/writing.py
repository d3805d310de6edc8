"""Changes carried out: each call sent, each change's outcome told as soon as it is known.

Whoever fails is left alone for the rest of the run, and so is what needs the change that failed;
everybody else goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from connectors.errors import PersonError
from connectors.phone.teams import accounts, calls, granting, licenses, numbers
from connectors.phone.teams.desk import Desk, failed
from connectors.records import Call, Change, Outcome

Handler = Callable[[Desk, tuple[Change, ...]], Iterator[Outcome]]

HANDLERS: dict[str, Handler] = {
    calls.RESTORE: accounts.restore,
    calls.CREATE: accounts.create,
    calls.ACCOUNTS: accounts.sign_in,
    calls.PROFILES: accounts.update,
    calls.UNASSIGN: numbers.release,
    calls.LICENSES: licenses.assign,
    calls.POLICIES: granting.apply,
    calls.ASSIGN: numbers.assign,
    calls.PLACE: numbers.place,
    calls.BLOCK: accounts.sign_in,
    calls.DELETE: accounts.delete,
    calls.PURGE: accounts.purge,
}
LEFT = "left, because an earlier change failed"
GOES_ON = ("done", "settling", "planned")


def carry_out(desk: Desk, changes: Iterable[Change]) -> Iterator[Outcome]:
    """Yield an Outcome for each change but the manual ones, as it is known.

    A change whose person, or whose need, has failed here is `skipped`. Raises TransientError where the
    rest must be sent again, RunError where nothing can succeed.
    """
    people: set[str] = set()
    needs: set[int] = set()
    for call in calls.group(changes):
        people.update(c.key for c in call.changes if needs.intersection(c.needs))
        left = [change for change in call.changes if change.key in people]
        for change in left:
            needs.add(change.seq)
            yield Outcome(change.seq, "skipped", LEFT)
        ready = [c for c in call.changes if c.key not in people]
        for smaller in [call] if not left else calls.group(ready):
            of_seq = {change.seq: change for change in smaller.changes}
            for outcome in _perform(desk, smaller):
                if outcome.state not in GOES_ON:
                    people.add(of_seq[outcome.seq].key)
                    needs.add(outcome.seq)
                yield outcome


def _perform(desk: Desk, call: Call) -> Iterator[Outcome]:
    """Yield the outcomes of one call; whatever has none when it fails has failed."""
    left = {change.seq: change for change in call.changes}
    try:
        for outcome in HANDLERS[call.what](desk, call.changes):
            left.pop(outcome.seq, None)
            yield outcome
    except PersonError as error:
        yield from failed(left.values(), error)
