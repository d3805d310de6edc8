"""Changes carried out: each call sent, each change's outcome told as soon as its call returns.

Whoever fails is left alone for the rest of the run, and so is what needs the change that failed;
everybody else goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from connectors.errors import PersonError
from connectors.phone.zoom import accounts, batch, calls, phone_users, place_calls, places
from connectors.phone.zoom.answers import Refused
from connectors.phone.zoom.desk import Desk, failed
from connectors.records import Call, Change, Outcome

Handler = Callable[[Desk, tuple[Change, ...]], Iterator[Outcome]]

HANDLERS: dict[str, Handler] = {
    calls.CREATE: accounts.create,
    calls.UPDATE: accounts.update,
    calls.EMAIL: accounts.update,
    calls.STATUS: accounts.set_status,
    calls.DELETE: accounts.delete,
    calls.ADD_PEOPLE: batch.add_people,
    calls.CHANGE_PEOPLE: batch.change_people,
    calls.PHONE: phone_users.set_up,
    calls.ADD_PLANS: phone_users.add_plans,
    calls.SWAP_PLAN: phone_users.swap_plan,
    calls.REMOVE_PLAN: phone_users.remove_plan,
    calls.ADD_NUMBERS: phone_users.add_numbers,
    calls.REMOVE_NUMBER: phone_users.remove_number,
    calls.ADD_DELEGATE: phone_users.add_delegate,
    calls.SET_PRIVILEGES: phone_users.set_privileges,
    calls.REMOVE_DELEGATE: phone_users.remove_delegate,
    place_calls.TEMPLATE: places.apply_template,
}
PLACES: dict[str, Handler] = {
    "set_up": places.set_up,
    "add_plans": places.add_plans,
    "swap_plan": places.swap_plan,
    "remove_plan": places.remove_plan,
    "add_numbers": places.add_numbers,
    "swap_number": places.add_numbers,
    "remove_number": places.remove_number,
}
HANDLERS |= {
    place_calls.operation(kind, step): handler
    for kind in place_calls.CAN
    for step, handler in PLACES.items()
}


LEFT = "left, because an earlier change failed"


def carry_out(desk: Desk, changes: Iterable[Change]) -> Iterator[Outcome]:
    """Yield an Outcome for each change but the manual ones, as its call returns.

    A change whose person, or whose need, has failed in this run is `skipped`. Raises
    TransientError where the rest must be sent again, RunError where nothing can succeed.
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
            for outcome, change in _perform(desk, smaller):
                if outcome.state not in ("done", "settling"):
                    people.add(change.key)
                    needs.add(change.seq)
                yield outcome


def _perform(desk: Desk, call: Call) -> Iterator[tuple[Outcome, Change]]:
    """Yield the outcomes of one call with their changes; whatever has none when it fails has failed."""
    changes = {change.seq: change for change in call.changes}
    try:
        for outcome in HANDLERS[call.what](desk, call.changes):
            yield outcome, changes.pop(outcome.seq)
    except PersonError as error:
        if isinstance(error, Refused) and (later := desk.not_yet(error, call.changes[0])):
            raise later from None
        for outcome in failed(changes.values(), error):
            yield outcome, changes[outcome.seq]
        return
    for change in changes.values():  # the first of them went another way, and told why
        yield Outcome(change.seq, "skipped", LEFT), change
