"""Figures of plans that are counted once, and again only when something has happened to a plan.

Whatever moves on in a plan is in the audit, in the same transaction (store/audit.py); so what the audit
has of a plan since it was counted tells whether its figures still hold, whoever wrote it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

from sqlalchemy import Connection

from provisioner.store import audit

MOST = 2_000
"""Plans whose figures are kept."""

T = TypeVar("T")


class Kept(Generic[T]):
    """Gives by plan's number what `count` counts, from memory where that still holds."""

    def __init__(self, count: Callable[[Connection, Collection[int]], Mapping[int, T]]) -> None:
        self._count = count
        self._known: OrderedDict[int, T] = OrderedDict()
        self._entries = 0
        self._lock = threading.Lock()

    def of(self, connection: Connection, numbers: Collection[int]) -> dict[int, T]:
        """Return the figures of these plans, as the connection's transaction sees them."""
        with self._lock:
            end = audit.head(connection)
            if end is None or end.entries < self._entries:
                # somebody who looks later has come first: what is kept is newer than this
                return dict(self._count(connection, numbers))
            for number in audit.plans_since(connection, self._entries) if self._known else ():
                self._known.pop(number, None)
            self._entries = end.entries
            missing = [number for number in numbers if number not in self._known]
            if missing:
                self._known.update(self._count(connection, missing))
            found = {number: self._known[number] for number in numbers}
            for number in numbers:
                self._known.move_to_end(number)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
            return found
