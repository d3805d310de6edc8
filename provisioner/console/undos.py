"""Undos while they are planned: the phone system is read for one, which may take longer than anybody waits.

Each is an errand (errands.py). Whoever asks may wait for its plan, or look at the run that is taken back: what came
of that is remembered until the process ends.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from connectors.errors import RunError
from provisioner.console.errands import Begun, Errands

MOST = 100
"""Runs of whose undo it is remembered what came of it."""


class Undos:
    """The undos that were asked for in one process."""

    def __init__(self) -> None:
        self._plans: OrderedDict[str, Future[str]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, run: str) -> Future[str] | None:
        """Return the id of the plan that takes a run back, there when it is made; None if nobody asked."""
        with self._lock:
            return self._plans.get(run)

    def begin(self, errands: Errands, run: str, work: Callable[[], str]) -> Future[str]:
        """Have `work` plan the undo of a run, and return its result: the plan's id, or what it raised.

        Raises RunError while another one is being planned, and where no errand can be begun.
        """
        plan: Future[str] = Future()

        def carry_out(begun: Begun) -> None:
            begun(run)
            try:
                plan.set_result(work())
            except RunError as error:  # an answer like any other
                plan.set_exception(error)
            except BaseException as error:
                plan.set_exception(error)
                raise

        with self._lock:
            if not all(each.done() for each in self._plans.values()):
                raise RunError("another undo is being planned", remedy="wait for it, and ask again")
            errands.run(f"undo of run {run}", carry_out)
            self._plans[run] = plan
            self._plans.move_to_end(run)
            if len(self._plans) > MOST:
                self._plans.popitem(last=False)
        return plan
