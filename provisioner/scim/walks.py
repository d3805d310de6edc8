"""Where clients that walk through a list by index have come to, so that nobody is passed over.

A `startIndex` says how many come before, and that changes when somebody who was read already goes:
who stood at 101 stands at 100 then, and the next page would begin behind them (RFC 7644 section 3.4.2.4
lets it). So the place that a page ended at is remembered for a client and a list, and the page that
goes on from there does so from the place, as a cursor's does. A walk that doesn't go on where its last
page ended, or not within ten minutes, is taken by its numbers.

Walks of one list by one client at the same time can't be told apart: all ask for 101. So all the places that
pages ended at before 101 are remembered, and whoever asks goes on from the first of them: somebody may be
met twice, nobody is passed over. Each page that is answered adds one walk that waits at the next index,
each that is asked for takes one away: once a walk ends and none waits anywhere, all is forgotten, so that
walks one after the other meet nobody twice.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Engine

from provisioner.logs import logger
from provisioner.store import scim_walks as rows
from provisioner.store.database import StoreError
from provisioner.store.direct import Direct, Session
from provisioner.store.scim_walks import Leaving, Moment, Reached

REMEMBERED_S = 600

_TIDIED_S = 60

Place = list[Any]
"""A place in a list, as in a cursor (query.py)."""

_T = TypeVar("_T")


def open_walks(store: Engine, clock: Callable[[], float] = time.time) -> Walks | None:
    """Return the walks of all clients of all receivers of a store, None for a store in memory.

    `clock` gives seconds since 1970. A file that can't be opened is told of, and there are none.
    """
    if store.dialect.name == "postgresql":
        return Walks(None, clock)
    try:
        file = rows.open_file(store)
    except StoreError as error:
        logger().warning("http.walks_not_remembered", exc_info=error)
        return None
    return Walks(file, clock) if file else None


class Walks:
    """The walks of all clients. `file`: where they are kept beside the store; None: in the store."""

    def __init__(self, file: Direct | None, clock: Callable[[], float]) -> None:
        self._file, self._clock = file, clock
        self._tidied = clock()

    def of(self, client: str, sync: str) -> Client:
        """Return what a client's walks through a sync's lists are known by."""
        return Client(self, f"{client}\n{sync}")

    def moment(self) -> Moment:
        """Return the present, and how long a place is remembered."""
        return Moment(int(self._clock()), REMEMBERED_S)

    def read(self, session: Session, work: Callable[[Session], _T]) -> _T | None:
        """Return what `work` reads in what the walks are kept in; `session` is one of the store.

        A file that fails holds nobody up: walks go by their numbers.
        """
        return work(session) if self._file is None else self._told(self._file.read, work)

    def write(self, session: Session, work: Callable[[Session], None]) -> None:
        """Have `work` write there. Whoever writes to the file waits in a queue (store/turns.py)."""
        if self._file is None:
            work(session)
        else:
            self._told(self._file.write, work)

    def _told(
        self, do: Callable[[Callable[[Session], _T]], _T], work: Callable[[Session], _T]
    ) -> _T | None:
        try:
            return do(work)
        except StoreError as error:
            logger().warning("http.walks_not_remembered", exc_info=error)
            return None

    def tidy(self, session: Session, moment: Moment) -> None:
        """Forget what no longer counts, once a minute."""
        if not 0 <= moment.now - self._tidied < _TIDIED_S:
            self._tidied = moment.now
            rows.forget_old(session, moment)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


class Client(NamedTuple):
    """One client's walks through one sync's lists."""

    walks: Walks
    name: str

    def walk(self, session: Session, query: str, *, descending: bool = False) -> Walk:
        """Return its walks through one list, for one page; `descending`: so are the places' sort keys."""
        return Walk(self.walks, session, f"{self.name}\n{query}", descending)


class Walk:
    """Walks through one list, while one page of it is answered: `begun`, then `reached` or `ended`."""

    def __init__(self, walks: Walks, session: Session, name: str, descending: bool) -> None:
        self._walks, self._session, self._descending = walks, session, descending
        self._key = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
        self._moment = walks.moment()
        self._start = 1
        self._found: Sequence[Reached] = ()

    def begun(self, start: int) -> Place | None:
        """Return the place after which the page at `start` begins; None if no walk has come to it."""

        def work(session: Session) -> list[Reached]:
            return rows.reached_at(session, self._key, start, self._moment)

        self._start, self._found = start, self._walks.read(self._session, work) or ()
        places = [msgspec.json.decode(each.place) for each in self._found]
        return earliest(places, descending=self._descending) if places else None

    def reached(self, next: int, place: Place) -> None:
        """Note that the page ended at a place, and that the walk goes on at the index `next`."""
        text = msgspec.json.encode(place)
        mark = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), signed=True)
        leaving = self._leaving()
        again = bool(self._found) and leaving is None  # whoever asks waits somewhere already
        found = Reached(mark, text.decode(), 0 if again else 1, self._moment.now)

        def work(session: Session) -> None:
            rows.reach(session, self._key, next, found, self._moment, leaving)
            self._walks.tidy(session, self._moment)

        self._walks.write(self._session, work)

    def ended(self) -> None:
        """Note that the page was the list's last."""

        def work(session: Session) -> None:
            if leaving := self._leaving():
                rows.leave(session, self._key, leaving)
            rows.forget(session, self._key, self._moment)

        self._walks.write(self._session, work)

    def _leaving(self) -> Leaving | None:
        """Return who goes on: the oldest who waits, so that those who are left are remembered for as long."""
        waits = [each for each in self._found if each.waiting]
        return Leaving(self._start, min(waits, key=lambda each: each.at).mark) if waits else None


def earliest(places: Sequence[Place], *, descending: bool) -> Place:
    """Return the first of some places in one list, `descending` if its sort keys are.

    >>> earliest([[7], [5], [6]], descending=False), earliest([["b", 1], [None, 2]], descending=True)
    ([5], [None, 2])
    >>> earliest([["b", 1], [None, 2], ["a", 4], ["a", 3]], descending=False)
    ['a', 3]
    """
    ordered = sorted(places, key=lambda place: place[-1])
    if len(ordered[0]) > 1:
        ordered.sort(key=lambda place: _comparable(place[0]), reverse=descending)
    return ordered[0]


def _comparable(key: Any) -> list[Any]:
    """Return a sort key of a place as one that compares with every other: whether there is none, and it."""
    return key if isinstance(key, list) else [key is None, key or ""]
