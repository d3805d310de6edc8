"""Which pushes are being carried out just now: batches of marks, side by side where one takes long.

A batch that takes long is overtaken: whoever is pushed meanwhile is planned for at once. Only somebody
whom both are about waits: until the older batch has its plan on record, because the newer plan is to be
the newer one, and then for as long as that one holds them (provisioner/store/locks.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from provisioner.store.scim_dirty import Marks, names_of

SIDE_BY_SIDE = 4
"""Batches of one sync that are carried out at the same time."""

LONG_S = 0.5
"""When a batch has taken so long, the next one no longer waits for it: many small ones are quicker together."""


@dataclass(frozen=True, slots=True)
class _Rest:
    """Marks that are left for a while: until a moment, and until other batches have ended."""

    numbers: frozenset[int]
    until: float
    behind: frozenset[int] = frozenset()


@dataclass(eq=False, slots=True)
class Batch:
    """Marks that are carried out together. `began` as the clock has it; `tries`: earlier ones, of any mark."""

    marks: Marks
    number: int
    began: float
    tries: int
    names: frozenset[str]
    planning: bool = True


@dataclass(slots=True)
class Batches:
    """The batches of one sync that are under way, and the marks that rest; for any thread.

    `clock` gives seconds.
    """

    clock: Callable[[], float]
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _under_way: list[Batch] = field(default_factory=list)
    _rests: list[_Rest] = field(default_factory=list)
    _tries: dict[int, int] = field(default_factory=dict)
    _count: int = 0

    def has_room(self) -> bool:
        """Return whether another batch may begin: none has just done so, and there are few."""
        now = self.clock()
        with self._changed:
            begun = [batch.began for batch in self._under_way]
        return len(begun) < SIDE_BY_SIDE and all(now >= began + LONG_S for began in begun)

    def taken(self, *, resting: bool = True) -> frozenset[int]:
        """Return the numbers of marks that nobody else may take now, those that rest among them."""
        now = self.clock()
        with self._changed:
            numbers = [batch.marks.numbers for batch in self._under_way]
            under_way = {batch.number for batch in self._under_way}
            self._rests = [r for r in self._rests if now < r.until or r.behind & under_way]
            rests = [rest.numbers for rest in self._rests] if resting else []
        return frozenset[int]().union(*numbers, *rests)

    def planned_for(self) -> frozenset[str]:
        """Return by what those are known (ids and folded externalIds) for whom a plan is being made."""
        with self._changed:
            planning = [batch.names for batch in self._under_way if batch.planning]
        return frozenset[str]().union(*planning)

    def untried(self, marks: Marks) -> frozenset[str]:
        """Return whose marks, by user's id, have one among them that was in no batch before that failed."""
        with self._changed:
            pairs = zip(marks.numbers, marks.users, strict=True)
            return frozenset(user for number, user in pairs if number not in self._tries)

    def begin(self, marks: Marks) -> Batch:
        """Begin a batch, for whom nobody else plans."""
        names = frozenset(name for each in marks.people for name in names_of(*each))
        with self._changed:
            self._count += 1
            tries = max((self._tries.get(number, 0) for number in marks.numbers), default=0)
            batch = Batch(marks, self._count, self.clock(), tries, names)
            self._under_way.append(batch)
        return batch

    def planned(self, batch: Batch) -> None:
        """Note that a batch's plan is on record: a newer batch may be about the same people now."""
        with self._changed:
            batch.planning = False

    def rest(
        self, batch: Batch, marks: Collection[int], pause_s: float, *, counts: bool, behind: bool
    ) -> None:
        """Have some of a batch's marks taken again after a pause; with `counts` that is a try.

        `behind`: and not before those have ended that are under way now.
        """
        if not marks:
            return
        with self._changed:
            others = frozenset(b.number for b in self._under_way if behind and b is not batch)
            self._rests.append(_Rest(frozenset(marks), self.clock() + pause_s, others))
            if counts:
                self._tries.update(dict.fromkeys(marks, batch.tries + 1))

    def end(self, batch: Batch, left: Collection[int]) -> None:
        """End a batch; of its marks those are `left` that are still in the store."""
        with self._changed:
            self._under_way.remove(batch)
            for number in batch.marks.numbers:
                if number not in left:
                    self._tries.pop(number, None)
            self._changed.notify_all()

    def wait(self) -> None:
        """Return when no batch is under way."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way)
