"""Sending one call: written down before, settled after, tried again while that makes sense.

An error says what to do next. Transient: wait, read back if it may have taken effect, and send what
is left again. About the run: stop; what was refused whole waits as before, what may have taken effect
in part stays in doubt for the next run to read back.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.errors import PersonError, ProvisionerError, RunError, TransientError
from connectors.records import Call, Change, Outcome, PhoneSystem
from provisioner.apply.course import Course, KeepsFailing
from provisioner.apply.doubt import UNSEEN, begun_by, judge
from provisioner.wiring import Stopped

TRIES = 6
WAIT_S, LONGEST_S = 0.5, 300.0
"""The first pause; and the longest that a vendor may ask for before the run ends instead."""

IN_A_ROW = 3
"""So many calls that fail for good, one after the other, and the vendor is down: the run ends."""

STOPPED = "stopped between two calls; `provisioner apply` goes on from here"

_TOGETHER = 500


@dataclass(slots=True)
class Sender:
    """Sends a run's calls; several threads may send side by side.

    `writes` tells how many requests that write the calling thread has sent. `jitter` gives a number
    between two: pauses of calls that failed together end apart.
    """

    phone: PhoneSystem
    course: Course
    sleep: Callable[[float], None]
    writes: Callable[[], int] = lambda: 0
    jitter: Callable[[float, float], float] = random.uniform
    _failures: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def send(self, call: Call) -> None:
        """Send a call's changes that may go; raise RunError or TransientError where the run must end."""
        pending = {change.seq: change for change in self.course.ready(call.changes)}
        sent = frozenset(pending)
        for left in reversed(range(TRIES)):
            if not pending:
                break
            self.course.sending([*pending.values()], call.what)
            returned, written = False, self.writes()
            try:
                self._carry_out(call, pending)
                returned = True
                self._read_back(pending)  # whatever has no outcome, although nothing went wrong
                self._give_up(pending, "the phone system gave no outcome", parks=False)
                self._count(failed=False)
            except TransientError as error:
                # once the call came back, what has no outcome may have taken effect all the same
                doubtful = returned or error.in_doubt or call.requests > 1
                self._after_a_failure(pending, error, left, doubtful=doubtful)
            except Stopped:
                if self.writes() == written:  # it was waiting for its turn
                    self.course.unsent([*pending.values()])
                    raise Stopped(STOPPED) from None
                raise
            except RunError as error:
                if call.requests == 1 and not _may_have_taken_effect(error):
                    self.course.unsent([*pending.values()])
                raise
            except PersonError as error:
                self._give_up(pending, one_line(error), parks=True)
        if sent:
            self.course.count(sent)

    def _carry_out(self, call: Call, pending: dict[int, Change]) -> None:
        """Have it carried out, settling each outcome; what is left in `pending` has none."""
        known: list[tuple[Change, Outcome]] = []
        try:
            changes = [self.course.with_id(change) for change in pending.values()]
            for outcome in self.phone.carry_out(changes):
                change = pending.pop(outcome.seq, None)
                if change is None:
                    continue
                known.append((change, outcome))
                # of one request all outcomes come at once; of several the next one may be lost
                if call.requests > 1 or len(known) >= _TOGETHER:
                    self._settle(known)
        finally:
            self._settle(known)

    def _settle(self, known: list[tuple[Change, Outcome]]) -> None:
        self.course.settle(known)
        known.clear()

    def _after_a_failure(
        self,
        pending: dict[int, Change],
        error: TransientError,
        left: int,
        *,
        doubtful: bool,
    ) -> None:
        """Wait; then drop from `pending` what took effect, or, with no try `left`, everything."""
        if (error.retry_after_s or 0) > LONGEST_S:
            if not doubtful:
                self.course.unsent([*pending.values()])
            raise error
        if left:
            back_off = WAIT_S * 2 ** (TRIES - 1 - left)
            self.sleep((error.retry_after_s or 0) + self.jitter(back_off / 2, back_off))
        if doubtful:
            self._read_back(pending)
        if left or not pending:
            return
        self._give_up(pending, one_line(error), parks=False)
        if self._count(failed=True) >= IN_A_ROW:
            raise KeepsFailing(
                f"{IN_A_ROW} calls in a row failed, the last one so: {error.message}",
                remedy="see that the phone system is up; `provisioner apply` then goes on from here",
            ) from None

    def _read_back(self, pending: dict[int, Change]) -> None:
        """Settle those that took effect after all, or are in conflict; the others stay pending."""
        if not pending:
            return
        changes = [self.course.with_id(change) for change in pending.values()]
        begun = self.course.begun() | begun_by(changes)
        verdict = judge(changes, self.phone, self.course.made, begun, self.sleep, lately=True)
        self._settle(verdict.outcomes)
        self.course.put_off(verdict.unseen, UNSEEN)
        for seq in pending.keys() - {change.seq for change in verdict.undone}:
            del pending[seq]

    def _count(self, *, failed: bool) -> int:
        """Return how many calls have failed in a row by now."""
        with self._counting:
            self._failures = self._failures + 1 if failed else 0
            return self._failures

    def _give_up(self, pending: dict[int, Change], reason: str, *, parks: bool) -> None:
        known = [(change, Outcome(change.seq, "failed", reason)) for change in pending.values()]
        self.course.settle(known, parks=parks)
        pending.clear()


def one_line(error: ProvisionerError) -> str:
    """Return an error as a change's reason."""
    return "; ".join(part for part in (error.message, error.remedy) if part)


def _may_have_taken_effect(error: BaseException) -> bool:
    """Return whether an error came while another one was dealt with that left the call in doubt."""
    before = error.__context__
    while before is not None:
        if isinstance(before, TransientError) and before.in_doubt:
            return True
        before = before.__context__
    return False
