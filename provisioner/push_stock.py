"""What the plans for pushes may still give, and what they are about to change: shared by those under way.

Several are carried out side by side, so what one has claimed and not written yet is neither in the
vendor's figures nor among what was done. Here it counts as given, and as changed: no seat or number is
given twice, and the guard's limits are over all of them together.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy import Engine

from connectors.records import Catalog, Change, PhoneSystem, Seats, fold
from provisioner.config import Approval
from provisioner.plan.content import REMOVALS, is_named
from provisioner.plan.model import Plan
from provisioner.store import changes as change_store
from provisioner.store.database import reading


class Stock:
    """What one sync's phone system has to give, less what plans have claimed; for any thread.

    Its numbers, a long list, are read when a push first wishes one.
    """

    def __init__(self) -> None:
        self.catalog = Catalog()
        """To be read by who is `alone` with it; before that it may be outdated in what is left."""
        self._lock = threading.RLock()
        self._asking = threading.Lock()
        self._source: tuple[Engine, PhoneSystem] | None = None
        self._has_numbers = False
        self._freed = False  # something may have come free that the catalog doesn't know of
        self._plans: list[Plan] = []
        self._lately: list[Plan] | None = None  # claimed while the phone system is being asked

    @contextmanager
    def alone(self, *, numbers: bool) -> Iterator[None]:
        """Keep others from claiming anything until this plan is drawn up and has claimed its own.

        `numbers`: the catalog has the phone system's numbers, too. Raises what reading that raises.
        """
        while True:
            if numbers:
                with self._asking:
                    if not self._has_numbers:
                        self._ask(numbers=True)
            with self._lock:
                if self._has_numbers or not numbers:
                    yield
                    return

    def renew(self, engine: Engine, phone: PhoneSystem) -> None:
        """Ask the phone system anew what it has to give; what isn't written yet stays claimed."""
        with self._asking:
            self._source = engine, phone
            self._ask(numbers=False)

    def ask_again(self) -> None:
        """Ask the phone system anew, because somebody comes short of what others have given back."""
        with self._asking:
            if self._freed:  # nobody else has asked meanwhile
                self._ask(numbers=False)

    def _ask(self, *, numbers: bool) -> None:
        """Others go on meanwhile: a list of numbers is long."""
        assert self._source is not None
        engine, phone = self._source
        with self._lock:
            self._freed = False
            plans, lately = list(self._plans), list[Plan]()
            self._lately = lately
        try:
            claimed = [change for plan in plans for change in _unwritten(engine, plan)]
            catalog = phone.catalog(numbers=numbers)
            with self._lock:
                claimed += [change for plan in lately for change in plan.changes]
                self.catalog, self._has_numbers = spent(catalog, claimed), numbers
        finally:
            self._lately = None

    def claim(self, plan: Plan) -> None:
        """Count what a recorded plan gives as given. To be called by who is `alone`."""
        self._plans.append(plan)
        if self._lately is not None:
            self._lately.append(plan)
        self.catalog = spent(self.catalog, plan.changes)

    def end(self, plan: Plan) -> None:
        """Note that a plan is carried out, as far as it goes: the store knows what it has changed."""
        with self._lock:
            self._plans = [each for each in self._plans if each is not plan]
            self._freed = self._freed or any(map(_frees, plan.changes))

    def comes_short(self, plan: Plan) -> bool:
        """Return whether somebody comes short in a plan who may not, once the phone system is asked anew."""
        return self._freed and any(each.kind in _CLAIMS for each in plan.blocked)

    def under_way(self) -> bool:
        """Return whether a plan is being carried out."""
        return bool(self._plans)

    def changing(self, approval: Approval) -> set[tuple[str, str]]:
        """Return what plans under way carry out without being asked again: (kind, folded key)."""
        with self._lock:
            return {
                (change.kind, fold(change.key))
                for plan in self._plans
                for change in plan.changes
                if _goes(change, approval)
            }


_CLAIMS = frozenset({"license.assign", "package.assign", "credit.assign", "number.assign"})


def _frees(change: Change) -> bool:
    """Return whether a change may give a seat or a number back."""
    return change.kind in REMOVALS or (change.kind in _CLAIMS and change.before is not None)


def _goes(change: Change, approval: Approval) -> bool:
    if change.state == "planned":
        needs_two = is_named(change, approval.second)
        return is_named(change, approval.automatic) and not needs_two
    return change.state == "approved"


def _unwritten(engine: Engine, plan: Plan) -> list[Change]:
    """Return those changes of a plan under way whose answer isn't on record yet."""
    with reading(engine) as connection:
        done = change_store.ended(connection, plan)
    return [change for change in plan.changes if change.seq not in done]


def spent(catalog: Catalog, changes: Iterable[Change]) -> Catalog:
    """Return the catalog as it is when these changes are done: fewer seats, and numbers that are taken.

    What comes free isn't counted: it is seen when the vendor is asked again, as it is when somebody
    comes short.
    """
    taken: Counter[tuple[str, str]] = Counter()
    numbers: set[str] = set()
    for change in changes:
        if change.kind in ("license.assign", "package.assign"):
            taken[change.kind.partition(".")[0], fold(str(change.after))] += 1
        elif change.kind == "number.assign":
            numbers.add(str(change.after))
    return msgspec.structs.replace(
        catalog,
        licenses=_fewer(catalog.licenses, "license", taken),
        packages=_fewer(catalog.packages, "package", taken),
        numbers=catalog.numbers and tuple(n for n in catalog.numbers if n[0] not in numbers),
    )


def _fewer(
    seats: dict[str, Seats] | None, family: str, taken: Counter[tuple[str, str]]
) -> dict[str, Seats] | None:
    if seats is None:
        return None
    return {
        name: seat
        if seat.used is None
        else Seats(seat.total, seat.used + taken[family, fold(name)])
        for name, seat in seats.items()
    }
